/* elementwise.c: tests of the kernels that map arrays, on every instruction set. */
#include "every_isa.h"

enum { SIZES = 68, LARGE = 5003 };

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}
static double density(double x)
{
    return exp(-x * x / 2) / sqrt(2 * acos(-1));
}
static double normal(double x)
{
    return 0.5 * (1 + erf(x * sqrt(0.5)));
}
static double gelu_inside(double x)
{
    return sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);
}

static const double selu_scale = 1.0507009873554805, selu_alpha = 1.6732632423543772;

static double forward(weft__act act, double x, double a, double b)
{
    switch (act) {
    case WEFT_ACT_RELU:
        return x > 0 ? x : 0;
    case WEFT_ACT_LEAKY_RELU:
        return x > 0 ? x : a * x;
    case WEFT_ACT_ELU:
        return x > 0 ? x : a * expm1(x);
    case WEFT_ACT_GELU:
        return x * normal(x);
    case WEFT_ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(gelu_inside(x)));
    case WEFT_ACT_SILU:
        return x * sigmoid(x);
    case WEFT_ACT_HARD_SWISH:
        return x * clip(x / 6 + 0.5, 0, 1);
    case WEFT_ACT_HARD_SIGMOID:
        return clip(a * x + b, 0, 1);
    case WEFT_ACT_SIGMOID:
        return sigmoid(x);
    case WEFT_ACT_TANH:
        return tanh(x);
    case WEFT_ACT_SOFTPLUS:
        return (fmax(a * x, 0) + log1p(exp(-fabs(a * x)))) / a;
    case WEFT_ACT_SELU:
        return selu_scale * (x > 0 ? x : selu_alpha * expm1(x));
    case WEFT_ACT_CLIP:
        return clip(x, a, b);
    case WEFT_ACT_CELU:
        return x > 0 ? x : a * expm1(x / a);
    case WEFT_ACT_MISH:
        return x * tanh(log1p(exp(x)));
    case WEFT_ACT_SOFTSIGN:
        return x / (1 + fabs(x));
    case WEFT_ACT_LOG_SIGMOID:
        return -(fmax(-x, 0) + log1p(exp(-fabs(x))));
    default:
        return x;
    }
}

static double slope(weft__act act, double x, double a, double b)
{
    const double s = sigmoid(x), t = tanh(x), g = tanh(gelu_inside(x));
    const double m = tanh(log1p(exp(x)));
    switch (act) {
    case WEFT_ACT_RELU:
        return x > 0;
    case WEFT_ACT_LEAKY_RELU:
        return x > 0 ? 1 : a;
    case WEFT_ACT_ELU:
        return x > 0 ? 1 : a * exp(x);
    case WEFT_ACT_GELU:
        return normal(x) + x * density(x);
    case WEFT_ACT_GELU_TANH:
        return 0.5 * (1 + g) +
               0.5 * x * (1 - g * g) * sqrt(2 / acos(-1)) * (1 + 3 * 0.044715 * x * x);
    case WEFT_ACT_SILU:
        return s * (1 + x * (1 - s));
    case WEFT_ACT_HARD_SWISH:
        return x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5;
    case WEFT_ACT_HARD_SIGMOID:
        return a * x + b > 0 && a * x + b < 1 ? a : 0;
    case WEFT_ACT_SIGMOID:
        return s * (1 - s);
    case WEFT_ACT_TANH:
        return 1 - t * t;
    case WEFT_ACT_SOFTPLUS:
        return sigmoid(a * x);
    case WEFT_ACT_SELU:
        return selu_scale * (x > 0 ? 1 : selu_alpha * exp(x));
    case WEFT_ACT_CLIP:
        return x >= a && x <= b;
    case WEFT_ACT_CELU:
        return x > 0 ? 1 : exp(x / a);
    case WEFT_ACT_MISH:
        return m + x * s * (1 - m * m);
    case WEFT_ACT_SOFTSIGN:
        return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    case WEFT_ACT_LOG_SIGMOID:
        return sigmoid(-x);
    default:
        return 1;
    }
}

static weft__epilogue parameters(weft__act act)
{
    weft__epilogue e = {act, 0, 0};
    if (act == WEFT_ACT_LEAKY_RELU) e.alpha = 0.01;
    if (act == WEFT_ACT_ELU || act == WEFT_ACT_CELU) e.alpha = 1.5;
    if (act == WEFT_ACT_HARD_SIGMOID) e.alpha = 0.2, e.beta = 0.5;
    if (act == WEFT_ACT_SOFTPLUS) e.alpha = 2;
    if (act == WEFT_ACT_CLIP) e.alpha = -1.25, e.beta = 6;
    return e;
}

/* The kernel's alpha and beta are float. */
static void check_activation(const weft__kernels *k, weft__act act, size_t n)
{
    const weft__epilogue e = parameters(act);
    const double a = (double)(float)e.alpha, b = (double)(float)e.beta;
    guarded gx = guarded_random(n, -9, 9, n), gd = guarded_random(n, -2, 2, n + 1000);
    guarded gy = guarded_new(n * sizeof(float)), gdx = guarded_new(n * sizeof(float));
    const float *x = gx.data, *dy = gd.data;
    float *y = gy.data, *dx = gdx.data;
    char name[32];
    snprintf(name, sizeof name, "activation %d", (int)act);
    k->activate(y, x, n, &e);
    k->activate_backward(dx, dy, x, y, n, &e);
    for (size_t i = 0; i < n; i++) {
        const double want = forward(act, (double)x[i], a, b);
        const double back = (double)dy[i] * slope(act, (double)x[i], a, b);
        CHECK_ELEMENT(k->isa, name, n, i, (double)y[i], want, 2e-7 + 5e-7 * fabs(want));
        CHECK_ELEMENT(k->isa, name, n, i, (double)dx[i], back, 2e-6);
    }
    memcpy(dx, dy, n * sizeof *dx); /* in place */
    k->activate_backward(dx, dx, x, y, n, &e);
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(dx[i], (double)dy[i] * slope(act, (double)x[i], a, b), 2e-6);
    guarded copy = guarded_new(n * sizeof(float));
    memcpy(copy.data, x, n * sizeof *x);
    k->activate(copy.data, copy.data, n, &e);
    CHECK(!n || !memcmp(copy.data, y, n * sizeof *y));
    guarded_free(copy);
    guarded_free(gx);
    guarded_free(gd);
    guarded_free(gy);
    guarded_free(gdx);
}

static void activations_and_their_slopes_are_what_their_formulas_say(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int act = 0; act < WEFT_ACT_COUNT; act++) {
            for (size_t n = 0; n < SIZES; n++) check_activation(*k, (weft__act)act, n);
            check_activation(*k, (weft__act)act, LARGE);
        }
}

static void activations_let_nan_through(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int act = 0; act < WEFT_ACT_COUNT; act++) {
            const weft__epilogue e = parameters((weft__act)act);
            float x[17], y[17];
            for (int i = 0; i < 17; i++) x[i] = i == 3 || i == 16 ? NAN : 0.5f;
            (*k)->activate(y, x, 17, &e);
            for (int i = 0; i < 17; i++) CHECK(!isnan(y[i]) == (i != 3 && i != 16));
        }
}

static void activations_of_infinity_are_their_limits(void **state)
{
    (void)state;
    static const struct limit {
        weft__act act;
        double below, above;
    } limits[] = {
        {WEFT_ACT_RELU, 0, INFINITY},     {WEFT_ACT_LEAKY_RELU, -INFINITY, INFINITY},
        {WEFT_ACT_ELU, -1.5, INFINITY},   {WEFT_ACT_HARD_SIGMOID, 0, 1},
        {WEFT_ACT_SIGMOID, 0, 1},         {WEFT_ACT_TANH, -1, 1},
        {WEFT_ACT_SOFTPLUS, 0, INFINITY}, {WEFT_ACT_CLIP, -1.25, 6},
        {WEFT_ACT_CELU, -1.5, INFINITY},  {WEFT_ACT_LOG_SIGMOID, -INFINITY, 0},
    };
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
            const weft__epilogue e = parameters(limits[i].act);
            const float x[2] = {-INFINITY, INFINITY};
            float y[2];
            (*k)->activate(y, x, 2, &e);
            CHECK_NEAR(y[0], limits[i].below, 0);
            CHECK_NEAR(y[1], limits[i].above, 0);
        }
}

static void kinks_have_the_subgradients_of_pytorch(void **state)
{
    (void)state;
    static const struct kink {
        weft__act act;
        float x, slope;
    } kinks[] = {
        {WEFT_ACT_RELU, 0, 0},          {WEFT_ACT_LEAKY_RELU, 0, 0.01f},
        {WEFT_ACT_ELU, 0, 1.5f},        {WEFT_ACT_HARD_SWISH, -3, -0.5f},
        {WEFT_ACT_HARD_SWISH, 3, 1.5f}, {WEFT_ACT_HARD_SIGMOID, 2.5f, 0},
        {WEFT_ACT_CLIP, -1.25f, 1},     {WEFT_ACT_CLIP, 6, 1},
        {WEFT_ACT_SELU, 0, 1.7580993f}, {WEFT_ACT_CELU, 0, 1},
        {WEFT_ACT_SOFTSIGN, 0, 1},
    };
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (size_t i = 0; i < sizeof kinks / sizeof *kinks; i++) {
            const weft__epilogue e = parameters(kinks[i].act);
            const float dy = 1;
            float y, dx;
            (*k)->activate(&y, &kinks[i].x, 1, &e);
            (*k)->activate_backward(&dx, &dy, &kinks[i].x, &y, 1, &e);
            CHECK_NEAR(dx, kinks[i].slope, 1e-6);
        }
}

/* ---- pairs ---- */

typedef void pair_fn(float *, const float *, const float *, size_t, int, int);
enum { PAIRS = 6 };

static pair_fn *pair_of(const weft__kernels *k, int which)
{
    pair_fn *const all[PAIRS] = {k->add, k->sub, k->mul, k->div, k->max, k->min};
    return all[which];
}

static float pair_want(int which, float a, float b)
{
    switch (which) {
    case 0:
        return a + b;
    case 1:
        return a - b;
    case 2:
        return a * b;
    case 3:
        return a / b;
    case 4:
        return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    default:
        return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    }
}

static void check_pair(const weft__kernels *k, int which, size_t n, int sa, int sb)
{
    guarded ga = guarded_random(sa ? n : 1, -3, 3, n),
            gy = guarded_new(n * sizeof(float));
    guarded gb = guarded_random(sb ? n : 1, 0.5, 3, n + 500);
    float *a = ga.data, *b = gb.data, *y = gy.data;
    if (n > 2 && sa) a[n / 2] = NAN;
    if (n > 2 && sb) b[n - 1] = NAN;
    pair_of(k, which)(y, a, b, n, sa, sb);
    for (size_t i = 0; i < n; i++) {
        const float want = pair_want(which, a[sa ? i : 0], b[sb ? i : 0]);
        CHECK_ELEMENT(k->isa, "pair", n, i, (double)y[i], (double)want, 0);
    }
    if (sa) { /* in place */
        pair_of(k, which)(a, a, b, n, sa, sb);
        for (size_t i = 0; i < n; i++) CHECK(a[i] == y[i] || isnan(y[i]));
    }
    guarded_free(ga);
    guarded_free(gb);
    guarded_free(gy);
}

static void pairs_are_exact_with_each_side_fixed_or_not(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int which = 0; which < PAIRS; which++)
            for (int s = 0; s < 4; s++) {
                for (size_t n = 0; n < SIZES; n++)
                    check_pair(*k, which, n, s & 1, s >> 1);
                check_pair(*k, which, LARGE, s & 1, s >> 1);
            }
}

/* ---- the rest ---- */

static void check_updates(const weft__kernels *k, size_t n)
{
    guarded gx = guarded_random(n, -3, 3, n), gz = guarded_random(n, -3, 3, n + 1);
    guarded gy = guarded_random(n, -3, 3, n + 2), got = guarded_new(n * sizeof(float));
    const float *x = gx.data, *z = gz.data, *old = gy.data;
    float *y = got.data;
    const size_t bytes = n * sizeof *y;
    memcpy(y, old, bytes);
    k->axpy(y, x, n, 1.5f);
    for (size_t i = 0; i < n; i++)
        CHECK_ELEMENT(k->isa, "axpy", n, i, y[i], old[i] + 1.5 * (double)x[i], 1e-6);
    memcpy(y, old, bytes);
    k->axpby(y, x, n, 1.5f, -0.25f);
    for (size_t i = 0; i < n; i++)
        CHECK_ELEMENT(k->isa, "axpby", n, i, y[i], 1.5 * x[i] - 0.25 * (double)old[i],
                      1e-6);
    k->scale(y, x, n, 1.5f, -0.25f);
    for (size_t i = 0; i < n; i++)
        CHECK_ELEMENT(k->isa, "scale", n, i, y[i], 1.5 * (double)x[i] - 0.25, 1e-6);
    memcpy(y, old, bytes);
    k->mul_acc(y, x, z, n);
    for (size_t i = 0; i < n; i++)
        CHECK_ELEMENT(k->isa, "mul_acc", n, i, y[i], old[i] + (double)x[i] * z[i], 2e-6);
    memcpy(y, old, bytes);
    if (n) y[n - 1] = NAN;
    k->clamp(y, n, -1, 2);
    for (size_t i = 0; i + 1 < n; i++)
        CHECK(y[i] == (old[i] < -1 ? -1 : old[i] > 2 ? 2 : old[i]));
    if (n) CHECK(isnan(y[n - 1]));
    guarded_free(gx);
    guarded_free(gz);
    guarded_free(gy);
    guarded_free(got);
}

static void updates_are_what_their_formulas_say(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        for (size_t n = 0; n < SIZES; n++) check_updates(*k, n);
        check_updates(*k, LARGE);
    }
}

static void bytes_become_numbers(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (size_t n = 0; n < 300; n++) {
            guarded gx = guarded_new(n), gy = guarded_new(n * sizeof(float));
            unsigned char *x = gx.data;
            float *y = gy.data;
            for (size_t i = 0; i < n; i++) x[i] = (unsigned char)(i * 37 + n);
            (*k)->from_u8(y, x, n, 0.5f, -64);
            for (size_t i = 0; i < n; i++)
                CHECK_ELEMENT((*k)->isa, "from_u8", n, i, y[i], 0.5 * x[i] - 64, 0);
            guarded_free(gx);
            guarded_free(gy);
        }
}

/* An element's bits must not depend on the cut, or threads would change results. */
static void results_do_not_depend_on_where_an_array_is_cut(void **state)
{
    (void)state;
    enum { N = 203 };
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int act = 0; act < WEFT_ACT_COUNT; act++) {
            const weft__epilogue e = parameters((weft__act)act);
            guarded gx = guarded_random(N, -9, 9, 7);
            const float *x = gx.data;
            float whole[N], cut[N], back[N], cut_back[N];
            (*k)->activate(whole, x, N, &e);
            (*k)->activate_backward(back, x, x, whole, N, &e);
            for (size_t i = 0, some = 1; i < N; i += some, some = some % 19 + 1) {
                const size_t n = N - i < some ? N - i : some;
                (*k)->activate(cut + i, x + i, n, &e);
                (*k)->activate_backward(cut_back + i, x + i, x + i, whole + i, n, &e);
            }
            CHECK(!memcmp(whole, cut, sizeof whole));
            CHECK(!memcmp(back, cut_back, sizeof back));
            guarded_free(gx);
        }
}

RUN_TESTS(TEST(activations_and_their_slopes_are_what_their_formulas_say),
          TEST(activations_let_nan_through),
          TEST(activations_of_infinity_are_their_limits),
          TEST(kinks_have_the_subgradients_of_pytorch),
          TEST(pairs_are_exact_with_each_side_fixed_or_not),
          TEST(updates_are_what_their_formulas_say), TEST(bytes_become_numbers),
          TEST(results_do_not_depend_on_where_an_array_is_cut))
