/* attention_pool.c: y[n, c] = sum over the valid t of a[n, t] x[n, t, c]. */
#include "ops/sequence/sequence.h"

#include "ops/shape/reshape_view.h"
#include "ops/common/strided.h"

enum { X, A, LENGTHS, INPUTS };

WEFT_SHARED weft_value weft__weigh_add(weft_graph *g, weft_value x, weft_value a,
                                       weft_value lengths)
{
    return weft__node_add(g, "attention_pool", NULL, 0, (weft_value[]){x, a, lengths},
                          INPUTS, 1);
}

WEFT_API weft_value weft_attention_pool(weft_graph *g, weft_value x, weft_value scores,
                                        weft_value lengths)
{
    return weft__weigh_add(g, x, weft_seq_softmax(g, scores, lengths), lengths);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__tensor *x = &in[X], *a = &in[A];
    char one[128], two[128];
    weft_status s = weft__need(node, in, X, "x", 3, 3);
    if (!s) s = weft__need(node, in, A, "a", 2, 2);
    if (!s && (a->dim[0] != x->dim[0] || a->dim[1] != x->dim[1]))
        s = weft__fail(WEFT_ESHAPE, "%s: weights %s do not fit x %s", node->name,
                       weft__shape_text(one, sizeof one, a),
                       weft__shape_text(two, sizeof two, x));
    if (!s) s = weft__seq_check(node, in, LENGTHS, x->dim[0]);
    return s ? s : weft__set_result(node, out, 2, (int[]){x->dim[0], x->dim[2]});
}

typedef struct job {
    const weft__op_args *r;
    const weft__kernels *k;
    size_t n, t, c;
} job;

static size_t valid(const job *j, size_t sample)
{
    return (size_t)weft__seq_valid(&j->r->in[LENGTHS], sample, (int)j->t, 1);
}

static void attend(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        const real *x = (const real *)j->r->in[X].data + i * j->t * j->c;
        const real *a = (const real *)j->r->in[A].data + i * j->t;
        real *y = (real *)j->r->out[0].data + i * j->c;
        size_t steps = valid(j, i);
        j->k->scale(y, x, j->c, a[0], 0);
        for (size_t s = 1; s < steps; s++) j->k->axpy(y, x + s * j->c, j->c, a[s]);
    }
}

static void attend_bwd(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const real *x = j->r->in[X].data, *a = j->r->in[A].data, *dy = j->r->dout[0].data;
    for (size_t i = begin; i < end; i++) {
        size_t steps = valid(j, i), at = i * j->t;
        real *dx = j->r->din[X].data, *da = j->r->din[A].data;
        for (size_t s = 0; s < steps && dx; s++)
            j->k->scale(dx + (at + s) * j->c, dy + i * j->c, j->c, a[at + s], 0);
        if (dx) weft__fill_zero(dx + (at + steps) * j->c, (j->t - steps) * j->c);
        for (size_t s = 0; s < steps && da; s++)
            da[at + s] = (real)j->k->dot(dy + i * j->c, x + (at + s) * j->c, j->c);
        if (da) weft__fill_zero(da + at + steps, j->t - steps);
    }
}

static void spread(const weft__op_args *r, weft__range *f)
{
    const weft__tensor *x = &r->in[X];
    job j = {.r = r,
             .k = KERNELS(r),
             .n = (size_t)x->dim[0],
             .t = (size_t)x->dim[1],
             .c = (size_t)x->dim[2]};
    weft__spread(j.n, 2 * (double)j.t * (double)j.c, f, &j);
}

static void forward(const weft__op_args *r)
{
    spread(r, attend);
}

static void backward(const weft__op_args *r)
{
    spread(r, attend_bwd);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const char *x = weft__seq_masked(node, w, X, LENGTHS, 0), *name[2] = {NULL};
    weft__onnx_begin(w, "Unsqueeze");
    weft__onnx_add_input(w, A);
    weft__onnx_add_ints(w, "row", (int[]){1}, 1);
    weft__onnx_end(w, &name[0], 1);
    weft__onnx_begin(w, "MatMul");
    weft__onnx_add_named(w, name[0]);
    weft__onnx_add_named(w, x);
    weft__onnx_end(w, &name[1], 1);
    weft__onnx_begin(w, "Squeeze");
    weft__onnx_add_named(w, name[1]);
    weft__onnx_add_ints(w, "axes", (int[]){1}, 1);
    weft__onnx_give(w, 0);
}

static bool only_axis_1(const weft__node *node)
{
    const weft__axes_attr *a = node->attr;
    return a->n == 1 && a->axis[0] == 1;
}

static weft_value whole(weft_graph *g, const weft__node *last)
{
    const weft__node *flat = weft__giver(g, last->out[0], "squeeze");
    const weft__node *product = flat ? weft__giver(g, flat->in[0], "matmul") : NULL;
    const weft__node *row = product ? weft__giver(g, product->in[0], "unsqueeze") : NULL;
    const weft__node *mask = row ? weft__seq_mask_of(g, product->in[1], 0) : NULL;
    if (!mask || !only_axis_1(flat) || !only_axis_1(row) ||
        weft__nominal_shape(g, (weft_value){row->in[0]}).rank != 2 ||
        weft__nominal_shape(g, (weft_value){mask->in[0]}).rank != 3)
        return WEFT_NONE;
    return weft__weigh_add(g, (weft_value){mask->in[0]}, (weft_value){row->in[0]},
                           (weft_value){mask->in[1]});
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_value lengths, x = weft__seq_sample(g, rng, 3, 3, &lengths);
    weft_shape s = weft__nominal_shape(g, x);
    weft_value a = weft_param(g, "a", WEFT_SHAPE(s.dim[0], s.dim[1]));
    if (weft__rng_below(rng, 2)) return weft__weigh_add(g, x, a, lengths);
    return weft_attention_pool(g, x, a, lengths);
}

const weft_op WEFT_OP(attention_pool) = {
    .name = "attention_pool",
    .onnx = WEFT_ONNX(.whole = whole, .write = to_onnx),
    .arity = INPUTS,
    .summary = "y = the valid steps of sequences, weighted and added up",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << X | 1u << A | 1u << LENGTHS,
    .sample = sample,
};
