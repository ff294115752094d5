/* batch_norm.c: y = gamma (x - mean) / sqrt(var + eps) + beta per channel. */
#include "ops/common/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X, GAMMA, BETA, MEAN, VAR, INPUTS };

WEFT_API weft_value weft_batch_norm(weft_graph *g, weft_value x, weft_value gamma,
                                    weft_value beta, weft_value mean, weft_value var,
                                    const weft_batch_norm_opts *opts)
{
    weft_batch_norm_opts o = opts ? *opts : (weft_batch_norm_opts){0};
    if (o.momentum == 0) o.momentum = 0.1;
    if (o.eps == 0) o.eps = 1e-5;
    o.eps =
        (float)
            o.eps; /* as a model file keeps it: a model read back gives the same bits */
    return weft__node_add(g, "batch_norm", &o, sizeof o,
                          (weft_value[]){x, gamma, beta, mean, var}, INPUTS, 1);
}

static weft_status check_options(const weft__node *node)
{
    const weft_batch_norm_opts *o = node->attr;
    if (!(o->momentum >= 0 && o->momentum <= 1))
        return weft__fail(WEFT_EUSAGE, "%s: momentum is %g, must be 0 to 1", node->name,
                          o->momentum);
    if (!(o->eps > 0) || isinf(o->eps))
        return weft__fail(WEFT_EUSAGE, "%s: eps is %g, must be above 0", node->name,
                          o->eps);
    return WEFT_OK;
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    static const char *const name[INPUTS] = {"x", "gamma", "beta", "mean", "var"};
    char one[128], two[128];
    weft_status s = weft__need(node, in, X, name[X], 2, WEFT_MAX_RANK);
    for (int i = GAMMA; i < INPUTS && !s; i++) {
        s = weft__need(node, in, i, name[i], 1, 1);
        if (!s && in[i].dim[0] != in[X].dim[1])
            s = weft__fail(WEFT_ESHAPE, "%s: %s is %s, x %s has %d channels", node->name,
                           name[i], weft__shape_text(one, sizeof one, &in[i]),
                           weft__shape_text(two, sizeof two, &in[X]), in[X].dim[1]);
    }
    if (!s) s = check_options(node);
    if (!s) weft__same_shape(out, &in[X]);
    return s;
}

/* x is [rows][c]; a row of c in scratch or saved takes `row` elements. */
typedef struct sizes {
    size_t rows, c, row;
} sizes;

static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[X];
    sizes *z = s->prepared;
    z->c = (size_t)x->dim[1];
    z->rows = weft__tensor_count(x) / z->c;
    z->row = weft__scratch_rows(1, z->c) / sizeof(real);
    return WEFT_OK;
}

/* What the channels are normalised with. A float mean of 1000 may be off by 3e-5, which
 * counts where the standard deviation is 1: `rest` is what the mean lacks. */
typedef struct statistics {
    real *mean, *rest, *rstd; /* rstd: 1 / sqrt(var + eps) */
    real *scale, *shift;      /* y = x scale + shift, or of x - mean, when centred */
    real *centred;            /* one number: 0 or 1 */
} statistics;

/* Rows of statistics; rows of scratch, after which comes what the kernels need. */
enum { SAVED = 6, SCRATCH = SAVED };

static statistics statistics_at(void *place, const sizes *z)
{
    real *p = place;
    return (statistics){
        p, p + z->row, p + 2 * z->row, p + 3 * z->row, p + 4 * z->row, p + 5 * z->row};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    const sizes *z = s->prepared;
    m->scratch = k->moments_scratch(z->rows, z->c);
    if (s->training) {
        m->scratch = larger(m->scratch, k->batch_norm_sums_scratch(z->rows, z->c));
        m->saved = SAVED * z->row * sizeof(real);
    }
    m->scratch += SCRATCH * z->row * sizeof(real);
}

static bool uses_running(const weft__op_args *r)
{
    return !r->training || ((const weft_batch_norm_opts *)r->attr)->fixed;
}

/* r = (1 - momentum) r + momentum m. The running statistics are the only inputs that an
 * operator ever changes: that is what they are for. */
static void update_running(const weft__op_args *r, const statistics *s, const real *var,
                           const sizes *z)
{
    double momentum = ((const weft_batch_norm_opts *)r->attr)->momentum;
    double unbiased = z->rows > 1 ? (double)z->rows / (double)(z->rows - 1) : 1;
    real *running_mean = r->in[MEAN].data, *running_var = r->in[VAR].data;
    for (size_t i = 0; i < z->c; i++) {
        double mean = (double)s->mean[i] + s->rest[i];
        running_mean[i] = (real)((1 - momentum) * running_mean[i] + momentum * mean);
        running_var[i] =
            (real)((1 - momentum) * running_var[i] + momentum * unbiased * var[i]);
    }
}

/* Does the mean of some channel lose digits that its standard deviation needs? */
static bool far_from_zero(const real *mean, const real *var, size_t c, double eps)
{
    for (size_t i = 0; i < c; i++)
        if (fabs((double)mean[i]) > 256 * sqrt(var[i] + eps)) return true;
    return false;
}

static void forward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    real *scratch = r->scratch;
    statistics s = statistics_at(r->saved ? r->saved : scratch, z);
    const real *gamma = r->in[GAMMA].data, *beta = r->in[BETA].data;
    double eps = ((const weft_batch_norm_opts *)r->attr)->eps;
    bool centred = false;
    if (uses_running(r)) {
        memcpy(s.mean, r->in[MEAN].data, z->c * sizeof *s.mean);
        memcpy(s.rstd, r->in[VAR].data, z->c * sizeof *s.rstd);
        memset(s.rest, 0, z->c * sizeof *s.rest);
    } else {
        KERNELS(r)->moments(s.mean, s.rest, s.rstd, r->in[X].data, z->rows, z->c,
                            scratch + SCRATCH * z->row);
        centred = far_from_zero(s.mean, s.rstd, z->c, eps);
        update_running(r, &s, s.rstd, z);
    }
    for (size_t i = 0; i < z->c; i++) {
        s.rstd[i] = (real)(1 / sqrt((double)s.rstd[i] + eps));
        double a = (double)gamma[i] * s.rstd[i], middle = centred ? s.rest[i] : s.mean[i];
        s.scale[i] = (real)a;
        s.shift[i] = (real)(beta[i] - middle * a);
    }
    *s.centred = centred;
    const weft__affine a = {.scale = s.scale,
                            .shift = s.shift,
                            .mean = centred ? s.mean : NULL,
                            .residual = r->residual ? r->residual->data : NULL};
    KERNELS(r)->channel_affine(r->out[0].data, r->in[X].data, &a, z->rows, z->c,
                               r->epilogue);
}

/* Running statistics that are parameters count only where they are used. */
static void running_back(const weft__op_args *r, const real *rstd, const real *dgamma,
                         const real *dbeta, size_t c)
{
    const real *gamma = r->in[GAMMA].data;
    real *dmean = r->din[MEAN].data, *dvar = r->din[VAR].data;
    bool used = uses_running(r);
    for (size_t i = 0; i < c && dmean; i++)
        dmean[i] = used ? -gamma[i] * rstd[i] * dbeta[i] : 0;
    for (size_t i = 0; i < c && dvar; i++)
        dvar[i] = used ? -gamma[i] * dgamma[i] * rstd[i] * rstd[i] / 2 : 0;
}

/* What the relu after this one lets through, and where it is kept. True when the data
 * gradient has to look at the gate again; else it goes by what was kept. */
static bool gate_of(const weft__op_args *r, const statistics *s, weft__relu_gate *g)
{
    bool relu = r->epilogue && r->epilogue->act == WEFT_ACT_RELU;
    const real *dy = r->dout[0].data;
    real *rest = r->dresidual ? r->dresidual->data : NULL;
    *g = (weft__relu_gate){.masked_dy = rest == dy && !relu ? NULL : rest};
    if (!relu) return false;
    if (!r->residual && *s->centred == 0) {
        g->scale = s->scale;
        g->shift = s->shift;
        return true;
    }
    g->y = r->out[0].data;
    if (!g->masked_dy) g->masked_dy = r->din[X].data;
    return false;
}

static void backward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    statistics s = statistics_at(r->saved, z);
    const real *dy = r->dout[0].data, *x = r->in[X].data;
    real *dgamma = r->din[GAMMA].data, *dbeta = r->din[BETA].data, *dx = r->din[X].data;
    real *scratch = r->scratch, *centre = scratch + 2 * z->row;
    weft__relu_gate gate;
    bool again = gate_of(r, &s, &gate);
    if (!dgamma) dgamma = scratch;
    if (!dbeta) dbeta = scratch + z->row;
    KERNELS(r)->batch_norm_sums(dgamma, dbeta, dy, x, s.mean, s.rstd, z->rows, z->c,
                                &gate, scratch + SCRATCH * z->row);
    if (gate.masked_dy) dy = gate.masked_dy;
    /* the kernels take the mean without its rest; dgamma and dbeta make up for it */
    for (size_t i = 0; i < z->c; i++) {
        double off = (double)s.rest[i] * s.rstd[i];
        dgamma[i] = (real)(dgamma[i] - off * dbeta[i]);
        centre[i] = (real)(dbeta[i] - off * dgamma[i]);
    }
    if (dx)
        KERNELS(r)->batch_norm_data(dx, dy, x, r->in[GAMMA].data, s.mean, s.rstd, dgamma,
                                    centre, z->rows, z->c, uses_running(r),
                                    again ? &gate : NULL);
    running_back(r, s.rstd, dgamma, dbeta, z->c);
}

/* By the running statistics. */
static weft__affine_map affine(const weft__node *node, const weft__tensor *in, int index)
{
    const real *gamma = in[GAMMA].data, *beta = in[BETA].data;
    const real *mean = in[MEAN].data, *var = in[VAR].data;
    double eps = ((const weft_batch_norm_opts *)node->attr)->eps;
    return (weft__affine_map){.centre = mean[index],
                              .scale = gamma[index] / sqrt((double)var[index] + eps),
                              .shift = beta[index]};
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    (void)node, (void)in;
    return 2.0 * (double)weft__tensor_count(&out[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft_batch_norm_opts *o = node->attr;
    snprintf(text, size, "eps %g momentum %g%s", o->eps, o->momentum,
             o->fixed ? " fixed" : "");
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft_batch_norm_opts *o = node->attr;
    weft__onnx_put_float(w, "epsilon", o->eps);
    /* how much of the old one stays: all of it when it is fixed */
    weft__onnx_put_float(w, "momentum", o->fixed ? 1 : 1 - o->momentum);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_batch_norm_opts o = {.eps = weft__onnx_get_float(n, "epsilon", 1e-5),
                              .momentum = 1 - weft__onnx_get_float(n, "momentum", 0.9)};
    if (weft__onnx_get_int(n, "spatial", 1) != 1)
        return weft__onnx_fail(n, "attribute spatial must be 1");
    if (weft__onnx_get_int(n, "training_mode", 0) != 0 || weft__onnx_outputs(n) > 1)
        return weft__onnx_fail(n,
                               "only the inference form (one output, training_mode 0) is "
                               "supported");
    if (!(o.eps > 0))
        return weft__onnx_fail(n, "attribute epsilon is %g, must be above 0", o.eps);
    /* 0.9 and 0.99 are not floats; ours should be 0.1 and 0.01 again */
    o.momentum = floor(o.momentum * 1e6 + 0.5) / 1e6;
    o.fixed = o.momentum == 0;
    weft__onnx_set(n, 0,
                   weft_batch_norm(g, weft__onnx_value(n, X), weft__onnx_value(n, GAMMA),
                                   weft__onnx_value(n, BETA), weft__onnx_value(n, MEAN),
                                   weft__onnx_value(n, VAR), &o));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int c = weft__rng_between(rng, 1, 6), rank = weft__rng_between(rng, 2, 4);
    /* at least four rows: two always become -1 and 1, and the gradient all but
     * nothing */
    weft_shape s = {rank, {weft__rng_between(rng, rank == 2 ? 4 : 1, 5), c}};
    for (int i = 2; i < rank; i++)
        s.dim[i] = weft__rng_between(rng, rank == 3 ? 4 : 2, 4);
    weft_value x = weft_input(g, "x", s);
    weft_value gamma = weft_param(g, "gamma", WEFT_SHAPE(c)),
               beta = weft_param(g, "beta", WEFT_SHAPE(c));
    weft_value mean = weft_buffer(g, "mean", WEFT_SHAPE(c)),
               var = weft_buffer(g, "var", WEFT_SHAPE(c));
    weft__sample_range(g, var, 0.5, 2);
    weft_batch_norm_opts o = {.fixed = weft__rng_below(rng, 3) == 0};
    if (weft__rng_below(rng, 2)) o.eps = 1e-3;
    if (weft__rng_below(rng, 2)) o.momentum = 0.25;
    return weft_batch_norm(g, x, gamma, beta, mean, var, &o);
}

const weft_op WEFT_OP(batch_norm) = {
    .name = "batch_norm",
    .onnx = WEFT_ONNX("BatchNormalization", 15, .read = from_onnx, .write = to_onnx),
    .arity = INPUTS,
    .summary = "y = gamma (x - mean) / sqrt(var + eps) + beta, for each channel",
    .shape = shape,
    .layout = weft__layout_spatial,
    .prepare = prepare,
    .prepared = sizeof(sizes),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << X | 1u << GAMMA,
    .grad_in_place = true,
    .fuses_epilogue = true,
    .fuses_residual = true,
    .fuses_relu_bwd = true,
    .affine = affine,
    .unit_axis = 1,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
