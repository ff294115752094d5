/* reorder.h: changing the storage order of real tensors, for each of the two builds. */
#ifndef WEFT_SRC_OPS_COMMON_REORDER_H
#define WEFT_SRC_OPS_COMMON_REORDER_H

#include "ops/op.h"

/* y = x brought from x->order to y->order; both hold float, or both double. kernels:
 * the set of that type. */
void weft__reorder_f32(const weft__tensor *y, const weft__tensor *x, const void *kernels);
void weft__reorder_f64(const weft__tensor *y, const weft__tensor *x, const void *kernels);

#endif
