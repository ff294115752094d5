/* strided.h: going through tensors of other layouts, ranks or strides together, as
 * numpy broadcasts. */
#ifndef WEFT_SRC_OPS_COMMON_STRIDED_H
#define WEFT_SRC_OPS_COMMON_STRIDED_H

#include "ops/op.h"
#include "ops/common/shared.h"

#define WEFT_STRIDED_MOST 3

/* The storage axes of a dense tensor with neighbours merged where every operand
 * allows it, and how far each operand moves along them (0 where it is broadcast).
 * The last axis is the row. */
typedef struct weft__strided {
    int rank, operands; /* rank is at least 1 */
    size_t dim[WEFT_MAX_RANK];
    ptrdiff_t step[WEFT_STRIDED_MOST][WEFT_MAX_RANK];
    size_t start[WEFT_STRIDED_MOST]; /* where each operand begins */
    size_t rows, row;                /* how many rows, and elements in each */
} weft__strided;

/* An operand of out's rank with these strides by logical axis of out. */
void weft__strided_begin(weft__strided *w, const weft__tensor *out);
void weft__strided_add(weft__strided *w, const weft__tensor *out, const ptrdiff_t *stride,
                       size_t start);
/* An operand that broadcasts to out. */
void weft__strided_broadcast(weft__strided *w, const weft__tensor *out,
                             const weft__tensor *operand);
void weft__strided_end(weft__strided *w);

/* Where operand k stands at the beginning of this row. */
size_t weft__strided_at(const weft__strided *w, int k, size_t row);
/* The step of operand k within a row. */
static inline ptrdiff_t weft__strided_step(const weft__strided *w, int k)
{
    return w->step[k][w->rank - 1];
}

/* Calls f for pieces of rows on the threads; the cut depends on the walk alone. */
typedef void weft__strided_fn(void *arg, const weft__strided *w, size_t row, size_t first,
                              size_t n);
void weft__strided_run(const weft__strided *w, double cost, weft__strided_fn *f,
                       void *arg);

/* y = a x taken along operand 0 of w; y is dense. */
#define weft__strided_copy WEFT_TWICE(strided_copy)
void weft__strided_copy(const weft__strided *w, real *y, const real *x, real a,
                        const weft__kernels *k);
/* The reverse: every element of operand 0 is at most once in w. x[at] = dy. */
#define weft__strided_scatter WEFT_TWICE(strided_scatter)
void weft__strided_scatter(const weft__strided *w, real *x, const real *dy);
/* y = a times the sums of dense x over what operand 0 (y) does not move along. Sums run
 * in an order that the shapes alone decide. */
#define weft__strided_reduce WEFT_TWICE(strided_reduce)
void weft__strided_reduce(const weft__strided *w, real *y, const real *x, real a,
                          void *scratch, const weft__kernels *k);
#define weft__strided_reduce_scratch WEFT_TWICE(strided_reduce_scratch)
size_t weft__strided_reduce_scratch(const weft__strided *w, const weft__kernels *k);

/* y = x of the same storage, on the threads; nothing when they are the same memory. */
#define weft__copy_flat WEFT_TWICE(copy_flat)
void weft__copy_flat(real *y, const real *x, size_t n);
#define weft__fill_zero WEFT_TWICE(fill_zero)
void weft__fill_zero(real *y, size_t n);

#endif
