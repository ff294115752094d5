/* prelu.c: y = x > 0 ? x : slope x, with a learned slope, one or one per channel. */
#include "ops/common/unary.h"

#include "ops/common/strided.h"

WEFT_API weft_value weft_prelu(weft_graph *g, weft_value x, weft_value slope)
{
    return weft__node_add(g, "prelu", NULL, 0, (weft_value[]){x, slope}, 2, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__tensor *x = &in[0], *slope = &in[1];
    char one[128], two[128];
    int channels = x->rank > 1 ? x->dim[1] : 1;
    weft__same_shape(&out[0], x);
    if (slope->rank != 1 || (slope->dim[0] != 1 && slope->dim[0] != channels))
        return weft__fail(WEFT_ESHAPE, "%s: slope is %s, x %s wants [1] or [%d]",
                          node->name, weft__shape_text(one, sizeof one, slope),
                          weft__shape_text(two, sizeof two, x), channels);
    return weft__want_real(node, x);
}

/* A walk: x with the slope as operand 0. */
static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[0], *slope = &s->in[1];
    ptrdiff_t stride[WEFT_MAX_RANK] = {0};
    if (x->rank > 1 && slope->dim[0] > 1) stride[1] = 1;
    weft__strided_begin(s->prepared, x);
    weft__strided_add(s->prepared, x, stride, 0);
    weft__strided_end(s->prepared);
    return WEFT_OK;
}

static size_t term_bytes(const weft__tensor *x)
{
    return (x->count * sizeof(real) + 63) / 64 * 64;
}

/* Each element's part in the slope's gradient, and what summing them takes. */
static void memory(const weft__setup *s, weft__memory *m)
{
    if (s->training)
        m->scratch =
            term_bytes(&s->in[0]) + weft__strided_reduce_scratch(s->prepared, s->kernels);
}

typedef struct job {
    real *y;
    const real *x, *dy, *slope; /* dy: NULL for y = x times its slope */
    bool of_slope;
} job;

static void piece(void *arg, const weft__strided *w, size_t row, size_t first, size_t n)
{
    const job *j = arg;
    size_t at = row * w->row + first;
    ptrdiff_t step = weft__strided_step(w, 0);
    const real *s = j->slope + weft__strided_at(w, 0, row) + (ptrdiff_t)first * step;
    const real *x = j->x + at, *dy = (j->dy ? j->dy : j->x) + at;
    real *y = j->y + at;
    if (j->of_slope)
        for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? 0 : dy[i] * x[i];
    else
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] > 0 ? dy[i] : dy[i] * s[(ptrdiff_t)i * step];
}

static void forward(const weft__op_args *r)
{
    job j = {.y = r->out[0].data, .x = r->in[0].data, .slope = r->in[1].data};
    weft__strided_run(r->prepared, 3, piece, &j);
}

static void backward(const weft__op_args *r)
{
    const weft__strided *w = r->prepared;
    job j = {.y = r->din[0].data,
             .x = r->in[0].data,
             .dy = r->dout[0].data,
             .slope = r->in[1].data};
    if (r->din[1].data) { /* first: din[0] may be dout[0] */
        job terms = j;
        terms.y = r->scratch;
        terms.of_slope = true;
        weft__strided_run(w, 3, piece, &terms);
        weft__strided_reduce(w, r->din[1].data, r->scratch, 1,
                             (char *)r->scratch + term_bytes(&r->in[0]), KERNELS(r));
    }
    if (j.y) weft__strided_run(w, 3, piece, &j);
}

/* ONNX aligns the slope with the last axes: channels go there and back. */
static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    int rank = weft__onnx_in(w, 0)->rank, there[WEFT_MAX_RANK], back[WEFT_MAX_RANK];
    (void)node;
    if (rank < 3 || weft__onnx_in(w, 1)->dim[0] == 1) return;
    for (int i = 0; i < rank; i++) {
        there[i] = i == 0 ? 0 : i + 1 < rank ? i + 1 : 1;
        back[i] = i == 0 ? 0 : i == 1 ? rank - 1 : i - 1;
    }
    weft__onnx_keep_inputs(w, 1);
    weft__onnx_type(w, "Transpose");
    weft__onnx_put_ints(w, "perm", there, rank);
    weft__onnx_then(w, "PRelu");
    weft__onnx_add_input(w, 1);
    weft__onnx_then(w, "Transpose");
    weft__onnx_put_ints(w, "perm", back, rank);
}

/* Whether a slope of this shape, aligned with the last axes of x, varies along axis
 * 1 at most. */
static bool per_channel(weft_shape x, weft_shape slope)
{
    for (int i = 0; i < slope.rank; i++)
        if (slope.dim[i] != 1 && i + x.rank - slope.rank != 1) return false;
    return true;
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_value x = weft__onnx_value(n, 0), slope = weft__onnx_value(n, 1), y;
    weft_shape s = weft__nominal_shape(g, slope);
    if (per_channel(weft__nominal_shape(g, x), s)) {
        y = weft_prelu(g, x,
                       s.rank == 1 ? slope : weft_reshape(g, slope, WEFT_SHAPE(-1)));
    } else { /* max(x, 0) - slope max(-x, 0) */
        weft_value below = weft_relu(g, weft_neg(g, x));
        y = weft_sub(g, weft_relu(g, x), weft_mul(g, below, slope));
    }
    weft__onnx_set(n, 0, y);
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_shape s = weft__sample_shape(rng, 1, 5, 6);
    int count = s.rank > 1 && weft__rng_below(rng, 3) ? s.dim[1] : 1;
    weft_value slope = weft_param(g, "slope", WEFT_SHAPE(count));
    return weft_prelu(g, weft__sample_value(g, rng, "x", s), slope);
}

const weft_op WEFT_OP(prelu) = {
    .name = "prelu",
    .onnx = WEFT_ONNX("PRelu", 9, .read = from_onnx, .write = to_onnx),
    .arity = 2,
    .summary = "y = x > 0 ? x : slope x, with a learned slope",
    .shape = shape,
    .layout = weft__layout_same,
    .prepare = prepare,
    .prepared = sizeof(weft__strided),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 3,
    .grad_in_place = true,
    .sample = sample,
};
