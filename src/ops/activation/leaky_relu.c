/* leaky_relu.c: y = x > 0 ? x : slope x. */
#include "ops/common/unary.h"

#include <stdio.h>

WEFT_API weft_value weft_leaky_relu(weft_graph *g, weft_value x, double slope)
{
    if (!(slope >= 0)) /* y would not tell the sign of x */
        return weft__unary_refuse(g, "leaky_relu", "slope", slope, "0 or more");
    return weft__unary_add_with(g, "leaky_relu", x, slope, 0);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    const weft__act_attr *a = node->attr;
    e->act = WEFT_ACT_LEAKY_RELU;
    e->alpha = a->alpha;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__act_attr *a = node->attr;
    snprintf(text, size, "slope %g", a->alpha);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__act_attr *a = node->attr;
    weft__onnx_put_float(w, "alpha", a->alpha);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double slope = weft__onnx_get_float(n, "alpha", 0.01);
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_set(n, 0, weft_leaky_relu(weft__onnx_graph(n), x, slope));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    double slope = weft__rng_below(rng, 4) ? weft__rng_uniform(rng) : 0;
    return weft_leaky_relu(g, weft__sample_any(g, rng), slope);
}

const weft_op WEFT_OP(leaky_relu) = {
    .name = "leaky_relu",
    .onnx = WEFT_ONNX("LeakyRelu", 6, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x > 0 ? x : slope x",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1,
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .monotone = true,
    .describe = describe,
    .sample = sample,
};
