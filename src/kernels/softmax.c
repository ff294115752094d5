/* softmax.c: softmax and log-softmax over rows, and their derivatives.
 *
 * The largest entry of a row is subtracted first, so that no exp overflows. -infinity gives
 * probability 0; a row of nothing but -infinity, or with +infinity or NaN, gives NaN, as in
 * PyTorch. y may be x, dx may be dy. */
#include "kernels/vec_math.h"

/* Sums are taken in vectors over so many elements, then in double. */
#define SOFTMAX_BLOCK 1024

typedef struct row_walk {
    size_t end; /* of this block */
} row_walk;

/* Largest entry of a row; NaN if there is one. */
static real row_largest(const real *x, size_t n)
{
    const vec least = vset1((real)-INFINITY);
    vec most = least;
    vmask odd = vlt(least, least);
    size_t i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES) {
        vec v = vload(x + i);
        odd = vmor(odd, vmnot(veq(v, v)));
        most = vmax(v, most);
    }
    if (i < n) {
        int rest = (int)(n - i);
        vec v = vselect(vfirst(rest), vload_n(x + i, rest), least);
        odd = vmor(odd, vmnot(veq(v, v)));
        most = vmax(v, most);
    }
    return vany(odd) ? (real)NAN : vlargest(most);
}
