/* silu.c: y = x sigmoid(x), also called swish. */
#include "ops/common/unary.h"

#include <math.h>

WEFT_API weft_value weft_silu(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "silu", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_SILU;
}

static double curve(double x)
{
    return x / (1 + exp(-x));
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    (void)node;
    weft__onnx_type(w, "Sigmoid");
    weft__onnx_then(w, "Mul");
    weft__onnx_add_input(w, 0);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double alpha = weft__onnx_get_float(n, "alpha", 1);
    if (alpha != 1) return weft__onnx_fail(n, "alpha is %g, only 1 is known", alpha);
    return weft__onnx_unary(n, weft_silu);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_silu(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(silu) = {
    .name = "silu",
    .onnx = WEFT_ONNX("Swish", 24, .read = from_onnx, .write = to_onnx, .curve = curve),
    .arity = 1,
    .summary = "y = x sigmoid(x), also called swish",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_in = 1,
    .grad_in_place = true,
    .epilogue = epilogue,
    .sample = sample,
};
