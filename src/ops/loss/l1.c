/* l1.c: the mean (or sum, or each) of |x - target|. */
#include "ops/loss/loss.h"

WEFT_API weft_value weft_l1(weft_graph *g, weft_value x, weft_value target,
                            weft_reduction r)
{
    return weft__loss_add(g, "l1", (weft_value[]){x, target}, 2, r, 0);
}

static void losses(real *y, const real *x, const real *t, size_t n, real beta)
{
    (void)beta;
    for (size_t i = 0; i < n; i++) {
        real d = x[i] - t[i];
        y[i] = d < 0 ? -d : d;
    }
}

static void slopes(real *dx, const real *x, const real *t, size_t n, real beta)
{
    (void)beta; /* 0 at 0, NaN stays */
    for (size_t i = 0; i < n; i++) {
        real d = x[i] - t[i];
        dx[i] = d > 0 ? 1 : d < 0 ? -1 : d;
    }
}

static void forward(const weft__op_args *r)
{
    weft__loss_forward(r, losses);
}

static void backward(const weft__op_args *r)
{
    weft__loss_backward(r, slopes);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft__loss_sample(g, rng, weft_l1);
}

const weft_op WEFT_OP(l1) = {
    .name = "l1",
    .onnx = WEFT_ONNX(.write = weft__loss_refuse),
    .arity = 2,
    .summary = "the mean (or sum, or each) of |x - target|",
    .shape = weft__loss_shape,
    .layout = weft__loss_layout,
    .memory = weft__loss_memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 3,
    .describe = weft__loss_describe,
    .sample = sample,
};
