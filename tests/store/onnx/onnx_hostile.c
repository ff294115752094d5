/* onnx_hostile.c: what the ONNX reader does with files that are wrong in one way
 * each. */
#include "wire.h"

#include "weft/store.h"

/* x [1, 4, 8, 8] -> Conv with weight w [4, 4, 3, 3] -> y; attr is added to the node. */
static wire conv(void (*attr)(wire *node))
{
    static const float zeros[144];
    wire g = {0};
    wire_input(&g, "x", DIMS(1, 4, 8, 8));
    wire_weights(&g, "w", DIMS(4, 4, 3, 3), zeros, 144);
    wire n = wire_node("Conv", "c", "x", "w", "y");
    attr(&n);
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_whole(g);
}

static void zero_strides(wire *n)
{
    wire_attr_ints(n, "strides", DIMS(0, 1));
}
static void negative_dilations(wire *n)
{
    wire_attr_ints(n, "dilations", DIMS(-1, 1));
}
static void zero_group(wire *n)
{
    wire_attr_int(n, "group", 0);
}
static void odd_group(wire *n)
{
    wire_attr_int(n, "group", 3);
}
static void wrong_kernel(wire *n)
{
    wire_attr_ints(n, "kernel_shape", DIMS(0, 3));
}
static void three_strides(wire *n)
{
    wire_attr_ints(n, "strides", DIMS(1, 1, 1));
}
static void huge_strides(wire *n)
{
    wire_attr_ints(n, "strides", DIMS(1ll << 40, 1));
}
static void unknown_attribute(wire *n)
{
    wire_attr_int(n, "foo", 1);
}
static void wrong_type(wire *n)
{
    wire_attr_int(n, "strides", 2);
}
static void twice_attribute(wire *n)
{
    wire_attr_int(n, "group", 1);
    wire_attr_int(n, "group", 1);
}

static void lying_type(wire *n)
{
    wire a = {0};
    wire_text(&a, 1, "group");
    wire_int(&a, 3, 1);
    wire_int(&a, 20, 6); /* FLOATS, it says */
    wire_message(n, NODE_ATTRIBUTE, &a);
}

static void unknown_type(wire *n)
{
    wire a = {0};
    wire_text(&a, 1, "group");
    wire_int(&a, 3, 1);
    wire_int(&a, 20, 77);
    wire_message(n, NODE_ATTRIBUTE, &a);
}

#define CONV_CASE(attr) \
    static wire conv_##attr(void) \
    { \
        return conv(attr); \
    }
CONV_CASE(zero_strides)
CONV_CASE(negative_dilations)
CONV_CASE(zero_group)
CONV_CASE(odd_group)
CONV_CASE(wrong_kernel)
CONV_CASE(three_strides)
CONV_CASE(huge_strides)
CONV_CASE(unknown_attribute)
CONV_CASE(wrong_type)
CONV_CASE(twice_attribute)
CONV_CASE(lying_type)
CONV_CASE(unknown_type)

/* ---- O1: no protobuf ---- */

static wire nothing(void)
{
    return (wire){0};
}

static wire words(void)
{
    wire w = {0};
    wire_raw(&w, "this is not a model\n", 20);
    return w;
}

static wire long_number(void)
{
    wire w = {0};
    wire_raw(&w, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
    return w;
}

static wire length_beyond(void)
{
    wire w = {0};
    wire_raw(&w, "\x3a\xff\xff\xff\xff\x0f\x00", 7);
    return w;
}

static wire wrong_wire_type(void)
{
    wire w = {0};
    wire_text(&w, 1, "eight"); /* ir_version as a text */
    return w;
}

static wire two_graphs(void)
{
    wire g = wire_relu(), m = wire_model(&g, 8, 17);
    g = wire_relu();
    wire_message(&m, MODEL_GRAPH, &g);
    return m;
}

static wire nul_in_name(void)
{
    wire g = wire_relu(), n = {0};
    wire_bytes(&n, 3, "a\0b", 3);
    wire_message(&g, GRAPH_NODE, &n);
    return wire_whole(g);
}

/* ---- O2, O3, O4: tensors ---- */

static wire with_tensor(wire t)
{
    wire g = wire_relu();
    wire_message(&g, GRAPH_INITIALIZER, &t);
    return wire_whole(g);
}

static wire unknown_data_type(void)
{
    return with_tensor(wire_tensor("t", 99, DIMS(1)));
}
static wire text_tensor(void)
{
    return with_tensor(wire_tensor("t", 8, DIMS(1)));
}
static wire no_data(void)
{
    return with_tensor(wire_tensor("t", 1, DIMS(2, 3)));
}
static wire negative_dim(void)
{
    return with_tensor(wire_tensor("t", 1, DIMS(2, -3)));
}
static wire nine_dims(void)
{
    return with_tensor(wire_tensor("t", 1, DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1)));
}
static wire overflowing(void)
{
    return with_tensor(wire_tensor("t", 1, DIMS(1ll << 30, 1ll << 30, 1ll << 30)));
}
static wire hundred_gb(void)
{
    return with_tensor(wire_tensor("t", 1, DIMS(25000, 1000000)));
}

static wire short_raw(void)
{
    wire t = wire_tensor("t", 1, DIMS(2, 3));
    wire_bytes(&t, 9, "abcd", 4);
    return with_tensor(t);
}

static wire raw_and_typed(void)
{
    wire t = wire_tensor("t", 1, DIMS(1));
    wire_bytes(&t, 9, "abcd", 4);
    wire_float(&t, 4, 1);
    return with_tensor(t);
}

static wire wrong_list(void)
{
    wire t = wire_tensor("t", 1, DIMS(1));
    wire_int(&t, 7, 3); /* int64_data for a float tensor */
    return with_tensor(t);
}

static wire constant_of_shape(void)
{
    static const int64_t shape[] = {100000, 250000};
    wire g = {0}, t = wire_tensor("s", 7, DIMS(2)), n;
    wire_input(&g, "x", DIMS(1, 4));
    wire_bytes(&t, 9, shape, 16);
    wire_message(&g, GRAPH_INITIALIZER, &t);
    wire_simple(&g, "ConstantOfShape", "fill", "s", "c");
    n = wire_node("Add", "sum", "x", "c", "y");
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire huge_padding(void)
{
    wire g = {0}, n;
    wire_input(&g, "x", DIMS(1, 1, 2, 2));
    n = wire_node("Pad", "p", "x", NULL, "y");
    wire_attr_ints(&n, "pads", DIMS(0, 0, 0, 0, 0, 0, 100000, 100000));
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_model(&g, 4, 9);
}

static wire two_open_dims(void)
{
    static const int64_t shape[] = {-1, -1};
    wire g = {0}, t = wire_tensor("s", 7, DIMS(2)), n;
    wire_input(&g, "x", DIMS(2, 4));
    wire_bytes(&t, 9, shape, 16);
    wire_message(&g, GRAPH_INITIALIZER, &t);
    n = wire_node("Reshape", "re", "x", "s", "y");
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire zero_step(void)
{
    static const char *const name[] = {"starts", "ends", "axes", "steps"};
    static const int64_t value[] = {0, 2, 1, 0};
    wire g = {0}, n = wire_node("Slice", "part", "x", NULL, "y");
    wire_input(&g, "x", DIMS(2, 4));
    for (int i = 0; i < 4; i++) {
        wire t = wire_tensor(name[i], 7, DIMS(1));
        wire_bytes(&t, 9, &value[i], 8);
        wire_message(&g, GRAPH_INITIALIZER, &t);
        wire_text(&n, 1, name[i]);
    }
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire axis_out_of_range(void)
{
    wire g = {0}, n = wire_node("Softmax", "soft", "x", NULL, "y");
    wire_input(&g, "x", DIMS(2, 4));
    wire_attr_int(&n, "axis", 7);
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire empty_tensor(void)
{
    wire g = {0}, n = wire_node("Add", "sum", "x", "e", "y"),
         t = wire_tensor("e", 1, DIMS(0));
    wire_input(&g, "x", DIMS(2, 4));
    wire_bytes(&t, 9, "", 0);
    wire_message(&g, GRAPH_INITIALIZER, &t);
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    return wire_whole(g);
}

/* ---- O6, O7: too much ---- */

static wire many_nodes(void)
{
    wire g = wire_relu();
    for (int i = 0; i < 300000; i++) {
        wire n = {0};
        wire_message(&g, GRAPH_NODE, &n);
    }
    return wire_whole(g);
}

static wire many_initializers(void)
{
    wire g = wire_relu();
    for (int i = 0; i < 1000000; i++) {
        wire t = {0};
        wire_message(&g, GRAPH_INITIALIZER, &t);
    }
    return wire_whole(g);
}

static wire long_name(void)
{
    wire g = wire_relu(), n = {0};
    char *name = calloc(100000, 1);
    memset(name, 'a', 99999);
    wire_text(&n, 3, name);
    wire_message(&g, GRAPH_NODE, &n);
    free(name);
    return wire_whole(g);
}

/* Graph in attribute in node in graph ...; written from the inside. */
static wire nested(void)
{
    wire g = {0};
    for (int i = 0; i < 20; i++) {
        wire a = {0}, n = {0}, outer = {0};
        wire_text(&a, 1, "body");
        wire_message(&a, 6, &g);
        wire_message(&n, NODE_ATTRIBUTE, &a);
        wire_message(&outer, GRAPH_NODE, &n);
        g = outer;
    }
    return wire_whole(g);
}

/* A type of a sequence of a sequence of ..., 100,000 deep: bytes are made from the
 * inside, so that lengths are known. */
static wire deep_type(void)
{
    enum { DEEP = 100000, ROOM = 12 * DEEP };
    unsigned char *p = malloc(ROOM), *at = p + ROOM;
    for (int i = 0; i < 2 * DEEP; i++) {
        size_t n = (size_t)(p + ROOM - at), k = 0;
        unsigned char head[12];
        head[k++] =
            i % 2 ? 4 << 3 | 2 : 1 << 3 | 2; /* TypeProto.sequence_type, .elem_type */
        for (; n > 0x7f; n >>= 7) head[k++] = (unsigned char)(n | 0x80);
        head[k++] = (unsigned char)n;
        at -= k;
        memcpy(at, head, k);
    }
    wire g = wire_relu(), v = {0};
    wire_text(&v, 1, "deep");
    wire_bytes(&v, 2, at, (size_t)(p + ROOM - at));
    wire_message(&g, GRAPH_INPUT, &v);
    free(p);
    return wire_whole(g);
}

/* ---- O8: what is connected to what ---- */

static wire cycle(void)
{
    wire g = wire_relu(), n = wire_node("Add", "first", "x", "b", "a");
    wire_message(&g, GRAPH_NODE, &n);
    wire_simple(&g, "Relu", "second", "a", "b");
    wire_output(&g, "b");
    return wire_whole(g);
}

static wire self_loop(void)
{
    wire g = {0};
    wire_simple(&g, "Relu", "ouroboros", "y", "y");
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire twice_written(void)
{
    wire g = wire_relu();
    wire_simple(&g, "Relu", "other", "x", "y");
    return wire_whole(g);
}

static wire twice_output(void)
{
    wire g = wire_relu();
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire missing_input(void)
{
    wire g = wire_relu();
    wire_simple(&g, "Relu", "lost", "nowhere", "z");
    return wire_whole(g);
}

static wire missing_output(void)
{
    wire g = wire_relu();
    wire_output(&g, "nowhere");
    return wire_whole(g);
}

static wire no_output(void)
{
    wire g = {0};
    wire_input(&g, "x", DIMS(1, 4));
    return wire_whole(g);
}

static wire recursive_function(void)
{
    wire g = {0}, n = wire_node("F", "call", "x", NULL, "y"), inner, f = {0};
    wire_input(&g, "x", DIMS(1, 4));
    wire_text(&n, 7, "own");
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "y");
    wire m = wire_model(&g, 8, 17);
    inner = wire_node("F", "again", "a", NULL, "b");
    wire_text(&inner, 7, "own");
    wire_text(&f, 1, "F");
    wire_text(&f, 4, "a");
    wire_text(&f, 5, "b");
    wire_message(&f, 7, &inner);
    wire_text(&f, 10, "own");
    wire_message(&m, 25, &f);
    return m;
}

/* ---- O10: versions and operators ---- */

static wire unknown_operators(void)
{
    wire g = {0}, n;
    wire_input(&g, "x", DIMS(1, 4));
    wire_simple(&g, "Frobnicate", "a", "x", "1");
    wire_simple(&g, "Frobnicate", "b", "1", "2");
    wire_simple(&g, "Blorp", "c", "2", "3");
    n = wire_node("Gelu", "d", "3", NULL, "4");
    wire_text(&n, 7, "com.microsoft");
    wire_message(&g, GRAPH_NODE, &n);
    wire_output(&g, "4");
    return wire_whole(g);
}

static wire opset_new(void)
{
    wire g = wire_relu();
    return wire_model(&g, 8, 99);
}

static wire opset_old(void)
{
    wire g = wire_relu();
    return wire_model(&g, 8, 3);
}

static wire opset_none(void)
{
    wire g = wire_relu();
    return wire_model(&g, 8, 0);
}

static wire no_graph(void)
{
    return wire_model(NULL, 8, 17);
}

static wire ir_new(void)
{
    wire g = wire_relu();
    return wire_model(&g, 1000, 17);
}

static wire open_dimension(void)
{
    wire g = {0};
    wire_input(&g, "x", DIMS(-1, 3, -1, 4));
    wire_simple(&g, "Relu", "r", "x", "y");
    wire_output(&g, "y");
    return wire_whole(g);
}

static wire text_input(void)
{
    wire g = {0}, v = wire_value("x", 8, DIMS(1));
    wire_message(&g, GRAPH_INPUT, &v);
    wire_simple(&g, "Relu", "r", "x", "y");
    wire_output(&g, "y");
    return wire_whole(g);
}

static const struct wrong {
    const char *name;
    wire (*make)(void);
    weft_status status;
    const char *says;
} wrongs[] = {
    {"O1 empty", nothing, WEFT_EMODEL, "empty"},
    {"O1 a text", words, WEFT_EMODEL, "byte 0"},
    {"O1 endless number", long_number, WEFT_EMODEL, "byte 1: a number has more than ten"},
    {"O1 length beyond the end", length_beyond, WEFT_EMODEL, "byte 0: a field of"},
    {"O1 wrong wire type", wrong_wire_type, WEFT_EMODEL, "\"ir_version\""},
    {"O1 two graphs", two_graphs, WEFT_EMODEL, "a second field \"graph\""},
    {"O1 NUL in a name", nul_in_name, WEFT_EMODEL, "NUL"},
    {"O1 no graph", no_graph, WEFT_EMODEL, "no graph"},
    {"O2 unknown data type", unknown_data_type, WEFT_EMODEL, "tensor t: data type 99"},
    {"O2 tensor of texts", text_tensor, WEFT_EMODEL, "tensor t: data type 8"},
    {"O2 attribute type lies", conv_lying_type, WEFT_EMODEL,
     "node c (Conv): attribute group"},
    {"O2 attribute type unknown", conv_unknown_type, WEFT_EMODEL,
     "attribute group has an"},
    {"O2 attribute type wrong", conv_wrong_type, WEFT_EMODEL,
     "attribute strides is not a list"},
    {"O2 attribute twice", conv_twice_attribute, WEFT_EMODEL,
     "attribute group comes twice"},
    {"O2 attribute unknown", conv_unknown_attribute, WEFT_EMODEL,
     "node c (Conv): attribute foo is not known"},
    {"O2 input of texts", text_input, WEFT_EMODEL, "input \"x\": data type 8"},
    {"O3 no data", no_data, WEFT_EMODEL, "tensor t: has 0 numbers"},
    {"O3 too few data", short_raw, WEFT_EMODEL, "tensor t: has 4 bytes"},
    {"O3 data in the wrong list", wrong_list, WEFT_EMODEL, "tensor t: has 1 numbers"},
    {"O3 raw and typed data", raw_and_typed, WEFT_EMODEL,
     "tensor t: has raw_data and typed"},
    {"O3 negative dimension", negative_dim, WEFT_EMODEL, "tensor t: dimension 1 is -3"},
    {"O3 nine dimensions", nine_dims, WEFT_EMODEL, "tensor t: rank 9"},
    {"O4 overflow", overflowing, WEFT_ENOMEM, "tensor t: too many"},
    {"O4 100 GB tensor", hundred_gb, WEFT_ENOMEM, "tensor t: needs 100000000000 bytes"},
    {"O4 100 GB constant", constant_of_shape, WEFT_ENOMEM,
     "node fill (ConstantOfShape): needs"},
    {"O4 40 GB result", huge_padding, WEFT_ENOMEM, "node p (Pad): needs"},
    {"O5 stride 0", conv_zero_strides, WEFT_EMODEL, "node c (Conv): "},
    {"O5 dilation -1", conv_negative_dilations, WEFT_EMODEL, "node c (Conv): "},
    {"O5 group 0", conv_zero_group, WEFT_EMODEL, "node c (Conv): attribute group is 0"},
    {"O5 group 3 of 4", conv_odd_group, WEFT_EMODEL, "node c (Conv): "},
    {"O5 kernel 0", conv_wrong_kernel, WEFT_EMODEL, "node c (Conv): "},
    {"O5 three strides", conv_three_strides, WEFT_EMODEL, "node c (Conv): "},
    {"O5 stride 2^40", conv_huge_strides, WEFT_EMODEL,
     "node c (Conv): attribute strides"},
    {"O5 axis", axis_out_of_range, WEFT_EMODEL, "node soft (Softmax): "},
    {"O5 step 0", zero_step, WEFT_EMODEL, "the step along axis 1 is 0"},
    {"O5 empty tensor", empty_tensor, WEFT_EMODEL, "node sum (Add): e: dimension 0 is 0"},
    {"O5 two -1", two_open_dims, WEFT_EMODEL, "node re (Reshape): "},
    {"O6 nodes", many_nodes, WEFT_ENOMEM, "nodes allowed"},
    {"O6 initializers", many_initializers, WEFT_ENOMEM, "tensors allowed"},
    {"O6 name", long_name, WEFT_ENOMEM, "a name of 99999 bytes"},
    {"O7 subgraphs", nested, WEFT_EMODEL, "nesting deeper than"},
    {"O7 types", deep_type, WEFT_EMODEL, "nesting deeper than"},
    {"O8 cycle", cycle, WEFT_EMODEL, "cycle through the nodes second, first"},
    {"O8 loop", self_loop, WEFT_EMODEL, "cycle through the nodes ouroboros"},
    {"O8 written twice", twice_written, WEFT_EMODEL,
     "\"y\" comes twice: from r and from other"},
    {"O8 output twice", twice_output, WEFT_EMODEL, "output \"y\" comes twice"},
    {"O8 missing input", missing_input, WEFT_EMODEL,
     "node lost (Relu): nothing gives its input \"nowhere\""},
    {"O8 missing output", missing_output, WEFT_EMODEL, "output \"nowhere\""},
    {"O8 no output", no_output, WEFT_EMODEL, "no output"},
    {"O8 recursive function", recursive_function, WEFT_EMODEL,
     "not supported: own.F (1)"},
    {"O10 operators", unknown_operators, WEFT_EMODEL,
     "not supported: Blorp (1), Frobnicate (2), com.microsoft.Gelu (1)"},
    {"O10 opset too new", opset_new, WEFT_EMODEL, "opset 99 is too new"},
    {"O10 opset too old", opset_old, WEFT_EMODEL, "opset 3 is too old"},
    {"O10 no opset", opset_none, WEFT_EMODEL, "opset_import"},
    {"O10 ir_version", ir_new, WEFT_EMODEL, "ir_version is 1000"},
    {"open dimension", open_dimension, WEFT_EMODEL, "input \"x\": dimension 2 (N)"},
};

static void every_wrong_file_gets_its_message(void **state)
{
    int bad = 0;
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        wire w = wrongs[i].make();
        weft_graph *g = NULL;
        weft_status s =
            weft_onnx_parse(w.data ? w.data : (unsigned char *)"", w.n, NULL, &g, NULL);
        if (s != wrongs[i].status || g || !strstr(weft_last_error(), wrongs[i].says)) {
            print_error("%s: status %d, %s\n", wrongs[i].name, s, weft_last_error());
            bad++;
        }
        free(w.data);
    }
    CHECK(bad == 0);
}

static void the_graph_the_cases_start_from_is_fine(void **state)
{
    (void)state;
    wire w = wire_whole(wire_relu());
    weft_graph *g = NULL;
    CHECK(!weft_onnx_parse(w.data, w.n, NULL, &g, NULL));
    CHECK(weft_node_count(g) == 1);
    CHECK(weft_shape_of(g, weft_find(g, "x")).dim[0] == 0);
    weft_graph_free(g);
    free(w.data);
}

static void a_file_larger_than_the_limit_is_refused(void **state)
{
    (void)state;
    wire w = wire_whole(wire_relu());
    weft_graph *g = NULL;
    CHECK(weft_onnx_parse(w.data, w.n, &(weft_onnx_load_opts){.max_bytes = 10}, &g,
                          NULL) == WEFT_ENOMEM);
    CHECK_HAS(weft_last_error(), "the limit is 10");
    free(w.data);
}

RUN_TESTS(TEST(the_graph_the_cases_start_from_is_fine),
          TEST(every_wrong_file_gets_its_message),
          TEST(a_file_larger_than_the_limit_is_refused))
