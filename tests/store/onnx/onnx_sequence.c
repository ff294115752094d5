/* onnx_sequence.c: sequences of different lengths in ONNX files: networks for texts
 * come back as the operators that they were, and masks as other tools write them. */
#include "wire.h"

#include "base/rng.h"
#include "weft/weft.h"

#include <math.h>

enum { T = 10, N = 4, WORDS = 30, CLASSES = 3 };

#define SMALL \
    .outputs = CLASSES, .length = T, .embedding = 12, .vocabulary = {WORDS, WORDS, WORDS}
#define SMALL_CNN SMALL, .filters = 10
#define SMALL_RNN SMALL, .hidden = 6
#define SMALL_BOTH SMALL_RNN, .filters = 10

static const struct {
    const char *name;
    weft_zoo_opts o;
} networks[] = {
    {"bag", {SMALL, .streams = 3}},
    {"textcnn", {SMALL_CNN, .bag = true}},
    {"rnn", {SMALL_RNN}},
    {"rnn", {SMALL_RNN, .readout = "mean"}},
    {"bilstm", {SMALL_RNN, .layers = 2}},
    {"bigru", {SMALL_RNN, .readout = "max"}},
    {"cnn-bigru", {SMALL_BOTH, .streams = 3, .bag = true}},
    {"cnn-bigru", {SMALL_BOTH, .pool = 2, .readout = "last"}},
    {"cnn-bigru", {SMALL_BOTH, .form = "parallel", .pool = 3, .kernel = 4}},
    {"cnn-bigru", {SMALL_BOTH, .form = "rnn-first"}},
    {"cnn-bigru", {SMALL_BOTH, .streams = 2, .wide = 3, .wide_dropout = 0.5}},
    {"cnn-bigru-attention", {SMALL_BOTH, .pool = 2}},
};

static void logits(weft_graph *g, float y[N * CLASSES])
{
    static const char *const name[] = {"tokens", "pairs", "triples"};
    const int32_t lengths[N] = {T, 1, 4, 9};
    int32_t ids[N * T];
    weft_plan *p = NULL;
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = N}, &p));
    for (int s = 0; s < 3; s++) {
        weft_value v = weft_find(g, name[s]);
        for (int i = 0; i < N * T; i++) ids[i] = (7 * i + i * i * (s + 1)) % WORDS;
        if (v.id) CHECK(!weft_plan_set_int(p, v, ids, N * T));
    }
    CHECK(!weft_plan_set_int(p, weft_find(g, "lengths"), lengths, N));
    CHECK(!weft_plan_forward(p));
    CHECK(!weft_plan_get(p, weft_output_at(g, 0), y, N * CLASSES));
    weft_plan_free(p);
}

static void same_operators(const weft_graph *a, const weft_graph *b)
{
    weft_graph_row *x = NULL, *y = NULL;
    int n = 0, m = 0;
    CHECK(!weft_graph_rows(a, 1, &x, &n) && !weft_graph_rows(b, 1, &y, &m));
    CHECK(n == m);
    for (int i = 0; i < n; i++) {
        CHECK_TEXT(y[i].op, x[i].op);
        CHECK_TEXT(y[i].name, x[i].name);
        CHECK_TEXT(y[i].shape, x[i].shape);
        CHECK_TEXT(y[i].options, x[i].options);
    }
    free(x);
    free(y);
}

static void networks_for_texts_come_back_as_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        weft_graph *g = weft_graph_new(), *again = NULL, *third = NULL;
        unsigned char *first, *second;
        size_t n, m;
        float a[N * CLASSES], b[N * CLASSES];
        weft_value y;
        CHECK(!weft_zoo_build(g, networks[i].name, &networks[i].o, &y));
        CHECK(!weft_params_init(g, 9));
        CHECK(!weft_onnx_save(g, NULL, test_path("a.onnx")));
        CHECK(!weft_onnx_load(test_path("a.onnx"), NULL, &again, NULL));
        same_operators(g, again);
        CHECK(weft_shape_of(again, weft_find(again, "tokens")).dim[1] == T);
        logits(g, a);
        logits(again, b);
        CHECK(!memcmp(a, b, sizeof a));
        CHECK(!weft_onnx_save(again, NULL, test_path("b.onnx")));
        CHECK(!weft__file_read(test_path("a.onnx"), SIZE_MAX, &first, &n));
        CHECK(!weft__file_read(test_path("b.onnx"), SIZE_MAX, &second, &m));
        CHECK(n == m && !memcmp(first, second, n));
        CHECK(!weft_onnx_load(test_path("b.onnx"), NULL, &third, NULL));
        free(first);
        free(second);
        weft_graph_free(g);
        weft_graph_free(again);
        weft_graph_free(third);
    }
}

/* ---- masks of other tools ---- */

static void integers(wire *graph, const char *name, int rank, const int64_t *dims,
                     const int64_t *data, size_t count)
{
    wire t = wire_tensor(name, 7, rank, dims);
    wire_bytes(&t, 9, data, count * 8);
    wire_message(graph, GRAPH_INITIALIZER, &t);
}

static void node(wire *graph, const char *type, const char *a, const char *b,
                 const char *c, const char *out)
{
    wire n = wire_node(type, out, a, b, out);
    if (c) wire_text(&n, 1, c);
    wire_message(graph, GRAPH_NODE, &n);
}

/* x [N, 3, 2] and its mask "mask3" from lengths; "behind" is a scalar. */
static wire masked(const int64_t steps[3], float behind)
{
    wire g = {0};
    wire_input(&g, "x", DIMS(-1, 3, 2));
    wire l = wire_value("lengths", 7, 1, (const int64_t[]){-1});
    wire_message(&g, GRAPH_INPUT, &l);
    integers(&g, "steps", 2, (const int64_t[]){1, 3}, steps, 3);
    integers(&g, "one", 1, (const int64_t[]){1}, (const int64_t[]){1}, 1);
    integers(&g, "end", 1, (const int64_t[]){1}, (const int64_t[]){-1}, 1);
    wire_weights(&g, "behind", 0, NULL, &behind, 1);
    node(&g, "Unsqueeze", "lengths", "end", NULL, "column");
    node(&g, "Less", "steps", "column", NULL, "mask");
    node(&g, "Unsqueeze", "mask", "end", NULL, "mask3");
    node(&g, "Where", "mask3", "x", "behind", "m");
    return g;
}

/* y of the file for lengths 2 and 3; what is behind the first sample's is NaN. */
static void run(wire *g, const char *op, float y[4])
{
    const float x[12] = {1, -2, 3, -4, NAN, NAN, 7, 8, 9, 1, 2, 3};
    const int32_t lengths[2] = {2, 3};
    weft_graph *graph = NULL;
    weft_plan *p = NULL;
    weft_graph_row *rows = NULL;
    int n;
    wire_output(g, "y");
    wire m = wire_whole(*g);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &graph, NULL));
    CHECK(!weft_graph_rows(graph, 1, &rows, &n));
    CHECK_TEXT(rows[n - 1].op, op);
    CHECK(!weft_plan_new(graph, &(weft_plan_opts){.batch = 2}, &p));
    CHECK(!weft_plan_set(p, weft_find(graph, "x"), x, 12));
    CHECK(!weft_plan_set_int(p, weft_find(graph, "lengths"), lengths, 2));
    CHECK(!weft_plan_forward(p) && !weft_plan_get(p, weft_output_at(graph, 0), y, 4));
    free(rows);
    weft_plan_free(p);
    weft_graph_free(graph);
    free(m.data);
}

static const int64_t counting[3] = {0, 1, 2};

static void reduce(wire *g, const char *type, const char *out)
{
    wire n = wire_node(type, out, "m", !strcmp(type, "ReduceSum") ? "one" : NULL, out);
    if (strcmp(type, "ReduceSum")) wire_attr_ints(&n, "axes", 1, (const int64_t[]){1});
    wire_attr_int(&n, "keepdims", 0);
    wire_message(g, GRAPH_NODE, &n);
}

static void masks_are_recognised(void **state)
{
    float y[4];
    (void)state;
    wire g = masked(counting, -INFINITY);
    reduce(&g, "ReduceMax", "y");
    run(&g, "seq_max", y);
    CHECK(y[0] == 3 && y[1] == -2 && y[2] == 9 && y[3] == 8);

    g = masked(counting, 2.5f); /* not the smallest number: a mask, then the largest */
    reduce(&g, "ReduceMax", "y");
    run(&g, "max", y);
    CHECK(y[0] == 3 && y[1] == 2.5f && y[2] == 9 && y[3] == 8);

    g = masked(counting, 0);
    reduce(&g, "ReduceSum", "sum");
    wire n = wire_node("Cast", "real", "column", NULL, "real");
    wire_attr_int(&n, "to", 1);
    wire_message(&g, GRAPH_NODE, &n);
    node(&g, "Div", "sum", "real", NULL, "y");
    run(&g, "seq_mean", y);
    CHECK(y[0] == 2 && y[1] == -3 && y[2] == 6 && y[3] == 4);

    g = masked(counting, 0);
    node(&g, "Sub", "lengths", "one", NULL, "before");
    node(&g, "Unsqueeze", "before", "one", NULL, "at");
    n = wire_node("GatherND", "y", "x", "at", "y");
    wire_attr_int(&n, "batch_dims", 1);
    wire_message(&g, GRAPH_NODE, &n);
    run(&g, "seq_last", y);
    CHECK(y[0] == 3 && y[1] == -4 && y[2] == 2 && y[3] == 3);
}

static void refused(wire g, const char *message)
{
    weft_graph *graph = NULL;
    wire_output(&g, "y");
    wire m = wire_whole(g);
    CHECK(weft_onnx_parse(m.data, m.n, NULL, &graph, NULL) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), message);
    free(m.data);
}

static void what_is_no_mask_is_refused(void **state)
{
    (void)state;
    wire g = masked((const int64_t[]){0, 2, 1}, 0);
    node(&g, "Relu", "m", NULL, NULL, "y");
    refused(g, "node mask (Less)");

    g = masked(counting, 0);
    node(&g, "Where", "lengths", "x", "behind", "y");
    refused(g, "node y (Where)");

    g = masked(counting, 0);
    node(&g, "Max", "lengths", "lengths", NULL, "y");
    refused(g, "node y (Max)");

    g = masked(counting, 0);
    node(&g, "Relu", "mask3", NULL, NULL, "y");
    refused(g, "node y (Relu)");

    g = masked(counting, 0);
    node(&g, "Add", "lengths", "one", NULL, "more");
    node(&g, "Div", "x", "more", NULL, "y");
    refused(g, "node y (Div)");
}

RUN_TESTS(TEST(networks_for_texts_come_back_as_they_were), TEST(masks_are_recognised),
          TEST(what_is_no_mask_is_refused))
