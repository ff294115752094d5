/* gemm_f64.c: the tests of gemm.c on the kernels of double. */
#define WEFT_F64 1
#include "gemm.c"
