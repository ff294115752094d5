/* lanes.h: a tail goes through the same vector code as the body. */
#ifndef WEFT_SRC_KERNELS_SIMD_LANES_H
#define WEFT_SRC_KERNELS_SIMD_LANES_H

#include "kernels/simd/vec_math.h"

WEFT_INLINE size_t lanes(size_t left)
{
    return left < WEFT_LANES ? left : WEFT_LANES;
}

WEFT_INLINE vec load(const real *p, size_t m)
{
    return vload_tail(p, (int)m);
}

WEFT_INLINE void store(real *p, vec v, size_t m)
{
    vstore_tail(p, v, (int)m);
}

/* An LSTM gate's sum with what its peephole adds. */
WEFT_INLINE vec peeped(vec sum, const real *peep, size_t at, vec c, size_t m)
{
    return peep ? vfma(load(peep + at, m), c, sum) : sum;
}

#endif
