/* avx512.h: the vocabulary on AVX-512 (F, BW, DQ, VL), 16 floats. */
#ifndef WEFT_SRC_KERNELS_SIMD_AVX512_H
#define WEFT_SRC_KERNELS_SIMD_AVX512_H

#include <immintrin.h>

#define WEFT_LANES 16
#define WEFT_VREGS 32
#define WEFT_NT_STORES 1

typedef __m512 vec;
typedef __mmask16 vmask;

WEFT_INLINE __mmask16 first_lanes(int n)
{
    return (__mmask16)((1u << n) - 1);
}

WEFT_INLINE vec vload(const real *p)
{
    return _mm512_loadu_ps(p);
}
WEFT_INLINE void vstore(real *p, vec v)
{
    _mm512_storeu_ps(p, v);
}
/* Past the cache: p on a cache line. */
WEFT_INLINE void vstore_nt(real *p, vec v)
{
    _mm512_stream_ps(p, v);
}
WEFT_INLINE void vstore_nt_fence(void)
{
    _mm_sfence();
}
WEFT_INLINE vec vload_n(const real *p, int n)
{
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
WEFT_INLINE void vstore_n(real *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, first_lanes(n), v);
}
WEFT_INLINE vec vload_u8(const unsigned char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}
WEFT_INLINE vec vload_i32(const int32_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_loadu_si512(p));
}
WEFT_INLINE void vstore_i32(int32_t *p, vec v)
{
    _mm512_storeu_si512(p, _mm512_cvtps_epi32(v));
}
WEFT_INLINE vec vset1(real s)
{
    return _mm512_set1_ps(s);
}
WEFT_INLINE vec vzero(void)
{
    return _mm512_setzero_ps();
}
WEFT_INLINE vec vadd(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
WEFT_INLINE vec vsub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}
WEFT_INLINE vec vmul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}
WEFT_INLINE vec vdiv(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
WEFT_INLINE vec vfma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
WEFT_INLINE vec vfnma(vec a, vec b, vec c)
{
    return _mm512_fnmadd_ps(a, b, c);
}
WEFT_INLINE vec vmax(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}
WEFT_INLINE vec vmin(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}
WEFT_INLINE vec vneg(vec a)
{
    return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a);
}
WEFT_INLINE vec vabs(vec a)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}
WEFT_INLINE vec vsqrt(vec a)
{
    return _mm512_sqrt_ps(a);
}
WEFT_INLINE vec vcopysign(vec a, vec s)
{
    return _mm512_or_ps(vabs(a), _mm512_and_ps(_mm512_set1_ps(-0.0f), s));
}
WEFT_INLINE vec vround(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
WEFT_INLINE vec vfloor(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
WEFT_INLINE vmask vlt(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
WEFT_INLINE vmask vle(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
WEFT_INLINE vmask vgt(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
WEFT_INLINE vmask vge(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}
WEFT_INLINE vmask veq(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
WEFT_INLINE vec vselect(vmask m, vec a, vec b)
{
    return _mm512_mask_blend_ps(m, b, a);
}
WEFT_INLINE vmask vmand(vmask a, vmask b)
{
    return (vmask)(a & b);
}
WEFT_INLINE vmask vmor(vmask a, vmask b)
{
    return (vmask)(a | b);
}
WEFT_INLINE vmask vmnot(vmask a)
{
    return (vmask)~a;
}
WEFT_INLINE bool vany(vmask m)
{
    return m != 0;
}

WEFT_INLINE real vsum(vec v)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

WEFT_INLINE real vreduce_max(vec v)
{
    __m256 h = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

WEFT_INLINE vec vzip_low(vec a, vec b)
{
    const __m512i at =
        _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_permutex2var_ps(a, at, b);
}

WEFT_INLINE vec vzip_high(vec a, vec b)
{
    const __m512i at =
        _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return _mm512_permutex2var_ps(a, at, b);
}

WEFT_INLINE vec vpow2(vec v)
{
    __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
}

WEFT_INLINE vec vexponent(vec v)
{
    __m512i e = _mm512_srli_epi32(_mm512_castps_si512(vabs(v)), 23);
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(e, _mm512_set1_epi32(127)));
}

WEFT_INLINE vec vmantissa(vec v)
{
    __m512i m = _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffff));
    return _mm512_castsi512_ps(_mm512_or_si512(m, _mm512_set1_epi32(127 << 23)));
}

#endif
