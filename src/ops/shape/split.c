/* split.c: y[i] = consecutive parts of x along an axis. */
#include "ops/common/sample.h"

#include "ops/onnx.h"
#include "ops/common/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096 /* parts */

typedef struct options {
    int axis, n;
    int sizes[]; /* all 0: equal parts */
} options;

WEFT_API void weft_split(weft_graph *g, weft_value x, int axis, int n, const int *sizes,
                         weft_value *out)
{
    options *o =
        n < 1 || n > MOST ? NULL : calloc(1, sizeof *o + (size_t)n * sizeof(int));
    weft_value first = WEFT_NONE;
    if (n < 1 || n > MOST) {
        weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "split: %d parts, must be 1 to %d", n, MOST));
    } else if (!o) {
        weft__graph_fail(g, weft__fail(WEFT_ENOMEM, "split: out of memory"));
    } else {
        o->axis = axis;
        o->n = n;
        if (sizes) memcpy(o->sizes, sizes, (size_t)n * sizeof *sizes);
        first =
            weft__node_add(g, "split", o, sizeof *o + (size_t)n * sizeof(int), &x, 1, n);
    }
    for (int i = 0; i < n && n <= MOST; i++)
        out[i] = first.id ? weft__node_out(g, first, i) : WEFT_NONE;
    free(o);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    int axis = o->axis, dim[WEFT_MAX_RANK];
    long long sum = 0;
    bool equal = true;
    weft_status s = weft__check_axis(node, &axis, in[0].rank);
    if (s) return s;
    for (int i = 0; i < o->n; i++) {
        equal = equal && o->sizes[i] == 0;
        sum += o->sizes[i];
    }
    if (equal ? in[0].dim[axis] % o->n : sum != in[0].dim[axis])
        return weft__fail(WEFT_ESHAPE,
                          equal
                              ? "%s: axis %d of %d does not divide into %lld equal parts"
                              : "%s: axis %d is %d, the parts add up to %lld",
                          node->name, axis, in[0].dim[axis], equal ? o->n : sum);
    memcpy(dim, in[0].dim, sizeof dim);
    for (int i = 0; i < o->n && !s; i++) {
        dim[axis] = equal ? in[0].dim[axis] / o->n : o->sizes[i];
        if (dim[axis] < 1)
            return weft__fail(WEFT_ESHAPE, "%s: part %d has %d elements along axis %d",
                              node->name, i, dim[axis], axis);
        out[i].type = in[0].type;
        s = weft__set_dims(&out[i], in[0].rank, dim);
    }
    return s;
}

/* x around the axis, in storage. */
typedef struct extents {
    size_t outer, along, inner;
    int axis;
} extents;

typedef struct job {
    char *whole, *part;             /* part NULL: zeros into whole */
    size_t whole_bytes, part_bytes; /* per index of the axes before */
    bool join;
} job;

static void range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        char *w = j->whole + i * j->whole_bytes;
        char *p = j->part ? j->part + i * j->part_bytes : NULL;
        if (!p)
            memset(w, 0, j->part_bytes);
        else
            memcpy(j->join ? w : p, j->join ? p : w, j->part_bytes);
    }
}

static weft_status prepare(const weft__setup *s)
{
    extents *e = s->prepared;
    e->axis = ((const options *)s->node->attr)->axis;
    if (e->axis < 0) e->axis += s->in[0].rank;
    weft__around(&s->in[0], e->axis, &e->outer, &e->along, &e->inner);
    return WEFT_OK;
}

static void move(const weft__op_args *r, const weft__tensor *whole,
                 const weft__tensor *part, bool join)
{
    const extents *e = r->prepared;
    size_t element = whole->type == WEFT_I32 ? sizeof(int32_t) : sizeof(real);
    size_t one = e->inner * element, first = 0;
    for (int i = 0; i < r->node->nout; i++) {
        size_t size = (size_t)r->out[i].dim[e->axis];
        job j = {.whole = (char *)whole->data + first * one,
                 .part = part[i].data,
                 .whole_bytes = e->along * one,
                 .part_bytes = size * one,
                 .join = join};
        first += size;
        if (j.part || join) weft__spread(e->outer, (double)j.part_bytes / 8, range, &j);
    }
}

static void forward(const weft__op_args *r)
{
    move(r, &r->in[0], r->out, false);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data) move(r, &r->din[0], r->dout, true);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    snprintf(text, size, "axis %d, %d parts", o->axis, o->n);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const options *o = node->attr;
    weft__onnx_put_int(w, "axis", o->axis);
    int axis = o->axis < 0 ? o->axis + weft__onnx_in(w, 0)->rank : o->axis;
    int *sizes = malloc((size_t)o->n * sizeof *sizes);
    if (!sizes) {
        weft__onnx_refuse(w, "out of memory");
        return;
    }
    for (int i = 0; i < o->n; i++) sizes[i] = weft__onnx_out(w, i)->dim[axis];
    weft__onnx_add_ints(w, "split", sizes, o->n);
    free(sizes);
}

/* Reads the sizes of the parts: an input since opset 13, an attribute before. n: how
 * many outputs the node has. Returns how many were read, 0 when they are to be
 * equal, -1 after a failure. */
static int read_sizes(struct weft__onnx_node *node, int *sizes, int n)
{
    int64_t wide[MOST];
    int count = 0;
    if (weft__onnx_opset(node) < 13) {
        count = weft__onnx_get_ints(node, "split", sizes, n);
        return count < 0 ? 0 : count;
    }
    if (weft__onnx_shape(node, 1).rank < 0) return 0;
    count = weft__onnx_const_ints(node, 1, wide, MOST);
    for (int i = 0; i < count && i < n; i++)
        sizes[i] = wide[i] < 0 || wide[i] > INT32_MAX ? -1 : (int)wide[i];
    return count;
}

static weft_status from_onnx(struct weft__onnx_node *node)
{
    int n = weft__onnx_outputs(node), given;
    int sizes[MOST] = {0};
    weft_value out[MOST];
    int64_t axis = weft__onnx_get_int(node, "axis", 0);
    int64_t parts = weft__onnx_get_int(node, "num_outputs", n);
    if (n < 1 || n > MOST || parts != n)
        return weft__onnx_fail(node, "has %d outputs, num_outputs is %lld", n,
                               (long long)parts);
    given = read_sizes(node, sizes, n);
    if (given != 0 && given != n)
        return weft__onnx_fail(node, "split has %d elements for %d outputs", given, n);
    if (axis < -WEFT_MAX_RANK || axis >= WEFT_MAX_RANK) axis = WEFT_MAX_RANK;
    weft_split(weft__onnx_graph(node), weft__onnx_value(node, 0), (int)axis, n,
               given ? sizes : NULL, out);
    for (int i = 0; i < n; i++) weft__onnx_set(node, i, out[i]);
    return WEFT_OK;
}

/* All parts but perhaps one take part in the result: they go together again, the other
 * way round. */
static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 4);
    int axis = weft__rng_between(rng, 0, s.rank - 1), n = weft__rng_between(rng, 1, 4);
    bool equal = weft__rng_below(rng, 2), negative = weft__rng_below(rng, 2);
    int sizes[4], each = weft__rng_between(rng, 1, 2), used;
    weft_value part[4], back[4], x;
    s.dim[axis] = 0;
    for (int i = 0; i < n; i++) {
        sizes[i] = equal ? each : weft__rng_between(rng, 1, 3);
        s.dim[axis] += sizes[i];
    }
    x = weft__sample_value(g, rng, "x", s);
    weft_split(g, x, negative ? axis - s.rank : axis, n, equal ? NULL : sizes, part);
    used = n > 1 && weft__rng_below(rng, 3) == 0 ? n - 1 : n;
    for (int i = 0; i < used; i++) back[i] = part[n - 1 - i];
    return weft_concat(g, back, used, axis);
}

const weft_op WEFT_OP(split) = {
    .name = "split",
    .onnx = WEFT_ONNX("Split", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y[i] = consecutive parts of x along an axis",
    .shape = shape,
    .layout = weft__layout_same,
    .prepare = prepare,
    .prepared = sizeof(extents),
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .sample = sample,
};
