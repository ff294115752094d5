/* wide.c: the start of a network's wide part: the weights of a linear model. */
#include "train/linear.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>

static const char *const names[WEFT_MAX_STREAMS] = {
    "wide_tokens.weight", "wide_pairs.weight", "wide_triples.weight"};

static weft_status find(const weft_graph *g, const weft_texts *t, const weft_tokenizer *k,
                        weft_param_info part[WEFT_MAX_STREAMS], int *streams)
{
    *streams = 0;
    while (*streams < WEFT_MAX_STREAMS &&
           weft_param_find(g, names[*streams], &part[*streams]))
        ++*streams;
    if (!*streams || *streams > weft_tokenizer_streams(k))
        return weft__fail(
            WEFT_EUSAGE, "the network's wide part reads %d streams, the tokenizer has %d",
            *streams, weft_tokenizer_streams(k));
    for (int s = 0; s < *streams; s++)
        if (part[s].shape.dim[0] != weft_tokenizer_size(k, s) ||
            part[s].shape.dim[1] != weft_texts_classes(t))
            return weft__fail(WEFT_ESHAPE, "%s is [%d, %d], must be [%d, %d]", names[s],
                              part[s].shape.dim[0], part[s].shape.dim[1],
                              weft_tokenizer_size(k, s), weft_texts_classes(t));
    return WEFT_OK;
}

weft_status weft_text_wide_start(weft_graph *g, const weft_texts *t,
                                 const weft_tokenizer *k, const weft_linear_opts *opts)
{
    weft_param_info part[WEFT_MAX_STREAMS];
    float *table[WEFT_MAX_STREAMS] = {NULL};
    double scale = opts && opts->scale > 0 ? opts->scale : 4;
    int streams;
    weft_status s = find(g, t, k, part, &streams);
    for (int i = 0; i < streams && !s; i++) {
        table[i] = weft__alloc(part[i].count, sizeof(float));
        if (!table[i]) s = weft__fail(WEFT_ENOMEM, "wide part: out of memory");
    }
    if (!s) s = weft__linear_tables(t, k, streams, opts, table);
    for (int i = 0; i < streams && !s; i++) {
        for (size_t e = 0; e < part[i].count; e++) table[i][e] *= (float)scale;
        s = weft_param_set(g, part[i].value, table[i], part[i].count);
    }
    for (int i = 0; i < WEFT_MAX_STREAMS; i++) free(table[i]);
    return s;
}
