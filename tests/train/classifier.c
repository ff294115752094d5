/* classifier.c: who owns a model that is made a classifier of. */
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
    weft_classifier *pictures = NULL;
    weft_text_classifier *texts = NULL;
    CHECK(weft_meta_set(m, "note", "mine") == WEFT_OK);
    CHECK(weft_classifier_new(g, m, "here", &pictures) == WEFT_EMODEL && !pictures);
    CHECK_HAS(weft_last_error(), "here: is no picture classifier");
    CHECK(weft_text_classifier_new(g, m, "here", &texts) == WEFT_EMODEL && !texts);
    CHECK_TEXT(weft_meta_get(m, "note"), "mine");
    CHECK(weft_param_get(g, weft_find(g, "fc.bias"), bias, 3) == WEFT_OK);
    CHECK(fabsf(bias[0]) <= 0.5f); /* 1/sqrt(4) */
    weft_meta_free(m);
    weft_graph_free(g);
}

static void a_model_that_is_taken_goes_with_the_classifier(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 4, 4)), graph_x, logits;
    x = weft_layer_dense(g, "fc", weft_flatten(g, x, 1), 3, NULL);
    weft_output(g, x, "y");
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    weft_classifier *c = NULL;
    CHECK(weft_classifier_new(g, weft_meta_new(), "here", &c) == WEFT_OK);
    CHECK(weft_classifier_graph(c, &graph_x, &logits) == g);
    CHECK(weft_classifier_classes(c) == 3);
    weft_classifier_free(c);
}

RUN_TESTS(TEST(a_model_that_is_refused_stays_the_callers),
          TEST(a_model_that_is_taken_goes_with_the_classifier))
