/* strided.h: going through tensors of other layouts, ranks or strides together, as numpy
 * broadcasts. */
#ifndef WEFT_SRC_OPS_COMMON_STRIDED_H
#define WEFT_SRC_OPS_COMMON_STRIDED_H

#include "ops/op.h"
#include "ops/common/shared.h"

#define WEFT_WALK_MOST 3

/* The storage axes of a dense tensor with neighbours merged where every operand allows
 * it, and how far each operand moves along them (0 where it is broadcast). The last axis
 * is the row. */
typedef struct weft__walk {
    int rank, operands; /* rank is at least 1 */
    size_t dim[WEFT_MAX_RANK];
    ptrdiff_t step[WEFT_WALK_MOST][WEFT_MAX_RANK];
    size_t start[WEFT_WALK_MOST]; /* where each operand begins */
    size_t rows, row;             /* how many rows, and elements in each */
} weft__walk;

/* An operand of out's rank with these strides by logical axis of out. */
void weft__walk_begin(weft__walk *w, const weft__tensor *out);
void weft__walk_add(weft__walk *w, const weft__tensor *out, const ptrdiff_t *stride,
                    size_t start);
/* An operand that broadcasts to out. */
void weft__walk_broadcast(weft__walk *w, const weft__tensor *out,
                          const weft__tensor *operand);
void weft__walk_end(weft__walk *w);

/* Where operand k stands at the beginning of this row. */
size_t weft__walk_at(const weft__walk *w, int k, size_t row);
/* The step of operand k within a row. */
static inline ptrdiff_t weft__walk_step(const weft__walk *w, int k)
{
    return w->step[k][w->rank - 1];
}

/* Calls f for pieces of rows on the threads; the cut depends on the walk alone. */
typedef void weft__walk_fn(void *arg, const weft__walk *w, size_t row, size_t first,
                           size_t n);
void weft__walk_run(const weft__walk *w, double cost, weft__walk_fn *f, void *arg);

/* y = a x taken along operand 0 of w; y is dense. */
#define weft__walk_copy WEFT_TWICE(walk_copy)
void weft__walk_copy(const weft__walk *w, real *y, const real *x, real a,
                     const weft__kernels *k);
/* The reverse: every element of operand 0 is at most once in w. x[at] = dy. */
#define weft__walk_put WEFT_TWICE(walk_put)
void weft__walk_put(const weft__walk *w, real *x, const real *dy);
/* y = a times the sums of dense x over what operand 0 (y) does not move along. Sums run
 * in an order that the shapes alone decide. */
#define weft__walk_sum WEFT_TWICE(walk_sum)
void weft__walk_sum(const weft__walk *w, real *y, const real *x, real a, void *scratch,
                    const weft__kernels *k);
#define weft__walk_sum_scratch WEFT_TWICE(walk_sum_scratch)
size_t weft__walk_sum_scratch(const weft__walk *w, const weft__kernels *k);

/* y = x of the same storage, on the threads; nothing when they are the same memory. */
#define weft__copy_flat WEFT_TWICE(copy_flat)
void weft__copy_flat(real *y, const real *x, size_t n);
#define weft__fill_zero WEFT_TWICE(fill_zero)
void weft__fill_zero(real *y, size_t n);

#endif
