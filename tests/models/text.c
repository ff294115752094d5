/* text.c: ready networks for texts: sizes, options, and that no padding and no
 * neighbour changes what a text gives. */
#include "test.h"

#include "base/rng.h"
#include "weft/weft.h"

enum { T = 12, N = 5, WORDS = 50, CLASSES = 3 };

static double params_of(const weft_graph *g)
{
    double n = 0;
    for (int i = 0; i < weft_param_count(g); i++) n += (double)weft_param_at(g, i).count;
    return n;
}

/* The networks that others measure: their sizes are known. */
static void sizes_are_those_of_other_peoples_networks(void **state)
{
    (void)state;
    const struct {
        const char *name;
        weft_zoo_opts o;
        double params;
    } row[] = {
        {"cnn-bigru",
         {.outputs = 10, .pool = 2, .readout = "last"},
         20000 * 128 + 128 * 128 * 3 + 128 + 2 * (384 * 256 + 768) + 2560 + 10},
        {"textcnn",
         {.outputs = 10, .embedding = 300, .filters = 256, .kernel = 2},
         20000 * 300 + 300 * 256 * 9 + 3 * 256 + 7680 + 10},
        {"rnn", {.hidden = 64}, 20000 * 128 + 64 * (128 + 64 + 2) + 2 * 64 + 2},
        {"bag", {.streams = 2, .vocabulary = {100, 300}}, 400 * 64 + 2 * 64 + 2},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        weft_graph *g = weft_graph_new();
        weft_value y;
        CHECK(!weft_zoo_build(g, row[i].name, &row[i].o, &y));
        CHECK_NEAR(params_of(g), row[i].params, 0);
        weft_graph_free(g);
    }
}

/* ---- forms of every network ---- */

typedef struct variant {
    const char *name;
    weft_zoo_opts o;
} variant;

#define SMALL \
    .outputs = CLASSES, .length = T, .embedding = 16, .vocabulary = {WORDS, WORDS, WORDS}
#define SMALL_CNN SMALL, .filters = 12
#define SMALL_RNN SMALL, .hidden = 8

static const variant variants[] = {
    {"bag", {SMALL, .streams = 3}},
    {"textcnn", {SMALL_CNN, .streams = 2}},
    {"textcnn", {SMALL_CNN, .bag = true, .kernel = 2, .dropout = -1}},
    {"rnn", {SMALL_RNN}},
    {"rnn", {SMALL_RNN, .readout = "max"}},
    {"gru", {SMALL_RNN}},
    {"lstm", {SMALL_RNN, .readout = "mean"}},
    {"bilstm", {SMALL_RNN, .layers = 2}},
    {"bigru", {SMALL_RNN, .readout = "last", .layers = 2, .bag = true}},
    {"bigru", {SMALL_RNN, .readout = "mean", .freeze = true}},
    {"cnn-bigru", {SMALL_RNN, .filters = 12, .streams = 3, .bag = true}},
    {"cnn-bigru", {SMALL_RNN, .filters = 12, .pool = 2, .readout = "last"}},
    {"cnn-bigru", {SMALL_RNN, .filters = 12, .pool = 3, .readout = "max"}},
    {"cnn-bigru", {SMALL_RNN, .filters = 12, .form = "parallel", .kernel = 4}},
    {"cnn-bigru", {SMALL_RNN, .filters = 12, .form = "rnn-first", .pool = 2}},
    {"cnn-bigru",
     {SMALL_RNN, .filters = 12, .form = "rnn-first", .readout = "attention"}},
    {"textcnn", {SMALL_CNN, .readout = "max+mean"}},
    {"textcnn", {SMALL_CNN, .readout = "attention"}},
    {"cnn-bigru",
     {SMALL_RNN, .filters = 12, .streams = 2, .wide = 3, .wide_dropout = 0.5}},
    {"bag", {SMALL, .streams = 3, .wide = 2}},
    {"cnn-bigru-attention", {SMALL_RNN, .filters = 12}},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

/* A network with a loss over its logits, planned for some texts of at most t tokens. */
typedef struct net {
    weft_graph *g;
    weft_plan *p;
    weft_value y, loss;
    int streams;
} net;

static net make(const variant *v, int n, int t, bool training)
{
    int deep = v->o.streams ? v->o.streams : 1;
    net m = {.g = weft_graph_new(), .streams = deep > v->o.wide ? deep : v->o.wide};
    weft_zoo_opts o = v->o;
    o.length = t;
    CHECK(!weft_zoo_build(m.g, v->name, &o, &m.y));
    m.loss = weft_reduce_sum(m.g, weft_mul(m.g, m.y, m.y), 0, NULL, false);
    CHECK(!weft_params_init(m.g, 7));
    weft_plan_opts p = {.batch = n, .loss = m.loss, .training = training};
    CHECK(!weft_plan_new(m.g, &p, &m.p));
    return m;
}

static void drop(net *m)
{
    weft_plan_free(m->p);
    weft_graph_free(m->g);
}

static void fill(int32_t *ids)
{
    weft__rng rng = weft__rng_at(test_seed(), WEFT_RNG_TEST, 5);
    for (int i = 0; i < 3 * N * T; i++) ids[i] = (int32_t)weft__rng_below(&rng, WORDS);
}

/* ids [3][n][t] */
static void run(const net *m, const int32_t *ids, const int32_t *length, int n, int t)
{
    static const char *const name[] = {"tokens", "pairs", "triples"};
    size_t count = (size_t)(n * t);
    for (int s = 0; s < m->streams; s++)
        CHECK(!weft_plan_set_int(m->p, weft_find(m->g, name[s]), ids + (size_t)s * count,
                                 count));
    CHECK(!weft_plan_set_int(m->p, weft_find(m->g, "lengths"), length, (size_t)n));
    CHECK(!weft_plan_forward(m->p) && !weft_plan_backward(m->p));
}

static void every_network_trains(void **state)
{
    int32_t ids[3 * N * T], length[N] = {T, 1, 5, 2, 9};
    (void)state;
    fill(ids);
    for (int i = 0; i < VARIANTS; i++) {
        net m = make(&variants[i], N, T, true);
        run(&m, ids, length, N, T);
        CHECK(isfinite(weft_plan_scalar(m.p, m.loss)));
        for (int k = 0; k < weft_param_count(m.g); k++) {
            weft_param_info info = weft_param_at(m.g, k);
            float *x = calloc(info.count, sizeof *x);
            double sum = 0;
            if (!info.trainable) {
                CHECK(variants[i].o.freeze || !strncmp(info.name, "wide_", 5));
                free(x);
                continue;
            }
            CHECK(!weft_param_gradient(m.g, info.value, x, info.count));
            for (size_t j = 0; j < info.count; j++) sum += fabs((double)x[j]);
            if (!(isfinite(sum) && sum > 0))
                print_error("%s: gradient of %s is %g\n", variants[i].name, info.name,
                            sum);
            CHECK(isfinite(sum) && sum > 0);
            free(x);
        }
        drop(&m);
    }
}

/* Text s alone in a network for texts of `most` tokens, behind it other padding. */
static void alone(const variant *v, const int32_t *ids, int s, int length, int most,
                  float *y)
{
    int32_t own[3 * T], whole = length;
    net one = make(v, 1, most, false);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < most; i++)
            own[k * most + i] =
                i < length ? ids[(k * N + s) * T + i] : (int32_t)(i % WORDS);
    run(&one, own, &whole, 1, most);
    CHECK(!weft_plan_get(one.p, one.y, y, CLASSES));
    drop(&one);
}

static void a_text_gives_the_same_bits_alone_and_in_any_batch(void **state)
{
    int32_t ids[3 * N * T], length[N] = {T, 1, 5, 2, 9};
    float y[N * CLASSES], one[CLASSES];
    (void)state;
    fill(ids);
    for (int i = 0; i < VARIANTS; i++) {
        net all = make(&variants[i], N, T, false);
        run(&all, ids, length, N, T);
        CHECK(!weft_plan_get(all.p, all.y, y, N * CLASSES));
        for (int s = 0; s < N; s++)
            for (int most = length[s]; most <= T;
                 most += T - length[s] ? T - length[s] : 1) {
                alone(&variants[i], ids, s, length[s], most, one);
                if (memcmp(one, y + s * CLASSES, sizeof one))
                    print_error("%s (%d): text %d of %d in %d differs\n",
                                variants[i].name, i, s, length[s], most);
                CHECK(!memcmp(one, y + s * CLASSES, sizeof one));
            }
        drop(&all);
    }
}

/* The gradients of a batch do not see what stands behind the texts, nor how much. */
static void padding_changes_no_gradient(void **state)
{
    enum { SHORT = 9 };
    int32_t ids[3 * N * T], cut[3 * N * SHORT], length[N] = {SHORT, 1, 5, 2, 7};
    (void)state;
    fill(ids);
    for (int i = 0; i < 3 * N; i++)
        for (int k = 0; k < SHORT; k++)
            cut[i * SHORT + k] =
                k < length[i % N] ? ids[i * T + k] : (int32_t)(WORDS - 1 - k);
    for (int i = 0; i < VARIANTS; i++) {
        net a = make(&variants[i], N, T, false), b = make(&variants[i], N, SHORT, false);
        run(&a, ids, length, N, T);
        run(&b, cut, length, N, SHORT);
        CHECK(weft_plan_scalar(a.p, a.loss) == weft_plan_scalar(b.p, b.loss));
        for (int k = 0; k < weft_param_count(a.g); k++) {
            weft_param_info info = weft_param_at(a.g, k);
            if (!info.trainable) continue;
            float *x = calloc(info.count, sizeof *x), *y = calloc(info.count, sizeof *y);
            CHECK(!weft_param_gradient(a.g, info.value, x, info.count));
            CHECK(!weft_param_gradient(b.g, weft_param_at(b.g, k).value, y, info.count));
            double worst = 0, most = 1e-3;
            for (size_t j = 0; j < info.count; j++) {
                worst = fmax(worst, fabs((double)x[j] - y[j]));
                most = fmax(most, fabs((double)x[j]));
            }
            if (worst > 2e-6 * most)
                print_error("%s (%d): gradient of %s is off by %g of %g\n",
                            variants[i].name, i, info.name, worst, most);
            CHECK(worst <= 2e-6 * most);
            free(x);
            free(y);
        }
        drop(&a);
        drop(&b);
    }
}

/* ---- options ---- */

static void refuses(const char *name, weft_zoo_opts o, const char *message)
{
    weft_graph *g = weft_graph_new();
    weft_value y;
    CHECK(weft_zoo_build(g, name, &o, &y) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), message);
    weft_graph_free(g);
}

static void what_cannot_be_built_is_told(void **state)
{
    (void)state;
    refuses("cnn-bigruu", (weft_zoo_opts){0}, "Did you mean cnn-bigru?");
    refuses("bigru", (weft_zoo_opts){.readout = "men"}, "Did you mean mean?");
    refuses("cnn-bigru", (weft_zoo_opts){.form = "d"}, "form d is unknown");
    refuses("bag", (weft_zoo_opts){.streams = 4}, "streams is 4, allowed 1 to 3");
    refuses("rnn", (weft_zoo_opts){.hidden = -3}, "hidden is -3");
    refuses("bag", (weft_zoo_opts){.wide = 4}, "wide is 4, allowed 0 to 3");
    refuses("bag", (weft_zoo_opts){.wide = 1, .wide_dropout = 1.5}, "at most 1");
    refuses("rnn", (weft_zoo_opts){.dropout = 1}, "must be below 1");
    refuses("rnn", (weft_zoo_opts){.gate_bias = 1}, "rnn: has no option gate-bias");
    refuses("textcnn", (weft_zoo_opts){.hidden = 8}, "textcnn: has no option hidden");
    refuses("textcnn", (weft_zoo_opts){.readout = "last"}, "no readout last");
    refuses("bag", (weft_zoo_opts){.readout = "max"}, "bag: has no option readout");
    refuses("bigru", (weft_zoo_opts){.form = "parallel"}, "bigru: has no option form");
    refuses("bilstm", (weft_zoo_opts){.pool = 2}, "bilstm: has no option pool");
    refuses("cnn-bigru", (weft_zoo_opts){.form = "rnn-first", .readout = "last"},
            "form rnn-first has no readout last");
    CHECK(weft_zoo_takes("cnn-bigru", "form"));
    CHECK(weft_zoo_takes("bag", "embedding"));
    CHECK(!weft_zoo_takes("bag", "kernel"));
    CHECK(!weft_zoo_takes("lenet5", "embedding"));
    weft_graph *g = weft_graph_new();
    weft_value y;
    CHECK(weft_zoo_build(g, "bigru", NULL, &y) == WEFT_OK);
    CHECK(weft_find(g, "tokens").id == weft_input_at(g, 0).id);
    CHECK(!strcmp(weft_zoo_modality("bag"), "text"));
    CHECK(!strcmp(weft_zoo_modality("lenet5"), "image"));
    CHECK(!weft_zoo_modality("no such thing"));
    weft_graph_free(g);
}

RUN_TESTS(TEST(sizes_are_those_of_other_peoples_networks), TEST(every_network_trains),
          TEST(a_text_gives_the_same_bits_alone_and_in_any_batch),
          TEST(padding_changes_no_gradient), TEST(what_cannot_be_built_is_told))
