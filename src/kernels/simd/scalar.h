/* scalar.h: the vocabulary in plain C, one lane. Also the base of f64.h. */
#ifndef WEFT_SRC_KERNELS_SIMD_SCALAR_H
#define WEFT_SRC_KERNELS_SIMD_SCALAR_H

#ifndef WEFT_LANE_BITS
#define WEFT_LANE_BITS uint32_t
#define WEFT_LANE_FRACTION 23   /* bits of the fraction */
#define WEFT_LANE_BIAS 127      /* of the exponent */
#define WEFT_LANE_WHOLE 8388608 /* 2^fraction: numbers from here on are whole */
#define WEFT_LANE_SQRT sqrtf
#define WEFT_LANE_ABS fabsf
#define WEFT_LANE_COPYSIGN copysignf
#endif

#define WEFT_LANES 1
#define WEFT_VREGS 16

typedef real vec;
typedef bool vmask;

WEFT_INLINE vec vload(const real *p)
{
    return *p;
}
WEFT_INLINE void vstore(real *p, vec v)
{
    *p = v;
}
WEFT_INLINE vec vload_n(const real *p, int n)
{
    return n ? *p : 0;
}
WEFT_INLINE void vstore_n(real *p, vec v, int n)
{
    if (n) *p = v;
}
WEFT_INLINE vec vload_u8(const unsigned char *p)
{
    return *p;
}
WEFT_INLINE vec vload_i32(const int32_t *p)
{
    return (real)*p;
}
WEFT_INLINE void vstore_i32(int32_t *p, vec v)
{
    *p = (int32_t)v;
}
WEFT_INLINE vec vset1(real s)
{
    return s;
}
WEFT_INLINE vec vzero(void)
{
    return 0;
}
WEFT_INLINE vec vadd(vec a, vec b)
{
    return a + b;
}
WEFT_INLINE vec vsub(vec a, vec b)
{
    return a - b;
}
WEFT_INLINE vec vmul(vec a, vec b)
{
    return a * b;
}
WEFT_INLINE vec vdiv(vec a, vec b)
{
    return a / b;
}
/* fma() in software would be a hundred times slower; two roundings serve here. */
WEFT_INLINE vec vfma(vec a, vec b, vec c)
{
    return a * b + c;
}
WEFT_INLINE vec vfnma(vec a, vec b, vec c)
{
    return c - a * b;
}
WEFT_INLINE vec vmax(vec a, vec b)
{
    return a > b ? a : b;
}
WEFT_INLINE vec vmin(vec a, vec b)
{
    return a < b ? a : b;
}
WEFT_INLINE vec vneg(vec a)
{
    return -a;
}
WEFT_INLINE vec vabs(vec a)
{
    return WEFT_LANE_ABS(a);
}
WEFT_INLINE vec vsqrt(vec a)
{
    return WEFT_LANE_SQRT(a);
}
WEFT_INLINE vec vcopysign(vec a, vec s)
{
    return WEFT_LANE_COPYSIGN(a, s);
}
/* Adding 2^fraction pushes the fraction's digits out; the FPU rounds them to even. */
WEFT_INLINE vec vround(vec a)
{
    vec whole = WEFT_LANE_COPYSIGN((real)WEFT_LANE_WHOLE, a);
    return WEFT_LANE_ABS(a) < (real)WEFT_LANE_WHOLE ? (a + whole) - whole : a;
}
WEFT_INLINE vec vfloor(vec a)
{
    vec r = vround(a);
    return r > a ? r - 1 : r;
}
WEFT_INLINE vmask vlt(vec a, vec b)
{
    return a < b;
}
WEFT_INLINE vmask vle(vec a, vec b)
{
    return a <= b;
}
WEFT_INLINE vmask vgt(vec a, vec b)
{
    return a > b;
}
WEFT_INLINE vmask vge(vec a, vec b)
{
    return a >= b;
}
WEFT_INLINE vmask veq(vec a, vec b)
{
    return a == b;
}
WEFT_INLINE vec vselect(vmask m, vec a, vec b)
{
    return m ? a : b;
}
WEFT_INLINE vmask vmand(vmask a, vmask b)
{
    return a && b;
}
WEFT_INLINE vmask vmor(vmask a, vmask b)
{
    return a || b;
}
WEFT_INLINE vmask vmnot(vmask a)
{
    return !a;
}
WEFT_INLINE bool vany(vmask m)
{
    return m;
}
WEFT_INLINE real vsum(vec v)
{
    return v;
}
WEFT_INLINE real vreduce_max(vec v)
{
    return v;
}

/* Adding 1.5 * 2^fraction puts v + bias into the low bits; no NaN is ever cast to an
 * integer. */
WEFT_INLINE vec vzip_low(vec a, vec b)
{
    (void)b;
    return a;
}

WEFT_INLINE vec vzip_high(vec a, vec b)
{
    (void)a;
    return b;
}

WEFT_INLINE vec vpow2(vec v)
{
    WEFT_LANE_BITS bits;
    v += (real)WEFT_LANE_WHOLE * (real)1.5 + (real)WEFT_LANE_BIAS;
    memcpy(&bits, &v, sizeof bits);
    bits <<= WEFT_LANE_FRACTION;
    memcpy(&v, &bits, sizeof v);
    return v;
}

WEFT_INLINE vec vexponent(vec v)
{
    WEFT_LANE_BITS bits;
    v = vabs(v);
    memcpy(&bits, &v, sizeof bits);
    return (real)((int)(bits >> WEFT_LANE_FRACTION) - WEFT_LANE_BIAS);
}

WEFT_INLINE vec vmantissa(vec v)
{
    WEFT_LANE_BITS bits, fraction = ((WEFT_LANE_BITS)1 << WEFT_LANE_FRACTION) - 1;
    memcpy(&bits, &v, sizeof bits);
    bits = (bits & fraction) | (WEFT_LANE_BITS)WEFT_LANE_BIAS << WEFT_LANE_FRACTION;
    memcpy(&v, &bits, sizeof v);
    return v;
}

#endif
