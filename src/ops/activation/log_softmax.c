/* log_softmax.c: y = x - log of the sum of exp(x) along an axis. */
#include "ops/common/softmax.h"

WEFT_API weft_val weft_log_softmax(weft_graph *g, weft_val x, int axis)
{
    return weft__soft_add(g, "log_softmax", x, axis);
}

static void forward(const weft__run *r)
{
    weft__soft_forward(r, true);
}

static void backward(const weft__run *r)
{
    weft__soft_backward(r, true);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_soft(n, weft_log_softmax);
}

static weft_val sample(weft_graph *g, weft__rng *rng)
{
    return weft__soft_sample(g, rng, weft_log_softmax);
}

const weft_op WEFT_OP(log_softmax) = {
    .name = "log_softmax",
    .onnx = WEFT_ONNX("LogSoftmax", 13, .read = from_onnx, .write = weft__soft_to_onnx),
    .arity = 1,
    .summary = "y = x - log of the sum of exp(x) along an axis",
    .shape = weft__soft_shape,
    .layout = weft__layout_same,
    .prepare = weft__around_prepare,
    .prepared = sizeof(weft__extents),
    .forward = forward,
    .backward = backward,
    .keeps_out = 1,
    .describe = weft__axis_describe,
    .sample = sample,
};
