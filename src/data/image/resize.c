/* resize.c: brings a picture to the size and channels of the network's input.
 *
 * Each new pixel is a weighted mean of old ones; the weights are a triangle (bilinear)
 * whose half width is one old pixel when enlarging and one new pixel when shrinking, so
 * that nothing is skipped: what PIL's BILINEAR and torchvision's antialias=True do.
 * Weights are rounded to 22 bits and sums are integers, rows first, then columns, 8 bit
 * in between. */
#include "base/checked.h"
#include "base/error.h"
#include "data/image/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BITS = 22, PAD_GREY = 114 };

/* For each new position: where the old ones begin, how many, and their weights. */
typedef struct taps {
    int n, most; /* new positions; most weights of one */
    int *first, *count;
    int32_t *weight; /* [n][most] */
} taps;

/* A part of the old picture, in pixels and fractions, and its place in the new one. */
typedef struct place {
    double top, left, height, width; /* of the old picture */
    int y, x, h, w;                  /* of the new one */
} place;

static void taps_free(taps *t)
{
    free(t->first);
    free(t->weight);
    *t = (taps){0};
}

/* Weights of new position i into t; row is scratch of t->most doubles. */
static void fill_tap(taps *t, int i, int old, double begin, double scale, double *row)
{
    double reach = scale < 1 ? 1 : scale, sum = 0;
    double centre = begin + (i + 0.5) * scale;
    int first = (int)(centre - reach + 0.5), end = (int)(centre + reach + 0.5);
    int32_t *w = t->weight + (size_t)i * (size_t)t->most;
    if (first < 0) first = 0;
    if (end > old) end = old;
    t->first[i] = first;
    t->count[i] = end - first;
    for (int k = 0; k < t->count[i]; k++) {
        double d = fabs((first + k - centre + 0.5) / reach);
        row[k] = d < 1 ? 1 - d : 0;
        sum += row[k];
    }
    for (int k = 0; k < t->count[i]; k++)
        w[k] = (int32_t)(row[k] / sum * (1 << WEIGHT_BITS) + 0.5);
}

/* Taps that bring old[begin .. begin+length) to n positions. */
static weft_status taps_make(taps *t, int old, double begin, double length, int n)
{
    double scale = length / n, *row;
    *t = (taps){.n = n, .most = 2 * (int)ceil(scale < 1 ? 1 : scale) + 1};
    t->first = weft__alloc((size_t)n * 2, sizeof *t->first);
    t->weight = weft__alloc((size_t)n * (size_t)t->most, sizeof *t->weight);
    row = weft__alloc((size_t)t->most, sizeof *row);
    if (!t->first || !t->weight || !row) {
        taps_free(t);
        free(row);
        return weft__fail(WEFT_ENOMEM, "no memory to resize a picture");
    }
    t->count = t->first + n;
    for (int i = 0; i < n; i++) fill_tap(t, i, old, begin, scale, row);
    free(row);
    return WEFT_OK;
}

static unsigned char to_byte(int32_t sum)
{
    int v = sum >> WEIGHT_BITS;
    return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One row of c channels: to[t->n][c] from from[][c]. */
static void across(const taps *t, int c, const unsigned char *from, unsigned char *to)
{
    for (int i = 0; i < t->n; i++) {
        const int32_t *w = t->weight + (size_t)i * (size_t)t->most;
        const unsigned char *p = from + (size_t)t->first[i] * (size_t)c;
        int32_t sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1),
                          1 << (WEIGHT_BITS - 1)};
        if (c == 1)
            for (int k = 0; k < t->count[i]; k++) sum[0] += w[k] * p[k];
        else
            for (int k = 0; k < t->count[i]; k++, p += 3) {
                sum[0] += w[k] * p[0];
                sum[1] += w[k] * p[1];
                sum[2] += w[k] * p[2];
            }
        for (int k = 0; k < c; k++) *to++ = to_byte(sum[k]);
    }
}

/* New row i of `bytes` bytes from rows that begin at old row `from_row`. */
static void down(const taps *t, int i, const unsigned char *rows, int from_row,
                 size_t bytes, int32_t *sum, unsigned char *to)
{
    const int32_t *w = t->weight + (size_t)i * (size_t)t->most;
    const unsigned char *p = rows + (size_t)(t->first[i] - from_row) * bytes;
    for (size_t b = 0; b < bytes; b++) sum[b] = 1 << (WEIGHT_BITS - 1);
    for (int k = 0; k < t->count[i]; k++, p += bytes) {
        int32_t wk = w[k];
        for (size_t b = 0; b < bytes; b++) sum[b] += wk * p[b];
    }
    for (size_t b = 0; b < bytes; b++) to[b] = to_byte(sum[b]);
}

/* Resamples pl's part of p into its place in out, whose rows have `stride` bytes. */
static weft_status resample(const weft__picture *p, const place *pl, unsigned char *out,
                            size_t stride)
{
    taps rows = {0}, columns = {0};
    int c = p->channels, first = 0, end;
    size_t bytes = (size_t)pl->w * (size_t)c;
    unsigned char *middle = NULL;
    int32_t *sum = NULL;
    weft_status s = taps_make(&columns, p->width, pl->left, pl->width, pl->w);
    if (!s) s = taps_make(&rows, p->height, pl->top, pl->height, pl->h);
    if (s) goto out;
    first = rows.first[0];
    end = rows.first[pl->h - 1] + rows.count[pl->h - 1];
    middle = weft__alloc((size_t)(end - first), bytes);
    sum = weft__alloc(bytes, sizeof *sum);
    if (!middle || !sum) {
        s = weft__fail(WEFT_ENOMEM, "no memory to resize a picture");
        goto out;
    }
    for (int y = first; y < end; y++)
        across(&columns, c, p->pixels + (size_t)y * (size_t)p->width * (size_t)c,
               middle + (size_t)(y - first) * bytes);
    out += (size_t)pl->y * stride + (size_t)pl->x * (size_t)c;
    for (int y = 0; y < pl->h; y++, out += stride)
        down(&rows, y, middle, first, bytes, sum, out);
out:
    free(middle);
    free(sum);
    taps_free(&rows);
    taps_free(&columns);
    return s;
}

/* round(a * b / c), at least 1 and at most `most` */
static int share(int a, int b, int c, int most)
{
    int64_t v = (2 * (int64_t)a * b + c) / (2 * (int64_t)c);
    return v < 1 ? 1 : v > most ? most : (int)v;
}

static place where(const weft__picture *p, int height, int width, weft_image_fit fit)
{
    place pl = {0, 0, p->height, p->width, 0, 0, height, width};
    /* Is the old picture wider, by its aspect ratio, than the new one? */
    bool wider = (int64_t)p->width * height > (int64_t)width * p->height;
    if (fit == WEFT_FIT_CROP && wider) {
        pl.width = (double)width * p->height / height;
        pl.left = (p->width - pl.width) / 2;
    } else if (fit == WEFT_FIT_CROP) {
        pl.height = (double)height * p->width / width;
        pl.top = (p->height - pl.height) / 2;
    } else if (fit == WEFT_FIT_LETTERBOX && wider) {
        pl.h = share(p->height, width, p->width, height);
        pl.y = (height - pl.h) / 2;
    } else if (fit == WEFT_FIT_LETTERBOX) {
        pl.w = share(p->width, height, p->height, width);
        pl.x = (width - pl.w) / 2;
    }
    return pl;
}

/* ITU-R 601, as PIL's convert("L"). */
static void to_grey(const unsigned char *rgb, size_t pixels, unsigned char *grey)
{
    for (size_t i = 0; i < pixels; i++, rgb += 3)
        grey[i] = (unsigned char)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u +
                                   0x8000u) >>
                                  16);
}

/* n grey bytes at p become n RGB pixels in place. */
static void spread(unsigned char *p, size_t n)
{
    while (n--) p[3 * n + 2] = p[3 * n + 1] = p[3 * n] = p[n];
}

weft_status weft__picture_fit(const weft__picture *p, int channels, int height, int width,
                              weft_image_fit fit, unsigned char *out)
{
    weft__picture work = *p;
    unsigned char *grey = NULL;
    size_t pixels = (size_t)height * (size_t)width;
    weft_status s = WEFT_OK;
    if (channels == 1 && p->channels == 3) {
        size_t n = (size_t)p->height * (size_t)p->width;
        grey = weft__alloc(n, 1);
        if (!grey) return weft__fail(WEFT_ENOMEM, "no memory for %zu pixels", n);
        to_grey(p->pixels, n, grey);
        work.pixels = grey;
        work.channels = 1;
    }
    if (work.height == height && work.width == width) {
        memcpy(out, work.pixels, pixels * (size_t)work.channels);
    } else {
        place pl = where(&work, height, width, fit);
        if (pl.h < height || pl.w < width)
            memset(out, PAD_GREY, pixels * (size_t)work.channels);
        s = resample(&work, &pl, out, (size_t)width * (size_t)work.channels);
    }
    if (!s && channels == 3 && work.channels == 1) spread(out, pixels);
    free(grey);
    return s;
}
