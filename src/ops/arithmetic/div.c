/* div.c: y = a / b, element by element, broadcast as numpy does. */
#include "ops/arithmetic/binary.h"

WEFT_API weft_value weft_div(weft_graph *g, weft_value a, weft_value b)
{
    return weft__binary_add(g, "div", a, b);
}

static void forward(const weft__op_args *r)
{
    weft__binary_forward(r, KERNELS(r)->div);
}

/* b is the same for all that is summed up in its gradient, and divides the sum. */
static void over_b(void *arg, size_t begin, size_t end)
{
    const weft__op_args *const *at = arg, *r = *at;
    real *db = (real *)r->din[1].data + begin;
    KERNELS(r)->div(db, db, (const real *)r->in[1].data + begin, end - begin, 1, 1);
}
static void backward(const weft__op_args *r)
{
    weft__binary_gradient(r, 0, KERNELS(r)->div, &r->in[1], 1);
    weft__binary_gradient(r, 1, KERNELS(r)->mul, &r->out[0], -1);
    if (r->din[1].data) weft__spread(r->din[1].count, 1, over_b, &r);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_binary(n, weft_div);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value p[2];
    weft__sample_pair(g, rng, 0.5, 2, p);
    return weft_div(g, p[0], p[1]);
}

const weft_op WEFT_OP(div) = {
    .name = "div",
    .onnx = WEFT_ONNX("Div", 14, .read = from_onnx),
    .arity = 2,
    .summary = "y = a / b, element by element, broadcast as numpy does",
    .shape = weft__binary_shape,
    .layout = weft__layout_same,
    .memory = weft__binary_memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 2, /* b: da = dy / b, db = -sum(dy y) / b */
    .saves_out = 1,
    .in_place = true,
    .sample = sample,
};
