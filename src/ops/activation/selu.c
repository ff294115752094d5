/* selu.c: y = 1.0507 (x > 0 ? x : 1.6733 (exp(x) - 1)). */
#include "ops/common/unary.h"

#include <math.h>

#define SELU_ALPHA 1.67326319217681884765625
#define SELU_GAMMA 1.05070102214813232421875

WEFT_API weft_value weft_selu(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "selu", x);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    (void)node;
    e->act = WEFT_ACT_SELU;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double alpha = weft__onnx_get_float(n, "alpha", SELU_ALPHA);
    double gamma = weft__onnx_get_float(n, "gamma", SELU_GAMMA);
    if (fabs(alpha - SELU_ALPHA) > 1e-5 || fabs(gamma - SELU_GAMMA) > 1e-5)
        return weft__onnx_fail(n, "alpha %g and gamma %g, only the usual ones are known",
                               alpha, gamma);
    return weft__onnx_unary(n, weft_selu);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_selu(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(selu) = {
    .name = "selu",
    .onnx = WEFT_ONNX("Selu", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = 1.0507 (x > 0 ? x : 1.6733 (exp(x) - 1))",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1,
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .sample = sample,
};
