/* reduce.c: tests of sums, extremes and the transpose, on every instruction set. */
/* labels: threads */
#include "every_isa.h"

static const size_t sizes[] = {0,   1,    2,    3,    7,    8,    9,    15,
                               16,  17,   31,   33,   63,   64,   65,   67,
                               127, 1000, 1023, 1024, 1025, 2047, 4099, 100003};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void sums_are_as_near_as_float_terms_allow(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SIZES; s++) {
            const size_t n = sizes[s];
            guarded ga = guarded_random(n, -1, 2, (uint64_t)s),
                    gb = guarded_random(n, -2, 1, (uint64_t)s + 100);
            const float *a = ga.data, *b = gb.data;
            double sum = 0, squares = 0, dot = 0, terms = 0;
            for (size_t i = 0; i < n; i++) {
                sum += a[i];
                squares += (double)a[i] * a[i];
                dot += (double)a[i] * b[i];
                terms += fabs((double)a[i] * b[i]) + fabs((double)a[i]);
            }
            CHECK_ELEMENT((*k)->isa, "sum", n, n, (*k)->sum(a, n), sum, 5e-7 * terms);
            CHECK_ELEMENT((*k)->isa, "dot", n, n, (*k)->dot(a, b, n), dot, 5e-7 * terms);
            CHECK_ELEMENT((*k)->isa, "sum_squares", n, n, (*k)->sum_squares(a, n),
                          squares, 5e-7 * squares);
            guarded_free(ga);
            guarded_free(gb);
        }
}

static void a_long_sum_of_equal_terms_loses_nothing(void **state)
{
    (void)state;
    const size_t n = 20000000;
    float *x = malloc(n * sizeof *x);
    CHECK(x != NULL);
    for (size_t i = 0; i < n; i++) x[i] = 0.1f;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        CHECK_NEAR((*k)->sum(x, n), (double)0.1f * (double)n, 1e-6 * 0.1 * (double)n);
    free(x);
}

static void largest_is_exact_and_passes_nan_on(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (size_t n = 0; n < 140; n++) {
            guarded g = guarded_random(n, -9, -1, n);
            float *x = g.data, want = -INFINITY;
            for (size_t i = 0; i < n; i++) want = x[i] > want ? x[i] : want;
            CHECK((*k)->reduce_max(x, n) == want);
            for (size_t i = 0; i < n; i++) { /* at every place */
                const float old = x[i];
                x[i] = -0.5f;
                CHECK((*k)->reduce_max(x, n) == -0.5f);
                x[i] = NAN;
                CHECK(isnan((*k)->reduce_max(x, n)));
                x[i] = old;
            }
            guarded_free(g);
        }
}

static void all_finite_finds_nan_and_infinity_at_every_place(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SIZES - 1; s++) {
            const size_t n = sizes[s];
            guarded g = guarded_random(n, -9, 9, n);
            float *x = g.data;
            if (n) x[n / 2] = FLT_MAX;
            CHECK((*k)->all_finite(x, n));
            for (size_t i = 0; i < n; i++) {
                const float old = x[i];
                x[i] = bad[i % 3];
                CHECK(!(*k)->all_finite(x, n));
                x[i] = old;
            }
            guarded_free(g);
        }
}

static const size_t shapes[][2] = {
    {0, 3},    {1, 1},     {1, 1000}, {2, 3},     {63, 1},     {64, 64},
    {65, 6},   {1000, 1},  {4097, 3}, {777, 5},   {300, 16},   {70000, 2},
    {5, 4099}, {129, 257}, {333, 63}, {9000, 65}, {20011, 17},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void check_sum_rows(const weft__kernels *k, size_t rows, size_t cols)
{
    guarded gx = guarded_random(rows * cols, -1, 2, rows), gy = guarded_new(cols * 4);
    guarded scratch = guarded_new(k->sum_rows_scratch(rows, cols));
    const float *x = gx.data;
    float *y = gy.data, *again = malloc(cols * sizeof *again);
    CHECK(again != NULL);
    k->sum_rows(y, x, rows, cols, scratch.data);
    for (size_t j = 0; j < cols; j++) {
        double want = 0;
        for (size_t i = 0; i < rows; i++) want += (double)x[i * cols + j];
        CHECK_ELEMENT(k->isa, "sum_rows", cols, j, y[j], want,
                      1e-6 + 1e-6 * (double)rows);
    }
    for (int threads = 2; threads <= 7; threads += threads == 3 ? 4 : 1) {
        CHECK(weft_set_threads(threads) == WEFT_OK);
        k->sum_rows(again, x, rows, cols, scratch.data);
        CHECK(!memcmp(y, again, cols * sizeof *y));
    }
    CHECK(weft_set_threads(1) == WEFT_OK);
    free(again);
    guarded_free(gx);
    guarded_free(gy);
    guarded_free(scratch);
}

static void sums_over_rows_have_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    CHECK(weft_set_threads(1) == WEFT_OK);
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SHAPES; s++) check_sum_rows(*k, shapes[s][0], shapes[s][1]);
}

static void transpose_moves_every_element_and_nothing_else(void **state)
{
    (void)state;
    static const size_t sides[] = {0, 1, 3, 15, 16, 17, 33, 64, 70};
    enum { SIDES = sizeof sides / sizeof *sides };
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SIDES * SIDES; s++) {
            const size_t rows = sides[s / SIDES], cols = sides[s % SIDES];
            const size_t ldx = cols + 3, ldy = rows + 2;
            guarded gx = guarded_random(rows * ldx, -1, 1, (uint64_t)s);
            guarded gy = guarded_random(cols * ldy, 7, 7, 0);
            const float *x = gx.data;
            float *y = gy.data;
            (*k)->transpose(y, x, rows, cols, ldy, ldx);
            for (size_t j = 0; j < cols; j++)
                for (size_t i = 0; i < ldy; i++)
                    CHECK(y[j * ldy + i] == (i < rows ? x[i * ldx + j] : 7));
            guarded_free(gx);
            guarded_free(gy);
        }
}

RUN_TESTS(TEST(sums_are_as_near_as_float_terms_allow),
          TEST(a_long_sum_of_equal_terms_loses_nothing),
          TEST(largest_is_exact_and_passes_nan_on),
          TEST(all_finite_finds_nan_and_infinity_at_every_place),
          TEST(sums_over_rows_have_the_same_bits_for_any_number_of_threads),
          TEST(transpose_moves_every_element_and_nothing_else))
