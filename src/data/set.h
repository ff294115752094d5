/* set.h: an opened data set from the inside; shared by the files of this room. */
#ifndef WEFT_SRC_SET_H
#define WEFT_SRC_SET_H

#include "data/image.h"
#include "data/labelled.h"

/* What the checks found out about one sample of the source. */
typedef struct weft__sample {
    int32_t height, width;
    uint64_t digest; /* of size and pixels; 0 when not decoded */
    int8_t channels;
    bool bad, misnamed;
} weft__sample;

/* Which sample of the source stands behind sample i of a split. */
typedef struct weft__origin {
    int32_t index;
    int32_t split;
} weft__origin;

/* A sample that cannot be read, and why. */
typedef struct weft__bad {
    int split, index; /* in the source */
    char *why;
} weft__bad;

struct weft__images {
    const weft__reader *reader;
    weft__source *source;
    char *path;
    weft__sample *sample[3]; /* by split of the source */
    unsigned char *cache[3]; /* every sample of the source decoded and fitted, or NULL */
    const unsigned char *pixels[3]; /* cache, or the source's own, or NULL */
    size_t bytes;                   /* of one fitted sample */
    weft__bad *bad;                 /* sorted by split and index */
    size_t bads, bad_room;
    int count[3]; /* of the set's splits from here on */
    weft__origin *origin[3];
    int32_t *label[3];
    int channels, height, width;
    weft_image_fit fit;
    char hash[65];
};

/* Pixels of a sample that is in memory, or NULL. */
const unsigned char *weft__images_pixels(const weft__images *d, weft_subset s, int i);
/* The set as labelled samples. */
weft__labelled weft__images_view(const weft__images *d);

/* A set of samples that a reader of ours holds already (no path); source is taken over. */
weft_status weft__images_adopt(const weft__reader *reader, weft__source *source,
                               const weft__images_opts *o, const weft__sink *sink,
                               weft__images **out);
/* Where sample i of a subset stands in the source. */
weft__origin weft__images_origin(const weft__images *d, weft_subset s, int i);

/* Calls one(arg, i) for i in 0 .. n-1 on at most `threads` workers (0: all); one() may
 * write only what belongs to i. */
void weft__each(size_t n, int threads, void (*one)(void *arg, size_t i), void *arg);

/* scan.c: headers, then pixels of every sample. Bad ones are marked; what is wrong with
 * them is told to sink, and weft_status says whether to go on. */
weft_status weft__scan_headers(weft__images *d, const weft__images_opts *o,
                               const weft__sink *sink);
weft_status weft__scan_pixels(weft__images *d, const weft__images_opts *o,
                              const weft__sink *sink);
weft_status weft__scan_verdict(weft__images *d, const weft__images_opts *o,
                               const weft__sink *sink);

/* split.c: which samples of the source are in which split. */
weft_status weft__images_split(weft__images *d, const weft__images_opts *o,
                             const weft__sink *sink);

#endif
