/* adaptive_avg_pool.c: means over windows that share a picture out as evenly as whole
 * pixels can. */
#include "ops/pooling/pooling.h"

#include <string.h>

WEFT_API weft_value weft_adaptive_avg_pool(weft_graph *g, weft_value x, int rows,
                                           int columns)
{
    return weft__adaptive_add(g, "adaptive_avg_pool", x, rows, columns);
}

typedef struct job {
    const weft__kernels *k;
    const weft__adaptive_sizes *z;
    real *y, *dx;
    const real *x, *dy;
} job;

/* Pixels begin .. end-1 of y. */
static void average(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const weft__adaptive_sizes *z = b->z;
    size_t c = (size_t)z->c, plane = (size_t)z->oh * (size_t)z->ow;
    for (size_t p = begin; p < end; p++) {
        weft__adaptive_window v = weft__adaptive_at(z, p);
        const real *x = b->x + p / plane * (size_t)z->h * (size_t)z->w * c;
        real *y = b->y + p * c;
        memset(y, 0, c * sizeof *y);
        for (int r = v.top; r < v.bottom; r++)
            for (int s = v.left; s < v.right; s++)
                b->k->axpy(y, x + ((size_t)r * (size_t)z->w + (size_t)s) * c, c, 1);
        b->k->scale(y, y, c,
                    (real)(1.0 / ((double)(v.bottom - v.top) * (v.right - v.left))), 0);
    }
}

/* Pictures begin .. end-1: neighbouring windows may share pixels, pictures do not. */
static void spread_back(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    const weft__adaptive_sizes *z = b->z;
    size_t c = (size_t)z->c, picture = (size_t)z->h * (size_t)z->w * c;
    memset(b->dx + begin * picture, 0, (end - begin) * picture * sizeof *b->dx);
    for (size_t p = begin * (size_t)z->oh * (size_t)z->ow;
         p < end * (size_t)z->oh * (size_t)z->ow; p++) {
        size_t n = p / (size_t)z->ow / (size_t)z->oh;
        weft__adaptive_window v = weft__adaptive_at(z, p);
        real *dx = b->dx + n * picture;
        real part = (real)(1.0 / ((double)(v.bottom - v.top) * (v.right - v.left)));
        for (int r = v.top; r < v.bottom; r++)
            for (int s = v.left; s < v.right; s++)
                b->k->axpy(dx + ((size_t)r * (size_t)z->w + (size_t)s) * c, b->dy + p * c,
                           c, part);
    }
}

static void forward(const weft__op_args *r)
{
    job b = {.k = KERNELS(r), .z = r->prepared, .y = r->out[0].data, .x = r->in[0].data};
    double taps = (double)b.z->h / b.z->oh * b.z->w / b.z->ow;
    if (b.z->even)
        b.k->avg_pool(&b.z->pool, b.y, b.x);
    else
        weft__spread((size_t)b.z->n * (size_t)b.z->oh * (size_t)b.z->ow, taps * b.z->c,
                     average, &b);
}

static void backward(const weft__op_args *r)
{
    job b = {
        .k = KERNELS(r), .z = r->prepared, .dx = r->din[0].data, .dy = r->dout[0].data};
    if (!b.dx) return;
    if (b.z->even)
        b.k->avg_pool_backward(&b.z->pool, b.dx, b.dy);
    else
        weft__spread((size_t)b.z->n, 2.0 * b.z->h * b.z->w * b.z->c, spread_back, &b);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    (void)node;
    weft__adaptive_to_onnx(w, "AveragePool");
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int rows, columns;
    weft_value x = weft__adaptive_sample(g, rng, &rows, &columns);
    return weft_adaptive_avg_pool(g, x, rows, columns);
}

const weft_op WEFT_OP(adaptive_avg_pool) = {
    .name = "adaptive_avg_pool",
    .onnx = WEFT_ONNX(.write = to_onnx),
    .arity = 1,
    .summary = "means over windows of a picture shared out evenly",
    .shape = weft__adaptive_shape,
    .layout = weft__layout_spatial,
    .prepare = weft__adaptive_prepare,
    .prepared = sizeof(weft__adaptive_sizes),
    .forward = forward,
    .backward = backward,
    .pools = true,
    .flops = weft__pooling_global_flops,
    .describe = weft__adaptive_describe,
    .sample = sample,
};
