/* pool_f64.c: the tests of pool.c on the kernels of double. */
#define WEFT_F64 1
#include "pool.c"
