/* build.c: plans: memory that is shared without harm, fusion, accumulation, what can be
 * read. */
/* labels: threads */
#include "test.h"

#include "base/rng.h"
#include "weft/weft.h"

enum { BATCH = 6, CLASSES = 5 };

typedef struct net {
    weft_graph *g;
    weft_value x, t, logits, loss, middle;
} net;

/* Branches, a shared value, in-place candidates, a view, batch norm, dropout. */
static net make_net(uint64_t seed)
{
    net n = {.g = weft_graph_new()};
    weft_graph *g = n.g;
    n.x = weft_input(g, "x", WEFT_SHAPE(0, 3, 8, 8));
    weft_layer_conv_opts same = {.kernel = {3}, .conv.pad = {1, 1}}, bare = same;
    bare.layer.no_bias = true;
    weft_value a = weft_layer_conv(g, "c1", n.x, 6, &same);
    a = weft_relu(g, weft_layer_batch_norm(g, "b1", a, NULL));
    weft_value b = weft_layer_conv(g, "c2", a, 6, &bare);
    b = weft_layer_batch_norm(g, "b2", b, NULL);
    n.middle = weft_relu(g, weft_add(g, a, b));
    weft_value c = weft_add(g, weft_sigmoid(g, n.middle), n.middle);
    c = weft_max_pool(g, c, &(weft_pool_opts){.kernel = {2, 2}});
    c = weft_dropout(g, weft_flatten(g, c, 1), 0.25);
    n.logits = weft_layer_dense(g, "fc", c, CLASSES, NULL);
    weft_output(g, n.logits, "logits");
    n.t = weft_input_int(g, "t", WEFT_SHAPE(0), CLASSES);
    n.loss = weft_cross_entropy(g, n.logits, n.t, WEFT_NONE, NULL, NULL);
    CHECK(weft_params_init(g, seed) == WEFT_OK);
    return n;
}

static void fill(const net *n, weft_plan *p, int first, int count)
{
    float x[BATCH * 192];
    int32_t t[BATCH];
    for (int i = 0; i < count; i++) {
        weft__rng r =
            weft__rng_at(5, WEFT_RNG_KEY(WEFT_RNG_TEST, 0), (uint64_t)(first + i));
        for (int k = 0; k < 192; k++) x[i * 192 + k] = (float)weft__rng_normal(&r);
        t[i] = (first + i) % CLASSES;
    }
    CHECK(weft_plan_set(p, n->x, x, (size_t)count * 192) == WEFT_OK);
    CHECK(weft_plan_set_int(p, n->t, t, (size_t)count) == WEFT_OK);
}

/* All gradients in a row; returns how many. */
static size_t gradients(const net *n, float *out)
{
    size_t at = 0;
    for (int i = 0; i < weft_param_count(n->g); i++) {
        weft_param_info p = weft_param_at(n->g, i);
        if (!p.trainable) continue;
        CHECK(weft_param_gradient(n->g, p.value, out + at, p.count) == WEFT_OK);
        at += p.count;
    }
    return at;
}

static size_t run(const weft_plan_opts *o, float *loss, float *grad)
{
    net n = make_net(3);
    weft_plan *p = NULL;
    weft_plan_opts opts = *o;
    opts.batch = BATCH;
    opts.loss = n.loss;
    CHECK(weft_plan_new(n.g, &opts, &p) == WEFT_OK);
    fill(&n, p, 0, BATCH);
    weft_plan_random(p, 1, 2);
    CHECK(weft_plan_forward(p) == WEFT_OK && weft_plan_backward(p) == WEFT_OK);
    *loss = weft_plan_scalar(p, n.loss);
    size_t count = gradients(&n, grad);
    weft_plan_free(p);
    weft_graph_free(n.g);
    return count;
}

static float first[4000], second[4000];

static void shared_memory_and_fusion_change_nothing(void **state)
{
    (void)state;
    float a, b;
    size_t count = run(&(weft_plan_opts){.training = true}, &a, first);
    const weft_plan_opts other[] = {{.training = true, .keep_all = true},
                                    {.training = true, .no_fuse = true},
                                    {.training = true, .input_gradients = true}};
    for (size_t i = 0; i < 3; i++) {
        CHECK(run(&other[i], &b, second) == count);
        CHECK_NEAR(a, b, 1e-6);
        for (size_t k = 0; k < count; k++) CHECK_NEAR(first[k], second[k], 1e-6);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    float a, b;
    CHECK(weft_set_threads(1) == WEFT_OK);
    size_t count = run(&(weft_plan_opts){.training = true}, &a, first);
    for (int threads = 2; threads < 8; threads += 1) {
        CHECK(weft_set_threads(threads) == WEFT_OK);
        CHECK(run(&(weft_plan_opts){.training = true}, &b, second) == count);
        CHECK(!memcmp(&a, &b, sizeof a) && !memcmp(first, second, count * sizeof *first));
    }
    CHECK(weft_set_threads(0) == WEFT_OK);
}

static void every_gradient_agrees_with_finite_differences(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_graph_use_double(g);
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 6, 6));
    weft_value a = weft_tanh(
        g, weft_layer_conv(g, "c", x, 4, &(weft_layer_conv_opts){.kernel = {3}}));
    a = weft_layer_batch_norm(g, "b", a, NULL);
    a = weft_layer_dense(g, "f", weft_flatten(g, weft_add(g, a, weft_mul(g, a, a)), 1), 3,
                         NULL);
    weft_value loss = weft_reduce_mean(g, weft_mul(g, a, a), 0, NULL, false);
    weft_plan *p = NULL;
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    weft_plan_opts o = {
        .batch = 3, .loss = loss, .training = true, .input_gradients = true};
    CHECK(weft_plan_new(g, &o, &p) == WEFT_OK);
    float in[3 * 72];
    weft__rng r = weft__rng_at(test_seed(), 1, 1);
    for (int i = 0; i < 3 * 72; i++) in[i] = (float)weft__rng_normal(&r);
    CHECK(weft_plan_set(p, x, in, 3 * 72) == WEFT_OK);
    CHECK(weft_gradcheck(p, 0, 1e-6, NULL, NULL) == WEFT_OK);
    weft_plan_free(p);
    weft_graph_free(g);
}

/* The row of the padding is read, but has no gradient by intention: differences see
 * it. */
static void a_gradient_that_is_missing_is_found(void **state)
{
    (void)state;
    for (int padded = 0; padded < 2; padded++) {
        weft_graph *g = weft_graph_new();
        weft_graph_use_double(g);
        weft_value index = weft_input_int(g, "index", WEFT_SHAPE(0, 3), 4);
        weft_value table = weft_param(g, "table", WEFT_SHAPE(4, 2));
        weft_value y =
            weft_embedding(g, index, table, &(weft_embedding_opts){.padded = padded});
        weft_value loss = weft_reduce_mean(g, weft_mul(g, y, y), 0, NULL, false);
        weft_plan_opts o = {.batch = 2, .loss = loss, .training = true};
        const float rows[] = {1, -2, 0.5f, 3, -1, 2, 1.5f, 0.25f};
        const int32_t read[] = {0, 1, 3, 2, 0, 1};
        weft_plan *p = NULL;
        CHECK(!weft_plan_new(g, &o, &p) && !weft_param_set(g, table, rows, 8));
        CHECK(!weft_plan_set_int(p, index, read, 6));
        if (padded) {
            CHECK(weft_gradcheck(p, 0, 1e-6, NULL, NULL) == WEFT_EBUG);
            CHECK_HAS(weft_last_error(), "table is off by");
        } else {
            CHECK(!weft_gradcheck(p, 0, 1e-6, NULL, NULL));
        }
        weft_plan_free(p);
        weft_graph_free(g);
    }
}

static void folding_a_batch_norm_changes_little(void **state)
{
    (void)state;
    net n = make_net(3);
    weft_plan *train = NULL, *plain = NULL, *fused = NULL;
    weft_optimizer *o = NULL;
    weft_optimizer_opts sgd = weft_optimizer_defaults("sgd");
    CHECK(!weft_plan_new(
        n.g, &(weft_plan_opts){.batch = BATCH, .loss = n.loss, .training = true},
        &train));
    CHECK(
        !weft_plan_new(n.g, &(weft_plan_opts){.batch = BATCH, .no_fuse = true}, &plain));
    CHECK(!weft_plan_new(n.g, &(weft_plan_opts){.batch = BATCH}, &fused));
    CHECK(!weft_optimizer_new(n.g, &sgd, &o));
    float a[BATCH * CLASSES], b[BATCH * CLASSES];
    for (int step = 0; step < 5;
         step++) { /* the folded weights must follow the trained ones */
        fill(&n, train, step, BATCH);
        CHECK(!weft_plan_forward(train) && !weft_plan_backward(train) &&
              !weft_optimizer_step(o, 0.05));
        fill(&n, plain, 100, BATCH);
        fill(&n, fused, 100, BATCH);
        CHECK(!weft_plan_forward(plain) && !weft_plan_forward(fused));
        CHECK(!weft_plan_get(plain, n.logits, a, BATCH * CLASSES));
        CHECK(!weft_plan_get(fused, n.logits, b, BATCH * CLASSES));
        for (int i = 0; i < BATCH * CLASSES; i++) CHECK_NEAR(a[i], b[i], 2e-5);
    }
    weft_optimizer_free(o);
    weft_plan_free(train);
    weft_plan_free(plain);
    weft_plan_free(fused);
    weft_graph_free(n.g);
}

/* What a plan prepares of the parameters is made again after another used its
 * memory. */
static void plans_within_each_other_do_not_disturb(void **state)
{
    (void)state;
    net n = make_net(4);
    weft_plan *full = NULL, *tail = NULL, *alone = NULL;
    float want[2 * CLASSES], all[BATCH * CLASSES], before[BATCH * CLASSES],
        got[2 * CLASSES];
    CHECK(!weft_plan_new(n.g, &(weft_plan_opts){.batch = BATCH}, &full));
    CHECK(!weft_plan_new(n.g, &(weft_plan_opts){.batch = 2, .share_memory_with = full},
                         &tail));
    CHECK(!weft_plan_new(n.g, &(weft_plan_opts){.batch = 2}, &alone));
    fill(&n, alone, 7, 2);
    CHECK(!weft_plan_forward(alone));
    CHECK(!weft_plan_get(alone, n.logits, want, 2 * CLASSES));
    for (int turn = 0; turn < 3; turn++) {
        fill(&n, full, 50, BATCH);
        CHECK(!weft_plan_forward(full));
        CHECK(!weft_plan_get(full, n.logits, all, BATCH * CLASSES));
        if (!turn) memcpy(before, all, sizeof all);
        fill(&n, tail, 7, 2);
        CHECK(!weft_plan_forward(tail));
        CHECK(!weft_plan_get(tail, n.logits, got, 2 * CLASSES));
        CHECK(!memcmp(before, all, sizeof all) && !memcmp(want, got, sizeof want));
    }
    weft_plan_free(tail);
    weft_plan_free(full);
    weft_plan_free(alone);
    weft_graph_free(n.g);
}

/* A network without batch norm: a sample's gradient does not depend on its
 * companions. */
static void accumulated_halves_make_the_whole(void **state)
{
    (void)state;
    float grad[2][64];
    for (int halves = 0; halves < 2; halves++) {
        weft_graph *g = weft_graph_new();
        weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 7));
        weft_value y = weft_layer_dense(g, "fc", x, 4, NULL);
        weft_value loss = weft_reduce_mean(g, weft_mul(g, y, y), 0, NULL, false);
        weft_plan *p = NULL;
        CHECK(!weft_params_init(g, 2));
        weft_plan_opts o = {.batch = halves ? 2 : 4,
                            .loss = loss,
                            .training = true,
                            .accumulate = halves};
        CHECK(!weft_plan_new(g, &o, &p));
        float in[28];
        for (int i = 0; i < 28; i++) in[i] = (float)(i % 5) - 2;
        weft_graph_zero_gradients(g);
        if (halves) weft_plan_loss_scale(p, 0.5f);
        for (int k = 0; k <= halves; k++) {
            CHECK(!weft_plan_set(p, x, in + 14 * k, halves ? 14 : 28));
            CHECK(!weft_plan_forward(p) && !weft_plan_backward(p));
        }
        CHECK(!weft_param_gradient(g, weft_find(g, "fc.weight"), grad[halves], 28));
        CHECK(!weft_param_gradient(g, weft_find(g, "fc.bias"), grad[halves] + 28, 4));
        weft_plan_free(p);
        weft_graph_free(g);
    }
    for (int i = 0; i < 32; i++) CHECK_NEAR(grad[0][i], grad[1][i], 1e-6);
}

static void values_are_read_only_when_kept(void **state)
{
    (void)state;
    net n = make_net(3);
    weft_plan *p = NULL, *kept = NULL;
    float out[BATCH * 6 * 64];
    CHECK(!weft_plan_new(n.g, &(weft_plan_opts){.batch = BATCH}, &p));
    weft_plan_opts o = {.batch = BATCH, .keep = &n.middle, .keep_count = 1};
    CHECK(!weft_plan_new(n.g, &o, &kept));
    fill(&n, p, 0, BATCH);
    fill(&n, kept, 0, BATCH);
    CHECK(!weft_plan_forward(p) && !weft_plan_forward(kept));
    CHECK(weft_plan_get(p, n.middle, out, BATCH * 6 * 64) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "was not kept");
    CHECK(weft_plan_get(kept, n.middle, out, BATCH * 6 * 64) == WEFT_OK);
    CHECK(weft_plan_get(kept, n.middle, out, 3) == WEFT_ESHAPE);
    CHECK(weft_plan_bytes(p) > 0 && weft_plan_total_bytes(p) > weft_plan_bytes(p));
    weft_plan_free(p);
    weft_plan_free(kept);
    weft_graph_free(n.g);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    net n = make_net(3);
    weft_plan *p = NULL;
    int32_t bad[BATCH] = {0, 1, 2, CLASSES, 0, 0};
    CHECK(weft_plan_new(n.g, &(weft_plan_opts){.batch = -1}, &p) == WEFT_EUSAGE);
    CHECK(weft_plan_new(n.g, &(weft_plan_opts){.loss = n.logits}, &p) == WEFT_ESHAPE);
    CHECK(weft_plan_new(n.g, &(weft_plan_opts){.batch = 4096, .max_bytes = 1000}, &p) ==
          WEFT_ENOMEM);
    CHECK(!p);
    weft_plan_opts o = {.batch = BATCH, .loss = n.loss, .training = true};
    CHECK(!weft_plan_new(n.g, &o, &p));
    CHECK(weft_plan_backward(p) == WEFT_EUSAGE); /* no forward yet */
    CHECK(weft_plan_set_int(p, n.t, bad, BATCH) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "element 3 is 5, must be below 5");
    CHECK(weft_plan_set(p, n.t, first, BATCH) == WEFT_EUSAGE);
    CHECK(weft_plan_set(p, n.logits, first, BATCH * CLASSES) == WEFT_EUSAGE);
    weft_plan_free(p);
    weft_graph_free(n.g);
}

static void the_first_bad_layer_is_named(void **state)
{
    (void)state;
    net n = make_net(3);
    weft_plan *p = NULL;
    char where[100];
    weft_plan_opts o = {.batch = BATCH, .loss = n.loss, .training = true};
    CHECK(!weft_plan_new(n.g, &o, &p));
    fill(&n, p, 0, BATCH);
    CHECK(!weft_plan_forward(p));
    CHECK_TEXT(weft_plan_first_bad(p, where, sizeof where), "");
    float huge[6 * 6 * 9];
    for (int i = 0; i < 6 * 6 * 9; i++) huge[i] = 3e38f;
    CHECK(!weft_param_set(n.g, weft_find(n.g, "c2.weight"), huge, 6 * 6 * 9));
    CHECK(!weft_plan_forward(p));
    CHECK_TEXT(weft_plan_first_bad(p, where, sizeof where), "c2 (forward)");
    weft_plan_free(p);
    weft_graph_free(n.g);
}

static int steps_seen;

static void count_steps(void *user, const weft_trace *t)
{
    (void)user;
    CHECK(t->node[0] && t->seconds >= 0);
    steps_seen++;
}

static void a_trace_sees_every_step(void **state)
{
    (void)state;
    net n = make_net(3);
    weft_plan *p = NULL;
    weft_plan_opts o = {
        .batch = BATCH, .loss = n.loss, .training = true, .keep_all = true};
    CHECK(!weft_plan_new(n.g, &o, &p));
    fill(&n, p, 0, BATCH);
    weft_plan_trace(p, count_steps, NULL);
    CHECK(!weft_plan_forward(p) && !weft_plan_backward(p));
    CHECK(steps_seen >= 2 * weft_node_count(n.g));
    weft_plan_free(p);
    weft_graph_free(n.g);
}

/* Two plans in one memory, used in turn; the larger one is as if it were alone. */
static void plans_share_memory_when_asked(void **state)
{
    (void)state;
    enum { N = 4, WIDE = 6 };
    float in[N * WIDE], alone[N], again[N], few[2];
    weft_graph *g = weft_graph_new();
    weft_plan *whole, *part;
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, WIDE));
    weft_value y = weft_tanh(g, weft_layer_dense(g, "fc", x, 1, NULL));
    weft_output(g, y, "y");
    for (int i = 0; i < N * WIDE; i++) in[i] = (float)(i % 5) - 2;
    CHECK(!weft_params_init(g, 3));
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = N}, &whole));
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = 2, .share_memory_with = whole},
                         &part));
    for (int turn = 0; turn < 2; turn++) {
        CHECK(!weft_plan_set(whole, x, in, N * WIDE) && !weft_plan_forward(whole));
        CHECK(!weft_plan_get(whole, y, turn ? again : alone, N));
        CHECK(!weft_plan_set(part, x, in, 2 * WIDE) && !weft_plan_forward(part));
        CHECK(!weft_plan_get(part, y, few, 2));
        CHECK(!memcmp(few, alone, sizeof few));
    }
    CHECK(!memcmp(alone, again, sizeof alone));
    weft_plan_free(whole);
    weft_plan_free(part);
    weft_graph_free(g);
}

RUN_TESTS(TEST(plans_share_memory_when_asked),
          TEST(shared_memory_and_fusion_change_nothing), TEST(threads_change_no_bit),
          TEST(every_gradient_agrees_with_finite_differences),
          TEST(a_gradient_that_is_missing_is_found),
          TEST(folding_a_batch_norm_changes_little),
          TEST(plans_within_each_other_do_not_disturb),
          TEST(accumulated_halves_make_the_whole), TEST(values_are_read_only_when_kept),
          TEST(wrong_use_is_refused), TEST(the_first_bad_layer_is_named),
          TEST(a_trace_sees_every_step))
