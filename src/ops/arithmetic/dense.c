/* dense.c: y = x w' + b over the last axis of x. */
#include "ops/common/window.h"

#include <stdio.h>

WEFT_API weft_value weft_dense(weft_graph *g, weft_value x, weft_value w, weft_value b)
{
    return weft__node_add(g, "dense", NULL, 0, (weft_value[]){x, w, b}, 3, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__tensor *x = &in[0], *w = &in[1], *b = &in[2];
    char one[128], two[128];
    weft_status s = weft__need(node, in, 0, "x", 1, WEFT_MAX_RANK);
    if (!s) s = weft__need(node, in, 1, "w", 2, 2);
    if (!s && b->rank >= 0) s = weft__need(node, in, 2, "b", 1, 1);
    if (s) return s;
    if (w->dim[1] != x->dim[x->rank - 1])
        return weft__fail(WEFT_ESHAPE, "%s: last dimension of x %s is %d, w %s takes %d",
                          node->name, weft__shape_text(one, sizeof one, x),
                          x->dim[x->rank - 1], weft__shape_text(two, sizeof two, w),
                          w->dim[1]);
    if (b->rank >= 0 && b->dim[0] != w->dim[0])
        return weft__fail(WEFT_ESHAPE, "%s: b has %d elements, w %s gives %d", node->name,
                          b->dim[0], weft__shape_text(two, sizeof two, w), w->dim[0]);
    if (weft__tensor_count(x) / (size_t)w->dim[1] > INT32_MAX)
        return weft__fail(WEFT_ESHAPE, "%s: x %s has too many rows", node->name,
                          weft__shape_text(one, sizeof one, x));
    int dim[WEFT_MAX_RANK];
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[i];
    dim[x->rank - 1] = w->dim[0];
    return weft__set_result(node, out, x->rank, dim);
}

static void layout(const weft__node *node, const weft__tensor *in, weft__layout *want,
                   const weft__tensor *out, weft__layout *give)
{
    weft__layout_row_major(node, in, want, out, give);
    want[1] = WEFT_HWIO;
}

/* x is [rows][wide], w stored as [wide][out], y [rows][out]. */
typedef struct products {
    weft__gemm y, dx, dw; /* y = x w; dx = dy w'; dw = x' dy */
} products;

static weft_status prepare(const weft__setup *s)
{
    const int wide = s->in[1].dim[1], out = s->in[1].dim[0];
    const int rows = (int)(weft__tensor_count(&s->in[0]) / (size_t)wide);
    products *p = s->prepared;
    p->y =
        (weft__gemm){.m = rows, .n = out, .k = wide, .lda = wide, .ldb = out, .ldc = out};
    p->dx = (weft__gemm){
        .m = rows, .n = wide, .k = out, .lda = out, .ldb = out, .ldc = wide, .tb = true};
    p->dw = (weft__gemm){
        .m = wide, .n = out, .k = rows, .lda = wide, .ldb = out, .ldc = out, .ta = true};
    return WEFT_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    const products *p = s->prepared;
    m->scratch = k->gemm_scratch(&p->y);
    if (!s->training) {
        weft__gemm prepacked = p->y;
        m->prepacked = k->gemm_prepacked_size(&prepacked) * sizeof(real);
        prepacked.prepacked = m->prepacked > 0;
        m->scratch_prepacked = k->gemm_scratch(&prepacked);
        return;
    }
    m->scratch =
        larger(m->scratch, larger(k->gemm_scratch(&p->dx), k->gemm_scratch(&p->dw)));
    m->scratch = larger(m->scratch, k->sum_rows_scratch((size_t)p->y.m, (size_t)p->y.n));
}

static void forward(const weft__op_args *r)
{
    const products *p = r->prepared;
    weft__gemm g = p->y;
    if (r->epilogue) g.epilogue = *r->epilogue;
    g.prepacked = r->prepacked != NULL;
    KERNELS(r)->gemm(&g, r->out[0].data, r->in[0].data,
                     r->prepacked ? r->prepacked : r->in[1].data, r->in[2].data,
                     r->scratch);
}

static void prepack(const weft__op_args *r)
{
    const products *p = r->prepared;
    KERNELS(r)->gemm_prepack(&p->y, r->prepacked, r->in[1].data);
}

static void backward(const weft__op_args *r)
{
    const weft__kernels *k = KERNELS(r);
    const products *p = r->prepared;
    const real *dy = r->dout[0].data;
    if (r->din[0].data)
        k->gemm(&p->dx, r->din[0].data, dy, r->in[1].data, NULL, r->scratch);
    if (r->din[1].data)
        k->gemm(&p->dw, r->din[1].data, r->in[0].data, dy, NULL, r->scratch);
    if (r->din[2].data)
        k->sum_rows(r->din[2].data, dy, (size_t)p->y.m, (size_t)p->y.n, r->scratch);
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    (void)node;
    return 2.0 * in[1].dim[1] * (double)weft__tensor_count(&out[0]);
}

/* ---- ONNX ---- */

/* Gemm takes matrices only: other ranks become rows first and get their shape back. */
static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft__tensor *x = weft__onnx_in(w, 0), *y = weft__onnx_out(w, 0);
    int dim[WEFT_MAX_RANK];
    if (x->rank == 2) {
        weft__onnx_put_int(w, "transB", 1);
        return;
    }
    weft__onnx_type(w, "Reshape");
    weft__onnx_keep_inputs(w, 1);
    weft__onnx_add_ints(w, "rows", (int[]){-1, x->dim[x->rank - 1]}, 2);
    weft__onnx_then(w, "Gemm");
    weft__onnx_add_input(w, 1);
    if (node->in[2]) weft__onnx_add_input(w, 2);
    weft__onnx_put_int(w, "transB", 1);
    weft__onnx_then(w, "Reshape");
    for (int i = 0; i < y->rank; i++) dim[i] = y->dim[i];
    if (y->rank > 1) dim[0] = -1; /* the batch, whatever its size */
    weft__onnx_add_ints(w, "shape", dim, y->rank);
}

static weft_value scaled(weft_graph *g, weft_value x, double by)
{
    float factor = (float)by;
    return by == 1 ? x : weft_mul(g, x, weft_const(g, "factor", WEFT_SHAPE(1), &factor));
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_shape a = weft__onnx_shape(n, 0), b = weft__onnx_shape(n, 1),
               c = weft__onnx_shape(n, 2);
    double alpha = weft__onnx_get_float(n, "alpha", 1),
           beta = weft__onnx_get_float(n, "beta", 1);
    bool ta = weft__onnx_get_int(n, "transA", 0) != 0,
         tb = weft__onnx_get_int(n, "transB", 0) != 0;
    if (a.rank != 2 || b.rank != 2)
        return weft__onnx_fail(n, "A and B have rank %d and %d, must be matrices", a.rank,
                               b.rank);
    weft_value x = weft__onnx_value(n, 0), w = weft__onnx_value(n, 1), bias = WEFT_NONE,
               y;
    int columns = tb ? b.dim[0] : b.dim[1];
    bool fits = c.rank == 1 && c.dim[0] == columns && alpha == 1;
    if (ta) x = weft_transpose(g, x, NULL);
    if (!tb) w = weft_transpose(g, w, NULL);
    if (c.rank >= 0 && beta != 0) bias = scaled(g, weft__onnx_value(n, 2), beta);
    y = scaled(g, weft_dense(g, x, w, fits ? bias : WEFT_NONE), alpha);
    if (bias.id && !fits) y = weft_add(g, y, bias);
    weft__onnx_set(n, 0, y);
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int rank = weft__rng_below(rng, 3) ? 2 : weft__rng_between(rng, 1, 4);
    int wide = weft__rng_between(rng, 1, 12), out = weft__rng_between(rng, 1, 12);
    weft_shape s = {.rank = rank};
    for (int i = 0; i < rank; i++)
        s.dim[i] = weft__rng_between(rng, 1, rank == 2 ? 9 : 3);
    s.dim[rank - 1] = wide;
    weft_value x = weft_input(g, "x", s), w = weft_param(g, "w", WEFT_SHAPE(out, wide));
    weft_value b = WEFT_NONE;
    if (weft__rng_below(rng, 3)) b = weft_param(g, "b", WEFT_SHAPE(out));
    return weft_dense(g, x, w, b);
}

const weft_op WEFT_OP(dense) = {
    .name = "dense",
    .onnx = WEFT_ONNX("Gemm", 13, .read = from_onnx, .write = to_onnx),
    .arity = 3,
    .summary = "y[..., o] = sum over i of x[..., i] * w[o, i], plus b[o]",
    .shape = shape,
    .layout = layout,
    .prepare = prepare,
    .prepared = sizeof(products),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .prepack = prepack,
    .saves_in = 1u << 0 | 1u << 1,
    .fuses_epilogue = true,
    .fuse = WEFT_FUSE_PRODUCT,
    .unit_axis = WEFT_UNITS_LAST,
    .flops = flops,
    .sample = sample,
};
