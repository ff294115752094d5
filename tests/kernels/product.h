/* product.h: what the tests of products, convolutions and pools share: the sets to
 * test, random numbers by range, outputs that start as NaN, and the bits of an
 * array. */
#ifndef WEFT_TEST_PRODUCT_H
#define WEFT_TEST_PRODUCT_H

#include "every_isa.h"

#include "base/thread.h"

/* The sets of this program's real: every float set, or in a file that defines WEFT_F64
 * the one of double. */
static inline const weft__kernels *const *sets(void)
{
#ifdef WEFT_F64
    static const weft__kernels *f64[2];
    f64[0] = weft__kernels_chosen(true);
    return f64;
#else
    return every_set();
#endif
}

#ifdef WEFT_F64
#define REAL_EPSILON DBL_EPSILON
#else
#define REAL_EPSILON ((double)FLT_EPSILON)
#endif

/* n reals that no test expects: what a kernel leaves unwritten shows. */
static inline guarded guarded_nan(size_t n)
{
    guarded g = guarded_new(n * sizeof(real));
    memset(g.data, 0xff, n * sizeof(real));
    return g;
}

static inline guarded guarded_scratch(size_t bytes)
{
    guarded g = guarded_new(bytes);
    memset(g.data, 0xff, bytes);
    return g;
}

/* A sum of k products whose absolute values sum to `size` may be off by this. */
static inline double sum_error(double k, double size)
{
    return (8 + 2 * sqrt(k)) * REAL_EPSILON * size + 1e-30;
}

static inline weft__rng random_at(uint64_t stream)
{
    return weft__rng_at(test_seed(), WEFT_RNG_KEY(WEFT_RNG_TEST, 1), stream);
}

/* Often small, sometimes up to high: channel counts and the like. */
static inline int skewed(weft__rng *r, int low, int high)
{
    int top = weft__rng_below(r, 3) ? (low + high) / 4 : high;
    return weft__rng_between(r, low, top > low ? top : high);
}

static inline double leaky(double x, double alpha)
{
    return x < 0 ? alpha * x : x;
}

/* The same computation with 1, 2, 3 and 7 threads: `compute` fills n reals at out. */
static inline void check_same_bits(const weft__kernels *k, size_t n,
                                   void (*compute)(const weft__kernels *, void *, real *),
                                   void *arg)
{
    static const int threads[] = {1, 2, 3, 7};
    real *first = malloc(n * sizeof *first), *other = malloc(n * sizeof *other);
    CHECK(first && other);
    for (int i = 0; i < 4; i++) {
        real *out = i ? other : first;
        CHECK(weft_set_threads(threads[i]) == WEFT_OK);
        memset(out, 0xff, n * sizeof *out);
        compute(k, arg, out);
        CHECK(!memcmp(first, out, n * sizeof *out));
    }
    CHECK(weft_set_threads(0) == WEFT_OK);
    free(first);
    free(other);
}

#endif
