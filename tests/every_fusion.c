/* every_fusion.c: each pattern that the planner fuses gives what its nodes give one
 * by one, and gradients that are the finite differences, whatever the number of
 * threads. */
#include "every_op.h"

#include "plan/plan.h"

/* Sums of some hundred terms, in another order. */
#define TOLERANCE 1e-5

/* ---- the patterns, as operators that have a sample alone ---- */

static weft_value conv(weft_graph *g, const char *name, weft_value x, int o, bool bias)
{
    int c = weft_shape_of(g, x).dim[1];
    weft_graph_push(g, name);
    weft_value w = weft_param(g, "w", WEFT_SHAPE(o, c, 3, 3));
    weft_value b = bias ? weft_param(g, "b", WEFT_SHAPE(o)) : WEFT_NONE;
    weft_graph_pop(g);
    weft__sample_range(g, w, -0.3, 0.3);
    return weft_conv(g, x, w, b, &(weft_conv_opts){.pad = {1, 1}});
}

static weft_value picture(weft_graph *g, weft__rng *r, int channels)
{
    int n = weft__rng_between(r, 1, 3), h = weft__rng_between(r, 4, 7);
    return weft_input(g, "x", WEFT_SHAPE(n, channels, h, weft__rng_between(r, 4, 7)));
}

/* convolution, activation, max pool: the activation goes behind the pool */
static weft_value pooled(weft_graph *g, weft__rng *r)
{
    int o = weft__rng_between(r, 1, 20), k = weft__rng_between(r, 2, 3);
    weft_value x = conv(g, "conv", picture(g, r, weft__rng_between(r, 1, 3)), o, true);
    x = weft__rng_below(r, 2) ? weft_relu(g, x) : weft_leaky_relu(g, x, 0.2);
    int stride = weft__rng_between(r, 1, 3), pad = weft__rng_below(r, 2) ? 1 : 0;
    return weft_max_pool(
        g, x,
        &(weft_pool_opts){.kernel = {k, k}, .stride = {stride, 2}, .pad = {pad, 0}});
}

/* activations that fall before they rise: the largest of a window is not that of its
 * largest, and they need their input for the way back */
static weft_value falling(weft_graph *g, weft__rng *r)
{
    int o = weft__rng_between(r, 1, 20);
    weft_value x = conv(g, "conv", picture(g, r, 2), o, true);
    x = weft__rng_below(r, 2) ? weft_gelu(g, x) : weft_silu(g, x);
    return weft_max_pool(g, x, &(weft_pool_opts){.kernel = {2, 2}});
}

/* the activation's input has a second reader: all must stay as it is */
static weft_value pooled_and_read(weft_graph *g, weft__rng *r)
{
    weft_value x = conv(g, "conv", picture(g, r, 2), 5, false), y = weft_relu(g, x);
    weft_pool_opts half = {.kernel = {2, 2}};
    return weft_add(g, weft_avg_pool(g, x, &half), weft_max_pool(g, y, &half));
}

static weft_value norm(weft_graph *g, const char *name, weft_value x, bool fixed)
{
    int c = weft_shape_of(g, x).dim[1];
    weft_graph_push(g, name);
    weft_value gamma = weft_param(g, "gamma", WEFT_SHAPE(c)),
               beta = weft_param(g, "beta", WEFT_SHAPE(c)),
               mean = weft_buffer(g, "mean", WEFT_SHAPE(c)),
               var = weft_buffer(g, "var", WEFT_SHAPE(c));
    weft_graph_pop(g);
    weft__sample_range(g, var, 0.5, 2);
    return weft_batch_norm(g, x, gamma, beta, mean, var,
                           &(weft_batch_norm_opts){.fixed = fixed});
}

static weft_value normalised(weft_graph *g, weft__rng *r)
{
    weft_value x = picture(g, r, weft__rng_between(r, 1, 20));
    x = norm(g, "norm", x, weft__rng_below(r, 3) == 0);
    return weft__rng_below(r, 3) ? weft_relu(g, x) : weft_tanh(g, x);
}

/* means beside which the deviation is small */
static weft_value far_off(weft_graph *g, weft__rng *r)
{
    const float far = 4096;
    weft_value x = picture(g, r, weft__rng_between(r, 1, 20));
    x = weft_add(g, x, weft_const(g, "far", WEFT_SHAPE(1), &far));
    return weft_relu(g, norm(g, "norm", x, false));
}

/* the end of a residual network's block. kind 0: its input itself is added, 1:
 * through a convolution and a batch norm, 2: with no relu behind the sum */
static weft_value block(weft_graph *g, weft__rng *r, int kind)
{
    int c = weft__rng_between(r, 1, 20);
    bool fixed = weft__rng_below(r, 4) == 0, first = weft__rng_below(r, 2);
    weft_value x = conv(g, "stem", picture(g, r, 2), kind == 1 ? 3 : c, true);
    weft_value y = norm(g, "norm2", conv(g, "conv2", x, c, false), fixed);
    if (kind == 1) x = norm(g, "norm3", conv(g, "shortcut", x, c, false), fixed);
    y = first ? weft_add(g, x, y) : weft_add(g, y, x);
    return kind == 2 ? y : weft_relu(g, y);
}

static weft_value identity_block(weft_graph *g, weft__rng *r)
{
    return block(g, r, 0);
}
static weft_value projection_block(weft_graph *g, weft__rng *r)
{
    return block(g, r, 1);
}
static weft_value linear_block(weft_graph *g, weft__rng *r)
{
    return block(g, r, 2);
}

/* without batch norms: the convolution adds, and its data gradients are added up */
static weft_value conv_sum(weft_graph *g, weft__rng *r)
{
    weft_value x = conv(g, "stem", picture(g, r, 2), weft__rng_between(r, 1, 7), true);
    int c = weft_shape_of(g, x).dim[1];
    weft_value y = conv(g, "left", x, c, true), z = conv(g, "right", x, c, false);
    y = weft_add(g, weft__rng_below(r, 2) ? x : z, y);
    if (weft__node_of(g, y)->in[0] == x.id) y = weft_add(g, y, z);
    return weft__rng_below(r, 2) ? weft_tanh(g, y) : weft_relu(g, y);
}

/* of a size where other ways to convolve may be chosen */
static weft_value wide_block(weft_graph *g, weft__rng *r)
{
    weft_value x = weft_input(g, "x", WEFT_SHAPE(1, 2, 9, 8));
    x = conv(g, "stem", x, 32, true);
    weft_value y = norm(g, "norm2", conv(g, "conv2", x, 32, false), false);
    return weft_relu(g, weft__rng_below(r, 2) ? weft_add(g, x, y) : weft_add(g, y, x));
}

/* a sum that broadcasts, and one of a value with itself, stay sums */
static weft_value other_sums(weft_graph *g, weft__rng *r)
{
    weft_value x = picture(g, r, 3), b = weft_param(g, "b", WEFT_SHAPE(1, 3, 1, 1));
    weft_value y = norm(g, "norm", x, false), z = norm(g, "other", x, false);
    return weft_add(g, weft_add(g, y, b), weft_add(g, z, z));
}

typedef struct pattern {
    weft_op op;
    int training, inference; /* steps of a plan for the pattern alone */
} pattern;

static const pattern patterns[] = {
    {{.name = "conv, activation, max_pool", .sample = pooled}, 2, 2},
    {{.name = "conv, activation, max_pool and avg_pool", .sample = pooled_and_read},
     5,
     5},
    {{.name = "conv, an activation that falls, max_pool", .sample = falling}, 3, 2},
    {{.name = "batch_norm, activation", .sample = normalised}, 1, 1},
    {{.name = "batch_norm far from zero, relu", .sample = far_off}, 3, 3},
    {{.name = "residual block", .sample = identity_block}, 3, 2},
    {{.name = "residual block with a projection", .sample = projection_block}, 5, 3},
    {{.name = "residual block without a relu", .sample = linear_block}, 3, 2},
    {{.name = "sum of convolutions", .sample = conv_sum}, 3, 3},
    {{.name = "wide residual block", .sample = wide_block}, 3, 2},
    {{.name = "other sums", .sample = other_sums}, 5, 5},
};

enum { PATTERNS = sizeof patterns / sizeof *patterns };

/* ---- the claims ---- */

static bool fits(const every_case *c, every_result *a, every_result *b, const char *what)
{
    const char *where;
    double apart = every_difference(a, b, &where);
    every_free(b);
    if (apart <= TOLERANCE) return true;
    print_error("%s, case %d: %s: %s is off by %g\n", c->op->name, c->number, what, where,
                apart);
    return false;
}

static bool trained_alike(const weft_op *op, int number)
{
    every_case c = every_make(op, number, false, true);
    weft_plan_opts o = {
        .loss = c.loss, .training = number % 4 != 0, .input_gradients = true};
    every_result fused = every_run(&c, o), other;
    o.no_fuse = true;
    other = every_run(&c, o);
    bool good = fits(&c, &fused, &other, "trained step by step");
    o.keep_all = true;
    other = every_run(&c, o);
    good = fits(&c, &fused, &other, "trained with everything kept") && good;
    every_free(&fused);
    weft_graph_free(c.g);
    return good;
}

static bool predicted_alike(const weft_op *op, int number)
{
    every_case c = every_make(op, number, false, false);
    every_result plain = every_run(&c, (weft_plan_opts){.no_fuse = true}), other;
    other = every_run(&c, (weft_plan_opts){0});
    bool good = fits(&c, &plain, &other, "predicted by a fused plan");
    weft_graph_free(c.g);
    every_free(&plain);
    return good;
}

static every_case in_double(const weft_op *op, int number)
{
    return every_make(op, number, true, true);
}

static bool gradients_fit(const weft_op *op, int number)
{
    if (op->sample == wide_block && number % 10) return true; /* slow */
    return every_gradients_fit(op, number, in_double);
}

static bool threads_alike(const weft_op *op, int number)
{
    every_result r[2];
    const char *where;
    for (int i = 0; i < 2; i++) {
        CHECK(weft_set_threads(i ? 3 : 1) == WEFT_OK);
        every_case c = every_make(op, number, false, true);
        r[i] = every_run(
            &c,
            (weft_plan_opts){.loss = c.loss, .training = true, .input_gradients = true});
        weft_graph_free(c.g);
    }
    CHECK(weft_set_threads(0) == WEFT_OK);
    bool same = every_same_bits(&r[0], &r[1], &where);
    if (!same) print_error("%s, case %d: %s with 3 threads\n", op->name, number, where);
    every_free(&r[0]);
    every_free(&r[1]);
    return same;
}

static void every_pattern(const char *claim, bool (*one)(const weft_op *op, int number))
{
    const char *only = getenv("WEFT_TEST_OP");
    int failed = 0;
    for (int i = 0; i < PATTERNS; i++)
        for (int k = 0, wrong = 0; k < every_cases() && wrong < 5; k++) {
            if (only && strcmp(only, patterns[i].op.name)) continue;
            bool good = one(&patterns[i].op, k);
            wrong += !good;
            failed += !good;
        }
    print_message("%s: %d patterns x %d cases\n", claim, PATTERNS, every_cases());
    CHECK(failed == 0);
}

static void training_gives_what_the_nodes_give(void **state)
{
    (void)state;
    every_pattern("training", trained_alike);
}

static void prediction_gives_what_the_nodes_give(void **state)
{
    (void)state;
    every_pattern("prediction", predicted_alike);
}

static void gradients_are_the_finite_differences(void **state)
{
    (void)state;
    every_pattern("finite differences", gradients_fit);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    every_pattern("threads", threads_alike);
}

static int steps_of(const pattern *t, bool training)
{
    every_case c = every_make(&t->op, 1, false, true);
    weft_plan *p = NULL;
    weft_plan_opts o = {.loss = training ? c.loss : WEFT_NONE,
                        .training = training,
                        .keep = &c.out,
                        .keep_count = 1};
    CHECK(weft_plan_new(c.g, &o, &p) == WEFT_OK);
    int steps = p->steps - (training ? 2 : 0); /* the loss: mul, sum */
    weft_plan_free(p);
    weft_graph_free(c.g);
    return steps;
}

static void each_pattern_is_fused_to_so_many_steps(void **state)
{
    (void)state;
    for (int i = 0; i < PATTERNS; i++) {
        const pattern *t = &patterns[i];
        int training = steps_of(t, true), inference = steps_of(t, false);
        if (training != t->training || inference != t->inference)
            print_error("%s: %d steps when training, %d for prediction\n", t->op.name,
                        training, inference);
        CHECK(training == t->training && inference == t->inference);
    }
}

RUN_TESTS(TEST(each_pattern_is_fused_to_so_many_steps),
          TEST(training_gives_what_the_nodes_give),
          TEST(prediction_gives_what_the_nodes_give),
          TEST(gradients_are_the_finite_differences), TEST(threads_do_not_change_a_bit))
