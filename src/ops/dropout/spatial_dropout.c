/* spatial_dropout.c: while training, whole channels of a sample are zero. */
#include "ops/common/unary.h"

#include "ops/common/strided.h"
#include "ops/common/window.h"

#include <stdio.h>

#define SPREAD 0x9e3779b97f4a7c15u /* keeps the run's other random numbers apart */

WEFT_API weft_value weft_spatial_dropout(weft_graph *g, weft_value x, double p)
{
    if (!(p >= 0 && p <= 1))
        return weft__unary_refuse(g, "spatial_dropout", "p", p, "0 to 1");
    return weft__unary_add_with(g, "spatial_dropout", x, p, 0);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    weft_status s = weft__need(node, in, 0, "x", 3, 3);
    weft__same_shape(&out[0], &in[0]);
    return s;
}

/* scratch: the factor of each channel of each sample. */
static void memory(const weft__setup *s, weft__memory *m)
{
    m->scratch = weft__scratch_rows((size_t)s->in[0].dim[0], (size_t)s->in[0].dim[2]);
}

typedef struct job {
    const weft__op_args *r;
    real *y;
    const real *x;
    size_t t, c;
} job;

static void rows(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const real *factor = j->r->scratch;
    for (size_t i = begin; i < end; i++)
        KERNELS(j->r)->mul(j->y + i * j->c, j->x + i * j->c, factor + i / j->t * j->c,
                           j->c, 1, 1);
}

/* The same factors are drawn for y and for dx. */
static void drop(const weft__op_args *r, real *y, const real *x)
{
    const weft__tensor *in = &r->in[0];
    double p = ((const weft__act_attr *)r->attr)->alpha;
    if (!r->training || p == 0) {
        weft__copy_flat(y, x, in->count);
        return;
    }
    if (p == 1) {
        weft__fill_zero(y, in->count);
        return;
    }
    job j = {r, y, x, (size_t)in->dim[1], (size_t)in->dim[2]};
    size_t n = (size_t)in->dim[0] * j.c;
    real *factor = r->scratch;
    uint64_t key = r->seed + SPREAD * (uint64_t)WEFT_RNG_DROPOUT;
    uint64_t stream = r->step << 24 | (uint64_t)(r->node->number & 0xffffff);
    for (size_t i = 0; i < n; i++) factor[i] = 1;
    KERNELS(r)->dropout(factor, factor, n, (real)p, key, stream, 0);
    weft__spread((size_t)in->dim[0] * j.t, (double)j.c, rows, &j);
}

static void forward(const weft__op_args *r)
{
    drop(r, r->out[0].data, r->in[0].data);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data) drop(r, r->din[0].data, r->dout[0].data);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    snprintf(text, size, "p %g", ((const weft__act_attr *)node->attr)->alpha);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    weft__onnx_add_float(w, "ratio", ((const weft__act_attr *)node->attr)->alpha);
    weft__onnx_put_note(w, "spatial", 1);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    static const double p[] = {0.5, 0.1, 0, 1, 0.75};
    weft_value x = weft__sample_value(g, rng, "x", weft__sample_shape(rng, 3, 3, 6));
    return weft_spatial_dropout(g, x, p[weft__rng_below(rng, 5)]);
}

const weft_op WEFT_OP(spatial_dropout) = {
    .name = "spatial_dropout",
    .onnx = WEFT_ONNX("Dropout", 13, .write = to_onnx),
    .arity = 1,
    .summary = "while training: whole channels of a sample zero with probability p",
    .shape = shape,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .in_place = true,
    .grad_in_place = true,
    .random = true,
    .describe = describe,
    .sample = sample,
};
