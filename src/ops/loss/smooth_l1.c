/* smooth_l1.c: the mean (or sum, or each) of d^2 / (2 beta) below beta, |d| - beta / 2
 * above. */
#include "ops/loss/loss.h"

WEFT_API weft_value weft_smooth_l1(weft_graph *g, weft_value x, weft_value target,
                                   double beta, weft_reduction r)
{
    if (!(beta >= 0))
        return weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "smooth_l1: beta is %g, must be 0 or more", beta));
    return weft__loss_add(g, "smooth_l1", (weft_value[]){x, target}, 2, r,
                          beta == 0 ? 1 : beta);
}

static void losses(real *y, const real *x, const real *t, size_t n, real beta)
{
    for (size_t i = 0; i < n; i++) {
        real d = x[i] - t[i], size = d < 0 ? -d : d;
        y[i] = size < beta ? (real)0.5 * d * d / beta : size - (real)0.5 * beta;
    }
}

static void slopes(real *dx, const real *x, const real *t, size_t n, real beta)
{
    for (size_t i = 0; i < n; i++) {
        real d = x[i] - t[i];
        dx[i] = d >= beta ? 1 : d <= -beta ? -1 : d / beta;
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
    static const double beta[] = {0, 1, 0.5, 2};
    weft_shape s = weft__sample_shape(rng, 1, 4, 6);
    weft_value x = weft__sample_value(g, rng, "x", s);
    weft_value t = weft__sample_value(g, rng, "t", s);
    return weft_smooth_l1(g, x, t, beta[weft__rng_below(rng, 4)],
                          weft__sample_reduction(rng));
}

const weft_op WEFT_OP(smooth_l1) = {
    .name = "smooth_l1",
    .onnx = WEFT_ONNX(.write = weft__loss_refuse),
    .arity = 2,
    .summary =
        "the mean (or sum, or each) of d^2 / (2 beta) below beta, |d| - beta / 2 above",
    .shape = weft__loss_shape,
    .layout = weft__loss_layout,
    .memory = weft__loss_memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 3,
    .describe = weft__loss_describe,
    .sample = sample,
};
