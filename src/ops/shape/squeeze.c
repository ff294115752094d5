/* squeeze.c: y = x without some of its dimensions of 1. */
#include "ops/shape/reshape_view.h"

/* Without axes: all that are 1 for every batch. */
WEFT_API weft_value weft_squeeze(weft_graph *g, weft_value x, int n, const int *axis)
{
    weft__axes_attr a = {.n = n};
    weft_shape s = weft_shape_of(g, x);
    if (n < 0 || n > WEFT_MAX_RANK)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE,
                                              "squeeze: %d axes, must be 0 to %d", n,
                                              WEFT_MAX_RANK));
    for (int i = 0; i < n; i++) a.axis[i] = axis[i];
    for (int i = 0; i < s.rank && n == 0; i++)
        if (s.dim[i] == 1) a.axis[a.n++] = i;
    return weft__node_add(g, "squeeze", &a, sizeof a, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__axes_attr *a = node->attr;
    const weft__tensor *x = &in[0];
    bool drop[WEFT_MAX_RANK] = {0};
    int dim[WEFT_MAX_RANK], rank = 0;
    for (int i = 0; i < a->n; i++) {
        int axis = a->axis[i];
        weft_status s = weft__check_axis(node, &axis, x->rank);
        if (s) return s;
        if (x->dim[axis] != 1)
            return weft__fail(WEFT_ESHAPE, "%s: axis %d is %d, only 1 can be left out",
                              node->name, axis, x->dim[axis]);
        drop[axis] = true;
    }
    for (int i = 0; i < x->rank; i++)
        if (!drop[i]) dim[rank++] = x->dim[i];
    out[0].type = x->type;
    return weft__set_dims(&out[0], rank, dim);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__axes_attr *a = node->attr;
    if (a->n == 0)
        weft__onnx_type(w, "Identity"); /* Squeeze without axes would take the batch */
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
        weft_squeeze(weft__onnx_graph(node), weft__onnx_value(node, 0), n, axis));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 4);
    int axis[WEFT_MAX_RANK], n = 0;
    for (int i = 0; i < s.rank; i++) {
        if (weft__rng_below(rng, 3) == 0) s.dim[i] = 1;
        if (s.dim[i] == 1 && weft__rng_below(rng, 2))
            axis[n++] = weft__rng_below(rng, 2) ? i : i - s.rank;
    }
    return weft_squeeze(g, weft__sample_value(g, rng, "x", s), n, axis);
}

const weft_op WEFT_OP(squeeze) = {
    .name = "squeeze",
    .onnx = WEFT_ONNX("Squeeze", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x without some of its dimensions of 1",
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
