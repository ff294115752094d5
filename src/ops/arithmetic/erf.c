/* erf.c: y = erf(x), as exported GELUs spell themselves. */
#include "ops/common/unary.h"

WEFT_SHARED weft_value weft__erf(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "erf", x);
}

static void values(const weft__op_args *r, real *y, const real *x, size_t n)
{
    KERNELS(r)->erf(y, x, n);
}

static void forward(const weft__op_args *r)
{
    weft__map_forward(r, values);
}

static void slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                   const real *y, size_t n)
{
    (void)y; /* 2 / sqrt(pi) exp(-x x) dy */
    real t[256];
    for (size_t i = 0, m; i < n; i += m) {
        m = n - i < 256 ? n - i : 256;
        for (size_t j = 0; j < m; j++) t[j] = -x[i + j] * x[i + j];
        KERNELS(r)->exp(t, t, m);
        for (size_t j = 0; j < m; j++)
            dx[i + j] = (real)1.12837916709551257390 * t[j] * dy[i + j];
    }
}

static void backward(const weft__op_args *r)
{
    weft__map_backward(r, slopes);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft__erf);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft__erf(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(erf) = {
    .name = "erf",
    .onnx = WEFT_ONNX("Erf", 9, .read = from_onnx),
    .arity = 1,
    .summary = "y = erf(x), as exported GELUs spell themselves",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = forward,
    .backward = backward,
    .saves_in = 1,
    .grad_in_place = true,
    .sample = sample,
};
