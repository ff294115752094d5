/* seq_pool.h: what reading one row off the valid steps has in common: y [n, c] from
 * x [n, t, c]. */
#ifndef WEFT_SRC_OPS_SEQUENCE_SEQ_POOL_H
#define WEFT_SRC_OPS_SEQUENCE_SEQ_POOL_H

#include "ops/sequence/sequence.h"

enum { SEQ_POOL_X, SEQ_POOL_LENGTHS, SEQ_POOL_INPUTS };

weft_value weft__seq_pool_add(weft_graph *g, const char *op, weft_value x,
                              weft_value lengths);
weft_status weft__seq_pool_shape(const weft__node *node, const weft__tensor *in,
                                 weft__tensor *out);

/* One sample: y [c], x [length][c]. Backward: dx [length][c]; what lies after it is
 * zeroed. saved: [c] of the sample, or NULL. */
#define weft__seq_pool_fn WEFT_TWICE(readout_fn)
typedef void weft__seq_pool_fn(const weft__op_args *r, real *y, const real *x,
                               size_t length, size_t c, int32_t *saved);
#define weft__seq_pool_back_fn WEFT_TWICE(readout_back_fn)
typedef void weft__seq_pool_back_fn(const weft__op_args *r, real *dx, const real *dy,
                                    size_t length, size_t c, int32_t *saved);
#define weft__seq_pool_forward WEFT_TWICE(seq_pool_forward)
void weft__seq_pool_forward(const weft__op_args *r, weft__seq_pool_fn *f);
#define weft__seq_pool_backward WEFT_TWICE(seq_pool_backward)
void weft__seq_pool_backward(const weft__op_args *r, weft__seq_pool_back_fn *f);

#endif
