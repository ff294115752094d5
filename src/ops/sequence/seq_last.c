/* seq_last.c: the last of the valid steps. */
#include "ops/sequence/seq_pool.h"

#include "ops/common/strided.h"

WEFT_API weft_value weft_seq_last(weft_graph *g, weft_value x, weft_value lengths)
{
    return weft__seq_pool_add(g, "seq_last", x, lengths);
}

static void last(const weft__op_args *r, real *y, const real *x, size_t length, size_t c,
                 int32_t *saved)
{
    (void)r, (void)saved;
    weft__copy_flat(y, x + (length - 1) * c, c);
}

static void forward(const weft__op_args *r)
{
    weft__seq_pool_forward(r, last);
}

static void back(const weft__op_args *r, real *dx, const real *dy, size_t length,
                 size_t c, int32_t *saved)
{
    (void)r, (void)saved;
    weft__fill_zero(dx, (length - 1) * c);
    weft__copy_flat(dx + (length - 1) * c, dy, c);
}

static void backward(const weft__op_args *r)
{
    weft__seq_pool_backward(r, back);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const char *at = NULL;
    int lengths = node->in[SEQ_POOL_LENGTHS];
    weft__onnx_keep_inputs(w, 0);
    if (lengths) at = weft__onnx_steps(w, lengths, WEFT_ONNX_LAST, 0, 0);
    weft__onnx_begin(w, lengths ? "GatherND" : "Gather");
    weft__onnx_add_input(w, SEQ_POOL_X);
    if (lengths)
        weft__onnx_add_named(w, at);
    else
        weft__onnx_add_int(w, "last", weft__onnx_in(w, SEQ_POOL_X)->dim[1] - 1);
    weft__onnx_put_int(w, lengths ? "batch_dims" : "axis", 1);
    weft__onnx_give(w, 0);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft__onnx_lengths l;
    if (weft__onnx_get_int(n, "batch_dims", 0) != 1 || !weft__onnx_lengths_at(n, 1, &l) ||
        l.form != WEFT_ONNX_COLUMN || l.add != -1 || l.stride != 1 ||
        weft__onnx_shape(n, 0).rank != 3)
        return weft__onnx_fail(n, "is supported only for the last steps of sequences");
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_set(n, 0, weft_seq_last(g, weft__onnx_value(n, 0), l.lengths));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 3, 3, &lengths);
    return weft_seq_last(g, x, lengths);
}

const weft_op WEFT_OP(seq_last) = {
    .name = "seq_last",
    .onnx = WEFT_ONNX("GatherND", 13, .read = from_onnx, .write = to_onnx),
    .arity = SEQ_POOL_INPUTS,
    .summary = "y = the last of the valid steps of sequences",
    .shape = weft__seq_pool_shape,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << SEQ_POOL_LENGTHS,
    .sample = sample,
};
