/* onnx.h: how an operator speaks to the ONNX reader and writer (store/), without knowing
 * protobuf. */
#ifndef WEFT_SRC_OPS_ONNX_H
#define WEFT_SRC_OPS_ONNX_H

#include "ops/op.h"

/* ---- to_onnx. Without any of these calls the writer emits one node of op->onnx.name
 * with the node's inputs and outputs as they are; most operators only add attributes.
 * ---- */
typedef struct weft__onnx_writer weft__onnx_writer;

void weft__onnx_put_int(weft__onnx_writer *w, const char *attribute, int64_t value);
void weft__onnx_put_ints(weft__onnx_writer *w, const char *attribute, const int *value,
                         int n);
void weft__onnx_put_float(weft__onnx_writer *w, const char *attribute, double value);
void weft__onnx_put_text(weft__onnx_writer *w, const char *attribute, const char *value);
void weft__onnx_put_texts(weft__onnx_writer *w, const char *attribute,
                          const char *const *value, int n);
/* Another op_type or domain than op->onnx.name for this node. */
void weft__onnx_type(weft__onnx_writer *w, const char *op_type);
/* Drops input i and all after it / appends an int64 or float tensor constant as the next
 * input. */
void weft__onnx_keep_inputs(weft__onnx_writer *w, int n);
void weft__onnx_add_ints(weft__onnx_writer *w, const char *suffix, const int *value,
                         int n);
void weft__onnx_add_int(weft__onnx_writer *w, const char *suffix,
                        int64_t value); /* a scalar */
void weft__onnx_add_float(weft__onnx_writer *w, const char *suffix,
                          double value); /* a scalar */
void weft__onnx_add_absent(weft__onnx_writer *w);
/* Appends the node's own input i (after weft__onnx_then: what the first node did not
 * take). */
void weft__onnx_add_input(weft__onnx_writer *w, int i);
/* Appends a list of n floats. */
void weft__onnx_add_floats(weft__onnx_writer *w, const char *suffix, const double *value,
                           int n);
/* Appends a float tensor of that shape, every element `value`. */
void weft__onnx_add_fill(weft__onnx_writer *w, const char *suffix, weft_shape shape,
                         double value);
/* More nodes for one operator: makes the current node write to a fresh temporary, then
 * starts a node of op_type that reads it (and any constants added then) and writes the
 * node's output. */
void weft__onnx_then(weft__onnx_writer *w, const char *op_type);
/* Several nodes in any form. begin drops the node at hand and starts an empty one; end
 * writes it: names[k] is the name of its output k, made up where NULL comes, absent where
 * "" does; the node of op->onnx.name takes the operator's name. give writes it as the one
 * that computes the operator's output k. After a give, nothing is added to the last. */
void weft__onnx_begin(weft__onnx_writer *w, const char *op_type);
void weft__onnx_add_named(weft__onnx_writer *w, const char *name);
void weft__onnx_end(weft__onnx_writer *w, const char **names, int n);
void weft__onnx_give(weft__onnx_writer *w, int k);
/* The name of the node's own input i. No node may be at hand. */
const char *weft__onnx_input_name(weft__onnx_writer *w, int i);
/* What is made from value `lengths`, integers [n], by nodes of its own, written once for
 * all that read it; its name. No node may be at hand.
 * MASK: [n, steps] and ones up to that rank: whether a step is before the length.
 * COLUMN: the lengths as [n, 1]; REAL: as floats; LAST: less one. */
typedef enum weft__onnx_form {
    WEFT_ONNX_MASK,
    WEFT_ONNX_COLUMN,
    WEFT_ONNX_REAL,
    WEFT_ONNX_LAST
} weft__onnx_form;
const char *weft__onnx_steps(weft__onnx_writer *w, int lengths, weft__onnx_form form,
                             int steps, int rank);
/* What ONNX has no place for: a number of at least 0 under that key, kept in the file's
 * metadata with the name of the operator's first output. */
void weft__onnx_put_note(weft__onnx_writer *w, const char *key, int number);
/* Whether anybody reads the operator's output k. */
bool weft__onnx_wants(const weft__onnx_writer *w, int k);
/* The nominal tensors (batch counted as 1) of the node's inputs and outputs. */
const weft__tensor *weft__onnx_in(const weft__onnx_writer *w, int i);
const weft__tensor *weft__onnx_out(const weft__onnx_writer *w, int i);
/* This operator has no ONNX form in this use (a loss): the export fails and says so. */
void weft__onnx_refuse(weft__onnx_writer *w, const char *why);

/* ---- from_onnx: one ONNX node whose op_type is op->onnx.name (or one of the aliases in
 * store/onnx_alias.def). It reads attributes and inputs, calls the public weft_ functions
 * to build, and sets each output. Attributes not asked for are refused by the reader
 * afterwards. ---- */
typedef struct weft__onnx_node weft__onnx_node;

weft_graph *weft__onnx_graph(weft__onnx_node *n);
const char *weft__onnx_op_type(const weft__onnx_node *n);
int weft__onnx_opset(const weft__onnx_node *n);
int weft__onnx_inputs(const weft__onnx_node *n);
int weft__onnx_outputs(const weft__onnx_node *n);
bool weft__onnx_has(const weft__onnx_node *n, const char *attribute);
/* An attribute of the wrong type is remembered as the node's failure; the fallback is
 * returned. */
int64_t weft__onnx_get_int(weft__onnx_node *n, const char *attribute, int64_t fallback);
double weft__onnx_get_float(weft__onnx_node *n, const char *attribute, double fallback);
const char *weft__onnx_get_text(weft__onnx_node *n, const char *attribute,
                                const char *fallback);
/* Text i of a list of texts; NULL when there is none. */
const char *weft__onnx_get_text_at(weft__onnx_node *n, const char *attribute, int i);
/* Copies at most max values; returns how many the attribute has, -1 when absent. */
int weft__onnx_get_ints(weft__onnx_node *n, const char *attribute, int *value, int max);
/* Input i as a value of the graph (WEFT_NONE when absent or empty). An initializer
 * becomes a parameter the first time it is asked for as a value. */
weft_val weft__onnx_value(weft__onnx_node *n, int i);
/* Input i as a constant known now: its int64/int32 or float elements (-1: absent or not
 * constant, or more than max). */
int weft__onnx_const_ints(weft__onnx_node *n, int i, int64_t *value, int max);
int weft__onnx_const_floats(weft__onnx_node *n, int i, double *value, int max);
/* What weft__onnx_put_note wrote for the node's first output; -1: nothing. */
int weft__onnx_note(const weft__onnx_node *n, const char *key);
/* The nominal shape of input i; rank -1 when absent. */
weft_shape weft__onnx_shape(weft__onnx_node *n, int i);
void weft__onnx_set(weft__onnx_node *n, int output, weft_val v);
/* WEFT_EMODEL with "node NAME (OP): ..." in front. */
weft_status weft__onnx_fail(weft__onnx_node *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
