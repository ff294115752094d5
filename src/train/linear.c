/* linear.c: a linear model of n-grams: tf-idf and a support vector machine. What a
 * network must be better than to be worth its time. */
#include "train/linear.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/thread.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Texts as sparse rows: entries of row i are at[i] .. at[i + 1]. */
typedef struct rows {
    int n;
    size_t *at;
    int32_t *tokens; /* of each text */
    int32_t *column;
    float *value;
    size_t room;
} rows;

typedef struct machine {
    const weft_texts *t;
    const weft_tokenizer *k;
    weft_tokenizer *own; /* k, unless it was given */
    weft_linear_opts o;
    int streams, classes, features;
    int base[WEFT_MAX_STREAMS]; /* a stream's first column */
    float *idf;                 /* [features] */
    rows set[3];                /* by split */
    float *score[3];            /* [n][classes] of validation and test */
    float *weight;              /* [classes][features + 1]; NULL: not kept */
    double stretch;             /* mean of a training text's length / its row's norm */
    atomic_bool failed;         /* a class ran out of memory */
} machine;

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "linear model: out of memory");
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool grow(rows *r, size_t need)
{
    if (need <= r->room) return true;
    size_t room = need < r->room * 2 ? r->room * 2 : need + 4096;
    int32_t *column = realloc(r->column, room * sizeof *column);
    if (column) r->column = column;
    float *value = realloc(r->value, room * sizeof *value);
    if (value) r->value = value;
    if (column && value) r->room = room;
    return column && value;
}

/* The columns of one text, sorted, each with how often it is there. */
static bool add_row(rows *r, int i, int32_t *found, int count)
{
    size_t at = r->at[i];
    if (!grow(r, at + (size_t)count)) return false;
    qsort(found, (size_t)count, sizeof *found, compare);
    for (int k = 0; k < count; k++)
        if (at > r->at[i] && r->column[at - 1] == found[k]) {
            r->value[at - 1] += 1;
        } else {
            r->column[at] = found[k];
            r->value[at++] = 1;
        }
    r->at[i + 1] = at;
    return true;
}

static weft_status read_split(machine *m, weft_split split)
{
    rows *r = &m->set[split];
    int length = weft_tokenizer_length(m->k), streams = weft_tokenizer_streams(m->k);
    size_t room = (size_t)length * (size_t)streams;
    int32_t *ids = weft__alloc(room, sizeof *ids),
            *found = weft__alloc(room, sizeof *ids);
    r->n = weft_texts_count(m->t, split);
    r->at = weft__alloc((size_t)r->n + 1, sizeof *r->at);
    r->tokens = weft__alloc((size_t)r->n + 1, sizeof *r->tokens);
    bool good = ids && found && r->at && r->tokens;
    for (int i = 0; i < r->n && good; i++) {
        size_t bytes;
        int count = 0;
        const char *text = weft_texts_get(m->t, split, i, &bytes);
        int32_t *to[WEFT_MAX_STREAMS] = {NULL};
        for (int s = 0; s < streams; s++) to[s] = ids + s * length;
        int n = r->tokens[i] = weft_tokenize(m->k, text, bytes, to, NULL);
        for (int s = 0; s < m->streams; s++)
            for (int p = 0; p < n; p++)
                if (to[s][p] > 1) found[count++] = m->base[s] + to[s][p];
        good = add_row(r, i, found, count);
    }
    free(ids);
    free(found);
    return good ? WEFT_OK : no_memory();
}

static void count_texts(machine *m)
{
    const rows *r = &m->set[WEFT_TRAIN];
    for (size_t e = 0; e < r->at[r->n]; e++) m->idf[r->column[e]] += 1;
    for (int f = 0; f < m->features; f++)
        m->idf[f] = (float)(log((1.0 + r->n) / (1.0 + m->idf[f])) + 1);
}

/* Returns the mean, over the texts, of tokens / norm of the row. */
static double weigh(const machine *m, rows *r)
{
    double stretch = 0;
    for (int i = 0; i < r->n; i++) {
        double sum = 0;
        for (size_t e = r->at[i]; e < r->at[i + 1]; e++) {
            r->value[e] = (1 + logf(r->value[e])) * m->idf[r->column[e]];
            sum += (double)r->value[e] * r->value[e];
        }
        float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
        for (size_t e = r->at[i]; e < r->at[i + 1]; e++) r->value[e] *= scale;
        stretch += (double)r->tokens[i] * (double)scale / r->n;
    }
    return stretch;
}

/* The last weight is that of a constant 1. */
static double dot(const machine *m, const rows *r, int i, const float *w)
{
    double sum = w[m->features];
    for (size_t e = r->at[i]; e < r->at[i + 1]; e++)
        sum += (double)r->value[e] * w[r->column[e]];
    return sum;
}

/* min over w of |w|^2 / 2 + cost * sum of max(0, 1 - y w.x)^2, in the dual. */
static void descend(const machine *m, int class_number, float *w, float *alpha,
                    uint32_t *order)
{
    const rows *r = &m->set[WEFT_TRAIN];
    const double diagonal = 0.5 / m->o.cost, enough = 0.01;
    for (int i = 0; i < r->n; i++) order[i] = (uint32_t)i;
    for (int pass = 0; pass < m->o.passes; pass++) {
        double worst = 0;
        weft__rng random = weft__rng_at(m->o.seed, WEFT_RNG_KEY(WEFT_RNG_SHUFFLE, pass),
                                        (uint64_t)class_number);
        weft__rng_shuffle(&random, order, (size_t)r->n);
        for (int k = 0; k < r->n; k++) {
            int i = (int)order[k];
            double y = weft_texts_label(m->t, WEFT_TRAIN, i) == class_number ? 1 : -1;
            double slope = y * dot(m, r, i, w) - 1 + diagonal * alpha[i];
            if (alpha[i] <= 0 && slope > 0) continue;
            worst = fmax(worst, fabs(slope));
            double q = (r->at[i + 1] > r->at[i] ? 2 : 1) + diagonal;
            double now = fmax(alpha[i] - slope / q, 0);
            float step = (float)((now - alpha[i]) * y);
            alpha[i] = (float)now;
            for (size_t e = r->at[i]; e < r->at[i + 1]; e++)
                w[r->column[e]] += step * r->value[e];
            w[m->features] += step;
        }
        if (worst < enough) return;
    }
}

static void train_classes(void *user, size_t from, size_t to, int worker)
{
    (void)worker;
    machine *m = user;
    size_t n = (size_t)m->set[WEFT_TRAIN].n;
    /* of two classes the second decides: the first one's scores stay 0 */
    for (size_t c = from + (m->classes == 2); c < to + (m->classes == 2); c++) {
        float *w = calloc((size_t)m->features + 1, sizeof *w);
        float *alpha = calloc(n + 1, sizeof *alpha);
        uint32_t *order = calloc(n + 1, sizeof *order);
        if (w && alpha && order) {
            descend(m, (int)c, w, alpha, order);
            if (m->weight)
                memcpy(m->weight + c * ((size_t)m->features + 1), w,
                       ((size_t)m->features + 1) * sizeof *w);
            for (int s = WEFT_VAL; s <= WEFT_TEST; s++)
                for (int i = 0; i < m->set[s].n; i++)
                    m->score[s][(size_t)i * (size_t)m->classes + c] =
                        (float)dot(m, &m->set[s], i, w);
        } else {
            m->failed = true;
        }
        free(w);
        free(alpha);
        free(order);
    }
}

static double accuracy(const machine *m, weft_split split)
{
    int n = m->set[split].n, right = 0;
    for (int i = 0; i < n; i++) {
        const float *x = m->score[split] + (size_t)i * (size_t)m->classes;
        int best = 0;
        for (int k = 1; k < m->classes; k++)
            if (x[k] > x[best]) best = k;
        right += best == weft_texts_label(m->t, split, i);
    }
    return n ? (double)right / n : (double)NAN;
}

static weft_status learn_tokenizer(machine *m)
{
    weft_unit unit = m->o.unit;
    weft_tokenizer_opts o = {.unit = unit,
                             .ngrams = m->o.ngrams ? m->o.ngrams : 3,
                             .max_size = {200000, 500000, 500000},
                             .max_length = m->o.max_length ? m->o.max_length : 2000,
                             .keep_case = m->o.keep_case,
                             .keep_width = m->o.keep_width};
    weft_status s = weft_tokenizer_learn(m->t, &o, &m->own);
    if (s || m->o.ngrams || weft_tokenizer_unit(m->own) != WEFT_UNIT_WORD) return s;
    weft_tokenizer_free(m->own);
    m->own = NULL;
    o.ngrams = 2;
    return weft_tokenizer_learn(m->t, &o, &m->own);
}

/* Reads the splits up to the last one. */
static weft_status prepare(machine *m, int last)
{
    for (int k = 0; k < m->streams; k++) {
        m->base[k] = m->features;
        m->features += weft_tokenizer_size(m->k, k);
    }
    m->classes = weft_texts_classes(m->t);
    m->idf = weft__alloc((size_t)m->features + 1, sizeof *m->idf);
    weft_status s = m->idf ? WEFT_OK : no_memory();
    for (int k = 0; k <= last && !s; k++) {
        s = read_split(m, (weft_split)k);
        size_t n = (size_t)m->set[k].n;
        m->score[k] = k ? weft__alloc(n * (size_t)m->classes + 1, sizeof(float)) : NULL;
        if (!s && k && !m->score[k]) s = no_memory();
    }
    if (s) return s;
    count_texts(m);
    m->stretch = weigh(m, &m->set[WEFT_TRAIN]);
    for (int k = WEFT_VAL; k <= last; k++) weigh(m, &m->set[k]);
    return WEFT_OK;
}

static machine machine_for(const weft_texts *t, const weft_linear_opts *opts)
{
    machine m = {.t = t};
    if (opts) m.o = *opts;
    if (!(m.o.cost > 0)) m.o.cost = 1;
    if (m.o.passes < 1) m.o.passes = 60;
    return m;
}

static weft_status solve(machine *m)
{
    weft__parallel((size_t)m->classes - (m->classes == 2), 1, train_classes, m);
    return m->failed ? no_memory() : WEFT_OK;
}

static void clear(machine *m)
{
    for (int k = 0; k < 3; k++) {
        free(m->set[k].at);
        free(m->set[k].tokens);
        free(m->set[k].column);
        free(m->set[k].value);
        free(m->score[k]);
    }
    free(m->idf);
    free(m->weight);
    weft_tokenizer_free(m->own);
}

weft_status weft_linear_baseline(const weft_texts *t, const weft_linear_opts *opts,
                                 weft_linear_result *out)
{
    double began = weft__seconds();
    machine m = machine_for(t, opts);
    weft_status s = learn_tokenizer(&m);
    m.k = m.own;
    if (!s) m.streams = weft_tokenizer_streams(m.k);
    if (!s) s = prepare(&m, WEFT_TEST);
    if (!s) s = solve(&m);
    if (!s)
        *out = (weft_linear_result){.val_top1 = accuracy(&m, WEFT_VAL),
                                    .test_top1 = accuracy(&m, WEFT_TEST),
                                    .features = m.features,
                                    .ngrams = m.streams,
                                    .unit = weft_tokenizer_unit(m.k),
                                    .seconds = weft__seconds() - began};
    clear(&m);
    return s;
}

/* What piece f of column base + f adds to class c, at a mean over the tokens. Of two
 * classes the second one's score stands between both. */
static void fill_table(const machine *m, int stream, float *table)
{
    int size = weft_tokenizer_size(m->k, stream);
    for (int c = 0; c < m->classes; c++) {
        int of = m->classes == 2 ? 1 : c;
        double factor = m->classes == 2 ? c - 0.5 : 1;
        const float *w = m->weight + (size_t)of * ((size_t)m->features + 1);
        /* the constant's weight goes to every token */
        double all = stream ? 0 : w[m->features];
        for (int i = 0; i < size; i++) {
            int f = m->base[stream] + i;
            double own = i > 1 ? m->stretch * (double)w[f] * (double)m->idf[f] : 0;
            table[(size_t)i * (size_t)m->classes + (size_t)c] =
                i ? (float)(factor * (own + all)) : 0;
        }
    }
}

weft_status weft__linear_tables(const weft_texts *t, const weft_tokenizer *k, int streams,
                                const weft_linear_opts *opts, float *const table[])
{
    machine m = machine_for(t, opts);
    m.k = k;
    m.streams = streams;
    weft_status s = prepare(&m, WEFT_TRAIN);
    if (!s) {
        m.weight =
            weft__alloc((size_t)m.classes * ((size_t)m.features + 1), sizeof(float));
        if (!m.weight) s = no_memory();
    }
    if (!s) s = solve(&m);
    for (int i = 0; i < streams && !s; i++) fill_table(&m, i, table[i]);
    clear(&m);
    return s;
}
