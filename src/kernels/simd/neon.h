/* neon.h: the vocabulary on AArch64 Advanced SIMD, 4 floats. */
#ifndef WEFT_SRC_KERNELS_SIMD_NEON_H
#define WEFT_SRC_KERNELS_SIMD_NEON_H

#include <arm_neon.h>

#define WEFT_LANES 4
#define WEFT_VREGS 32

typedef float32x4_t vec;
typedef uint32x4_t vmask;

WEFT_INLINE vec vload(const real *p)
{
    return vld1q_f32(p);
}
WEFT_INLINE void vstore(real *p, vec v)
{
    vst1q_f32(p, v);
}
WEFT_INLINE vec vload_n(const real *p, int n)
{
    real lanes[4] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return vld1q_f32(lanes);
}
WEFT_INLINE void vstore_n(real *p, vec v, int n)
{
    real lanes[4];
    vst1q_f32(lanes, v);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}
WEFT_INLINE vec vload_u8(const unsigned char *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    uint8x8_t b = vreinterpret_u8_u32(vdup_n_u32(bytes));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(b))));
}
WEFT_INLINE vec vload_i32(const int32_t *p)
{
    return vcvtq_f32_s32(vld1q_s32(p));
}
WEFT_INLINE void vstore_i32(int32_t *p, vec v)
{
    vst1q_s32(p, vcvtq_s32_f32(v));
}
WEFT_INLINE vec vset1(real s)
{
    return vdupq_n_f32(s);
}
WEFT_INLINE vec vzero(void)
{
    return vdupq_n_f32(0.0f);
}
WEFT_INLINE vec vadd(vec a, vec b)
{
    return vaddq_f32(a, b);
}
WEFT_INLINE vec vsub(vec a, vec b)
{
    return vsubq_f32(a, b);
}
WEFT_INLINE vec vmul(vec a, vec b)
{
    return vmulq_f32(a, b);
}
WEFT_INLINE vec vdiv(vec a, vec b)
{
    return vdivq_f32(a, b);
}
WEFT_INLINE vec vfma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
WEFT_INLINE vec vfnma(vec a, vec b, vec c)
{
    return vfmsq_f32(c, a, b);
}
/* Not vmaxq_f32: that one gives NaN when either is NaN, unlike the other dialects. */
WEFT_INLINE vec vmax(vec a, vec b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}
WEFT_INLINE vec vmin(vec a, vec b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}
WEFT_INLINE vec vneg(vec a)
{
    return vnegq_f32(a);
}
WEFT_INLINE vec vabs(vec a)
{
    return vabsq_f32(a);
}
WEFT_INLINE vec vsqrt(vec a)
{
    return vsqrtq_f32(a);
}
WEFT_INLINE vec vcopysign(vec a, vec s)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), s, a);
}
WEFT_INLINE vec vround(vec a)
{
    return vrndnq_f32(a);
}
WEFT_INLINE vec vfloor(vec a)
{
    return vrndmq_f32(a);
}
WEFT_INLINE vmask vlt(vec a, vec b)
{
    return vcltq_f32(a, b);
}
WEFT_INLINE vmask vle(vec a, vec b)
{
    return vcleq_f32(a, b);
}
WEFT_INLINE vmask vgt(vec a, vec b)
{
    return vcgtq_f32(a, b);
}
WEFT_INLINE vmask vge(vec a, vec b)
{
    return vcgeq_f32(a, b);
}
WEFT_INLINE vmask veq(vec a, vec b)
{
    return vceqq_f32(a, b);
}
WEFT_INLINE vec vselect(vmask m, vec a, vec b)
{
    return vbslq_f32(m, a, b);
}
WEFT_INLINE vmask vmand(vmask a, vmask b)
{
    return vandq_u32(a, b);
}
WEFT_INLINE vmask vmor(vmask a, vmask b)
{
    return vorrq_u32(a, b);
}
WEFT_INLINE vmask vmnot(vmask a)
{
    return vmvnq_u32(a);
}
WEFT_INLINE bool vany(vmask m)
{
    return vmaxvq_u32(m) != 0;
}
WEFT_INLINE real vsum(vec v)
{
    return vaddvq_f32(v);
}
WEFT_INLINE real vreduce_max(vec v)
{
    return vmaxvq_f32(v);
}

WEFT_INLINE vec vzip_low(vec a, vec b)
{
    return vzip1q_f32(a, b);
}

WEFT_INLINE vec vzip_high(vec a, vec b)
{
    return vzip2q_f32(a, b);
}

WEFT_INLINE vec vpow2(vec v)
{
    int32x4_t e = vaddq_s32(vcvtq_s32_f32(v), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(e, 23));
}

WEFT_INLINE vec vexponent(vec v)
{
    int32x4_t e = vshrq_n_s32(vreinterpretq_s32_f32(vabs(v)), 23);
    return vcvtq_f32_s32(vsubq_s32(e, vdupq_n_s32(127)));
}

WEFT_INLINE vec vmantissa(vec v)
{
    uint32x4_t m = vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0x7fffff));
    return vreinterpretq_f32_u32(vorrq_u32(m, vdupq_n_u32(127u << 23)));
}

#endif
