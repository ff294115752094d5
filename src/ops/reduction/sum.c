/* sum.c: y = the sum of x over axes. */
#include "ops/reduction/reduce.h"

WEFT_API weft_value weft_reduce_sum(weft_graph *g, weft_value x, int n, const int *axis,
                                    bool keep)
{
    return weft__reduce_add(g, "sum", x, n, axis, keep);
}

static void forward(const weft__op_args *r)
{
    weft__reduce_forward(r, false);
}

static void backward(const weft__op_args *r)
{
    weft__reduce_backward(r, false);
}

/* Since opset 13 the axes are an input. */
static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__reduce_attr *a = node->attr;
    if (a->n) weft__onnx_add_ints(w, "axes", a->axis, a->n);
    weft__onnx_put_int(w, "keepdims", a->keep);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_reduce(n, 13, weft_reduce_sum);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft__reduce_sample(g, rng, weft_reduce_sum);
}

const weft_op WEFT_OP(sum) = {
    .name = "sum",
    .onnx = WEFT_ONNX("ReduceSum", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = the sum of x over axes",
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
