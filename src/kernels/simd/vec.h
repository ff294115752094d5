/* vec.h: the vocabulary of vector operations that every kernel is written in.
 *
 * The build compiles each kernel once per dialect, with
 *   -DWEFT_ISA=<scalar|avx2|avx512|neon|f64>; the dialect's header gives these words
 *     their
 * meaning. A `vec` holds WEFT_LANES elements of type `real`, a `vmask` one truth
 * value per lane.
 *
 *   WEFT_LANES              elements per vec: 1, 8, 16, 4, 1
 *   WEFT_VREGS              vector registers of the machine (for choosing tile
 *     sizes)
 *   vload(p) vstore(p, v)   LANES elements at any address
 *   vload_n(p, n)           the first n lanes, zero in the others; n in 0..LANES;
 *     reads
 *   no further
 *   vstore_n(p, v, n)       the first n lanes; writes no further
 *   vstore_nt(p, v)          as vstore, past the cache, where WEFT_NT_STORES is 1; p
 *     on a
 *   cache line. vstore_nt_fence() before other threads read it
 *   vload_u8(p)             LANES unsigned chars, as numbers
 *   vload_i32(p)            LANES int32_t, as numbers (exact to 2^24 in float)
 *   vstore_i32(p, v)        integral-valued lanes as int32_t
 *   vload_u8_n, vload_i32_n, vstore_i32_n: as above, of the first n lanes
 *   vset1(s) vzero()        the same in every lane
 *   vadd vsub vmul vdiv     a OP b
 *   vfma(a, b, c)           a * b + c; rounded once where the machine can, twice in
 *   scalar and f64
 *   vfnma(a, b, c)          c - a * b, likewise
 *   vmax(a, b) vmin(a, b)   a > b ? a : b and a < b ? a : b, so b when either is
 *     NaN. To
 *   let a NaN in x through, write x second: vmax(vzero(), x)
 *   vneg vabs vsqrt         lane by lane; vneg and vabs change the sign bit only
 *   vcopysign(a, s)         |a| with the sign of s
 *   vround vfloor           to the nearest integer (ties to even), downwards; the
 *     sign of
 *   a zero result is not fixed
 *   vlt vle vgt vge veq     comparisons, false with NaN
 *   vselect(m, a, b)        m ? a : b
 *   vmand vmor vmnot        of masks; vany(m): is any lane true
 *   vsum(v) vreduce_max(v)   across the lanes, by a fixed tree; vreduce_max: some
 *     lane's
 *   value if NaN
 *   vzip_low(a, b)          a0 b0 a1 b1 ..: of the lower halves of the lanes;
 *     vzip_high:
 *   of the upper
 *   vpow2(v)                2^v for integral v from -126 to 127 (-1022 to 1023 in
 *     f64)
 *   vexponent(v)            e with |v| = m * 2^e, 1 <= m < 2, for normal v
 *   vmantissa(v)            that m, for v > 0
 *   vfirst(n)               a mask of the first n lanes
 *   vprefetch(p)            hint: this line will be read soon
 *   WEFT_UNROLL             before a for loop with constant bounds: unroll it whole
 *   (needed over arrays of accumulators, or the compiler keeps
 *   them in memory) */
#ifndef WEFT_SRC_KERNELS_SIMD_VEC_H
#define WEFT_SRC_KERNELS_SIMD_VEC_H

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

#ifndef WEFT_ISA
#error "vec.h is for kernels, which are compiled with -DWEFT_ISA=<dialect>"
#endif

#if defined(__clang__)
#define WEFT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define WEFT_UNROLL _Pragma("GCC unroll 64")
#endif

#define WEFT_INLINE static inline __attribute__((always_inline, unused))

#define WEFT_NUMBER_scalar 1
#define WEFT_NUMBER_avx2 2
#define WEFT_NUMBER_avx512 3
#define WEFT_NUMBER_neon 4
#define WEFT_NUMBER_f64 5
#define WEFT_DIALECT WEFT_PASTE(WEFT_NUMBER, _, WEFT_ISA)

#if WEFT_DIALECT == WEFT_NUMBER_scalar
#include "kernels/simd/scalar.h"
#elif WEFT_DIALECT == WEFT_NUMBER_avx2
#include "kernels/simd/avx2.h"
#elif WEFT_DIALECT == WEFT_NUMBER_avx512
#include "kernels/simd/avx512.h"
#elif WEFT_DIALECT == WEFT_NUMBER_neon
#include "kernels/simd/neon.h"
#elif WEFT_DIALECT == WEFT_NUMBER_f64
#include "kernels/simd/f64.h"
#else
#error "no such dialect: WEFT_ISA is scalar, avx2, avx512, neon or f64"
#endif

#ifndef WEFT_NT_STORES
#define WEFT_NT_STORES 0
#define vstore_nt(p, v) vstore(p, v)
#define vstore_nt_fence() ((void)0)
#endif

WEFT_INLINE vmask vfirst(int n)
{
    static const real number[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return vlt(vload(number), vset1((real)n));
}

/* A vector, or what is left of it: n lanes, where n is less than a vector's. */
WEFT_INLINE vec vload_tail(const real *p, int n)
{
    return n >= WEFT_LANES ? vload(p) : vload_n(p, n);
}

WEFT_INLINE void vstore_tail(real *p, vec v, int n)
{
    if (n >= WEFT_LANES)
        vstore(p, v);
    else
        vstore_n(p, v, n);
}

#define vprefetch(p) __builtin_prefetch((p), 0, 3)

WEFT_INLINE vec vload_i32_n(const int32_t *p, int n)
{
    int32_t lanes[WEFT_LANES] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return vload_i32(lanes);
}

WEFT_INLINE void vstore_i32_n(int32_t *p, vec v, int n)
{
    int32_t lanes[WEFT_LANES];
    vstore_i32(lanes, v);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}

WEFT_INLINE vec vload_u8_n(const unsigned char *p, int n)
{
    unsigned char lanes[WEFT_LANES] = {0};
    memcpy(lanes, p, (size_t)n);
    return vload_u8(lanes);
}

#endif
