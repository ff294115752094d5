/* params.c: parameters of one network for texts into another, rows of an embedding
 * by what they stand for: each network has numbered its own tokens. */
#include "data/text/text.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    weft_param_info info;
    float *rows;
} table;

enum { TABLES = 2 * WEFT_MAX_STREAMS }; /* table i is of stream i % WEFT_MAX_STREAMS */

typedef struct tables {
    table at[TABLES]; /* rows NULL: there is none */
} tables;

static const char *const name[TABLES] = {"embed_tokens.weight",  "embed_pairs.weight",
                                         "embed_triples.weight", "wide_tokens.weight",
                                         "wide_pairs.weight",    "wide_triples.weight"};

static void tables_free(tables *t)
{
    for (int i = 0; i < TABLES; i++) free(t->at[i].rows);
}

/* Copies of the embeddings of g. */
static weft_status tables_read(const weft_graph *g, tables *out)
{
    weft_status s = WEFT_OK;
    for (int k = 0; k < TABLES && !s; k++) {
        table *t = &out->at[k];
        if (!weft_param_find(g, name[k], &t->info) || t->info.shape.rank != 2) continue;
        t->rows = weft__alloc(t->info.count, sizeof *t->rows);
        s = t->rows ? weft_param_get(g, t->info.value, t->rows, t->info.count)
                    : weft__fail(WEFT_ENOMEM, "%s: out of memory", name[k]);
    }
    return s;
}

/* Rows of `from` by old's numbers over those of `to` by k's; how many. */
static int carry(const table *from, const weft_tokenizer *old, table *to,
                 const weft_tokenizer *k, int stream)
{
    size_t wide = (size_t)to->info.shape.dim[1];
    int found = 0, rows = to->info.shape.dim[0], size = weft_tokenizer_size(k, stream);
    if (from->info.shape.dim[1] != to->info.shape.dim[1]) return 0;
    for (int i = 0; i < rows && i < size; i++) {
        int at =
            i < 2 ? i
                  : weft_tokenizer_find(old, stream, weft_tokenizer_token(k, stream, i));
        if (at < 0 || at >= from->info.shape.dim[0]) continue;
        memcpy(to->rows + (size_t)i * wide, from->rows + (size_t)at * wide,
               wide * sizeof *to->rows);
        found += i >= 2;
    }
    return found;
}

static weft_status carry_all(weft_graph *to, const weft_tokenizer *k, tables *fresh,
                             const weft_graph *from, const weft_tokenizer *old,
                             int *known)
{
    tables there = {0};
    weft_status s = tables_read(from, &there);
    for (int i = 0; i < TABLES && !s; i++) {
        table *t = &fresh->at[i];
        if (!t->rows || !there.at[i].rows) continue;
        int found = carry(&there.at[i], old, t, k, i % WEFT_MAX_STREAMS);
        if (i < WEFT_MAX_STREAMS) *known += found;
        s = weft_param_set(to, t->info.value, t->rows, t->info.count);
    }
    tables_free(&there);
    return s;
}

/* Those that texts consist of. */
static int tokens_of(const weft_tokenizer *k)
{
    int n = 0;
    for (int i = 0; i < weft_tokenizer_streams(k); i++)
        n += weft_tokenizer_size(k, i) - 2;
    return n;
}

weft_status weft__text_copy_params(const weft__preprocess *p, weft_graph *to,
                                   const weft_graph *from, const weft_meta *meta,
                                   int *copied, int *left, char *note, size_t size)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    tables fresh = {0};
    weft_tokenizer *old = NULL;
    int found = 0;
    weft_status s = WEFT_OK;
    if (meta && weft_meta_get(meta, "weft.tokenizer"))
        s = weft_tokenizer_from_meta(meta, &old);
    if (!s) s = tables_read(to, &fresh);
    if (!s) s = weft_params_copy(to, from, copied, left);
    if (!s && old) s = carry_all(to, k, &fresh, from, old, &found);
    if (!s && old && size)
        snprintf(note, size, "its vocabulary knows %d of the %d tokens", found,
                 tokens_of(k));
    tables_free(&fresh);
    weft_tokenizer_free(old);
    return s;
}
