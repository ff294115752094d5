/* vec_math.h: exp, log, tanh, sigmoid, erf and relatives in vec.h words.
 *
 * Our own, so that a result does not change with the C library. Worst error found in
 * any dialect (tests/kernels/simd/vec_math.c, every 251st float), in units in the
 * last place: exp 1.0, expm1 1.0, log 0.8, tanh 1.4, sigmoid 2.3, softplus 1.7, erf
 * 1.3. NaN gives NaN; infinities and denormals, as arguments and as results, are
 * right. In the f64 dialect they are libm's.
 *
 * The coefficients are minimax fits of the relative error, rounded to float. */
#ifndef WEFT_SRC_KERNELS_SIMD_VEC_MATH_H
#define WEFT_SRC_KERNELS_SIMD_VEC_MATH_H

#include "kernels/simd/vec.h"

#ifdef WEFT_F64

WEFT_INLINE vec vexp(vec x)
{
    return exp(x);
}
WEFT_INLINE vec vexpm1(vec x)
{
    return expm1(x);
}
WEFT_INLINE vec vlog(vec x)
{
    return log(x);
}
WEFT_INLINE vec vlog1p(vec u)
{
    return log1p(u);
}
WEFT_INLINE vec vtanh(vec x)
{
    return tanh(x);
}
WEFT_INLINE vec verf(vec x)
{
    return erf(x);
}

#else

/* x = n ln 2 + r with n whole and |r| <= ln 2 / 2. The first part of ln 2 has 9
 * bits, so that n times it is exact. Gives n and e^r - 1. */
WEFT_INLINE vec exp_parts(vec x, vec *n)
{
    *n = vround(vmul(x, vset1(1.44269504f)));
    vec r = vfnma(*n, vset1(0.693359375f), x);
    r = vfnma(*n, vset1(-2.12194440e-4f), r);
    vec p = vfma(vset1(1.38143159e-3f), r, vset1(8.36885162e-3f));
    p = vfma(p, r, vset1(4.16684002e-2f));
    p = vfma(p, r, vset1(1.66665196e-1f));
    p = vfma(p, r, vset1(4.99999940e-1f));
    return vfma(vmul(r, r), p, r);
}

/* Scaling by 2^n in two steps reaches the denormals below and infinity above. */
WEFT_INLINE vec vexp(vec x)
{
    vec n, q;
    q = exp_parts(vmax(vset1(-104.0f), vmin(vset1(89.0f), x)), &n);
    vec half = vfloor(vmul(n, vset1(0.5f)));
    vec r = vadd(q, vset1(1.0f));
    return vmul(vmul(r, vpow2(half)), vpow2(vsub(n, half)));
}

/* e^x - 1 for x <= 88. */
WEFT_INLINE vec vexpm1(vec x)
{
    vec n, q;
    q = exp_parts(vmax(vset1(-20.0f), vmin(vset1(88.0f), x)), &n);
    vec scale = vpow2(n);
    return vfma(q, scale, vsub(scale, vset1(1.0f)));
}

/* e ln 2 + log(1 + f), for f from sqrt(1/2) - 1 to sqrt(2) - 1. */
WEFT_INLINE vec log_from_parts(vec f, vec e)
{
    vec p = vfma(vset1(6.74666092e-2f), f, vset1(-1.16758145e-1f));
    p = vfma(p, f, vset1(1.18882440e-1f));
    p = vfma(p, f, vset1(-1.24055699e-1f));
    p = vfma(p, f, vset1(1.42195389e-1f));
    p = vfma(p, f, vset1(-1.66679963e-1f));
    p = vfma(p, f, vset1(2.00021192e-1f));
    p = vfma(p, f, vset1(-2.50000089e-1f));
    p = vfma(p, f, vset1(3.33333135e-1f));
    vec ff = vmul(f, f);
    vec tail = vfma(e, vset1(-2.12194440e-4f), vmul(vmul(ff, f), p));
    tail = vfnma(vset1(0.5f), ff, tail);
    return vfma(e, vset1(0.693359375f), vadd(f, tail));
}

WEFT_INLINE vec vlog(vec x)
{
    const vec one = vset1(1.0f), inf = vset1(INFINITY);
    vmask denormal = vlt(x, vset1(1.17549435e-38f));
    vec y = vselect(denormal, vmul(x, vset1(16777216.0f)), x);
    vec e = vsub(vexponent(y), vselect(denormal, vset1(24.0f), vzero()));
    vec m = vmantissa(y);
    vmask upper = vgt(m, vset1(1.41421354f));
    m = vselect(upper, vmul(m, vset1(0.5f)), m);
    e = vselect(upper, vadd(e, one), e);
    vec r = log_from_parts(vsub(m, one), e);
    r = vselect(vlt(x, inf), r, x); /* infinity, NaN */
    r = vselect(veq(x, vzero()), vneg(inf), r);
    return vselect(vlt(x, vzero()), vset1(NAN), r);
}

/* log(1 + u) for 0 <= u <= 1, from u itself, so that nothing of a small u is lost. */
WEFT_INLINE vec vlog1p(vec u)
{
    const vec one = vset1(1.0f);
    vmask upper = vgt(u, vset1(0.41421354f));
    vec f = vselect(upper, vmul(vsub(u, one), vset1(0.5f)), u);
    return log_from_parts(f, vselect(upper, one, vzero()));
}

WEFT_INLINE vec vtanh(vec x)
{
    const vec one = vset1(1.0f);
    vec a = vabs(x), z = vmul(x, x);
    vec p = vfma(vset1(-5.66698425e-3f), z, vset1(2.06061844e-2f));
    p = vfma(p, z, vset1(-5.37300110e-2f));
    p = vfma(p, z, vset1(1.33313313e-1f));
    p = vfma(p, z, vset1(-3.33332777e-1f));
    vec near = vfma(vmul(p, z), x, x);
    vec n, q = exp_parts(vmin(vset1(64.0f), vadd(a, a)), &n);
    vec far = vfma(vadd(q, one), vpow2(n), one);
    far = vcopysign(vsub(one, vdiv(vset1(2.0f), far)), x);
    return vselect(vgt(a, vset1(0.625f)), far, near);
}

WEFT_INLINE vec verf(vec x)
{
    vec a = vabs(x), z = vmul(x, x);
    vec p = vfma(vset1(-5.95396152e-4f), z, vset1(4.98599326e-3f));
    p = vfma(p, z, vset1(-2.67617665e-2f));
    p = vfma(p, z, vset1(1.12816840e-1f));
    p = vfma(p, z, vset1(-3.76124799e-1f));
    p = vfma(p, z, vset1(1.28379151e-1f));
    vec near = vfma(p, x, x);
    /* 1 - exp(-t (1 + q(t))) */
    vec t = vmin(vset1(4.0f), a);
    vec q = vfma(vset1(1.14237364e-5f), t, vset1(-3.24730296e-4f));
    q = vfma(q, t, vset1(3.65029345e-3f));
    q = vfma(q, t, vset1(-2.37786360e-2f));
    q = vfma(q, t, vset1(1.06256127e-1f));
    q = vfma(q, t, vset1(6.35139704e-1f));
    q = vfma(q, t, vset1(1.28651351e-1f));
    vec far = vsub(vset1(1.0f), vexp(vneg(vfma(q, t, t))));
    return vselect(vgt(a, vset1(0.93f)), vcopysign(far, x), near);
}

#endif

/* 1 / (1 + e^-x), from e^-|x| so that both tails keep their digits. */
WEFT_INLINE vec vsigmoid(vec x)
{
    const vec one = vset1(1);
    vec e = vexp(vneg(vabs(x)));
    return vdiv(vselect(vlt(x, vzero()), e, one), vadd(one, e));
}

/* log(1 + e^x) */
WEFT_INLINE vec vsoftplus(vec x)
{
    return vadd(vmax(vzero(), x), vlog1p(vexp(vneg(vabs(x)))));
}

#endif
