/* bce_with_logits.c: -(pos t log s(x) + (1 - t) log(1 - s(x))), times weight; s is the
 * sigmoid.
 *
 * Computed as (1 - t) x + (1 + (pos - 1) t) softplus(-x), which no x makes overflow. */
#include "ops/loss/loss.h"

#include "ops/common/strided.h"

WEFT_API weft_value weft_bce_with_logits(weft_graph *g, weft_value x, weft_value target,
                                         weft_value weight, weft_value pos,
                                         weft_reduction r)
{
    return weft__loss_add(g, "bce_with_logits", (weft_value[]){x, target, weight, pos}, 4,
                          r, 0);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    static const char *const name[] = {"x", "target", "weight", "pos"};
    weft_status s = weft__loss_shape(node, in, out);
    for (int i = 2; i < 4 && !s; i++) {
        weft__tensor both = {.type = WEFT_F32};
        char one[128], two[128];
        if (in[i].rank < 0) continue;
        s = weft__broadcast(node, &in[0], &in[i], &both);
        if (!s && (in[i].type == WEFT_I32 || !weft__shapes_equal(&both, &in[0])))
            s = weft__fail(WEFT_ESHAPE, "%s: %s %s does not broadcast to x %s",
                           node->name, name[i], weft__shape_text(one, sizeof one, &in[i]),
                           weft__shape_text(two, sizeof two, &in[0]));
    }
    return s;
}

static size_t rounded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Of weight and pos: x with that one as operand 0. */
typedef struct factors {
    weft__strided walk[2];
    size_t sums; /* bytes of the partial sums */
} factors;

static weft_status prepare(const weft__setup *s)
{
    factors *f = s->prepared;
    weft__memory m = {0};
    weft__loss_memory(s, &m);
    f->sums = rounded(m.scratch);
    for (int i = 0; i < 2; i++) {
        if (s->in[2 + i].rank < 0) continue;
        weft__strided_begin(&f->walk[i], &s->in[0]);
        weft__strided_broadcast(&f->walk[i], &s->in[0], &s->in[2 + i]);
        weft__strided_end(&f->walk[i]);
    }
    return WEFT_OK;
}

/* Scratch: the partial sums; weight and pos at x's size; a gradient of x's size;
 * sums of it. */
static void memory(const weft__setup *s, weft__memory *m)
{
    const factors *f = s->prepared;
    size_t most = 0;
    m->scratch = f->sums + 3 * rounded(s->in[0].count * sizeof(real));
    for (int i = 0; i < 2; i++) {
        if (s->in[2 + i].rank < 0) continue;
        size_t bytes = weft__strided_reduce_scratch(&f->walk[i], s->kernels);
        if (bytes > most) most = bytes;
    }
    m->scratch += most;
}

typedef enum what { LOSS, BY_X, BY_TARGET, BY_WEIGHT, BY_POS } what;

typedef struct job {
    weft__op_args run;     /* a copy, so that the pieces find the rest after it */
    const real *factor[2]; /* weight and pos at x's size; NULL: 1 */
    real *term;            /* room for a gradient of x's size */
    void *sums;            /* room for weft__strided_reduce */
    what what;
} job;

static job start(const weft__op_args *r)
{
    const factors *f = r->prepared;
    job j = {.run = *r};
    const weft__tensor *x = &r->in[0];
    char *at = (char *)r->scratch + f->sums;
    for (int i = 0; i < 2; i++) {
        real *room = (real *)(void *)at;
        at += rounded(x->count * sizeof(real));
        if (r->in[2 + i].rank < 0) continue;
        weft__strided_copy(&f->walk[i], room, r->in[2 + i].data, 1, KERNELS(r));
        j.factor[i] = room;
    }
    j.term = (real *)(void *)at;
    j.sums = at + rounded(x->count * sizeof(real));
    return j;
}

static void piece(const weft__op_args *r, real *y, size_t first, size_t n)
{
    const job *j = (const job *)(const void *)r;
    const real *x = (const real *)r->in[0].data + first;
    const real *t = (const real *)r->in[1].data + first;
    const real *weight = j->factor[0] ? j->factor[0] + first : NULL;
    const real *pos = j->factor[1] ? j->factor[1] + first : NULL;
    weft__epilogue e = {j->what == BY_X ? WEFT_ACT_SIGMOID : WEFT_ACT_SOFTPLUS, 1, 0};
    real low[WEFT_LOSS_PIECE]; /* softplus(-x), or its derivative */
    KERNELS(r)->scale(low, x, n, -1, 0);
    KERNELS(r)->activate(low, low, n, &e);
    for (size_t i = 0; i < n; i++) {
        real more = pos ? pos[i] - 1 : 0, w = weight ? weight[i] : 1;
        switch (j->what) {
        case LOSS:
            y[i] = w * ((1 - t[i]) * x[i] + (1 + more * t[i]) * low[i]);
            break;
        case BY_WEIGHT:
            y[i] = (1 - t[i]) * x[i] + (1 + more * t[i]) * low[i];
            break;
        case BY_X:
            y[i] = w * (1 - t[i] - (1 + more * t[i]) * low[i]);
            break;
        case BY_TARGET:
            y[i] = w * (more * low[i] - x[i]);
            break;
        case BY_POS:
            y[i] = w * t[i] * low[i];
            break;
        }
    }
}

static void forward(const weft__op_args *r)
{
    job j = start(r);
    j.what = LOSS;
    weft__loss_reduce(&j.run, piece);
}

static void backward(const weft__op_args *r)
{
    const factors *f = r->prepared;
    job j = start(r);
    for (int i = 0; i < 4; i++) {
        j.what = (what)(BY_X + i);
        if (!r->din[i].data || r->in[i].rank < 0) continue;
        weft__loss_spread(&j.run, i < 2 ? r->din[i].data : j.term, 1, piece);
        if (i < 2) continue;
        weft__strided_reduce(&f->walk[i - 2], r->din[i].data, j.term, 1, j.sums,
                             KERNELS(r));
    }
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 4, 6);
    weft_value x = weft__sample_value(g, rng, "x", s), factor[2] = {WEFT_NONE, WEFT_NONE};
    weft_value t = weft__sample_within(g, rng, "t", s, 0, 1);
    for (int i = 0; i < 2; i++) {
        weft_shape f = s;
        if (weft__rng_below(rng, 2)) continue;
        for (int d = 0; d < s.rank; d++)
            if (weft__rng_below(rng, 2)) f.dim[d] = 1;
        if (weft__rng_below(rng, 2)) f = WEFT_SHAPE(s.dim[s.rank - 1]);
        factor[i] = weft__sample_within(g, rng, i ? "pos" : "weight", f, 0.25, 2);
    }
    return weft_bce_with_logits(g, x, t, factor[0], factor[1],
                                weft__sample_reduction(rng));
}

const weft_op WEFT_OP(bce_with_logits) = {
    .name = "bce_with_logits",
    .onnx = WEFT_ONNX(.write = weft__loss_refuse),
    .arity = 4,
    .summary = "binary cross entropy of the sigmoid of x, computed stably",
    .shape = shape,
    .layout = weft__loss_layout,
    .prepare = prepare,
    .prepared = sizeof(factors),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 15,
    .describe = weft__loss_describe,
    .sample = sample,
};
