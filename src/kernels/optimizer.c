/* optimizer.c: the update rules, one pass over a slab of parameters, as PyTorch 1.13
 * computes them. */
#include "kernels/simd/vec.h"

#define LANES_AT(i, n) ((n) - (i) < WEFT_LANES ? (int)((n) - (i)) : WEFT_LANES)

/* g scaled, with decay p added if decay is not 0 (0 times an infinite p would be
 * NaN). */
WEFT_INLINE vec gradient(const real *g, vec p, int n, vec scale, bool decays, vec decay)
{
    vec v = vmul(vload_tail(g, n), scale);
    return decays ? vfma(decay, p, v) : v;
}

/* velocity = momentum velocity + (1 - dampening) g, in the first step just g;
 * p -= lr velocity, with nesterov lr (g + momentum velocity), without momentum lr g. */
void KERNEL(sgd)(real *p, const real *g, real *velocity, size_t n, double lr,
                 double momentum, double dampening, double decay, bool nesterov,
                 bool first, double gscale)
{
    const vec scale = vset1((real)gscale), decayv = vset1((real)decay);
    const vec m = vset1((real)momentum), fresh = vset1((real)(1 - dampening));
    const vec step = vset1((real)lr);
    const bool decays = decay != 0, moves = momentum != 0;
    for (size_t i = 0; i < n; i += WEFT_LANES) {
        const int some = LANES_AT(i, n);
        vec x = vload_tail(p + i, some);
        vec d = gradient(g + i, x, some, scale, decays, decayv);
        if (moves) {
            vec v = d;
            if (!first) v = vfma(m, vload_tail(velocity + i, some), vmul(fresh, d));
            vstore_tail(velocity + i, v, some);
            d = nesterov ? vfma(m, v, d) : v;
        }
        vstore_tail(p + i, vfnma(step, d, x), some);
    }
}

/* m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
 * p -= lr / correct1 * m / (sqrt(v) / sqrt(correct2) + eps); correct = 1 - beta^t. */
void KERNEL(adam)(real *p, const real *g, real *m, real *v, size_t n, double lr,
                  double beta1, double beta2, double eps, double decay, bool decoupled,
                  double correct1, double correct2, double gscale)
{
    const vec scale = vset1((real)gscale), decayv = vset1((real)decay);
    const vec b1 = vset1((real)beta1), c1 = vset1((real)(1 - beta1));
    const vec b2 = vset1((real)beta2), c2 = vset1((real)(1 - beta2));
    const vec keep = vset1((real)(1 - lr * decay)), e = vset1((real)eps);
    const vec step = vset1((real)(lr / correct1)), root = vset1((real)sqrt(correct2));
    const bool shrinks = decay != 0 && decoupled, decays = decay != 0 && !decoupled;
    for (size_t i = 0; i < n; i += WEFT_LANES) {
        const int some = LANES_AT(i, n);
        vec x = vload_tail(p + i, some);
        if (shrinks) x = vmul(x, keep);
        vec d = gradient(g + i, x, some, scale, decays, decayv);
        vec mean = vfma(b1, vload_tail(m + i, some), vmul(c1, d));
        vec square = vfma(b2, vload_tail(v + i, some), vmul(c2, vmul(d, d)));
        vstore_tail(m + i, mean, some);
        vstore_tail(v + i, square, some);
        vec by = vadd(vdiv(vsqrt(square), root), e);
        vstore_tail(p + i, vfnma(step, vdiv(mean, by), x), some);
    }
}

/* square = alpha square + (1 - alpha) g^2, and centred mean = alpha mean + (1 -
 * alpha) g; by = sqrt(square - mean^2) + eps; p -= lr velocity with velocity =
 * momentum velocity + g / by, without momentum p -= lr g / by. */
void KERNEL(rmsprop)(real *p, const real *g, real *square, real *mean, real *velocity,
                     size_t n, double lr, double alpha, double eps, double decay,
                     double momentum, double gscale)
{
    const vec scale = vset1((real)gscale), decayv = vset1((real)decay);
    const vec a = vset1((real)alpha), fresh = vset1((real)(1 - alpha));
    const vec m = vset1((real)momentum), e = vset1((real)eps), step = vset1((real)lr);
    const bool decays = decay != 0;
    for (size_t i = 0; i < n; i += WEFT_LANES) {
        const int some = LANES_AT(i, n);
        vec x = vload_tail(p + i, some);
        vec d = gradient(g + i, x, some, scale, decays, decayv);
        vec s = vfma(a, vload_tail(square + i, some), vmul(fresh, vmul(d, d)));
        vstore_tail(square + i, s, some);
        if (mean) {
            vec average = vfma(a, vload_tail(mean + i, some), vmul(fresh, d));
            vstore_tail(mean + i, average, some);
            /* the variance; rounding can leave a hair below 0 */
            s = vmax(vzero(), vfnma(average, average, s));
        }
        d = vdiv(d, vadd(vsqrt(s), e));
        if (velocity) {
            d = vfma(m, vload_tail(velocity + i, some), d);
            vstore_tail(velocity + i, d, some);
        }
        vstore_tail(p + i, vfnma(step, d, x), some);
    }
}
