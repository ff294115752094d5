/* matmul.c: matrix products over the last two axes, the others broadcast as in
 * numpy. */
#include "ops/common/window.h"

WEFT_API weft_value weft_matmul(weft_graph *g, weft_value a, weft_value b)
{
    return weft__node_add(g, "matmul", NULL, 0, (weft_value[]){a, b}, 2, 1);
}

/* c[batches][m][n] = a[..][m][k] b[..][k][n]; a vector is a matrix of one row (a) or
 * column (b). */
typedef struct sizes {
    int m, n, k;
    int rank, dim[WEFT_MAX_RANK]; /* the axes that are not multiplied */
    size_t batches;
    /* in matrices; 0 where it is broadcast */
    size_t step_a[WEFT_MAX_RANK], step_b[WEFT_MAX_RANK], step_c[WEFT_MAX_RANK];
} sizes;

/* The dimension of t's axis i of `rank` before its last two; 1 where t has none. */
static int outer_dim(const weft__tensor *t, int rank, int i)
{
    int at = i - (rank - (t->rank - 2));
    return t->rank > 2 && at >= 0 ? t->dim[at] : 1;
}

static weft_status measure(const weft__node *node, const weft__tensor *in, sizes *z)
{
    const weft__tensor *a = &in[0], *b = &in[1];
    char one[128], two[128];
    int rank = (a->rank > b->rank ? a->rank : b->rank) - 2;
    size_t sa = 1, sb = 1;
    bool fits;
    *z = (sizes){.m = a->rank > 1 ? a->dim[a->rank - 2] : 1,
                 .n = b->rank > 1 ? b->dim[b->rank - 1] : 1,
                 .k = a->dim[a->rank - 1],
                 .rank = rank > 0 ? rank : 0,
                 .batches = 1};
    fits = z->k == b->dim[b->rank > 1 ? b->rank - 2 : 0];
    for (int i = z->rank - 1; i >= 0 && fits; i--) {
        int da = outer_dim(a, z->rank, i), db = outer_dim(b, z->rank, i);
        fits = da == db || da == 1 || db == 1;
        z->dim[i] = da == 1 ? db : da;
        z->step_a[i] = da == 1 ? 0 : sa;
        z->step_b[i] = db == 1 ? 0 : sb;
        z->step_c[i] = z->batches;
        z->batches *= (size_t)z->dim[i];
        sa *= (size_t)da;
        sb *= (size_t)db;
    }
    if (fits) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: matrices %s and %s do not multiply", node->name,
                      weft__shape_text(one, sizeof one, a),
                      weft__shape_text(two, sizeof two, b));
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    int dim[WEFT_MAX_RANK], rank;
    sizes z;
    weft_status s = weft__need(node, in, 0, "a", 1, WEFT_MAX_RANK);
    if (!s) s = weft__need(node, in, 1, "b", 1, WEFT_MAX_RANK);
    if (!s) s = measure(node, in, &z);
    if (s) return s;
    for (rank = 0; rank < z.rank; rank++) dim[rank] = z.dim[rank];
    if (in[0].rank > 1) dim[rank++] = z.m;
    if (in[1].rank > 1) dim[rank++] = z.n;
    return weft__set_result(node, out, rank, dim);
}

/* When b is one matrix, all rows of a make one product (if an int can count them). */
static void join(sizes *z)
{
    for (int i = 0; i < z->rank; i++)
        if (z->step_b[i]) return;
    if (z->batches > (size_t)(INT32_MAX / z->m)) return;
    z->m *= (int)z->batches;
    z->batches = 1;
    z->rank = 0;
}

static weft_status prepare(const weft__setup *s)
{
    sizes *z = s->prepared;
    weft_status status = measure(s->node, s->in, z);
    if (!status) join(z);
    return status;
}

static weft__gemm product(const sizes *z)
{
    return (weft__gemm){
        .m = z->m, .n = z->n, .k = z->k, .lda = z->k, .ldb = z->n, .ldc = z->n};
}

/* da = dc b' */
static weft__gemm product_for_a(const sizes *z)
{
    return (weft__gemm){.m = z->m,
                        .n = z->k,
                        .k = z->n,
                        .lda = z->n,
                        .ldb = z->n,
                        .ldc = z->k,
                        .tb = true};
}

/* db = a' dc */
static weft__gemm product_for_b(const sizes *z)
{
    return (weft__gemm){.m = z->k,
                        .n = z->n,
                        .k = z->m,
                        .lda = z->k,
                        .ldb = z->n,
                        .ldc = z->n,
                        .ta = true};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    const sizes *z = s->prepared;
    weft__gemm c = product(z), a = product_for_a(z), b = product_for_b(z);
    m->scratch = k->gemm_scratch(&c);
    if (s->training)
        m->scratch = larger(m->scratch, larger(k->gemm_scratch(&a), k->gemm_scratch(&b)));
}

/* Where batch i finds its matrix, and whether an earlier batch used the same one. */
static size_t matrix(const sizes *z, const size_t *step, size_t i, bool *again)
{
    size_t at = 0;
    *again = false;
    for (int d = z->rank - 1; d >= 0; d--) {
        size_t k = i % (size_t)z->dim[d];
        i /= (size_t)z->dim[d];
        at += k * step[d];
        *again |= k > 0 && step[d] == 0;
    }
    return at;
}

typedef struct operands {
    const real *a, *b;
    real *c;
    size_t a_size, b_size, c_size; /* elements of one matrix */
    const size_t *a_step, *b_step, *c_step;
} operands;

/* Batch after batch, so that sums over broadcast axes always run in the same order. */
static void multiply(const weft__op_args *r, const sizes *z, weft__gemm g,
                     const operands *o)
{
    for (size_t i = 0; i < z->batches; i++) {
        bool again;
        size_t a = matrix(z, o->a_step, i, &again);
        size_t b = matrix(z, o->b_step, i, &again);
        size_t c = matrix(z, o->c_step, i, &again);
        g.accumulate = again;
        KERNELS(r)->gemm(&g, o->c + c * o->c_size, o->a + a * o->a_size,
                         o->b + b * o->b_size, NULL, r->scratch);
    }
}

static void forward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    size_t m = (size_t)z->m, n = (size_t)z->n, k = (size_t)z->k;
    operands o = {r->in[0].data, r->in[1].data, r->out[0].data, m * k,    k * n,
                  m * n,         z->step_a,     z->step_b,      z->step_c};
    multiply(r, z, product(z), &o);
}

static void backward(const weft__op_args *r)
{
    const sizes *z = r->prepared;
    size_t m = (size_t)z->m, n = (size_t)z->n, k = (size_t)z->k;
    const real *dc = r->dout[0].data;
    operands a = {dc,    r->in[1].data, r->din[0].data, m * n,    k * n,
                  m * k, z->step_c,     z->step_b,      z->step_a};
    operands b = {r->in[0].data, dc,        r->din[1].data, m * k,    m * n,
                  k * n,         z->step_a, z->step_c,      z->step_b};
    if (a.c) multiply(r, z, product_for_a(z), &a);
    if (b.c) multiply(r, z, product_for_b(z), &b);
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    (void)node;
    return 2.0 * in[0].dim[in[0].rank - 1] * (double)weft__tensor_count(&out[0]);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft__onnx_set(n, 0, weft_matmul(g, weft__onnx_value(n, 0), weft__onnx_value(n, 1)));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int outer = weft__rng_between(rng, 0, 2), m = weft__rng_between(rng, 1, 5);
    int n = weft__rng_between(rng, 1, 5), k = weft__rng_between(rng, 1, 5);
    weft_shape a = {.rank = 0}, b = {.rank = 0};
    int skip = weft__rng_between(rng, -outer, outer); /* one of them has fewer axes */
    for (int i = 0; i < outer; i++) {
        int dim = weft__rng_between(rng, 1, 3);
        if (i >= skip) a.dim[a.rank++] = weft__rng_below(rng, 4) ? dim : 1;
        if (i >= -skip) b.dim[b.rank++] = weft__rng_below(rng, 4) ? dim : 1;
    }
    if (a.rank || weft__rng_below(rng, 4)) a.dim[a.rank++] = m;
    a.dim[a.rank++] = k;
    b.dim[b.rank++] = k;
    if (b.rank > 1 || weft__rng_below(rng, 4)) b.dim[b.rank++] = n;
    return weft_matmul(g, weft_input(g, "a", a), weft_param(g, "b", b));
}

const weft_op WEFT_OP(matmul) = {
    .name = "matmul",
    .onnx = WEFT_ONNX("MatMul", 13, .read = from_onnx),
    .arity = 2,
    .summary = "matrix products over the last two axes, the others broadcast",
    .shape = shape,
    .layout = weft__layout_row_major,
    .prepare = prepare,
    .prepared = sizeof(sizes),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << 0 | 1u << 1,
    .unit_axis = WEFT_UNITS_LAST,
    .flops = flops,
    .sample = sample,
};
