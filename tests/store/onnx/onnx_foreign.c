/* onnx_foreign.c: files that other tools might write: data beside the model, odd
 * content, other types, other orders. */
#include "wire.h"

#include "base/log.h"
#include "ops/op.h"
#include "weft/store.h"

#include <fcntl.h>

/* ---- O9: external data ---- */

static weft_status load_external(const char *location, const char *offset,
                                 const char *length, bool allowed)
{
    wire g = {0}, t = wire_tensor("w", 1, DIMS(1, 4)), n, e[3] = {{0}};
    const char *keys[] = {"location", "offset", "length"};
    const char *values[] = {location, offset, length};
    for (int i = 0; i < 3; i++) {
        if (!values[i]) continue;
        wire_text(&e[i], 1, keys[i]);
        wire_text(&e[i], 2, values[i]);
        wire_message(&t, 13, &e[i]);
    }
    wire_int(&t, 14, 1);
    wire_input(&g, "x", DIMS(1, 4));
    wire_message(&g, GRAPH_INITIALIZER, &t);
    n = wire_node("Add", "sum", "x", "w", "y");
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    wire m = wire_whole(g);
    const char *path = test_path("house/m.onnx");
    test_write(path, m.data, m.n);
    weft_graph *loaded = NULL;
    weft_status s = weft_onnx_load(
        path, &(weft_onnx_load_opts){.allow_external = allowed}, &loaded, NULL);
    if (!s) {
        float w[4];
        CHECK(!weft_param_get(loaded, weft_find(loaded, "w"), w, 4));
        CHECK(w[0] == 2 && w[3] == 5);
    }
    weft_graph_free(loaded);
    free(m.data);
    return s;
}

static void external_data_stay_in_the_folder_of_the_model(void **state)
{
    static const float data[] = {1, 2, 3, 4, 5};
    char absolute[300];
    (void)state;
    CHECK(!weft__make_folders(test_path("house/room")));
    test_write(test_path("house/room/w.bin"), data, sizeof data);
    test_write(test_path("out.bin"), data, sizeof data);
    test_write(test_path("house/two.bin"), data, sizeof data);
    CHECK(!link(test_path("house/two.bin"), test_path("second")));
    CHECK(!symlink("../out.bin", test_path("house/link.bin")));
    CHECK(!symlink("..", test_path("house/up")));
    CHECK(!symlink("/dev/zero", test_path("house/zero")));
    CHECK(!mkfifo(test_path("house/pipe"), 0600));
    snprintf(absolute, sizeof absolute, "%s", test_path("out.bin"));

    CHECK(!load_external("room/w.bin", "4", "16", true));
    CHECK(!load_external("room/w.bin", "4", NULL, true));
    CHECK(load_external("room/w.bin", "4", "16", false) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "not allowed here");

    const char *outside[] = {"../out.bin", absolute,      "room/../../out.bin",
                             "link.bin",   "up/out.bin",  "zero",
                             "pipe",       "two.bin",     "",
                             ".",          "room//w.bin", "room\\w.bin"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        CHECK(load_external(outside[i], "4", "16", true) == WEFT_EMODEL);
        CHECK_HAS(weft_last_error(), "outside the model's folder");
    }
    const char *numbers[][2] = {{"-4", "16"},
                                {"4", "-16"},
                                {"8", "16"},
                                {"99", "16"},
                                {"4", "15"},
                                {"4x", "16"},
                                {"9223372036854775807", "16"},
                                {"99999999999999999999", "16"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK(load_external("room/w.bin", numbers[i][0], numbers[i][1], true) ==
              WEFT_EMODEL);
        CHECK_HAS(weft_last_error(), "tensor w");
    }
    CHECK(load_external("gone.bin", "0", "16", true) == WEFT_EMODEL);
}

/* ---- O11: odd content that is allowed, with a warning ---- */

/* What parsing says on stderr. Static memory. */
static const char *said_while_loading(wire *m)
{
    static char text[4096];
    const char *path = test_path("stderr");
    weft_graph *g = NULL;
    fflush(stderr);
    int before = dup(2), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(before >= 0 && file >= 0 && dup2(file, 2) == 2);
    weft_status s = weft_onnx_parse(m->data, m->n, NULL, &g, NULL);
    fflush(stderr);
    CHECK(dup2(before, 2) == 2);
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    close(before);
    close(file);
    CHECK(!s);
    weft_graph_free(g);
    return text;
}

static void odd_weights_and_names_load_with_a_warning(void **state)
{
    const float weights[] = {NAN, INFINITY, 2, 3};
    (void)state;
    wire p = {0}, n = wire_node("Add", "<script>", "x", "w\x1b[2J", "y");
    wire_input(&p, "x", DIMS(1, 4));
    wire_weights(&p, "w\x1b[2J", DIMS(1, 4), weights, 4);
    wire_message(&p, GRAPH_NODE, &n);
    wire_output(&p, "y");
    wire m = wire_whole(p);
    const char *text = said_while_loading(&m);
    CHECK_HAS(text, "tensor w\\x1b[2J: 2 of 4 numbers are not finite");
    CHECK_HAS(text, "1 names in the model have control characters");
    CHECK(!strchr(text, '\x1b'));
    free(m.data);
}

static void a_batch_norm_with_odd_statistics_warns(void **state)
{
    static const float zero[2], one[] = {1, 1}, negative[] = {1, -1};
    (void)state;
    wire p = {0}, n = wire_node("BatchNormalization", "bn", "x", "scale", "y");
    wire_text(&n, 1, "bias");
    wire_text(&n, 1, "mean");
    wire_text(&n, 1, "var");
    wire_input(&p, "x", DIMS(-1, 2, 3, 3));
    wire_weights(&p, "scale", DIMS(2), zero, 2);
    wire_weights(&p, "bias", DIMS(2), one, 2);
    wire_weights(&p, "mean", DIMS(2), one, 2);
    wire_weights(&p, "var", DIMS(2), negative, 2);
    wire_message(&p, GRAPH_NODE, &n);
    wire_output(&p, "y");
    wire m = wire_whole(p);
    const char *text = said_while_loading(&m);
    CHECK_HAS(text, "tensor var: 1 variances are negative");
    CHECK_HAS(text, "tensor scale: all scales are 0");
    free(m.data);
}

static void messages_escape_names(void **state)
{
    weft_graph *g = NULL;
    (void)state;
    wire p = wire_relu();
    wire_simple(&p, "Relu", "esc\x1b[2J", "nowhere\n", "z");
    wire m = wire_whole(p);
    CHECK(weft_onnx_parse(m.data, m.n, NULL, &g, NULL) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "esc\\x1b[2J");
    CHECK_HAS(weft_last_error(), "nowhere\\x0a");
    free(m.data);
}

/* ---- what is unusual, and right ---- */

static void nodes_in_any_order_are_sorted(void **state)
{
    weft_graph *g = NULL;
    (void)state;
    wire p = {0};
    wire_input(&p, "x", DIMS(-1, 4));
    wire_simple(&p, "Tanh", "last", "b", "y");
    wire_simple(&p, "Relu", "first", "x", "a");
    wire_simple(&p, "Sigmoid", "second", "a", "b");
    wire_simple(&p, "Frobnicate", "dead", "a", "nobody");
    wire_output(&p, "y");
    wire m = wire_whole(p);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
    CHECK(weft_node_count(g) == 3); /* and what no output needs is left out */
    weft_graph_free(g);
    free(m.data);
}

static void an_initializer_may_be_an_input_too(void **state)
{
    static const float one[] = {1, 2, 3, 4};
    weft_graph *g = NULL;
    (void)state;
    wire p = {0}, n = wire_node("Add", "sum", "x", "w", "y");
    wire_input(&p, "x", DIMS(-1, 4));
    wire_input(&p, "w", DIMS(4));
    wire_weights(&p, "w", DIMS(4), one, 4);
    wire_message(&p, GRAPH_NODE, &n);
    wire_output(&p, "y");
    wire m = wire_model(&p, 3, 9);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
    CHECK(weft_input_count(g) == 1);
    CHECK(weft_param_count(g) == 1);
    weft_graph_free(g);
    free(m.data);
}

static void other_float_types_become_float32(void **state)
{
    static const double wide[] = {1.5, -2, 0.1, 1e-300};
    static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7c00};
    float w[4], h[4];
    weft_graph *g = NULL;
    (void)state;
    wire p = {0}, t = wire_tensor("w", 11, DIMS(4)), u = wire_tensor("h", 10, DIMS(4));
    wire n = wire_node("Add", "sum", "x", "w", "a"),
         n2 = wire_node("Add", "sum2", "a", "h", "y");
    wire_bytes(&t, 9, wide, sizeof wide);
    wire_bytes(&u, 9, half, sizeof half);
    wire_input(&p, "x", DIMS(-1, 4));
    wire_message(&p, GRAPH_INITIALIZER, &t);
    wire_message(&p, GRAPH_INITIALIZER, &u);
    wire_message(&p, GRAPH_NODE, &n);
    wire_message(&p, GRAPH_NODE, &n2);
    wire_output(&p, "y");
    wire m = wire_whole(p);
    weft_set_quiet(2);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
    weft_set_quiet(0);
    CHECK(!weft_param_get(g, weft_find(g, "w"), w, 4));
    CHECK(w[0] == 1.5f && w[1] == -2 && w[2] == 0.1f && w[3] == 0);
    CHECK(!weft_param_get(g, weft_find(g, "h"), h, 4));
    CHECK(h[0] == 1 && h[1] == -2 && h[2] == ldexpf(1, -24) && isinf(h[3]));
    weft_graph_free(g);
    free(m.data);
}

/* torch's view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat, Reshape. */
static void shape_arithmetic_is_computed_while_reading(void **state)
{
    static const int64_t zero = 0, minus = -1;
    weft_graph *g = NULL;
    (void)state;
    wire p = {0}, t = wire_tensor("zero", 7, 0, NULL),
         u = wire_tensor("rest", 7, DIMS(1)), n;
    wire_bytes(&t, 9, &zero, 8);
    wire_bytes(&u, 9, &minus, 8);
    wire_input(&p, "x", DIMS(-1, 3, 2, 2));
    wire_message(&p, GRAPH_INITIALIZER, &t);
    wire_message(&p, GRAPH_INITIALIZER, &u);
    wire_simple(&p, "Shape", "shape", "x", "s");
    n = wire_node("Gather", "gather", "s", "zero", "n");
    wire_message(&p, GRAPH_NODE, &n);
    n = wire_node("Unsqueeze", "unsqueeze", "n", NULL, "v");
    wire_attr_ints(&n, "axes", DIMS(0));
    wire_message(&p, GRAPH_NODE, &n);
    n = wire_node("Concat", "concat", "v", "rest", "target");
    wire_attr_int(&n, "axis", 0);
    wire_message(&p, GRAPH_NODE, &n);
    n = wire_node("Reshape", "view", "x", "target", "y");
    wire_message(&p, GRAPH_NODE, &n);
    wire_output(&p, "y");
    wire m = wire_model(&p, 6, 11);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
    CHECK(weft_node_count(g) == 1);
    weft_shape s = weft_shape_of(g, weft_output_at(g, 0));
    CHECK(s.rank == 2 && s.dim[0] == 0 && s.dim[1] == 12);
    weft_graph_free(g);
    free(m.data);
}

/* ONNX divides whole numbers towards zero: -7 / 2 is -3, so that -3 + 15 rows are
 * 12. */
static void whole_numbers_are_divided_towards_zero(void **state)
{
    static const int64_t numbers[][2] = {{-1, -7}, {1, 2}, {0, 15}};
    static const char *const name[] = {"top", "by", "plus"};
    weft_graph *g = NULL;
    (void)state;
    wire p = {0}, n;
    wire_input(&p, "x", DIMS(-1, 3, 2, 2));
    for (int i = 0; i < 3; i++) {
        wire t = wire_tensor(name[i], 7, DIMS(2));
        wire_bytes(&t, 9, numbers[i], sizeof numbers[i]);
        wire_message(&p, GRAPH_INITIALIZER, &t);
    }
    n = wire_node("Div", "div", "top", "by", "part");
    wire_message(&p, GRAPH_NODE, &n);
    n = wire_node("Add", "add", "part", "plus", "target");
    wire_message(&p, GRAPH_NODE, &n);
    n = wire_node("Reshape", "view", "x", "target", "y");
    wire_message(&p, GRAPH_NODE, &n);
    wire_output(&p, "y");
    wire m = wire_model(&p, 6, 11);
    CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
    weft_shape s = weft_shape_of(g, weft_output_at(g, 0));
    CHECK(s.rank == 2 && s.dim[0] == 0 && s.dim[1] == 12);
    weft_graph_free(g);
    free(m.data);
}

/* ---- activations as other tools write them ---- */

typedef struct spelling {
    const char *op; /* what it is here */
    int opset;
    const char *node[3][4]; /* type, inputs, output */
} spelling;

static const spelling spellings[] = {
    {"square", 17, {{"Pow", "x", "two", "y"}}},
    {"square", 17, {{"Mul", "x", "x", "y"}}},
    {"mish", 18, {{"Mish", "x", NULL, "y"}}},
    {"mish",
     17,
     {{"Softplus", "x", NULL, "a"}, {"Tanh", "a", NULL, "b"}, {"Mul", "x", "b", "y"}}},
    {"log_sigmoid", 17, {{"Sigmoid", "x", NULL, "a"}, {"Log", "a", NULL, "y"}}},
    {"reciprocal", 17, {{"Reciprocal", "x", NULL, "y"}}},
    {"relu", 17, {{"Relu", "x", NULL, "y"}}},
    /* the same shape of group, another function */
    {"mul",
     17,
     {{"Softplus", "x", NULL, "a"}, {"Sigmoid", "a", NULL, "b"}, {"Mul", "x", "b", "y"}}},
    {"neg", 17, {{"Softplus", "x", NULL, "a"}, {"Neg", "a", NULL, "y"}}},
    {"mul", 17, {{"Mul", "x", "two", "y"}}},
};

static void activations_of_other_tools_are_one_operator(void **state)
{
    static const float two = 2;
    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        const spelling *s = &spellings[i];
        weft_graph *g = NULL;
        wire p = {0};
        wire_input(&p, "x", DIMS(-1, 4));
        wire_weights(&p, "two", 0, NULL, &two, 1);
        for (int k = 0; k < 3 && s->node[k][0]; k++) {
            const char *const *n = s->node[k];
            wire node = wire_node(n[0], n[3], n[1], n[2], n[3]);
            wire_message(&p, GRAPH_NODE, &node);
        }
        wire_output(&p, "y");
        wire m = wire_model(&p, 8, s->opset);
        CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
        const weft__node *node = weft__node_of(g, weft_output_at(g, 0));
        CHECK_TEXT(node->op->name, s->op);
        if (strcmp(s->op, "mul") && strcmp(s->op, "neg"))
            CHECK(weft__node_of(g, (weft_value){node->in[0]}) == NULL);
        weft_graph_free(g);
        free(m.data);
    }
}

/* Limits 0 and 6, -1 and 1 are activations of their own, as inputs and as attributes. */
static void clip_between_known_limits_is_an_activation(void **state)
{
    static const struct {
        float low, high;
        const char *op;
    } limits[] = {{0, 6, "relu6"}, {-1, 1, "hard_tanh"}, {0, 1, "clip"}, {-1, 6, "clip"}};
    (void)state;
    for (int i = 0; i < 8; i++) {
        weft_graph *g = NULL;
        wire p = {0}, n = {0};
        wire_input(&p, "x", DIMS(-1, 4));
        wire_text(&n, 1, "x");
        if (i % 2) {
            wire_attr_float(&n, "min", limits[i / 2].low);
            wire_attr_float(&n, "max", limits[i / 2].high);
        } else {
            wire_weights(&p, "low", 0, NULL, &limits[i / 2].low, 1);
            wire_weights(&p, "high", 0, NULL, &limits[i / 2].high, 1);
            wire_text(&n, 1, "low");
            wire_text(&n, 1, "high");
        }
        wire_text(&n, 2, "y");
        wire_text(&n, 4, "Clip");
        wire_message(&p, GRAPH_NODE, &n);
        wire_output(&p, "y");
        wire m = wire_model(&p, 6, i % 2 ? 9 : 13);
        CHECK(!weft_onnx_parse(m.data, m.n, NULL, &g, NULL));
        CHECK_TEXT(weft__node_of(g, weft_output_at(g, 0))->op->name, limits[i / 2].op);
        weft_graph_free(g);
        free(m.data);
    }
}

RUN_TESTS(TEST(external_data_stay_in_the_folder_of_the_model),
          TEST(odd_weights_and_names_load_with_a_warning),
          TEST(a_batch_norm_with_odd_statistics_warns), TEST(messages_escape_names),
          TEST(nodes_in_any_order_are_sorted), TEST(an_initializer_may_be_an_input_too),
          TEST(other_float_types_become_float32),
          TEST(shape_arithmetic_is_computed_while_reading),
          TEST(whole_numbers_are_divided_towards_zero),
          TEST(activations_of_other_tools_are_one_operator),
          TEST(clip_between_known_limits_is_an_activation))
