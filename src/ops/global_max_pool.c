/* global_max_pool.c: the largest of each whole picture. */
#include "ops/pooling.h"

WEFT_API weft_val weft_global_max_pool(weft_graph *g, weft_val x)
{
    return weft__node_add(g, "global_max_pool", NULL, 0, &x, 1, 1);
}

/* saved: where in its picture each maximum lies. */
static void memory(const weft__node *node, const weft__tensor *in,
                   const weft__tensor *out, const void *kernels, bool training,
                   weft__memory *m)
{
    (void)node, (void)in, (void)kernels;
    if (training) m->saved = weft__pooling_index_bytes(&out[0]);
}

static void forward(const weft__run *r)
{
    weft__pool p = weft__pooling_whole(&r->in[0]);
    KERNELS(r)->max_pool(&p, r->out[0].data, r->in[0].data, r->saved, NULL);
}

static void backward(const weft__run *r)
{
    weft__pool p = weft__pooling_whole(&r->in[0]);
    if (r->din[0].data)
        KERNELS(r)->max_pool_backward(&p, r->din[0].data, r->dout[0].data, r->saved);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_set(n, 0, weft_global_max_pool(g, weft__onnx_value(n, 0)));
    return weft_graph_status(g);
}

static weft_val sample(weft_graph *g, weft__rng *rng)
{
    return weft_global_max_pool(g, weft__pooling_global_sample(g, rng));
}

const weft_op WEFT_OP(global_max_pool) = {
    .name = "global_max_pool",
    .onnx = {"GlobalMaxPool", 1},
    .arity = 1,
    .summary = "[n, c, d...] -> [n, c, 1...]: the largest of each picture",
    .shape = weft__pooling_global_shape,
    .layout = weft__layout_spatial,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .flops = weft__pooling_global_flops,
    .from_onnx = from_onnx,
    .sample = sample,
};
