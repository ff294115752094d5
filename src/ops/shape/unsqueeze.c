/* unsqueeze.c: y = x with more dimensions of 1; the axes are y's. */
#include "ops/shape/reshape_view.h"

WEFT_API weft_value weft_unsqueeze(weft_graph *g, weft_value x, int n, const int *axis)
{
    weft__axes_attr a = {.n = n};
    if (n < 0 || n > WEFT_MAX_RANK)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE,
                                              "unsqueeze: %d axes, must be 0 to %d", n,
                                              WEFT_MAX_RANK));
    for (int i = 0; i < n; i++) a.axis[i] = axis[i];
    return weft__node_add(g, "unsqueeze", &a, sizeof a, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__axes_attr *a = node->attr;
    bool fresh[WEFT_MAX_RANK] = {0};
    int dim[WEFT_MAX_RANK], rank = in[0].rank + a->n, k = 0;
    if (rank > WEFT_MAX_RANK)
        return weft__fail(WEFT_ESHAPE, "%s: %d dimensions are more than %d", node->name,
                          rank, WEFT_MAX_RANK);
    for (int i = 0; i < a->n; i++) {
        int axis = a->axis[i];
        weft_status s = weft__check_axis(node, &axis, rank);
        if (s) return s;
        if (fresh[axis])
            return weft__fail(WEFT_ESHAPE, "%s: axis %d is named twice", node->name,
                              axis);
        fresh[axis] = true;
    }
    for (int i = 0; i < rank; i++) dim[i] = fresh[i] ? 1 : in[0].dim[k++];
    out[0].type = in[0].type;
    return weft__set_dims(&out[0], rank, dim);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__axes_attr *a = node->attr;
    if (a->n == 0)
        weft__onnx_type(w, "Identity");
    else
        weft__onnx_add_ints(w, "axes", a->axis, a->n);
}

static weft_status from_onnx(struct weft__onnx_node *node)
{
    int n, axis[WEFT_MAX_RANK];
    weft_status s = weft__onnx_axis_list(node, &n, axis);
    if (s) return s;
    weft__onnx_set(
        node, 0,
        weft_unsqueeze(weft__onnx_graph(node), weft__onnx_value(node, 0), n, axis));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 4, 4);
    int axis[WEFT_MAX_RANK], n = weft__rng_between(rng, 0, 2), rank = s.rank + n;
    for (int i = 0; i < n; i++) {
        int at = i == 0 ? weft__rng_between(rng, 0, rank - 1)
                        : (axis[0] + rank + weft__rng_between(rng, 1, rank - 1)) % rank;
        axis[i] = weft__rng_below(rng, 2) ? at : at - rank;
    }
    return weft_unsqueeze(g, weft__sample_value(g, rng, "x", s), n, axis);
}

const weft_op WEFT_OP(unsqueeze) = {
    .name = "unsqueeze",
    .onnx = WEFT_ONNX("Unsqueeze", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x with more dimensions of 1",
    .shape = shape,
    .layout = weft__reshape_view_layout,
    .forward = weft__reshape_view_forward,
    .backward = weft__reshape_view_backward,
    .in_place = true,
    .grad_in_place = true,
    .view = true,
    .describe = weft__axes_describe,
    .sample = sample,
};
