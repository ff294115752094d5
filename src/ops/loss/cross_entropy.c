/* cross_entropy.c: -sum over k of w[k] q[k] log softmax(x)[k], with labels or
 * probabilities as targets.
 *
 * Output 0 is the reduced loss, output 1 every row's. A row whose label is neither
 * ignored nor one of the classes has a loss and a gradient of NaN. The mean of no
 * rows at all is 0. */
#include "ops/loss/loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X, TARGET, WEIGHT };

WEFT_API weft_value weft_cross_entropy(weft_graph *g, weft_value x, weft_value target,
                                       weft_value weight,
                                       const weft_cross_entropy_opts *opts,
                                       weft_value *each)
{
    weft_cross_entropy_opts o = opts ? *opts : (weft_cross_entropy_opts){0};
    weft_value y = WEFT_NONE;
    if (!(o.smoothing >= 0 && o.smoothing <= 1))
        weft__graph_fail(g, weft__fail(WEFT_EUSAGE,
                                       "cross_entropy: smoothing is %g, must "
                                       "be 0 to 1",
                                       o.smoothing));
    else if (o.reduction < WEFT_MEAN || o.reduction > WEFT_EACH)
        weft__graph_fail(g, weft__fail(WEFT_EUSAGE,
                                       "cross_entropy: reduction %d is "
                                       "unknown",
                                       (int)o.reduction));
    else
        y = weft__node_add(g, "cross_entropy", &o, sizeof o,
                           (weft_value[]){x, target, weight}, 3, 2);
    if (each) *each = y.id ? weft__node_out(g, y, 1) : WEFT_NONE;
    return y;
}

/* The shape without the classes. */
static int row_dims(const weft__tensor *x, int dim[WEFT_MAX_RANK])
{
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (i != 1) dim[rank++] = x->dim[i];
    return rank;
}

static weft_status check_target(const weft__node *node, const weft__tensor *x,
                                const weft__tensor *t)
{
    weft__tensor rows = {.rank = 0};
    char one[128], two[128];
    bool fits;
    rows.rank = row_dims(x, rows.dim);
    fits = t->type == WEFT_I32 ? weft__shapes_equal(t, &rows) : weft__shapes_equal(t, x);
    if (fits) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: x is %s, %s are %s", node->name,
                      weft__shape_text(one, sizeof one, x),
                      t->type == WEFT_I32 ? "labels" : "target probabilities",
                      weft__shape_text(two, sizeof two, t));
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft_cross_entropy_opts *o = node->attr;
    int dim[WEFT_MAX_RANK], rank;
    weft_status s;
    char text[128];
    if (in[X].rank < 2 || in[X].type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE,
                          "%s: x is %s, must be [n, c] or [n, c, d...] of "
                          "real numbers",
                          node->name, weft__shape_text(text, sizeof text, &in[X]));
    s = check_target(node, &in[X], &in[TARGET]);
    if (s) return s;
    if (in[WEIGHT].rank >= 0 && (in[WEIGHT].rank != 1 || in[WEIGHT].type == WEFT_I32 ||
                                 in[WEIGHT].dim[0] != in[X].dim[1]))
        return weft__fail(WEFT_ESHAPE, "%s: weight is %s, must be [%d]", node->name,
                          weft__shape_text(text, sizeof text, &in[WEIGHT]), in[X].dim[1]);
    rank = row_dims(&in[X], dim);
    out[0].type = out[1].type = WEFT_F32;
    s = weft__set_dims(&out[1], rank, dim);
    return s ? s : weft__set_dims(&out[0], o->reduction == WEFT_EACH ? rank : 0, dim);
}

/* Classes lie side by side. */
static void layout(const weft__node *node, const weft__tensor *in, weft__layout *want,
                   const weft__tensor *out, weft__layout *give)
{
    weft__layout_row_major(node, in, want, out, give);
    if (in[X].rank < 3) return;
    want[X] = WEFT_CHANNELS_LAST;
    if (in[TARGET].type != WEFT_I32) want[TARGET] = WEFT_CHANNELS_LAST;
}

/* What forward leaves for backward, before the log-probabilities. */
typedef struct normalizer {
    double loss, counted; /* the sum over rows, and what the mean divides it by */
} normalizer;

#define HEAD 64 /* bytes for kept */

static void memory(const weft__setup *s, weft__memory *m)
{
    m->saved = HEAD + s->in[X].count * sizeof(real);
    m->scratch = 2 * s->out[1].count * sizeof(double); /* each row's loss and weight */
}

/* ---- one row ---- */

typedef struct job {
    const weft__op_args *r;
    size_t rows, c;
    const real *x, *weight, *share; /* share: target probabilities */
    const int32_t *label;
    real *logp; /* log softmax of every row */
    double smooth,
        spread; /* what smoothing leaves to the target, and gives to every class */
    bool ignores;
    int ignore;
} job;

static job start(const weft__op_args *r)
{
    const weft_cross_entropy_opts *o = r->attr;
    job j = {.r = r,
             .rows = r->out[1].count,
             .c = (size_t)r->in[X].dim[1],
             .x = r->in[X].data,
             .ignores = o->ignores,
             .ignore = o->ignore};
    j.weight = r->in[WEIGHT].rank < 0 ? NULL : r->in[WEIGHT].data;
    if (r->in[TARGET].type == WEFT_I32)
        j.label = r->in[TARGET].data;
    else
        j.share = r->in[TARGET].data;
    j.logp = (real *)(void *)((char *)r->saved + HEAD);
    j.smooth = 1 - o->smoothing;
    j.spread = o->smoothing / (double)j.c;
    return j;
}

static double weight_of(const job *j, size_t k)
{
    return j->weight ? (double)j->weight[k] : 1;
}

static bool ignored(const job *j, size_t row)
{
    return j->label && j->ignores && j->label[row] == j->ignore;
}

static bool misses(const job *j, size_t row)
{
    return j->label && (j->label[row] < 0 || (size_t)j->label[row] >= j->c);
}

/* The share of class k in a row's target, after smoothing. */
static double share_of(const job *j, size_t row, size_t k)
{
    double q = j->label ? (size_t)j->label[row] == k : (double)j->share[row * j->c + k];
    return j->smooth * q + j->spread;
}

static double row_loss(const job *j, size_t row)
{
    const real *logp = j->logp + row * j->c;
    double sum = 0;
    if (ignored(j, row)) return 0;
    if (misses(j, row)) return NAN;
    if (j->label && j->spread == 0) {
        size_t k = (size_t)j->label[row];
        return -weight_of(j, k) * (double)logp[k];
    }
    for (size_t k = 0; k < j->c; k++) {
        double q = share_of(j, row, k);
        if (q != 0) sum -= weight_of(j, k) * q * (double)logp[k];
    }
    return sum;
}

/* What a row counts in the mean. */
static double row_weight(const job *j, size_t row)
{
    if (!j->label) return 1;
    if (ignored(j, row) || misses(j, row)) return 0;
    return weight_of(j, (size_t)j->label[row]);
}

/* ---- forward ---- */

static void rows_forward(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    double *loss = j->r->scratch, *counts = loss + j->rows;
    real *each = j->r->out[1].data;
    KERNELS(j->r)->log_softmax(j->logp + begin * j->c, j->x + begin * j->c, end - begin,
                               j->c);
    for (size_t row = begin; row < end; row++) {
        loss[row] = row_loss(j, row);
        counts[row] = row_weight(j, row);
        if (each) each[row] = (real)loss[row];
    }
}

static void forward(const weft__op_args *r)
{
    const weft_cross_entropy_opts *o = r->attr;
    const double *loss = r->scratch;
    job j = start(r);
    normalizer k = {0, 0};
    real *y = r->out[0].data;
    weft__spread(j.rows, 15.0 * (double)j.c, rows_forward, &j);
    for (size_t i = 0; i < j.rows; i++) {
        k.loss += loss[i];
        k.counted += loss[j.rows + i];
    }
    memcpy(r->saved, &k, sizeof k);
    if (o->reduction == WEFT_EACH)
        for (size_t i = 0; i < j.rows; i++) y[i] = (real)loss[i];
    else if (o->reduction == WEFT_SUM)
        *y = (real)k.loss;
    else /* a NaN stays */
        *y = (real)(k.counted == 0 ? 0 * k.loss : k.loss / k.counted);
}

/* ---- backward ---- */

/* The gradient of everything with respect to the loss of this row. */
static double above(const job *j, size_t row)
{
    const weft_cross_entropy_opts *o = j->r->attr;
    const real *dy = j->r->dout[0].data, *each = j->r->dout[1].data;
    const normalizer *k = j->r->saved;
    double g = 0;
    if (dy && o->reduction == WEFT_EACH) g = (double)dy[row];
    if (dy && o->reduction == WEFT_SUM) g = (double)*dy;
    if (dy && o->reduction == WEFT_MEAN) g = k->counted == 0 ? 0 : *dy / k->counted;
    return each ? g + (double)each[row] : g;
}

/* dx = g (softmax * sum of w q - w q) */
static void row_backward(const job *j, size_t row, real *dx)
{
    double g = above(j, row), all = 0;
    if (ignored(j, row)) {
        memset(dx, 0, j->c * sizeof *dx);
        return;
    }
    if (misses(j, row)) {
        for (size_t k = 0; k < j->c; k++) dx[k] = (real)NAN;
        return;
    }
    KERNELS(j->r)->exp(dx, j->logp + row * j->c, j->c);
    if (j->label && j->spread == 0) {
        size_t t = (size_t)j->label[row];
        real scale = (real)(g * weight_of(j, t));
        dx[t] -= 1;
        for (size_t k = 0; k < j->c; k++) dx[k] *= scale;
        return;
    }
    for (size_t k = 0; k < j->c; k++) all += weight_of(j, k) * share_of(j, row, k);
    for (size_t k = 0; k < j->c; k++)
        dx[k] = (real)(g * ((double)dx[k] * all - weight_of(j, k) * share_of(j, row, k)));
}

static void rows_backward(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    real *dx = j->r->din[X].data, *dt = j->r->din[TARGET].data;
    for (size_t row = begin; row < end; row++) {
        size_t at = row * j->c;
        if (dx) row_backward(j, row, dx + at);
        if (!dt || j->label) continue;
        double g = above(j, row) * j->smooth;
        for (size_t k = 0; k < j->c; k++)
            dt[at + k] = (real)(-g * weight_of(j, k) * (double)j->logp[at + k]);
    }
}

/* The class weights' gradient: of the sum of losses and, for a mean, of its divisor. */
static void backward_weight(const job *j)
{
    const weft_cross_entropy_opts *o = j->r->attr;
    const real *dy = j->r->dout[0].data;
    const normalizer *all = j->r->saved;
    real *dw = j->r->din[WEIGHT].data;
    double divisor = 0;
    if (dy && o->reduction == WEFT_MEAN && all->counted != 0)
        divisor = (double)*dy * all->loss / (all->counted * all->counted);
    for (size_t k = 0; k < j->c; k++) {
        double sum = 0;
        for (size_t row = 0; row < j->rows; row++) {
            if (ignored(j, row)) continue;
            sum -= above(j, row) * share_of(j, row, k) * (double)j->logp[row * j->c + k];
            if (j->label && (size_t)j->label[row] == k) sum -= divisor;
        }
        dw[k] = (real)sum;
    }
}

static void backward(const weft__op_args *r)
{
    job j = start(r);
    if (r->din[X].data || r->din[TARGET].data)
        weft__spread(j.rows, 15.0 * (double)j.c, rows_backward, &j);
    if (r->in[WEIGHT].rank >= 0 && r->din[WEIGHT].data) backward_weight(&j);
}

/* ---- the rest ---- */

static void describe(const weft__node *node, char *text, size_t size)
{
    static const char *const name[] = {"mean", "sum", "each"};
    const weft_cross_entropy_opts *o = node->attr;
    int used = snprintf(text, size, "%s", name[o->reduction]);
    if (o->smoothing != 0 && (size_t)used < size)
        used +=
            snprintf(text + used, size - (size_t)used, ", smoothing %g", o->smoothing);
    if (o->ignores && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, ", ignores %d", o->ignore);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 2, 4, 6), rows = {.rank = s.rank - 1};
    weft_cross_entropy_opts o = {.reduction = weft__sample_reduction(rng)};
    weft_value x, t, weight = WEFT_NONE, each, y;
    x = weft__sample_value(g, rng, "x", s);
    for (int i = 0, k = 0; i < s.rank; i++)
        if (i != 1) rows.dim[k++] = s.dim[i];
    if (weft__rng_below(rng, 2)) o.smoothing = weft__rng_range(rng, 0.05, 0.5);
    if (weft__rng_below(rng, 3) == 0) {
        o.ignores = true;
        o.ignore = (int)weft__rng_below(rng, 2);
    }
    if (weft__rng_below(rng, 3))
        t = weft_input_int(g, "t", rows, s.dim[1]);
    else
        t = weft__sample_within(g, rng, "t", s, 0, 1);
    if (weft__rng_below(rng, 2))
        weight = weft__sample_within(g, rng, "weight", WEFT_SHAPE(s.dim[1]), 0.25, 2);
    y = weft_cross_entropy(g, x, t, weight, &o, &each);
    if (o.reduction == WEFT_EACH || weft__rng_below(rng, 2)) return y;
    return weft_add(g, y, each); /* both outputs are used */
}

const weft_op WEFT_OP(cross_entropy) = {
    .name = "cross_entropy",
    .onnx = WEFT_ONNX(.write = weft__loss_refuse),
    .arity = 3,
    .summary = "-sum of w q log softmax(x) over the classes",
    .shape = shape,
    .layout = layout,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1 << TARGET | 1 << WEIGHT,
    .describe = describe,
    .sample = sample,
};
