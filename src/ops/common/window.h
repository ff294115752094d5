/* window.h: windows that slide over one or two axes, for convolutions and pools. */
#ifndef WEFT_SRC_OPS_COMMON_WINDOW_H
#define WEFT_SRC_OPS_COMMON_WINDOW_H

#include "ops/onnx.h"
#include "ops/common/shared.h"
#include "weft/ops.h"

/* How a window slides; options as the user gave them, defaults filled in. */
typedef struct weft__window {
    int axes; /* 1 or 2: how many elements of each pair count */
    int kernel[2], stride[2], dilate[2], pad[2], pad_end[2];
    weft_pad_mode mode;
    bool ceil;
} weft__window;

/* One axis with all sizes known: output i reads i*stride - before + j*dilate. */
typedef struct weft__window_axis {
    int size, kernel, stride, dilate, before, after, out;
} weft__window_axis;

/* No kernel has to compute positions beyond this. */
#define WEFT_WINDOW_LIMIT (1 << 30)

/* Fails with WEFT_ESHAPE unless in[i] is there, of floats and of rank low .. high. */
weft_status weft__need(const weft__node *node, const weft__tensor *in, int i,
                       const char *what, int low, int high);
/* weft__set_dims with the node's name before the message. */
weft_status weft__set_result(const weft__node *node, weft__tensor *out, int rank,
                             const int *dim);

/* Bytes of n rows of c reals, rounded up so that what follows is aligned for
 * vectors. */
static inline size_t weft__scratch_rows(size_t n, size_t c)
{
    return (n * c * sizeof(real) + 63) / 64 * 64;
}

/* Resolves s over the axes of x after the second: axis[0] rows, axis[1] columns; data
 * with one axis has one row. WEFT_EUSAGE or WEFT_ESHAPE with the node's name. */
weft_status weft__window_resolve(const weft__node *node, const weft__window *s,
                                 const weft__tensor *x, weft__window_axis axis[2]);
/* The other way round: axis[k].out is what x has, and .size, of the result, comes from
 * extra. */
weft_status weft__window_resolve_transposed(const weft__node *node, const weft__window *s,
                                            const int extra[2], const weft__tensor *x,
                                            weft__window_axis axis[2]);
/* Fills out: [n, channels, rows, columns] or [n, channels, columns]. */
weft_status weft__window_result(const weft__node *node, const weft__tensor *x,
                                int channels, int rows, int columns, weft__tensor *out);
/* Whether some window lies in the padding alone. */
bool weft__window_misses(const weft__window_axis axis[2]);

/* "3x3 s2 p1 d2" or "3 s2". */
void weft__window_text(const weft__window *s, char *text, size_t size);

/* kernel_shape, strides, pads, and dilations when `dilations`. */
void weft__window_to_onnx(weft__onnx_writer *w, const weft__window *s,
                          const weft__window_axis axis[2], bool dilations);
/* Reads kernel_shape (unless kernel is given, which it must then equal), strides, pads,
 * dilations and auto_pad of a node with that many axes. WEFT_EMODEL. */
weft_status weft__window_from_onnx(weft__onnx_node *n, int axes, const int *kernel,
                                   weft__window *s);
/* The number of axes of input 0, 1 or 2; WEFT_EMODEL otherwise. */
weft_status weft__onnx_axes(weft__onnx_node *n, int *axes);

/* A random slide and sizes of a picture that it fits on, in size[0 .. axes-1]. */
void weft__window_sample(weft__rng *rng, int axes, bool dilations, weft__window *s,
                         int size[2]);
/* [n, c, size[0]] or [n, c, size[0], size[1]]. */
weft_shape weft__picture(int n, int c, int axes, const int size[2]);

#endif
