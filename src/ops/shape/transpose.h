/* transpose.h: transposing what may be a transpose already. */
#ifndef WEFT_SRC_OPS_SHAPE_TRANSPOSE_H
#define WEFT_SRC_OPS_SHAPE_TRANSPOSE_H

#include "ops/common/shared.h"

typedef struct weft__transpose_attr {
    int rank; /* 0: the other way round, whatever the rank */
    int perm[WEFT_MAX_RANK];
} weft__transpose_attr;

/* weft_transpose, but where a transpose gave x and this one takes it back, what that
 * one read. */
weft_value weft__transposed(weft_graph *g, weft_value x, const int *perm);
/* The transpose [n, a, b] -> [n, b, a] that computes v, or NULL. */
const weft__node *weft__transpose_of_steps(const weft_graph *g, int v);

#endif
