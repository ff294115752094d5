/* dropout.c: in training zero with probability p, else x / (1 - p); otherwise x. */
#include "ops/common/unary.h"

#include "ops/common/strided.h"

#include <stdio.h>

#define SPREAD 0x9e3779b97f4a7c15u /* keeps the run's other random numbers apart */
#define COST 20                    /* operations per element */

WEFT_API weft_value weft_dropout(weft_graph *g, weft_value x, double p)
{
    if (!(p >= 0 && p <= 1)) return weft__unary_refuse(g, "dropout", "p", p, "0 to 1");
    return weft__unary_add_with(g, "dropout", x, p, 0);
}

typedef struct job {
    const weft__op_args *r;
    real *y;
    const real *x;
    real p;
} job;

static void range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const weft__op_args *r = j->r;
    uint64_t key = r->seed + SPREAD * (uint64_t)WEFT_RNG_DROPOUT;
    uint64_t stream = r->step << 24 | (uint64_t)(r->node->number & 0xffffff);
    KERNELS(r)->dropout(j->y + begin, j->x + begin, end - begin, j->p, key, stream,
                        begin);
}

/* The same numbers are drawn for y and for dx. */
static void drop(const weft__op_args *r, real *y, const real *x, size_t n)
{
    double p = ((const weft__act_attr *)r->attr)->alpha;
    if (!r->training || p == 0)
        weft__copy_flat(y, x, n);
    else if (p == 1)
        weft__fill_zero(y, n);
    else
        weft__spread(n, COST, range, &(job){r, y, x, (real)p});
}

static void forward(const weft__op_args *r)
{
    drop(r, r->out[0].data, r->in[0].data, r->out[0].count);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data) drop(r, r->din[0].data, r->dout[0].data, r->din[0].count);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    snprintf(text, size, "p %g", ((const weft__act_attr *)node->attr)->alpha);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    weft__onnx_add_float(w, "ratio", ((const weft__act_attr *)node->attr)->alpha);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double p = 0.5;
    int64_t flag = 0;
    if (weft__onnx_opset(n) < 12) {
        p = weft__onnx_get_float(n, "ratio", 0.5);
        flag = weft__onnx_get_int(n, "is_test",
                                  0); /* of opset 6; inference is ours to know */
    } else {
        (void)weft__onnx_get_int(n, "seed", 0);
        if (weft__onnx_shape(n, 1).rank >= 0 && weft__onnx_const_floats(n, 1, &p, 1) < 1)
            return weft__onnx_fail(n, "ratio is no constant");
        if (weft__onnx_shape(n, 2).rank >=
            0) /* training_mode: a pass decides that, too */
            (void)weft__onnx_const_ints(n, 2, &flag, 1);
    }
    bool spatial = weft__onnx_note(n, "spatial") > 0 && weft__onnx_shape(n, 0).rank == 3;
    weft__onnx_set(n, 0,
                   (spatial ? weft_spatial_dropout : weft_dropout)(
                       weft__onnx_graph(n), weft__onnx_value(n, 0), p));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    static const double p[] = {0.5, 0.1, 0, 1, 0.75};
    return weft_dropout(g, weft__sample_any(g, rng), p[weft__rng_below(rng, 5)]);
}

const weft_op WEFT_OP(dropout) = {
    .name = "dropout",
    .onnx = WEFT_ONNX("Dropout", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "while training: zero with probability p, else x / (1 - p)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = forward,
    .backward = backward,
    .in_place = true,
    .grad_in_place = true,
    .random = true,
    .describe = describe,
    .sample = sample,
};
