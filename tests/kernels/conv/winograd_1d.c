/* winograd_1d.c: convolutions over time by Winograd's transforms against sums in
 * double. */
#include "kernels/product.h"

typedef struct problem {
    weft__conv1d s;
    weft__epilogue act;
    bool biased, prepack;
    guarded x, w, bias, dy;
} problem;

static size_t size_x(const weft__conv1d *s)
{
    return (size_t)(s->rows + s->taps - 1) * (size_t)s->c;
}
static size_t size_y(const weft__conv1d *s)
{
    return (size_t)s->rows * (size_t)s->o;
}
static size_t size_w(const weft__conv1d *s)
{
    return (size_t)s->taps * (size_t)s->c * (size_t)s->o;
}

static problem problem_new(int tiles, int c, int o, int taps)
{
    problem p = {.s = {.rows = tiles * (7 - taps), .c = c, .o = o, .taps = taps}};
    p.x = guarded_random(size_x(&p.s), -1, 1, 1);
    p.w = guarded_random(size_w(&p.s), -1, 1, 2);
    p.bias = guarded_random((size_t)o, -1, 1, 3);
    p.dy = guarded_random(size_y(&p.s), -1, 1, 4);
    return p;
}

static void problem_free(problem *p)
{
    guarded_free(p->x), guarded_free(p->w), guarded_free(p->bias), guarded_free(p->dy);
}

static void forward(const weft__kernels *k, const problem *p, real *out)
{
    weft__conv1d s = p->s;
    guarded prepacked =
        guarded_scratch(p->prepack ? k->conv1d_prepacked_size(&s) * sizeof(real) : 1);
    if (p->prepack) k->conv1d_prepack(&s, prepacked.data, p->w.data);
    s.prepacked = p->prepack;
    guarded scratch = guarded_scratch(k->conv1d_scratch(&s));
    k->conv1d(&s, out, p->x.data, p->prepack ? prepacked.data : p->w.data,
              p->biased ? p->bias.data : NULL, &p->act, scratch.data);
    guarded_free(scratch), guarded_free(prepacked);
}

static void weight(const weft__kernels *k, const problem *p, real *out)
{
    guarded scratch = guarded_scratch(k->conv1d_bwd_weights_scratch(&p->s));
    k->conv1d_bwd_weights(&p->s, out, p->dy.data, p->x.data, scratch.data);
    guarded_free(scratch);
}

/* The root mean square of the difference, over that of what is wanted. */
static double error_of(const real *got, const double *want, size_t n)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        size += want[i] * want[i];
    }
    return sqrt(error / (size + 1e-30));
}

static double activated(const weft__epilogue *e, double v)
{
    if (e->act == WEFT_ACT_RELU) return v > 0 ? v : 0;
    if (e->act == WEFT_ACT_LEAKY_RELU) return v > 0 ? v : e->alpha * v;
    return e->act == WEFT_ACT_TANH ? tanh(v) : v;
}

static double *wanted_forward(const problem *p)
{
    const weft__conv1d *s = &p->s;
    const real *x = p->x.data, *w = p->w.data, *bias = p->bias.data;
    double *want = calloc(size_y(s), sizeof *want);
    CHECK(want != NULL);
    for (int r = 0; r < s->rows; r++) {
        double *y = want + (size_t)r * (size_t)s->o;
        for (int i = 0; i < s->taps * s->c; i++) {
            double v = (double)x[(size_t)r * (size_t)s->c + (size_t)i];
            for (int o = 0; o < s->o; o++)
                y[o] += v * (double)w[(size_t)i * (size_t)s->o + (size_t)o];
        }
        for (int o = 0; o < s->o; o++)
            y[o] = activated(&p->act, y[o] + (p->biased ? (double)bias[o] : 0));
    }
    return want;
}

static double *wanted_weight(const problem *p)
{
    const weft__conv1d *s = &p->s;
    const real *x = p->x.data, *dy = p->dy.data;
    double *want = calloc(size_w(s), sizeof *want);
    CHECK(want != NULL);
    for (int r = 0; r < s->rows; r++)
        for (int i = 0; i < s->taps * s->c; i++) {
            double v = (double)x[(size_t)r * (size_t)s->c + (size_t)i];
            for (int o = 0; o < s->o; o++)
                want[(size_t)i * (size_t)s->o + (size_t)o] +=
                    v * (double)dy[(size_t)r * (size_t)s->o + (size_t)o];
        }
    return want;
}

static const int shapes[][4] = {/* tiles, channels, outputs, taps */
                                {1, 64, 64, 3},   {1, 64, 64, 4},    {9, 65, 70, 3},
                                {9, 100, 65, 4},  {40, 300, 130, 3}, {40, 130, 300, 4},
                                {150, 64, 97, 3}, {400, 70, 64, 4}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static problem problem_of(int i)
{
    return problem_new(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
}

static void all_directions_are_near_the_sums(void **state)
{
    static const weft__epilogue acts[] = {{.act = WEFT_ACT_NONE},
                                          {.act = WEFT_ACT_RELU},
                                          {.act = WEFT_ACT_LEAKY_RELU, .alpha = 0.1},
                                          {.act = WEFT_ACT_TANH}};
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        problem p = problem_of(i);
        p.act = acts[i % 4];
        p.biased = i % 3 > 0;
        double *y = wanted_forward(&p), *dw = wanted_weight(&p);
        for (const weft__kernels *const *k = every_set(); *k; k++) {
            guarded got = guarded_nan(size_y(&p.s)), slope = guarded_nan(size_w(&p.s));
            CHECK((*k)->conv1d_tile(p.s.c, p.s.o, p.s.taps) == 7 - p.s.taps);
            for (p.prepack = false;; p.prepack = true) {
                forward(*k, &p, got.data);
                CHECK(error_of(got.data, y, size_y(&p.s)) < 3e-6);
                if (p.prepack) break;
            }
            weight(*k, &p, slope.data);
            CHECK(error_of(slope.data, dw, size_w(&p.s)) < 3e-6);
            guarded_free(got), guarded_free(slope);
        }
        free(y), free(dw);
        problem_free(&p);
    }
}

static void compute(const weft__kernels *k, void *arg, real *out)
{
    const problem *p = arg;
    forward(k, p, out);
    weight(k, p, out + size_y(&p->s));
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        problem p = problem_of(i);
        for (const weft__kernels *const *k = every_set(); *k; k++)
            check_same_bits(*k, size_y(&p.s) + size_w(&p.s), compute, &p);
        problem_free(&p);
    }
}

/* A tile gives the same bits in the middle of many and alone, of prepacked weights
 * and of others. */
static void tiles_do_not_depend_on_their_neighbours(void **state)
{
    (void)state;
    for (int i = 4; i < SHAPES; i++) {
        problem p = problem_of(i), one = problem_new(1, p.s.c, p.s.o, p.s.taps);
        size_t row = (size_t)(17 * one.s.rows);
        memcpy(one.x.data, (real *)p.x.data + row * (size_t)p.s.c,
               size_x(&one.s) * sizeof(real));
        for (const weft__kernels *const *k = every_set(); *k; k++) {
            guarded all = guarded_nan(size_y(&p.s)), few = guarded_nan(size_y(&one.s));
            forward(*k, &p, all.data);
            one.prepack = !one.prepack;
            forward(*k, &one, few.data);
            CHECK(!memcmp((real *)all.data + row * (size_t)p.s.o, few.data,
                          size_y(&one.s) * sizeof(real)));
            guarded_free(all), guarded_free(few);
        }
        problem_free(&p), problem_free(&one);
    }
}

RUN_TESTS(TEST(all_directions_are_near_the_sums), TEST(threads_do_not_change_a_bit),
          TEST(tiles_do_not_depend_on_their_neighbours))
