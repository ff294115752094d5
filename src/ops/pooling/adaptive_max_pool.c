/* adaptive_max_pool.c: maxima over windows that share a picture out as evenly as whole
 * pixels can. */
#include "ops/pooling/pooling.h"

#include <math.h>
#include <string.h>

WEFT_API weft_value weft_adaptive_max_pool(weft_graph *g, weft_value x, int rows,
                                           int columns)
{
    return weft__adaptive_add(g, "adaptive_max_pool", x, rows, columns);
}

typedef struct job {
    const weft__adaptive_sizes *z;
    real *y, *dx;
    const real *x, *dy;
    int32_t *index; /* NULL: no backward follows */
} job;

/* One pixel's channels of x, at `position`, against the maxima so far. */
static void take_larger(real *y, int32_t *index, const real *x, size_t c,
                        int32_t position, bool first)
{
    for (size_t i = 0; i < c; i++) {
        if (!first && !(x[i] > y[i]) && !(isnan(x[i]) && !isnan(y[i]))) continue;
        y[i] = x[i];
        if (index) index[i] = position;
    }
}

/* Pixels begin .. end-1 of y. */
static void largest(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const weft__adaptive_sizes *z = b->z;
    size_t c = (size_t)z->c, plane = (size_t)z->oh * (size_t)z->ow;
    for (size_t p = begin; p < end; p++) {
        weft__adaptive_window v = weft__adaptive_at(z, p);
        const real *x = b->x + p / plane * (size_t)z->h * (size_t)z->w * c;
        for (int r = v.top; r < v.bottom; r++)
            for (int s = v.left; s < v.right; s++) {
                int at = r * z->w + s;
                take_larger(b->y + p * c, b->index ? b->index + p * c : NULL,
                            x + (size_t)at * c, c, at, r == v.top && s == v.left);
            }
    }
}

/* Pictures begin .. end-1: windows may share a maximum, pictures do not. */
static void spread_back(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const weft__adaptive_sizes *z = b->z;
    size_t c = (size_t)z->c, picture = (size_t)z->h * (size_t)z->w * c;
    size_t part = (size_t)z->oh * (size_t)z->ow * c;
    memset(b->dx + begin * picture, 0, (end - begin) * picture * sizeof *b->dx);
    for (size_t n = begin; n < end; n++)
        for (size_t i = n * part; i < (n + 1) * part; i++)
            b->dx[n * picture + (size_t)b->index[i] * c + i % c] += b->dy[i];
}

static void forward(const weft__op_args *r)
{
    job b = {
        .z = r->prepared, .y = r->out[0].data, .x = r->in[0].data, .index = r->saved};
    double window = (double)b.z->h / b.z->oh * b.z->w / b.z->ow;
    if (b.z->even)
        KERNELS(r)->max_pool(&b.z->pool, b.y, b.x, b.index, NULL);
    else
        weft__spread((size_t)b.z->n * (size_t)b.z->oh * (size_t)b.z->ow,
                     2 * window * b.z->c, largest, &b);
}

static void backward(const weft__op_args *r)
{
    job b = {
        .z = r->prepared, .dx = r->din[0].data, .dy = r->dout[0].data, .index = r->saved};
    if (!b.dx) return;
    if (b.z->even)
        KERNELS(r)->max_pool_backward(&b.z->pool, b.dx, b.dy, b.index);
    else
        weft__spread((size_t)b.z->n, 1.0 * b.z->h * b.z->w * b.z->c, spread_back, &b);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    (void)node;
    weft__adaptive_to_onnx(w, "MaxPool");
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int rows, columns;
    weft_value x = weft__adaptive_sample(g, rng, &rows, &columns);
    return weft_adaptive_max_pool(g, x, rows, columns);
}

const weft_op WEFT_OP(adaptive_max_pool) = {
    .name = "adaptive_max_pool",
    .onnx = WEFT_ONNX(.write = to_onnx),
    .arity = 1,
    .summary = "maxima over windows of a picture shared out evenly",
    .shape = weft__adaptive_shape,
    .layout = weft__layout_spatial,
    .prepare = weft__adaptive_prepare,
    .prepared = sizeof(weft__adaptive_sizes),
    .memory = weft__pooling_index_memory,
    .forward = forward,
    .backward = backward,
    .pools = true,
    .flops = weft__pooling_global_flops,
    .describe = weft__adaptive_describe,
    .sample = sample,
};
