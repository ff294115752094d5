/* exact_conv.c: plans with and without Winograd's transforms. */
#include "test.h"

#include "base/rng.h"
#include "weft/weft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 64, SIDE = 16, COUNT = 4 * CHANNELS * SIDE * SIDE };

typedef struct net {
    weft_graph *g;
    weft_value x, w, y;
} net;

static net make_net(void)
{
    static float w[CHANNELS * CHANNELS * 9];
    net n = {.g = weft_graph_new()};
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_KEY(WEFT_RNG_TEST, 9), 1);
    for (size_t i = 0; i < sizeof w / sizeof *w; i++) w[i] = (float)weft__rng_normal(&r);
    n.x = weft_input(n.g, "x", WEFT_SHAPE(0, CHANNELS, SIDE, SIDE));
    n.w = weft_param(n.g, "w", WEFT_SHAPE(CHANNELS, CHANNELS, 3, 3));
    n.y = weft_conv(n.g, n.x, n.w, WEFT_NONE, &(weft_conv_opts){.pad = {1, 1}});
    CHECK(!weft_param_set(n.g, n.w, w, sizeof w / sizeof *w));
    return n;
}

/* exact: as the plan's option says. */
static void compute(const net *n, bool exact, float *y)
{
    static float x[COUNT];
    weft_plan *p = NULL;
    weft_plan_opts o = {.batch = 4, .keep = &n->y, .keep_count = 1, .exact_conv = exact};
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_KEY(WEFT_RNG_TEST, 9), 2);
    for (int i = 0; i < COUNT; i++) x[i] = (float)weft__rng_normal(&r);
    CHECK(!weft_plan_new(n->g, &o, &p));
    CHECK(!weft_plan_set(p, n->x, x, COUNT));
    CHECK(!weft_plan_forward(p));
    CHECK(!weft_plan_get(p, n->y, y, COUNT));
    weft_plan_free(p);
}

static void a_plan_and_a_graph_can_ask_for_plain_sums(void **state)
{
    static float fast[COUNT], exact[COUNT], forced[COUNT], again[COUNT];
    net n = make_net();
    (void)state;
    compute(&n, false, fast);
    compute(&n, true, exact);
    weft_graph_use_exact_conv(n.g, true);
    compute(&n, false, forced);
    weft_graph_use_exact_conv(n.g, false);
    compute(&n, false, again);
    CHECK(!memcmp(exact, forced, sizeof exact));
    CHECK(!memcmp(fast, again, sizeof exact));
    CHECK(memcmp(exact, fast, sizeof exact));
    double error = 0, size = 0;
    for (int i = 0; i < COUNT; i++) {
        error += pow((double)fast[i] - (double)exact[i], 2);
        size += (double)exact[i] * (double)exact[i];
    }
    CHECK(error <= 1e-10 * size);
    weft_graph_free(n.g);
}

RUN_TESTS(TEST(a_plan_and_a_graph_can_ask_for_plain_sums))
