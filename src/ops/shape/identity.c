/* identity.c: y = x. */
#include "ops/common/unary.h"

#include "ops/shape/reshape_view.h"

WEFT_API weft_value weft_identity(weft_graph *g, weft_value x)
{
    return weft__unary_add(g, "identity", x);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    (void)node;
    weft__same_shape(&out[0], &in[0]);
    return WEFT_OK;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_unary(n, weft_identity);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft_identity(g, weft__sample_any(g, rng));
}

const weft_op WEFT_OP(identity) = {
    .name = "identity",
    .onnx = WEFT_ONNX("Identity", 1, .read = from_onnx),
    .arity = 1,
    .summary = "y = x",
    .shape = shape,
    .layout = weft__layout_same,
    .forward = weft__reshape_view_forward,
    .backward = weft__reshape_view_backward,
    .in_place = true,
    .grad_in_place = true,
    .view = true,
    .sample = sample,
};
