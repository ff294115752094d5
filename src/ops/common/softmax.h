/* softmax.h: what softmax and log_softmax have in common. */
#ifndef WEFT_SRC_OPS_COMMON_SOFTMAX_H
#define WEFT_SRC_OPS_COMMON_SOFTMAX_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/shared.h"

typedef struct weft__axis_attr {
    int axis; /* as given: negative ones count from the end */
} weft__axis_attr;

/* prepare, for options that are a weft__axis_attr: in[0] around that axis, in
 * storage. */
typedef struct weft__extents {
    size_t outer, along, inner;
    int axis;
} weft__extents;
weft_status weft__around_prepare(const weft__setup *s);

weft_value weft__softmax_add(weft_graph *g, const char *op, weft_value x, int axis);
weft_status weft__softmax_shape(const weft__node *node, const weft__tensor *in,
                                weft__tensor *out);
void weft__axis_describe(const weft__node *node, char *text, size_t size);
void weft__softmax_to_onnx(const weft__node *node, struct weft__onnx_writer *w);
/* Before opset 13 the axes from `axis` on counted as one. */
weft_status weft__onnx_softmax(struct weft__onnx_node *n,
                               weft_value (*build)(weft_graph *g, weft_value x,
                                                   int axis));
weft_value weft__softmax_sample(weft_graph *g, weft__rng *rng,
                                weft_value (*build)(weft_graph *g, weft_value x,
                                                    int axis));

#define weft__softmax_forward WEFT_TWICE(softmax_forward)
void weft__softmax_forward(const weft__op_args *r, bool logarithm);
#define weft__softmax_backward WEFT_TWICE(softmax_backward)
void weft__softmax_backward(const weft__op_args *r, bool logarithm);

#endif
