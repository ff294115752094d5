/* mul.c: y = a b, element by element, broadcast as numpy does. */
#include "ops/arithmetic/binary.h"

WEFT_API weft_value weft_mul(weft_graph *g, weft_value a, weft_value b)
{
    return weft__binary_add(g, "mul", a, b);
}

static void forward(const weft__op_args *r)
{
    weft__binary_forward(r, KERNELS(r)->mul);
}

static void backward(const weft__op_args *r)
{
    weft__binary_gradient(r, 0, KERNELS(r)->mul, &r->in[1], 1);
    weft__binary_gradient(r, 1, KERNELS(r)->mul, &r->in[0], 1);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_binary(n, weft_mul);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value p[2];
    weft__sample_pair(g, rng, 0, 0, p);
    return weft_mul(g, p[0], p[1]);
}

const weft_op WEFT_OP(mul) = {
    .name = "mul",
    .onnx = WEFT_ONNX("Mul", 14, .read = from_onnx),
    .arity = 2,
    .summary = "y = a b, element by element, broadcast as numpy does",
    .shape = weft__binary_shape,
    .layout = weft__layout_same,
    .memory = weft__binary_memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 3,
    .sample = sample,
};
