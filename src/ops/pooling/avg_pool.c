/* avg_pool.c: the mean of each window. */
#include "ops/pooling/pooling.h"

WEFT_API weft_value weft_avg_pool(weft_graph *g, weft_value x, const weft_pool_opts *opts)
{
    return weft__pooling_add(g, "avg_pool", x, opts);
}

/* A window in the padding alone is 0 / its size, but 0 / 0 when the padding does not
 * count. */
static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__pooling *o = node->attr;
    weft__window_axis axis[2];
    weft_status s = weft__pooling_resolve(node, &in[0], !o->exclude_pad, axis);
    if (s) return s;
    return weft__window_result(node, &in[0], in[0].dim[1], axis[0].out, axis[1].out, out);
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

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft__pooling *o = node->attr;
    const weft__window *s = &o->window;
    if (s->dilate[0] != 1 || (s->axes == 2 && s->dilate[1] != 1)) {
        weft__onnx_refuse(w, "AveragePool has no dilations before opset 19");
        return;
    }
    weft__pooling_to_onnx(node, w, false);
    weft__onnx_put_int(w, "count_include_pad", !o->exclude_pad);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_pool_opts o;
    weft_status s = weft__pooling_from_onnx(n, &o);
    if (s) return s;
    o.exclude_pad = weft__onnx_get_int(n, "count_include_pad", 0) == 0;
    weft__onnx_set(n, 0, weft_avg_pool(g, weft__onnx_value(n, 0), &o));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_pool_opts o;
    weft_value x = weft__pooling_sample(g, rng, false, &o);
    o.exclude_pad = weft__rng_below(rng, 2);
    return weft_avg_pool(g, x, &o);
}

const weft_op WEFT_OP(avg_pool) = {
    .name = "avg_pool",
    .onnx = WEFT_ONNX("AveragePool", 11, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "the mean of each window",
    .shape = shape,
    .layout = weft__layout_spatial,
    .prepare = weft__pooling_prepare,
    .prepared = sizeof(weft__pool),
    .forward = forward,
    .backward = backward,
    .pools = true,
    .flops = weft__pooling_flops,
    .describe = weft__pooling_describe,
    .sample = sample,
};
