/* binary.h: what add, sub, mul and div have in common: two inputs that broadcast as in
 * numpy. */
#ifndef WEFT_SRC_OPS_ARITHMETIC_BINARY_H
#define WEFT_SRC_OPS_ARITHMETIC_BINARY_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/shared.h"

weft_value weft__binary_add(weft_graph *g, const char *op, weft_value a, weft_value b);
weft_status weft__binary_shape(const weft__node *node, const weft__tensor *in,
                               weft__tensor *out);
/* Scratch: a gradient of y's size where an input is broadcast, and room to sum it. */
#define weft__binary_memory WEFT_TWICE(binary_memory)
void weft__binary_memory(const weft__setup *s, weft__memory *m);
weft_status weft__onnx_binary(struct weft__onnx_node *n,
                              weft_value (*build)(weft_graph *g, weft_value a,
                                                  weft_value b));
/* Two values that broadcast: of the same shape, with ones, or of another rank. low ..
 * high is what b is filled with, unless both are 0. */
void weft__sample_pair(weft_graph *g, weft__rng *rng, double low, double high,
                       weft_value pair[2]);

/* y[i] = a[i*sa] OP b[i*sb] over n elements; sa and sb are 0 or 1. */
#define weft__binary_fn WEFT_TWICE(binary_fn)
typedef void weft__binary_fn(real *y, const real *a, const real *b, size_t n, int sa,
                             int sb);
#define weft__binary_forward WEFT_TWICE(binary_forward)
void weft__binary_forward(const weft__op_args *r, weft__binary_fn *f);

/* din[i] = sum over what was broadcast of scale * term, where term[k] is dy[k]
 * (NULL), or what f makes of dy and other (which broadcasts to y's shape). */
#define weft__binary_gradient WEFT_TWICE(binary_gradient)
void weft__binary_gradient(const weft__op_args *r, int i, weft__binary_fn *f,
                           const weft__tensor *other, real scale);

#endif
