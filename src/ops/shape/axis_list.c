/* axis_list.c: the axes that a Squeeze or Unsqueeze of a file names. */
/* build: once */
#include "ops/shape/reshape_view.h"

weft_status weft__onnx_axis_list(struct weft__onnx_node *node, int *n,
                                 int axis[WEFT_MAX_RANK])
{
    int64_t wide[WEFT_MAX_RANK];
    *n = 0;
    if (weft__onnx_opset(node) < 13) {
        int count = weft__onnx_get_ints(node, "axes", axis, WEFT_MAX_RANK);
        if (count > WEFT_MAX_RANK) return weft__onnx_fail(node, "has %d axes", count);
        *n = count < 0 ? 0 : count;
    } else if (weft__onnx_shape(node, 1).rank >= 0) {
        int count = weft__onnx_const_ints(node, 1, wide, WEFT_MAX_RANK);
        if (count < 0)
            return weft__onnx_fail(node, "axes are no constant of at most %d axes",
                                   WEFT_MAX_RANK);
        for (int i = 0; i < count; i++) {
            if (wide[i] < -WEFT_MAX_RANK || wide[i] >= WEFT_MAX_RANK)
                return weft__onnx_fail(node, "axis %lld is out of range",
                                       (long long)wide[i]);
            axis[i] = (int)wide[i];
        }
        *n = count;
    }
    return WEFT_OK;
}
