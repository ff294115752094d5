/* softmax.c: softmax and log-softmax over rows, and their derivatives.
 *
 * The largest entry of a row is subtracted first, so that no exp overflows. -infinity
 * gives probability 0; a row of nothing but -infinity, or with +infinity or NaN, gives
 * NaN, as in PyTorch. y may be x, dx may be dy. */
#include "kernels/simd/vec_math.h"

/* Sums are taken in vectors over so many elements, then in double. */
#define SOFTMAX_BLOCK 1024

/* Sum of exp(x - most), and with y != NULL the terms themselves. */
static double exp_sum(real *y, const real *x, size_t n, real most)
{
    const vec origin = vset1(most);
    double total = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < SOFTMAX_BLOCK ? n : i + SOFTMAX_BLOCK;
        vec sum = vzero();
        for (; i + WEFT_LANES <= end; i += WEFT_LANES) {
            vec e = vexp(vsub(vload(x + i), origin));
            if (y) vstore(y + i, e);
            sum = vadd(sum, e);
        }
        if (i < end) {
            const int rest = (int)(end - i);
            vec e = vexp(vsub(vload_n(x + i, rest), origin));
            if (y) vstore_n(y + i, e, rest);
            sum = vadd(sum, vselect(vfirst(rest), e, vzero()));
        }
        total += (double)vsum(sum);
        i = end;
    }
    return total;
}

void KERNEL(softmax)(real *y, const real *x, size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        const double sum = exp_sum(y, x, cols, KERNEL(reduce_max)(x, cols));
        KERNEL(scale)(y, y, cols, (real)(1 / sum), 0);
    }
}

/* (x - most) - log(sum): most + log(sum) would round away a small log of a large
 * most. */
void KERNEL(log_softmax)(real *y, const real *x, size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        const real most = KERNEL(reduce_max)(x, cols);
        real log_sum[WEFT_LANES];
        size_t i = 0;
        vstore(log_sum, vlog(vset1((real)exp_sum(NULL, x, cols, most))));
        const vec origin = vset1(most), shift = vset1(log_sum[0]);
        for (; i + WEFT_LANES <= cols; i += WEFT_LANES)
            vstore(y + i, vsub(vsub(vload(x + i), origin), shift));
        if (i < cols) {
            const int rest = (int)(cols - i);
            vstore_n(y + i, vsub(vsub(vload_n(x + i, rest), origin), shift), rest);
        }
    }
}

/* dx = y (dy - sum dy y) */
void KERNEL(softmax_backward)(real *dx, const real *dy, const real *y, size_t rows,
                              size_t cols)
{
    for (size_t r = 0; r < rows; r++, dx += cols, dy += cols, y += cols) {
        const vec sum = vset1((real)KERNEL(dot)(dy, y, cols));
        size_t i = 0;
        for (; i + WEFT_LANES <= cols; i += WEFT_LANES)
            vstore(dx + i, vmul(vload(y + i), vsub(vload(dy + i), sum)));
        if (i < cols) {
            const int rest = (int)(cols - i);
            vec d = vmul(vload_n(y + i, rest), vsub(vload_n(dy + i, rest), sum));
            vstore_n(dx + i, d, rest);
        }
    }
}

/* dx = dy - exp(y) sum dy */
void KERNEL(log_softmax_backward)(real *dx, const real *dy, const real *y, size_t rows,
                                  size_t cols)
{
    for (size_t r = 0; r < rows; r++, dx += cols, dy += cols, y += cols) {
        const vec sum = vset1((real)KERNEL(sum)(dy, cols));
        size_t i = 0;
        for (; i + WEFT_LANES <= cols; i += WEFT_LANES)
            vstore(dx + i, vfnma(vexp(vload(y + i)), sum, vload(dy + i)));
        if (i < cols) {
            const int rest = (int)(cols - i);
            vec d = vfnma(vexp(vload_n(y + i, rest)), sum, vload_n(dy + i, rest));
            vstore_n(dx + i, d, rest);
        }
    }
}
