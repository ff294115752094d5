/* reshape.c: y = the elements of x, in their order, under another shape. */
#include "ops/shape/reshape_view.h"

#include <stdio.h>
#include <string.h>

WEFT_API weft_value weft_reshape(weft_graph *g, weft_value x, weft_shape shape)
{
    if (shape.rank < 0 || shape.rank > WEFT_MAX_RANK)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE,
                                              "reshape: rank %d is outside "
                                              "0 to %d",
                                              shape.rank, WEFT_MAX_RANK));
    return weft__node_add(g, "reshape", &shape, sizeof shape, &x, 1, 1);
}

static weft_status unfit(const weft__node *node, const weft__tensor *x)
{
    const weft_shape *s = node->attr;
    weft__tensor wanted = {.rank = s->rank};
    char one[128], two[128];
    memcpy(wanted.dim, s->dim, sizeof wanted.dim);
    return weft__fail(WEFT_ESHAPE, "%s: %s does not go into %s", node->name,
                      weft__shape_text(one, sizeof one, x),
                      weft__shape_text(two, sizeof two, &wanted));
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft_shape *s = node->attr;
    int dim[WEFT_MAX_RANK], open = -1;
    size_t count = weft__tensor_count(&in[0]), known = 1;
    for (int i = 0; i < s->rank; i++) {
        dim[i] = s->dim[i] == 0 && i < in[0].rank ? in[0].dim[i] : s->dim[i];
        if (dim[i] == -1 && open < 0)
            open = i;
        else if (dim[i] < 1 || __builtin_mul_overflow(known, (size_t)dim[i], &known))
            return unfit(node, &in[0]);
    }
    if (open >= 0) {
        if (count % known || count / known > INT32_MAX) return unfit(node, &in[0]);
        dim[open] = (int)(count / known);
        known = count;
    }
    if (known != count) return unfit(node, &in[0]);
    out[0].type = in[0].type;
    return weft__set_dims(&out[0], s->rank, dim);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft_shape *s = node->attr;
    weft__tensor t = {.rank = s->rank};
    memcpy(t.dim, s->dim, sizeof t.dim);
    weft__shape_text(text, size, &t);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft_shape *s = node->attr;
    weft__onnx_add_ints(w, "shape", s->dim, s->rank);
}

/* weft_reshape; but what one reshape did and another takes back is as it was. */
static weft_value reshaped(weft_graph *g, weft_value x, weft_shape to)
{
    const weft__node *before = weft__node_of(g, x);
    bool again = before && !strcmp(before->op->name, "reshape");
    weft_value source = {again ? before->in[0] : 0}; /* the node may move */
    weft_value y = weft_reshape(g, x, to);
    if (!y.id || !source.id) return y;
    weft_shape a = weft_shape_of(g, source), b = weft_shape_of(g, y);
    return a.rank == b.rank && !memcmp(a.dim, b.dim, (size_t)a.rank * sizeof *a.dim)
               ? source
               : y;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    int64_t wide[WEFT_MAX_RANK];
    weft_shape s = {.rank = weft__onnx_const_ints(n, 1, wide, WEFT_MAX_RANK)};
    bool zero = weft__onnx_get_int(n, "allowzero", 0) != 0;
    if (s.rank < 0)
        return weft__onnx_fail(n, "shape is no constant of at most %d numbers",
                               WEFT_MAX_RANK);
    for (int i = 0; i < s.rank; i++) {
        if (wide[i] < -1 || wide[i] > INT32_MAX || (zero && wide[i] == 0))
            return weft__onnx_fail(n, "shape has a dimension of %lld",
                                   (long long)wide[i]);
        s.dim[i] = (int)wide[i];
    }
    weft__onnx_set(n, 0, reshaped(weft__onnx_graph(n), weft__onnx_value(n, 0), s));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 5), to = s;
    switch (weft__rng_below(rng, 4)) {
    case 0: /* everything in a row */
        to = WEFT_SHAPE(-1);
        break;
    case 1: /* two neighbours become one */
        if (s.rank > 1) {
            int at = weft__rng_between(rng, 0, s.rank - 2);
            to.dim[at] *= to.dim[at + 1];
            for (int i = at + 1; i + 1 < s.rank; i++) to.dim[i] = s.dim[i + 1];
            to.rank--;
        }
        break;
    case 2: /* the first stays */
        to = WEFT_SHAPE(0, -1, 1);
        break;
    default: /* the other way round */
        for (int i = 0; i < s.rank; i++) to.dim[i] = s.dim[s.rank - 1 - i];
    }
    return weft_reshape(g, weft__sample_value(g, rng, "x", s), to);
}

const weft_op WEFT_OP(reshape) = {
    .name = "reshape",
    .onnx = WEFT_ONNX("Reshape", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = the elements of x under another shape",
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
