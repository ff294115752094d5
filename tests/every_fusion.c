/* every_fusion.c: each pattern that the planner fuses gives what its nodes give one by
 * one, and gradients that are the finite differences, whatever the number of threads. */
#include "every_op.h"

#include "graph/plan.h"

#define TOLERANCE 2e-6

/* ---- the patterns, as operators that have a sample alone ---- */

static weft_val conv(weft_graph *g, const char *name, weft_val x, int o, bool bias)
{
    int c = weft_shape_of(g, x).dim[1];
    weft_graph_push(g, name);
    weft_val w = weft_param(g, "w", WEFT_SHAPE(o, c, 3, 3));
    weft_val b = bias ? weft_param(g, "b", WEFT_SHAPE(o)) : WEFT_NONE;
    weft_graph_pop(g);
    return weft_conv(g, x, w, b, &(weft_conv_opts){.pad = {1, 1}});
}

static weft_val picture(weft_graph *g, weft__rng *r, int channels)
{
    int n = weft__rng_between(r, 1, 3), h = weft__rng_between(r, 4, 7);
    return weft_input(g, "x", WEFT_SHAPE(n, channels, h, weft__rng_between(r, 4, 7)));
}

/* convolution, activation, max pool: the activation goes behind the pool */
static weft_val pooled(weft_graph *g, weft__rng *r)
{
    int o = weft__rng_between(r, 1, 20), k = weft__rng_between(r, 2, 3);
    weft_val x = conv(g, "conv", picture(g, r, weft__rng_between(r, 1, 3)), o, true);
    x = weft__rng_below(r, 2) ? weft_relu(g, x) : weft_leaky_relu(g, x, 0.2);
    int stride = weft__rng_between(r, 1, 3), pad = weft__rng_below(r, 2) ? 1 : 0;
    return weft_max_pool(
        g, x,
        &(weft_pool_opts){.kernel = {k, k}, .stride = {stride, 2}, .pad = {pad, 0}});
}

/* the activation's input has a second reader: all must stay as it is */
static weft_val pooled_and_read(weft_graph *g, weft__rng *r)
{
    weft_val x = conv(g, "conv", picture(g, r, 2), 5, false), y = weft_relu(g, x);
    weft_pool_opts half = {.kernel = {2, 2}};
    return weft_add(g, weft_avg_pool(g, x, &half), weft_max_pool(g, y, &half));
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
    c.kept = c.loss;
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
