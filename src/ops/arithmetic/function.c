/* function.c: the functions of function.def, and the gradients that are computed by
 * kernels. */
#include "ops/common/row.h"

static void exp_slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                       const real *y, size_t n)
{
    (void)x;
    KERNELS(r)->mul(dx, dy, y, n, 1, 1);
}

static void log_slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                       const real *y, size_t n)
{
    (void)y;
    KERNELS(r)->div(dx, dy, x, n, 1, 1);
}

/* 2 / sqrt(pi) exp(-x x) dy */
static void erf_slopes(const weft__op_args *r, real *dx, const real *dy, const real *x,
                       const real *y, size_t n)
{
    real t[256];
    (void)y;
    for (size_t i = 0, m; i < n; i += m) {
        m = n - i < 256 ? n - i : 256;
        for (size_t j = 0; j < m; j++) t[j] = -x[i + j] * x[i + j];
        (KERNELS(r)->exp)(t, t, m);
        for (size_t j = 0; j < m; j++)
            dx[i + j] = (real)1.12837916709551257390 * t[j] * dy[i + j];
    }
}

#include "ops/arithmetic/function.def"
