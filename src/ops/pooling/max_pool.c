/* max_pool.c: the largest of each window. */
#include "ops/pooling/pooling.h"

WEFT_API weft_value weft_max_pool(weft_graph *g, weft_value x, const weft_pool_opts *opts)
{
    return weft__pooling_add(g, "max_pool", x, opts);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    weft__window_axis axis[2];
    weft_status s = weft__pooling_resolve(node, &in[0], false, axis);
    if (s) return s;
    return weft__window_result(node, &in[0], in[0].dim[1], axis[0].out, axis[1].out, out);
}

static void forward(const weft__op_args *r)
{
    KERNELS(r)->max_pool(r->prepared, r->out[0].data, r->in[0].data, r->saved,
                         r->epilogue);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data)
        KERNELS(r)->max_pool_backward(r->prepared, r->din[0].data, r->dout[0].data,
                                      r->saved);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    weft__pooling_to_onnx(node, w, true);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_pool_opts o;
    weft_status s = weft__pooling_from_onnx(n, &o);
    if (!s && weft__onnx_outputs(n) > 1)
        s = weft__onnx_fail(n, "the second output (Indices) is not supported");
    if (!s && weft__onnx_get_int(n, "storage_order", 0) != 0)
        s = weft__onnx_fail(n, "attribute storage_order must be 0");
    if (s) return s;
    weft__onnx_set(n, 0, weft_max_pool(g, weft__onnx_value(n, 0), &o));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_pool_opts o;
    weft_value x = weft__pooling_sample(g, rng, true, &o);
    return weft_max_pool(g, x, &o);
}

const weft_op WEFT_OP(max_pool) = {
    .name = "max_pool",
    .onnx = WEFT_ONNX("MaxPool", 12, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "the largest of each window",
    .shape = shape,
    .layout = weft__layout_spatial,
    .prepare = weft__pooling_prepare,
    .prepared = sizeof(weft__pool),
    .memory = weft__pooling_index_memory,
    .forward = forward,
    .backward = backward,
    .fuses_epilogue = true,
    .fuse = WEFT_FUSE_LARGEST,
    .pools = true,
    .flops = weft__pooling_flops,
    .describe = weft__pooling_describe,
    .sample = sample,
};
