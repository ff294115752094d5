/* seq_softmax.c: softmax over the valid steps, 0 after them. */
#include "ops/sequence/sequence.h"

#include "ops/common/softmax.h"
#include "ops/common/strided.h"

#include <math.h>

enum { X, LENGTHS };
enum { COST = 12 }; /* operations per element */

WEFT_API weft_value weft_seq_softmax(weft_graph *g, weft_value x, weft_value lengths)
{
    return weft__node_add(g, "seq_softmax", NULL, 0, (weft_value[]){x, lengths}, 2, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    weft_status s = weft__need(node, in, X, "x", 2, 2);
    if (s) return s;
    weft__same_shape(&out[0], &in[X]);
    return weft__seq_check(node, in, LENGTHS, in[X].dim[0]);
}

typedef struct job {
    const weft__op_args *r;
    real *y; /* or dx */
    const real *x, *dy;
    int t;
} job;

static void samples(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t t = (size_t)j->t;
    for (size_t i = begin; i < end; i++) {
        size_t valid = (size_t)weft__seq_valid(&j->r->in[LENGTHS], i, j->t, 1);
        real *y = j->y + i * t;
        if (j->dy)
            KERNELS(j->r)->softmax_backward(y, j->dy + i * t, j->x + i * t, 1, valid);
        else
            KERNELS(j->r)->softmax(y, j->x + i * t, 1, valid);
        weft__fill_zero(y + valid, t - valid);
    }
}

static void forward(const weft__op_args *r)
{
    job j = {.r = r, .y = r->out[0].data, .x = r->in[X].data, .t = r->in[X].dim[1]};
    weft__spread((size_t)r->in[X].dim[0], COST * (double)j.t, samples, &j);
}

static void backward(const weft__op_args *r)
{
    job j = {.r = r,
             .y = r->din[X].data,
             .x = r->out[0].data,
             .dy = r->dout[0].data,
             .t = r->in[X].dim[1]};
    if (j.y) weft__spread((size_t)r->in[X].dim[0], COST * (double)j.t, samples, &j);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const char *x = weft__seq_masked(node, w, X, LENGTHS, -INFINITY);
    weft__onnx_begin(w, "Softmax");
    weft__onnx_add_named(w, x);
    weft__onnx_put_int(w, "axis", 1);
    weft__onnx_give(w, 0);
}

static weft_value whole(weft_graph *g, const weft__node *last)
{
    const weft__node *soft = weft__giver(g, last->out[0], "softmax");
    const weft__node *mask = soft ? weft__seq_mask_of(g, soft->in[0], -INFINITY) : NULL;
    int axis = soft ? ((const weft__axis_attr *)soft->attr)->axis : 0;
    if (!mask || (axis != 1 && axis != -1) ||
        weft__nominal_shape(g, (weft_value){mask->in[0]}).rank != 2)
        return WEFT_NONE;
    return weft_seq_softmax(g, (weft_value){mask->in[0]}, (weft_value){mask->in[1]});
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 2, 2, &lengths);
    return weft_seq_softmax(g, x, lengths);
}

const weft_op WEFT_OP(seq_softmax) = {
    .name = "seq_softmax",
    .onnx = WEFT_ONNX(.whole = whole, .write = to_onnx),
    .arity = 2,
    .summary = "y = softmax over the valid steps of sequences",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << LENGTHS,
    .saves_out = 1,
    .sample = sample,
};
