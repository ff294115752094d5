/* winograd.h: Winograd's short convolutions, for 3x3 kernels of stride 1: a tile of 4x4
 * results is 36 products in place of 144.
 *
 *   F(4x4,3x3):  y  = A^T [ (G w G^T) . (B^T x B) ] A    x 6x6, w 3x3, y 4x4
 *   F(3x3,4x4):  dw = Z^T [ (B^T x B) . (H dy H^T) ] Z   x 6x6, dy 4x4, dw 3x3
 *
 * with the points 0, 1, -1, 2, -2 and infinity. Each "." is one of 36 matrix products
 * over channels, or over tiles for the weight gradient. The functions here are the
 * one-dimensional transforms; a step is the distance from one element to the next. */
#ifndef WEFT_SRC_KERNELS_CONV_WINOGRAD_H
#define WEFT_SRC_KERNELS_CONV_WINOGRAD_H

#include "kernels/conv/conv.h"

#define WINO_IN 6  /* pixels that a tile reads, along an axis */
#define WINO_OUT 4 /* results along an axis */
#define WINO_POINTS (WINO_IN * WINO_IN)

/* to[6] = B^T d[6] */
WEFT_INLINE void wino_input(vec *to, int to_step, const vec *d, int step)
{
    const vec two = vset1(2), four = vset1(4);
    vec d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    vec even = vfnma(four, d2, d4), odd = vfnma(four, d1, d3);
    vec far = vsub(d4, d2), near = vsub(d3, d1);
    to[0] = vfma(four, vsub(d[0], d2), far);
    to[to_step] = vadd(even, odd);
    to[2 * to_step] = vsub(even, odd);
    to[3 * to_step] = vfma(two, near, far);
    to[4 * to_step] = vfnma(two, near, far);
    to[5 * to_step] = vfnma(four, near, vsub(d[5 * step], d3));
}

/* to[6] = G w[3] */
WEFT_INLINE void wino_weights(vec *to, int to_step, const vec *w, int step)
{
    const vec sixth = vset1((real)(1.0 / 6)), part = vset1((real)(1.0 / 24));
    const vec four = vset1(4);
    vec w0 = w[0], w1 = w[step], w2 = w[2 * step];
    vec ends = vneg(vmul(sixth, vadd(w0, w2))), middle = vmul(sixth, w1);
    vec even = vmul(part, vfma(four, w2, w0)), odd = vmul(vset1((real)(1.0 / 12)), w1);
    to[0] = vmul(vset1((real)0.25), w0);
    to[to_step] = vsub(ends, middle);
    to[2 * to_step] = vadd(ends, middle);
    to[3 * to_step] = vadd(even, odd);
    to[4 * to_step] = vsub(even, odd);
    to[5 * to_step] = w2;
}

/* to[4] = A^T m[6] */
WEFT_INLINE void wino_output(vec *to, int to_step, const vec *m, int step)
{
    vec m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step];
    vec even = vadd(m1, m2), odd = vsub(m1, m2);
    vec far_even = vadd(m3, m4), far_odd = vsub(m3, m4);
    to[0] = vadd(vadd(m[0], even), far_even);
    to[to_step] = vfma(vset1(2), far_odd, odd);
    to[2 * to_step] = vfma(vset1(4), far_even, even);
    to[3 * to_step] = vadd(vfma(vset1(8), far_odd, odd), m[5 * step]);
}

/* to[6] = H dy[4] */
WEFT_INLINE void wino_dy(vec *to, int to_step, const vec *d, int step)
{
    const vec sixth = vset1((real)(1.0 / 6)), part = vset1((real)(1.0 / 24));
    const vec four = vset1(4);
    vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    vec even = vneg(vmul(sixth, vadd(d0, d2))), odd = vmul(sixth, vadd(d1, d3));
    vec far_even = vmul(part, vfma(four, d2, d0));
    vec far_odd = vmul(vset1((real)(1.0 / 12)), vfma(four, d3, d1));
    to[0] = vmul(vset1((real)0.25), d0);
    to[to_step] = vsub(even, odd);
    to[2 * to_step] = vadd(even, odd);
    to[3 * to_step] = vadd(far_even, far_odd);
    to[4 * to_step] = vsub(far_even, far_odd);
    to[5 * to_step] = d3;
}

/* to[3] = Z^T m[6] */
WEFT_INLINE void wino_dw(vec *to, int to_step, const vec *m, int step)
{
    vec m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step];
    vec even = vadd(m1, m2), far_even = vadd(m3, m4);
    to[0] = vadd(vadd(m[0], even), far_even);
    to[to_step] = vfma(vset1(2), vsub(m3, m4), vsub(m1, m2));
    to[2 * to_step] = vadd(vfma(vset1(4), far_even, even), m[5 * step]);
}

/* ---- what both directions share ---- */

static inline size_t parts(size_t n, size_t of)
{
    return (n + of - 1) / of;
}

/* An odd number of cache lines, so that the 36 planes do not crowd into the same
 * sets. */
static inline ptrdiff_t wino_plane(size_t elements)
{
    size_t line = 64 / sizeof(real);
    return (ptrdiff_t)((parts(elements, line) | 1) * line);
}

WEFT_INLINE void wino_input_vector(real *v, ptrdiff_t plane, const real *const *at, int c,
                                   int n)
{
    vec d[WINO_IN], half[WINO_POINTS], all[WINO_IN];
    WEFT_UNROLL
    for (int j = 0; j < WINO_IN; j++) {
        WEFT_UNROLL
        for (int i = 0; i < WINO_IN; i++) d[i] = vload_tail(at[i * WINO_IN + j] + c, n);
        wino_input(half + j, WINO_IN, d, 1);
    }
    WEFT_UNROLL
    for (int i = 0; i < WINO_IN; i++) {
        wino_input(all, 1, half + i * WINO_IN, 1);
        WEFT_UNROLL
        for (int j = 0; j < WINO_IN; j++)
            vstore(v + (i * WINO_IN + j) * plane + c, all[j]);
    }
}

/* Asks for what the tile below will read first, the rows from h and on: of few
 * pixels, they end before the processor fetches them ahead by itself. Pixels of more
 * channels do not fit the cache so long before they are read. */
static inline void wino_prefetch(const real *image, int h, int w, int in_w, int c)
{
    const int channels_most = 256;
    ptrdiff_t row = (ptrdiff_t)in_w * c, first = h * row + (ptrdiff_t)w * c;
    size_t run = (size_t)(WINO_OUT * c) * sizeof(real);
    uintptr_t at = (uintptr_t)image + (uintptr_t)first * sizeof(real);
    if (c > channels_most) return;
    for (int i = 0; i < WINO_OUT; i++, at += (uintptr_t)row * sizeof(real))
        for (size_t j = 0; j < run; j += 64) __builtin_prefetch((const void *)(at + j));
}

/* Where the 6x6 pixels of the tile at (h, w) of a picture are; zeros outside it. */
static inline void wino_pixels(const real **at, const real *image, int h, int w, int in_h,
                               int in_w, int c, const real *zeros)
{
    for (int i = 0; i < WINO_IN; i++)
        for (int j = 0; j < WINO_IN; j++) {
            bool inside = h + i >= 0 && h + i < in_h && w + j >= 0 && w + j < in_w;
            at[i * WINO_IN + j] =
                inside ? image + ((ptrdiff_t)(h + i) * in_w + w + j) * c : zeros;
        }
}

#endif
