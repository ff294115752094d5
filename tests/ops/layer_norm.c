/* layer_norm.c: rows far from zero keep their digits. */
#include "test.h"

#include "weft/weft.h"

/* Above 2^22 floats are half a unit apart: the mean of such a row is none of them. */
static void a_mean_that_is_no_float_leaves_the_digits_of_the_rest(void **state)
{
    enum { N = 5 };
    const double far = 4194304, offset[N] = {0, 0.5, 0.5, 1, 2};
    float x[N], y[N];
    double mean = 0, var = 0;
    (void)state;
    for (int i = 0; i < N; i++) x[i] = (float)(far + offset[i]);
    for (int i = 0; i < N; i++) mean += offset[i] / N;
    for (int i = 0; i < N; i++) var += pow(offset[i] - mean, 2) / N;
    weft_graph *g = weft_graph_new();
    weft_value in = weft_input(g, "x", WEFT_SHAPE(1, N));
    weft_value out = weft_layer_norm(g, in, WEFT_NONE, WEFT_NONE, 1, 0);
    weft_plan *p = NULL;
    weft_output(g, out, "y");
    CHECK(!weft_plan_new(g, NULL, &p) && !weft_plan_set(p, in, x, N));
    CHECK(!weft_plan_forward(p) && !weft_plan_get(p, out, y, N));
    for (int i = 0; i < N; i++)
        CHECK_NEAR(y[i], (offset[i] - mean) / sqrt(var + 1e-5), 2e-6);
    weft_plan_free(p);
    weft_graph_free(g);
}

RUN_TESTS(TEST(a_mean_that_is_no_float_leaves_the_digits_of_the_rest))
