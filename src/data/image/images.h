/* images.h: a data set of pictures from the inside: what the files of this folder call each other by. */
#ifndef WEFT_SRC_DATA_IMAGES_H
#define WEFT_SRC_DATA_IMAGES_H

#include "data/sink.h"

typedef struct weft__images weft__images;

typedef struct weft__images_opts {
    int height, width, channels;
    weft_image_fit fit;
    const char *val, *test;
    double val_fraction;
    bool no_val;
    uint64_t seed;
    bool plain_split; /* of the validation set: not by class */
    bool skip_bad;
    double skip_bad_max;
    const char *bad_list;
    double max_megapixels;
    bool no_check;
    int threads;
} weft__images_opts;

weft_status weft__images_survey(const char *path, const weft__images_opts *opts,
                                const weft__sink *sink, weft__images **out);
void weft__images_close(weft__images *d);
bool weft__images_probe(const char *path);
const char *weft__images_format(const weft__images *d);
int weft__images_count(const weft__images *d, weft_subset s);
int weft__images_classes(const weft__images *d);
const char *weft__images_class_name(const weft__images *d, int c);
void weft__images_shape(const weft__images *d, int *channels, int *height, int *width);
int weft__images_label(const weft__images *d, weft_subset s, int i);
void weft__images_sample_name(const weft__images *d, weft_subset s, int i, char *text,
                              size_t size);
const char *weft__images_hash(const weft__images *d);
weft_status weft__images_read(const weft__images *d, weft_subset s, int i,
                              unsigned char *pixels);
weft_status weft__images_moments(const weft__images *d, float mean[4], float std[4]);
/* check.c: notes and warnings of a lint. */
weft_status weft__images_lint(const weft__images *d, const weft__sink *sink);
/* memory.c: pictures of the caller. */
weft_status weft__images_from(const weft_arrays *a, const weft__images_opts *o,
                              weft__images **out);

typedef struct weft__image_loader_opts {
    weft_subset split;
    int batch;
    bool shuffle;
    bool drop_last;
    uint64_t seed;
    weft_augment augment;
    float mean[4], deviation[4]; /* x becomes (x/255 - mean) / deviation; 0 means 1 */
    int threads; /* that prepare batches ahead; 0 means 1; negative: the caller does it */
    int ahead;   /* batches prepared ahead; 0 means 4 */
} weft__image_loader_opts;

typedef struct weft__image_batch {
    int n;
    const float *x;       /* [n][height][width][channels], normalised */
    const int32_t *index; /* [n] sample numbers in the subset */
    const int32_t *partner; /* with mixup: [n] samples, and how much of each is its own */
    const float *share;
} weft__image_batch;

typedef struct weft__image_loader weft__image_loader;
weft_status weft__image_loader_new(const weft__images *d, const weft__image_loader_opts *opts,
                                   weft__image_loader **out);
void weft__image_loader_free(weft__image_loader *l);
int weft__image_loader_batches(const weft__image_loader *l);
weft_status weft__image_loader_start(weft__image_loader *l, int epoch, int first);
weft_status weft__image_loader_next(weft__image_loader *l, const weft__image_batch **out);

#endif
