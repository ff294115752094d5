/* seq_length.c: y = max(1, (x + add) / stride + 1), for lengths after a window. */
#include "ops/sequence/sequence.h"

#include <limits.h>
#include <stdio.h>

WEFT_SHARED weft_value weft__seq_length(weft_graph *g, weft_value x, int add, int stride)
{
    weft__seq_length_attr a = {add, stride};
    if (stride < 1)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE,
                                              "seq_length: stride is %d, must be at "
                                              "least 1",
                                              stride));
    return weft__node_add(g, "seq_length", &a, sizeof a, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    weft__same_shape(&out[0], &in[0]);
    out[0].type = WEFT_I32;
    if (in[0].type == WEFT_I32) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: wants integers, was given real numbers",
                      node->name);
}

static void forward(const weft__op_args *r)
{
    const weft__seq_length_attr *a = r->attr;
    const int32_t *x = r->in[0].data;
    int32_t *y = r->out[0].data;
    for (size_t i = 0; i < r->in[0].count; i++)
        y[i] = weft__seq_shorter(x[i], a->add, a->stride);
}

/* Integers have no gradient. */
static void backward(const weft__op_args *r)
{
    (void)r;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__seq_length_attr *a = node->attr;
    snprintf(text, size, "%+d /%d +1", a->add, a->stride);
}

/* (x + add) / stride + 1 is (x + add + stride) / stride, unless both are below 1. */
static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft__seq_length_attr *a = node->attr;
    (void)node;
    weft__onnx_type(w, "Add");
    weft__onnx_add_int(w, "add", (int64_t)a->add + a->stride);
    if (a->stride > 1) {
        weft__onnx_then(w, "Div");
        weft__onnx_add_int(w, "stride", a->stride);
    }
    weft__onnx_then(w, "Max");
    weft__onnx_add_int(w, "one", 1);
}

WEFT_SHARED bool weft__seq_length_between(const weft_graph *g, int from, int to,
                                          int stride, int *add)
{
    const weft__node *node = weft__giver(g, to, "seq_length");
    *add = -1;
    if (from == to) return stride == 1;
    if (!node || node->in[0] != from) return false;
    const weft__seq_length_attr *a = node->attr;
    *add = a->add;
    return a->stride == stride;
}

/* max((lengths + add) / stride, 1): lengths again. */
static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_lengths l;
    int64_t one = 0;
    int at = weft__onnx_lengths_at(n, 0, &l)   ? 0
             : weft__onnx_lengths_at(n, 1, &l) ? 1
                                               : -1;
    if (at < 0 || weft__onnx_inputs(n) != 2 || l.form != WEFT_ONNX_NUMBER ||
        weft__onnx_const_ints(n, 1 - at, &one, 1) != 1 || one != 1)
        return weft__onnx_fail(n, "is supported only for the lengths of sequences");
    weft__onnx_set(n, 0, weft__seq_length(g, l.lengths, l.add - l.stride, l.stride));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 2, 4, &lengths);
    int stride = weft__rng_between(rng, 1, 3), add = weft__rng_between(rng, -4, 4);
    if (lengths.id) lengths = weft__seq_length(g, lengths, add, stride);
    return weft_seq_mask(g, x, lengths, 0.5);
}

const weft_op WEFT_OP(seq_length) = {
    .name = "seq_length",
    .onnx = WEFT_ONNX("Max", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = max(1, (x + add) / stride + 1), of lengths",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .sample = sample,
};
