/* conv_f64.c: the tests of conv.c on the kernels of double. */
#define WEFT_F64 1
#include "conv.c"
