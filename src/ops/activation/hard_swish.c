/* hard_swish.c: y = x clip(x / 6 + 0.5, 0, 1). */
#include "ops/common/unary.h"

WEFT_API weft_value weft_hard_swish(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "hard_swish", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_HARD_SWISH;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_hard_swish);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_hard_swish(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(hard_swish) = {
    .name = "hard_swish",
    .onnx = WEFT_ONNX("HardSwish", 14, .read = from_onnx),
    .arity = 1,
    .summary = "y = x clip(x / 6 + 0.5, 0, 1)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_in = 1,
    .grad_in_place = true,
    .epilogue = epilogue,
    .sample = sample,
};
