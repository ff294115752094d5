/* onnx.h: how an operator speaks to the ONNX reader and writer (store/), without
 * knowing protobuf.
 *
 * What an operator may call is two lists, each row V(name, parameters, arguments) or
 * X(type, name, parameters, arguments). Of each list come a struct of function
 * pointers, which store/ fills in, and the calls weft__onnx_NAME. A writer and a
 * node begin with a pointer to their struct: so operators call nothing of store/,
 * and link without it. */
#ifndef WEFT_SRC_OPS_ONNX_H
#define WEFT_SRC_OPS_ONNX_H

#include "ops/op.h"

/* Forms in which files have lengths of sequences, integers [n]. */
typedef enum weft__onnx_form {
    WEFT_ONNX_NUMBER, /* as they are */
    WEFT_ONNX_COLUMN, /* [n, 1] */
    WEFT_ONNX_REAL,   /* [n, 1], floats */
    WEFT_ONNX_MASK,   /* [n, steps, 1 ...] of that rank: is a step before the length? */
    WEFT_ONNX_LAST    /* less one, [n, 1] */
} weft__onnx_form;

/* ---- write ----
 *
 * Without any of these calls the writer emits one node of hooks->name with the node's
 * inputs and outputs as they are; most operators only add attributes. */
typedef struct weft__onnx_writer weft__onnx_writer;

#define WEFT_ONNX_WRITING(V, X) \
    V(put_int, (weft__onnx_writer * w, const char *attribute, int64_t value), \
      (w, attribute, value)) \
    V(put_ints, (weft__onnx_writer * w, const char *attribute, const int *value, int n), \
      (w, attribute, value, n)) \
    V(put_float, (weft__onnx_writer * w, const char *attribute, double value), \
      (w, attribute, value)) \
    V(put_text, (weft__onnx_writer * w, const char *attribute, const char *value), \
      (w, attribute, value)) \
    V(put_texts, \
      (weft__onnx_writer * w, const char *attribute, const char *const *value, int n), \
      (w, attribute, value, n)) \
    /* Another op_type than hooks->name for this node. */ \
    V(type, (weft__onnx_writer * w, const char *op_type), (w, op_type)) \
    /* Drops input n and all after it. */ \
    V(keep_inputs, (weft__onnx_writer * w, int n), (w, n)) \
    /* Append an input: a constant (its name is the operator's with the suffix after): \
     * n integers, an integer, a float (both scalars), n floats, a float tensor of that \
     * shape with every element `value`; an absent input; the node's own input i (after \
     * `then`: what the first node did not take). */ \
    V(add_ints, (weft__onnx_writer * w, const char *suffix, const int *value, int n), \
      (w, suffix, value, n)) \
    V(add_int, (weft__onnx_writer * w, const char *suffix, int64_t value), \
      (w, suffix, value)) \
    V(add_float, (weft__onnx_writer * w, const char *suffix, double value), \
      (w, suffix, value)) \
    V(add_floats, \
      (weft__onnx_writer * w, const char *suffix, const double *value, int n), \
      (w, suffix, value, n)) \
    V(add_fill, \
      (weft__onnx_writer * w, const char *suffix, weft_shape shape, double value), \
      (w, suffix, shape, value)) \
    V(add_absent, (weft__onnx_writer * w), (w)) \
    V(add_input, (weft__onnx_writer * w, int i), (w, i)) \
    /* More nodes for one operator: makes the current node write to a fresh temporary, \
     * then starts a node of op_type that reads it (and any constants added then) and \
     * writes the node's output. */ \
    V(then, (weft__onnx_writer * w, const char *op_type), (w, op_type)) \
    /* Several nodes in any form. begin drops the node at hand and starts an empty one; \
     * end writes it: names[k] is the name of its output k, made up where NULL comes, \
     * absent where "" does; the node of hooks->name takes the operator's name. give \
     * writes it as the one that computes the operator's output k. After a give, nothing \
     * is added to the last. */ \
    V(begin, (weft__onnx_writer * w, const char *op_type), (w, op_type)) \
    V(add_named, (weft__onnx_writer * w, const char *name), (w, name)) \
    V(end, (weft__onnx_writer * w, const char **names, int n), (w, names, n)) \
    V(give, (weft__onnx_writer * w, int k), (w, k)) \
    /* The name of the node's own input i. No node may be at hand. */ \
    X(const char *, input_name, (weft__onnx_writer * w, int i), (w, i)) \
    /* The name of what is made from value `lengths`, integers [n], in that form, by \
     * nodes of its own, written once for all that read it; steps, rank: of a mask. \
     * No node may be at hand. */ \
    X(const char *, steps, \
      (weft__onnx_writer * w, int lengths, weft__onnx_form form, int steps, int rank), \
      (w, lengths, form, steps, rank)) \
    /* What ONNX has no place for: a number of at least 0 under that key, kept in the \
     * file's metadata with the name of the operator's first output. */ \
    V(put_note, (weft__onnx_writer * w, const char *key, int number), (w, key, number)) \
    /* Whether anybody reads the operator's output k. */ \
    X(bool, wants, (const weft__onnx_writer *w, int k), (w, k)) \
    /* The nominal tensors (batch counted as 1) of the node's inputs and outputs. */ \
    X(const weft__tensor *, in, (const weft__onnx_writer *w, int i), (w, i)) \
    X(const weft__tensor *, out, (const weft__onnx_writer *w, int i), (w, i)) \
    /* This operator has no ONNX form in this use (a loss): fails the export with a \
     * message. */ \
    V(refuse, (weft__onnx_writer * w, const char *why), (w, why))

/*   ---- read ----
 *
 * One ONNX node whose op_type is hooks->name or hooks->also. read asks for
 * attributes and inputs, calls the public weft_ functions to build, and sets each
 * output. Attributes not asked for are refused by the reader afterwards. */
typedef struct weft__onnx_node weft__onnx_node;

/* An input that the file computes from lengths of sequences, integers [n]: (lengths +
 * add) / stride in that form (never channels-last: that is a column with -1 added). */
typedef struct weft__onnx_lengths {
    weft__onnx_form form;
    weft_value lengths;
    int add, stride, steps, rank; /* steps and rank: of a mask */
} weft__onnx_lengths;

#define WEFT_ONNX_READING(V, X) \
    X(weft_graph *, graph, (weft__onnx_node * n), (n)) \
    X(const char *, op_type, (const weft__onnx_node *n), (n)) \
    X(const char *, label, (const weft__onnx_node *n), (n)) /* for messages */ \
    X(int, opset, (const weft__onnx_node *n), (n)) \
    X(int, inputs, (const weft__onnx_node *n), (n)) \
    X(int, outputs, (const weft__onnx_node *n), (n)) \
    X(bool, has, (const weft__onnx_node *n, const char *attribute), (n, attribute)) \
    /* An attribute of the wrong type is remembered as the node's failure; the fallback \
     * is returned. */ \
    X(int64_t, get_int, (weft__onnx_node * n, const char *attribute, int64_t fallback), \
      (n, attribute, fallback)) \
    X(double, get_float, (weft__onnx_node * n, const char *attribute, double fallback), \
      (n, attribute, fallback)) \
    X(const char *, get_text, \
      (weft__onnx_node * n, const char *attribute, const char *fallback), \
      (n, attribute, fallback)) \
    /* Text i of a list of texts; NULL when there is none. */ \
    X(const char *, get_text_at, (weft__onnx_node * n, const char *attribute, int i), \
      (n, attribute, i)) \
    /* Copies at most max values; returns how many the attribute has, -1 when absent. */ \
    X(int, get_ints, (weft__onnx_node * n, const char *attribute, int *value, int max), \
      (n, attribute, value, max)) \
    /* Input i as a value of the graph (WEFT_NONE when absent or empty). An initializer \
     * becomes a parameter the first time it is asked for as a value. */ \
    X(weft_value, value, (weft__onnx_node * n, int i), (n, i)) \
    /* Input i as a constant known now: its int64/int32 or float elements (-1: absent or \
     * not constant, or more than max). */ \
    X(int, const_ints, (weft__onnx_node * n, int i, int64_t *value, int max), \
      (n, i, value, max)) \
    X(int, const_floats, (weft__onnx_node * n, int i, double *value, int max), \
      (n, i, value, max)) \
    /* Whether input i is made from lengths of sequences; *out says how. */ \
    X(bool, lengths_at, (weft__onnx_node * n, int i, weft__onnx_lengths *out), \
      (n, i, out)) \
    /* What put_note wrote for the node's first output; -1: nothing. */ \
    X(int, note, (const weft__onnx_node *n, const char *key), (n, key)) \
    /* The nominal shape of input i; rank -1 when absent. */ \
    X(weft_shape, shape, (weft__onnx_node * n, int i), (n, i)) \
    V(set, (weft__onnx_node * n, int output, weft_value v), (n, output, v))

/* ---- what comes of the lists ---- */

#define WEFT__VOID_MEMBER(name, params, args) void(*name) params;
#define WEFT__MEMBER(type, name, params, args) type(*name) params;
typedef struct weft__onnx_writing {
    WEFT_ONNX_WRITING(WEFT__VOID_MEMBER, WEFT__MEMBER)
} weft__onnx_writing;
typedef struct weft__onnx_reading {
    WEFT_ONNX_READING(WEFT__VOID_MEMBER, WEFT__MEMBER)
} weft__onnx_reading;
#undef WEFT__VOID_MEMBER
#undef WEFT__MEMBER

#define WEFT__VOID_CALL(name, params, args) void weft__onnx_##name params;
#define WEFT__CALL(type, name, params, args) type weft__onnx_##name params;
WEFT_ONNX_WRITING(WEFT__VOID_CALL, WEFT__CALL)
WEFT_ONNX_READING(WEFT__VOID_CALL, WEFT__CALL)
#undef WEFT__VOID_CALL
#undef WEFT__CALL

/* The node that computes v (any value's number), if it is of that operator, or NULL:
 * for what recognises a group of nodes. */
const weft__node *weft__giver(const weft_graph *g, int v, const char *op);
/* WEFT_EMODEL with "node NAME (OP): ..." in front. */
weft_status weft__onnx_fail(weft__onnx_node *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
