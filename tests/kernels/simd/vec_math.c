/* vec_math.c: tests how accurate exp, log, tanh and their kind are, over the whole
 * range of float. */
#include "kernels/every_isa.h"

enum { CHUNK = 4096, STRIDE = 4093 };

typedef void run_fn(const weft__kernels *k, float *y, const float *x, size_t n);

static void run_exp(const weft__kernels *k, float *y, const float *x, size_t n)
{
    k->exp(y, x, n);
}
static void run_log(const weft__kernels *k, float *y, const float *x, size_t n)
{
    k->log(y, x, n);
}
static void run_erf(const weft__kernels *k, float *y, const float *x, size_t n)
{
    k->erf(y, x, n);
}
static void run_sqrt(const weft__kernels *k, float *y, const float *x, size_t n)
{
    k->sqrt(y, x, n);
}
static void run_act(const weft__kernels *k, float *y, const float *x, size_t n,
                    weft__act act)
{
    k->activate(y, x, n, &(weft__epilogue){act, 1, 0});
}
static void run_tanh(const weft__kernels *k, float *y, const float *x, size_t n)
{
    run_act(k, y, x, n, WEFT_ACT_TANH);
}
static void run_sigmoid(const weft__kernels *k, float *y, const float *x, size_t n)
{
    run_act(k, y, x, n, WEFT_ACT_SIGMOID);
}
static void run_elu(const weft__kernels *k, float *y, const float *x, size_t n)
{
    run_act(k, y, x, n, WEFT_ACT_ELU);
}
static void run_softplus(const weft__kernels *k, float *y, const float *x, size_t n)
{
    run_act(k, y, x, n, WEFT_ACT_SOFTPLUS);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double elu(double x)
{
    return x > 0 ? x : expm1(x);
}
static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

/* Holds all sets to f at one chunk of arguments. */
static void check_chunk(const char *name, run_fn *run, double (*f)(double),
                        const float *x, size_t n, double allowed, double *worst)
{
    static double want[CHUNK];
    static float y[CHUNK];
    for (size_t i = 0; i < n; i++) want[i] = f((double)x[i]);
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        run(*k, y, x, n);
        for (size_t i = 0; i < n; i++) {
            const double error = ulps((double)y[i], want[i]);
            if (error > *worst) *worst = error;
            if (error <= allowed) continue;
            print_error("%s %s(%.9g) is %.9g, should be %.9g: %.2f ulp, allowed %.2f\n",
                        (*k)->isa, name, (double)x[i], (double)y[i], want[i], error,
                        allowed);
            FAIL("accurate enough");
        }
    }
}

/* Every STRIDE-th float there is (zeros, denormals, infinities and NaN included), and a
 * dense sweep of -20..20 where the results move. */
static void sweep(const char *name, run_fn *run, double (*f)(double), double allowed)
{
    static float x[CHUNK];
    double worst = 0;
    size_t n = 0;
    const float special[] = {
        0.0f,     -0.0f,      INFINITY,   -INFINITY,   NAN,         FLT_MIN,
        -FLT_MIN, FLT_MAX,    -FLT_MAX,   1e-45f,      -1e-45f,     1.0f,
        -1.0f,    88.722839f, 88.722832f, -87.336548f, -103.97208f, -103.9722f,
        -150.0f,  0.625f,     0.93f,      0.41421354f, 1.41421354f, 0.70710677f};
    check_chunk(name, run, f, special, sizeof special / sizeof *special, allowed, &worst);
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
        const uint32_t pattern = (uint32_t)bits;
        memcpy(&x[n++], &pattern, sizeof *x);
        if (n < CHUNK) continue;
        check_chunk(name, run, f, x, n, allowed, &worst);
        n = 0;
    }
    for (int i = -100000; i <= 100000; i++) {
        x[n++] = (float)i * 2.0e-4f;
        if (n < CHUNK) continue;
        check_chunk(name, run, f, x, n, allowed, &worst);
        n = 0;
    }
    check_chunk(name, run, f, x, n, allowed, &worst);
    print_message("           %s: worst error %.2f ulp\n", name, worst);
}

static void exp_is_within_2_ulp(void **state)
{
    (void)state;
    sweep("exp", run_exp, exp, 2);
}

static void log_is_within_2_ulp(void **state)
{
    (void)state;
    sweep("log", run_log, log, 2);
}

static void tanh_is_within_2_ulp(void **state)
{
    (void)state;
    sweep("tanh", run_tanh, tanh, 2);
}

static void sigmoid_is_within_3_ulp(void **state)
{
    (void)state;
    sweep("sigmoid", run_sigmoid, sigmoid, 3);
}

static void erf_is_within_2_ulp(void **state)
{
    (void)state;
    sweep("erf", run_erf, erf, 2);
}

static void elu_is_within_3_ulp(void **state)
{
    (void)state;
    sweep("elu", run_elu, elu, 3);
}

static void softplus_is_within_3_ulp(void **state)
{
    (void)state;
    sweep("softplus", run_softplus, softplus, 3);
}

static void sqrt_is_rounded_correctly(void **state)
{
    (void)state;
    sweep("sqrt", run_sqrt, sqrt, 0.5000001);
}

RUN_TESTS(TEST(exp_is_within_2_ulp), TEST(log_is_within_2_ulp),
          TEST(tanh_is_within_2_ulp), TEST(sigmoid_is_within_3_ulp),
          TEST(erf_is_within_2_ulp), TEST(elu_is_within_3_ulp),
          TEST(softplus_is_within_3_ulp), TEST(sqrt_is_rounded_correctly))
