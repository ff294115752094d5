/* sigmoid.c: y = 1 / (1 + exp(-x)). */
#include "ops/common/unary.h"

WEFT_API weft_value weft_sigmoid(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "sigmoid", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_SIGMOID;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_sigmoid);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_sigmoid(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(sigmoid) = {
    .name = "sigmoid",
    .onnx = WEFT_ONNX("Sigmoid", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = 1 / (1 + exp(-x))",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1, /* dx = dy y (1 - y) */
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .saturation = WEFT_SATURATES_AS_SIGMOID,
    .sample = sample,
};
