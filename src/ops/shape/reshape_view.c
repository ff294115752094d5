/* reshape_view.c: what operators share that give the same elements another shape. */
#include "ops/shape/reshape_view.h"

#include "ops/common/strided.h"

#include <stdio.h>
#include <string.h>

/* Whether channels-last and plain storage of x are the same: one channel, or one
 * position. */
WEFT_SHARED bool weft__either_way(const weft__tensor *x)
{
    bool one = true;
    if (x->rank < 3 || x->dim[1] == 1) return true;
    for (int i = 2; i < x->rank; i++) one = one && x->dim[i] == 1;
    return one;
}

WEFT_SHARED void weft__reshape_view_layout(const weft__node *node, const weft__tensor *in,
                                           weft__layout *want, const weft__tensor *out,
                                           weft__layout *give)
{
    (void)node, (void)out;
    if (want[0] == WEFT_HWIO || !weft__either_way(&in[0])) want[0] = WEFT_ROW_MAJOR;
    give[0] = WEFT_ROW_MAJOR;
}

static void move(const weft__tensor *y, const weft__tensor *x)
{
    if (x->type != WEFT_I32)
        weft__copy_flat(y->data, x->data, x->count);
    else if (y->data != x->data)
        memcpy(y->data, x->data, x->count * sizeof(int32_t));
}

void weft__reshape_view_forward(const weft__op_args *r)
{
    move(&r->out[0], &r->in[0]);
}

void weft__reshape_view_backward(const weft__op_args *r)
{
    if (r->din[0].data) move(&r->din[0], &r->dout[0]);
}

WEFT_SHARED void weft__axes_describe(const weft__node *node, char *text, size_t size)
{
    const weft__axes_attr *a = node->attr;
    size_t used = (size_t)snprintf(text, size, "axes");
    for (int i = 0; i < a->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " %d", a->axis[i]);
}

WEFT_SHARED weft_status weft__onnx_axis_list(struct weft__onnx_node *node, int *n,
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
