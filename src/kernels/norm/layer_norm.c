/* layer_norm.c: layer norm. */
#include "kernels/norm/column_reduce.h"

/* The sums over a row of x - origin and of its square: in vectors over a block, then in
 * double. */
static void row_sums(const real *x, size_t n, real origin, double *sum, double *square)
{
    const vec from = vset1(origin);
    *sum = *square = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < 1024 ? n : i + 1024;
        vec s = vzero(), q = vzero();
        for (; i + WEFT_LANES <= end; i += WEFT_LANES) {
            vec d = vsub(vload(x + i), from);
            s = vadd(s, d);
            q = vfma(d, d, q);
        }
        if (i < end) {
            const int rest = (int)(end - i);
            vec d = vsub(vload_n(x + i, rest), from);
            d = vselect(vfirst(rest), d, vzero());
            s = vadd(s, d);
            q = vfma(d, d, q);
        }
        *sum += (double)vsum(s);
        *square += (double)vsum(q);
        i = end;
    }
}

/* ((x - origin) rstd - drift) gamma + beta */
WEFT_INLINE vec layer_word(vec x, vec origin, vec rstd, vec drift, const real *gamma,
                           const real *beta, int n)
{
    vec y = vsub(vmul(vsub(x, origin), rstd), drift);
    if (gamma) y = vmul(y, vload_tail(gamma, n));
    return beta ? vadd(y, vload_tail(beta, n)) : y;
}

void KERNEL(layer_norm)(real *y, real *mean, real *rstd, const real *x, const real *gamma,
                        const real *beta, size_t rows, size_t cols, real eps)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        const real origin = (real)(KERNEL(sum)(x, cols) / (double)cols);
        double drift, square; /* of the true mean from its rounded value */
        row_sums(x, cols, origin, &drift, &square);
        drift /= (double)cols;
        square = square / (double)cols - drift * drift;
        const double inverse = 1 / sqrt((square < 0 ? 0 : square) + (double)eps);
        if (mean) mean[r] = (real)((double)origin + drift);
        if (rstd) rstd[r] = (real)inverse;
        const vec o = vset1(origin), scale = vset1((real)inverse);
        const vec d = vset1((real)(drift * inverse));
        size_t j = 0;
        for (; j + WEFT_LANES <= cols; j += WEFT_LANES) {
            const real *g = gamma ? gamma + j : NULL, *b = beta ? beta + j : NULL;
            vstore(y + j, layer_word(vload(x + j), o, scale, d, g, b, WEFT_LANES));
        }
        if (j < cols) {
            const int n = (int)(cols - j);
            const real *g = gamma ? gamma + j : NULL, *b = beta ? beta + j : NULL;
            vstore_n(y + j, layer_word(vload_n(x + j, n), o, scale, d, g, b, n), n);
        }
    }
}

/* One vector of g = dy gamma and of xhat; lanes from n on are 0 in g. */
WEFT_INLINE vec layer_terms(const real *dy, const real *x, const real *gamma, vec mean,
                            vec rstd, int n, vec *xhat)
{
    vec g = vload_tail(dy, n);
    *xhat = vmul(vsub(vload_tail(x, n), mean), rstd);
    return gamma ? vmul(g, vload_tail(gamma, n)) : g;
}

/* Sums over a row of g and of g xhat. */
static void layer_sums(const real *dy, const real *x, const real *gamma, size_t n,
                       vec mean, vec rstd, double *plain, double *scaled)
{
    *plain = *scaled = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < 1024 ? n : i + 1024;
        vec s = vzero(), q = vzero(), xhat;
        while (i < end) {
            const int some = end - i < WEFT_LANES ? (int)(end - i) : WEFT_LANES;
            vec g = layer_terms(dy + i, x + i, gamma ? gamma + i : NULL, mean, rstd, some,
                                &xhat);
            if (some < WEFT_LANES) xhat = vselect(vfirst(some), xhat, vzero());
            s = vadd(s, g);
            q = vfma(g, xhat, q);
            i += (size_t)some;
        }
        *plain += (double)vsum(s);
        *scaled += (double)vsum(q);
    }
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy gamma */
void KERNEL(layer_norm_backward)(real *dx, const real *dy, const real *x,
                                 const real *gamma, const real *mean, const real *rstd,
                                 size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++, x += cols, dy += cols, dx += cols) {
        const vec m = vset1(mean[r]), scale = vset1(rstd[r]);
        double plain, scaled;
        layer_sums(dy, x, gamma, cols, m, scale, &plain, &scaled);
        const vec p = vset1((real)(plain / (double)cols));
        const vec q = vset1((real)(scaled / (double)cols));
        for (size_t j = 0; j < cols; j += WEFT_LANES) {
            const int n = cols - j < WEFT_LANES ? (int)(cols - j) : WEFT_LANES;
            vec xhat, g = layer_terms(dy + j, x + j, gamma ? gamma + j : NULL, m, scale,
                                      n, &xhat);
            vec d = vmul(scale, vsub(vfnma(xhat, q, g), p));
            vstore_n(dx + j, d, n);
        }
    }
}
