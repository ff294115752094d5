/* avx2.h: the vocabulary on AVX2 with FMA, 8 floats. */
#ifndef WEFT_SRC_KERNELS_SIMD_AVX2_H
#define WEFT_SRC_KERNELS_SIMD_AVX2_H

#include <immintrin.h>

#define WEFT_LANES 8
#define WEFT_VREGS 16

typedef __m256 vec;
typedef __m256 vmask;

/* A mask of the first n lanes. */
WEFT_INLINE __m256i first_lanes(int n)
{
    static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(window + 8 - n));
}

WEFT_INLINE vec vload(const real *p)
{
    return _mm256_loadu_ps(p);
}
WEFT_INLINE void vstore(real *p, vec v)
{
    _mm256_storeu_ps(p, v);
}
WEFT_INLINE vec vload_n(const real *p, int n)
{
    return _mm256_maskload_ps(p, first_lanes(n));
}
WEFT_INLINE void vstore_n(real *p, vec v, int n)
{
    /* a masked store takes AMD processors over ten cycles */
    __m128 part = _mm256_castps256_ps128(v);
    if (n == 8) {
        vstore(p, v);
        return;
    }
    if (n & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (n & 1) _mm_store_ss(p, part);
}
WEFT_INLINE vec vload_u8(const unsigned char *p)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)p);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}
WEFT_INLINE vec vload_i32(const int32_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
WEFT_INLINE void vstore_i32(int32_t *p, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_cvtps_epi32(v));
}
WEFT_INLINE vec vset1(real s)
{
    return _mm256_set1_ps(s);
}
WEFT_INLINE vec vzero(void)
{
    return _mm256_setzero_ps();
}
WEFT_INLINE vec vadd(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}
WEFT_INLINE vec vsub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}
WEFT_INLINE vec vmul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}
WEFT_INLINE vec vdiv(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}
WEFT_INLINE vec vfma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
WEFT_INLINE vec vfnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
WEFT_INLINE vec vmax(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}
WEFT_INLINE vec vmin(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}
WEFT_INLINE vec vneg(vec a)
{
    return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a);
}
WEFT_INLINE vec vabs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
WEFT_INLINE vec vsqrt(vec a)
{
    return _mm256_sqrt_ps(a);
}
WEFT_INLINE vec vcopysign(vec a, vec s)
{
    return _mm256_or_ps(vabs(a), _mm256_and_ps(_mm256_set1_ps(-0.0f), s));
}
WEFT_INLINE vec vround(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
WEFT_INLINE vec vfloor(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
WEFT_INLINE vmask vlt(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}
WEFT_INLINE vmask vle(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_LE_OQ);
}
WEFT_INLINE vmask vgt(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
WEFT_INLINE vmask vge(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_GE_OQ);
}
WEFT_INLINE vmask veq(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}
WEFT_INLINE vec vselect(vmask m, vec a, vec b)
{
    return _mm256_blendv_ps(b, a, m);
}
WEFT_INLINE vmask vmand(vmask a, vmask b)
{
    return _mm256_and_ps(a, b);
}
WEFT_INLINE vmask vmor(vmask a, vmask b)
{
    return _mm256_or_ps(a, b);
}
WEFT_INLINE vmask vmnot(vmask a)
{
    return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1)));
}
WEFT_INLINE bool vany(vmask m)
{
    return _mm256_movemask_ps(m) != 0;
}

WEFT_INLINE real vsum(vec v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

WEFT_INLINE real vreduce_max(vec v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

WEFT_INLINE vec vzip_low(vec a, vec b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b),
                                  0x20);
}

WEFT_INLINE vec vzip_high(vec a, vec b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b),
                                  0x31);
}

WEFT_INLINE vec vpow2(vec v)
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}

WEFT_INLINE vec vexponent(vec v)
{
    __m256i e = _mm256_srli_epi32(_mm256_castps_si256(vabs(v)), 23);
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(e, _mm256_set1_epi32(127)));
}

WEFT_INLINE vec vmantissa(vec v)
{
    __m256i m = _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffff));
    return _mm256_castsi256_ps(_mm256_or_si256(m, _mm256_set1_epi32(127 << 23)));
}

#endif
