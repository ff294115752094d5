/* prefetch.h: batches of samples that are floats of one size, in a new order every
 * epoch, prepared ahead on threads: a loader for modalities with such samples. */
#ifndef WEFT_SRC_DATA_PREFETCH_H
#define WEFT_SRC_DATA_PREFETCH_H

#include "data/dataset.h"

/* How samples are made. Functions get `of`, and may be called from several threads
 * at once; each thread has its own scratch. */
typedef struct weft__maker {
    void *of;
    void (*free)(void *of);
    int count;                                              /* samples */
    size_t each;                                            /* floats of one */
    weft_status (*scratch_new)(const void *of, void **out); /* NULL: none is wanted */
    void (*scratch_free)(void *scratch);                    /* takes NULL */
    /* x [each] of a sample, as it is in that epoch. */
    weft_status (*load)(const void *of, int epoch, int sample, float *x, void *scratch);
    /* Mixup: the sample's own share; NULL: samples are not mixed. */
    float (*share)(const void *of, int epoch, int sample);
} weft__maker;

/* threads: that prepare batches ahead; 0: the caller does it. m->of is taken over,
 * also in a failure. *out is for the functions below, which are hooks of a modality. */
weft_status weft__prefetch_new(const weft__maker *m, const weft_loader_opts *o,
                               int threads, void **out);
void weft__prefetch_free(void *l);
int weft__prefetch_batches(const void *l);
weft_status weft__prefetch_start(void *l, int epoch, int first);
/* Fills x, index and, where samples are mixed, partner and share. */
weft_status weft__prefetch_next(void *l, weft_batch *out);

#endif
