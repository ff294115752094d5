/* seq_max.c: the largest of the valid steps; the gradient goes to the first of
 * equals. */
#include "ops/reduction/reduce.h"
#include "ops/sequence/seq_pool.h"

#include <math.h>

WEFT_API weft_value weft_seq_max(weft_graph *g, weft_value x, weft_value lengths)
{
    return weft__seq_pool_add(g, "seq_max", x, lengths);
}

/* saved: for each element of y, the step that it came from. */
static void memory(const weft__setup *s, weft__memory *m)
{
    if (s->training) m->saved = s->out[0].count * sizeof(int32_t);
}

/* One window over all of the sample. */
static weft__pool window(size_t length, size_t c)
{
    return (weft__pool){.n = 1,
                        .h = 1,
                        .w = (int)length,
                        .c = (int)c,
                        .oh = 1,
                        .ow = 1,
                        .kh = 1,
                        .kw = (int)length,
                        .stride_h = 1,
                        .stride_w = (int)length,
                        .dilate_h = 1,
                        .dilate_w = 1};
}

static void largest(const weft__op_args *r, real *y, const real *x, size_t length,
                    size_t c, int32_t *saved)
{
    weft__pool p = window(length, c);
    KERNELS(r)->max_pool(&p, y, x, saved, NULL);
}

static void forward(const weft__op_args *r)
{
    weft__seq_pool_forward(r, largest);
}

static void back(const weft__op_args *r, real *dx, const real *dy, size_t length,
                 size_t c, int32_t *saved)
{
    weft__pool p = window(length, c);
    KERNELS(r)->max_pool_backward(&p, dx, dy, saved);
}

static void backward(const weft__op_args *r)
{
    weft__seq_pool_backward(r, back);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const char *x = weft__seq_masked(node, w, SEQ_POOL_X, SEQ_POOL_LENGTHS, -INFINITY);
    weft__onnx_begin(w, "ReduceMax");
    weft__onnx_add_named(w, x);
    weft__onnx_put_ints(w, "axes", (int[]){1}, 1);
    weft__onnx_put_int(w, "keepdims", 0);
    weft__onnx_give(w, 0);
}

static weft_value whole(weft_graph *g, const weft__node *last)
{
    const weft__node *max = weft__giver(g, last->out[0], "max");
    const weft__node *mask = max ? weft__seq_mask_of(g, max->in[0], -INFINITY) : NULL;
    if (!mask || !weft__reduces_only(max, 1) ||
        weft__nominal_shape(g, (weft_value){mask->in[0]}).rank != 3)
        return WEFT_NONE;
    return weft_seq_max(g, (weft_value){mask->in[0]}, (weft_value){mask->in[1]});
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 3, 3, &lengths);
    return weft_seq_max(g, x, lengths);
}

const weft_op WEFT_OP(seq_max) = {
    .name = "seq_max",
    .onnx = WEFT_ONNX(.whole = whole, .write = to_onnx),
    .arity = SEQ_POOL_INPUTS,
    .summary = "y = the largest of the valid steps of sequences",
    .shape = weft__seq_pool_shape,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << SEQ_POOL_LENGTHS,
    .sample = sample,
};
