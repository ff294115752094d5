/* sequence.c: what the table cannot know of operators on sequences: known values, what
 * stands behind a length, a sample alone and in a batch, messages. */
#include "test.h"

#include "base/rng.h"
#include "weft/ops.h"
#include "weft/plan.h"

#include <math.h>

static void numbers(float *x, size_t n, uint64_t stream)
{
    weft__rng rng = weft__rng_at(test_seed(), WEFT_RNG_TEST, stream);
    for (size_t i = 0; i < n; i++) x[i] = (float)weft__rng_normal(&rng);
}

/* ---- convolution against its definition ---- */

typedef struct conv_case {
    int t, c, o, kernel;
    weft_conv_opts opts;
} conv_case;

enum { N = 4, MOST = 1 << 18 };

static int out_length(const conv_case *k, int length)
{
    const weft_conv_opts *o = &k->opts;
    int span = (o->dilate[0] ? o->dilate[0] : 1) * (k->kernel - 1) + 1;
    int pads = o->mode ? span - 1 : 2 * o->pad[0];
    int room = length + pads - span;
    return room < 0 ? 1 : room / (o->stride[0] ? o->stride[0] : 1) + 1;
}

/* y[j, o] of one sample of x, as the header says it. */
static double defined(const conv_case *k, const float *x, int length, const float *w,
                      int j, int o)
{
    const weft_conv_opts *p = &k->opts;
    int groups = p->groups ? p->groups : 1, cg = k->c / groups, og = k->o / groups;
    int stride = p->stride[0] ? p->stride[0] : 1,
        dilate = p->dilate[0] ? p->dilate[0] : 1;
    int span = dilate * (k->kernel - 1) + 1;
    int pad = p->mode == WEFT_PAD_SAME         ? (span - 1) / 2
              : p->mode == WEFT_PAD_SAME_LOWER ? span - 1 - (span - 1) / 2
                                               : p->pad[0];
    double sum = 0;
    for (int u = 0; u < k->kernel; u++) {
        int at = j * stride - pad + u * dilate;
        if (at < 0 || at >= length) continue;
        for (int c = 0; c < cg; c++)
            sum +=
                (double)x[at * k->c + o / og * cg + c] * w[(o * cg + c) * k->kernel + u];
    }
    return sum;
}

/* A convolution planned for n samples of t steps, run over x and lengths. */
typedef struct net {
    weft_graph *g;
    weft_plan *p;
    weft_value x, w, y, lengths_out, lengths, loss;
} net;

static net make(const conv_case *k, int n, int t, const float *w)
{
    net m = {.g = weft_graph_new()};
    int groups = k->opts.groups ? k->opts.groups : 1;
    m.x = weft_input(m.g, "x", WEFT_SHAPE(0, t, k->c));
    m.lengths = weft_input_int(m.g, "lengths", WEFT_SHAPE(0), t + 1);
    m.w = weft_param(m.g, "w", WEFT_SHAPE(k->o, k->c / groups, k->kernel));
    m.y = weft_seq_conv(m.g, m.x, m.lengths, m.w, WEFT_NONE, &k->opts, &m.lengths_out);
    m.loss = weft_reduce_sum(m.g, weft_mul(m.g, m.y, m.y), 0, NULL, false);
    CHECK(!weft_param_set(m.g, m.w, w, (size_t)(k->o * (k->c / groups) * k->kernel)));
    weft_value keep[] = {m.y, m.lengths_out};
    weft_plan_opts p = {.batch = n,
                        .loss = m.loss,
                        .input_gradients = true,
                        .keep = keep,
                        .keep_count = 2};
    CHECK(!weft_plan_new(m.g, &p, &m.p));
    return m;
}

static void run(const net *m, const float *x, const int32_t *lengths, int n, size_t count)
{
    CHECK(!weft_plan_set(m->p, m->x, x, count));
    CHECK(!weft_plan_set_int(m->p, m->lengths, lengths, (size_t)n));
    CHECK(!weft_plan_forward(m->p) && !weft_plan_backward(m->p));
}

static void drop(net *m)
{
    weft_plan_free(m->p);
    weft_graph_free(m->g);
}

static const conv_case cases[] = {
    {9, 3, 4, 3, {.pad = {1}}},
    {9, 3, 4, 3, {.mode = WEFT_PAD_SAME}},
    {9, 5, 2, 4, {.mode = WEFT_PAD_SAME}},
    {9, 5, 2, 4, {.mode = WEFT_PAD_SAME_LOWER, .stride = {2}}},
    {9, 2, 3, 5, {.pad = {0}}},
    {3, 2, 3, 5, {.pad = {0}}},
    {8, 4, 6, 2, {.stride = {2}, .groups = 2}},
    {11, 4, 4, 3, {.dilate = {2}, .pad = {2}, .groups = 4}},
    {11, 3, 4, 3, {.dilate = {3}, .stride = {3}}},
    {70, 40, 72, 3, {.pad = {1}}},
    {70, 40, 72, 1, {.pad = {0}}},
    /* by transforms */
    {12, 72, 64, 3, {.pad = {1}}},
    {13, 64, 100, 4, {.mode = WEFT_PAD_SAME}},
    {9, 65, 64, 3, {.pad = {0}}},
    {10, 64, 72, 4, {.pad = {3}}},
};

enum { CASES = sizeof cases / sizeof *cases };

static void convolution_sees_what_is_valid_and_zeros(void **state)
{
    static float x[MOST], w[MOST], y[MOST];
    (void)state;
    numbers(x, MOST, 1);
    numbers(w, MOST, 2);
    for (int i = 0; i < CASES; i++) {
        const conv_case *k = &cases[i];
        const int32_t lengths[N] = {k->t, 1, (k->t + 1) / 2, k->t - 1};
        int32_t lengths_out[N];
        net m = make(k, N, k->t, w);
        run(&m, x, lengths, N, (size_t)(N * k->t * k->c));
        int steps = weft_plan_shape(m.p, m.y).dim[1];
        CHECK(steps == out_length(k, k->t));
        CHECK(!weft_plan_get(m.p, m.y, y, (size_t)(N * steps * k->o)));
        for (int s = 0; s < N; s++) {
            lengths_out[s] = out_length(k, lengths[s]);
            CHECK(lengths_out[s] <= steps);
            for (int j = 0; j < steps; j++)
                for (int o = 0; o < k->o; o++) {
                    double want = j < lengths_out[s] ? defined(k, x + s * k->t * k->c,
                                                               lengths[s], w, j, o)
                                                     : 0;
                    CHECK_NEAR(y[(s * steps + j) * k->o + o], want, 2e-4);
                }
        }
        drop(&m);
    }
}

/* Sample s of a batch, whose neighbours and padding are NaN in one of two runs. */
static void no_neighbour_and_no_padding_is_read(void **state)
{
    static float x[MOST], w[MOST], y[MOST], one[MOST], dx[MOST], done[MOST];
    (void)state;
    numbers(w, MOST, 2);
    for (int i = 0; i < CASES; i++) {
        const conv_case *k = &cases[i];
        int32_t lengths[N] = {k->t, 1, (k->t + 1) / 2, k->t - 1};
        size_t row = (size_t)(k->t * k->c);
        net all = make(k, N, k->t, w);
        int steps = weft_plan_shape(all.p, all.y).dim[1];
        size_t wide = (size_t)(steps * k->o);
        numbers(x, MOST, 1);
        for (int s = 0; s < N; s++)
            for (size_t j = (size_t)(lengths[s] * k->c); j < row; j++)
                x[(size_t)s * row + j] = NAN;
        run(&all, x, lengths, N, N * row);
        CHECK(!weft_plan_get(all.p, all.y, y, N * wide));
        CHECK(!weft_plan_gradient(all.p, all.x, dx, N * row));
        CHECK(isfinite(weft_plan_scalar(all.p, all.loss)));
        for (int s = 0; s < N; s++) {
            int length = lengths[s], rows = out_length(k, length);
            int32_t whole = length;
            net alone = make(k, 1, length, w);
            run(&alone, x + (size_t)s * row, &whole, 1, (size_t)(length * k->c));
            CHECK(!weft_plan_get(alone.p, alone.y, one, (size_t)(rows * k->o)));
            CHECK(!weft_plan_gradient(alone.p, alone.x, done, (size_t)(length * k->c)));
            CHECK(!memcmp(one, y + (size_t)s * wide, (size_t)(rows * k->o) * 4));
            CHECK(!memcmp(done, dx + (size_t)s * row, (size_t)(length * k->c) * 4));
            for (size_t j = (size_t)(length * k->c); j < row; j++)
                CHECK(dx[(size_t)s * row + j] == 0);
            drop(&alone);
        }
        drop(&all);
    }
}

/* ---- readouts ---- */

/* The value of y over x [2, 4, 2] of lengths 4 and 2, with NaN behind the second. */
static void check_readout(weft_value (*build)(weft_graph *g, weft_value x,
                                              weft_value lengths),
                          float want[4])
{
    const float x[16] = {1, 2, 5, -7, 3, 0, -1, 1, 4, 9, 2, 11, NAN, NAN, NAN, NAN};
    const int32_t lengths[2] = {4, 2};
    float y[4];
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    weft_value v = weft_input(g, "x", WEFT_SHAPE(0, 4, 2));
    weft_value l = weft_input_int(g, "lengths", WEFT_SHAPE(0), 5);
    weft_output(g, build(g, v, l), "y");
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = 2}, &p));
    CHECK(!weft_plan_set(p, v, x, 16) && !weft_plan_set_int(p, l, lengths, 2));
    CHECK(!weft_plan_forward(p) && !weft_plan_get(p, weft_output_at(g, 0), y, 4));
    for (int i = 0; i < 4; i++) CHECK_NEAR(y[i], want[i], 1e-6);
    weft_plan_free(p);
    weft_graph_free(g);
}

static weft_value halves(weft_graph *g, weft_value x, weft_value lengths)
{
    weft_value zero =
        weft_reduce_sum(g, weft_mul(g, x, weft_const(g, "z", WEFT_SHAPE(1), &(float){0})),
                        1, (int[]){2}, false); /* NaN behind the length */
    return weft_attention_pool(g, x, zero, lengths);
}

static void readouts_are_those_of_the_valid_steps(void **state)
{
    (void)state;
    check_readout(weft_seq_max, (float[]){5, 2, 4, 11});
    check_readout(weft_seq_mean, (float[]){2, -1, 3, 10});
    check_readout(weft_seq_last, (float[]){-1, 1, 2, 11});
    check_readout(halves, (float[]){2, -1, 3, 10});
}

static void lengths_of_0_and_beyond_count_as_1_and_all(void **state)
{
    const float x[6] = {1, 2, 3, 4, 5, 6};
    const int32_t lengths[2] = {0, 2000000000};
    float y[2];
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    (void)state;
    weft_value v = weft_input(g, "x", WEFT_SHAPE(0, 3, 1));
    weft_value l = weft_input_int(g, "lengths", WEFT_SHAPE(0), INT32_MAX);
    weft_output(g, weft_seq_mean(g, v, l), "y");
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = 2}, &p));
    CHECK(!weft_plan_set(p, v, x, 6) && !weft_plan_set_int(p, l, lengths, 2));
    CHECK(!weft_plan_forward(p) && !weft_plan_get(p, weft_output_at(g, 0), y, 2));
    CHECK(y[0] == 1 && y[1] == 5);
    weft_plan_free(p);
    weft_graph_free(g);
}

/* ---- pooling ---- */

static void pooling_never_sees_padding(void **state)
{
    /* lengths 5, 2 and 1 of 5; windows of 2: 2 (with ceil 3), 1 and 1 of them */
    const float x[15] = {-1, -2, -5, -4, -3, -7, -6, 9, 9, 9, -8, 9, 9, 9, 9};
    const int32_t lengths[3] = {5, 2, 1};
    (void)state;
    for (int ceil = 0; ceil < 2; ceil++) {
        float y[9], want[2][9] = {{-1, -4, -6, 0, -8, 0}, {-1, -4, -3, -6, 0, 0, -8}};
        weft_graph *g = weft_graph_new();
        weft_plan *p = NULL;
        weft_value v = weft_input(g, "x", WEFT_SHAPE(0, 5, 1)), lengths_out;
        weft_value l = weft_input_int(g, "lengths", WEFT_SHAPE(0), 6);
        weft_pool_opts o = {.kernel = {2}, .ceil = ceil};
        weft_value z = weft_seq_max_pool(g, v, l, &o, &lengths_out);
        weft_output(g, z, "y");
        weft_output(g, weft_seq_mean(g, z, lengths_out), "mean");
        CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = 3}, &p));
        CHECK(!weft_plan_set(p, v, x, 15) && !weft_plan_set_int(p, l, lengths, 3));
        size_t n = ceil ? 9 : 6;
        CHECK(!weft_plan_forward(p) && !weft_plan_get(p, weft_output_at(g, 0), y, n));
        for (size_t i = 0; i < n; i++) CHECK(y[i] == want[ceil][i]);
        CHECK(!weft_plan_get(p, weft_output_at(g, 1), y, 3));
        CHECK(y[1] == -6 && y[2] == -8);
        weft_plan_free(p);
        weft_graph_free(g);
    }
}

/* ---- dropout ---- */

static void spatial_dropout_takes_whole_channels(void **state)
{
    enum { C = 50, T = 7, B = 4 };
    static float x[B * T * C], y[B * T * C];
    int zero = 0;
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    (void)state;
    weft_value v = weft_input(g, "x", WEFT_SHAPE(0, T, C));
    weft_output(g, weft_spatial_dropout(g, v, 0.25), "y");
    for (int i = 0; i < B * T * C; i++) x[i] = 3;
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = B, .training = true}, &p));
    weft_plan_random(p, 5, 1);
    CHECK(!weft_plan_set(p, v, x, B * T * C) && !weft_plan_forward(p));
    CHECK(!weft_plan_get(p, weft_output_at(g, 0), y, B * T * C));
    for (int s = 0; s < B; s++)
        for (int c = 0; c < C; c++) {
            float first = y[s * T * C + c];
            CHECK(first == 0 || first == 4);
            zero += first == 0;
            for (int t = 1; t < T; t++) CHECK(y[(s * T + t) * C + c] == first);
        }
    CHECK(zero > 25 && zero < 80);
    CHECK(memcmp(y, y + T * C, C * sizeof *y)); /* each sample its own */
    weft_plan_free(p);
    weft_graph_free(g);
}

/* ---- messages ---- */

static void misfits_are_told(void **state)
{
    (void)state;
    const struct {
        int lengths; /* how many */
        int channels, groups, pad, kernel;
        const char *message;
    } row[] = {{3, 4, 1, 0, 3, "lengths are [3], must be [2] of integers"},
               {2, 5, 1, 0, 3, "w [6, 5, 3] takes 5 channels, x [2, 7, 4] has 4"},
               {2, 4, 3, 0, 3, "3 groups do not divide 4 channels into 6"},
               {2, 4, 1, -1, 3, "padding is -1, must be at least 0"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        weft_graph *g = weft_graph_new();
        weft_value x = weft_input(g, "x", WEFT_SHAPE(2, 7, 4));
        weft_value w = weft_param(g, "w", WEFT_SHAPE(6, row[i].channels, row[i].kernel));
        weft_value l = weft_input_int(g, "l", WEFT_SHAPE(row[i].lengths), 8);
        weft_conv_opts o = {.groups = row[i].groups, .pad = {row[i].pad}};
        weft_seq_conv(g, x, l, w, WEFT_NONE, &o, NULL);
        CHECK(weft_graph_status(g));
        CHECK_HAS(weft_graph_error(g), row[i].message);
        weft_graph_free(g);
    }
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(2, 7, 4));
    weft_seq_max_pool(g, x, WEFT_NONE, &(weft_pool_opts){.kernel = {2}, .pad = {2}},
                      NULL);
    CHECK(weft_graph_status(g) == WEFT_EUSAGE);
    CHECK_HAS(weft_graph_error(g), "can lie in the padding of 2 and 2 alone");
    weft_graph_free(g);
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(2, 7, 4));
    weft_attention_pool(g, x, weft_input(g, "s", WEFT_SHAPE(2, 6)), WEFT_NONE);
    CHECK_HAS(weft_graph_error(g), "weights [2, 6] do not fit x [2, 7, 4]");
    weft_graph_free(g);
    g = weft_graph_new();
    weft_spatial_dropout(g, weft_input(g, "x", WEFT_SHAPE(2, 7, 4)), 1.5);
    CHECK_HAS(weft_graph_error(g), "p is 1.5, must be 0 to 1");
    weft_graph_free(g);
}

RUN_TESTS(TEST(convolution_sees_what_is_valid_and_zeros),
          TEST(no_neighbour_and_no_padding_is_read),
          TEST(readouts_are_those_of_the_valid_steps),
          TEST(lengths_of_0_and_beyond_count_as_1_and_all),
          TEST(pooling_never_sees_padding), TEST(spatial_dropout_takes_whole_channels),
          TEST(misfits_are_told))
