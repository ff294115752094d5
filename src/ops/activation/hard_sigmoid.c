/* hard_sigmoid.c: y = clip(alpha x + beta, 0, 1). */
#include "ops/common/unary.h"

#include <stdio.h>

WEFT_API weft_value weft_hard_sigmoid(weft_graph *g, weft_value x, double alpha,
                                      double beta)
{
    return weft__unary_add_with(g, "hard_sigmoid", x, alpha, beta);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    const weft__act_attr *a = node->attr;
    e->act = WEFT_ACT_HARD_SIGMOID;
    e->alpha = a->alpha;
    e->beta = a->beta;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__act_attr *a = node->attr;
    snprintf(text, size, "alpha %g beta %g", a->alpha, a->beta);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__act_attr *a = node->attr;
    weft__onnx_put_float(w, "alpha", a->alpha);
    weft__onnx_put_float(w, "beta", a->beta);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double alpha = weft__onnx_get_float(n, "alpha", 0.2);
    double beta = weft__onnx_get_float(n, "beta", 0.5);
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_set(n, 0, weft_hard_sigmoid(weft__onnx_graph(n), x, alpha, beta));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    static const double alpha[] = {0.2, 1.0 / 6, 0.25,
                                   -0.5}; /* kinks at multiples of 1/2 */
    return weft_hard_sigmoid(g, weft__sample_any(g, rng), alpha[weft__rng_below(rng, 4)],
                             0.5);
}

const weft_op WEFT_OP(hard_sigmoid) = {
    .name = "hard_sigmoid",
    .onnx = WEFT_ONNX("HardSigmoid", 6, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = clip(alpha x + beta, 0, 1)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1,
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .saturation = WEFT_SATURATES_AS_SIGMOID,
    .describe = describe,
    .sample = sample,
};
