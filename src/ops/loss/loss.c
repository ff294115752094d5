/* loss.c: what losses that compare x with a target of the same shape have in common, and
 * the operators of loss.def. */
#include "ops/loss/loss.h"

#include "ops/common/unary.h"

#include <stdio.h>

#define PIECE WEFT_LOSS_PIECE

WEFT_SHARED weft_value weft__loss_add(weft_graph *g, const char *op, const weft_value *in,
                                      int nin, weft_reduction reduction, double beta)
{
    weft__loss_attr a = {reduction, beta};
    if (reduction < WEFT_MEAN || reduction > WEFT_EACH)
        return weft__graph_fail(g, weft__fail(WEFT_EUSAGE, "%s: reduction %d is unknown",
                                              op, (int)reduction));
    return weft__node_add(g, op, &a, sizeof a, in, nin, 1);
}

WEFT_SHARED weft_status weft__loss_shape(const weft__node *node, const weft__tensor *in,
                                         weft__tensor *out)
{
    const weft__loss_attr *a = node->attr;
    char one[128], two[128];
    if (!weft__shapes_equal(&in[0], &in[1]))
        return weft__fail(WEFT_ESHAPE, "%s: x is %s, target is %s", node->name,
                          weft__shape_text(one, sizeof one, &in[0]),
                          weft__shape_text(two, sizeof two, &in[1]));
    if (in[0].type == WEFT_I32 || in[1].type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                          node->name);
    out[0].type = WEFT_F32;
    if (a->reduction != WEFT_EACH) return weft__set_dims(&out[0], 0, NULL);
    weft__same_shape(&out[0], &in[0]);
    return WEFT_OK;
}

WEFT_SHARED void weft__loss_layout(const weft__node *node, const weft__tensor *in,
                                   weft__layout *want, const weft__tensor *out,
                                   weft__layout *give)
{
    weft__layout layout =
        in[0].rank < 3 || want[0] == WEFT_HWIO ? WEFT_ROW_MAJOR : want[0];
    for (int i = 0; i < node->nin; i++)
        want[i] = in[i].rank == in[0].rank ? layout : WEFT_ROW_MAJOR;
    give[0] = out[0].rank == in[0].rank ? layout : WEFT_ROW_MAJOR;
}

WEFT_SHARED void weft__loss_describe(const weft__node *node, char *text, size_t size)
{
    static const char *const name[] = {"mean", "sum", "each"};
    const weft__loss_attr *a = node->attr;
    if (a->beta != 0)
        snprintf(text, size, "%s, beta %g", name[a->reduction], a->beta);
    else
        snprintf(text, size, "%s", name[a->reduction]);
}

WEFT_SHARED void weft__loss_refuse(const weft__node *node, struct weft__onnx_writer *w)
{
    (void)node;
    weft__onnx_refuse(w, "a loss is for training and has no ONNX form");
}

WEFT_SHARED weft_reduction weft__sample_reduction(weft__rng *rng)
{
    return (weft_reduction)weft__rng_below(rng, 3);
}

WEFT_SHARED weft_value weft__loss_sample(weft_graph *g, weft__rng *rng,
                                         weft__loss_build *build)
{
    weft_shape s = weft__sample_shape(rng, 1, 4, 6);
    weft_value x = weft__sample_value(g, rng, "x", s);
    return build(g, x, weft__sample_value(g, rng, "t", s), weft__sample_reduction(rng));
}

/* ---- sums ---- */

void weft__loss_memory(const weft__setup *s, weft__memory *m)
{
    m->scratch = (s->in[0].count + PIECE - 1) / PIECE * sizeof(double);
}

typedef struct job {
    const weft__op_args *r;
    weft__loss_piece *f;
    real *y;
    size_t count;
    real scale; /* of every element; each: of all, too */
    bool each;
} job;

static size_t length(const job *j, size_t piece)
{
    size_t left = j->count - piece * PIECE;
    return left < PIECE ? left : PIECE;
}

static void reduce_range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    double *sum = j->r->scratch;
    real loss[PIECE];
    for (size_t p = begin; p < end; p++) {
        size_t n = length(j, p);
        if (j->each) {
            j->f(j->r, j->y + p * PIECE, p * PIECE, n);
        } else {
            j->f(j->r, loss, p * PIECE, n);
            sum[p] = KERNELS(j->r)->sum(loss, n);
        }
    }
}

static size_t pieces(size_t count)
{
    return (count + PIECE - 1) / PIECE;
}

void weft__loss_reduce(const weft__op_args *r, weft__loss_piece *f)
{
    const weft__loss_attr *a = r->attr;
    const double *part = r->scratch;
    double sum = 0;
    job j = {.r = r,
             .f = f,
             .y = r->out[0].data,
             .count = r->in[0].count,
             .each = a->reduction == WEFT_EACH};
    weft__spread(pieces(j.count), 10.0 * PIECE, reduce_range, &j);
    if (j.each) return;
    for (size_t i = 0; i < pieces(j.count); i++) sum += part[i];
    *j.y = (real)(a->reduction == WEFT_MEAN ? sum / (double)j.count : sum);
}

static void spread_range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const real *dy = j->r->dout[0].data;
    for (size_t p = begin; p < end; p++) {
        size_t n = length(j, p), first = p * PIECE;
        real *dx = j->y + first;
        j->f(j->r, dx, first, n);
        if (j->each)
            for (size_t i = 0; i < n; i++) dx[i] *= j->scale * dy[first + i];
        else
            for (size_t i = 0; i < n; i++) dx[i] *= j->scale;
    }
}

void weft__loss_spread(const weft__op_args *r, real *dx, real sign, weft__loss_piece *f)
{
    const weft__loss_attr *a = r->attr;
    job j = {.r = r,
             .f = f,
             .y = dx,
             .count = r->in[0].count,
             .scale = sign,
             .each = a->reduction == WEFT_EACH};
    if (!j.each) j.scale *= *(const real *)r->dout[0].data;
    if (a->reduction == WEFT_MEAN) j.scale /= (real)j.count;
    weft__spread(pieces(j.count), 10.0 * PIECE, spread_range, &j);
}

/* ---- losses of x and target alone ---- */

typedef struct simple {
    weft__op_args run; /* a copy, so that the pieces find f after it */
    weft__loss_fn *f;
} simple;

/* run is the first member: the piece gets back at what it came in. */
static void simple_piece(const weft__op_args *r, real *y, size_t first, size_t n)
{
    const simple *s = (const simple *)(const void *)r;
    const weft__loss_attr *a = r->attr;
    const real *x = r->in[0].data, *t = r->in[1].data;
    s->f(y, x + first, t + first, n, (real)a->beta);
}

void weft__loss_forward(const weft__op_args *r, weft__loss_fn *loss)
{
    simple s = {*r, loss};
    weft__loss_reduce(&s.run, simple_piece);
}

void weft__loss_backward(const weft__op_args *r, weft__loss_fn *derivative)
{
    simple s = {*r, derivative};
    if (r->din[0].data) weft__loss_spread(&s.run, r->din[0].data, 1, simple_piece);
    if (r->din[1].data) weft__loss_spread(&s.run, r->din[1].data, -1, simple_piece);
}

/* ---- loss.def ---- */

#define LOSS_OF(op_name, beta, y_is, dx_is) \
    static void op_name##_losses(real *y, const real *x, const real *t, size_t n, \
                                 real beta) \
    { \
        (void)beta; \
        for (size_t i = 0; i < n; i++) { \
            const real d = x[i] - t[i], size = d < 0 ? -d : d; \
            (void)size; \
            y[i] = y_is; \
        } \
    } \
    static void op_name##_slopes(real *dx, const real *x, const real *t, size_t n, \
                                 real beta) \
    { \
        (void)beta; \
        for (size_t i = 0; i < n; i++) { \
            const real d = x[i] - t[i]; \
            dx[i] = dx_is; \
        } \
    } \
    static void op_name##_forward(const weft__op_args *r) \
    { \
        weft__loss_forward(r, op_name##_losses); \
    } \
    static void op_name##_backward(const weft__op_args *r) \
    { \
        weft__loss_backward(r, op_name##_slopes); \
    }

#define LOSS_OPERATOR(op_name, formula) \
    const weft_op WEFT_OP(op_name) = { \
        .name = #op_name, \
        .onnx = WEFT_ONNX(.write = weft__loss_refuse), \
        .arity = 2, \
        .summary = "the mean (or sum, or each) of " formula, \
        .shape = weft__loss_shape, \
        .layout = weft__loss_layout, \
        .memory = weft__loss_memory, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
        .saves_in = 3, \
        .describe = weft__loss_describe, \
        .sample = op_name##_sample, \
    };

#define LOSS(name, formula, y_is, dx_is) \
    WEFT_API weft_value weft_##name(weft_graph *g, weft_value x, weft_value target, \
                                    weft_reduction r) \
    { \
        return weft__loss_add(g, #name, (weft_value[]){x, target}, 2, r, 0); \
    } \
    LOSS_OF(name, beta, y_is, dx_is) \
    static weft_value name##_sample(weft_graph *g, weft__rng *rng) \
    { \
        return weft__loss_sample(g, rng, weft_##name); \
    } \
    LOSS_OPERATOR(name, formula)

#define LOSS1(name, beta, standard, valid, allowed, formula, y_is, dx_is) \
    WEFT_API weft_value weft_##name(weft_graph *g, weft_value x, weft_value target, \
                                    double beta, weft_reduction r) \
    { \
        if (!(valid)) return weft__unary_refuse(g, #name, #beta, beta, allowed); \
        return weft__loss_add(g, #name, (weft_value[]){x, target}, 2, r, \
                              beta == 0 ? standard : beta); \
    } \
    LOSS_OF(name, beta, y_is, dx_is) \
    static weft_value name##_sample(weft_graph *g, weft__rng *rng) \
    { \
        static const double tried[] = {0, 1, 0.5, 2}; \
        weft_shape s = weft__sample_shape(rng, 1, 4, 6); \
        weft_value x = weft__sample_value(g, rng, "x", s); \
        weft_value t = weft__sample_value(g, rng, "t", s); \
        return weft_##name(g, x, t, tried[weft__rng_below(rng, 4)], \
                           weft__sample_reduction(rng)); \
    } \
    LOSS_OPERATOR(name, formula)

#include "ops/loss/loss.def"
