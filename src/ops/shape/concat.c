/* concat.c: y = the x[i] one after another along an axis. */
#include "ops/common/softmax.h"

#include "ops/common/strided.h"

#include <stdlib.h>
#include <string.h>

WEFT_API weft_value weft_concat(weft_graph *g, const weft_value *x, int n, int axis)
{
    weft__axis_attr a = {axis};
    if (n < 1)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE, "concat: needs an input"));
    return weft__node_add(g, "concat", &a, sizeof a, x, n, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    int axis = ((const weft__axis_attr *)node->attr)->axis;
    int dim[WEFT_MAX_RANK];
    long long sum = 0;
    char one[128], two[128];
    weft_status s = weft__check_axis(node, &axis, in[0].rank);
    if (s) return s;
    for (int i = 0; i < node->nin; i++) {
        bool fits = in[i].rank == in[0].rank && in[i].type == in[0].type;
        for (int d = 0; d < in[0].rank && fits; d++)
            fits = d == axis || in[i].dim[d] == in[0].dim[d];
        if (!fits)
            return weft__fail(WEFT_ESHAPE,
                              "%s: input %d %s does not fit to %s along axis %d",
                              node->name, i, weft__shape_text(one, sizeof one, &in[i]),
                              weft__shape_text(two, sizeof two, &in[0]), axis);
        sum += in[i].dim[axis];
    }
    if (sum > INT32_MAX)
        return weft__fail(WEFT_ESHAPE, "%s: %lld elements along axis %d are too many",
                          node->name, sum, axis);
    memcpy(dim, in[0].dim, sizeof dim);
    dim[axis] = (int)sum;
    out[0].type = in[0].type;
    return weft__set_dims(&out[0], in[0].rank, dim);
}

/* Part i of y: `along` elements from `first` on along the axis. */
typedef struct job {
    char *whole, *part;
    size_t whole_bytes, part_bytes; /* per index of the axes before */
    bool join;
} job;

static void range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        char *w = j->whole + i * j->whole_bytes, *p = j->part + i * j->part_bytes;
        memcpy(j->join ? w : p, j->join ? p : w, j->part_bytes);
    }
}

static void move(const weft__op_args *r, const weft__tensor *whole,
                 const weft__tensor *part, bool join)
{
    const weft__extents *e = r->prepared;
    size_t element = whole->type == WEFT_I32 ? sizeof(int32_t) : sizeof(real);
    size_t one = e->inner * element, first = 0;
    for (int i = 0; i < r->node->nin; i++) {
        size_t size = (size_t)r->in[i].dim[e->axis];
        job j = {.whole = (char *)whole->data + first * one,
                 .part = part[i].data,
                 .whole_bytes = (size_t)r->out[0].dim[e->axis] * one,
                 .part_bytes = size * one,
                 .join = join};
        first += size;
        if (j.part) weft__spread(e->outer, (double)j.part_bytes / 8, range, &j);
    }
}

static void forward(const weft__op_args *r)
{
    move(r, &r->out[0], r->in, true);
}

static void backward(const weft__op_args *r)
{
    move(r, &r->dout[0], r->din, false);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    int count = weft__onnx_inputs(n);
    int64_t axis = weft__onnx_get_int(n, "axis", 1);
    weft_value *x = calloc(count > 0 ? (size_t)count : 1, sizeof *x);
    if (!x) return weft__fail(WEFT_ENOMEM, "out of memory");
    if (axis < -WEFT_MAX_RANK || axis >= WEFT_MAX_RANK) axis = WEFT_MAX_RANK;
    for (int i = 0; i < count; i++) x[i] = weft__onnx_value(n, i);
    weft__onnx_set(n, 0, weft_concat(weft__onnx_graph(n), x, count, (int)axis));
    free(x);
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 4);
    int axis = weft__rng_between(rng, 0, s.rank - 1), n = weft__rng_between(rng, 1, 4);
    static const char *const name[] = {"a", "b", "c", "d"};
    weft_value x[4];
    for (int i = 0; i < n; i++) {
        s.dim[axis] = weft__rng_between(rng, 1, 4);
        x[i] = weft__sample_value(g, rng, name[i], s);
    }
    return weft_concat(g, x, n, weft__rng_below(rng, 2) ? axis : axis - s.rank);
}

const weft_op WEFT_OP(concat) = {
    .name = "concat",
    .onnx = WEFT_ONNX("Concat", 13, .read = from_onnx, .write = weft__softmax_to_onnx),
    .arity = -1,
    .summary = "y = the inputs one after another along an axis",
    .shape = shape,
    .layout = weft__layout_same,
    .prepare = weft__around_prepare,
    .prepared = sizeof(weft__extents),
    .forward = forward,
    .backward = backward,
    .describe = weft__axis_describe,
    .sample = sample,
};
