/* pad.c: what padding puts beside a picture, as numpy.pad does. */
#include "test.h"

#include "weft/weft.h"

/* The row 1 2 3 4 with 2 places before it and 3 after it, or cut. */
static void padded(weft_pad_kind kind, int before, int after, const float *wanted, int n)
{
    static const float x[] = {1, 2, 3, 4};
    float y[16];
    weft_graph *g = weft_graph_new();
    weft_value in = weft_input(g, "x", WEFT_SHAPE(1, 4));
    weft_pad_opts o = {
        .before = {0, before}, .after = {0, after}, .kind = kind, .value = 9};
    weft_value out = weft_pad(g, in, &o);
    weft_plan *p = NULL;
    weft_output(g, out, "y");
    CHECK(!weft_plan_new(g, NULL, &p) && !weft_plan_set(p, in, x, 4));
    CHECK(!weft_plan_forward(p) && !weft_plan_get(p, out, y, (size_t)n));
    for (int i = 0; i < n; i++) CHECK(y[i] == wanted[i]);
    weft_plan_free(p);
    weft_graph_free(g);
}

static void reflect_mirrors_at_the_edge_and_does_not_repeat_it(void **state)
{
    (void)state;
    padded(WEFT_PAD_REFLECT, 2, 3, (float[]){3, 2, 1, 2, 3, 4, 3, 2, 1}, 9);
    padded(WEFT_PAD_REFLECT, 0, 1, (float[]){1, 2, 3, 4, 3}, 5);
}

static void edge_repeats_it_and_constant_has_its_value(void **state)
{
    (void)state;
    padded(WEFT_PAD_EDGE, 2, 3, (float[]){1, 1, 1, 2, 3, 4, 4, 4, 4}, 9);
    padded(WEFT_PAD_CONSTANT, 2, 3, (float[]){9, 9, 1, 2, 3, 4, 9, 9, 9}, 9);
}

static void negative_numbers_cut(void **state)
{
    (void)state;
    padded(WEFT_PAD_CONSTANT, -1, 1, (float[]){2, 3, 4, 9}, 4);
    padded(WEFT_PAD_EDGE, -2, -1, (float[]){3}, 1);
}

RUN_TESTS(TEST(reflect_mirrors_at_the_edge_and_does_not_repeat_it),
          TEST(edge_repeats_it_and_constant_has_its_value), TEST(negative_numbers_cut))
