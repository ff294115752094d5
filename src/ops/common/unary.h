/* unary.h: what operators of one input and one output of its shape have in common. */
#ifndef WEFT_SRC_OPS_COMMON_UNARY_H
#define WEFT_SRC_OPS_COMMON_UNARY_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/shared.h"

/* The options of an activation; what they mean, the operator says. */
typedef struct weft__act_attr {
    double alpha, beta;
} weft__act_attr;

weft_value weft__unary_add(weft_graph *g, const char *op,
                           weft_value x); /* without options */
weft_value weft__unary_add_with(weft_graph *g, const char *op, weft_value x, double alpha,
                                double beta);

/* WEFT_EUSAGE with the operator's name: "OP: WHAT is VALUE, must be ALLOWED". */
weft_value weft__unary_refuse(weft_graph *g, const char *op, const char *what,
                              double value, const char *allowed);

/* y has the shape of x, which must be of real numbers. */
weft_status weft__unary_shape(const weft__node *node, const weft__tensor *in,
                              weft__tensor *out);
weft_status weft__want_real(const weft__node *node, const weft__tensor *t);

/* Forward and backward of an activation, from op->epilogue. Backward goes by y alone,
 * unless the operator keeps its input. */
#define weft__activation_forward WEFT_TWICE(activation_forward)
#define weft__activation_backward WEFT_TWICE(activation_backward)
void weft__activation_forward(const weft__op_args *r);
void weft__activation_backward(const weft__op_args *r);

/* out[0] = f(in[0]) and din[0] = f'(..) dout[0] piece by piece on the threads. x or
 * y is NULL when backward does not keep it. */
#define weft__map_fn WEFT_TWICE(map_fn)
typedef void weft__map_fn(const weft__op_args *r, real *y, const real *x, size_t n);
#define weft__slope_fn WEFT_TWICE(slope_fn)
typedef void weft__slope_fn(const weft__op_args *r, real *dx, const real *dy,
                            const real *x, const real *y, size_t n);
#define weft__map_forward WEFT_TWICE(map_forward)
#define weft__map_backward WEFT_TWICE(map_backward)
void weft__map_forward(const weft__op_args *r, weft__map_fn *f);
void weft__map_backward(const weft__op_args *r, weft__slope_fn *f);

weft_value weft__erf(weft_graph *g, weft_value x); /* not public: for ONNX */

/* from_onnx of a node without attributes. */
weft_status weft__onnx_unary(struct weft__onnx_node *n,
                             weft_value (*build)(weft_graph *g, weft_value x));

#endif
