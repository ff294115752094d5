/* wire.h: builds ONNX files byte by byte, right and wrong ones, without protobuf-c. */
#ifndef WEFT_TEST_WIRE_H
#define WEFT_TEST_WIRE_H

#include "test.h"

typedef struct wire {
    unsigned char *data;
    size_t n, room;
} wire;

static inline void wire_raw(wire *w, const void *data, size_t n)
{
    if (w->n + n > w->room) {
        w->room = (w->n + n) * 2;
        w->data = realloc(w->data, w->room);
    }
    if (n) memcpy(w->data + w->n, data, n);
    w->n += n;
}

static inline void wire_number(wire *w, uint64_t v)
{
    do {
        unsigned char c = (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        wire_raw(w, &c, 1);
        v >>= 7;
    } while (v);
}

/* Fields: a number, bytes, a text, a float, a message (which is freed). */
static inline void wire_int(wire *w, int field, int64_t v)
{
    wire_number(w, (uint64_t)field << 3);
    wire_number(w, (uint64_t)v);
}

static inline void wire_bytes(wire *w, int field, const void *data, size_t n)
{
    wire_number(w, (uint64_t)field << 3 | 2);
    wire_number(w, n);
    wire_raw(w, data, n);
}

static inline void wire_text(wire *w, int field, const char *text)
{
    wire_bytes(w, field, text, strlen(text));
}

static inline void wire_float(wire *w, int field, float v)
{
    wire_number(w, (uint64_t)field << 3 | 5);
    wire_raw(w, &v, 4);
}

static inline void wire_message(wire *w, int field, wire *inner)
{
    wire_bytes(w, field, inner->data, inner->n);
    free(inner->data);
    *inner = (wire){0};
}

/* ---- parts of a model ---- */

enum {
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_ATTRIBUTE = 5
};

/* dims: -1 is the symbol "N". */
static inline wire wire_value(const char *name, int type, int rank, const int64_t *dims)
{
    wire shape = {0}, tensor = {0}, t = {0}, v = {0};
    for (int i = 0; i < rank; i++) {
        wire d = {0};
        if (dims[i] == -1)
            wire_text(&d, 2, "N");
        else
            wire_int(&d, 1, dims[i]);
        wire_message(&shape, 1, &d);
    }
    wire_int(&tensor, 1, type);
    wire_message(&tensor, 2, &shape);
    wire_message(&t, 1, &tensor);
    wire_text(&v, 1, name);
    wire_message(&v, 2, &t);
    return v;
}

static inline void wire_input(wire *graph, const char *name, int rank,
                              const int64_t *dims)
{
    wire v = wire_value(name, 1, rank, dims);
    wire_message(graph, GRAPH_INPUT, &v);
}

static inline void wire_output(wire *graph, const char *name)
{
    wire v = wire_value(name, 1, 0, NULL);
    wire_message(graph, GRAPH_OUTPUT, &v);
}

/* Without its data. */
static inline wire wire_tensor(const char *name, int type, int rank, const int64_t *dims)
{
    wire t = {0};
    for (int i = 0; i < rank; i++) wire_int(&t, 1, dims[i]);
    wire_int(&t, 2, type);
    wire_text(&t, 8, name);
    return t;
}

/* A float tensor of raw_data. */
static inline void wire_weights(wire *graph, const char *name, int rank,
                                const int64_t *dims, const float *data, size_t count)
{
    wire t = wire_tensor(name, 1, rank, dims);
    wire_bytes(&t, 9, data, count * 4);
    wire_message(graph, GRAPH_INITIALIZER, &t);
}

static inline wire wire_node(const char *type, const char *name, const char *in,
                             const char *in2, const char *out)
{
    wire n = {0};
    if (in) wire_text(&n, 1, in);
    if (in2) wire_text(&n, 1, in2);
    if (out) wire_text(&n, 2, out);
    if (name) wire_text(&n, 3, name);
    if (type) wire_text(&n, 4, type);
    return n;
}

static inline void wire_simple(wire *graph, const char *type, const char *name,
                               const char *in, const char *out)
{
    wire n = wire_node(type, name, in, NULL, out);
    wire_message(graph, GRAPH_NODE, &n);
}

static inline void wire_attr_ints(wire *node, const char *name, int n, const int64_t *v)
{
    wire a = {0};
    wire_text(&a, 1, name);
    for (int i = 0; i < n; i++) wire_int(&a, 8, v[i]);
    wire_int(&a, 20, 7);
    wire_message(node, NODE_ATTRIBUTE, &a);
}

static inline void wire_attr_int(wire *node, const char *name, int64_t v)
{
    wire a = {0};
    wire_text(&a, 1, name);
    wire_int(&a, 3, v);
    wire_int(&a, 20, 2);
    wire_message(node, NODE_ATTRIBUTE, &a);
}

static inline void wire_attr_float(wire *node, const char *name, float v)
{
    wire a = {0};
    wire_text(&a, 1, name);
    wire_float(&a, 2, v);
    wire_int(&a, 20, 1);
    wire_message(node, NODE_ATTRIBUTE, &a);
}

static inline wire wire_model(wire *graph, int64_t ir, int64_t opset)
{
    wire m = {0}, o = {0};
    wire_int(&m, 1, ir);
    wire_text(&o, 1, "");
    wire_int(&o, 2, opset);
    if (opset)
        wire_message(&m, 8, &o);
    else
        free(o.data);
    if (graph) wire_message(&m, MODEL_GRAPH, graph);
    return m;
}

#define DIMS(...) \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / 8), (const int64_t[]) \
    { \
        __VA_ARGS__ \
    }

/* The graph y = Relu(x), x [N, 4], to which cases add. */
static inline wire wire_relu(void)
{
    wire g = {0};
    wire_input(&g, "x", DIMS(-1, 4));
    wire_simple(&g, "Relu", "r", "x", "y");
    wire_output(&g, "y");
    return g;
}

static inline wire wire_whole(wire g)
{
    return wire_model(&g, 8, 17);
}

#endif
