/* relu.c: y = max(x, 0). */
#include "ops/common/unary.h"

WEFT_API weft_value weft_relu(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "relu", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_RELU;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_relu);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_relu(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(relu) = {
    .name = "relu",
    .onnx = WEFT_ONNX("Relu", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = max(x, 0)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1, /* dx = dy where y > 0 */
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .monotone = true,
    .sample = sample,
};
