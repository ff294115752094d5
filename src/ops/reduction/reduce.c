/* reduce.c: what mean, sum and max over axes have in common. */
#include "ops/reduction/reduce.h"

#include <stdio.h>
#include <string.h>

WEFT_SHARED weft_value weft__reduce_add(weft_graph *g, const char *op, weft_value x,
                                        int n, const int *axis, bool keep)
{
    weft__reduce_attr a = {.n = n, .keep = keep};
    if (n < 0 || n > WEFT_MAX_RANK)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE, "%s: %d axes, must be 0 to %d",
                                              op, n, WEFT_MAX_RANK));
    for (int i = 0; i < n; i++) a.axis[i] = axis[i];
    return weft__node_add(g, op, &a, sizeof a, &x, 1, 1);
}

/* Which axes of a tensor of this rank are reduced. */
WEFT_SHARED weft_status weft__reduced_axes(const weft__node *node, int rank,
                                           bool drop[WEFT_MAX_RANK])
{
    const weft__reduce_attr *a = node->attr;
    weft_status s = WEFT_OK;
    for (int i = 0; i < rank; i++) drop[i] = a->n == 0;
    for (int i = 0; i < a->n && !s; i++) {
        int axis = a->axis[i];
        s = weft__check_axis(node, &axis, rank);
        if (!s && drop[axis])
            s = weft__fail(WEFT_ESHAPE, "%s: axis %d is named twice", node->name, axis);
        if (!s) drop[axis] = true;
    }
    return s;
}

WEFT_SHARED weft_status weft__reduce_shape(const weft__node *node, const weft__tensor *in,
                                           weft__tensor *out)
{
    const weft__reduce_attr *a = node->attr;
    bool drop[WEFT_MAX_RANK];
    int dim[WEFT_MAX_RANK], rank = 0;
    weft_status s = weft__reduced_axes(node, in[0].rank, drop);
    if (!s && in[0].type == WEFT_I32)
        s = weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                       node->name);
    if (s) return s;
    for (int i = 0; i < in[0].rank; i++)
        if (!drop[i] || a->keep) dim[rank++] = drop[i] ? 1 : in[0].dim[i];
    out[0].type = WEFT_F32;
    return weft__set_dims(&out[0], rank, dim);
}

WEFT_SHARED bool weft__reduces_only(const weft__node *node, int axis)
{
    const weft__reduce_attr *a = node->attr;
    return a->n == 1 && a->axis[0] == axis && !a->keep;
}

/* Whether y in this order lies in memory as what is left of x does. */
WEFT_SHARED bool weft__reduce_follows(const weft__node *node, const weft__tensor *x,
                                      weft__tensor y, weft__layout layout)
{
    weft__strided w;
    size_t left = 1;
    y.layout = layout;
    weft__reduce_strided(node, x, &y, &w);
    for (int i = w.rank - 1; i >= 0; i--) {
        if (w.step[0][i] == 0) continue;
        if ((size_t)w.step[0][i] != left) return false;
        left *= w.dim[i];
    }
    return true;
}

WEFT_SHARED void weft__reduce_layout(const weft__node *node, const weft__tensor *in,
                                     weft__layout *want, const weft__tensor *out,
                                     weft__layout *give)
{
    weft__tensor x = in[0];
    if (want[0] == WEFT_HWIO) want[0] = WEFT_ROW_MAJOR;
    x.layout = want[0];
    give[0] = WEFT_ROW_MAJOR;
    if (out[0].rank > 2 && x.layout == WEFT_CHANNELS_LAST &&
        weft__reduce_follows(node, &x, out[0], WEFT_CHANNELS_LAST))
        give[0] = WEFT_CHANNELS_LAST;
}

WEFT_SHARED void weft__reduce_describe(const weft__node *node, char *text, size_t size)
{
    const weft__reduce_attr *a = node->attr;
    size_t used = (size_t)snprintf(text, size, a->n ? "axes" : "all axes");
    for (int i = 0; i < a->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " %d", a->axis[i]);
    if (a->keep && used < size) snprintf(text + used, size - used, " keep");
}

WEFT_SHARED void weft__reduce_strides(const weft__node *node, const weft__tensor *x,
                                      const weft__tensor *y,
                                      ptrdiff_t stride[WEFT_MAX_RANK])
{
    const weft__reduce_attr *a = node->attr;
    bool drop[WEFT_MAX_RANK];
    size_t own[WEFT_MAX_RANK];
    int k = 0;
    if (weft__reduced_axes(node, x->rank, drop)) return; /* the shape rule has checked */
    weft__strides(y, own);
    for (int i = 0; i < x->rank; i++) {
        stride[i] = drop[i] ? 0 : (ptrdiff_t)own[k];
        k += !drop[i] || a->keep;
    }
}

WEFT_SHARED void weft__reduce_strided(const weft__node *node, const weft__tensor *x,
                                      const weft__tensor *y, weft__strided *w)
{
    ptrdiff_t stride[WEFT_MAX_RANK] = {0};
    weft__reduce_strides(node, x, y, stride);
    weft__strided_begin(w, x);
    weft__strided_add(w, x, stride, 0);
    weft__strided_end(w);
}

WEFT_SHARED weft_status weft__reduce_prepare(const weft__setup *s)
{
    weft__reduce_strided(s->node, &s->in[0], &s->out[0], s->prepared);
    return WEFT_OK;
}

/* ---- ONNX ---- */

WEFT_SHARED weft_status weft__onnx_reduce(struct weft__onnx_node *n, int axes_input_since,
                                          weft__reduce_build *build)
{
    int axis[WEFT_MAX_RANK], count = 0;
    bool keep = weft__onnx_get_int(n, "keepdims", 1) != 0;
    bool nothing = weft__onnx_get_int(n, "noop_with_empty_axes", 0) != 0;
    weft_value x = weft__onnx_value(n, 0);
    if (weft__onnx_opset(n) < axes_input_since) {
        count = weft__onnx_get_ints(n, "axes", axis, WEFT_MAX_RANK);
    } else if (weft__onnx_shape(n, 1).rank >= 0) {
        int64_t wide[WEFT_MAX_RANK];
        count = weft__onnx_const_ints(n, 1, wide, WEFT_MAX_RANK);
        if (count < 0)
            return weft__onnx_fail(n, "axes are no constant of at most %d axes",
                                   WEFT_MAX_RANK);
        for (int i = 0; i < count; i++) {
            if (wide[i] < -WEFT_MAX_RANK || wide[i] >= WEFT_MAX_RANK)
                return weft__onnx_fail(n, "axis %lld is out of range",
                                       (long long)wide[i]);
            axis[i] = (int)wide[i];
        }
    }
    if (count > WEFT_MAX_RANK) return weft__onnx_fail(n, "has %d axes", count);
    if (count < 0) count = 0;
    if (count == 0 && nothing)
        weft__onnx_set(n, 0, weft_identity(weft__onnx_graph(n), x));
    else
        weft__onnx_set(n, 0, build(weft__onnx_graph(n), x, count, axis, keep));
    return WEFT_OK;
}

WEFT_SHARED void weft__reduce_to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__reduce_attr *a = node->attr;
    if (a->n) weft__onnx_put_ints(w, "axes", a->axis, a->n);
    weft__onnx_put_int(w, "keepdims", a->keep);
}

/* ---- sample ---- */

WEFT_SHARED weft_value weft__reduce_sample(weft_graph *g, weft__rng *rng,
                                           weft__reduce_build *build)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 6);
    int axis[WEFT_MAX_RANK], n = 0;
    for (int i = 0; i < s.rank; i++)
        if (weft__rng_below(rng, 2)) axis[n++] = weft__rng_below(rng, 2) ? i : i - s.rank;
    return build(g, weft__sample_value(g, rng, "x", s), n, axis, weft__rng_below(rng, 2));
}

/* ---- sums ---- */

void weft__reduce_memory(const weft__setup *s, weft__memory *m)
{
    m->scratch = weft__strided_reduce_scratch(s->prepared, s->kernels);
}

static real factor(const weft__op_args *r, bool mean)
{
    return mean ? (real)((double)r->out[0].count / (double)r->in[0].count) : 1;
}

void weft__reduce_forward(const weft__op_args *r, bool mean)
{
    weft__strided_reduce(r->prepared, r->out[0].data, r->in[0].data, factor(r, mean),
                         r->scratch, KERNELS(r));
}

void weft__reduce_backward(const weft__op_args *r, bool mean)
{
    if (r->din[0].data)
        weft__strided_copy(r->prepared, r->din[0].data, r->dout[0].data, factor(r, mean),
                           KERNELS(r));
}
