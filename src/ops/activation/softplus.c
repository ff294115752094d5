/* softplus.c: y = log(1 + exp(beta x)) / beta. */
#include "ops/common/unary.h"

#include <stdio.h>

WEFT_API weft_value weft_softplus(weft_graph *g, weft_value x, double beta)
{
    if (!(beta > 0)) return weft__unary_refuse(g, "softplus", "beta", beta, "above 0");
    return weft__unary_add_with(g, "softplus", x, beta, 0);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    const weft__act_attr *a = node->attr;
    e->act = WEFT_ACT_SOFTPLUS;
    e->alpha = a->alpha;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__act_attr *a = node->attr;
    snprintf(text, size, "beta %g", a->alpha);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__act_attr *a = node->attr;
    if (a->alpha == 1) return;
    weft__onnx_type(w, "Mul");
    weft__onnx_add_float(w, "beta", a->alpha);
    weft__onnx_then(w, "Softplus");
    weft__onnx_then(w, "Div");
    weft__onnx_add_float(w, "beta", a->alpha);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_set(n, 0, weft_softplus(weft__onnx_graph(n), x, 1));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    double beta = weft__rng_below(rng, 2) ? 1 : weft__rng_range(rng, 0.5, 3);
    return weft_softplus(g, weft__sample_any(g, rng), beta);
}

const weft_op WEFT_OP(softplus) = {
    .name = "softplus",
    .onnx = WEFT_ONNX("Softplus", 1, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = log(1 + exp(beta x)) / beta",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1,
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .describe = describe,
    .sample = sample,
};
