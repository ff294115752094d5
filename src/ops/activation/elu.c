/* elu.c: y = x > 0 ? x : alpha (exp(x) - 1). */
#include "ops/common/unary.h"

#include <stdio.h>

WEFT_API weft_value weft_elu(weft_graph *g, weft_value x, double alpha)
{
    if (!(alpha >= 0)) /* y would not tell the sign of x */
        return weft__unary_refuse(g, "elu", "alpha", alpha, "0 or more");
    return weft__unary_add_with(g, "elu", x, alpha, 0);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    const weft__act_attr *a = node->attr;
    e->act = WEFT_ACT_ELU;
    e->alpha = a->alpha;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__act_attr *a = node->attr;
    snprintf(text, size, "alpha %g", a->alpha);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__act_attr *a = node->attr;
    weft__onnx_put_float(w, "alpha", a->alpha);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double alpha = weft__onnx_get_float(n, "alpha", 1);
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_set(n, 0, weft_elu(weft__onnx_graph(n), x, alpha));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    double alpha = weft__rng_below(rng, 2) ? 1 : weft__rng_range(rng, 0.25, 2);
    return weft_elu(g, weft__sample_any(g, rng), alpha);
}

const weft_op WEFT_OP(elu) = {
    .name = "elu",
    .onnx = WEFT_ONNX("Elu", 6, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x > 0 ? x : alpha (exp(x) - 1)",
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
