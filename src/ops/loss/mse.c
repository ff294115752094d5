/* mse.c: the mean (or sum, or each) of (x - target)^2. */
#include "ops/loss/loss.h"

WEFT_API weft_value weft_mse(weft_graph *g, weft_value x, weft_value target,
                             weft_reduction r)
{
    return weft__loss_add(g, "mse", (weft_value[]){x, target}, 2, r, 0);
}

static void losses(real *y, const real *x, const real *t, size_t n, real beta)
{
    (void)beta;
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - t[i]) * (x[i] - t[i]);
}

static void slopes(real *dx, const real *x, const real *t, size_t n, real beta)
{
    (void)beta;
    for (size_t i = 0; i < n; i++) dx[i] = 2 * (x[i] - t[i]);
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
    return weft__loss_sample(g, rng, weft_mse);
}

const weft_op WEFT_OP(mse) = {
    .name = "mse",
    .onnx = WEFT_ONNX(.write = weft__loss_refuse),
    .arity = 2,
    .summary = "the mean (or sum, or each) of (x - target)^2",
    .shape = weft__loss_shape,
    .layout = weft__loss_layout,
    .memory = weft__loss_memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 3,
    .describe = weft__loss_describe,
    .sample = sample,
};
