/* conv.h: what the convolution files share. */
#ifndef WEFT_SRC_KERNELS_CONV_CONV_H
#define WEFT_SRC_KERNELS_CONV_CONV_H

#include "kernels/ukernel/ukernel.h"

/* One axis of a sweep: position q < out reads the inputs q*stride + first + i*step for
 * its taps i < taps (inputs outside the picture count as zero), takes element tap0 +
 * i*tap_step of the kernel for them, and its result belongs at phase + q*pitch. */
typedef struct conv_axis {
    int out, stride, first, step, taps;
    int tap0, tap_step;
    int phase, pitch;
} conv_axis;

/* Along rows when `down`, else along columns. */
conv_axis KERNEL(conv_axis)(const weft__conv *s, bool down);
/* The data gradient of stride s is s independent dense sweeps over dy, one for each
 * phase of the position modulo s. The taps are reversed, so that a dilation of 1
 * reads consecutive pixels. */
conv_axis KERNEL(conv_bwd_data_axis)(const weft__conv *s, bool down, int phase);

/* Taps from..to-1 of position q read inside a picture of `in`. */
static inline void conv_axis_clip(const conv_axis *a, int q, int in, int *from, int *to)
{
    long long at = (long long)q * a->stride + a->first;
    long long low = at < 0 ? (-at + a->step - 1) / a->step : 0;
    long long high = at < in ? (in - 1 - at) / a->step + 1 : 0;
    *from = (int)(low < a->taps ? low : a->taps);
    *to = (int)(high < a->taps ? high : a->taps);
    if (*to < *from) *to = *from;
}

/* Positions from..to-1 whose tap i reads inside a picture of `in`. */
static inline void conv_axis_inside(const conv_axis *a, int i, int in, int *from, int *to)
{
    long long at = (long long)i * a->step + a->first;
    long long low = at < 0 ? (-at + a->stride - 1) / a->stride : 0;
    long long high = at < in ? (in - 1 - at) / a->stride + 1 : 0;
    *from = (int)(low < a->out ? low : a->out);
    *to = (int)(high < a->out ? high : a->out);
    if (*to < *from) *to = *from;
}

/* dst gets the pixels from..from+count-1 of a row of `in` pixels, c channels each, with
 * zeros beyond its ends; a pixel begins every `pixel` elements in src and every `pitch`
 * in dst. */
void KERNEL(conv_gather)(real *dst, ptrdiff_t pitch, const real *src, ptrdiff_t pixel,
                         int in, int from, int count, int c);

/* Few channels: strips turned into planes (planar.c). Tap t of output (q, m) is at
 * offset[t] + (q - q0) * stride_h * row + m; taps in the order of w. */
enum { PLANAR_TAPS = 256, PLANAR_PHASES = 8, PLANAR_CHANNELS = 4 };
typedef struct planar_layout {
    int taps, wide, span; /* columns of a plane; input rows that one output row reads */
    ptrdiff_t row;        /* elements of all planes of an input row */
    int from[PLANAR_PHASES], to[PLANAR_PHASES]; /* columns inside the picture */
} planar_layout;
bool KERNEL(planar_fits)(const weft__conv *s, int channels); /* at most so many */
planar_layout KERNEL(planar_layout_of)(const weft__conv *s);
void KERNEL(planar_offsets)(const weft__conv *s, const planar_layout *p,
                            ptrdiff_t *offset);
/* What output rows q0 .. q0+rows-1 read, rows beyond the picture included, as zeros. Up
 * to a vector after the planes is written, too. */
void KERNEL(planar_pack)(const weft__conv *s, const planar_layout *p, real *dst,
                         const real *picture, ptrdiff_t pixel, int q0, int rows);

static inline size_t planar_elements(const weft__conv *s, const planar_layout *p,
                                     int rows)
{
    return (size_t)p->row * (size_t)((rows - 1) * s->stride_h + p->span);
}
enum { PLANAR_SLACK = WEFT_LANES };

/* The data gradient of such (planar_bwd_data.c). */
bool KERNEL(planar_bwd_data_fits)(const weft__conv *s);
size_t KERNEL(planar_bwd_data_scratch)(const weft__conv *s);
void KERNEL(planar_bwd_data)(const weft__conv *s, real *dx, const real *dy, const real *w,
                             void *scratch);

/* groups == c == o: each channel by itself. */
static inline bool conv_is_depthwise(const weft__conv *s)
{
    return s->groups == s->c && s->groups == s->o && s->c > 1;
}
void KERNEL(depthwise)(const weft__conv *s, bool data, real *y, const real *x,
                       const real *w, const real *bias, const weft__epilogue *e);
size_t KERNEL(depthwise_bwd_weights_scratch)(const weft__conv *s);
void KERNEL(depthwise_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                                   const real *x, void *scratch);

/* As sweeps of the row tile (direct.c): any convolution. data: the data gradient, y
 * of x is then dx of dy. */
size_t KERNEL(direct_scratch)(const weft__conv *s, bool data);
void KERNEL(direct)(const weft__conv *s, bool data, real *y, const real *x, const real *w,
                    const real *bias, const weft__epilogue *e, void *scratch);
size_t KERNEL(direct_prepacked_size)(const weft__conv *s); /* elements */
void KERNEL(direct_prepack)(const weft__conv *s, real *to, const real *w);

/* By Winograd's transforms: 3x3, stride 1, float. */
bool KERNEL(winograd_f43_possible)(
    const weft__conv *s); /* _fits: and it is quicker, too */
bool KERNEL(winograd_f43_fits)(const weft__conv *s, bool data);
size_t KERNEL(winograd_f43_scratch)(const weft__conv *s, bool data);
void KERNEL(winograd_f43)(const weft__conv *s, bool data, real *y, const real *x,
                          const real *w, const real *bias, const weft__epilogue *e,
                          void *scratch);

size_t KERNEL(winograd_f43_prepacked_size)(const weft__conv *s); /* elements */
void KERNEL(winograd_f43_prepack)(const weft__conv *s, real *to, const real *w);

/* 3x3 kernels over pictures of 2x2 pixels (winograd_2x2.c). */
bool KERNEL(winograd_2x2_fits)(const weft__conv *s);
size_t KERNEL(winograd_2x2_scratch)(const weft__conv *s, bool data);
void KERNEL(winograd_2x2)(const weft__conv *s, bool data, real *y, const real *x,
                          const real *w, const real *bias, const weft__epilogue *e,
                          void *scratch);
size_t KERNEL(winograd_2x2_prepacked_size)(const weft__conv *s); /* elements */
void KERNEL(winograd_2x2_prepack)(const weft__conv *s, real *to, const real *w);
size_t KERNEL(winograd_2x2_bwd_weights_scratch)(const weft__conv *s);
void KERNEL(winograd_2x2_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                                      const real *x, void *scratch);

bool KERNEL(winograd_f43_bwd_weights_fits)(const weft__conv *s);
size_t KERNEL(winograd_f43_bwd_weights_scratch)(const weft__conv *s);
void KERNEL(winograd_f43_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                                      const real *x, void *scratch);

/* Few outputs: p neighbours of a row as one pixel of p times the outputs
 * (width_fold.c). next to says how many; 1: it does not pay. */
int KERNEL(width_fold)(const weft__conv *s);
weft__conv KERNEL(width_fold_conv)(const weft__conv *s, int p);
size_t KERNEL(width_fold_size)(const weft__conv *s, int p); /* elements */
void KERNEL(width_fold_weights)(const weft__conv *s, int p, real *to, const real *w,
                                bool transposed);
void KERNEL(width_unfold_dw)(const weft__conv *s, int p, real *dw, const real *from);
/* The data gradient of a convolution of stride 1 as a convolution of dy; its kernel
 * is w transposed. */
weft__conv KERNEL(conv_of_bwd_data)(const weft__conv *s);

/* dw[tap, c][o] (+)= sum over output pixels of x[pixel, tap][c] * dy[pixel][o],
 * where x, dy and dw need not be dense: pixels begin every x_pixel and dy_pixel,
 * rows of dw every ldw elements. */
typedef struct wgrad {
    weft__conv s;
    const real *x, *dy;
    real *dw;
    ptrdiff_t x_pixel, dy_pixel, ldw;
    bool accumulate;
} wgrad;
size_t KERNEL(wgrad_scratch)(const wgrad *p);
void KERNEL(wgrad)(const wgrad *p, void *scratch);

/* A matrix that is the sum of several, its slices: the first one is where the sum shall
 * be, the others lie densely one after another. */
typedef struct split_k {
    real *to, *partial;
    ptrdiff_t ld; /* of `to` */
    size_t rows, count;
    int columns;
} split_k;
void KERNEL(reduce_split_k)(const split_k *l);

static inline real *partial_at(const split_k *l, size_t slice, size_t row)
{
    return slice ? l->partial + ((slice - 1) * l->rows + row) * (size_t)l->columns
                 : l->to + (ptrdiff_t)row * l->ld;
}

/* t, shared among threads. */
size_t KERNEL(gemm_tn_scratch)(const weft__gemm_tn *t);
void KERNEL(gemm_tn)(const weft__gemm_tn *t, void *scratch);

/* Convolutions that are one product: 1x1 with stride 1, or a kernel as large as the
 * picture. */
bool KERNEL(conv_as_product)(const weft__conv *s, weft__gemm *g);

/* Pictures so narrow that a tile's rows are not the pixels of a row, but the same pixel
 * of several pictures: then no tap outside a picture is multiplied. */
static inline bool conv_rows_are_images(const weft__conv *s, int out_w)
{
    return out_w < 4 && s->n >= TILE_ROWS_2 && s->groups == 1;
}

/* Multiply-adds of the convolution. */
static inline double conv_work(const weft__conv *s)
{
    return (double)s->n * s->oh * s->ow * s->o * s->kh * s->kw * (s->c / s->groups);
}

/* Items of work per range: all in one when the whole is too small to share. */
static inline size_t conv_grain(size_t items, double work)
{
    return work < TILE_SMALL_WORK ? items : 1;
}

static inline size_t tile_align(size_t floats)
{
    size_t line = 64 / sizeof(real);
    return (floats + line - 1) / line * line;
}

/* The first address in scratch that begins a cache line; scratch sizes include 64 bytes
 * for it. */
static inline real *scratch_aligned(void *scratch)
{
    return (real *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
}

#endif
