/* baseline_linear.c: linear models of sparse features (n-grams of texts).
 *
 * A sample's row has, for each feature f that occurs in it n times,
 *
 *   (1 + log n) * (log((1 + N) / (1 + samples with f)) + 1),     N training samples,
 *
 * divided by the row's Euclidean norm; and a constant 1. Classification: a support
 * vector machine, one class against the rest, min |w|^2 / 2 + cost * sum of max(0, 1
 * - y w.x)^2. Regression: ridge regression, min |w|^2 / 2 + cost * sum of (y -
 * w.x)^2. Both by dual coordinate descent (Hsieh et al. 2008; Ho and Lin 2012), as
 * LIBLINEAR does; the same bits for any number of threads. */
#include "task/baseline_linear.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/rng.h"
#include "base/thread.h"
#include "task/metrics/regression.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct machine {
    const weft_dataset *d;
    weft_linear_opts o;
    weft__features f; /* counts become weights in place */
    int n[3], classes;
    float *idf;         /* [columns] */
    float *score[3];    /* [n][classes] of validation and test */
    float *weight;      /* [classes][columns + 1]; NULL: not wanted */
    double stretch;     /* mean of a training sample's tokens / its row's norm */
    atomic_bool failed; /* a class ran out of memory */
} machine;

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "linear model: out of memory");
}

/* ---- features ---- */

static void count_samples(machine *m)
{
    const weft__features *f = &m->f;
    int n = m->n[WEFT_SUBSET_TRAIN];
    for (size_t e = 0; e < f->at[0][n]; e++) m->idf[f->column[0][e]] += 1;
    for (int k = 0; k < f->columns; k++)
        m->idf[k] = (float)(log((1.0 + n) / (1.0 + (double)m->idf[k])) + 1);
}

/* Returns the mean, over the samples, of tokens / norm of the row. */
static double weigh(const machine *m, int s)
{
    const size_t *at = m->f.at[s];
    float *value = m->f.count[s];
    double stretch = 0;
    for (int i = 0; i < m->n[s]; i++) {
        double sum = 0;
        for (size_t e = at[i]; e < at[i + 1]; e++) {
            value[e] = (1 + logf(value[e])) * m->idf[m->f.column[s][e]];
            sum += (double)value[e] * (double)value[e];
        }
        float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
        for (size_t e = at[i]; e < at[i + 1]; e++) value[e] *= scale;
        stretch += (double)m->f.tokens[s][i] * (double)scale / m->n[s];
    }
    return stretch;
}

/* Reads the subsets up to `last`. *made false: the modality has no features. */
static weft_status prepare(machine *m, const weft__preprocess *p, int streams, int last,
                           bool *made)
{
    const weft__modality *kind = m->d->modality;
    const weft__feature_opts o = {m->o.ngrams, m->o.max_length};
    *made = kind->features != NULL;
    if (!*made) return WEFT_OK;
    weft_status s = kind->features(m->d, p, streams, &o, (weft_subset)last, &m->f);
    m->idf = weft__alloc((size_t)m->f.columns + 1, sizeof *m->idf);
    if (!s && !m->idf) s = no_memory();
    for (int k = 0; k <= last; k++) m->n[k] = weft_dataset_count(m->d, (weft_subset)k);
    if (s) return s;
    count_samples(m);
    m->stretch = weigh(m, WEFT_SUBSET_TRAIN);
    for (int k = WEFT_SUBSET_VAL; k <= last; k++) weigh(m, k);
    return WEFT_OK;
}

/* The last weight is that of a constant 1. */
static double dot(const machine *m, int s, int i, const float *w)
{
    const size_t *at = m->f.at[s];
    double sum = (double)w[m->f.columns];
    for (size_t e = at[i]; e < at[i + 1]; e++)
        sum += (double)m->f.count[s][e] * (double)w[m->f.column[s][e]];
    return sum;
}

static void move(const machine *m, int i, float step, float *w)
{
    const size_t *at = m->f.at[0];
    for (size_t e = at[i]; e < at[i + 1]; e++)
        w[m->f.column[0][e]] += step * m->f.count[0][e];
    w[m->f.columns] += step;
}

/* The square of a row's length, its constant included. */
static double length_of(const machine *m, int i)
{
    return m->f.at[0][i + 1] > m->f.at[0][i] ? 2 : 1;
}

static void shuffle(const machine *m, int pass, uint64_t stream, uint32_t *order)
{
    weft__rng random =
        weft__rng_at(m->o.seed, WEFT_RNG_KEY(WEFT_RNG_SHUFFLE, pass), stream);
    weft__rng_shuffle(&random, order, (size_t)m->n[0]);
}

/* ---- classes ---- */

static void descend(const machine *m, int class_number, float *w, float *alpha,
                    uint32_t *order)
{
    const double diagonal = 0.5 / m->o.cost, enough = 0.01;
    int n = m->n[0];
    for (int i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (int pass = 0; pass < m->o.passes; pass++) {
        double worst = 0;
        shuffle(m, pass, (uint64_t)class_number, order);
        for (int k = 0; k < n; k++) {
            int i = (int)order[k];
            bool mine = weft_dataset_label(m->d, WEFT_SUBSET_TRAIN, i) == class_number;
            double y = mine ? 1 : -1;
            double slope = y * dot(m, 0, i, w) - 1 + diagonal * (double)alpha[i];
            if (alpha[i] <= 0 && slope > 0) continue;
            worst = fmax(worst, fabs(slope));
            double now = fmax((double)alpha[i] - slope / (length_of(m, i) + diagonal), 0);
            float step = (float)((now - (double)alpha[i]) * y);
            alpha[i] = (float)now;
            move(m, i, step, w);
        }
        if (worst < enough) return;
    }
}

static void train_classes(void *user, size_t from, size_t to, int worker)
{
    (void)worker;
    machine *m = user;
    size_t n = (size_t)m->n[0], columns = (size_t)m->f.columns + 1;
    /* of two classes the second decides: the first one's scores stay 0 */
    for (size_t c = from + (m->classes == 2); c < to + (m->classes == 2); c++) {
        float *w = calloc(columns, sizeof *w);
        float *alpha = calloc(n + 1, sizeof *alpha);
        uint32_t *order = calloc(n + 1, sizeof *order);
        if (w && alpha && order) {
            descend(m, (int)c, w, alpha, order);
            if (m->weight) memcpy(m->weight + c * columns, w, columns * sizeof *w);
            for (int s = WEFT_SUBSET_VAL; s <= WEFT_SUBSET_TEST; s++)
                for (int i = 0; i < m->n[s]; i++)
                    m->score[s][(size_t)i * (size_t)m->classes + c] =
                        (float)dot(m, s, i, w);
        } else {
            m->failed = true;
        }
        free(w);
        free(alpha);
        free(order);
    }
}

static double accuracy(const machine *m, weft_subset s)
{
    int n = m->n[s], right = 0;
    for (int i = 0; i < n; i++) {
        const float *x = m->score[s] + (size_t)i * (size_t)m->classes;
        int best = 0;
        for (int k = 1; k < m->classes; k++)
            if (x[k] > x[best]) best = k;
        right += best == weft_dataset_label(m->d, s, i);
    }
    return n ? (double)right / n : (double)NAN;
}

static machine machine_for(const weft_dataset *d, const weft_linear_opts *opts)
{
    machine m = {.d = d, .classes = weft_dataset_classes(d)};
    if (opts) m.o = *opts;
    if (!(m.o.cost > 0)) m.o.cost = 1;
    if (m.o.passes < 1) m.o.passes = 60;
    return m;
}

static weft_status solve(machine *m)
{
    for (int k = WEFT_SUBSET_VAL; k <= WEFT_SUBSET_TEST; k++) {
        m->score[k] =
            weft__alloc((size_t)m->n[k] * (size_t)m->classes + 1, sizeof(float));
        if (!m->score[k]) return no_memory();
    }
    weft__parallel((size_t)m->classes - (m->classes == 2), 1, train_classes, m);
    return m->failed ? no_memory() : WEFT_OK;
}

static void clear(machine *m)
{
    for (int k = 0; k < 3; k++) free(m->score[k]);
    weft__features_clear(&m->f);
    free(m->idf);
    free(m->weight);
}

WEFT_API weft_status weft_linear_baseline(const weft_dataset *d,
                                          const weft_linear_opts *opts,
                                          weft_linear_result *out)
{
    double began = weft__seconds();
    bool made = false;
    machine m = machine_for(d, opts);
    weft_status s = WEFT_OK;
    if (weft_dataset_target(d) != WEFT_TARGET_CLASS)
        s = weft__fail(WEFT_EUSAGE, "linear model: the targets are no classes");
    if (!s) s = prepare(&m, NULL, 0, WEFT_SUBSET_TEST, &made);
    if (!s && !made)
        s = weft__fail(WEFT_EUSAGE, "linear model: %s have no n-grams",
                       weft_dataset_noun(d));
    if (!s) s = solve(&m);
    if (!s) {
        *out = (weft_linear_result){.val_top1 = accuracy(&m, WEFT_SUBSET_VAL),
                                    .test_top1 = accuracy(&m, WEFT_SUBSET_TEST),
                                    .features = m.f.columns,
                                    .ngrams = m.f.streams,
                                    .seconds = weft__seconds() - began};
        memcpy(out->name, m.f.name, sizeof out->name);
    }
    clear(&m);
    return s;
}

static weft_scores one_score(double x, int count)
{
    weft_scores s = {.samples = count};
    if (count < 1) return s;
    s.n = 1;
    s.score[0] = (weft_score){
        .name = "accuracy_top1", .label = "top1", .value = x, .percent = true};
    return s;
}

weft_status weft__linear_beside(const weft_dataset *d, uint64_t seed, weft__baseline *out,
                                bool *made)
{
    weft_linear_result r;
    *made = d->modality->features != NULL;
    if (!*made) return WEFT_OK;
    weft_status s = weft_linear_baseline(d, &(weft_linear_opts){.seed = seed}, &r);
    if (s) return s;
    *out = (weft__baseline){
        .model = "linear",
        .val = one_score(r.val_top1, weft_dataset_count(d, WEFT_SUBSET_VAL)),
        .test = one_score(r.test_top1, weft_dataset_count(d, WEFT_SUBSET_TEST)),
        .features = r.features,
        .seconds = r.seconds};
    snprintf(out->title, sizeof out->title, "linear, %.50s", r.name);
    return WEFT_OK;
}

/* ---- values ---- */

static void descend_values(const machine *m, const float *y, float *w, float *alpha,
                           uint32_t *order)
{
    const double diagonal = 0.5 / m->o.cost, enough = 1e-3;
    int n = m->n[0];
    for (int i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (int pass = 0; pass < m->o.passes; pass++) {
        double worst = 0;
        shuffle(m, pass, 0, order);
        for (int k = 0; k < n; k++) {
            int i = (int)order[k];
            double slope = (double)y[i] - dot(m, 0, i, w) - diagonal * (double)alpha[i];
            float step = (float)(slope / (length_of(m, i) + diagonal));
            worst = fmax(worst, fabs(slope));
            alpha[i] += step;
            move(m, i, step, w);
        }
        if (worst < enough) return;
    }
}

/* Target k of the training samples with mean 0 and standard deviation 1. */
static void standardize(const weft_dataset *d, int k, int n, float *y, double *mean,
                        double *std)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += (double)weft_dataset_value(d, WEFT_SUBSET_TRAIN, i)[k];
    *mean = sum / n;
    for (int i = 0; i < n; i++) {
        double x = (double)weft_dataset_value(d, WEFT_SUBSET_TRAIN, i)[k] - *mean;
        squares += x * x;
    }
    *std = squares > 0 ? sqrt(squares / n) : 1;
    for (int i = 0; i < n; i++)
        y[i] = (float)(((double)weft_dataset_value(d, WEFT_SUBSET_TRAIN, i)[k] - *mean) /
                       *std);
}

/* Predictions of target k for every sample, into predicted[s] [n][values]. */
static weft_status solve_values(machine *m, int k, int values, float *const predicted[3])
{
    size_t n = (size_t)m->n[0] + 1;
    float *w = calloc((size_t)m->f.columns + 1, sizeof *w), *y = calloc(n, sizeof *y);
    float *alpha = calloc(n, sizeof *alpha);
    uint32_t *order = calloc(n, sizeof *order);
    bool all = w && y && alpha && order;
    if (all) {
        double mean, std;
        standardize(m->d, k, m->n[0], y, &mean, &std);
        if (m->f.columns) descend_values(m, y, w, alpha, order);
        for (int s = WEFT_SUBSET_VAL; s <= WEFT_SUBSET_TEST; s++)
            for (int i = 0; i < m->n[s]; i++)
                predicted[s][i * values + k] =
                    (float)(mean + (m->f.columns ? std * dot(m, s, i, w) : 0));
    }
    free(w);
    free(y);
    free(alpha);
    free(order);
    return all ? WEFT_OK : no_memory();
}

static weft_scores scores_of(const weft_dataset *d, weft_subset s, const float *predicted)
{
    int values = weft_dataset_values(d), n = weft_dataset_count(d, s);
    weft_scores out = {.samples = n};
    weft__regression *m =
        n ? weft__regression_new(values, weft_dataset_value(d, s, 0)) : NULL;
    if (!m) return out;
    for (int i = 0; i < n; i++)
        weft__regression_add(m, predicted + (size_t)i * (size_t)values,
                             weft_dataset_value(d, s, i));
    weft__regression_scores r = weft__regression_mean(m);
    out.n = 3;
    out.score[0] = (weft_score){.name = "r2", .label = "R2", .value = r.r2};
    out.score[1] = (weft_score){
        .name = "mae", .label = "MAE", .value = r.mae, .lower_is_better = true};
    out.score[2] = (weft_score){
        .name = "rmse", .label = "RMSE", .value = r.rmse, .lower_is_better = true};
    weft__regression_free(m);
    return out;
}

static weft_status values_beside(machine *m, weft__baseline *out)
{
    bool linear = false;
    float *predicted[3] = {NULL};
    int values = weft_dataset_values(m->d);
    weft_status s = prepare(m, NULL, 0, WEFT_SUBSET_TEST, &linear);
    for (int k = 0; k < 3; k++) m->n[k] = weft_dataset_count(m->d, (weft_subset)k);
    for (int k = WEFT_SUBSET_VAL; k <= WEFT_SUBSET_TEST && !s; k++) {
        predicted[k] = weft__alloc((size_t)m->n[k] * (size_t)values + 1, sizeof(float));
        if (!predicted[k]) s = no_memory();
    }
    for (int k = 0; k < values && !s; k++) s = solve_values(m, k, values, predicted);
    if (!s) {
        *out = (weft__baseline){.features = linear ? m->f.columns : values};
        out->val = scores_of(m->d, WEFT_SUBSET_VAL, predicted[WEFT_SUBSET_VAL]);
        out->test = scores_of(m->d, WEFT_SUBSET_TEST, predicted[WEFT_SUBSET_TEST]);
        snprintf(out->model, sizeof out->model, linear ? "linear" : "mean");
        snprintf(out->title, sizeof out->title,
                 linear ? "linear, %.50s" : "the training mean", m->f.name);
    }
    for (int k = 0; k < 3; k++) free(predicted[k]);
    return s;
}

weft_status weft__values_beside(const weft_dataset *d, uint64_t seed, weft__baseline *out,
                                bool *made)
{
    double began = weft__seconds();
    machine m = machine_for(d, &(weft_linear_opts){.seed = seed});
    weft_status s = values_beside(&m, out);
    *made = !s;
    if (!s) out->seconds = weft__seconds() - began;
    clear(&m);
    return s;
}

/* ---- a network's wide part ---- */

/* What token i of a stream adds to class c, at a mean over the tokens. Of two
 * classes the second one's score stands between both. */
static void fill_table(const machine *m, int stream, int size, float *table)
{
    for (int c = 0; c < m->classes; c++) {
        int of = m->classes == 2 ? 1 : c;
        double factor = m->classes == 2 ? c - 0.5 : 1;
        const float *w = m->weight + (size_t)of * ((size_t)m->f.columns + 1);
        /* the constant's weight goes to every token */
        double all = stream ? 0 : (double)w[m->f.columns];
        for (int i = 0; i < size; i++) {
            int f = m->f.base[stream] + i;
            double own = i > 1 ? m->stretch * (double)w[f] * (double)m->idf[f] : 0;
            table[(size_t)i * (size_t)m->classes + (size_t)c] =
                i ? (float)(factor * (own + all)) : 0;
        }
    }
}

weft_status weft__linear_tables(const weft_dataset *d, const weft__preprocess *p,
                                int streams, const weft_linear_opts *opts,
                                const int *size, float *const table[])
{
    bool made = false;
    machine m = machine_for(d, opts);
    weft_status s = prepare(&m, p, streams, WEFT_SUBSET_TRAIN, &made);
    if (!s && !made) s = weft__fail(WEFT_EUSAGE, "linear model: there are no n-grams");
    if (!s) {
        m.weight =
            weft__alloc((size_t)m.classes * ((size_t)m.f.columns + 1), sizeof(float));
        if (!m.weight) s = no_memory();
    }
    if (!s) s = solve(&m);
    for (int i = 0; i < streams && !s; i++) fill_table(&m, i, size[i], table[i]);
    clear(&m);
    return s;
}
