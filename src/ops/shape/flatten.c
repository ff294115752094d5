/* flatten.c: y = x as a matrix: the axes before `axis` and those from it on. */
#include "ops/shape/reshape_view.h"

#include <stdio.h>

WEFT_API weft_value weft_flatten(weft_graph *g, weft_value x, int axis)
{
    return weft__node_add(g, "flatten", &axis, sizeof axis, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__tensor *x = &in[0];
    int axis = *(const int *)node->attr, dim[2] = {1, 1};
    if (axis < -x->rank || axis > x->rank)
        return weft__fail(WEFT_ESHAPE, "%s: axis %d is outside a tensor of rank %d",
                          node->name, axis, x->rank);
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++)
        if (__builtin_mul_overflow(dim[i >= axis], x->dim[i], &dim[i >= axis]))
            return weft__fail(WEFT_ESHAPE, "%s: too many elements", node->name);
    out[0].type = x->type;
    return weft__set_dims(&out[0], 2, dim);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    snprintf(text, size, "axis %d", *(const int *)node->attr);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    weft__onnx_put_int(w, "axis", *(const int *)node->attr);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    int64_t axis = weft__onnx_get_int(n, "axis", 1);
    if (axis < -WEFT_MAX_RANK || axis > WEFT_MAX_RANK)
        return weft__onnx_fail(n, "axis %lld is out of range", (long long)axis);
    weft__onnx_set(n, 0,
                   weft_flatten(weft__onnx_graph(n), weft__onnx_value(n, 0), (int)axis));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 5);
    int axis = weft__rng_between(rng, -s.rank, s.rank);
    return weft_flatten(g, weft__sample_value(g, rng, "x", s), axis);
}

const weft_op WEFT_OP(flatten) = {
    .name = "flatten",
    .onnx = WEFT_ONNX("Flatten", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x as a matrix",
    .shape = shape,
    .layout = weft__reshape_view_layout,
    .forward = weft__reshape_view_forward,
    .backward = weft__reshape_view_backward,
    .in_place = true,
    .grad_in_place = true,
    .view = true,
    .describe = describe,
    .sample = sample,
};
