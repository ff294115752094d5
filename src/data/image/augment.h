/* augment.h: from 8-bit pixels to the network's input: random changes,
 * normalisation. */
#ifndef WEFT_SRC_DATA_IMAGE_AUGMENT_H
#define WEFT_SRC_DATA_IMAGE_AUGMENT_H

#include "data/image/image.h"

/* What is the same for all samples of a loader. */
typedef struct weft__augmenter {
    int channels, height, width;
    uint64_t seed;
    weft_augment how;
    float scale[4], offset[4]; /* x = u8 * scale + offset */
    float *row_scale,
        *row_offset; /* the same for each value of a row, [width*channels] */
} weft__augmenter;

/* Memory for one thread that works. */
typedef struct weft__scratch {
    unsigned char *pixels; /* one sample as read */
    unsigned char *row;
    float *image; /* one sample */
} weft__scratch;

/* WEFT_EUSAGE when a field of how is outside its range. */
weft_status weft__augmenter_make(weft__augmenter *a, const weft__image_preprocess *p,
                                 const weft_augment *how, uint64_t seed);
void weft__augmenter_free(weft__augmenter *a);
weft_status weft__scratch_make(weft__scratch *s, const weft__augmenter *a);
void weft__scratch_free(weft__scratch *s);

/* x[height][width][channels] from pixels, changed as (seed, epoch, sample) say. */
void weft__augment(const weft__augmenter *a, int epoch, int sample,
                   const unsigned char *pixels, float *x, weft__scratch *s);
/* Mixup's share of the sample, drawn from Beta(mixup, mixup) by (seed, epoch,
 * sample). */
float weft__mixup_share(const weft__augmenter *a, int epoch, int sample);

#endif
