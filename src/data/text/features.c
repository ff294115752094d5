/* features.c: the n-grams of texts as sparse counts, for linear models. */
#include "data/text/text.h"
#include "data/text/tokens.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "n-grams: out of memory");
}

/* Memory for one text: its numbers, all streams, and the columns they are. */
typedef struct desk {
    int32_t *ids, *to[WEFT_MAX_STREAMS], *found;
} desk;

static bool desk_make(desk *k, size_t length)
{
    k->ids = weft__alloc(length * WEFT_MAX_STREAMS, sizeof *k->ids);
    k->found = weft__alloc(length * WEFT_MAX_STREAMS, sizeof *k->found);
    for (int s = 0; s < WEFT_MAX_STREAMS && k->ids; s++)
        k->to[s] = k->ids + (size_t)s * length;
    return k->ids && k->found;
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The columns of text i, sorted, each with how often it is there; there is room. */
static void add_row(weft__features *f, weft_subset s, const weft__numbered *n, int i,
                    desk *k)
{
    size_t at = f->at[s][i];
    int count = 0, tokens = f->tokens[s][i] = weft__numbered_text(n, i, k->to, NULL);
    for (int stream = 0; stream < f->streams; stream++)
        for (int p = 0; p < tokens; p++)
            if (k->to[stream][p] > WEFT_UNKNOWN)
                k->found[count++] = f->base[stream] + k->to[stream][p];
    qsort(k->found, (size_t)count, sizeof *k->found, compare);
    for (int c = 0; c < count; c++)
        if (at > f->at[s][i] && f->column[s][at - 1] == k->found[c]) {
            f->count[s][at - 1] += 1;
        } else {
            f->column[s][at] = k->found[c];
            f->count[s][at++] = 1;
        }
    f->at[s][i + 1] = at;
}

static bool make_room(weft__features *f, weft_subset s, const weft__numbered *n)
{
    size_t most = 1, count = (size_t)n->count;
    for (int i = 0; i < n->count; i++)
        most += (size_t)weft__numbered_length(n, i) * (size_t)f->streams;
    f->at[s] = weft__alloc(count + 1, sizeof *f->at[s]);
    f->tokens[s] = weft__alloc(count + 1, sizeof *f->tokens[s]);
    f->column[s] = weft__alloc(most, sizeof *f->column[s]);
    f->count[s] = weft__alloc(most, sizeof *f->count[s]);
    return f->at[s] && f->tokens[s] && f->column[s] && f->count[s];
}

/* Gives back what was not needed. */
static void shrink(weft__features *f, weft_subset s, size_t used)
{
    void *column = realloc(f->column[s], (used + 1) * sizeof *f->column[s]);
    void *count = realloc(f->count[s], (used + 1) * sizeof *f->count[s]);
    if (column) f->column[s] = column;
    if (count) f->count[s] = count;
}

static weft_status read_subset(const weft_dataset *d, weft_subset s,
                               const weft_tokenizer *k, weft__features *f)
{
    weft__numbered n;
    desk own = {0};
    weft_status status = weft__numbered_begin(&n, d->content, s, k);
    if (!status && (!desk_make(&own, (size_t)k->length) || !make_room(f, s, &n)))
        status = no_memory();
    for (int i = 0; i < n.count && !status; i++) add_row(f, s, &n, i, &own);
    if (!status) shrink(f, s, f->at[s][n.count]);
    weft__numbered_end(&n);
    free(own.ids);
    free(own.found);
    return status;
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
    return weft__tokenizer_learn(d, &to, false, out);
}

static weft_status fill(const weft_dataset *d, const weft_tokenizer *k, int streams,
                        weft_subset last, weft__features *f)
{
    weft_status s = WEFT_OK;
    f->streams = streams;
    f->chars = k->granularity == WEFT_LEVEL_CHAR;
    snprintf(f->name, sizeof f->name, "1-%d-grams of %s", streams,
             f->chars ? "characters" : "words");
    for (int i = 0; i < streams; i++) {
        f->base[i] = f->columns;
        f->columns += weft_tokenizer_size(k, i);
    }
    for (int i = 0; i <= (int)last && !s; i++) s = read_subset(d, (weft_subset)i, k, f);
    return s;
}

weft_status weft__text_features(const weft_dataset *d, const weft__preprocess *p,
                                int streams, const weft__feature_opts *o,
                                weft_subset last, weft__features *out)
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
