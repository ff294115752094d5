/* f64.c: tests of the double set, with which gradient checks compute. */
#define WEFT_F64 WEFT_F64 /* itself: it also names a type elsewhere */
#include "every_isa.h"

enum { N = 67 };

static const weft__kernels *set(void)
{
    return weft__kernels_chosen(true);
}

static void the_set_of_double_has_every_kernel(void **state)
{
    (void)state;
#define HAS(type, name, args) CHECK(set()->name != NULL);
    WEFT_KERNELS(HAS)
#undef HAS
    CHECK_TEXT(set()->isa, "f64");
}

/* Central difference of the kernel itself: error of order step^2 = 1e-10. */
static void slopes_of_activations_agree_with_differences(void **state)
{
    (void)state;
    const double step = 1e-5;
    for (int act = 0; act < WEFT_ACT_COUNT; act++) {
        const weft__epilogue e = {(weft__act)act, 0.3, 1.7};
        guarded g = guarded_random(N, -3.5, 3.5, (uint64_t)act);
        const double *x = g.data;
        double up[N], down[N], y[N], dx[N], dy[N];
        for (int i = 0; i < N; i++)
            up[i] = x[i] + step, down[i] = x[i] - step, dy[i] = 1.5;
        set()->activate(up, up, N, &e);
        set()->activate(down, down, N, &e);
        set()->activate(y, x, N, &e);
        set()->activate_backward(dx, dy, x, y, N, &e);
        for (int i = 0; i < N; i++)
            CHECK_NEAR(dx[i], 1.5 * (up[i] - down[i]) / (2 * step), 1e-8);
        guarded_free(g);
    }
}

static void functions_are_accurate_in_double(void **state)
{
    (void)state;
    guarded g = guarded_random(N, 0.1, 5, 1);
    const double *x = g.data;
    double y[N];
    set()->exp(y, x, N);
    for (int i = 0; i < N; i++) CHECK_NEAR(y[i], exp(x[i]), 1e-13);
    set()->log(y, x, N);
    for (int i = 0; i < N; i++) CHECK_NEAR(y[i], log(x[i]), 1e-15);
    set()->erf(y, x, N);
    for (int i = 0; i < N; i++) CHECK_NEAR(y[i], erf(x[i]), 1e-15);
    set()->sqrt(y, x, N);
    for (int i = 0; i < N; i++) CHECK_NEAR(y[i], sqrt(x[i]), 1e-15);
    guarded_free(g);
}

static void moments_are_exact_in_double(void **state)
{
    (void)state;
    enum { ROWS = 1001, C = 3 };
    guarded g = guarded_random(ROWS * C, 999, 1001, 2);
    const double *x = g.data;
    double mean[C], var[C];
    void *scratch = malloc(set()->moments_scratch(ROWS, C));
    CHECK(scratch != NULL);
    set()->moments(mean, NULL, var, x, ROWS, C, scratch);
    for (int j = 0; j < C; j++) {
        double m = 0, v = 0;
        for (int i = 0; i < ROWS; i++) m += x[i * C + j] / ROWS;
        for (int i = 0; i < ROWS; i++)
            v += (x[i * C + j] - m) * (x[i * C + j] - m) / ROWS;
        CHECK_NEAR(mean[j], m, 1e-11);
        CHECK_NEAR(var[j], v, 1e-13);
    }
    free(scratch);
    guarded_free(g);
}

static void log_softmax_backward_agrees_with_differences(void **state)
{
    (void)state;
    enum { COLS = 5 };
    const double step = 1e-5, x[COLS] = {0.3, -1, 2, 0.7, -0.2},
                 dy[COLS] = {1, -2, 0.5, 3, 0};
    double y[COLS], dx[COLS];
    set()->log_softmax(y, x, 1, COLS);
    set()->log_softmax_backward(dx, dy, y, 1, COLS);
    for (int j = 0; j < COLS; j++) {
        double difference = 0;
        for (int sign = -1; sign <= 1; sign += 2) {
            double moved[COLS];
            memcpy(moved, x, sizeof x);
            moved[j] += sign * step;
            set()->log_softmax(moved, moved, 1, COLS);
            difference += sign * set()->dot(moved, dy, COLS) / (2 * step);
        }
        CHECK_NEAR(dx[j], difference, 1e-9);
    }
}

static void optimizers_run_in_double(void **state)
{
    (void)state;
    double p = 1, g = 0.5, m = 0, v = 0;
    set()->adam(&p, &g, &m, &v, 1, 0.001, 0.9, 0.999, 1e-8, 0, false, 1 - 0.9, 1 - 0.999,
                1);
    CHECK_NEAR(p, 1 - 0.001 * 0.5 / (0.5 + 1e-8), 1e-15);
}

RUN_TESTS(TEST(the_set_of_double_has_every_kernel),
          TEST(slopes_of_activations_agree_with_differences),
          TEST(functions_are_accurate_in_double), TEST(moments_are_exact_in_double),
          TEST(log_softmax_backward_agrees_with_differences),
          TEST(optimizers_run_in_double))
