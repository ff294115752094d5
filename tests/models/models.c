/* models.c: the ready networks have the parameters they are known for and can run. */
#include "test.h"

#include "weft/weft.h"

static double params_of(const weft_graph *g)
{
    double n = 0;
    for (int i = 0; i < weft_param_count(g); i++)
        if (weft_param_at(g, i).trainable) n += (double)weft_param_at(g, i).count;
    return n;
}

static void sizes_are_those_of_the_literature(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int classes;
        double params;
    } row[] = {{"lenet5", 10, 61706},
               {"small-cnn", 10, 421642},
               {"resnet20", 10, 272474},
               {"resnet18", 1000, 11689512},
               {"vgg11", 200, 10372168}};
    int pictures = 0;
    for (int i = 0; i < weft_zoo_total(); i++)
        pictures += !strcmp(weft_zoo_modality(weft_zoo_info_at(i).name), "image");
    CHECK((int)(sizeof row / sizeof *row) == pictures);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        weft_graph *g = weft_graph_new();
        weft_value y;
        CHECK(!weft_zoo_build(g, row[i].name, &(weft_zoo_opts){.outputs = row[i].classes},
                              &y));
        CHECK_NEAR(params_of(g), row[i].params, 0);
        weft_graph_free(g);
    }
}

static void every_model_runs_forward_and_backward(void **state)
{
    (void)state;
    for (int i = 0; i < weft_zoo_total(); i++) {
        weft_zoo_info m = weft_zoo_info_at(i);
        if (strcmp(weft_zoo_modality(m.name), "image")) continue;
        int side = m.height > 64 ? 64 : m.height;
        weft_graph *g = weft_graph_new();
        weft_plan *p = NULL;
        weft_value y;
        weft_zoo_opts o = {.outputs = 7, .height = side, .width = side, .dropout = 0.2};
        CHECK(!weft_zoo_build(g, m.name, &o, &y));
        weft_value loss = weft_reduce_mean(g, weft_mul(g, y, y), 0, NULL, false);
        CHECK(!weft_params_init(g, 1));
        CHECK(!weft_plan_new(
            g, &(weft_plan_opts){.batch = 2, .loss = loss, .training = true}, &p));
        size_t n = 2 * (size_t)(m.channels * side * side);
        float *x = malloc(n * sizeof *x);
        for (size_t k = 0; k < n; k++) x[k] = (float)(k % 17) / 17;
        CHECK(!weft_plan_set(p, weft_input_at(g, 0), x, n));
        CHECK(!weft_plan_forward(p) && !weft_plan_backward(p));
        CHECK(isfinite(weft_plan_scalar(p, loss)));
        free(x);
        weft_plan_free(p);
        weft_graph_free(g);
    }
}

static void pictures_too_small_are_told_by_layer(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value y = {0};
    CHECK(weft_zoo_build(g, "lenet5", &(weft_zoo_opts){.height = 8, .width = 8}, &y) ==
          WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "conv");
    weft_graph_free(g);
}

static void an_unknown_model_names_the_nearest(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value y;
    CHECK(weft_zoo_build(g, "resnet21", NULL, &y) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "Did you mean resnet20?");
    weft_graph_free(g);
}

RUN_TESTS(TEST(sizes_are_those_of_the_literature),
          TEST(every_model_runs_forward_and_backward),
          TEST(pictures_too_small_are_told_by_layer),
          TEST(an_unknown_model_names_the_nearest))
