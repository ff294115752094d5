/* large.c: operators on tensors that are worth several threads and several partial
 * sums: the same bits for any number of threads, and what the same graph gives in
 * double precision. */
/* labels: threads */
#include "every_op.h"

/* float32 against double: sums of up to 100000 terms, in blocks. */
#define TOLERANCE 2e-5

typedef weft_value build_fn(weft_graph *g);

static weft_value x4(weft_graph *g)
{
    return weft_input(g, "x", WEFT_SHAPE(3, 17, 41, 43));
}
/* Stored channels-last. */
static weft_value last4(weft_graph *g)
{
    return weft_avg_pool(g, x4(g), &(weft_pool_opts){.kernel = {1, 1}});
}
static weft_value plain4(weft_graph *g)
{
    return weft_neg(g, x4(g));
}

static weft_value relu(weft_graph *g)
{
    return weft_relu(g, x4(g));
}
static weft_value gelu(weft_graph *g)
{
    return weft_gelu(g, last4(g));
}
static weft_value softplus(weft_graph *g)
{
    return weft_softplus(g, last4(g), 2);
}
static weft_value dropout(weft_graph *g)
{
    return weft_dropout(g, last4(g), 0.4);
}
static weft_value prelu(weft_graph *g)
{
    return weft_prelu(g, last4(g), weft_param(g, "slope", WEFT_SHAPE(17)));
}
static weft_value prelu_plain(weft_graph *g)
{
    return weft_prelu(g, plain4(g), weft_param(g, "slope", WEFT_SHAPE(17)));
}

static weft_value add_same(weft_graph *g)
{
    return weft_add(g, last4(g), weft_param(g, "b", WEFT_SHAPE(3, 17, 41, 43)));
}
static weft_value add_channels(weft_graph *g)
{
    return weft_add(g, last4(g), weft_param(g, "b", WEFT_SHAPE(17, 1, 1)));
}
static weft_value mul_gate(weft_graph *g)
{
    return weft_mul(g, last4(g), weft_param(g, "b", WEFT_SHAPE(3, 17, 1, 1)));
}
static weft_value sub_scalar(weft_graph *g)
{
    return weft_sub(g, last4(g), weft_param(g, "b", WEFT_SHAPE(1)));
}
static weft_value mul_columns(weft_graph *g)
{
    return weft_mul(g, last4(g), weft_param(g, "b", WEFT_SHAPE(43)));
}
static weft_value div_lower(weft_graph *g)
{
    weft_value b = weft_param(g, "b", WEFT_SHAPE(17, 41, 43));
    weft__sample_range(g, b, 0.5, 2);
    return weft_div(g, last4(g), b);
}
static weft_value outer_sum(weft_graph *g)
{
    return weft_add(g, weft_param(g, "a", WEFT_SHAPE(301, 1)),
                    weft_param(g, "b", WEFT_SHAPE(1, 307)));
}

static weft_value mean_all(weft_graph *g)
{
    return weft_reduce_mean(g, last4(g), 0, NULL, true);
}
static weft_value mean_space(weft_graph *g)
{
    return weft_reduce_mean(g, last4(g), 2, (const int[]){2, 3}, false);
}
static weft_value sum_channels(weft_graph *g)
{
    return weft_reduce_sum(g, last4(g), 1, (const int[]){1}, false);
}
static weft_value sum_batch_and_rows(weft_graph *g)
{
    return weft_reduce_sum(g, last4(g), 2, (const int[]){0, 2}, false);
}
static weft_value sum_plain(weft_graph *g)
{
    return weft_reduce_sum(g, plain4(g), 3, (const int[]){0, 2, 3}, true);
}
static weft_value max_space(weft_graph *g)
{
    return weft_reduce_max(g, last4(g), 2, (const int[]){-1, -2}, false);
}

static weft_value softmax_channels(weft_graph *g)
{
    return weft_softmax(g, last4(g), 1);
}
static weft_value softmax_plain(weft_graph *g)
{
    return weft_softmax(g, plain4(g), 1);
}
static weft_value log_softmax_rows(weft_graph *g)
{
    return weft_log_softmax(g, last4(g), 2);
}

static weft_value concat(weft_graph *g)
{
    weft_value y = weft_input(g, "y", WEFT_SHAPE(3, 5, 41, 43));
    return weft_concat(g, (weft_value[]){last4(g), y}, 2, 1);
}
static weft_value split(weft_graph *g)
{
    weft_value part[2];
    weft_split(g, last4(g), 2, 2, (const int[]){20, 21}, part);
    return weft_concat(g, (weft_value[]){part[1], part[0]}, 2, 2);
}
static weft_value slice(weft_graph *g)
{
    const weft_slice_range range[] = {{.axis = 1, .start = 1, .end = 15, .step = 2},
                                      {.axis = 3, .start = -1, .end = -50, .step = -1}};
    return weft_slice(g, last4(g), 2, range);
}
static weft_value pad(weft_graph *g)
{
    return weft_pad(g, last4(g),
                    &(weft_pad_opts){.before = {0, 1, 3, 2},
                                     .after = {0, 0, 2, 5},
                                     .kind = WEFT_PAD_REFLECT});
}
static weft_value transpose(weft_graph *g)
{
    return weft_transpose(g, plain4(g), (const int[]){2, 0, 3, 1});
}
static weft_value to_matrix(weft_graph *g)
{
    return weft_flatten(g, last4(g), 1);
}

static weft_value mse(weft_graph *g)
{
    return weft_mse(g, last4(g), weft_param(g, "t", WEFT_SHAPE(3, 17, 41, 43)),
                    WEFT_MEAN);
}
static weft_value bce(weft_graph *g)
{
    weft_value t = weft_param(g, "t", WEFT_SHAPE(3, 17, 41, 43));
    weft_value pos = weft_param(g, "pos", WEFT_SHAPE(17, 1, 1));
    weft__sample_range(g, t, 0, 1);
    weft__sample_range(g, pos, 0.5, 2);
    return weft_bce_with_logits(g, last4(g), t, WEFT_NONE, pos, WEFT_SUM);
}
static weft_value cross_entropy(weft_graph *g)
{
    weft_value t = weft_input_int(g, "t", WEFT_SHAPE(3, 41, 43), 17);
    weft_cross_entropy_opts o = {.smoothing = 0.1, .ignores = true, .ignore = 3};
    weft_value weight = weft_param(g, "weight", WEFT_SHAPE(17));
    weft__sample_range(g, weight, 0.5, 2);
    return weft_cross_entropy(g, last4(g), t, weight, &o, NULL);
}

static const struct {
    const char *name;
    build_fn *build;
} table[] = {
#define ROW(name) \
    { \
#name, name \
    }
    ROW(relu),          ROW(gelu),
    ROW(softplus),      ROW(dropout),
    ROW(prelu),         ROW(prelu_plain),
    ROW(add_same),      ROW(add_channels),
    ROW(mul_gate),      ROW(sub_scalar),
    ROW(mul_columns),   ROW(div_lower),
    ROW(outer_sum),     ROW(mean_all),
    ROW(mean_space),    ROW(sum_channels),
    ROW(sum_plain),     ROW(sum_batch_and_rows),
    ROW(max_space),     ROW(softmax_channels),
    ROW(softmax_plain), ROW(log_softmax_rows),
    ROW(concat),        ROW(split),
    ROW(slice),         ROW(pad),
    ROW(transpose),     ROW(to_matrix),
    ROW(mse),           ROW(bce),
    ROW(cross_entropy),
#undef ROW
};
#define ROWS (sizeof table / sizeof *table)

static every_case make(size_t i, bool f64)
{
    every_case c = {.op = weft__op_find("identity")->f32, /* for messages */
                    .key = every_key(table[i].name)};
    c.g = weft_graph_new();
    CHECK(c.g != NULL);
    if (f64) weft_graph_use_double(c.g);
    c.out = table[i].build(c.g);
    c.loss = weft_shape_of(c.g, c.out).rank == 0 ? c.out : every_weighted_sum(c.g, c.out);
    if (weft_graph_status(c.g)) print_error("%s: %s\n", table[i].name, weft_last_error());
    CHECK(weft_graph_status(c.g) == WEFT_OK);
    return c;
}

static every_result run(size_t i, bool f64, int threads)
{
    every_case c = make(i, f64);
    CHECK(weft_set_threads(threads) == WEFT_OK);
    every_result r = every_run(
        &c, (weft_plan_opts){.loss = c.loss, .training = true, .input_gradients = true});
    weft_graph_free(c.g);
    return r;
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static const int threads[] = {2, 3, 7};
    const char *where;
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        every_result one = run(i, false, 1);
        for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
            every_result many = run(i, false, threads[k]);
            bool same = every_same_bits(&one, &many, &where);
            if (!same)
                print_error("%s: %s differs with %d threads\n", table[i].name, where,
                            threads[k]);
            CHECK(same);
            every_free(&many);
        }
        every_free(&one);
    }
    CHECK(weft_set_threads(0) == WEFT_OK);
}

static void float_gives_what_double_gives(void **state)
{
    const char *where;
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        every_result single = run(i, false, 2), exact = run(i, true, 2);
        double apart = every_difference(&exact, &single, &where);
        if (!(apart <= TOLERANCE))
            print_error("%s: %s is off by %g\n", table[i].name, where, apart);
        CHECK(apart <= TOLERANCE);
        every_free(&single);
        every_free(&exact);
    }
    CHECK(weft_set_threads(0) == WEFT_OK);
}

RUN_TESTS(TEST(any_number_of_threads_gives_the_same_bits),
          TEST(float_gives_what_double_gives))
