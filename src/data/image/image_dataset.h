/* image_dataset.h: a data set of pictures from the inside; shared by the files of this
 * modality. */
#ifndef WEFT_SRC_DATA_IMAGE_IMAGE_DATASET_H
#define WEFT_SRC_DATA_IMAGE_IMAGE_DATASET_H

#include "data/image/picture.h"
#include "data/checks.h"

/* What the checks found out about one sample of the source. */
typedef struct weft__sample {
    int32_t height, width;
    uint64_t digest; /* of size and pixels; 0 when not decoded */
    int8_t channels;
    bool bad, misnamed;
} weft__sample;

/* Which sample of the source stands after sample i of a subset. */
typedef struct weft__origin {
    int32_t index;
    int32_t split;
} weft__origin;

/* A sample that cannot be read, and why. */
typedef struct weft__bad {
    int split, index; /* in the source */
    char *why;
} weft__bad;

/* The content of a data set of pictures. */
typedef struct weft__images {
    const weft__reader *reader;
    weft__source *source;
    const weft_arrays *arrays; /* the caller's, in the source; NULL: from files */
    const char *path;          /* the data set's */
    float *number; /* of each class of the source, where targets are values; NaN: none */
    weft__sample *sample[3]; /* by subset of the source */
    unsigned char *cache[3]; /* every sample of the source decoded and fitted, or NULL */
    const unsigned char *pixels[3]; /* cache, or the source's own, or NULL */
    size_t bytes;                   /* of one fitted sample */
    weft__bad *bad;                 /* sorted by subset and index */
    size_t bads, bad_room;
    weft__origin *origin[3]; /* by subset of the data set */
    int channels, height, width;
    weft_image_fit fit;
} weft__images;

static inline const weft__images *weft__images_of(const weft_dataset *d)
{
    return d->content;
}

/* image_dataset.c: opens, checks and splits. */
bool weft__images_probe(const char *path);
weft_status weft__images_open(const char *path, const weft_dataset_opts *o,
                              const weft__sink *sink, weft_dataset *d);
/* The same of a source that a reader of ours holds already; it is taken over. */
weft_status weft__images_adopt(const weft__reader *reader, weft__source *source,
                               const weft_arrays *arrays, const weft_dataset_opts *o,
                               const weft__sink *sink, weft_dataset *d);
void weft__images_close(weft__images *m);
/* Pixels of a sample that is in memory, or NULL. */
const unsigned char *weft__images_pixels(const weft_dataset *d, weft_subset s, int i);
weft_status weft__images_read(const weft_dataset *d, weft_subset s, int i,
                              unsigned char *pixels);

/* Calls one(arg, i) for i in 0 .. n-1 on at most `threads` workers (0: all); one() may
 * write only what belongs to i. */
void weft__each(size_t n, int threads, void (*one)(void *arg, size_t i), void *arg);

/* image_scan.c: headers, then pixels of every sample. Bad ones are marked; what is
 * wrong with them is told to sink, and weft_status says whether to go on. */
weft_status weft__scan_headers(weft__images *m, const weft_dataset_opts *o,
                               const weft__sink *sink);
weft_status weft__scan_pixels(weft__images *m, const weft_dataset_opts *o,
                              const weft__sink *sink);
weft_status weft__scan_bad_samples(const weft__images *m, const weft_dataset_opts *o,
                                   const weft__sink *sink);

/* split.c: which samples of the source are in which subset of d, with their targets. */
weft_status weft__images_split(weft__images *m, const weft_dataset_opts *o,
                               weft_dataset *d);

/* image_check.c: what a lint says besides. */
void weft__images_summary(const weft_dataset *d, const weft__sink *sink);

/* channel_stats.c: mean and std of each channel over the training samples, in units of
 * 0..1; 0 and 0 of channels that are not there. */
weft_status weft__images_moments(const weft_dataset *d, float mean[4], float std[4]);

#endif
