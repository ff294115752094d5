/* graph.c: building graphs, names, shapes, failures. */
#include "test.h"

#include "weft/weft.h"

static void first_failure_is_kept_and_later_calls_do_nothing(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3));
    weft_value bad = weft_dense(g, x, weft_param(g, "w", WEFT_SHAPE(5, 4)), WEFT_NONE);
    CHECK(bad.id == 0 && weft_graph_status(g) == WEFT_ESHAPE);
    char first[512];
    snprintf(first, sizeof first, "%s", weft_graph_error(g));
    CHECK(weft_relu(g, bad).id == 0);
    CHECK(weft_add(g, bad, x).id == 0);
    CHECK_TEXT(weft_graph_error(g), first);
    CHECK_HAS(first, "dense.1");
    weft_plan *p = NULL;
    CHECK(weft_plan_new(g, NULL, &p) == WEFT_ESHAPE && !p);
    CHECK_TEXT(weft_last_error(), first);
    weft_graph_free(g);
}

static void shapes_say_where_the_batch_is(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3, 8, 6));
    weft_value c =
        weft_layer_conv(g, "conv", x, 5, &(weft_layer_conv_opts){.kernel = {3}});
    weft_shape s = weft_shape_of(g, c);
    CHECK(s.rank == 4 && s.dim[0] == 0 && s.dim[1] == 5 && s.dim[2] == 6 &&
          s.dim[3] == 4);
    s = weft_shape_of(g, weft_flatten(g, c, 1));
    CHECK(s.rank == 2 && s.dim[0] == 0 && s.dim[1] == 120);
    s = weft_shape_of(g, weft_reduce_sum(g, c, 0, NULL, false));
    CHECK(s.rank == 0);
    CHECK(weft_graph_status(g) == WEFT_OK);
    weft_graph_free(g);
}

static void names_nest_and_can_hold_dots(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 4));
    weft_graph_push(g, "stage1.block2");
    weft_layer_dense(g, "fc", x, 3, NULL);
    weft_graph_push(g, "inner");
    weft_layer_dense(g, "fc", x, 3, NULL);
    weft_graph_pop(g);
    weft_graph_pop(g);
    weft_layer_dense(g, "fc", x, 3, NULL);
    CHECK(weft_graph_status(g) == WEFT_OK);
    CHECK(weft_find(g, "stage1.block2.fc.weight").id);
    CHECK(weft_find(g, "stage1.block2.inner.fc.bias").id);
    CHECK(weft_find(g, "fc.weight").id);
    weft_graph_free(g);
}

static void two_parameters_of_one_name_are_refused(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_param(g, "w", WEFT_SHAPE(2));
    weft_param(g, "w", WEFT_SHAPE(3));
    CHECK(weft_graph_status(g) == WEFT_EUSAGE);
    CHECK_HAS(weft_graph_error(g), "w: there is a value of that name");
    weft_graph_free(g);
}

static void shapes_of_nonsense_are_refused(void **state)
{
    (void)state;
    const weft_shape bad[] = {WEFT_SHAPE(0, 0),
                              WEFT_SHAPE(3, -1),
                              WEFT_SHAPE(1 << 30, 1 << 30),
                              {.rank = 9},
                              {.rank = -1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        weft_graph *g = weft_graph_new();
        weft_input(g, "x", bad[i]);
        CHECK(weft_graph_status(g) == WEFT_ESHAPE || weft_graph_status(g) == WEFT_ENOMEM);
        weft_graph_free(g);
    }
}

static void parameters_come_trained_ones_first(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 4));
    x = weft_layer_batch_norm(g, "bn", weft_layer_dense(g, "a", x, 3, NULL), NULL);
    weft_layer_dense(g, "b", x, 2, NULL);
    weft_param_freeze(g, weft_find(g, "a.weight"));
    static const char *const order[] = {"a.bias",          "bn.weight",     "bn.bias",
                                        "b.weight",        "b.bias",        "a.weight",
                                        "bn.running_mean", "bn.running_var"};
    CHECK(weft_param_count(g) == 8);
    for (int twice = 0; twice < 2; twice++) {
        for (int i = 0; i < 8; i++) {
            CHECK_TEXT(weft_param_at(g, i).name, order[i]);
            CHECK(weft_param_at(g, i).trainable == (i < 5));
        }
        CHECK(weft_param_at(g, 3).decay && !weft_param_at(g, 4).decay);
        CHECK(weft_params_init(g, 1) == WEFT_OK); /* settles: the numbers stay */
    }
    weft_param(g, "late", WEFT_SHAPE(2));
    CHECK(weft_graph_status(g) == WEFT_EUSAGE);
    weft_graph_free(g);
}

static void parameters_go_in_and_out_in_logical_order(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 5, 5));
    weft_output(g, weft_layer_conv(g, "c", x, 3, &(weft_layer_conv_opts){.kernel = {3}}),
                "y");
    weft_value w = weft_find(g, "c.weight");
    float in[54], out[54];
    for (int i = 0; i < 54; i++) in[i] = (float)i;
    CHECK(weft_param_set(g, w, in, 54) == WEFT_OK);
    CHECK(weft_param_get(g, w, out, 54) == WEFT_OK);
    CHECK(!memcmp(in, out, sizeof in));
    CHECK(weft_param_set(g, w, in, 53) == WEFT_ESHAPE);
    CHECK(weft_param_set(g, x, in, 54) == WEFT_EUSAGE);
    weft_graph_free(g);
}

static void the_hash_follows_the_values(void **state)
{
    (void)state;
    char a[65], b[65], c[65];
    weft_graph *g = weft_graph_new();
    weft_layer_dense(g, "fc", weft_input(g, "x", WEFT_SHAPE(0, 4)), 3, NULL);
    CHECK(!weft_params_init(g, 1) && !weft_params_sha256(g, a));
    CHECK(!weft_params_init(g, 2) && !weft_params_sha256(g, b));
    CHECK(!weft_params_init(g, 1) && !weft_params_sha256(g, c));
    CHECK(strcmp(a, b));
    CHECK_TEXT(a, c);
    weft_graph_free(g);
}

static void the_table_counts_every_parameter_once(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value y;
    CHECK(weft_zoo_build(g, "lenet5", NULL, &y) == WEFT_OK);
    char *table = weft_graph_table(g, 64);
    CHECK_HAS(table, "Total params: 61,706");
    CHECK_HAS(table, "[64, 120, 1, 1]");
    free(table);
    char *dot = weft_graph_dot(g);
    CHECK_HAS(dot, "digraph weft");
    free(dot);
    weft_graph_free(g);
}

RUN_TESTS(TEST(first_failure_is_kept_and_later_calls_do_nothing),
          TEST(shapes_say_where_the_batch_is), TEST(names_nest_and_can_hold_dots),
          TEST(two_parameters_of_one_name_are_refused),
          TEST(shapes_of_nonsense_are_refused), TEST(parameters_come_trained_ones_first),
          TEST(parameters_go_in_and_out_in_logical_order),
          TEST(the_hash_follows_the_values), TEST(the_table_counts_every_parameter_once))
