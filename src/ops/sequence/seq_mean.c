/* seq_mean.c: the mean of the valid steps. */
#include "ops/reduction/reduce.h"
#include "ops/sequence/seq_pool.h"

#include "ops/common/strided.h"

#include <string.h>

WEFT_API weft_value weft_seq_mean(weft_graph *g, weft_value x, weft_value lengths)
{
    return weft__seq_pool_add(g, "seq_mean", x, lengths);
}

static void mean(const weft__op_args *r, real *y, const real *x, size_t length, size_t c,
                 int32_t *saved)
{
    (void)saved;
    weft__copy_flat(y, x, c);
    for (size_t i = 1; i < length; i++) KERNELS(r)->add(y, y, x + i * c, c, 1, 1);
    KERNELS(r)->scale(y, y, c, (real)(1.0 / (double)length), 0);
}

static void forward(const weft__op_args *r)
{
    weft__seq_pool_forward(r, mean);
}

static void back(const weft__op_args *r, real *dx, const real *dy, size_t length,
                 size_t c, int32_t *saved)
{
    (void)saved;
    KERNELS(r)->scale(dx, dy, c, (real)(1.0 / (double)length), 0);
    for (size_t i = 1; i < length; i++) memcpy(dx + i * c, dx, c * sizeof *dx);
}

static void backward(const weft__op_args *r)
{
    weft__seq_pool_backward(r, back);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const char *x = weft__seq_masked(node, w, SEQ_POOL_X, SEQ_POOL_LENGTHS, 0);
    const char *count = NULL, *sum = NULL;
    int lengths = node->in[SEQ_POOL_LENGTHS];
    if (lengths) count = weft__onnx_steps(w, lengths, WEFT_ONNX_REAL, 0, 0);
    weft__onnx_begin(w, lengths ? "ReduceSum" : "ReduceMean");
    weft__onnx_add_named(w, x);
    if (lengths)
        weft__onnx_add_ints(w, "axes", (int[]){1}, 1);
    else
        weft__onnx_put_ints(w, "axes", (int[]){1}, 1);
    weft__onnx_put_int(w, "keepdims", !lengths);
    weft__onnx_end(w, &sum, 1);
    weft__onnx_begin(w, lengths ? "Div" : "Squeeze");
    weft__onnx_add_named(w, sum);
    if (lengths)
        weft__onnx_add_named(w, count);
    else
        weft__onnx_add_ints(w, "steps", (int[]){1}, 1);
    weft__onnx_give(w, 0);
}

/* A division: the sum over the valid steps by how many there are. */
static bool is_mean(weft__onnx_node *n, weft_value *x, weft_value *lengths)
{
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_lengths l;
    if (!weft__onnx_lengths_at(n, 1, &l) || l.form != WEFT_ONNX_REAL) return false;
    const weft__node *sum = weft__giver(g, weft__onnx_value(n, 0).id, "sum");
    const weft__node *mask = sum ? weft__seq_mask_of(g, sum->in[0], 0) : NULL;
    if (!mask || !weft__reduces_only(sum, 1) || mask->in[1] != l.lengths.id) return false;
    *x = (weft_value){mask->in[0]};
    *lengths = l.lengths;
    return weft__nominal_shape(g, *x).rank == 3;
}

static bool claims(weft__onnx_node *n)
{
    weft_value x, lengths;
    return is_mean(n, &x, &lengths);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_value x, lengths;
    if (is_mean(n, &x, &lengths)) weft__onnx_set(n, 0, weft_seq_mean(g, x, lengths));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 3, 3, &lengths);
    return weft_seq_mean(g, x, lengths);
}

const weft_op WEFT_OP(seq_mean) = {
    .name = "seq_mean",
    .onnx = WEFT_ONNX(.also = "Div", .claims = claims, .read = from_onnx,
                      .write = to_onnx),
    .arity = SEQ_POOL_INPUTS,
    .summary = "y = the mean of the valid steps of sequences",
    .shape = weft__seq_pool_shape,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << SEQ_POOL_LENGTHS,
    .sample = sample,
};
