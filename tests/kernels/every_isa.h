/* every_isa.h: the kernel sets that run here, arrays that end at a forbidden page, and
 * how far two numbers are apart; for the tests of kernels/. */
#ifndef WEFT_TEST_EVERY_ISA_H
#define WEFT_TEST_EVERY_ISA_H

#include "test.h"

#include "base/rng.h"
#include "kernels/kernels.h"

#include <float.h>
#include <sys/mman.h>

/* for (each set) in rising order, scalar first; stops at NULL. */
static inline const weft__kernels *const *every_set(void)
{
    static const weft__kernels *sets[WEFT_ISA_COUNT + 1];
    int n = 0;
    for (int isa = 0; isa < WEFT_ISA_COUNT; isa++) {
        const weft__kernels *k = weft__kernels_of((weft__isa)isa);
        if (k) sets[n++] = k;
    }
    sets[n] = NULL;
    return sets;
}

/* Memory whose last byte is the last before a page that must not be touched, so that an
 * access behind the end faults. Freed with guarded_free. */
typedef struct guarded {
    void *map, *data;
    size_t mapped;
} guarded;

static inline guarded guarded_new(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded g;
    g.mapped = (bytes + page - 1) / page * page + page;
    g.map =
        mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(g.map != MAP_FAILED);
    char *end = (char *)g.map + g.mapped - page;
    CHECK(mprotect(end, page, PROT_NONE) == 0);
    g.data = end - bytes;
    return g;
}

static inline void guarded_free(guarded g)
{
    munmap(g.map, g.mapped);
}

/* n reals that end at a forbidden page, uniform in low..high; the stream tells arrays
 * apart. */
static inline guarded guarded_random(size_t n, double low, double high, uint64_t stream)
{
    guarded g = guarded_new(n * sizeof(real));
    real *x = g.data;
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_KEY(WEFT_RNG_TEST, 0), stream);
    for (size_t i = 0; i < n; i++) x[i] = (real)weft__rng_range(&r, low, high);
    return g;
}

/* Errors of `got` in units of the last place of a float at `want`. */
static inline double ulps(double got, double want)
{
    int e;
    if (isnan(want)) return isnan(got) ? 0 : INFINITY;
    if (fabs(want) > FLT_MAX) { /* what rounds to infinity */
        if ((float)want == (float)got) return 0;
        want = copysign(FLT_MAX, want);
    }
    if (isinf(got)) got = copysign(ldexp(1, 128), got);
    if (isnan(got)) return INFINITY;
    frexp(want, &e);
    return fabs(got - want) / ldexp(1, (e < -125 ? -125 : e) - 24);
}

/* Names the ISA and place of a failing element before the check fails. */
#define CHECK_ELEMENT(isa, what, n, i, got, want, tolerance) \
    do { \
        const double got_ = (got), want_ = (want), tolerance_ = (tolerance); \
        if (!(fabs(got_ - want_) <= tolerance_) && !(isnan(got_) && isnan(want_)) && \
            !(isinf(want_) && got_ == want_)) { \
            print_error("%s %s: element %zu of %zu: %.9g, should be %.9g +- %.3g\n", \
                        (isa), (what), (size_t)(i), (size_t)(n), got_, want_, \
                        tolerance_); \
            FAIL("elements agree"); \
        } \
    } while (0)

#endif
