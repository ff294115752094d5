/* log.c: y = log(x), the natural logarithm. */
#include "ops/common/unary.h"

WEFT_API weft_value weft_log(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "log", x);
}

static void values(const weft__op_args *r, real *y, const real *x, size_t n)
{
    KERNELS(r)->log(y, x, n);
}

static void forward(const weft__op_args *r)
{
    weft__map_forward(r, values);
}

static void slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                   const real *y, size_t n)
{
    (void)y;
    KERNELS(r)->div(dx, dy, x, n, 1, 1);
}

static void backward(const weft__op_args *r)
{
    weft__map_backward(r, slopes);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_log);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 6);
    return weft_log(g, weft__sample_within(g, rng, "x", s, 0.25, 4));
}

const weft_op WEFT_OP(log) = {
    .name = "log",
    .onnx = WEFT_ONNX("Log", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = log(x), the natural logarithm",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = forward,
    .backward = backward,
    .saves_in = 1,
    .grad_in_place = true,
    .sample = sample,
};
