/* threads.c: what weft/base.h promises of plans that run in several threads at once. */
/* labels: threads */
#include "test.h"

#include "weft/weft.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 20, BATCH = 3, PIXELS = BATCH * 3 * 12 * 12, CLASSES = 5 };

typedef struct run {
    weft_plan *plan;
    weft_value x, y;
    float in[PIXELS], out[BATCH * CLASSES];
} run;

static _Atomic int wrong; /* CHECK may only be used by the test's own thread */

/* Weights that are folded, and kept in another form, by each plan for itself. */
static weft_graph *network(weft_value *x, weft_value *y)
{
    weft_graph *g = weft_graph_new();
    weft_layer_conv_opts same = {.kernel = {3}, .conv.pad = {1, 1}};
    *x = weft_input(g, "x", WEFT_SHAPE(0, 3, 12, 12));
    weft_value a = weft_layer_conv(g, "c1", *x, 16, &same);
    a = weft_relu(g, weft_layer_batch_norm(g, "b1", a, NULL));
    a = weft_layer_conv(g, "c2", weft_dropout(g, a, 0.5), 16, &same);
    a = weft_flatten(g, weft_max_pool(g, a, &(weft_pool_opts){.kernel = {2}}), 1);
    *y = weft_layer_dense(g, "fc", a, CLASSES, NULL);
    weft_output(g, *y, "y");
    CHECK(!weft_params_init(g, 1));
    return g;
}

static weft_status pass(const run *r, float *out)
{
    weft_status s = weft_plan_set(r->plan, r->x, r->in, PIXELS);
    if (!s) s = weft_plan_forward(r->plan);
    if (!s) s = weft_plan_get(r->plan, r->y, out, BATCH * CLASSES);
    return s;
}

static void *repeat(void *arg)
{
    const run *r = arg;
    float out[BATCH * CLASSES];
    for (int i = 0; i < ROUNDS; i++)
        if (pass(r, out) || memcmp(out, r->out, sizeof out)) wrong++;
    /* a failure here is not heard in the other threads */
    if (weft_plan_set(r->plan, r->x, r->in, 1) != WEFT_ESHAPE || !*weft_last_error())
        wrong++;
    return NULL;
}

static void plans_of_one_graph_infer_in_several_threads_at_once(void **state)
{
    static run all[THREADS];
    pthread_t thread[THREADS];
    weft_value x, y;
    (void)state;
    weft_graph *g = network(&x, &y);
    CHECK(!weft_set_threads(3));
    for (int i = 0; i < THREADS; i++) {
        run *r = &all[i];
        *r = (run){.x = x, .y = y};
        for (int k = 0; k < PIXELS; k++) r->in[k] = (float)((k * (i + 7)) % 31 - 15) / 8;
        CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = BATCH}, &r->plan));
        CHECK(!pass(r, r->out));
    }
    CHECK(memcmp(all[0].out, all[1].out, sizeof all[0].out));
    CHECK(weft_set_isa("none of these") == WEFT_EUSAGE);
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&thread[i], NULL, repeat, &all[i]));
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(thread[i], NULL));
    CHECK(wrong == 0);
    CHECK_HAS(weft_last_error(), "none of these");
    for (int i = 0; i < THREADS; i++) weft_plan_free(all[i].plan);
    weft_graph_free(g);
    CHECK(!weft_set_threads(0));
}

RUN_TESTS(TEST(plans_of_one_graph_infer_in_several_threads_at_once))
