/* softmax.c: tests of softmax and log-softmax, on every instruction set. */
#include "every_isa.h"

static const size_t widths[] = {1,  2,  3,  7,  8,  9,  10,   15,
                                16, 17, 33, 63, 64, 67, 1000, 4099};
enum { WIDTHS = sizeof widths / sizeof *widths, ROWS = 5 };

static void check_forward(const weft__kernels *k, size_t cols, double low, double high)
{
    const size_t n = ROWS * cols;
    guarded gx = guarded_random(n, low, high, cols), gy = guarded_new(n * sizeof(float));
    guarded gl = guarded_new(n * sizeof(float));
    float *x = gx.data, *y = gy.data, *l = gl.data;
    if (cols > 2) x[cols / 2] = -INFINITY;
    k->softmax(y, x, ROWS, cols);
    k->log_softmax(l, x, ROWS, cols);
    for (size_t r = 0; r < ROWS; r++) {
        double most = -INFINITY, sum = 0, total = 0;
        for (size_t j = 0; j < cols; j++) most = fmax(most, x[r * cols + j]);
        for (size_t j = 0; j < cols; j++) sum += exp(x[r * cols + j] - most);
        for (size_t j = 0; j < cols; j++) {
            const size_t i = r * cols + j;
            const double p = exp(x[i] - most) / sum, log_p = x[i] - most - log(sum);
            CHECK_ELEMENT(k->isa, "softmax", n, i, y[i], p, 1e-6 * p + 1e-38);
            CHECK_ELEMENT(k->isa, "log_softmax", n, i, l[i], log_p,
                          1e-6 + 2e-7 * fabs(log_p));
            total += y[i];
        }
        CHECK_NEAR(total, 1, 2e-6);
    }
    float *copy = malloc(n * sizeof *copy);
    CHECK(copy != NULL);
    memcpy(copy, x, n * sizeof *copy);
    k->softmax(copy, copy, ROWS, cols);
    CHECK(!memcmp(copy, y, n * sizeof *copy));
    memcpy(copy, x, n * sizeof *copy);
    k->log_softmax(copy, copy, ROWS, cols);
    CHECK(!memcmp(copy, l, n * sizeof *copy));
    free(copy);
    guarded_free(gx);
    guarded_free(gy);
    guarded_free(gl);
}

static void rows_are_probabilities_and_their_logarithms(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int w = 0; w < WIDTHS; w++) {
            check_forward(*k, widths[w], -5, 5);
            check_forward(*k, widths[w], -1000, 1000);
            check_forward(*k, widths[w], 9990, 10000);
            check_forward(*k, widths[w], -1e38, 1e38);
        }
}

static void rows_without_a_finite_largest_are_nan(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int kind = 0; kind < 3; kind++) {
            float x[20], y[20], l[20];
            for (int i = 0; i < 20; i++) x[i] = kind == 0 ? -INFINITY : 1;
            if (kind) x[17] = kind == 1 ? NAN : INFINITY;
            (*k)->softmax(y, x, 1, 20);
            (*k)->log_softmax(l, x, 1, 20);
            CHECK(isnan(y[17]) && isnan(l[17]));
            CHECK(kind == 2 || (isnan(y[0]) && isnan(l[0])));
        }
}

static void check_backward(const weft__kernels *k, size_t cols)
{
    const size_t n = ROWS * cols;
    guarded gx = guarded_random(n, -3, 3, cols), gd = guarded_random(n, -2, 2, cols + 1);
    guarded gy = guarded_new(n * sizeof(float)), gdx = guarded_new(n * sizeof(float));
    const float *x = gx.data, *dy = gd.data;
    float *y = gy.data, *dx = gdx.data;
    k->softmax(y, x, ROWS, cols);
    k->softmax_backward(dx, dy, y, ROWS, cols);
    for (size_t r = 0; r < ROWS; r++) {
        double dot = 0;
        for (size_t i = r * cols; i < (r + 1) * cols; i++) dot += (double)dy[i] * y[i];
        for (size_t i = r * cols; i < (r + 1) * cols; i++)
            CHECK_ELEMENT(k->isa, "softmax_backward", n, i, dx[i], y[i] * (dy[i] - dot),
                          1e-6);
    }
    k->log_softmax(y, x, ROWS, cols);
    k->log_softmax_backward(dx, dy, y, ROWS, cols);
    for (size_t r = 0; r < ROWS; r++) {
        double sum = 0;
        for (size_t i = r * cols; i < (r + 1) * cols; i++) sum += dy[i];
        for (size_t i = r * cols; i < (r + 1) * cols; i++)
            CHECK_ELEMENT(k->isa, "log_softmax_backward", n, i, dx[i],
                          dy[i] - exp(y[i]) * sum, 3e-6);
    }
    guarded_free(gx);
    guarded_free(gd);
    guarded_free(gy);
    guarded_free(gdx);
}

static void backward_is_the_product_with_the_jacobian(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int w = 0; w < WIDTHS; w++) check_backward(*k, widths[w]);
}

RUN_TESTS(TEST(rows_are_probabilities_and_their_logarithms),
          TEST(rows_without_a_finite_largest_are_nan),
          TEST(backward_is_the_product_with_the_jacobian))
