/* global_avg_pool.c: the mean of each whole picture. */
#include "ops/pooling/pooling.h"

WEFT_API weft_value weft_global_avg_pool(weft_graph *g, weft_value x)
{
    return weft__node_add(g, "global_avg_pool", NULL, 0, &x, 1, 1);
}

static void forward(const weft__op_args *r)
{
    KERNELS(r)->avg_pool(r->prepared, r->out[0].data, r->in[0].data);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data)
        KERNELS(r)->avg_pool_backward(r->prepared, r->din[0].data, r->dout[0].data);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_set(n, 0, weft_global_avg_pool(g, weft__onnx_value(n, 0)));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_global_avg_pool(g, weft__pooling_global_sample(g, rng));
}

const weft_op WEFT_OP(global_avg_pool) = {
    .name = "global_avg_pool",
    .onnx = WEFT_ONNX("GlobalAveragePool", 1, .read = from_onnx),
    .arity = 1,
    .summary = "[n, c, d...] -> [n, c, 1...]: the mean of each picture",
    .shape = weft__pooling_global_shape,
    .layout = weft__layout_spatial,
    .prepare = weft__pooling_global_prepare,
    .prepared = sizeof(weft__pool),
    .forward = forward,
    .backward = backward,
    .pools = true,
    .flops = weft__pooling_global_flops,
    .sample = sample,
};
