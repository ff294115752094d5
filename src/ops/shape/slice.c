/* slice.c: y = x[start : end : step] along some axes, by Python's rules. */
#include "ops/common/sample.h"

#include "ops/onnx.h"
#include "ops/common/strided.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef struct options {
    int n;
    weft_slice_range range[WEFT_MAX_RANK];
} options;

WEFT_API weft_value weft_slice(weft_graph *g, weft_value x, int n,
                               const weft_slice_range *range)
{
    options o = {.n = n};
    if (n < 0 || n > WEFT_MAX_RANK)
        return weft__graph_fail(
            g,
            weft__fail(WEFT_EUSAGE, "slice: %d axes, must be 0 to %d", n, WEFT_MAX_RANK));
    for (int i = 0; i < n; i++) {
        o.range[i] = range[i];
        if (!range[i].step) o.range[i].step = 1;
    }
    return weft__node_add(g, "slice", &o, sizeof o, &x, 1, 1);
}

static long long clamp(long long v, long long low, long long high)
{
    return v < low ? low : v > high ? high : v;
}

/* start[d], step[d] and dim[d] of every axis of x. */
static weft_status resolve(const weft__node *node, const weft__tensor *x,
                           long long start[WEFT_MAX_RANK], long long step[WEFT_MAX_RANK],
                           int dim[WEFT_MAX_RANK])
{
    const options *o = node->attr;
    bool seen[WEFT_MAX_RANK] = {0};
    for (int d = 0; d < x->rank; d++) {
        start[d] = 0;
        step[d] = 1;
        dim[d] = x->dim[d];
    }
    for (int i = 0; i < o->n; i++) {
        const weft_slice_range *r = &o->range[i];
        int d = r->axis;
        weft_status s = weft__check_axis(node, &d, x->rank);
        if (s) return s;
        if (seen[d])
            return weft__fail(WEFT_ESHAPE, "%s: axis %d is named twice", node->name, d);
        long long size = x->dim[d], by = r->step, count;
        long long low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
        long long from = r->start < 0 ? r->start + size : r->start;
        long long to = r->end < 0 ? r->end + size : r->end;
        from = clamp(from, low, high);
        to = clamp(to, low, high);
        count = by > 0 ? (to - from + by - 1) / by : (from - to - by - 1) / -by;
        if (count < 1)
            return weft__fail(WEFT_ESHAPE,
                              "%s: nothing of axis %d (%lld) is left by "
                              "%d:%d:%d",
                              node->name, d, size, r->start, r->end, r->step);
        seen[d] = true;
        start[d] = from;
        step[d] = by;
        dim[d] = (int)count;
    }
    return WEFT_OK;
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    long long start[WEFT_MAX_RANK], step[WEFT_MAX_RANK];
    int dim[WEFT_MAX_RANK];
    weft_status s = resolve(node, &in[0], start, step, dim);
    if (!s && in[0].type == WEFT_I32)
        s = weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                       node->name);
    out[0].type = in[0].type;
    return s ? s : weft__set_dims(&out[0], in[0].rank, dim);
}

/* A walk: y with x as operand 0. Gradients lie as the values do. */
static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[0], *y = &s->out[0];
    long long start[WEFT_MAX_RANK], step[WEFT_MAX_RANK];
    int dim[WEFT_MAX_RANK];
    size_t own[WEFT_MAX_RANK], at = 0;
    ptrdiff_t stride[WEFT_MAX_RANK] = {0};
    weft_status status = resolve(s->node, x, start, step, dim);
    if (status) return status;
    weft__strides(x, own);
    for (int d = 0; d < x->rank; d++) {
        at += (size_t)start[d] * own[d];
        stride[d] = (ptrdiff_t)step[d] * (ptrdiff_t)own[d];
    }
    weft__strided_begin(s->prepared, y);
    weft__strided_add(s->prepared, y, stride, at);
    weft__strided_end(s->prepared);
    return WEFT_OK;
}

static void forward(const weft__op_args *r)
{
    weft__strided_copy(r->prepared, r->out[0].data, r->in[0].data, 1, KERNELS(r));
}

static void backward(const weft__op_args *r)
{
    if (!r->din[0].data) return;
    weft__fill_zero(r->din[0].data, r->din[0].count);
    weft__strided_scatter(r->prepared, r->din[0].data, r->dout[0].data);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    size_t used = 0;
    for (int i = 0; i < o->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%saxis %d %d:%d:%d",
                                 i ? ", " : "", o->range[i].axis, o->range[i].start,
                                 o->range[i].end, o->range[i].step);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const options *o = node->attr;
    int start[WEFT_MAX_RANK], end[WEFT_MAX_RANK], axis[WEFT_MAX_RANK];
    int step[WEFT_MAX_RANK];
    for (int i = 0; i < o->n; i++) {
        start[i] = o->range[i].start;
        end[i] = o->range[i].end;
        axis[i] = o->range[i].axis;
        step[i] = o->range[i].step;
    }
    weft__onnx_add_ints(w, "starts", start, o->n);
    weft__onnx_add_ints(w, "ends", end, o->n);
    weft__onnx_add_ints(w, "axes", axis, o->n);
    weft__onnx_add_ints(w, "steps", step, o->n);
}

/* One list of the node: input i since opset 10, an attribute before. Returns its
 * length,
 *   -1 when absent, -2 when it is no constant. Huge numbers, which mean "to the
 *     end", are
 * cut. */
static int list(struct weft__onnx_node *n, int i, const char *attribute, int *value)
{
    int64_t wide[WEFT_MAX_RANK] = {0};
    int count;
    if (weft__onnx_opset(n) < 10) {
        count = attribute ? weft__onnx_get_ints(n, attribute, value, WEFT_MAX_RANK) : -1;
        return count > WEFT_MAX_RANK ? -2 : count;
    }
    if (weft__onnx_shape(n, i).rank < 0) return -1;
    count = weft__onnx_const_ints(n, i, wide, WEFT_MAX_RANK);
    for (int k = 0; k < count; k++) value[k] = (int)clamp(wide[k], INT_MIN, INT_MAX);
    return count < 0 ? -2 : count;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    int start[WEFT_MAX_RANK], end[WEFT_MAX_RANK], axis[WEFT_MAX_RANK];
    int step[WEFT_MAX_RANK];
    int count = list(n, 1, "starts", start), ends = list(n, 2, "ends", end);
    int axes = list(n, 3, "axes", axis), steps = list(n, 4, NULL, step);
    if (count < 0 || ends != count || (axes != -1 && axes != count) ||
        (steps != -1 && steps != count))
        return weft__onnx_fail(n, "starts, ends, axes and steps are not constants of one "
                                  "length");
    weft_slice_range range[WEFT_MAX_RANK];
    for (int i = 0; i < count; i++) {
        range[i] = (weft_slice_range){.axis = axes < 0 ? i : axis[i],
                                      .start = start[i],
                                      .end = end[i],
                                      .step = steps < 0 ? 1 : step[i]};
        if (!range[i].step)
            return weft__onnx_fail(n, "the step along axis %d is 0", range[i].axis);
    }
    weft__onnx_set(n, 0,
                   weft_slice(weft__onnx_graph(n), weft__onnx_value(n, 0), count, range));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 7);
    weft_slice_range range[WEFT_MAX_RANK];
    int n = 0;
    for (int d = 0; d < s.rank; d++) {
        if (weft__rng_below(rng, 3) == 0) continue;
        int from = weft__rng_between(rng, 0, s.dim[d] - 1);
        int to = weft__rng_between(rng, from + 1, s.dim[d]);
        weft_slice_range *r = &range[n++];
        r->axis = weft__rng_below(rng, 2) ? d : d - s.rank;
        r->step = weft__rng_between(rng, 1, 3);
        r->start = weft__rng_below(rng, 2) ? from : from - s.dim[d];
        r->end = to == s.dim[d] ? INT_MAX : weft__rng_below(rng, 2) ? to : to - s.dim[d];
        if (weft__rng_below(rng, 3) == 0) { /* backwards */
            r->start = to - 1;
            r->end = from == 0 ? INT_MIN : from - 1;
            r->step = -r->step;
        }
    }
    return weft_slice(g, weft__sample_value(g, rng, "x", s), n, range);
}

const weft_op WEFT_OP(slice) = {
    .name = "slice",
    .onnx = WEFT_ONNX("Slice", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x[start : end : step] along some axes",
    .shape = shape,
    .layout = weft__layout_same,
    .prepare = prepare,
    .prepared = sizeof(weft__strided),
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .sample = sample,
};
