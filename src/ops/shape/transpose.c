/* transpose.c: y's axis i is x's axis perm[i]. */
#include "ops/common/sample.h"

#include "ops/onnx.h"
#include "ops/shape/transpose.h"
#include "ops/common/strided.h"

#include <stdio.h>
#include <string.h>

typedef weft__transpose_attr options;

WEFT_API weft_value weft_transpose(weft_graph *g, weft_value x, const int *perm)
{
    options o = {.rank = weft__nominal_shape(g, x).rank};
    for (int i = 0; i < o.rank; i++) o.perm[i] = perm ? perm[i] : o.rank - 1 - i;
    return weft__node_add(g, "transpose", &o, sizeof o, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    bool seen[WEFT_MAX_RANK] = {0};
    int dim[WEFT_MAX_RANK];
    for (int i = 0; i < in[0].rank; i++) {
        int from = o->perm[i];
        if (from < 0 || from >= in[0].rank || seen[from])
            return weft__fail(WEFT_ESHAPE, "%s: %d at %d makes no permutation of %d axes",
                              node->name, from, i, in[0].rank);
        seen[from] = true;
        dim[i] = in[0].dim[from];
    }
    if (in[0].type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                          node->name);
    out[0].type = in[0].type;
    return weft__set_dims(&out[0], in[0].rank, dim);
}

/* to (y, or with back x) as the dense tensor, the other as operand 0. */
static void walk(const options *o, const weft__tensor *to, const weft__tensor *from,
                 bool back, weft__strided *w)
{
    size_t own[WEFT_MAX_RANK];
    ptrdiff_t stride[WEFT_MAX_RANK] = {0};
    weft__strides(from, own);
    for (int i = 0; i < to->rank; i++)
        if (back)
            stride[o->perm[i]] = (ptrdiff_t)own[i];
        else
            stride[i] = (ptrdiff_t)own[o->perm[i]];
    weft__strided_begin(w, to);
    weft__strided_add(w, to, stride, 0);
    weft__strided_end(w);
}

/* x stays as it is; y is channels-last when nothing has to move for that. */
static void layout(const weft__node *node, const weft__tensor *in, weft__layout *want,
                   const weft__tensor *out, weft__layout *give)
{
    weft__tensor x = in[0], y = out[0];
    weft__strided w;
    if (want[0] == WEFT_HWIO) want[0] = WEFT_ROW_MAJOR;
    give[0] = WEFT_ROW_MAJOR;
    if (y.rank < 3) return;
    x.layout = want[0];
    y.layout = WEFT_CHANNELS_LAST;
    walk(node->attr, &y, &x, false, &w);
    if (w.rank == 1) give[0] = WEFT_CHANNELS_LAST;
}

typedef struct walks {
    weft__strided there, back;
} walks;

static weft_status prepare(const weft__setup *s)
{
    walks *w = s->prepared;
    walk(s->node->attr, &s->out[0], &s->in[0], false, &w->there);
    walk(s->node->attr, &s->in[0], &s->out[0], true, &w->back);
    return WEFT_OK;
}

static void forward(const weft__op_args *r)
{
    const walks *w = r->prepared;
    weft__strided_copy(&w->there, r->out[0].data, r->in[0].data, 1, KERNELS(r));
}

static void backward(const weft__op_args *r)
{
    const walks *w = r->prepared;
    if (r->din[0].data)
        weft__strided_copy(&w->back, r->din[0].data, r->dout[0].data, 1, KERNELS(r));
}

static int moved_axis(const weft__node *node, int axis)
{
    const options *o = node->attr;
    for (int i = 0; i < o->rank; i++)
        if (o->perm[i] == axis) return i;
    return axis;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    size_t used = 0;
    for (int i = 0; i < o->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? " %d" : "%d", o->perm[i]);
}

WEFT_SHARED weft_value weft__transposed(weft_graph *g, weft_value x, const int *perm)
{
    const weft__node *before = weft__node_of(g, x);
    if (!before || strcmp(before->op->name, "transpose") || !perm)
        return weft_transpose(g, x, perm);
    const options *o = before->attr;
    for (int i = 0; i < o->rank; i++)
        if (perm[i] < 0 || perm[i] >= o->rank || o->perm[perm[i]] != i)
            return weft_transpose(g, x, perm);
    return (weft_value){before->in[0]};
}

WEFT_SHARED const weft__node *weft__transpose_of_steps(const weft_graph *g, int v)
{
    const weft__node *node = weft__giver(g, v, "transpose");
    const options *o = node ? node->attr : NULL;
    return o && o->rank == 3 && o->perm[0] == 0 && o->perm[1] == 2 ? node : NULL;
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const options *o = node->attr;
    weft__onnx_put_ints(w, "perm", o->perm, o->rank);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    int perm[WEFT_MAX_RANK], count = weft__onnx_get_ints(n, "perm", perm, WEFT_MAX_RANK);
    weft_value x = weft__onnx_value(n, 0);
    int rank = weft__nominal_shape(weft__onnx_graph(n), x).rank;
    if (count >= 0 && count != rank)
        return weft__onnx_fail(n, "perm has %d numbers for %d axes", count, rank);
    weft__onnx_set(n, 0,
                   weft__transposed(weft__onnx_graph(n), x, count < 0 ? NULL : perm));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 6);
    int perm[WEFT_MAX_RANK];
    for (int i = 0; i < s.rank; i++) {
        int at = weft__rng_between(rng, 0, i);
        perm[i] = perm[at];
        perm[at] = i;
    }
    return weft_transpose(g, weft__sample_value(g, rng, "x", s),
                          weft__rng_below(rng, 4) ? perm : NULL);
}

const weft_op WEFT_OP(transpose) = {
    .name = "transpose",
    .onnx = WEFT_ONNX("Transpose", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y's axis i is x's axis perm[i]",
    .shape = shape,
    .layout = layout,
    .prepare = prepare,
    .prepared = sizeof(walks),
    .forward = forward,
    .backward = backward,
    .moved_axis = moved_axis,
    .describe = describe,
    .sample = sample,
};
