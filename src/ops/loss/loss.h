/* loss.h: what losses that compare x with a target of the same shape have in common. */
#ifndef WEFT_SRC_OPS_LOSS_LOSS_H
#define WEFT_SRC_OPS_LOSS_LOSS_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/shared.h"

typedef struct weft__loss_attr {
    weft_reduction reduction;
    double beta;
} weft__loss_attr;

/* inputs: x, target and what else the loss has. */
weft_value weft__loss_add(weft_graph *g, const char *op, const weft_value *in, int nin,
                          weft_reduction reduction, double beta);
weft_status weft__loss_shape(const weft__node *node, const weft__tensor *in,
                             weft__tensor *out);
/* x chooses; the target and unreduced losses follow; the rest is row-major or, of x's
 * rank, the same. */
void weft__loss_layout(const weft__node *node, const weft__tensor *in, weft__layout *want,
                       const weft__tensor *out, weft__layout *give);
void weft__loss_describe(const weft__node *node, char *text, size_t size);
/* Losses are for training and have no ONNX form. */
void weft__loss_refuse(const weft__node *node, struct weft__onnx_writer *w);
/* "mean", "sum" or "each" at random. */
weft_reduction weft__sample_reduction(weft__rng *rng);
typedef weft_value weft__loss_build(weft_graph *g, weft_value x, weft_value target,
                                    weft_reduction r);
weft_value weft__loss_sample(weft_graph *g, weft__rng *rng, weft__loss_build *build);

/* The loss of each of n elements from x - t, and its derivative with respect to x. */
#define weft__loss_fn WEFT_TWICE(loss_fn)
typedef void weft__loss_fn(real *y, const real *x, const real *t, size_t n, real beta);
#define weft__loss_memory WEFT_TWICE(loss_memory)
void weft__loss_memory(const weft__setup *s, weft__memory *m);
#define weft__loss_forward WEFT_TWICE(loss_forward)
void weft__loss_forward(const weft__op_args *r, weft__loss_fn *loss);
#define weft__loss_backward WEFT_TWICE(loss_backward)
void weft__loss_backward(const weft__op_args *r, weft__loss_fn *derivative);

/* The pieces of any elementwise loss: elements first .. first+n-1 of x into y. */
#define WEFT_LOSS_PIECE 1024
#define weft__loss_piece WEFT_TWICE(loss_piece)
typedef void weft__loss_piece(const weft__op_args *r, real *y, size_t first, size_t n);
/* Sums (or gives) the losses that f writes; partial sums go to scratch. */
#define weft__loss_reduce WEFT_TWICE(loss_reduce)
void weft__loss_reduce(const weft__op_args *r, weft__loss_piece *f);
/* dx[i] = what f writes, times what comes from above for element i, times sign. */
#define weft__loss_spread WEFT_TWICE(loss_spread)
void weft__loss_spread(const weft__op_args *r, real *dx, real sign, weft__loss_piece *f);

#endif
