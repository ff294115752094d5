/* layer_norm.c: normalises over axis .. last together. */
#include "ops/common/window.h"

#include <math.h>
#include <stdio.h>

typedef struct options {
    int axis;
    double eps;
} options;

enum { X, GAMMA, BETA };

WEFT_API weft_value weft_layer_norm(weft_graph *g, weft_value x, weft_value gamma,
                                    weft_value beta, int axis, double eps)
{
    options o = {axis, eps == 0 ? 1e-5 : eps};
    return weft__node_add(g, "layer_norm", &o, sizeof o, (weft_value[]){x, gamma, beta},
                          3, 1);
}

static weft_status check_affine(const weft__node *node, const weft__tensor *in, int i,
                                const char *name, int axis)
{
    char one[128], two[128];
    int rank = in[X].rank - axis;
    if (in[i].rank < 0) return WEFT_OK;
    weft_status s = weft__need(node, in, i, name, 0, WEFT_MAX_RANK);
    bool fits = in[i].rank == rank;
    for (int k = 0; k < rank && fits; k++) fits = in[i].dim[k] == in[X].dim[axis + k];
    if (!s && !fits)
        s = weft__fail(WEFT_ESHAPE,
                       "%s: %s is %s, must have the shape of x %s from axis %d on",
                       node->name, name, weft__shape_text(one, sizeof one, &in[i]),
                       weft__shape_text(two, sizeof two, &in[X]), axis);
    return s;
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    int axis = o->axis;
    weft_status s = weft__need(node, in, X, "x", 1, WEFT_MAX_RANK);
    if (!s) s = weft__check_axis(node, &axis, in[X].rank);
    if (!s) s = check_affine(node, in, GAMMA, "gamma", axis);
    if (!s) s = check_affine(node, in, BETA, "beta", axis);
    if (!s && (!(o->eps > 0) || isinf(o->eps)))
        s = weft__fail(WEFT_EUSAGE, "%s: eps is %g, must be above 0", node->name, o->eps);
    if (!s) weft__same_shape(out, &in[X]);
    return s;
}

/* x is [rows][cols]. */
typedef struct sizes {
    size_t rows, cols;
} sizes;

static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[X];
    int axis = ((const options *)s->node->attr)->axis;
    sizes *z = s->prepared;
    z->rows = z->cols = 1;
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++)
        *(i < axis ? &z->rows : &z->cols) *= (size_t)x->dim[i];
    return WEFT_OK;
}

/* saved: mean and 1 / standard deviation of each row. scratch, forward: the same where
 * nothing is saved; backward: the terms of dgamma, and what summing them needs. */
static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    const sizes *z = s->prepared;
    const size_t rows = z->rows, cols = z->cols;
    if (!s->training) {
        m->scratch = 2 * rows * sizeof(real);
        return;
    }
    m->saved = 2 * rows * sizeof(real);
    if (s->in[GAMMA].rank >= 0) m->scratch = weft__scratch_rows(rows, cols);
    if (s->in[GAMMA].rank >= 0 || s->in[BETA].rank >= 0)
        m->scratch += k->sum_rows_scratch(rows, cols);
}

typedef struct job {
    const weft__op_args *r;
    size_t cols;
    real *mean, *rstd, *terms;
} job;

static void normalise(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const weft__op_args *r = b->r;
    size_t at = begin * b->cols;
    KERNELS(r)->layer_norm((real *)r->out[0].data + at, b->mean + begin, b->rstd + begin,
                           (const real *)r->in[X].data + at, r->in[GAMMA].data,
                           r->in[BETA].data, end - begin, b->cols,
                           (real)((const options *)r->attr)->eps);
}

static void forward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    const size_t rows = z->rows, cols = z->cols;
    real *mean = r->saved ? r->saved : r->scratch;
    job b = {.r = r, .cols = cols, .mean = mean, .rstd = mean + rows};
    weft__spread(rows, 4.0 * (double)cols, normalise, &b);
}

static void rows_back(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const weft__op_args *r = b->r;
    size_t at = begin * b->cols;
    KERNELS(r)->layer_norm_backward(
        (real *)r->din[X].data + at, (const real *)r->dout[0].data + at,
        (const real *)r->in[X].data + at, r->in[GAMMA].data, b->mean + begin,
        b->rstd + begin, end - begin, b->cols);
}

/* dy (x - mean) / standard deviation */
static void gamma_terms(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const real *x = b->r->in[X].data, *dy = b->r->dout[0].data;
    for (size_t row = begin; row < end; row++) {
        real mean = b->mean[row], rstd = b->rstd[row];
        size_t at = row * b->cols;
        for (size_t i = 0; i < b->cols; i++)
            b->terms[at + i] = dy[at + i] * ((x[at + i] - mean) * rstd);
    }
}

static void backward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    const size_t rows = z->rows, cols = z->cols;
    job b = {.r = r,
             .cols = cols,
             .mean = r->saved,
             .rstd = (real *)r->saved + rows,
             .terms = r->scratch};
    if (r->din[X].data) weft__spread(rows, 6.0 * (double)cols, rows_back, &b);
    if (r->din[BETA].data)
        KERNELS(r)->sum_rows(r->din[BETA].data, r->dout[0].data, rows, cols, r->scratch);
    if (!r->din[GAMMA].data) return;
    weft__spread(rows, 3.0 * (double)cols, gamma_terms, &b);
    KERNELS(r)->sum_rows(r->din[GAMMA].data, b.terms, rows, cols,
                         (char *)r->scratch + weft__scratch_rows(rows, cols));
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    (void)node, (void)in;
    return 7.0 * (double)weft__tensor_count(&out[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    snprintf(text, size, "axis %d eps %g", o->axis, o->eps);
}

/* ---- ONNX ---- */

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const options *o = node->attr;
    const weft__tensor *x = weft__onnx_in(w, X);
    int axis = o->axis < 0 ? o->axis + x->rank : o->axis;
    weft_shape s = {.rank = x->rank - axis};
    for (int i = 0; i < s.rank; i++) s.dim[i] = x->dim[axis + i];
    weft__onnx_put_int(w, "axis", axis);
    weft__onnx_put_float(w, "epsilon", o->eps);
    if (node->in[GAMMA]) return;
    weft__onnx_keep_inputs(w, 1);
    weft__onnx_add_fill(w, "gamma", s, 1);
    if (node->in[BETA]) weft__onnx_add_input(w, BETA);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    int rank = weft__onnx_shape(n, X).rank;
    int64_t axis = weft__onnx_get_int(n, "axis", -1);
    double eps = weft__onnx_get_float(n, "epsilon", 1e-5);
    if (axis < -rank || axis >= rank)
        return weft__onnx_fail(n, "attribute axis is %lld, x has rank %d",
                               (long long)axis, rank);
    if (!(eps > 0))
        return weft__onnx_fail(n, "attribute epsilon is %g, must be above 0", eps);
    if (weft__onnx_get_int(n, "stash_type", 1) != 1)
        return weft__onnx_fail(n, "attribute stash_type must be 1");
    if (weft__onnx_outputs(n) > 1)
        return weft__onnx_fail(n, "the outputs Mean and InvStdDev are not supported");
    weft__onnx_set(n, 0,
                   weft_layer_norm(g, weft__onnx_value(n, X), weft__onnx_value(n, GAMMA),
                                   weft__onnx_value(n, BETA), (int)axis, eps));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = {.rank = weft__rng_between(rng, 1, 4)}, a;
    int axis = weft__rng_between(rng, 0, s.rank - 1);
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = weft__rng_between(rng, 1, s.rank < 3 ? 8 : 4);
    s.dim[s.rank - 1] +=
        2; /* the gradient of one or two normalised numbers is close to zero */
    a.rank = s.rank - axis;
    for (int i = 0; i < a.rank; i++) a.dim[i] = s.dim[axis + i];
    weft_value x = weft_input(g, "x", s), gamma = WEFT_NONE, beta = WEFT_NONE;
    if (weft__rng_below(rng, 4)) gamma = weft_param(g, "gamma", a);
    if (weft__rng_below(rng, 4)) beta = weft_param(g, "beta", a);
    if (weft__rng_below(rng, 2)) axis -= s.rank;
    return weft_layer_norm(g, x, gamma, beta, axis, weft__rng_below(rng, 2) ? 1e-3 : 0);
}

const weft_op WEFT_OP(layer_norm) = {
    .name = "layer_norm",
    .onnx = WEFT_ONNX("LayerNormalization", 17, .read = from_onnx, .write = to_onnx),
    .arity = 3,
    .summary = "y = gamma (x - mean) / sqrt(var + eps) + beta, over the last axes",
    .shape = shape,
    .layout = weft__layout_row_major,
    .prepare = prepare,
    .prepared = sizeof(sizes),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << X | 1u << GAMMA,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
