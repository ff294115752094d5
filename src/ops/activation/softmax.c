/* softmax.c: y = exp(x) / sum of exp(x) along an axis. */
#include "ops/common/softmax.h"

WEFT_API weft_value weft_softmax(weft_graph *g, weft_value x, int axis)
{
    return weft__softmax_add(g, "softmax", x, axis);
}

static void forward(const weft__op_args *r)
{
    weft__softmax_forward(r, false);
}

static void backward(const weft__op_args *r)
{
    weft__softmax_backward(r, false);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_softmax(n, weft_softmax);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft__softmax_sample(g, rng, weft_softmax);
}

const weft_op WEFT_OP(softmax) = {
    .name = "softmax",
    .onnx = WEFT_ONNX("Softmax", 13, .read = from_onnx, .write = weft__softmax_to_onnx),
    .arity = 1,
    .summary = "y = exp(x) / sum of exp(x) along an axis",
    .shape = weft__softmax_shape,
    .layout = weft__layout_same,
    .prepare = weft__around_prepare,
    .prepared = sizeof(weft__extents),
    .forward = forward,
    .backward = backward,
    .saves_out = 1,
    .describe = weft__axis_describe,
    .sample = sample,
};
