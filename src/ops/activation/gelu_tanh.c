/* gelu_tanh.c: y = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
#include "ops/common/unary.h"

#include <math.h>

#define SQRT_2_OVER_PI 0.79788456080286535588
#define CUBE 0.044715

WEFT_API weft_value weft_gelu_tanh(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "gelu_tanh", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_GELU_TANH;
}

static double curve(double x)
{
    return 0.5 * x * (1 + tanh(SQRT_2_OVER_PI * (x + CUBE * x * x * x)));
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    (void)node; /* 0.5 x (1 + tanh(x (a x x + b))) */
    weft__onnx_type(w, "Mul");
    weft__onnx_add_input(w, 0);
    weft__onnx_then(w, "Mul");
    weft__onnx_add_float(w, "a", CUBE * SQRT_2_OVER_PI);
    weft__onnx_then(w, "Add");
    weft__onnx_add_float(w, "b", SQRT_2_OVER_PI);
    weft__onnx_then(w, "Mul");
    weft__onnx_add_input(w, 0);
    weft__onnx_then(w, "Tanh");
    weft__onnx_then(w, "Add");
    weft__onnx_add_float(w, "one", 1);
    weft__onnx_then(w, "Mul");
    weft__onnx_add_input(w, 0);
    weft__onnx_then(w, "Mul");
    weft__onnx_add_float(w, "half", 0.5);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_gelu_tanh);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_gelu_tanh(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(gelu_tanh) = {
    .name = "gelu_tanh",
    .onnx = WEFT_ONNX("Gelu", 20, .read = from_onnx, .write = to_onnx, .curve = curve),
    .arity = 1,
    .summary = "y = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_in = 1,
    .grad_in_place = true,
    .epilogue = epilogue,
    .sample = sample,
};
