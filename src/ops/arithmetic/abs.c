/* abs.c: y = |x|, with derivative 0 at 0. */
#include "ops/common/unary.h"

WEFT_API weft_value weft_abs(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "abs", x);
}

static void values(const weft__op_args *r, real *y, const real *x, size_t n)
{
    (void)r;
    for (size_t i = 0; i < n; i++) y[i] = x[i] < 0 ? -x[i] : x[i];
}

static void forward(const weft__op_args *r)
{
    weft__map_forward(r, values);
}

static void slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                   const real *y, size_t n)
{
    (void)r, (void)y;
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0 ? dy[i] : x[i] < 0 ? -dy[i] : x[i] * dy[i]; /* 0, or NaN */
}

static void backward(const weft__op_args *r)
{
    weft__map_backward(r, slopes);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_abs);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_abs(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(abs) = {
    .name = "abs",
    .onnx = WEFT_ONNX("Abs", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = |x|, with derivative 0 at 0",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = forward,
    .backward = backward,
    .saves_in = 1,
    .grad_in_place = true,
    .sample = sample,
};
