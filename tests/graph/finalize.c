/* finalize.c: when a graph takes no more parameters, and what is then refused. */
#include "test.h"

#include "base/checked.h"
#include "graph/graph.h"
#include "weft/weft.h"

static weft_graph *dense_graph(void)
{
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 4));
    weft_output(g, weft_layer_dense(g, "fc", x, 3, NULL), "y");
    CHECK(weft_graph_status(g) == WEFT_OK);
    return g;
}

static weft_status by_init(weft_graph *g)
{
    return weft_params_init(g, 1);
}

static weft_status by_set(weft_graph *g)
{
    const float bias[3] = {1, 2, 3};
    return weft_param_set(g, weft_find(g, "fc.bias"), bias, 3);
}

static weft_status by_plan(weft_graph *g)
{
    weft_plan *p = NULL;
    weft_status s = weft_plan_new(g, NULL, &p);
    weft_plan_free(p);
    return s;
}

static weft_status by_optimizer(weft_graph *g)
{
    weft_optimizer *o = NULL;
    weft_optimizer_opts sgd = weft_optimizer_defaults("sgd");
    weft_status s = weft_optimizer_new(g, &sgd, &o);
    weft_optimizer_free(o);
    return s;
}

static void late_calls_name_the_parameter_and_who_finalized(void **state)
{
    static const struct {
        const char *name;
        weft_status (*call)(weft_graph *g);
    } by[] = {{"weft_graph_finalize", weft_graph_finalize},
              {"weft_params_init", by_init},
              {"weft_param_set", by_set},
              {"weft_plan_new", by_plan},
              {"weft_optimizer_new", by_optimizer}};
    (void)state;
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        char text[200];
        weft_graph *g = dense_graph();
        weft_value w = weft_find(g, "fc.weight");
        CHECK(by[i].call(g) == WEFT_OK);
        CHECK(weft_param_freeze(g, w) == WEFT_EUSAGE);
        snprintf(text, sizeof text,
                 "freeze: too late for fc.weight, %s has finalized the graph",
                 by[i].name);
        CHECK_TEXT(weft_last_error(), text);
        CHECK(weft_param_no_decay(g, w) == WEFT_EUSAGE);
        CHECK_HAS(weft_last_error(), "no decay: too late for fc.weight");
        CHECK(weft_param_at(g, 0).trainable && weft_param_at(g, 0).decay);
        CHECK(weft_graph_use_double(g) == WEFT_EUSAGE);
        CHECK_HAS(weft_last_error(), by[i].name);
        CHECK(weft_graph_status(g) == WEFT_OK); /* none of these fails the graph */
        weft_graph_push(g, "head");
        weft_param(g, "late", WEFT_SHAPE(2));
        CHECK(weft_graph_status(g) == WEFT_EUSAGE);
        snprintf(text, sizeof text,
                 "head.late: too late for a parameter, %s has finalized the graph",
                 by[i].name);
        CHECK_TEXT(weft_graph_error(g), text);
        weft_graph_free(g);
    }
}

static void finalizing_again_changes_nothing(void **state)
{
    (void)state;
    float bias[3] = {1, 2, 3}, out[3];
    weft_graph *g = dense_graph();
    CHECK(weft_graph_finalize(g) == WEFT_OK);
    CHECK(weft_param_get(g, weft_find(g, "fc.bias"), out, 3) == WEFT_OK && out[1] == 0);
    CHECK(weft_param_set(g, weft_find(g, "fc.bias"), bias, 3) == WEFT_OK);
    CHECK(weft_graph_finalize(g) == WEFT_OK && by_plan(g) == WEFT_OK);
    CHECK(weft_param_get(g, weft_find(g, "fc.bias"), out, 3) == WEFT_OK);
    CHECK(!memcmp(bias, out, sizeof bias));
    CHECK(weft_param_freeze(g, weft_find(g, "fc.bias")) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "weft_graph_finalize has"); /* the first one */
    weft_graph_free(g);
}

static void operators_and_outputs_may_still_be_added(void **state)
{
    (void)state;
    weft_graph *g = dense_graph();
    weft_plan *p = NULL;
    CHECK(weft_graph_finalize(g) == WEFT_OK);
    weft_value y = weft_output_at(g, 0);
    weft_value loss = weft_reduce_mean(g, weft_mul(g, y, y), 0, NULL, false);
    weft_output(g, loss, "loss");
    CHECK(weft_plan_new(g, &(weft_plan_opts){.loss = loss}, &p) == WEFT_OK);
    weft_plan_free(p);
    weft_graph_free(g);
}

/* Too little memory for the parameters; then enough. */
static void a_failure_can_be_tried_again(void **state)
{
    (void)state;
    weft_graph *g = dense_graph();
    size_t before = weft__max_memory();
    weft__set_max_memory(100);
    weft_status s = weft_graph_finalize(g);
    weft__set_max_memory(before);
    CHECK(s == WEFT_ENOMEM);
    CHECK(weft_param_freeze(g, weft_find(g, "fc.bias")) == WEFT_OK); /* still open */
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    CHECK(g->params == 2 && g->trainable == 1);
    CHECK_TEXT(weft_param_at(g, 1).name, "fc.bias");
    weft_graph_free(g);
}

static void only_parameters_are_frozen(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 4, 4));
    weft_value y = weft_layer_batch_norm(g, "bn", x, NULL);
    CHECK(weft_param_freeze(g, x) == WEFT_EUSAGE);
    CHECK_TEXT(weft_last_error(), "freeze: x is not a parameter");
    CHECK(weft_param_no_decay(g, y) == WEFT_EUSAGE);
    CHECK_TEXT(weft_last_error(), "no decay: bn is not a parameter");
    CHECK(weft_param_freeze(g, WEFT_NONE) == WEFT_EUSAGE);
    CHECK(weft_param_freeze(g, (weft_value){1000}) == WEFT_EUSAGE);
    CHECK(weft_param_freeze(g, (weft_value){-1}) == WEFT_EUSAGE);
    /* a loop over all parameters meets the buffers too */
    for (int i = weft_param_count(g) - 1; i >= 0; i--)
        CHECK(weft_param_freeze(g, weft_param_at(g, i).value) == WEFT_OK);
    for (int i = 0; i < weft_param_count(g); i++) CHECK(!weft_param_at(g, i).trainable);
    weft_dense(g, x, y, WEFT_NONE);
    CHECK(weft_graph_status(g) == WEFT_ESHAPE);
    CHECK(weft_param_freeze(g, weft_find(g, "bn.weight")) == WEFT_ESHAPE);
    CHECK_TEXT(weft_last_error(), weft_graph_error(g));
    weft_graph_free(g);
}

static void starting_values_are_checked_and_can_change_later(void **state)
{
    (void)state;
    float w[12];
    weft_graph *g = dense_graph();
    weft_value v = weft_find(g, "fc.weight");
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    CHECK(weft_param_init(g, v,
                          &(weft_init_opts){.kind = WEFT_INIT_CONSTANT, .value = 0.5}) ==
          WEFT_OK);
    CHECK(weft_param_init(g, v,
                          &(weft_init_opts){.kind = WEFT_INIT_CONSTANT, .value = NAN}) ==
          WEFT_EUSAGE);
    CHECK_TEXT(weft_last_error(), "init: fc.weight: its numbers must be finite");
    CHECK(weft_param_init(
              g, v, &(weft_init_opts){.kind = WEFT_INIT_UNIFORM, .high = INFINITY}) ==
          WEFT_EUSAGE);
    CHECK(weft_param_init(g, v, &(weft_init_opts){.kind = (weft_init_kind)99}) ==
          WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "fc.weight: no such kind: 99");
    CHECK(weft_param_init(g, weft_find(g, "x"), NULL) == WEFT_EUSAGE);
    CHECK(weft_params_init(g, 1) == WEFT_OK && weft_param_get(g, v, w, 12) == WEFT_OK);
    for (int i = 0; i < 12; i++) CHECK(w[i] == 0.5f);
    weft_graph_free(g);
}

static void a_layer_with_such_values_fails_its_graph(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_layer_opts o = {.init = {.kind = WEFT_INIT_HE_NORMAL, .gain = INFINITY}};
    weft_layer_dense(g, "fc", weft_input(g, "x", WEFT_SHAPE(0, 4)), 3, &o);
    CHECK(weft_graph_status(g) == WEFT_EUSAGE);
    CHECK_HAS(weft_graph_error(g), "fc.weight: its numbers must be finite");
    weft_graph_free(g);
}

static void a_graph_from_a_file_is_finalized(void **state)
{
    (void)state;
    char path[400];
    weft_graph *g = dense_graph(), *again = NULL;
    snprintf(path, sizeof path, "%s/fc.onnx", test_folder());
    CHECK(weft_params_init(g, 1) == WEFT_OK && weft_onnx_save(g, NULL, path) == WEFT_OK);
    CHECK(weft_onnx_load(path, NULL, &again, NULL) == WEFT_OK);
    CHECK(weft_param_freeze(again, weft_find(again, "fc.weight")) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "too late for fc.weight, weft_onnx_load has");
    weft_graph_free(g);
    weft_graph_free(again);
}

RUN_TESTS(TEST(late_calls_name_the_parameter_and_who_finalized),
          TEST(finalizing_again_changes_nothing),
          TEST(operators_and_outputs_may_still_be_added),
          TEST(a_failure_can_be_tried_again), TEST(only_parameters_are_frozen),
          TEST(starting_values_are_checked_and_can_change_later),
          TEST(a_layer_with_such_values_fails_its_graph),
          TEST(a_graph_from_a_file_is_finalized))
