/* binary.c: two inputs that broadcast, forward and back; the operators of binary.def. */
#include "ops/arithmetic/binary.h"

#include "ops/common/strided.h"

#define STRIP 256

WEFT_SHARED weft_value weft__binary_add(weft_graph *g, const char *op, weft_value a,
                                        weft_value b)
{
    return weft__node_add(g, op, NULL, 0, (weft_value[]){a, b}, 2, 1);
}

WEFT_SHARED weft_status weft__binary_shape(const weft__node *node, const weft__tensor *in,
                                           weft__tensor *out)
{
    if (in[0].type == WEFT_I32 || in[1].type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                          node->name);
    out[0].type = WEFT_F32;
    return weft__broadcast(node, &in[0], &in[1], &out[0]);
}

WEFT_SHARED weft_status weft__onnx_binary(struct weft__onnx_node *n,
                                          weft_value (*build)(weft_graph *g, weft_value a,
                                                              weft_value b))
{
    weft_value a = weft__onnx_value(n, 0), b = weft__onnx_value(n, 1);
    weft__onnx_set(n, 0, build(weft__onnx_graph(n), a, b));
    return WEFT_OK;
}

WEFT_SHARED void weft__sample_pair(weft_graph *g, weft__rng *rng, double low, double high,
                                   weft_value pair[2])
{
    weft_shape s[2];
    uint32_t kind = weft__rng_below(rng, 5);
    s[0] = s[1] = weft__sample_shape(rng, 1, 5, 6);
    for (int i = 0; i < s[0].rank && kind > 0; i++) { /* ones here and there */
        int which = (int)weft__rng_below(rng, 2);
        if (kind == 1 && s[0].rank > 1)
            s[1].dim[i] = i == 1 ? s[0].dim[1] : 1; /* per channel */
        else if (kind > 1 && weft__rng_below(rng, 3) == 0)
            s[kind == 2 ? 1 : which].dim[i] = 1;
    }
    if (kind == 3) { /* fewer dimensions */
        int drop = weft__rng_between(rng, 0, s[1].rank),
            which = (int)weft__rng_below(rng, 2);
        weft_shape cut = {.rank = s[which].rank - drop};
        for (int i = 0; i < cut.rank; i++) cut.dim[i] = s[which].dim[i + drop];
        s[which] = cut;
    }
    pair[0] = weft__sample_value(g, rng, "a", s[0]);
    pair[1] = low < high ? weft__sample_within(g, rng, "b", s[1], low, high)
                         : weft__sample_value(g, rng, "b", s[1]);
}

/* ---- memory ---- */

/* How input i moves along y. */
static void gradient_strides(weft__strided *w, const weft__tensor *y,
                             const weft__tensor *x)
{
    weft__strided_begin(w, y);
    weft__strided_broadcast(w, y, x);
    weft__strided_end(w);
}

static bool same_storage(const weft__strided *w, const weft__tensor *y,
                         const weft__tensor *x)
{
    return x->count == y->count && w->rank == 1;
}

static size_t term_bytes(const weft__tensor *y)
{
    return (y->count * sizeof(real) + 63) / 64 * 64;
}

void weft__binary_memory(const weft__setup *s, weft__memory *m)
{
    if (!s->training) return;
    for (int i = 0; i < 2; i++) {
        weft__strided w;
        size_t bytes;
        if (s->in[i].rank < 0) continue;
        gradient_strides(&w, &s->out[0], &s->in[i]);
        if (same_storage(&w, &s->out[0], &s->in[i])) continue;
        bytes = weft__strided_reduce_scratch(&w, s->kernels);
        if (s->node->op->saves_in) bytes += term_bytes(&s->out[0]); /* not dy itself */
        if (bytes > m->scratch) m->scratch = bytes;
    }
}

/* ---- forward ---- */

typedef struct job {
    weft__binary_fn *f;
    real *y;
    const real *a, *b;
    real scale;
} job;

/* Operands 0 and 1 are a and b; y is dense. */
static void piece(void *arg, const weft__strided *w, size_t row, size_t first, size_t n)
{
    const job *j = arg;
    ptrdiff_t sa = weft__strided_step(w, 0), sb = weft__strided_step(w, 1);
    const real *a = j->a + weft__strided_at(w, 0, row) + (ptrdiff_t)first * sa;
    const real *b = j->b + weft__strided_at(w, 1, row) + (ptrdiff_t)first * sb;
    real *y = j->y + row * w->row + first;
    if ((sa == 0 || sa == 1) && (sb == 0 || sb == 1)) {
        j->f(y, a, b, n, (int)sa, (int)sb);
    } else {
        for (size_t i = 0, m; i < n; i += m) {
            real ta[STRIP], tb[STRIP];
            m = n - i < STRIP ? n - i : STRIP;
            for (size_t k = 0; k < m; k++) ta[k] = a[(ptrdiff_t)(i + k) * sa];
            for (size_t k = 0; k < m; k++) tb[k] = b[(ptrdiff_t)(i + k) * sb];
            j->f(y + i, ta, tb, m, 1, 1);
        }
    }
    if (j->scale != 1)
        for (size_t i = 0; i < n; i++) y[i] *= j->scale;
}

static void both(const weft__tensor *shape, real *y, const weft__tensor *a,
                 const weft__tensor *b, weft__binary_fn *f, real scale)
{
    weft__strided w;
    job j = {f, y, a->data, b->data, scale};
    weft__strided_begin(&w, shape);
    weft__strided_broadcast(&w, shape, a);
    weft__strided_broadcast(&w, shape, b);
    weft__strided_end(&w);
    weft__strided_run(&w, 2, piece, &j);
}

void weft__binary_forward(const weft__op_args *r, weft__binary_fn *f)
{
    both(&r->out[0], r->out[0].data, &r->in[0], &r->in[1], f, 1);
}

/* ---- backward ---- */

void weft__binary_gradient(const weft__op_args *r, int i, weft__binary_fn *f,
                           const weft__tensor *other, real scale)
{
    const weft__tensor *dy = &r->dout[0], *dx = &r->din[i];
    const real *term = dy->data;
    weft__strided w;
    if (!dx->data) return;
    gradient_strides(&w, dy, dx);
    if (f) {
        bool direct =
            dx->count == dy->count && w.rank == 1 && weft__strided_step(&w, 0) <= 1;
        real *made = direct ? dx->data : r->scratch;
        both(dy, made, dy, other, f, scale);
        if (direct) return;
        term = made;
        scale = 1;
    }
    if (dx->count == dy->count && scale == 1 && term == dx->data) return;
    char *rest = r->scratch; /* NULL when the sum needs none */
    if (f) rest += term_bytes(dy);
    weft__strided_reduce(&w, dx->data, term, scale, rest, KERNELS(r));
}

/* ---- binary.def ---- */

/* b is the same for all that is summed up in its gradient, and divides the sum. */
static void over_b(void *arg, size_t begin, size_t end)
{
    const weft__op_args *const *at = arg, *r = *at;
    real *db = (real *)r->din[1].data + begin;
    KERNELS(r)->div(db, db, (const real *)r->in[1].data + begin, end - begin, 1, 1);
}

#define SUM(i, factor) weft__binary_gradient(r, i, NULL, NULL, factor);
#define GRADIENT(i, kernel, of, factor) \
    weft__binary_gradient(r, i, KERNELS(r)->kernel, &r->of, factor);
#define OVER_B \
    if (r->din[1].data) weft__spread(r->din[1].count, 1, over_b, &r);

#define BINARY(op_name, formula, op_type, opset, low, high, gradients, ...) \
    WEFT_API weft_value weft_##op_name(weft_graph *g, weft_value a, weft_value b) \
    { \
        return weft__binary_add(g, #op_name, a, b); \
    } \
    static void op_name##_forward(const weft__op_args *r) \
    { \
        weft__binary_forward(r, KERNELS(r)->op_name); \
    } \
    static void op_name##_backward(const weft__op_args *r) \
    { \
        gradients \
    } \
    static weft_status op_name##_read(struct weft__onnx_node *n) \
    { \
        return weft__onnx_binary(n, weft_##op_name); \
    } \
    static weft_value op_name##_sample(weft_graph *g, weft__rng *rng) \
    { \
        weft_value p[2]; \
        weft__sample_pair(g, rng, low, high, p); \
        return weft_##op_name(g, p[0], p[1]); \
    } \
    const weft_op WEFT_OP(op_name) = { \
        .name = #op_name, \
        .onnx = WEFT_ONNX(op_type, opset, .read = op_name##_read), \
        .arity = 2, \
        .summary = formula, \
        .shape = weft__binary_shape, \
        .layout = weft__layout_same, \
        .memory = weft__binary_memory, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
        .sample = op_name##_sample, \
        __VA_ARGS__, \
    };

#include "ops/arithmetic/binary.def"
