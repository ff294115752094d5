/* winograd.c: 3x3 convolutions by Winograd's transforms, and of 2x2 pixels with fewer
 * products, against plain sums. */
#include "kernels/product.h"

enum {
    FORWARD,
    DATA,
    WEIGHT,
    PREPACKED,
    DIRECTIONS
}; /* KEPT: forward, of prepacked weights */

static const char *const names[] = {"forward", "data", "weight", "kept"};

static size_t size_x(const weft__conv *s)
{
    return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}
static size_t size_y(const weft__conv *s)
{
    return (size_t)s->n * (size_t)s->oh * (size_t)s->ow * (size_t)s->o;
}
static size_t size_w(const weft__conv *s)
{
    return 9 * (size_t)s->c * (size_t)s->o;
}

/* n normal numbers that end at a forbidden page. */
static guarded normal(size_t n, uint64_t stream)
{
    guarded g = guarded_new(n * sizeof(real));
    real *x = g.data;
    weft__rng r = random_at(stream);
    for (size_t i = 0; i < n; i++) x[i] = (real)weft__rng_normal(&r);
    return g;
}

typedef struct problem {
    weft__conv s;
    int direction;
    weft__epilogue act;
    bool biased;
    guarded from, w, bias; /* of WEIGHT: x, dy */
    size_t results;
} problem;

static problem problem_new(const weft__conv *s, int direction)
{
    problem p = {.s = *s, .direction = direction};
    p.from = normal(direction == DATA ? size_y(s) : size_x(s), 1);
    p.w = normal(direction == WEIGHT ? size_y(s) : size_w(s), 2);
    p.bias = normal((size_t)s->o, 3);
    p.results = direction == DATA     ? size_x(s)
                : direction == WEIGHT ? size_w(s)
                                      : size_y(s);
    if (direction == WEIGHT) p.s.accumulate = false;
    return p;
}

static void problem_free(problem *p)
{
    guarded_free(p->from), guarded_free(p->w), guarded_free(p->bias);
}

static void solve(const weft__kernels *k, const problem *p, bool exact, real *out)
{
    weft__conv s = p->s;
    s.exact = exact;
    bool keep = p->direction == PREPACKED && !exact;
    guarded prepacked =
        guarded_scratch(keep ? k->conv_prepacked_size(&s) * sizeof(real) : 1);
    if (keep) k->conv_prepack(&s, prepacked.data, p->w.data);
    s.prepacked = keep;
    size_t bytes = p->direction == DATA     ? k->conv_bwd_data_scratch(&s)
                   : p->direction == WEIGHT ? k->conv_bwd_weights_scratch(&s)
                                            : k->conv_scratch(&s);
    guarded scratch = guarded_scratch(bytes);
    for (size_t i = 0; s.accumulate && i < p->results; i++) out[i] = (real)(i % 7) - 3;
    if (p->direction == FORWARD || p->direction == PREPACKED)
        k->conv(&s, out, p->from.data, keep ? prepacked.data : p->w.data,
                p->biased ? p->bias.data : NULL, &p->act, scratch.data);
    else if (p->direction == WEIGHT)
        k->conv_bwd_weights(&s, out, p->w.data, p->from.data, scratch.data);
    else
        k->conv_bwd_data(&s, out, p->from.data, p->w.data, scratch.data);
    guarded_free(scratch), guarded_free(prepacked);
}

/* Holds the transforms to an error of 1e-5; tells whether they were chosen at all. Tanh
 * makes sums of many times its range small, but not the error of those near zero. */
static bool check(const weft__kernels *k, const problem *p)
{
    guarded got = guarded_nan(p->results), want = guarded_nan(p->results);
    const real *a = got.data, *b = want.data;
    double error = 0, size = 0, bound = p->act.act == WEFT_ACT_TANH ? 3e-5 : 1e-5;
    solve(k, p, false, got.data);
    solve(k, p, true, want.data);
    for (size_t i = 0; i < p->results; i++) {
        double d = (double)a[i] - (double)b[i];
        error += d * d;
        size += (double)b[i] * (double)b[i];
    }
    if (!(error <= bound * bound * size + 1e-30)) {
        const weft__conv *s = &p->s;
        print_error("%s %s: n%d %dx%dx%d -> %dx%dx%d pad %d,%d: error %.3g\n", k->isa,
                    names[p->direction], s->n, s->h, s->w, s->c, s->oh, s->ow, s->o,
                    s->top, s->left, sqrt(error / size));
        FAIL("the error is small");
    }
    guarded_free(got), guarded_free(want);
    return error > 0;
}

static weft__conv random_conv(weft__rng *r)
{
    weft__conv s = {.n = weft__rng_between(r, 1, 3),
                    .h = weft__rng_between(r, 3, 22),
                    .w = weft__rng_between(r, 3, 22),
                    .c = weft__rng_between(r, 16, 80),
                    .o = weft__rng_between(r, 16, 80),
                    .kh = 3,
                    .kw = 3,
                    .stride_h = 1,
                    .stride_w = 1,
                    .dilate_h = 1,
                    .dilate_w = 1,
                    .top = weft__rng_between(r, -1, 3),
                    .left = weft__rng_between(r, -1, 3),
                    .groups = 1,
                    .accumulate = weft__rng_below(r, 4) == 0};
    s.oh = s.h + s.top + weft__rng_between(r, 0, 3) - 2;
    s.ow = s.w + s.left + weft__rng_between(r, 0, 3) - 2;
    if (s.oh < 1) s.oh = 1;
    if (s.ow < 1) s.ow = 1;
    if (weft__rng_below(r, 4)) return s;
    s.h = s.w = s.oh = s.ow = 2;
    s.top = s.left = 1;
    s.n = weft__rng_between(r, 6, 40);
    return s;
}

static void any_size_and_padding_is_near_the_plain_sums(void **state)
{
    static const weft__epilogue acts[] = {{.act = WEFT_ACT_NONE},
                                          {.act = WEFT_ACT_RELU},
                                          {.act = WEFT_ACT_LEAKY_RELU, .alpha = 0.1},
                                          {.act = WEFT_ACT_TANH}};
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        weft__rng r = random_at(4);
        int chosen[DIRECTIONS] = {0};
        for (int i = 0; i < 60; i++) {
            weft__conv s = random_conv(&r);
            for (int d = 0; d < DIRECTIONS; d++) {
                problem p = problem_new(&s, d);
                p.act = acts[weft__rng_below(&r, 4)];
                p.biased = weft__rng_below(&r, 2);
                chosen[d] += check(*k, &p);
                problem_free(&p);
            }
        }
        for (int d = 0; d < DIRECTIONS; d++) CHECK(chosen[d] > 10);
    }
}

#define SQUARE(n_, hw, c_, o_) \
    { \
        .n = n_, .h = hw, .w = hw, .c = c_, .oh = hw, .ow = hw, .o = o_, .kh = 3, \
        .kw = 3, .stride_h = 1, .stride_w = 1, .dilate_h = 1, .dilate_w = 1, .top = 1, \
        .left = 1, .groups = 1 \
    }

/* Many tiles and few, channels in several parts, more than fit the cache. */
static const weft__conv large[] = {
    SQUARE(3, 28, 160, 170), SQUARE(4, 7, 256, 300), SQUARE(6, 8, 520, 130),
    SQUARE(8, 12, 64, 64),   SQUARE(2, 16, 73, 60),  SQUARE(16, 4, 257, 256),
    SQUARE(16, 2, 300, 200), SQUARE(150, 2, 33, 70),
};
enum { LARGE = sizeof large / sizeof *large };

static void large_shapes_are_near_the_plain_sums(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int i = 0; i < LARGE; i++)
            for (int d = 0; d < DIRECTIONS; d++) {
                problem p = problem_new(&large[i], d);
                CHECK(check(*k, &p));
                problem_free(&p);
            }
}

static void compute(const weft__kernels *k, void *arg, real *out)
{
    solve(k, arg, false, out);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int i = 0; i < LARGE; i++)
            for (int d = 0; d < DIRECTIONS; d++) {
                problem p = problem_new(&large[i], d);
                check_same_bits(*k, p.results, compute, &p);
                problem_free(&p);
            }
}

RUN_TESTS(TEST(any_size_and_padding_is_near_the_plain_sums),
          TEST(large_shapes_are_near_the_plain_sums), TEST(threads_do_not_change_a_bit))
