/* activation.h: the activations of weft__act and their derivatives, one vector at a
 * time.
 *
 * forward: y = f(x). derivative: dx = dy f'(x), written with x or with y, whichever
 * is cheaper; relu, sigmoid, tanh, celu and log sigmoid look at y only, all others at
 * x only. Kinks have PyTorch's subgradients. alpha and beta: leaky relu: slope below
 * 0; elu, celu: alpha; hard sigmoid: alpha x + beta; softplus: log(1 + exp(alpha x)) /
 * alpha; clip: lower and upper bound. NaN gives NaN. */
#ifndef WEFT_SRC_KERNELS_ACTIVATION_H
#define WEFT_SRC_KERNELS_ACTIVATION_H

#include "kernels/simd/vec_math.h"

#define SELU_SCALE 1.0507009873554804934
#define SELU_ALPHA 1.6732632423543772848
#define SQRT_HALF 0.70710678118654752440
#define SQRT_2_OVER_PI 0.79788456080286535588
#define SQRT_HALF_OVER_PI 0.39894228040143267794 /* 1 / sqrt(2 pi) */
#define GELU_CUBE 0.044715

typedef vec forward_fn(vec x, vec alpha, vec beta);
typedef vec derivative_fn(vec dy, vec x, vec y, vec alpha, vec beta);

#define FORWARD(name) \
    WEFT_INLINE vec name##_forward(vec x, __attribute__((unused)) vec alpha, \
                                   __attribute__((unused)) vec beta)
#define DERIVATIVE(name) \
    WEFT_INLINE vec name##_derivative( \
        vec dy, __attribute__((unused)) vec x, __attribute__((unused)) vec y, \
        __attribute__((unused)) vec alpha, __attribute__((unused)) vec beta)

/* low <= x <= high; NaN stays. */
WEFT_INLINE vec vclip(vec x, vec low, vec high)
{
    return vmin(high, vmax(low, x));
}

FORWARD(none)
{
    return x;
}
DERIVATIVE(none)
{
    return dy;
}

FORWARD(relu)
{
    return vmax(vzero(), x);
}
DERIVATIVE(relu)
{
    return vselect(vle(y, vzero()), vzero(), dy);
}

FORWARD(leaky_relu)
{
    return vselect(vgt(x, vzero()), x, vmul(x, alpha));
}
DERIVATIVE(leaky_relu)
{
    return vselect(vgt(x, vzero()), dy, vmul(dy, alpha));
}

FORWARD(elu)
{
    vec low = vmul(alpha, vexpm1(vmin(vzero(), x)));
    return vselect(vgt(x, vzero()), x, low);
}
DERIVATIVE(elu)
{
    vec low = vmul(dy, vmul(alpha, vexp(vmin(vzero(), x))));
    return vselect(vgt(x, vzero()), dy, low);
}

/* x Phi(x), Phi the normal distribution; its derivative is Phi + x phi. */
FORWARD(gelu)
{
    vec phi = vadd(vset1(1), verf(vmul(x, vset1((real)SQRT_HALF))));
    return vmul(vmul(vset1((real)0.5), x), phi);
}
DERIVATIVE(gelu)
{
    const vec half = vset1((real)0.5);
    vec whole = vfma(half, verf(vmul(x, vset1((real)SQRT_HALF))), half);
    vec density =
        vmul(vexp(vmul(vmul(x, x), vneg(half))), vset1((real)SQRT_HALF_OVER_PI));
    return vmul(dy, vfma(x, density, whole));
}

WEFT_INLINE vec gelu_tanh_inside(vec x)
{
    vec cube = vmul(vmul(vmul(x, x), x), vset1((real)GELU_CUBE));
    return vmul(vset1((real)SQRT_2_OVER_PI), vadd(x, cube));
}
FORWARD(gelu_tanh)
{
    vec t = vtanh(gelu_tanh_inside(x));
    return vmul(vmul(vset1((real)0.5), x), vadd(vset1(1), t));
}
DERIVATIVE(gelu_tanh)
{
    const vec half = vset1((real)0.5), one = vset1(1);
    vec t = vtanh(gelu_tanh_inside(x));
    vec slope = vfma(vmul(x, x), vset1((real)(3 * GELU_CUBE)), one);
    slope = vmul(slope, vset1((real)SQRT_2_OVER_PI));
    vec right = vmul(vmul(vmul(half, x), vfnma(t, t, one)), slope);
    return vmul(dy, vfma(half, vadd(one, t), right));
}

FORWARD(silu)
{
    return vmul(x, vsigmoid(x));
}
DERIVATIVE(silu)
{
    const vec one = vset1(1);
    vec s = vsigmoid(x);
    return vmul(dy, vmul(s, vfma(x, vsub(one, s), one)));
}

FORWARD(hard_swish)
{
    vec gate = vfma(x, vset1((real)(1.0 / 6)), vset1((real)0.5));
    return vmul(x, vclip(gate, vzero(), vset1(1)));
}
DERIVATIVE(hard_swish)
{
    vec inner = vmul(dy, vfma(x, vset1((real)(1.0 / 3)), vset1((real)0.5)));
    inner = vselect(vgt(x, vset1(3)), dy, inner);
    return vselect(vlt(x, vset1(-3)), vzero(), inner);
}

FORWARD(hard_sigmoid)
{
    return vclip(vfma(x, alpha, beta), vzero(), vset1(1));
}
DERIVATIVE(hard_sigmoid)
{
    vec t = vfma(x, alpha, beta);
    vmask inside = vmand(vgt(t, vzero()), vlt(t, vset1(1)));
    return vselect(inside, vmul(dy, alpha), vzero());
}

FORWARD(sigmoid)
{
    return vsigmoid(x);
}
DERIVATIVE(sigmoid)
{
    return vmul(dy, vmul(y, vsub(vset1(1), y)));
}

FORWARD(tanh)
{
    return vtanh(x);
}
DERIVATIVE(tanh)
{
    return vmul(dy, vfnma(y, y, vset1(1)));
}

FORWARD(softplus)
{
    return vdiv(vsoftplus(vmul(alpha, x)), alpha);
}
DERIVATIVE(softplus)
{
    return vmul(dy, vsigmoid(vmul(alpha, x)));
}

FORWARD(selu)
{
    vec low = vmul(vset1((real)SELU_ALPHA), vexpm1(vmin(vzero(), x)));
    return vmul(vset1((real)SELU_SCALE), vselect(vgt(x, vzero()), x, low));
}
DERIVATIVE(selu)
{
    vec low = vmul(vset1((real)SELU_ALPHA), vexp(vmin(vzero(), x)));
    low = vselect(vgt(x, vzero()), vset1(1), low);
    return vmul(dy, vmul(vset1((real)SELU_SCALE), low));
}

FORWARD(clip)
{
    return vclip(x, alpha, beta);
}
DERIVATIVE(clip)
{
    return vselect(vmand(vge(x, alpha), vle(x, beta)), dy, vzero());
}

FORWARD(celu)
{
    vec low = vmul(alpha, vexpm1(vdiv(vmin(vzero(), x), alpha)));
    return vselect(vgt(x, vzero()), x, low);
}
DERIVATIVE(celu)
{
    vec low = vmul(dy, vadd(vdiv(y, alpha), vset1(1)));
    return vselect(vgt(y, vzero()), dy, low);
}

/* With e = exp(x) and n = e (e + 2), tanh(log(1 + e)) is n / (n + 2), which has all its
 * digits where e is small and is 1 from x = 20 on. */
WEFT_INLINE vec mish_parts(vec x, vec *e)
{
    *e = vexp(vmin(vset1(20), x));
    return vmul(*e, vadd(*e, vset1(2)));
}
FORWARD(mish)
{
    vec e, n = mish_parts(x, &e);
    return vmul(x, vdiv(n, vadd(n, vset1(2))));
}
DERIVATIVE(mish)
{
    vec e, n = mish_parts(x, &e), below = vadd(n, vset1(2));
    vec up = vmul(vmul(vset1(4), e), vadd(vset1(1), e));
    up = vdiv(vmul(vmin(vset1(20), x), up), vmul(below, below));
    return vmul(dy, vadd(vdiv(n, below), up));
}

FORWARD(softsign)
{
    return vdiv(x, vadd(vset1(1), vabs(x)));
}
DERIVATIVE(softsign)
{
    vec below = vadd(vset1(1), vabs(x));
    return vdiv(dy, vmul(below, below));
}

FORWARD(log_sigmoid)
{
    return vneg(vsoftplus(vneg(x)));
}
DERIVATIVE(log_sigmoid)
{
    return vmul(dy, vneg(vexpm1(y)));
}

#undef FORWARD
#undef DERIVATIVE

/* Calls X(enumerator, name) for every activation. */
#define WEFT_ACTIVATIONS(X) \
    X(WEFT_ACT_NONE, none) \
    X(WEFT_ACT_RELU, relu) \
    X(WEFT_ACT_LEAKY_RELU, leaky_relu) \
    X(WEFT_ACT_ELU, elu) \
    X(WEFT_ACT_GELU, gelu) \
    X(WEFT_ACT_GELU_TANH, gelu_tanh) \
    X(WEFT_ACT_SILU, silu) \
    X(WEFT_ACT_HARD_SWISH, hard_swish) \
    X(WEFT_ACT_HARD_SIGMOID, hard_sigmoid) \
    X(WEFT_ACT_SIGMOID, sigmoid) \
    X(WEFT_ACT_TANH, tanh) \
    X(WEFT_ACT_SOFTPLUS, softplus) \
    X(WEFT_ACT_SELU, selu) \
    X(WEFT_ACT_CLIP, clip) \
    X(WEFT_ACT_CELU, celu) \
    X(WEFT_ACT_MISH, mish) \
    X(WEFT_ACT_SOFTSIGN, softsign) \
    X(WEFT_ACT_LOG_SIGMOID, log_sigmoid)

/* The epilogue of a product, over one vector. e may be NULL: none. Not inlined: the
 * products that have one are long enough, and their registers are better kept for
 * themselves; NONE and RELU, nearly all there is, are. */
static __attribute__((noinline, unused)) vec activate_any(vec x, weft__act act, vec alpha,
                                                          vec beta)
{
    switch (act) {
#define CASE(number, name) \
    case number: \
        return name##_forward(x, alpha, beta);
        WEFT_ACTIVATIONS(CASE)
#undef CASE
    case WEFT_ACT_COUNT:
        break;
    }
    return x;
}

WEFT_INLINE vec vactivate(vec x, const weft__epilogue *e)
{
    if (!e || e->act == WEFT_ACT_NONE) return x;
    if (e->act == WEFT_ACT_RELU) return relu_forward(x, x, x);
    return activate_any(x, e->act, vset1((real)e->alpha), vset1((real)e->beta));
}

#endif
