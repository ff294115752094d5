/* difference.h: derivatives of a plan's loss by differences, and what they say of an
 * analytic one. */
#ifndef WEFT_SRC_INSPECT_DIFFERENCE_H
#define WEFT_SRC_INSPECT_DIFFERENCE_H

#include "plan/step.h"
#include "weft/inspect.h"

/* A tensor whose elements are moved, one at a time or many at once. */
typedef struct weft__differences {
    weft_plan *p;
    const double *buffers; /* running statistics before the first pass */
    double loss;           /* of the tensor as it is */
    double *x;             /* the tensor, in storage order */
    size_t count;          /* elements of x */
    double tolerance;      /* the relative error that passes */
    double floor; /* 1e-3 of the largest gradient: errors are relative to that or more */
    double noise; /* rounding error of a loss; negative: not measured yet */
    double *kept; /* [count], for weft__directional */
} weft__differences;

/* The loss now, each time from the same running statistics. */
double weft__difference_loss(const weft__differences *d);

/* Compares the derivative at x[at] with analytic; fills all of *out but the index. */
void weft__difference_compare(weft__differences *d, size_t at, double analytic,
                              weft_gradcheck_pair *out);

/* The derivative along a vector of +1 and -1 at the n elements that `at` lists. It is 0
 * when all their derivatives are and, the signs being random, hardly ever otherwise. */
double weft__directional(weft__differences *d, const size_t *at, size_t n);

/* What rounding may make of weft__directional where all derivatives are 0. */
double weft__directional_noise(weft__differences *d);

#endif
