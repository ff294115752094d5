/* seq_pool.h: what reading one row off the valid steps has in common: y [n, c] from
 * x [n, t, c]. */
#ifndef WEFT_SRC_OPS_SEQUENCE_SEQ_POOL_H
#define WEFT_SRC_OPS_SEQUENCE_SEQ_POOL_H

#include "ops/sequence/sequence.h"

enum { READ_X, READ_LENGTHS, READ_INPUTS };

weft_val weft__readout_add(weft_graph *g, const char *op, weft_val x, weft_val lengths);
weft_status weft__readout_shape(const weft__node *node, const weft__tensor *in,
                                weft__tensor *out);

/* One sample: y [c], x [length][c]. Backward: dx [length][c]; what lies behind it is
 * zeroed. saved: [c] of the sample, or NULL. */
#define weft__readout_fn WEFT_TWICE(readout_fn)
typedef void weft__readout_fn(const weft__run *r, real *y, const real *x, size_t length,
                              size_t c, int32_t *saved);
#define weft__readout_back_fn WEFT_TWICE(readout_back_fn)
typedef void weft__readout_back_fn(const weft__run *r, real *dx, const real *dy,
                                   size_t length, size_t c, int32_t *saved);
#define weft__readout_forward WEFT_TWICE(readout_forward)
void weft__readout_forward(const weft__run *r, weft__readout_fn *f);
#define weft__readout_backward WEFT_TWICE(readout_backward)
void weft__readout_backward(const weft__run *r, weft__readout_back_fn *f);

#endif
