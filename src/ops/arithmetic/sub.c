/* sub.c: y = a - b, broadcast as numpy does. */
#include "ops/arithmetic/binary.h"

WEFT_API weft_value weft_sub(weft_graph *g, weft_value a, weft_value b)
{
    return weft__binary_add(g, "sub", a, b);
}

static void forward(const weft__op_args *r)
{
    weft__binary_forward(r, KERNELS(r)->sub);
}

static void backward(const weft__op_args *r)
{
    weft__binary_gradient(r, 1, NULL, NULL, -1); /* first: din[0] may be dout[0] */
    weft__binary_gradient(r, 0, NULL, NULL, 1);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_binary(n, weft_sub);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value p[2];
    weft__sample_pair(g, rng, 0, 0, p);
    return weft_sub(g, p[0], p[1]);
}

const weft_op WEFT_OP(sub) = {
    .name = "sub",
    .onnx = WEFT_ONNX("Sub", 14, .read = from_onnx),
    .arity = 2,
    .summary = "y = a - b, broadcast as numpy does",
    .shape = weft__binary_shape,
    .layout = weft__layout_same,
    .memory = weft__binary_memory,
    .forward = forward,
    .backward = backward,
    .in_place = true,
    .grad_in_place = true,
    .sample = sample,
};
