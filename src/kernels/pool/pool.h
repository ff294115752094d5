/* pool.h: windows over a picture, as the pooling kernels share them. */
#ifndef WEFT_SRC_KERNELS_POOL_POOL_H
#define WEFT_SRC_KERNELS_POOL_POOL_H

#include "kernels/simd/vec.h"

#include "base/thread.h"

/* Before a loop over taps, whose bounds are constant at some calls only: clang unrolls
 * those unasked, and warns of the others. */
#ifdef __clang__
#define TAPS_UNROLL
#else
#define TAPS_UNROLL WEFT_UNROLL
#endif

/* POOL_SMALL: steps of a vector (backwards elements, four for one) that are worth
 * waking another thread for. */
enum { POOL_SMALL = 1 << 12, POOL_PART = 64 };

/* Window positions from..to-1 (each `dilate` apart, the first at `at`) that lie in
 * 0..in-1. */
static inline void pool_clip(int at, int k, int dilate, int in, int *from, int *to)
{
    int low = at < 0 ? (dilate == 1 ? -at : (-at + dilate - 1) / dilate) : 0;
    int high = at >= in ? 0 : dilate == 1 ? in - at : (in - 1 - at) / dilate + 1;
    *from = low < k ? low : k;
    *to = high < k ? high : k;
    if (*to < *from) *to = *from;
}

/* One window over one picture: rows i0..i1-1 and columns j0..j1-1 of it are inside; row
 * and column are where its first element lies in the picture (or outside it). */
typedef struct window {
    int i0, i1, j0, j1;
    int row, column;
} window;

static inline window window_at(const weft__pool *p, int q, int r)
{
    window w = {.row = q * p->stride_h - p->top, .column = r * p->stride_w - p->left};
    pool_clip(w.row, p->kh, p->dilate_h, p->h, &w.i0, &w.i1);
    pool_clip(w.column, p->kw, p->dilate_w, p->w, &w.j0, &w.j1);
    return w;
}

/* Makes w, of this row, the window of column r; returns how many windows from there on
 * have the same columns inside: all of them, or it is one alone. */
static inline int window_run(const weft__pool *p, window *w, int r)
{
    const int reach = p->dilate_w * (p->kw - 1) + 1;
    w->column = r * p->stride_w - p->left;
    pool_clip(w->column, p->kw, p->dilate_w, p->w, &w->j0, &w->j1);
    if (w->column < 0 || w->column > p->w - reach) return 1;
    const int more = (p->w - reach - w->column) / p->stride_w + 1;
    return more < p->ow - r ? more : p->ow - r;
}

static inline int window_position(const weft__pool *p, const window *w, int i, int j)
{
    return (w->row + i * p->dilate_h) * p->w + w->column + j * p->dilate_w;
}

/* Rows of output are the items forwards; what one costs decides how many make a
 * range. */
static inline size_t pool_rows(const weft__pool *p)
{
    return (size_t)p->n * (size_t)p->oh;
}

static inline size_t pool_grain(const weft__pool *p)
{
    double vectors = (p->c + WEFT_LANES - 1) / WEFT_LANES;
    double row = p->ow * (vectors * p->kh * p->kw + 1);
    double rows = POOL_SMALL / row + 1;
    return rows < (double)pool_rows(p) ? (size_t)rows : pool_rows(p);
}

/* Some channels of one image are the items backwards: all windows in order. */
typedef struct pool_part {
    size_t count; /* of each image */
    int channels; /* of one */
} pool_part;

static inline pool_part pool_parts(const weft__pool *p)
{
    pool_part s = {.channels = p->n >= 16 || p->c <= POOL_PART ? p->c : POOL_PART};
    s.count = (size_t)(p->c + s.channels - 1) / (size_t)s.channels;
    return s;
}

static inline void pool_back(const weft__pool *p, weft__work *task, void *job)
{
    const pool_part s = pool_parts(p);
    size_t items = (size_t)p->n * s.count;
    double one = ((double)p->h * p->w + (double)p->oh * p->ow) * s.channels;
    double range = POOL_SMALL * 4 / (one + 1) + 1;
    weft__parallel(items, range < (double)items ? (size_t)range : items, task, job);
}

/* Item `item` of pool_back: channels c0 and on, `channels` of them, of image
 * `image`. */
typedef struct pool_item {
    size_t x, y; /* where its first element lies in dx and in dy */
    int channels;
} pool_item;

static inline pool_item pool_item_at(const weft__pool *p, size_t item)
{
    const pool_part s = pool_parts(p);
    const size_t image = item / s.count, c = (size_t)p->c;
    const int c0 = (int)(item % s.count) * s.channels;
    return (pool_item){image * (size_t)p->h * (size_t)p->w * c + (size_t)c0,
                       image * (size_t)p->oh * (size_t)p->ow * c + (size_t)c0,
                       p->c - c0 < s.channels ? p->c - c0 : s.channels};
}

/* dx = 0, c channels of every pixel of one image. */
static inline void pool_clear(const weft__pool *p, real *dx, int c)
{
    size_t pixels = (size_t)p->h * (size_t)p->w;
    if (c == p->c) {
        memset(dx, 0, pixels * (size_t)c * sizeof *dx);
        return;
    }
    for (size_t i = 0; i < pixels; i++)
        memset(dx + i * (size_t)p->c, 0, (size_t)c * sizeof *dx);
}

#endif
