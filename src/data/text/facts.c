/* facts.c: what a report says of texts, and their n-grams as sparse features. */
#include "data/text/text.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 50 };

/* Texts of a subset by a tokenizer's numbers. */
typedef struct reading {
    const weft_tokenizer *k;
    const weft__segmented *seg;
    int32_t *number, *ids; /* ids: one text, all streams */
    int32_t *to[WEFT_MAX_STREAMS];
} reading;

static void reading_end(reading *r)
{
    free(r->number);
    free(r->ids);
}

static weft_status reading_begin(reading *r, const weft_dataset *d, const weft_tokenizer *k)
{
    size_t length = (size_t)weft_tokenizer_length(k);
    *r = (reading){.k = k};
    weft_status s =
        weft__texts_segment(weft__texts_of(d), k->unit, k->keep_case, k->keep_width, &r->seg);
    if (s) return s;
    r->number = weft__segmented_numbers(r->seg, k);
    r->ids = weft__alloc(length * WEFT_MAX_STREAMS, sizeof *r->ids);
    if (!r->number || !r->ids) {
        reading_end(r);
        return weft__fail(WEFT_ENOMEM, "texts: out of memory");
    }
    for (int i = 0; i < weft_tokenizer_streams(k); i++) r->to[i] = r->ids + (size_t)i * length;
    return WEFT_OK;
}

static int read_text(reading *r, weft_subset s, int i, int *unknown)
{
    return weft__segmented_ids(r->seg, r->k, r->number, s, i, r->to, unknown);
}

/* ---- facts ---- */

/* Tokens and unknown ones of a subset, and how many texts have each length. */
typedef struct statistics {
    int64_t tokens, unknown;
    int longest;
    double mean;
} statistics;

static statistics count(reading *r, const weft_dataset *d, weft_subset s, double *of_length)
{
    statistics out = {0};
    for (int i = 0; i < d->count[s]; i++) {
        int unknown = 0, taken = read_text(r, s, i, &unknown);
        out.tokens += taken;
        out.unknown += unknown;
        if (taken > out.longest) out.longest = taken;
        if (of_length) of_length[taken] += 1;
    }
    out.mean = d->count[s] ? (double)out.tokens / d->count[s] : 0;
    return out;
}

/* Columns of equal width over 1 .. longest. */
static void tell_lengths(const double *of_length, int longest, const weft__fact_sink *sink)
{
    double x[COLUMNS], y[COLUMNS];
    int wide = (longest + COLUMNS - 1) / COLUMNS, n = wide ? (longest + wide - 1) / wide : 0;
    for (int i = 0; i < n; i++) {
        x[i] = i * wide + (wide + 1) / 2.0;
        y[i] = 0;
        for (int k = i * wide + 1; k <= (i + 1) * wide && k <= longest; k++)
            y[i] += of_length[k];
    }
    sink->histogram(sink->user, "Length of the training texts", "tokens that are read", n, x, y);
}

static double share(const statistics *s)
{
    return s->tokens ? 100 * (double)s->unknown / (double)s->tokens : 0;
}

static void say(const weft__fact_sink *sink, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const weft__fact_sink *sink, const char *key, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (key)
        sink->fact(sink->user, key, text);
    else
        sink->note(sink->user, text);
}

static void tell_vocabulary(const weft_dataset *d, const weft_tokenizer *k,
                            const statistics *train, const statistics *shown, const char *part,
                            const weft__fact_sink *sink)
{
    const char *unit = k->unit == WEFT_LEVEL_CHAR ? "characters" : "words";
    say(sink, "Tokens", "%s, at most %d of a text", unit, weft_tokenizer_length(k));
    say(sink, "Vocabulary", "%d", weft_tokenizer_size(k, 0));
    if (weft_tokenizer_streams(k) > 1) say(sink, "Pairs", "%d", weft_tokenizer_size(k, 1));
    if (weft_tokenizer_streams(k) > 2) say(sink, "Triples", "%d", weft_tokenizer_size(k, 2));
    say(sink, "Length, mean and longest", "%.1f, %d tokens", train->mean, train->longest);
    say(sink, "Unknown tokens", "%.2f %% in training, %.2f %% in the %s set", share(train),
        share(shown), part);
    if (weft_dataset_replaced(d))
        say(sink, "Invalid UTF-8, replaced", "%lld", (long long)weft_dataset_replaced(d));
    say(sink, NULL,
        "The training texts have %.1f %s on average; the vocabulary knows %d. Of the %s set's "
        "%lld tokens %.2f %% are unknown to it.",
        train->mean, unit, weft_tokenizer_size(k, 0) - 2, part, (long long)shown->tokens,
        share(shown));
}

weft_status weft__text_facts(const weft_dataset *d, const weft__preprocess *p, weft_subset shown,
                             const weft__fact_sink *sink)
{
    static const char *const part[] = {"training", "validation", "test"};
    const weft_tokenizer *k = weft__tokenizer_of(p);
    double *of_length = weft__alloc((size_t)weft_tokenizer_length(k) + 1, sizeof *of_length);
    reading r;
    if (!of_length) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status s = reading_begin(&r, d, k);
    if (!s) {
        statistics train = count(&r, d, WEFT_SUBSET_TRAIN, of_length);
        statistics other = count(&r, d, shown, NULL);
        tell_lengths(of_length, train.longest, sink);
        tell_vocabulary(d, k, &train, &other, part[shown], sink);
        reading_end(&r);
    }
    free(of_length);
    return s;
}

/* ---- features ---- */

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool grow(weft__features *f, weft_subset s, size_t *room, size_t need)
{
    if (need <= *room) return true;
    size_t more = need < *room * 2 ? *room * 2 : need + 4096;
    int32_t *column = realloc(f->column[s], more * sizeof *column);
    if (column) f->column[s] = column;
    float *value = realloc(f->count[s], more * sizeof *value);
    if (value) f->count[s] = value;
    if (column && value) *room = more;
    return column && value;
}

/* The columns of one text, sorted, each with how often it is there. */
static bool add_row(weft__features *f, weft_subset s, int i, size_t *room, int32_t *found,
                    int count)
{
    size_t at = f->at[s][i];
    if (!grow(f, s, room, at + (size_t)count)) return false;
    qsort(found, (size_t)count, sizeof *found, compare);
    for (int k = 0; k < count; k++)
        if (at > f->at[s][i] && f->column[s][at - 1] == found[k]) {
            f->count[s][at - 1] += 1;
        } else {
            f->column[s][at] = found[k];
            f->count[s][at++] = 1;
        }
    f->at[s][i + 1] = at;
    return true;
}

static weft_status read_subset(reading *r, const weft_dataset *d, weft_subset s,
                               weft__features *f)
{
    size_t most = (size_t)weft_tokenizer_length(r->k) * (size_t)f->streams, room = 0;
    int n = d->count[s];
    int32_t *found = weft__alloc(most + 1, sizeof *found);
    f->at[s] = weft__alloc((size_t)n + 1, sizeof *f->at[s]);
    f->tokens[s] = weft__alloc((size_t)n + 1, sizeof *f->tokens[s]);
    bool good = found && f->at[s] && f->tokens[s];
    for (int i = 0; i < n && good; i++) {
        int tokens = f->tokens[s][i] = read_text(r, s, i, NULL), count = 0;
        for (int k = 0; k < f->streams; k++)
            for (int p = 0; p < tokens; p++)
                if (r->to[k][p] > 1) found[count++] = f->base[k] + r->to[k][p];
        good = add_row(f, s, i, &room, found, count);
    }
    free(found);
    return good ? WEFT_OK : weft__fail(WEFT_ENOMEM, "n-grams: out of memory");
}

/* A vocabulary of n-grams of its own. */
static weft_status learn(const weft_dataset *d, const weft__feature_opts *o,
                         weft_tokenizer **out)
{
    const weft_tokenizer_opts *own = &d->opts.text.tokenizer;
    weft_tokenizer_opts to = {.level = own->level,
                              .ngrams = o->ngrams,
                              .max_size = {200000, 500000, 500000},
                              .max_length = o->max_length ? o->max_length : 2000,
                              .keep_case = own->keep_case,
                              .keep_width = own->keep_width};
    if (!to.level) to.level = weft__texts_level(weft__texts_of(d));
    if (!to.ngrams) to.ngrams = to.level == WEFT_LEVEL_WORD ? 2 : 3;
    return weft__tokenizer_learn(weft__texts_of(d), &to, out);
}

static weft_status fill(const weft_dataset *d, const weft_tokenizer *k, int streams,
                        weft_subset last, weft__features *f)
{
    reading r;
    f->streams = streams;
    f->chars = k->unit == WEFT_LEVEL_CHAR;
    snprintf(f->name, sizeof f->name, "1-%d-grams of %s", streams,
             f->chars ? "characters" : "words");
    for (int i = 0; i < streams; i++) {
        f->base[i] = f->columns;
        f->columns += weft_tokenizer_size(k, i);
    }
    weft_status s = reading_begin(&r, d, k);
    if (s) return s;
    for (int i = 0; i <= (int)last && !s; i++) s = read_subset(&r, d, (weft_subset)i, f);
    reading_end(&r);
    return s;
}

weft_status weft__text_features(const weft_dataset *d, const weft__preprocess *p, int streams,
                                const weft__feature_opts *o, weft_subset last,
                                weft__features *out)
{
    weft_tokenizer *own = NULL;
    weft__features f = {0};
    weft_status s = p ? WEFT_OK : learn(d, o, &own);
    const weft_tokenizer *k = p ? weft__tokenizer_of(p) : own;
    if (!s) s = fill(d, k, p ? streams : weft_tokenizer_streams(k), last, &f);
    weft_tokenizer_free(own);
    if (s)
        weft__features_clear(&f);
    else
        *out = f;
    return s;
}
