/* norm.c: tests of moments, batch norm and layer norm, on every instruction set. */
/* labels: threads */
#include "kernels/every_isa.h"

static const size_t shapes[][2] = {
    {1, 1},    {1, 5},     {2, 1},    {3, 1},    {63, 1},    {64, 2},   {65, 3},
    {1000, 6}, {20011, 1}, {7001, 3}, {333, 16}, {4099, 16}, {129, 63}, {64, 64},
    {777, 65}, {200, 100}, {5, 300},  {70, 513}, {40000, 5}, {3, 1031}, {12345, 12},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* x with the asked mean and deviation, both somewhat different for each channel. */
static guarded pixels(size_t rows, size_t c, double mean, double std, uint64_t stream)
{
    guarded g = guarded_new(rows * c * sizeof(float));
    float *x = g.data;
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_KEY(WEFT_RNG_TEST, 1), stream);
    for (size_t i = 0; i < rows * c; i++)
        x[i] = (float)(mean + (double)(i % c) * std / (double)c +
                       std * weft__rng_normal(&r));
    return g;
}

static void want_moments(double *mean, double *var, const float *x, size_t rows, size_t c,
                         size_t j)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < rows; i++) sum += (double)x[i * c + j];
    *mean = sum / (double)rows;
    for (size_t i = 0; i < rows; i++) {
        const double d = (double)x[i * c + j] - *mean;
        square += d * d;
    }
    *var = square / (double)rows;
}

static void check_moments(const weft__kernels *k, const float *x, size_t rows, size_t c)
{
    guarded gm = guarded_new(c * sizeof(float)), gv = guarded_new(c * sizeof(float));
    guarded scratch = guarded_new(k->moments_scratch(rows, c));
    float *mean = gm.data, *var = gv.data, *again = malloc(2 * c * sizeof *again);
    guarded gr = guarded_new(c * sizeof(float));
    float *rest = gr.data;
    CHECK(again != NULL);
    CHECK(weft_set_threads(1) == WEFT_OK);
    k->moments(mean, rest, var, x, rows, c, scratch.data);
    for (size_t j = 0; j < c; j++) {
        double m, v;
        want_moments(&m, &v, x, rows, c, j);
        CHECK_ELEMENT(k->isa, "mean", c, j, mean[j], m, 6e-8 * fabs(m) + 1e-7 * sqrt(v));
        CHECK_ELEMENT(k->isa, "rest", c, j, (double)mean[j] + rest[j], m,
                      1e-13 * fabs(m) + 1e-6 * sqrt(v));
        CHECK_ELEMENT(k->isa, "variance", c, j, var[j], v, 3e-6 * v);
        CHECK(var[j] >= 0);
    }
    for (int threads = 2; threads <= 7; threads += threads == 3 ? 4 : 1) {
        CHECK(weft_set_threads(threads) == WEFT_OK);
        k->moments(again, NULL, again + c, x, rows, c, scratch.data);
        CHECK(!memcmp(mean, again, c * sizeof *mean));
        CHECK(!memcmp(var, again + c, c * sizeof *var));
    }
    free(again);
    guarded_free(gr);
    guarded_free(gm);
    guarded_free(gv);
    guarded_free(scratch);
}

static void moments_are_exact_wherever_the_mean_lies(void **state)
{
    (void)state;
    static const double mean[] = {0, 1000, -30000};
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SHAPES; s++)
            for (int m = 0; m < 3; m++) {
                guarded g = pixels(shapes[s][0], shapes[s][1], mean[m], 1, (uint64_t)s);
                check_moments(*k, g.data, shapes[s][0], shapes[s][1]);
                guarded_free(g);
            }
}

static void moments_survive_a_first_row_far_off(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SHAPES; s++) {
            const size_t rows = shapes[s][0], c = shapes[s][1];
            guarded g = pixels(rows, c, 1000, 1, (uint64_t)s);
            memset(g.data, 0, c * sizeof(float));
            check_moments(*k, g.data, rows, c);
            guarded_free(g);
        }
}

static void constant_channels_have_no_variance(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SHAPES; s++) {
            const size_t rows = shapes[s][0], c = shapes[s][1];
            float *x = malloc(rows * c * sizeof *x), *m = malloc(2 * c * sizeof *m);
            void *scratch = malloc((*k)->moments_scratch(rows, c) + 1);
            CHECK(x && m && scratch);
            for (size_t i = 0; i < rows * c; i++) x[i] = (float)(i % c) + 0.1f;
            (*k)->moments(m, NULL, m + c, x, rows, c, scratch);
            for (size_t j = 0; j < c; j++) {
                CHECK_NEAR(m[j], (double)j + (double)0.1f, 1e-7 * ((double)j + 1));
                CHECK_NEAR(m[c + j], 0, 1e-13 * (double)((j + 1) * (j + 1)));
            }
            free(x);
            free(m);
            free(scratch);
        }
}

static void check_affine(const weft__kernels *k, size_t rows, size_t c, weft__act act,
                         bool centred, bool more)
{
    const weft__epilogue e = {act, 0.5, 0};
    const size_t n = rows * c;
    guarded gx = guarded_random(n, -3, 3, c), gy = guarded_new(n * sizeof(float));
    guarded gs = guarded_random(c, -2, 2, c + 1), gb = guarded_random(c, -1, 1, c + 2);
    guarded gc = guarded_random(c, -2, 2, c + 3), gr = guarded_random(n, -3, 3, c + 4);
    const float *x = gx.data, *centre = gc.data, *residual = gr.data;
    weft__affine a = {gs.data, gb.data, centred ? centre : NULL, more ? residual : NULL};
    float *y = gy.data, *again = malloc(n * sizeof *again);
    CHECK(again != NULL);
    CHECK(weft_set_threads(1) == WEFT_OK);
    k->channel_affine(y, x, &a, rows, c, act ? &e : NULL);
    for (size_t i = 0; i < n; i++) {
        double want = (double)x[i] - (centred ? (double)centre[i % c] : 0);
        want = want * a.scale[i % c] + (double)a.shift[i % c];
        if (more) want += (double)residual[i];
        if (act == WEFT_ACT_RELU) want = want > 0 ? want : 0;
        if (act == WEFT_ACT_SILU) want /= 1 + exp(-want);
        CHECK_ELEMENT(k->isa, "channel_affine", n, i, y[i], want, 4e-6);
    }
    CHECK(weft_set_threads(3) == WEFT_OK);
    memcpy(again, x, n * sizeof *again); /* in place */
    k->channel_affine(again, again, &a, rows, c, act ? &e : NULL);
    CHECK(!memcmp(y, again, n * sizeof *y));
    memcpy(again, residual, n * sizeof *again);
    if (more) a.residual = again;
    k->channel_affine(again, x, &a, rows, c, act ? &e : NULL);
    CHECK(!memcmp(y, again, n * sizeof *y));
    free(again);
    guarded all[] = {gx, gy, gs, gb, gc, gr};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) guarded_free(all[i]);
}

static void channels_are_scaled_and_shifted(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SHAPES; s++) {
            const size_t rows = shapes[s][0], c = shapes[s][1];
            check_affine(*k, rows, c, WEFT_ACT_NONE, false, false);
            check_affine(*k, rows, c, WEFT_ACT_RELU, false, s % 2);
            check_affine(*k, rows, c, WEFT_ACT_SILU, s % 2, s % 3 == 0);
            check_affine(*k, rows, c, WEFT_ACT_NONE, s % 3 == 0, true);
        }
}

typedef struct batch {
    guarded x, dy, mean, rstd, gamma, dx, dgamma, dbeta, scratch;
    size_t rows, c;
} batch;

static batch batch_new(const weft__kernels *k, size_t rows, size_t c)
{
    const size_t row = c * sizeof(float);
    batch b = {.rows = rows, .c = c};
    b.x = pixels(rows, c, 1000, 1, 77);
    b.dy = guarded_random(rows * c, -1, 1, 78);
    b.mean = guarded_random(c, 999, 1001, 79);
    b.rstd = guarded_random(c, 0.5, 2, 80);
    b.gamma = guarded_random(c, -2, 2, 81);
    b.dx = guarded_new(rows * row);
    b.dgamma = guarded_new(row);
    b.dbeta = guarded_new(row);
    b.scratch = guarded_new(k->batch_norm_sums_scratch(rows, c));
    return b;
}

static void batch_free(batch *b)
{
    guarded all[] = {b->x,  b->dy,     b->mean,  b->rstd,   b->gamma,
                     b->dx, b->dgamma, b->dbeta, b->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) guarded_free(all[i]);
}

/* How the gradient is gated: 0 not at all, 1 by a result, 2 by the input again. */
enum { GATES = 3 };

typedef struct gated {
    guarded scale, shift, y, masked_dy;
    weft__relu_gate gate;
    float *dy; /* as it is let through */
} gated;

static gated gated_new(const batch *b, int kind)
{
    const size_t n = b->rows * b->c;
    gated g = {.scale = guarded_random(b->c, -2, 2, 5),
               .shift = guarded_random(b->c, -1, 1, 6),
               .y = guarded_random(n, -1, 1, 7),
               .masked_dy = guarded_new(n * sizeof(float))};
    const float *x = b->x.data, *scale = g.scale.data, *y = g.y.data;
    float *shift = g.shift.data;
    g.dy = malloc(n * sizeof *g.dy);
    CHECK(g.dy != NULL);
    for (size_t j = 0; j < b->c; j++) shift[j] -= 1000 * scale[j]; /* x is about 1000 */
    for (size_t i = 0; i < n; i++) {
        double in = (double)x[i] * scale[i % b->c] + (double)shift[i % b->c];
        g.dy[i] = ((const float *)b->dy.data)[i];
        if (kind == 1 ? y[i] <= 0 : kind == 2 && in <= 0) g.dy[i] = 0;
    }
    if (kind == 1) g.gate.y = y;
    if (kind == 2) g.gate.scale = scale;
    if (kind == 2) g.gate.shift = shift;
    return g;
}

static void gated_free(gated *g)
{
    guarded_free(g->scale);
    guarded_free(g->shift);
    guarded_free(g->y);
    guarded_free(g->masked_dy);
    free(g->dy);
}

/* Rounding decides whether the gate is open where what it looks at is all but 0; there,
 * and nowhere else, masked_dy tells what was let through. */
static void check_masked(const weft__kernels *k, const batch *b, gated *g)
{
    const float *masked_dy = g->masked_dy.data;
    for (size_t i = 0; i < b->rows * b->c; i++) {
        const size_t j = i % b->c;
        double in = g->gate.scale
                        ? (double)((const float *)b->x.data)[i] * g->gate.scale[j] +
                              (double)g->gate.shift[j]
                        : 1;
        if (fabs(in) > 1e-3)
            CHECK_ELEMENT(k->isa, "kept", b->rows * b->c, i, masked_dy[i], g->dy[i], 0);
        CHECK(masked_dy[i] == 0 || masked_dy[i] == ((const float *)b->dy.data)[i]);
        g->dy[i] = masked_dy[i];
    }
}

static void check_batch_sums(const weft__kernels *k, batch *b, gated *g)
{
    const float *x = b->x.data, *dy = b->dy.data, *mean = b->mean.data,
                *rstd = b->rstd.data;
    float *dgamma = b->dgamma.data, *dbeta = b->dbeta.data;
    const size_t rows = b->rows, c = b->c;
    float *again = malloc(2 * c * sizeof *again);
    weft__relu_gate gate = g->gate;
    CHECK(again != NULL);
    CHECK(weft_set_threads(1) == WEFT_OK);
    gate.masked_dy = g->masked_dy.data;
    k->batch_norm_sums(dgamma, dbeta, dy, x, mean, rstd, rows, c, &gate, b->scratch.data);
    check_masked(k, b, g);
    for (size_t j = 0; j < c; j++) {
        double plain = 0, scaled = 0, terms = 0;
        for (size_t i = j; i < rows * c; i += c) {
            plain += g->dy[i];
            scaled += (double)g->dy[i] * ((double)x[i] - mean[j]) * rstd[j];
            terms += fabs((double)dy[i]) * (1 + fabs((double)x[i] - mean[j]) * rstd[j]);
        }
        CHECK_ELEMENT(k->isa, "dbeta", c, j, dbeta[j], plain, 1e-6 * terms);
        CHECK_ELEMENT(k->isa, "dgamma", c, j, dgamma[j], scaled, 1e-6 * terms);
    }
    const weft__relu_gate *plainly = g->gate.y || g->gate.scale ? &g->gate : NULL;
    for (int threads = 1; threads <= 7; threads += threads == 3 ? 4 : 1) {
        CHECK(weft_set_threads(threads) == WEFT_OK);
        k->batch_norm_sums(again, again + c, dy, x, mean, rstd, rows, c, plainly,
                           b->scratch.data);
        CHECK(!memcmp(dgamma, again, c * sizeof *again));
        CHECK(!memcmp(dbeta, again + c, c * sizeof *again));
    }
    free(again);
}

static void check_batch_data(const weft__kernels *k, batch *b, const gated *g, bool fixed)
{
    const float *x = b->x.data, *dy = b->dy.data, *mean = b->mean.data,
                *rstd = b->rstd.data;
    const float *gamma = b->gamma.data, *dgamma = b->dgamma.data, *dbeta = b->dbeta.data;
    const size_t rows = b->rows, c = b->c, n = rows * c;
    const weft__relu_gate *gate = g->gate.scale ? &g->gate : NULL;
    if (g->gate.y) dy = g->dy;
    float *dx = b->dx.data, *again = malloc(n * sizeof *again);
    CHECK(again != NULL);
    CHECK(weft_set_threads(1) == WEFT_OK);
    k->batch_norm_data(dx, dy, x, gamma, mean, rstd, dgamma, dbeta, rows, c, fixed, gate);
    for (size_t i = 0; i < n; i++) {
        const size_t j = i % c;
        const double a = (double)gamma[j] * rstd[j],
                     xhat = ((double)x[i] - mean[j]) * rstd[j];
        double want = g->dy[i];
        if (!fixed) want -= ((double)dbeta[j] + xhat * dgamma[j]) / (double)rows;
        CHECK_ELEMENT(k->isa, "batch_norm_data", n, i, dx[i], a * want, 2e-5);
    }
    CHECK(weft_set_threads(3) == WEFT_OK);
    memcpy(again, dy, n * sizeof *again); /* in place */
    k->batch_norm_data(again, again, x, gamma, mean, rstd, dgamma, dbeta, rows, c, fixed,
                       gate);
    CHECK(!memcmp(dx, again, n * sizeof *again));
    free(again);
}

static void batch_norm_backward_is_what_its_formula_says(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SHAPES; s++) {
            batch b = batch_new(*k, shapes[s][0], shapes[s][1]);
            for (int kind = 0; kind < GATES; kind++) {
                gated g = gated_new(&b, kind);
                check_batch_sums(*k, &b, &g);
                check_batch_data(*k, &b, &g, false);
                check_batch_data(*k, &b, &g, true);
                gated_free(&g);
            }
            batch_free(&b);
        }
}

/* ---- layer norm ---- */

enum { ROWS = 4 };
static const double eps = 1e-5;

static void check_layer_norm(const weft__kernels *k, size_t cols, double centre,
                             bool weights)
{
    const size_t n = ROWS * cols;
    guarded gx = pixels(cols, ROWS, centre, 1, cols), gy = guarded_new(n * sizeof(float));
    guarded gg = guarded_random(cols, -2, 2, 1), gb = guarded_random(cols, -1, 1, 2);
    const float *x = gx.data, *gamma = weights ? gg.data : NULL;
    const float *beta = weights ? gb.data : NULL;
    float *y = gy.data, mean[ROWS], rstd[ROWS];
    k->layer_norm(y, mean, rstd, x, gamma, beta, ROWS, cols, (float)eps);
    for (size_t r = 0; r < ROWS; r++) {
        double m, v;
        want_moments(&m, &v, x + r * cols, cols, 1, 0);
        CHECK_ELEMENT(k->isa, "layer mean", cols, r, mean[r], m, 1e-7 * fabs(m) + 1e-7);
        const double inverse = 1 / sqrt(v + (double)(float)eps);
        CHECK_ELEMENT(k->isa, "layer rstd", cols, r, rstd[r], inverse, 2e-6 * inverse);
        for (size_t j = 0; j < cols; j++) {
            double want = ((double)x[r * cols + j] - m) * inverse;
            if (weights) want = want * gamma[j] + beta[j];
            CHECK_ELEMENT(k->isa, "layer_norm", n, r * cols + j, y[r * cols + j], want,
                          2e-5);
        }
    }
    float *again = malloc(n * sizeof *again);
    CHECK(again != NULL);
    memcpy(again, x, n * sizeof *again);
    k->layer_norm(again, NULL, NULL, again, gamma, beta, ROWS, cols, (float)eps);
    CHECK(!memcmp(y, again, n * sizeof *again));
    free(again);
    guarded_free(gx);
    guarded_free(gy);
    guarded_free(gg);
    guarded_free(gb);
}

static void check_layer_backward(const weft__kernels *k, size_t cols, bool weights)
{
    const size_t n = ROWS * cols;
    guarded gx = guarded_random(n, -3, 3, cols), gd = guarded_random(n, -1, 1, cols + 1);
    guarded gg = guarded_random(cols, -2, 2, 3), gdx = guarded_new(n * sizeof(float));
    const float *x = gx.data, *dy = gd.data, *gamma = weights ? gg.data : NULL;
    const float mean[ROWS] = {0.1f, -0.2f, 0.3f, 0}, rstd[ROWS] = {1, 2, 0.5f, 1.5f};
    float *dx = gdx.data;
    k->layer_norm_backward(dx, dy, x, gamma, mean, rstd, ROWS, cols);
    for (size_t r = 0; r < ROWS; r++) {
        double plain = 0, scaled = 0;
        for (size_t j = 0; j < cols; j++) {
            const double g = dy[r * cols + j] * (weights ? (double)gamma[j] : 1);
            plain += g;
            scaled += g * ((double)x[r * cols + j] - mean[r]) * rstd[r];
        }
        for (size_t j = 0; j < cols; j++) {
            const size_t i = r * cols + j;
            const double g = dy[i] * (weights ? (double)gamma[j] : 1);
            const double xhat = ((double)x[i] - mean[r]) * rstd[r];
            const double want = rstd[r] * (g - (plain + xhat * scaled) / (double)cols);
            CHECK_ELEMENT(k->isa, "layer_norm_backward", n, i, dx[i], want, 2e-5);
        }
    }
    guarded_free(gx);
    guarded_free(gd);
    guarded_free(gg);
    guarded_free(gdx);
}

static void layer_norm_and_its_backward_are_what_their_formulas_say(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 64, 67, 1000, 4099};
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
            for (int weights = 0; weights < 2; weights++) {
                check_layer_norm(*k, widths[w], 0, weights);
                check_layer_norm(*k, widths[w], 1000, weights);
                check_layer_backward(*k, widths[w], weights);
            }
}

RUN_TESTS(TEST(moments_are_exact_wherever_the_mean_lies),
          TEST(moments_survive_a_first_row_far_off),
          TEST(constant_channels_have_no_variance), TEST(channels_are_scaled_and_shifted),
          TEST(batch_norm_backward_is_what_its_formula_says),
          TEST(layer_norm_and_its_backward_are_what_their_formulas_say))
