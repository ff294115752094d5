/* softmax.c: softmax and its logarithm along any axis. */
#include "ops/common/softmax.h"

#include <stdio.h>
#include <string.h>

#define LANE 64 /* vectors side by side that are worked on together */
#define COST 12 /* operations per element */

WEFT_SHARED weft_value weft__softmax_add(weft_graph *g, const char *op, weft_value x,
                                         int axis)
{
    weft__axis_attr a = {axis};
    return weft__node_add(g, op, &a, sizeof a, &x, 1, 1);
}

WEFT_SHARED weft_status weft__around_prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[0];
    weft__extents *e = s->prepared;
    e->axis = ((const weft__axis_attr *)s->node->attr)->axis;
    if (e->axis < 0) e->axis += x->rank;
    weft__around(x, e->axis, &e->outer, &e->along, &e->inner);
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__softmax_shape(const weft__node *node,
                                            const weft__tensor *in, weft__tensor *out)
{
    int axis = ((const weft__axis_attr *)node->attr)->axis;
    weft__same_shape(&out[0], &in[0]);
    if (in[0].type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                          node->name);
    return weft__check_axis(node, &axis, in[0].rank);
}

WEFT_SHARED void weft__axis_describe(const weft__node *node, char *text, size_t size)
{
    snprintf(text, size, "axis %d", ((const weft__axis_attr *)node->attr)->axis);
}

/* ---- ONNX ---- */

WEFT_SHARED void weft__softmax_to_onnx(const weft__node *node,
                                       struct weft__onnx_writer *w)
{
    weft__onnx_put_int(w, "axis", ((const weft__axis_attr *)node->attr)->axis);
}

WEFT_SHARED weft_status weft__onnx_softmax(struct weft__onnx_node *n,
                                           weft_value (*build)(weft_graph *g,
                                                               weft_value x, int axis))
{
    weft_graph *g = weft__onnx_graph(n);
    bool old = weft__onnx_opset(n) < 13;
    int64_t axis = weft__onnx_get_int(n, "axis", old ? 1 : -1);
    weft_value x = weft__onnx_value(n, 0);
    weft_shape s = weft__nominal_shape(g, x);
    if (axis < -s.rank || axis >= s.rank)
        return weft__onnx_fail(n, "axis %lld is outside a tensor of rank %d",
                               (long long)axis, s.rank);
    if (axis < 0) axis += s.rank;
    if (!old || axis == s.rank - 1) {
        weft__onnx_set(n, 0, build(g, x, (int)axis));
    } else if (axis == 1) {
        weft_value y = build(g, weft_flatten(g, x, 1), 1);
        weft__onnx_set(n, 0, weft_reshape(g, y, weft_shape_of(g, x)));
    } else {
        return weft__onnx_fail(n, "axis %lld of %d, as opset %d means it, is not known",
                               (long long)axis, s.rank, weft__onnx_opset(n));
    }
    return WEFT_OK;
}

WEFT_SHARED weft_value weft__softmax_sample(weft_graph *g, weft__rng *rng,
                                            weft_value (*build)(weft_graph *g,
                                                                weft_value x, int axis))
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 6);
    int axis = weft__rng_between(rng, -s.rank, s.rank - 1);
    return build(g, weft__sample_value(g, rng, "x", s), axis);
}

/* ---- forward ---- */

typedef struct job {
    const weft__kernels *k;
    real *y; /* or dx */
    const real *x, *dy;
    size_t along, inner, pieces;
    bool logarithm;
} job;

static void rows(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t at = begin * j->along;
    (j->logarithm ? j->k->log_softmax : j->k->softmax)(j->y + at, j->x + at, end - begin,
                                                       j->along);
}

/* n vectors that lie side by side, their elements `inner` apart. */
static void columns(const job *j, size_t at, size_t n)
{
    const weft__kernels *k = j->k;
    const real *x = j->x + at;
    real *y = j->y + at, most[LANE], sum[LANE] = {0}, t[LANE];
    memcpy(most, x, n * sizeof *most);
    for (size_t i = 1; i < j->along; i++) k->max(most, most, x + i * j->inner, n, 1, 1);
    for (size_t i = 0; i < j->along; i++) {
        real *to = y + i * j->inner;
        k->sub(to, x + i * j->inner, most, n, 1, 1);
        k->exp(j->logarithm ? t : to, to, n);
        k->add(sum, sum, j->logarithm ? t : to, n, 1, 1);
    }
    if (j->logarithm) k->log(sum, sum, n);
    for (size_t i = 0; i < j->along; i++) {
        real *to = y + i * j->inner;
        (j->logarithm ? k->sub : k->div)(to, to, sum, n, 1, 1);
    }
}

/* dx = y (dy - sum dy y), or dy - exp(y) sum dy. */
static void columns_back(const job *j, size_t at, size_t n)
{
    const weft__kernels *k = j->k;
    const real *y = j->x + at, *dy = j->dy + at;
    real *dx = j->y + at, sum[LANE] = {0}, t[LANE];
    for (size_t i = 0, o = 0; i < j->along; i++, o += j->inner)
        if (j->logarithm)
            k->add(sum, sum, dy + o, n, 1, 1);
        else
            k->mul_acc(sum, dy + o, y + o, n);
    for (size_t i = 0, o = 0; i < j->along; i++, o += j->inner)
        if (j->logarithm) {
            k->exp(t, y + o, n);
            k->mul(t, t, sum, n, 1, 1);
            k->sub(dx + o, dy + o, t, n, 1, 1);
        } else {
            k->sub(t, dy + o, sum, n, 1, 1);
            k->mul(dx + o, t, y + o, n, 1, 1);
        }
}

static void pieces(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        size_t first = i % j->pieces * LANE;
        size_t n = j->inner - first < LANE ? j->inner - first : LANE;
        size_t at = i / j->pieces * j->along * j->inner + first;
        if (j->dy)
            columns_back(j, at, n);
        else
            columns(j, at, n);
    }
}

static void spread(job *j, const weft__extents *e, weft__range *by_rows)
{
    j->along = e->along;
    j->inner = e->inner;
    j->pieces = (j->inner + LANE - 1) / LANE;
    if (j->inner == 1)
        weft__spread(e->outer, COST * (double)j->along, by_rows, j);
    else
        weft__spread(e->outer * j->pieces, COST * (double)j->along * LANE, pieces, j);
}

void weft__softmax_forward(const weft__op_args *r, bool logarithm)
{
    job j = {
        .k = KERNELS(r), .y = r->out[0].data, .x = r->in[0].data, .logarithm = logarithm};
    spread(&j, r->prepared, rows);
}

static void rows_back(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t at = begin * j->along;
    (j->logarithm ? j->k->log_softmax_backward : j->k->softmax_backward)(
        j->y + at, j->dy + at, j->x + at, end - begin, j->along);
}

void weft__softmax_backward(const weft__op_args *r, bool logarithm)
{
    job j = {.k = KERNELS(r),
             .y = r->din[0].data,
             .x = r->out[0].data,
             .dy = r->dout[0].data,
             .logarithm = logarithm};
    if (j.y) spread(&j, r->prepared, rows_back);
}
