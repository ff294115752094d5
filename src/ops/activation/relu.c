/* relu.c: y = max(x, 0). */
#include "ops/common/row.h"

WEFT_API weft_value weft_relu(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "relu", x);
}

/* The arithmetic: y, and dx for a dy of 1. The kernel of WEFT_ACT_RELU does the same for
 * a vector at a time; a convolution before it applies that kernel itself. */
static void at(double x, weft__act_attr options, double *y, double *dx)
{
    (void)options;
    *y = x < 0 ? 0 : x; /* NaN stays NaN */
    *dx = *y <= 0 ? 0 : 1;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_relu);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_relu(g, weft__sample_any(g, rng));
}

static const weft__unary_row row = {.at = at, .act = WEFT_ACT_RELU};

const weft_op WEFT_OP(relu) = {
    .name = "relu",
    .onnx = WEFT_ONNX("Relu", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = max(x, 0)",
    .family = &row,
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward, /* looks at y alone */
    BY_Y,
    .epilogue = weft__row_epilogue,
    .monotone = true,
    .sample = sample,
};
