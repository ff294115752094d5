/* tanh.c: y = tanh(x). */
#include "ops/common/unary.h"

WEFT_API weft_value weft_tanh(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "tanh", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_TANH;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_tanh);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_tanh(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(tanh) = {
    .name = "tanh",
    .onnx = WEFT_ONNX("Tanh", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = tanh(x)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1, /* dx = dy (1 - y y) */
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .saturation = WEFT_SATURATES_AS_TANH,
    .sample = sample,
};
