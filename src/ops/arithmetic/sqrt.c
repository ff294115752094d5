/* sqrt.c: y = the square root of x. */
#include "ops/common/unary.h"

WEFT_API weft_value weft_sqrt(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "sqrt", x);
}

static void values(const weft__op_args *r, real *y, const real *x, size_t n)
{
    KERNELS(r)->sqrt(y, x, n);
}

static void forward(const weft__op_args *r)
{
    weft__map_forward(r, values);
}

static void slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                   const real *y, size_t n)
{
    (void)r, (void)x;
    for (size_t i = 0; i < n; i++) dx[i] = dy[i] / (2 * y[i]);
}

static void backward(const weft__op_args *r)
{
    weft__map_backward(r, slopes);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_sqrt);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 6);
    return weft_sqrt(g, weft__sample_within(g, rng, "x", s, 0.25, 4));
}

const weft_op WEFT_OP(sqrt) = {
    .name = "sqrt",
    .onnx = WEFT_ONNX("Sqrt", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = the square root of x",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = forward,
    .backward = backward,
    .saves_out = 1, /* dx = dy / (2 y) */
    .in_place = true,
    .grad_in_place = true,
    .sample = sample,
};
