/* gelu.c: y = x Phi(x), Phi the normal distribution, by erf. */
#include "ops/common/unary.h"

#include <math.h>
#include <string.h>

WEFT_API weft_value weft_gelu(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "gelu", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_GELU;
}

static double curve(double x)
{
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    (void)node; /* x / sqrt(2), erf, + 1, * x, * 0.5: Gelu itself came with opset 20 */
    weft__onnx_type(w, "Div");
    weft__onnx_add_float(w, "sqrt2", 1.41421356237309504880);
    weft__onnx_then(w, "Erf");
    weft__onnx_then(w, "Add");
    weft__onnx_add_float(w, "one", 1);
    weft__onnx_then(w, "Mul");
    weft__onnx_add_input(w, 0);
    weft__onnx_then(w, "Mul");
    weft__onnx_add_float(w, "half", 0.5);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    const char *kind = weft__onnx_get_text(n, "approximate", "none");
    if (!strcmp(kind, "tanh")) return weft__onnx_unary(n, weft_gelu_tanh);
    if (!strcmp(kind, "none")) return weft__onnx_unary(n, weft_gelu);
    return weft__onnx_fail(n, "approximate \"%s\" is neither none nor tanh", kind);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_gelu(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(gelu) = {
    .name = "gelu",
    .onnx = WEFT_ONNX("Gelu", 20, .read = from_onnx, .write = to_onnx, .curve = curve),
    .arity = 1,
    .summary = "y = x Phi(x), Phi the normal distribution, by erf",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_in = 1,
    .grad_in_place = true,
    .epilogue = epilogue,
    .sample = sample,
};
