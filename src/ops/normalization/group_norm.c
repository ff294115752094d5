/* group_norm.c: normalises each group of channels of each sample. */
#include "ops/common/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct options {
    int groups;
    double eps;
} options;

enum { X, GAMMA, BETA };

WEFT_API weft_value weft_group_norm(weft_graph *g, weft_value x, weft_value gamma,
                                    weft_value beta, int groups, double eps)
{
    options o = {groups, (float)(eps == 0 ? 1e-5 : eps)};
    return weft__node_add(g, "group_norm", &o, sizeof o, (weft_value[]){x, gamma, beta},
                          3, 1);
}

static weft_status check_affine(const weft__node *node, const weft__tensor *in, int i,
                                const char *name)
{
    char text[128];
    if (in[i].rank < 0) return WEFT_OK;
    weft_status s = weft__need(node, in, i, name, 1, 1);
    if (!s && in[i].dim[0] != in[X].dim[1])
        s = weft__fail(WEFT_ESHAPE, "%s: %s has %d elements, x %s has %d channels",
                       node->name, name, in[i].dim[0],
                       weft__shape_text(text, sizeof text, &in[X]), in[X].dim[1]);
    return s;
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    weft_status s = weft__need(node, in, X, "x", 2, WEFT_MAX_RANK);
    if (!s && (o->groups < 1 || in[X].dim[1] % o->groups))
        s = weft__fail(WEFT_ESHAPE, "%s: %d groups do not divide %d channels", node->name,
                       o->groups, in[X].dim[1]);
    if (!s && (!(o->eps > 0) || isinf(o->eps)))
        s = weft__fail(WEFT_EUSAGE, "%s: eps is %g, must be above 0", node->name, o->eps);
    if (!s) s = check_affine(node, in, GAMMA, "gamma");
    if (!s) s = check_affine(node, in, BETA, "beta");
    if (!s) weft__same_shape(out, &in[X]);
    return s;
}

/* x is [n][pixels][c], each group's channels lie together. */
typedef struct sizes {
    size_t n, pixels, c, groups, width; /* width: channels of a group */
    size_t row;                         /* elements from one row of scratch to the next */
} sizes;

static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[X];
    sizes *z = s->prepared;
    z->n = (size_t)x->dim[0];
    z->c = (size_t)x->dim[1];
    z->pixels = weft__tensor_count(x) / (z->n * z->c);
    z->groups = (size_t)((const options *)s->node->attr)->groups;
    z->width = z->c / z->groups;
    z->row = weft__scratch_rows(1, z->c) / sizeof(real);
    return WEFT_OK;
}

enum { ROWS = 5 }; /* of c in scratch; what the kernels need comes after them */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* saved: mean and 1 / standard deviation of each sample, repeated for each channel of a
 * group. */
static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    const sizes *z = s->prepared;
    m->scratch = k->moments_scratch(z->pixels, z->c);
    if (s->training) {
        m->scratch = larger(m->scratch, k->batch_norm_sums_scratch(z->pixels, z->c));
        m->saved = 2 * z->n * z->c * sizeof(real);
    }
    m->scratch += ROWS * z->row * sizeof(real);
}

/* From the moments of each channel to those of its group. */
static void join_groups(const sizes *z, double eps, real *mean, real *var_to_rstd)
{
    for (size_t g = 0; g < z->groups; g++) {
        real *m = mean + g * z->width, *v = var_to_rstd + g * z->width;
        double middle = 0, var = 0;
        for (size_t i = 0; i < z->width; i++) middle += m[i];
        middle /= (double)z->width;
        for (size_t i = 0; i < z->width; i++)
            var += v[i] + (m[i] - middle) * (m[i] - middle);
        var /= (double)z->width;
        for (size_t i = 0; i < z->width; i++) {
            m[i] = (real)middle;
            v[i] = (real)(1 / sqrt(var + eps));
        }
    }
}

static void forward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    const real *gamma = r->in[GAMMA].data, *beta = r->in[BETA].data;
    real *scale = r->scratch, *shift = scale + z->row, *mean = shift + z->row,
         *rstd = mean + z->row;
    void *rest = (real *)r->scratch + ROWS * z->row;
    for (size_t n = 0; n < z->n; n++) {
        const real *x = (const real *)r->in[X].data + n * z->pixels * z->c;
        real *y = (real *)r->out[0].data + n * z->pixels * z->c;
        if (r->saved) {
            mean = (real *)r->saved + n * z->c;
            rstd = mean + z->n * z->c;
        }
        KERNELS(r)->moments(mean, NULL, rstd, x, z->pixels, z->c, rest);
        join_groups(z, ((const options *)r->attr)->eps, mean, rstd);
        for (size_t i = 0; i < z->c; i++) {
            double a = (double)rstd[i] * (gamma ? gamma[i] : 1);
            scale[i] = (real)a;
            shift[i] = (real)((beta ? beta[i] : 0) - mean[i] * a);
        }
        const weft__affine a = {.scale = scale, .shift = shift};
        KERNELS(r)->channel_affine(y, x, &a, z->pixels, z->c, NULL);
    }
}

/* dx = by_dy dy - constant - by_x (x - mean) */
typedef struct job {
    size_t c;
    real *dx;
    const real *dy, *x, *mean;
    const real *by_dy, *constant, *by_x;
} job;

static void pixels_back(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    for (size_t p = begin; p < end; p++)
        for (size_t i = 0, at = p * b->c; i < b->c; i++, at++)
            b->dx[at] = b->by_dy[i] * b->dy[at] - b->constant[i] -
                        b->by_x[i] * (b->x[at] - b->mean[i]);
}

/* dx = rstd (gamma dy - mean of gamma dy - xhat mean of gamma dy xhat), means over the
 * group */
static void factors(const sizes *z, const real *gamma, const real *dgamma,
                    const real *dbeta, const real *rstd, real *by_dy, real *constant,
                    real *by_x)
{
    double count = (double)z->width * (double)z->pixels;
    for (size_t g = 0; g < z->c; g += z->width) {
        double sum = 0, product = 0;
        for (size_t i = g; i < g + z->width; i++) {
            double w = gamma ? gamma[i] : 1;
            sum += w * dbeta[i];
            product += w * dgamma[i];
        }
        for (size_t i = g; i < g + z->width; i++) {
            by_dy[i] = (gamma ? gamma[i] : 1) * rstd[i];
            constant[i] = (real)(rstd[i] * sum / count);
            by_x[i] = (real)((double)rstd[i] * rstd[i] * product / count);
        }
    }
}

static void backward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    const real *gamma = r->in[GAMMA].data;
    real *total_gamma = r->din[GAMMA].data, *total_beta = r->din[BETA].data;
    real *dgamma = r->scratch, *dbeta = dgamma + z->row, *by_dy = dbeta + z->row;
    real *constant = by_dy + z->row, *by_x = constant + z->row;
    void *rest = (real *)r->scratch + ROWS * z->row;
    if (total_gamma) memset(total_gamma, 0, z->c * sizeof *total_gamma);
    if (total_beta) memset(total_beta, 0, z->c * sizeof *total_beta);
    for (size_t n = 0; n < z->n; n++) {
        const real *mean = (real *)r->saved + n * z->c, *rstd = mean + z->n * z->c;
        size_t at = n * z->pixels * z->c;
        job b = {z->c,
                 (real *)r->din[X].data,
                 (const real *)r->dout[0].data + at,
                 (const real *)r->in[X].data + at,
                 mean,
                 by_dy,
                 constant,
                 by_x};
        KERNELS(r)->batch_norm_sums(dgamma, dbeta, b.dy, b.x, mean, rstd, z->pixels, z->c,
                                    NULL, rest);
        for (size_t i = 0; i < z->c && total_gamma; i++) total_gamma[i] += dgamma[i];
        for (size_t i = 0; i < z->c && total_beta; i++) total_beta[i] += dbeta[i];
        if (!b.dx) continue;
        b.dx += at;
        factors(z, gamma, dgamma, dbeta, rstd, by_dy, constant, by_x);
        weft__spread(z->pixels, 4.0 * (double)z->c, pixels_back, &b);
    }
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
    snprintf(text, size, "%d groups eps %g", o->groups, o->eps);
}

/* ---- ONNX ---- */

static void add_affine(const weft__node *node, weft__onnx_writer *w, int i,
                       double fallback, int c)
{
    if (node->in[i])
        weft__onnx_add_input(w, i);
    else
        weft__onnx_add_fill(w, i == GAMMA ? "gamma" : "beta", WEFT_SHAPE(c), fallback);
}

/* gamma and beta count along axis 1: it goes to the end, where numpy's broadcasting
 * starts. */
static void affine_to_onnx(const weft__node *node, weft__onnx_writer *w, int c)
{
    if (!node->in[GAMMA] && !node->in[BETA]) return;
    weft__onnx_then(w, "Reshape");
    weft__onnx_add_ints(w, "channels", (int[]){0, c, -1}, 3);
    weft__onnx_then(w, "Transpose");
    weft__onnx_put_ints(w, "perm", (int[]){0, 2, 1}, 3);
    if (node->in[GAMMA]) {
        weft__onnx_then(w, "Mul");
        weft__onnx_add_input(w, GAMMA);
    }
    if (node->in[BETA]) {
        weft__onnx_then(w, "Add");
        weft__onnx_add_input(w, BETA);
    }
    weft__onnx_then(w, "Transpose");
    weft__onnx_put_ints(w, "perm", (int[]){0, 2, 1}, 3);
}

/* Each group becomes one channel of an instance normalisation. */
static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const options *o = node->attr;
    const weft__tensor *x = weft__onnx_in(w, X);
    int c = x->dim[1], dim[WEFT_MAX_RANK] = {0};
    weft__onnx_keep_inputs(w, 1);
    if (o->groups == c && x->rank > 2) {
        add_affine(node, w, GAMMA, 1, c);
        add_affine(node, w, BETA, 0, c);
        weft__onnx_put_float(w, "epsilon", o->eps);
        return;
    }
    weft__onnx_type(w, "Reshape");
    weft__onnx_add_ints(w, "groups", (int[]){0, o->groups, -1}, 3);
    weft__onnx_then(w, "InstanceNormalization");
    weft__onnx_add_fill(w, "one", WEFT_SHAPE(o->groups), 1);
    weft__onnx_add_fill(w, "zero", WEFT_SHAPE(o->groups), 0);
    weft__onnx_put_float(w, "epsilon", o->eps);
    affine_to_onnx(node, w, c);
    weft__onnx_then(w, "Reshape");
    for (int i = 1; i < x->rank; i++) dim[i] = x->dim[i];
    weft__onnx_add_ints(w, "shape", dim, x->rank);
}

/* InstanceNormalization, and GroupNormalization with one gamma for each channel (opset
 * 21). */
static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_shape x = weft__onnx_shape(n, X), gamma = weft__onnx_shape(n, GAMMA);
    double eps = weft__onnx_get_float(n, "epsilon", 1e-5);
    if (x.rank < 3)
        return weft__onnx_fail(n, "x has rank %d, must be at least 3", x.rank);
    int64_t groups = x.dim[1];
    if (!strcmp(weft__onnx_op_type(n), "GroupNormalization"))
        groups = weft__onnx_get_int(n, "num_groups", 0);
    if (groups < 1 || groups > x.dim[1] || x.dim[1] % groups)
        return weft__onnx_fail(n, "attribute num_groups is %lld, x has %d channels",
                               (long long)groups, x.dim[1]);
    if (gamma.rank != 1 || gamma.dim[0] != x.dim[1])
        return weft__onnx_fail(n, "scale must have one element for each of %d channels",
                               x.dim[1]);
    if (!(eps > 0))
        return weft__onnx_fail(n, "attribute epsilon is %g, must be above 0", eps);
    if (weft__onnx_get_int(n, "stash_type", 1) != 1)
        return weft__onnx_fail(n, "attribute stash_type must be 1");
    weft__onnx_set(n, 0,
                   weft_group_norm(g, weft__onnx_value(n, X), weft__onnx_value(n, GAMMA),
                                   weft__onnx_value(n, BETA), (int)groups, eps));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int rank = weft__rng_between(rng, 2, 4), groups = weft__rng_between(rng, 1, 3);
    int width = weft__rng_between(rng, rank == 2 ? 3 : 1, 3), c = groups * width;
    weft_shape s = {rank, {weft__rng_between(rng, 1, 3), c}};
    for (int i = 2; i < rank; i++) s.dim[i] = weft__rng_between(rng, 2, 4);
    if (rank == 3) s.dim[2] += 1;
    weft_value x = weft_input(g, "x", s), gamma = WEFT_NONE, beta = WEFT_NONE;
    if (weft__rng_below(rng, 4)) gamma = weft_param(g, "gamma", WEFT_SHAPE(c));
    if (weft__rng_below(rng, 4)) beta = weft_param(g, "beta", WEFT_SHAPE(c));
    return weft_group_norm(g, x, gamma, beta, groups, weft__rng_below(rng, 2) ? 1e-3 : 0);
}

const weft_op WEFT_OP(group_norm) = {
    .name = "group_norm",
    .onnx = WEFT_ONNX("InstanceNormalization", 6, .also = "GroupNormalization",
                      .read = from_onnx, .write = to_onnx),
    .arity = 3,
    .summary = "y = gamma (x - mean) / sqrt(var + eps) + beta, over groups of channels",
    .shape = shape,
    .layout = weft__layout_spatial,
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
