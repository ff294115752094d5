/* reduce.h: what mean, sum and max over axes have in common. */
#ifndef WEFT_SRC_OPS_REDUCTION_REDUCE_H
#define WEFT_SRC_OPS_REDUCTION_REDUCE_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/strided.h"

typedef struct weft__reduce_attr {
    int n, axis[WEFT_MAX_RANK]; /* n 0: all axes; negative ones count from the end */
    bool keep;                  /* as dimensions of 1 */
} weft__reduce_attr;

weft_value weft__reduce_add(weft_graph *g, const char *op, weft_value x, int n,
                            const int *axis, bool keep);
weft_status weft__reduce_shape(const weft__node *node, const weft__tensor *in,
                               weft__tensor *out);
/* Whether that axis and no other is reduced, and not kept as a dimension of 1. */
bool weft__reduces_only(const weft__node *node, int axis);
/* x in any order; y in the order of what is left of x, where that has a name. */
void weft__reduce_layout(const weft__node *node, const weft__tensor *in,
                         weft__layout *want, const weft__tensor *out, weft__layout *give);
void weft__reduce_describe(const weft__node *node, char *text, size_t size);
/* The stride of y along each axis of x, 0 along those that are reduced. */
void weft__reduce_strides(const weft__node *node, const weft__tensor *x,
                          const weft__tensor *y, ptrdiff_t stride[WEFT_MAX_RANK]);
/* x with y as operand 0. */
void weft__reduce_strided(const weft__node *node, const weft__tensor *x,
                          const weft__tensor *y, weft__strided *w);

typedef weft_value weft__reduce_build(weft_graph *g, weft_value x, int n, const int *axis,
                                      bool keep);
/* axes is an input from this opset on, an attribute before. */
weft_status weft__onnx_reduce(struct weft__onnx_node *n, int axes_input_since,
                              weft__reduce_build *build);
/* Writes the axes as an attribute. */
void weft__reduce_to_onnx(const weft__node *node, struct weft__onnx_writer *w);
weft_value weft__reduce_sample(weft_graph *g, weft__rng *rng, weft__reduce_build *build);

/* prepare: the weft__strided of that. Gradients lie as the values do. */
weft_status weft__reduce_prepare(const weft__setup *s);

/* y = (mean ? 1 / number of terms : 1) * sum, and its gradient. */
#define weft__reduce_memory WEFT_TWICE(reduce_memory)
void weft__reduce_memory(const weft__setup *s, weft__memory *m);
#define weft__reduce_forward WEFT_TWICE(reduce_forward)
void weft__reduce_forward(const weft__op_args *r, bool mean);
#define weft__reduce_backward WEFT_TWICE(reduce_backward)
void weft__reduce_backward(const weft__op_args *r, bool mean);

#endif
