/* f64.h: the vocabulary in double, one lane: the dialect of the gradient checks. */
#ifndef WEFT_SRC_KERNELS_SIMD_F64_H
#define WEFT_SRC_KERNELS_SIMD_F64_H

#define WEFT_LANE_BITS uint64_t
#define WEFT_LANE_FRACTION 52
#define WEFT_LANE_BIAS 1023
#define WEFT_LANE_WHOLE 4503599627370496
#define WEFT_LANE_SQRT sqrt
#define WEFT_LANE_ABS fabs
#define WEFT_LANE_COPYSIGN copysign

#include "kernels/simd/scalar.h"

#endif
