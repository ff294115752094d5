/* reshape_view.h: what operators share that give the same elements another shape. */
#ifndef WEFT_SRC_OPS_SHAPE_RESHAPE_VIEW_H
#define WEFT_SRC_OPS_SHAPE_RESHAPE_VIEW_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/shared.h"

/* row-major, except that an input whose storage is the same either way stays as it
 * is. */
void weft__reshape_view_layout(const weft__node *node, const weft__tensor *in,
                               weft__layout *want, const weft__tensor *out,
                               weft__layout *give);
#define weft__reshape_view_forward WEFT_TWICE(reshape_view_forward)
void weft__reshape_view_forward(const weft__op_args *r);
#define weft__reshape_view_backward WEFT_TWICE(reshape_view_backward)
void weft__reshape_view_backward(const weft__op_args *r);

typedef struct weft__axes_attr {
    int n, axis[WEFT_MAX_RANK];
} weft__axes_attr;
void weft__axes_describe(const weft__node *node, char *text, size_t size);
/* The axes of a Squeeze or Unsqueeze: an input since opset 13, an attribute before.
 * *n is 0 when there are none. */
weft_status weft__onnx_axis_list(struct weft__onnx_node *node, int *n,
                                 int axis[WEFT_MAX_RANK]);

#endif
