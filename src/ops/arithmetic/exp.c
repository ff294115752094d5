/* exp.c: y = exp(x). */
#include "ops/common/unary.h"

WEFT_API weft_value weft_exp(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "exp", x);
}

static void values(const weft__op_args *r, real *y, const real *x, size_t n)
{
    KERNELS(r)->exp(y, x, n);
}

static void forward(const weft__op_args *r)
{
    weft__map_forward(r, values);
}

static void slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                   const real *y, size_t n)
{
    (void)x;
    KERNELS(r)->mul(dx, dy, y, n, 1, 1);
}

static void backward(const weft__op_args *r)
{
    weft__map_backward(r, slopes);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_exp);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_exp(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(exp) = {
    .name = "exp",
    .onnx = WEFT_ONNX("Exp", 6, .read = from_onnx),
    .arity = 1,
    .summary = "y = exp(x)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = forward,
    .backward = backward,
    .saves_out = 1,
    .in_place = true,
    .grad_in_place = true,
    .sample = sample,
};
