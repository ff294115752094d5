/* mean.c: y = the mean of x over axes. */
#include "ops/reduction/reduce.h"

WEFT_API weft_value weft_reduce_mean(weft_graph *g, weft_value x, int n, const int *axis,
                                     bool keep)
{
    return weft__reduce_add(g, "mean", x, n, axis, keep);
}

static void forward(const weft__op_args *r)
{
    weft__reduce_forward(r, true);
}

static void backward(const weft__op_args *r)
{
    weft__reduce_backward(r, true);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_reduce(n, 18, weft_reduce_mean);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft__reduce_sample(g, rng, weft_reduce_mean);
}

const weft_op WEFT_OP(mean) = {
    .name = "mean",
    .onnx = WEFT_ONNX("ReduceMean", 13, .read = from_onnx, .write = weft__reduce_to_onnx),
    .arity = 1,
    .summary = "y = the mean of x over axes",
    .shape = weft__reduce_shape,
    .layout = weft__reduce_layout,
    .prepare = weft__reduce_prepare,
    .prepared = sizeof(weft__strided),
    .memory = weft__reduce_memory,
    .forward = forward,
    .backward = backward,
    .describe = weft__reduce_describe,
    .sample = sample,
};
