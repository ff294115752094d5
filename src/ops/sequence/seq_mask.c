/* seq_mask.c: y = x before each sample's length, a value after it. */
#include "ops/sequence/sequence.h"

#include "ops/common/unary.h"
#include "ops/common/strided.h"

#include <stdio.h>

enum { X, LENGTHS };

WEFT_API weft_value weft_seq_mask(weft_graph *g, weft_value x, weft_value lengths,
                                  double value)
{
    weft__act_attr a = {.alpha = value};
    return weft__node_add(g, "seq_mask", &a, sizeof a, (weft_value[]){x, lengths}, 2, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    weft_status s = weft__need(node, in, X, "x", 2, WEFT_MAX_RANK);
    if (s) return s;
    weft__same_shape(&out[0], &in[X]);
    return weft__seq_check(node, in, LENGTHS, in[X].dim[0]);
}

typedef struct job {
    const weft__op_args *r;
    real *y;
    const real *x;
    real value;
    int t;
    size_t step; /* elements */
} job;

static void samples(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t whole = (size_t)j->t * j->step;
    for (size_t i = begin; i < end; i++) {
        size_t valid = (size_t)weft__seq_valid(&j->r->in[LENGTHS], i, j->t, 0) * j->step;
        real *y = j->y + i * whole;
        weft__copy_flat(y, j->x + i * whole, valid);
        for (size_t k = valid; k < whole; k++) y[k] = j->value;
    }
}

static void mask(const weft__op_args *r, real *y, const real *x, double value)
{
    const weft__tensor *t = &r->in[X];
    job j = {.r = r, .y = y, .x = x, .value = (real)value, .t = t->dim[1]};
    size_t n = (size_t)t->dim[0];
    j.step = t->count / n / (size_t)j.t;
    weft__spread(n, (double)j.step * j.t, samples, &j);
}

static void forward(const weft__op_args *r)
{
    mask(r, r->out[0].data, r->in[X].data, ((const weft__act_attr *)r->attr)->alpha);
}

static void backward(const weft__op_args *r)
{
    if (r->din[X].data) mask(r, r->din[X].data, r->dout[0].data, 0);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    snprintf(text, size, "%g", ((const weft__act_attr *)node->attr)->alpha);
}

WEFT_SHARED const weft__node *weft__seq_mask_of(const weft_graph *g, int v, double value)
{
    const weft__node *node = weft__giver(g, v, "seq_mask");
    return node && ((const weft__act_attr *)node->attr)->alpha == value ? node : NULL;
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    double value = ((const weft__act_attr *)node->attr)->alpha;
    const weft__tensor *x = weft__onnx_in(w, X);
    if (!node->in[LENGTHS]) {
        weft__onnx_keep_inputs(w, 1);
        weft__onnx_type(w, "Identity");
        return;
    }
    weft__onnx_keep_inputs(w, 0);
    const char *mask =
        weft__onnx_steps(w, node->in[LENGTHS], WEFT_ONNX_MASK, x->dim[1], x->rank);
    weft__onnx_begin(w, "Where");
    weft__onnx_add_named(w, mask);
    weft__onnx_add_input(w, X);
    weft__onnx_add_float(w, "behind", value);
    weft__onnx_give(w, 0);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft__onnx_lengths l;
    weft_shape x = weft__onnx_shape(n, 1);
    double value;
    if (weft__onnx_inputs(n) != 3 || !weft__onnx_lengths_at(n, 0, &l) ||
        l.form != WEFT_ONNX_MASK || x.rank != l.rank || x.dim[1] != l.steps ||
        weft__onnx_const_floats(n, 2, &value, 1) != 1)
        return weft__onnx_fail(n, "is supported only for steps before the lengths of "
                                  "sequences");
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_set(n, 0, weft_seq_mask(g, weft__onnx_value(n, 1), l.lengths, value));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 2, 4, &lengths);
    return weft_seq_mask(g, x, lengths, weft__rng_range(rng, -1, 1));
}

const weft_op WEFT_OP(seq_mask) = {
    .name = "seq_mask",
    .onnx = WEFT_ONNX("Where", 16, .also = "Less", .read = from_onnx, .write = to_onnx),
    .arity = 2,
    .summary = "y = x before each sample's length, a value after it",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << LENGTHS,
    .in_place = true,
    .grad_in_place = true,
    .describe = describe,
    .sample = sample,
};
