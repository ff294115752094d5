/* predictor.c: who owns a model that is made a predictor of. */
#include "test.h"

#include "weft/weft.h"

static weft_graph *flat_graph(void)
{
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 4));
    weft_output(g, weft_layer_dense(g, "fc", x, 3, NULL), "y");
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    return g;
}

/* Neither pictures nor texts go into it. Sanitizers see a second free. */
static void a_model_that_is_refused_stays_the_callers(void **state)
{
    (void)state;
    float bias[3] = {7, 7, 7};
    weft_graph *g = flat_graph();
    weft_meta *m = weft_meta_new();
    weft_predictor *p = NULL;
    CHECK(weft_meta_set(m, "note", "mine") == WEFT_OK);
    CHECK(weft_predictor_new(g, m, "here", &p) == WEFT_EMODEL && !p);
    CHECK_HAS(weft_last_error(), "here: ");
    CHECK(weft_meta_set(m, "weft.modality", "text") == WEFT_OK);
    CHECK(weft_predictor_new(g, m, "here", &p) == WEFT_EMODEL && !p);
    CHECK_HAS(weft_last_error(), "here: ");
    CHECK_TEXT(weft_meta_get(m, "note"), "mine");
    CHECK(weft_param_get(g, weft_find(g, "fc.bias"), bias, 3) == WEFT_OK);
    CHECK(fabsf(bias[0]) <= 0.5f); /* 1/sqrt(4) */
    weft_meta_free(m);
    weft_graph_free(g);
}

static void a_model_that_is_taken_goes_with_the_predictor(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 4, 4)), output;
    x = weft_layer_dense(g, "fc", weft_flatten(g, x, 1), 3, NULL);
    weft_output(g, x, "y");
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    weft_predictor *p = NULL;
    CHECK(weft_predictor_new(g, weft_meta_new(), "here", &p) == WEFT_OK);
    CHECK(weft_predictor_graph(p, &output) == g && output.id == x.id);
    CHECK(weft_predictor_classes(p) == 3);
    CHECK_TEXT(weft_predictor_class_name(p, 2), "class 2");
    weft_predictor_free(p);
}

RUN_TESTS(TEST(a_model_that_is_refused_stays_the_callers),
          TEST(a_model_that_is_taken_goes_with_the_predictor))
