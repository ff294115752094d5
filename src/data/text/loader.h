/* loader.h: batches of a subset of texts. */
#ifndef WEFT_SRC_DATA_TEXT_LOADER_H
#define WEFT_SRC_DATA_TEXT_LOADER_H

#include "data/tokenizer.h"

typedef struct weft__text_loader_opts {
    weft_subset split;
    int batch;      /* texts; 0 means 64 */
    bool shuffle;   /* a new order every epoch, a function of (seed, epoch) */
    bool similar;   /* texts of similar length share a batch */
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;
} weft__text_loader_opts;

typedef struct weft__text_batch {
    int n, streams;
    int length;  /* max_length: the second dimension of tokens */
    int longest; /* of this batch */
    const int32_t *tokens[WEFT_MAX_STREAMS]; /* [n][length], 0 past the end */
    const int32_t *lengths;                  /* [n], 1 .. length */
    const int32_t *index;                    /* [n] sample numbers in the subset */
} weft__text_batch;

typedef struct weft__text_loader weft__text_loader;
/* Numbers the subset once. t and k must outlive the loader. */
weft_status weft__text_loader_new(weft__texts *t, const weft_tokenizer *k,
                                  const weft__text_loader_opts *opts, weft__text_loader **out);
void weft__text_loader_free(weft__text_loader *l);
int weft__text_loader_batches(const weft__text_loader *l);
weft_status weft__text_loader_start(weft__text_loader *l, int epoch, int first);
weft_status weft__text_loader_next(weft__text_loader *l, const weft__text_batch **out);

#endif
