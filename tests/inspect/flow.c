/* What flows: statistics against numbers made by hand, and the gradient of each state
 * against a sequence that is cut in two there. */
#include "test.h"

#include "base/rng.h"
#include "weft/weft.h"

#include <math.h>

/* ---- values and parameters ---- */

/* h = W x, r = relu(h), loss = mean over samples of the sum of r. */
typedef struct net {
    weft_graph *g;
    weft_value x, w, h, r, loss;
    weft_plan *p;
    weft_flow *f;
} net;

static net make_net(int batch)
{
    static const float w[] = {1, 0, 0, -1};
    net n = {.g = weft_graph_new()};
    n.x = weft_input(n.g, "x", WEFT_SHAPE(0, 2));
    n.w = weft_param(n.g, "w", WEFT_SHAPE(2, 2));
    n.h = weft_dense(n.g, n.x, n.w, WEFT_NONE);
    weft_graph_name(n.g, n.h, "h");
    n.r = weft_relu(n.g, n.h);
    weft_graph_name(n.g, n.r, "r");
    weft_value each = weft_reduce_sum(n.g, n.r, 1, (int[]){1}, false);
    n.loss = weft_reduce_mean(n.g, each, 0, NULL, false);
    weft_plan_opts o = {
        .batch = batch, .loss = n.loss, .training = true, .keep_all = true};
    CHECK(!weft_plan_new(n.g, &o, &n.p));
    CHECK(!weft_param_set(n.g, n.w, w, 4));
    CHECK(!weft_flow_new(n.p, &n.f));
    return n;
}

static void drop(net *n)
{
    weft_flow_free(n->f);
    weft_plan_free(n->p);
    weft_graph_free(n->g);
}

static void run(const net *n, const float *x, size_t count)
{
    CHECK(!weft_plan_set(n->p, n->x, x, count));
    CHECK(!weft_flow_run(n->f));
}

static weft_flow_node node(const weft_flow *f, const char *name)
{
    for (int i = 0; i < weft_flow_nodes(f); i++)
        if (!strcmp(weft_flow_node_at(f, i).name, name)) return weft_flow_node_at(f, i);
    FAIL("a node of that name");
    return (weft_flow_node){0};
}

static void numbers_are_those_made_by_hand(void **state)
{
    (void)state;
    net n = make_net(2);
    run(&n, (const float[]){1, 2, 3, -1}, 4); /* h 1 -2 / 3 1, r 1 0 / 3 1 */
    weft_flow_node r = node(n.f, "r"), h = node(n.f, "h");
    CHECK_NEAR(r.mean, 1.25, 1e-12);
    CHECK_NEAR(r.std, sqrt(1.1875), 1e-12);
    CHECK(r.low == 0 && r.high == 3 && h.low == -2);
    CHECK(r.units == 2 && r.dead == 0);
    CHECK_NEAR(r.gradient, sqrt(2), 1e-6);
    CHECK_NEAR(h.gradient, (1 + sqrt(2)) / 2, 1e-6);
    CHECK(weft_flow_params(n.f) == 1);
    weft_flow_param w = weft_flow_param_at(n.f, 0); /* dw 2 .5 / 1.5 -.5 */
    CHECK_TEXT(w.name, "w");
    CHECK_NEAR(w.norm, sqrt(2), 1e-6);
    CHECK_NEAR(w.gradient, sqrt(6.75), 1e-6);
    CHECK_NEAR(w.ratio, sqrt(6.75 / 2), 1e-6);
    CHECK_NEAR(weft_flow_loss(n.f), 2.5, 1e-6);
    CHECK_NEAR(weft_flow_gradient(n.f), sqrt(6.75), 1e-6);
    CHECK(weft_flow_samples(n.f) == 2 && weft_flow_series_total(n.f) == 0);
    drop(&n);
}

static void several_batches_count_as_all_their_samples(void **state)
{
    (void)state;
    net one = make_net(4), two = make_net(2);
    static const float x[] = {1, 2, 3, -1, -2, 5, 0.5f, 7};
    run(&one, x, 8);
    run(&two, x, 4);
    run(&two, x + 4, 4);
    for (int i = 0; i + 1 < weft_flow_nodes(one.f); i++) {
        weft_flow_node a = weft_flow_node_at(one.f, i), b = weft_flow_node_at(two.f, i);
        if (!a.units) continue; /* scalars: a mean has no spread within one batch */
        CHECK_NEAR(a.mean, b.mean, 1e-6);
        CHECK_NEAR(a.std, b.std, 1e-6);
        CHECK_NEAR(a.gradient, b.gradient, 1e-6);
        CHECK(a.low == b.low && a.high == b.high && a.dead == b.dead);
    }
    drop(&one);
    drop(&two);
}

static void a_unit_that_is_always_0_is_dead(void **state)
{
    (void)state;
    net n = make_net(2);
    run(&n, (const float[]){1, 2, 3, 4}, 4);
    CHECK(node(n.f, "r").dead == 1);
    CHECK(node(n.f, "h").dead == 0);
    run(&n, (const float[]){1, 2, 3, -4}, 4); /* it speaks in a later batch */
    CHECK(node(n.f, "r").dead == 0);
    drop(&n);
}

static void saturated_units_are_dead(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3));
    weft_value w = weft_param(g, "w", WEFT_SHAPE(3));
    weft_value t = weft_tanh(g, weft_mul(g, x, w)),
               s = weft_sigmoid(g, weft_mul(g, x, w));
    weft_graph_name(g, t, "t");
    weft_graph_name(g, s, "s");
    weft_value loss = weft_reduce_mean(g, weft_add(g, t, s), 0, NULL, false);
    weft_plan *p = NULL;
    weft_flow *f = NULL;
    weft_plan_opts o = {.batch = 2, .loss = loss, .keep_all = true};
    CHECK(!weft_plan_new(g, &o, &p));
    CHECK(!weft_param_set(g, w, (const float[]){1, 1, 1}, 3));
    CHECK(!weft_flow_new(p, &f));
    CHECK(!weft_plan_set(p, x, (const float[]){4, 1, 0, -6, 2, 0}, 6));
    CHECK(!weft_flow_run(f));
    CHECK(node(f, "t").dead == 1 && node(f, "t").units == 3);
    CHECK(node(f, "s").dead == 0); /* s(4) = 0.982 */
    weft_flow_free(f);
    weft_plan_free(p);
    weft_graph_free(g);
}

static void channels_are_counted_whatever_the_layout(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 4, 4));
    weft_conv_opts same = {.pad = {1, 1}};
    weft_value w = weft_param(g, "w", WEFT_SHAPE(3, 2, 3, 3));
    weft_value b = weft_param(g, "b", WEFT_SHAPE(3));
    weft_value y = weft_relu(g, weft_conv(g, x, w, b, &same));
    weft_graph_name(g, y, "y");
    weft_plan *p = NULL;
    weft_flow *f = NULL;
    weft_plan_opts o = {
        .batch = 2, .loss = weft_reduce_mean(g, y, 0, NULL, false), .keep_all = true};
    CHECK(!weft_plan_new(g, &o, &p));
    CHECK(!weft_param_set(g, b, (const float[]){1, -1, 2}, 3)); /* w is 0 */
    CHECK(!weft_flow_new(p, &f));
    CHECK(!weft_flow_run(f));
    CHECK(node(f, "y").units == 3 && node(f, "y").dead == 1);
    CHECK_NEAR(node(f, "y").mean, 1, 1e-6);
    weft_flow_free(f);
    weft_plan_free(p);
    weft_graph_free(g);
}

/* x [n, 3, 2] -> 5 features of each step -> [n, 5, 3] */
static void units_are_features_not_steps(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    weft_flow *f = NULL;
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3, 2));
    weft_value y = weft_dense(g, x, weft_param(g, "w", WEFT_SHAPE(5, 2)), WEFT_NONE);
    weft_value t = weft_transpose(g, y, (int[]){0, 2, 1});
    weft_graph_name(g, y, "y");
    weft_graph_name(g, t, "t");
    weft_plan_opts o = {.batch = 2, .training = true, .keep_all = true};
    o.loss = weft_reduce_mean(g, weft_relu(g, t), 0, NULL, false);
    CHECK(!weft_params_init(g, 1));
    CHECK(!weft_plan_new(g, &o, &p));
    CHECK(!weft_flow_new(p, &f));
    CHECK(!weft_flow_run(f));
    CHECK(node(f, "y").units == 5);
    CHECK(node(f, "t").units == 5);
    weft_flow_free(f);
    weft_plan_free(p);
    weft_graph_free(g);
}

static void running_statistics_stay(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 3, 3));
    weft_value y = weft_layer_batch_norm(g, "b", x, NULL);
    weft_plan *p = NULL;
    weft_flow *f = NULL;
    weft_plan_opts o = {.batch = 2,
                        .loss = weft_reduce_mean(g, weft_mul(g, y, y), 0, NULL, false),
                        .training = true,
                        .keep_all = true};
    char before[65], after[65];
    float data[36];
    for (int i = 0; i < 36; i++) data[i] = (float)i;
    CHECK(!weft_params_init(g, 1));
    CHECK(!weft_plan_new(g, &o, &p));
    CHECK(!weft_flow_new(p, &f));
    CHECK(!weft_params_sha256(g, before));
    CHECK(!weft_plan_set(p, x, data, 36));
    CHECK(!weft_flow_run(f));
    CHECK(!weft_params_sha256(g, after));
    CHECK_TEXT(before, after);
    weft_flow_free(f);
    weft_plan_free(p);
    weft_graph_free(g);
}

static void another_plan_is_refused(void **state)
{
    (void)state;
    net n = make_net(2);
    weft_plan *p = NULL;
    weft_flow *f = NULL;
    weft_plan_opts o = {.batch = 2, .loss = n.loss};
    CHECK(!weft_plan_new(n.g, &o, &p));
    CHECK(weft_flow_new(p, &f) == WEFT_EUSAGE && !f);
    CHECK_HAS(weft_last_error(), "keep_all");
    weft_plan_free(p);
    drop(&n);
    weft_flow_free(NULL);
}

/* ---- states ---- */

typedef enum kind { RNN, GRU, GRU_BEFORE, LSTM, KINDS } kind;

enum { STEPS = 7, IN = 3, HIDDEN = 4, MOST = 2 };

/* The loss is the mean over samples of |y|^2, so that d loss / d y = 2 y / n. */
typedef struct layer {
    weft_graph *g;
    weft_plan *p;
    kind k;
    int n, t, dirs;
    weft_value x, h0, c0, lengths, y, cn;
} layer;

static void fill(float *x, size_t n, uint64_t stream, double scale)
{
    weft__rng rng = weft__rng_at(test_seed(), WEFT_RNG_TEST, stream);
    for (size_t k = 0; k < n; k++) x[k] = (float)(scale * weft__rng_normal(&rng));
}

static void set_params(const layer *l)
{
    for (int k = 0; k < weft_param_count(l->g); k++) {
        float x[1000];
        weft_param_info info = weft_param_at(l->g, k);
        CHECK(info.count <= 1000);
        fill(x, info.count, 100 + (uint64_t)k, 0.5);
        CHECK(!weft_param_set(l->g, info.value, x, info.count));
    }
}

static layer make(kind k, weft_direction way, int n, int t)
{
    static const int gates[KINDS] = {1, 3, 3, 4};
    layer l = {.g = weft_graph_new(), .k = k, .n = n, .t = t};
    weft_rnn_opts o = {.direction = way, .reset_before = k == GRU_BEFORE};
    int wide = gates[k] * HIDDEN;
    weft_graph_use_double(l.g);
    l.dirs = way == WEFT_RNN_BOTH ? 2 : 1;
    l.x = weft_input(l.g, "x", WEFT_SHAPE(0, t, IN));
    l.h0 = weft_input(l.g, "h0", WEFT_SHAPE(0, l.dirs, HIDDEN));
    l.c0 = weft_input(l.g, "c0", WEFT_SHAPE(0, l.dirs, HIDDEN));
    l.lengths = weft_input_int(l.g, "lengths", WEFT_SHAPE(0), t + 1);
    weft_rnn_in in = {.w = weft_param(l.g, "w", WEFT_SHAPE(l.dirs, wide, IN)),
                      .r = weft_param(l.g, "r", WEFT_SHAPE(l.dirs, wide, HIDDEN)),
                      .b = weft_param(l.g, "b", WEFT_SHAPE(l.dirs, 2 * wide)),
                      .h0 = l.h0,
                      .c0 = k == LSTM ? l.c0 : WEFT_NONE,
                      .lengths = l.lengths};
    l.y = k == RNN    ? weft_rnn(l.g, l.x, &in, &o, NULL)
          : k == LSTM ? weft_lstm(l.g, l.x, &in, &o, NULL, &l.cn)
                      : weft_gru(l.g, l.x, &in, &o, NULL);
    if (k == LSTM) weft_output(l.g, l.cn, "cn");
    weft_value each =
        weft_reduce_sum(l.g, weft_mul(l.g, l.y, l.y), 2, (int[]){1, 2}, false);
    weft_plan_opts p = {.batch = n,
                        .loss = weft_reduce_mean(l.g, each, 0, NULL, false),
                        .training = true,
                        .input_gradients = true,
                        .keep_all = true};
    CHECK(!weft_plan_new(l.g, &p, &l.p));
    set_params(&l);
    return l;
}

static void drop_layer(layer *l)
{
    weft_plan_free(l->p);
    weft_graph_free(l->g);
}

/* NULL: zeros. */
static void start(const layer *l, const float *x, const float *h, const float *c,
                  const int32_t *lengths)
{
    static const float zero[MOST * 2 * HIDDEN];
    const size_t states = (size_t)(l->n * l->dirs * HIDDEN);
    int32_t all[MOST];
    for (int i = 0; i < l->n; i++) all[i] = l->t;
    CHECK(!weft_plan_set(l->p, l->x, x, (size_t)(l->n * l->t * IN)));
    CHECK(!weft_plan_set(l->p, l->h0, h ? h : zero, states));
    if (l->k == LSTM) CHECK(!weft_plan_set(l->p, l->c0, c ? c : zero, states));
    CHECK(!weft_plan_set_int(l->p, l->lengths, lengths ? lengths : all, (size_t)l->n));
}

/* |d loss / d h_t|: what a sequence that begins behind t gives back to its initial
 * state, and the loss's own look at y_t. */
static double by_cutting(kind k, const float *x, int t)
{
    float y[STEPS * HIDDEN], c[HIDDEN], back[HIDDEN] = {0};
    double sum = 0;
    layer first = make(k, WEFT_RNN_FORWARD, 1, t + 1);
    start(&first, x, NULL, NULL, NULL);
    CHECK(!weft_plan_forward(first.p));
    CHECK(!weft_plan_get(first.p, first.y, y, (size_t)(t + 1) * HIDDEN));
    if (k == LSTM) CHECK(!weft_plan_get(first.p, first.cn, c, HIDDEN));
    const float *h = y + t * HIDDEN;
    if (t + 1 < STEPS) {
        layer rest = make(k, WEFT_RNN_FORWARD, 1, STEPS - t - 1);
        start(&rest, x + (t + 1) * IN, h, c, NULL);
        CHECK(!weft_plan_forward(rest.p) && !weft_plan_backward(rest.p));
        CHECK(!weft_plan_gradient(rest.p, rest.h0, back, HIDDEN));
        drop_layer(&rest);
    }
    for (int i = 0; i < HIDDEN; i++) sum += pow((double)back[i] + 2 * (double)h[i], 2);
    drop_layer(&first);
    return sqrt(sum);
}

static weft_flow *flow_of(const layer *l, const float *x, const int32_t *lengths)
{
    weft_flow *f = NULL;
    CHECK(!weft_flow_new(l->p, &f));
    start(l, x, NULL, NULL, lengths);
    CHECK(!weft_flow_run(f));
    return f;
}

static void states_have_the_gradient_that_a_cut_shows(void **state)
{
    (void)state;
    float x[STEPS * IN];
    fill(x, STEPS * IN, 1, 1);
    for (kind k = 0; k < KINDS; k++) {
        layer l = make(k, WEFT_RNN_FORWARD, 1, STEPS);
        weft_flow *f = flow_of(&l, x, NULL);
        CHECK(weft_flow_series_total(f) == 1);
        weft_flow_series s = weft_flow_series_at(f, 0);
        CHECK(s.state && !s.reverse && s.steps == STEPS);
        for (int t = 0; t < STEPS; t++) {
            double cut = by_cutting(k, x, t);
            CHECK_NEAR(s.by_step[t] / cut, 1, 1e-5);
            CHECK(s.by_distance[STEPS - 1 - t] == s.by_step[t] && s.samples[t] == 1);
        }
        weft_flow_free(f);
        drop_layer(&l);
    }
}

static void backward_direction_is_the_mirror_image(void **state)
{
    (void)state;
    float x[STEPS * IN], mirror[STEPS * IN];
    fill(x, STEPS * IN, 1, 1);
    for (int t = 0; t < STEPS; t++)
        memcpy(mirror + t * IN, x + (STEPS - 1 - t) * IN, IN * sizeof *x);
    for (kind k = 0; k < KINDS; k++) {
        layer a = make(k, WEFT_RNN_FORWARD, 1, STEPS);
        layer b = make(k, WEFT_RNN_REVERSE, 1, STEPS);
        weft_flow *fa = flow_of(&a, x, NULL), *fb = flow_of(&b, mirror, NULL);
        weft_flow_series sa = weft_flow_series_at(fa, 0), sb = weft_flow_series_at(fb, 0);
        CHECK(sb.reverse);
        for (int t = 0; t < STEPS; t++) {
            CHECK_NEAR(sa.by_step[t], sb.by_step[STEPS - 1 - t], 1e-9);
            CHECK_NEAR(sa.by_distance[t], sb.by_distance[t], 1e-9);
        }
        weft_flow_free(fa);
        weft_flow_free(fb);
        drop_layer(&a);
        drop_layer(&b);
    }
}

static void shorter_samples_count_where_they_have_steps(void **state)
{
    (void)state;
    enum { SHORT = 3 };
    float x[2 * STEPS * IN];
    fill(x, 2 * STEPS * IN, 2, 1);
    for (kind k = 0; k < KINDS; k++) {
        layer both = make(k, WEFT_RNN_BOTH, 2, STEPS), one[2];
        weft_flow *f = flow_of(&both, x, (const int32_t[]){STEPS, SHORT}), *g[2];
        for (int i = 0; i < 2; i++) {
            one[i] = make(k, WEFT_RNN_BOTH, 1, i ? SHORT : STEPS);
            g[i] = flow_of(&one[i], x + i * STEPS * IN, NULL);
        }
        CHECK(weft_flow_series_total(f) == 2);
        for (int d = 0; d < 2; d++) {
            weft_flow_series s = weft_flow_series_at(f, d);
            weft_flow_series a = weft_flow_series_at(g[0], d);
            weft_flow_series b = weft_flow_series_at(g[1], d);
            CHECK(s.reverse == (d == 1));
            for (int t = 0; t < STEPS; t++) {
                bool two = t < SHORT;
                CHECK(s.samples[t] == (two ? 2 : 1));
                double step = two ? (a.by_step[t] + b.by_step[t]) / 2 : a.by_step[t];
                double far =
                    two ? (a.by_distance[t] + b.by_distance[t]) / 2 : a.by_distance[t];
                CHECK_NEAR(s.by_step[t], step, 1e-9);
                CHECK_NEAR(s.by_distance[t], far, 1e-9);
            }
        }
        weft_flow_free(f);
        drop_layer(&both);
        for (int i = 0; i < 2; i++) weft_flow_free(g[i]), drop_layer(&one[i]);
    }
}

RUN_TESTS(TEST(numbers_are_those_made_by_hand),
          TEST(several_batches_count_as_all_their_samples),
          TEST(a_unit_that_is_always_0_is_dead), TEST(saturated_units_are_dead),
          TEST(channels_are_counted_whatever_the_layout),
          TEST(units_are_features_not_steps), TEST(running_statistics_stay),
          TEST(another_plan_is_refused), TEST(states_have_the_gradient_that_a_cut_shows),
          TEST(backward_direction_is_the_mirror_image),
          TEST(shorter_samples_count_where_they_have_steps))
