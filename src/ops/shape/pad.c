/* pad.c: y = x with more (or, where negative, fewer) elements at the ends of its
 * axes. */
#include "ops/common/sample.h"

#include "ops/onnx.h"
#include "ops/common/strided.h"

#include <stdio.h>
#include <string.h>

typedef struct options {
    int rank, before[WEFT_MAX_RANK], after[WEFT_MAX_RANK];
    weft_pad_kind kind;
    double value;
} options;

WEFT_API weft_value weft_pad(weft_graph *g, weft_value x, const weft_pad_opts *opts)
{
    weft_pad_opts given = opts ? *opts : (weft_pad_opts){.kind = WEFT_PAD_CONSTANT};
    options o = {
        .rank = weft__nominal_shape(g, x).rank, .kind = given.kind, .value = given.value};
    if (o.kind < WEFT_PAD_CONSTANT || o.kind > WEFT_PAD_EDGE)
        return weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "pad: kind %d is unknown", (int)o.kind));
    memcpy(o.before, given.before, sizeof o.before);
    memcpy(o.after, given.after, sizeof o.after);
    return weft__node_add(g, "pad", &o, sizeof o, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    const weft__tensor *x = &in[0];
    int dim[WEFT_MAX_RANK];
    for (int d = 0; d < x->rank; d++) {
        long long size = (long long)x->dim[d] + o->before[d] + o->after[d];
        int most = o->before[d] > o->after[d] ? o->before[d] : o->after[d];
        if (size < 1 || size > INT32_MAX || (long long)x->dim[d] + o->before[d] < 1 ||
            (long long)x->dim[d] + o->after[d] < 1)
            return weft__fail(WEFT_ESHAPE,
                              "%s: axis %d of %d with %d before and %d after "
                              "leaves nothing or too much",
                              node->name, d, x->dim[d], o->before[d], o->after[d]);
        if (o->kind == WEFT_PAD_REFLECT && most >= x->dim[d] && most > 0)
            return weft__fail(WEFT_ESHAPE,
                              "%s: %d elements cannot be reflected on axis %d, "
                              "which has %d",
                              node->name, most, d, x->dim[d]);
        dim[d] = (int)size;
    }
    if (x->type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                          node->name);
    out[0].type = x->type;
    return weft__set_dims(&out[0], x->rank, dim);
}

/* What one axis of y, in the order of storage, takes from x: from[i] is a position, -1
 * none. */
typedef struct side {
    const int *from;
    size_t size, x_step;
    bool whole; /* all of x in its place */
} side;

typedef struct job {
    side side[WEFT_MAX_RANK];
    int rank, lead;              /* how many of the first axes are whole */
    size_t row, rows, rows_each; /* of y; for each index of the first `lead` axes */
    const real *from;
    real *to, value;
} job;

static int source(weft_pad_kind kind, int at, int size)
{
    if (at >= 0 && at < size) return at;
    if (kind == WEFT_PAD_CONSTANT) return -1;
    if (kind == WEFT_PAD_EDGE) return at < 0 ? 0 : size - 1;
    return at < 0 ? -at : 2 * (size - 1) - at;
}

/* The positions of all sides, which lie after the job. */
static size_t table_bytes(const weft__setup *s)
{
    size_t n = 0;
    for (int d = 0; d < s->out[0].rank; d++) n += (size_t)s->out[0].dim[d];
    return n * sizeof(int);
}

/* The job without pointers to x and y. */
static weft_status prepare(const weft__setup *s)
{
    const options *o = s->node->attr;
    const weft__tensor *x = &s->in[0], *y = &s->out[0];
    job *j = s->prepared;
    int dim[WEFT_MAX_RANK], place[WEFT_MAX_RANK], *table = (int *)(void *)(j + 1);
    size_t stride[WEFT_MAX_RANK];
    if (!y->rank) return WEFT_OK;
    weft__storage(y, dim, place);
    weft__strides(x, stride);
    j->rank = y->rank;
    for (int d = 0; d < y->rank; d++) {
        for (int i = 0; i < y->dim[d]; i++)
            table[i] = source(o->kind, i - o->before[d], x->dim[d]);
        j->side[place[d]] = (side){table, (size_t)y->dim[d], stride[d],
                                   o->before[d] == 0 && o->after[d] == 0};
        table += y->dim[d];
    }
    while (j->lead < j->rank - 1 && j->side[j->lead].whole) j->lead++;
    j->row = j->side[j->rank - 1].size;
    j->rows = y->count / j->row;
    j->rows_each = j->rows;
    for (int d = 0; d < j->lead; d++) j->rows_each /= j->side[d].size;
    j->value = (real)o->value;
    return WEFT_OK;
}

/* Where row `row` of y begins in x; false when it lies outside. */
static bool row_start(const job *j, size_t row, size_t *at)
{
    *at = 0;
    for (int d = j->rank - 2; d >= 0; d--) {
        int from = j->side[d].from[row % j->side[d].size];
        if (from < 0) return false;
        *at += (size_t)from * j->side[d].x_step;
        row /= j->side[d].size;
    }
    return true;
}

static void range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const side *last = &j->side[j->rank - 1];
    for (size_t row = begin; row < end; row++) {
        real *y = j->to + row * j->row;
        size_t at;
        if (!row_start(j, row, &at))
            for (size_t i = 0; i < j->row; i++) y[i] = j->value;
        else if (last->whole)
            memcpy(y, j->from + at, j->row * sizeof *y);
        else
            for (size_t i = 0; i < j->row; i++)
                y[i] = last->from[i] < 0 ? j->value : j->from[at + (size_t)last->from[i]];
    }
}

static void forward(const weft__op_args *r)
{
    job j = *(const job *)r->prepared;
    if (r->in[0].rank == 0) {
        weft__copy_flat(r->out[0].data, r->in[0].data, 1);
        return;
    }
    j.from = r->in[0].data;
    j.to = r->out[0].data;
    weft__spread(j.rows, (double)j.row, range, &j);
}

/* An element of x may have gone to several of y; rows of one lead index never meet
 * another's. */
static void back_range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const side *last = &j->side[j->rank - 1];
    for (size_t row = begin * j->rows_each; row < end * j->rows_each; row++) {
        const real *dy = j->from + row * j->row;
        size_t at;
        if (!row_start(j, row, &at)) continue;
        for (size_t i = 0; i < j->row; i++)
            if (last->from[i] >= 0) j->to[at + (size_t)last->from[i]] += dy[i];
    }
}

static void backward(const weft__op_args *r)
{
    job j = *(const job *)r->prepared;
    if (!r->din[0].data) return;
    if (r->din[0].rank == 0) {
        weft__copy_flat(r->din[0].data, r->dout[0].data, 1);
        return;
    }
    j.from = r->dout[0].data;
    j.to = r->din[0].data;
    weft__fill_zero(r->din[0].data, r->din[0].count);
    weft__spread(j.rows / j.rows_each, 2.0 * (double)(j.rows_each * j.row), back_range,
                 &j);
}

/* ---- text and ONNX ---- */

static const char *const mode[] = {"constant", "reflect", "edge"};

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    size_t used = (size_t)snprintf(text, size, "%s", mode[o->kind]);
    for (int i = 0; i < o->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " %d+%d", o->before[i],
                                 o->after[i]);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const options *o = node->attr;
    int pads[2 * WEFT_MAX_RANK];
    memcpy(pads, o->before, (size_t)o->rank * sizeof *pads);
    memcpy(pads + o->rank, o->after, (size_t)o->rank * sizeof *pads);
    weft__onnx_put_text(w, "mode", mode[o->kind]);
    weft__onnx_add_ints(w, "pads", pads, 2 * o->rank);
    if (o->kind == WEFT_PAD_CONSTANT) weft__onnx_add_float(w, "value", o->value);
}

/* Reads pads, for these axes, into before and after. */
static weft_status read_pads(struct weft__onnx_node *n, int rank, int *before, int *after)
{
    int64_t pads[2 * WEFT_MAX_RANK] = {0}, axis[WEFT_MAX_RANK];
    int count, axes = rank, narrow[2 * WEFT_MAX_RANK];
    for (int i = 0; i < rank; i++) axis[i] = i;
    if (weft__onnx_opset(n) < 11) {
        count = weft__onnx_get_ints(n, "pads", narrow, 2 * rank);
        for (int i = 0; i < count && i < 2 * rank; i++) pads[i] = narrow[i];
    } else {
        count = weft__onnx_const_ints(n, 1, pads, 2 * WEFT_MAX_RANK);
        if (weft__onnx_shape(n, 3).rank >= 0)
            axes = weft__onnx_const_ints(n, 3, axis, WEFT_MAX_RANK);
    }
    if (axes < 0 || count != 2 * axes)
        return weft__onnx_fail(n,
                               "pads are no constant of two numbers for each of %d axes",
                               axes < 0 ? rank : axes);
    for (int i = 0; i < axes; i++) {
        if (axis[i] < 0) axis[i] += rank;
        if (axis[i] < 0 || axis[i] >= rank || pads[i] < -INT32_MAX ||
            pads[i] > INT32_MAX || pads[axes + i] < -INT32_MAX ||
            pads[axes + i] > INT32_MAX)
            return weft__onnx_fail(n, "pads or axes are out of range");
        before[axis[i]] = (int)pads[i];
        after[axis[i]] = (int)pads[axes + i];
    }
    return WEFT_OK;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    const char *name = weft__onnx_get_text(n, "mode", "constant");
    weft_pad_opts o = {.value = 0};
    int kind = 0;
    weft_value x = weft__onnx_value(n, 0);
    weft_status s =
        read_pads(n, weft__nominal_shape(weft__onnx_graph(n), x).rank, o.before, o.after);
    while (kind < 3 && strcmp(name, mode[kind])) kind++;
    if (s) return s;
    if (kind == 3) return weft__onnx_fail(n, "mode \"%s\" is not known", name);
    if (weft__onnx_opset(n) < 11)
        o.value = weft__onnx_get_float(n, "value", 0);
    else if (weft__onnx_shape(n, 2).rank >= 0 &&
             weft__onnx_const_floats(n, 2, &o.value, 1) < 1)
        return weft__onnx_fail(n, "constant_value is no constant");
    o.kind = (weft_pad_kind)kind;
    weft__onnx_set(n, 0, weft_pad(weft__onnx_graph(n), x, &o));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 4);
    weft_pad_opts o = {.kind = (weft_pad_kind)weft__rng_below(rng, 3)};
    for (int d = 0; d < s.rank; d++) {
        int most = o.kind == WEFT_PAD_REFLECT ? s.dim[d] - 1 : 3;
        if (weft__rng_below(rng, 2)) continue;
        for (int k = 0; k < 2; k++) {
            int *pad = k ? &o.after[d] : &o.before[d];
            *pad = weft__rng_between(rng, 0, most < 3 ? most : 3);
            if (s.dim[d] > 2 && weft__rng_below(rng, 4) == 0) *pad = -1;
        }
    }
    o.value = weft__rng_below(rng, 2) ? 0 : 1.5;
    return weft_pad(g, weft__sample_value(g, rng, "x", s), &o);
}

const weft_op WEFT_OP(pad) = {
    .name = "pad",
    .onnx = WEFT_ONNX("Pad", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = x with more or fewer elements at the ends of its axes",
    .shape = shape,
    .layout = weft__layout_same,
    .prepare = prepare,
    .prepared = sizeof(job),
    .prepared_more = table_bytes,
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .sample = sample,
};
