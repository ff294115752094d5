/* What the table cannot say of batch norm: which statistics count, and that they
 * move. */
#include "test.h"

#include "weft/ops.h"
#include "weft/plan.h"

enum { N = 64, C = 2 };

typedef struct norm {
    weft_graph *g;
    weft_plan *p;
    weft_value x, y, mean, var;
} norm;

/* Channel 0 about 0, channel 1 about `middle`, both with deviation 1 or so. */
static void fill(float *x, double middle)
{
    for (int i = 0; i < N; i++) {
        double wave = 1.4 * sin(0.7 * i);
        x[i * C] = (float)wave;
        x[i * C + 1] = (float)(middle + wave);
    }
}

static norm make(const weft_batch_norm_opts *o, bool training, const float *x)
{
    const float one[C] = {1, 1}, half[C] = {0.5f, 0.5f};
    norm n = {.g = weft_graph_new()};
    n.x = weft_input(n.g, "x", WEFT_SHAPE(0, C));
    weft_value gamma = weft_param(n.g, "gamma", WEFT_SHAPE(C));
    weft_value beta = weft_param(n.g, "beta", WEFT_SHAPE(C));
    n.mean = weft_buffer(n.g, "mean", WEFT_SHAPE(C));
    n.var = weft_buffer(n.g, "var", WEFT_SHAPE(C));
    n.y = weft_batch_norm(n.g, n.x, gamma, beta, n.mean, n.var, o);
    weft_output(n.g, n.y, "y");
    CHECK(!weft_plan_new(n.g, &(weft_plan_opts){.batch = N, .training = training}, &n.p));
    CHECK(!weft_param_set(n.g, gamma, one, C));
    CHECK(!weft_param_set(n.g, n.mean, half, C));
    CHECK(!weft_param_set(n.g, n.var, one, C));
    CHECK(!weft_plan_set(n.p, n.x, x, N * C));
    CHECK(!weft_plan_forward(n.p));
    return n;
}

static void done(norm *n)
{
    weft_plan_free(n->p);
    weft_graph_free(n->g);
}

static void running_statistics_move_while_training_only(void **state)
{
    float x[N * C], y[N * C], mean[C], var[C];
    double sum = 0, square = 0;
    (void)state;
    fill(x, 3);
    for (int i = 0; i < N; i++) sum += x[i * C] / N;
    for (int i = 0; i < N; i++) square += (x[i * C] - sum) * (x[i * C] - sum);
    norm n = make(&(weft_batch_norm_opts){.momentum = 0.25}, true, x);
    CHECK(!weft_param_get(n.g, n.mean, mean, C) && !weft_param_get(n.g, n.var, var, C));
    CHECK_NEAR(mean[0], 0.75 * 0.5 + 0.25 * sum, 1e-6);
    CHECK_NEAR(var[0], 0.75 + 0.25 * square / (N - 1), 1e-5);
    done(&n);

    for (int fixed = 0; fixed < 2; fixed++) {
        n = make(&(weft_batch_norm_opts){.fixed = fixed}, fixed, x);
        CHECK(!weft_param_get(n.g, n.mean, mean, C) &&
              !weft_param_get(n.g, n.var, var, C));
        CHECK(mean[0] == 0.5f && var[0] == 1.0f);
        CHECK(!weft_plan_get(n.p, n.y, y, N * C));
        CHECK_NEAR(y[2], (x[2] - 0.5) / sqrt(1 + 1e-5), 1e-6);
        done(&n);
    }
}

static void a_mean_of_a_million_leaves_the_digits_of_the_rest(void **state)
{
    float x[N * C], y[N * C];
    double mean = 0, var = 0;
    (void)state;
    fill(x, 1e6);
    for (int i = 0; i < N; i++) mean += (double)x[i * C + 1] / N;
    for (int i = 0; i < N; i++) var += pow(x[i * C + 1] - mean, 2) / N;
    norm n = make(NULL, true, x);
    CHECK(!weft_plan_get(n.p, n.y, y, N * C));
    for (int i = 0; i < N; i++)
        CHECK_NEAR(y[i * C + 1], (x[i * C + 1] - mean) / sqrt(var + 1e-5), 2e-6);
    done(&n);
}

static void a_batch_of_one_row_gives_beta(void **state)
{
    const float x[C] = {5, -7}, one[C] = {1, 1}, beta[C] = {0.5f, 2};
    float y[C], var[C];
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value in = weft_input(g, "x", WEFT_SHAPE(0, C)),
               b = weft_param(g, "b", WEFT_SHAPE(C));
    weft_value a = weft_param(g, "a", WEFT_SHAPE(C)),
               v = weft_buffer(g, "v", WEFT_SHAPE(C));
    weft_value out =
        weft_batch_norm(g, in, a, b, weft_buffer(g, "m", WEFT_SHAPE(C)), v, NULL);
    weft_plan *p = NULL;
    weft_output(g, out, "y");
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.training = true}, &p));
    CHECK(!weft_param_set(g, a, one, C) && !weft_param_set(g, b, beta, C));
    CHECK(!weft_param_set(g, v, one, C));
    CHECK(!weft_plan_set(p, in, x, C) && !weft_plan_forward(p));
    CHECK(!weft_plan_get(p, out, y, C) && !weft_param_get(g, v, var, C));
    CHECK(y[0] == 0.5f && y[1] == 2.0f);
    CHECK_NEAR(var[0], 0.9, 1e-6);
    weft_plan_free(p);
    weft_graph_free(g);
}

static void options_and_shapes_are_checked(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const message[] = {
            "batch_norm.1: eps is -1, must be above 0",
            "batch_norm.1: momentum is 2, must be 0 to 1",
            "batch_norm.1: var is [3], x [1, 2] has 2 channels",
        };
        weft_batch_norm_opts o = {.eps = i == 0 ? -1 : 0, .momentum = i == 1 ? 2 : 0};
        weft_graph *g = weft_graph_new();
        weft_value c = weft_param(g, "c", WEFT_SHAPE(C)),
                   m = weft_buffer(g, "m", WEFT_SHAPE(C));
        weft_value v = weft_buffer(g, "v", WEFT_SHAPE(i == 2 ? 3 : C));
        weft_batch_norm(g, weft_input(g, "x", WEFT_SHAPE(0, C)), c, c, m, v, &o);
        CHECK_TEXT(weft_graph_error(g), message[i]);
        weft_graph_free(g);
    }
}

RUN_TESTS(TEST(running_statistics_move_while_training_only),
          TEST(a_mean_of_a_million_leaves_the_digits_of_the_rest),
          TEST(a_batch_of_one_row_gives_beta), TEST(options_and_shapes_are_checked))
