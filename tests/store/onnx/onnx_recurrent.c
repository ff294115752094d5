/* onnx_recurrent.c: RNN, GRU, LSTM and Gather as other tools write them, and as they
 * come back. */
#include "wire.h"

#include "weft/weft.h"

#include <math.h>

static void attr_text(wire *node, const char *name, const char *text, bool list)
{
    wire a = {0};
    wire_text(&a, 1, name);
    wire_text(&a, list ? 9 : 4, text);
    wire_int(&a, 20, list ? 8 : 3);
    wire_message(node, NODE_ATTRIBUTE, &a);
}

/* A node of one unit, all weights 1, over x [2, 1, 1]: the graph up to the node. */
static wire begin(int gates)
{
    const float one[4] = {1, 1, 1, 1};
    wire p = {0};
    wire_input(&p, "x", 3, (const int64_t[]){2, 1, 1});
    wire_weights(&p, "W", 3, (const int64_t[]){1, gates, 1}, one, (size_t)gates);
    wire_weights(&p, "R", 3, (const int64_t[]){1, gates, 1}, one, (size_t)gates);
    return p;
}

static wire node(const char *type)
{
    wire n = wire_node(type, "cell", "x", "W", "Y");
    wire_text(&n, 1, "R");
    return n;
}

/* Runs the file over x = 1, -2: y after both steps. */
static void run(wire *p, wire *n, float y[2])
{
    const float x[] = {1, -2};
    weft_graph *g = NULL;
    weft_plan *plan = NULL;
    wire_message(p, GRAPH_NODE, n);
    wire_output(p, "Y");
    wire m = wire_model(p, 8, 14);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
    weft_shape s = weft_shape_of(g, weft_output_at(g, 0));
    CHECK(s.rank == 4 && s.dim[0] == 2 && s.dim[1] == 1 && s.dim[2] == 1 &&
          s.dim[3] == 1);
    CHECK(!weft_plan_new(g, &(weft_plan_opts){0}, &plan));
    CHECK(!weft_plan_set(plan, weft_input_at(g, 0), x, 2) && !weft_plan_forward(plan));
    CHECK(!weft_plan_get(plan, weft_output_at(g, 0), y, 2));
    weft_plan_free(plan);
    weft_graph_free(g);
    free(m.data);
}

static double s(double x)
{
    return 1 / (1 + exp(-x));
}

static void a_bare_rnn_is_time_first_and_tanh(void **state)
{
    float y[2];
    (void)state;
    wire p = begin(1), n = node("RNN");
    run(&p, &n, y);
    CHECK_NEAR(y[0], tanh(1), 1e-6);
    CHECK_NEAR(y[1], tanh(-2 + tanh(1)), 1e-6);
}

static void a_reverse_relu_rnn_starts_at_the_end(void **state)
{
    float y[2];
    (void)state;
    wire p = begin(1), n = node("RNN");
    attr_text(&n, "direction", "reverse", false);
    attr_text(&n, "activations", "Relu", true);
    wire_attr_int(&n, "hidden_size", 1);
    run(&p, &n, y);
    CHECK(y[1] == 0 && y[0] == 1);
}

static void a_gru_resets_before_unless_told(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        float y[2];
        const float bias[6] = {0, 0, 0, 0, 0, 1}; /* the state's, for n */
        wire p = begin(3), n = node("GRU");
        wire_weights(&p, "B", 2, (const int64_t[]){1, 6}, bias, 6);
        wire_text(&n, 1, "B");
        if (after) wire_attr_int(&n, "linear_before_reset", 1);
        run(&p, &n, y);
        double h = (1 - s(1)) * tanh(1 + (after ? s(1) : 1)), z = s(-2 + h);
        double n2 = tanh(-2 + (after ? z * (h + 1) : z * h + 1)); /* here r is z */
        CHECK_NEAR(y[0], h, 1e-6);
        CHECK_NEAR(y[1], (1 - z) * n2 + z * h, 1e-6);
    }
}

static void a_bare_lstm_is_computed(void **state)
{
    float y[2];
    (void)state;
    wire p = begin(4), n = node("LSTM");
    run(&p, &n, y);
    double c = s(1) * tanh(1), h = s(1) * tanh(c), i = s(-2 + h);
    CHECK_NEAR(y[0], h, 1e-6);
    CHECK_NEAR(y[1], i * tanh(i * c + i * tanh(-2 + h)), 1e-6);
}

static void refused(wire *p, wire *n, const char *says)
{
    weft_graph *g = NULL;
    wire_message(p, GRAPH_NODE, n);
    wire_output(p, "Y");
    wire m = wire_model(p, 8, 14);
    CHECK(weft_onnx_parse(m.data, m.n, NULL, &g, NULL) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "node cell");
    CHECK_HAS(weft_last_error(), says);
    free(m.data);
}

static void what_is_not_supported_is_refused_by_name(void **state)
{
    (void)state;
    wire p = begin(3), n = node("GRU");
    attr_text(&n, "direction", "sideways", false);
    refused(&p, &n, "direction \"sideways\"");
    p = begin(3), n = node("GRU");
    attr_text(&n, "activations", "Softsign", true);
    refused(&p, &n, "Softsign");
    p = begin(3), n = node("GRU");
    wire_attr_int(&n, "hidden_size", 9);
    refused(&p, &n, "hidden_size is 9");
    p = begin(4), n = node("LSTM");
    wire_attr_int(&n, "input_forget", 1);
    refused(&p, &n, "input_forget");
    p = begin(1), n = wire_node("RNN", "cell", "x", "W", "Y");
    refused(&p, &n, "R have rank");
}

/* ---- out and back ---- */

static weft_graph *sentences(void)
{
    weft_graph *g = weft_graph_new();
    weft_value words = weft_input_int(g, "words", WEFT_SHAPE(0, 5), 9);
    weft_value lengths = weft_input_int(g, "lengths", WEFT_SHAPE(0), 6), h, c;
    weft_value x =
        weft_embedding(g, words, weft_param(g, "table", WEFT_SHAPE(9, 4)), NULL);
    weft_rnn_in in = {.w = weft_param(g, "w", WEFT_SHAPE(2, 12, 4)),
                      .r = weft_param(g, "r", WEFT_SHAPE(2, 12, 3)),
                      .b = weft_param(g, "b", WEFT_SHAPE(2, 24)),
                      .lengths = lengths,
                      .h0 = weft_input(g, "h0", WEFT_SHAPE(0, 2, 3))};
    weft_rnn_opts o = {.direction = WEFT_RNN_BOTH};
    weft_value y = weft_lstm(g, x, &in, &o, &h, &c);
    in.w = weft_param(g, "w2", WEFT_SHAPE(2, 12, 6));
    in.h0 = h;
    y = weft_lstm(g, y, &in, &o, NULL, &c);
    weft_output(g, weft_reshape(g, c, WEFT_SHAPE(0, -1)), "last");
    weft_output(g, y, "y");
    for (int i = 0; i < weft_param_count(g); i++)
        weft_param_init(g, weft_param_at(g, i).value,
                        &(weft_init_opts){.kind = WEFT_INIT_NORMAL, .std = 0.5});
    CHECK(!weft_graph_status(g) && !weft_params_init(g, 3));
    return g;
}

static void results(weft_graph *g, float last[18], float y[90])
{
    const int32_t words[15] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 5, 0, 0, 0, 0};
    const int32_t lengths[3] = {5, 3, 1};
    float h[18];
    weft_plan *p = NULL;
    for (int i = 0; i < 18; i++) h[i] = (float)i / 20;
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = 3}, &p));
    CHECK(!weft_plan_set_int(p, weft_find(g, "words"), words, 15));
    CHECK(!weft_plan_set_int(p, weft_find(g, "lengths"), lengths, 3));
    CHECK(!weft_plan_set(p, weft_find(g, "h0"), h, 18));
    CHECK(!weft_plan_forward(p) && !weft_plan_get(p, weft_output_at(g, 0), last, 18));
    CHECK(!weft_plan_get(p, weft_output_at(g, 1), y, 90));
    weft_plan_free(p);
}

static void stacked_layers_come_back_without_their_transposes(void **state)
{
    float a[18], b[18], y[90], z[90];
    int before, after;
    weft_graph *g = sentences(), *again = NULL;
    weft_graph_row *rows = NULL;
    (void)state;
    CHECK(!weft_onnx_save(g, NULL, test_path("r.onnx")));
    CHECK(!weft_onnx_load(test_path("r.onnx"), NULL, &again, NULL));
    results(g, a, y);
    results(again, b, z);
    CHECK(!memcmp(a, b, sizeof a) && !memcmp(y, z, sizeof y));
    CHECK(!weft_graph_rows(g, 1, &rows, &before));
    free(rows);
    CHECK(!weft_graph_rows(again, 1, &rows, &after));
    free(rows);
    CHECK(before == 4 && after == 4);
    weft_graph_free(g);
    weft_graph_free(again);
}

RUN_TESTS(TEST(a_bare_rnn_is_time_first_and_tanh),
          TEST(a_reverse_relu_rnn_starts_at_the_end),
          TEST(a_gru_resets_before_unless_told), TEST(a_bare_lstm_is_computed),
          TEST(what_is_not_supported_is_refused_by_name),
          TEST(stacked_layers_come_back_without_their_transposes))
