/* pixel_shuffle.c: [n, c r r, h, w] -> [n, c, h r, w r]. */
#include "ops/common/window.h"

#include <stdio.h>
#include <string.h>

WEFT_API weft_value weft_pixel_shuffle(weft_graph *g, weft_value x, int r)
{
    return weft__node_add(g, "pixel_shuffle", &r, sizeof r, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    int64_t r = *(const int *)node->attr;
    weft_status s = weft__need(node, in, 0, "x", 4, 4);
    if (s) return s;
    const int *x = in[0].dim;
    if (r < 1 || r > INT16_MAX || x[1] % (r * r))
        return weft__fail(WEFT_ESHAPE,
                          "%s: %d channels are not a multiple of %lld * %lld", node->name,
                          x[1], (long long)r, (long long)r);
    if (x[2] * r > WEFT_WINDOW_LIMIT || x[3] * r > WEFT_WINDOW_LIMIT)
        return weft__fail(WEFT_ESHAPE, "%s: the result would be too large", node->name);
    int dim[4] = {x[0], (int)(x[1] / (r * r)), (int)(x[2] * r), (int)(x[3] * r)};
    return weft__set_result(node, out, 4, dim);
}

typedef struct job {
    size_t c, h, w, r; /* c of y, h and w of x */
    real *to;
    const real *from;
    bool back;
} job;

/* Rows begin .. end-1 of x: x[n][h][w][c][i][j] is y[n][h][i][w][j][c]. */
static void rows(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    size_t r = b->r, c = b->c, row = b->w * c * r * r;
    for (size_t at = begin * row; at < end * row; at++) {
        size_t j = at % r, i = at / r % r, channel = at / (r * r) % c;
        size_t w = at / (r * r * c) % b->w, line = at / row; /* n h + row */
        size_t y = (((line * r + i) * b->w + w) * r + j) * c + channel;
        if (b->back)
            b->to[at] = b->from[y];
        else
            b->to[y] = b->from[at];
    }
}

static void move(const weft__op_args *run, void *to, const void *from, bool back)
{
    const int *x = run->in[0].dim;
    size_t r = (size_t) * (const int *)run->attr;
    job b = {(size_t)x[1] / (r * r), (size_t)x[2], (size_t)x[3], r, to, from, back};
    weft__spread((size_t)x[0] * b.h, 8.0 * x[1] * x[3], rows, &b);
}

static void forward(const weft__op_args *r)
{
    move(r, r->out[0].data, r->in[0].data, false);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data) move(r, r->din[0].data, r->dout[0].data, true);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    snprintf(text, size, "x%d", *(const int *)node->attr);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    weft__onnx_put_int(w, "blocksize", *(const int *)node->attr);
    weft__onnx_put_text(w, "mode", "CRD");
}

/* The other order of channels, [r r c]: by hand. */
static weft_value depth_first(weft_graph *g, weft_value x, weft_shape s, int r)
{
    int c = s.dim[1] / (r * r);
    x = weft_reshape(g, x, (weft_shape){6, {0, r, r, c, s.dim[2], s.dim[3]}});
    x = weft_transpose(g, x, (int[]){0, 3, 4, 1, 5, 2});
    return weft_reshape(g, x, (weft_shape){4, {0, c, s.dim[2] * r, s.dim[3] * r}});
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_shape x = weft__onnx_shape(n, 0);
    int64_t r = weft__onnx_get_int(n, "blocksize", 0);
    const char *mode = weft__onnx_get_text(n, "mode", "DCR");
    if (x.rank != 4)
        return weft__onnx_fail(n, "the input has rank %d, must be 4", x.rank);
    if (r < 1 || r > INT16_MAX || x.dim[1] % (r * r) ||
        r * x.dim[2] > WEFT_WINDOW_LIMIT || r * x.dim[3] > WEFT_WINDOW_LIMIT)
        return weft__onnx_fail(n, "attribute blocksize is %lld for %d channels of %dx%d",
                               (long long)r, x.dim[1], x.dim[2], x.dim[3]);
    if (!strcmp(mode, "CRD"))
        weft__onnx_set(n, 0, weft_pixel_shuffle(g, weft__onnx_value(n, 0), (int)r));
    else if (!strcmp(mode, "DCR"))
        weft__onnx_set(n, 0, depth_first(g, weft__onnx_value(n, 0), x, (int)r));
    else
        return weft__onnx_fail(n, "attribute mode is \"%.40s\", must be DCR or CRD",
                               mode);
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int r = weft__rng_between(rng, 1, 3), c = weft__rng_between(rng, 1, 2) * r * r;
    weft_shape s = {4,
                    {weft__rng_between(rng, 1, 2), c, weft__rng_between(rng, 1, 4),
                     weft__rng_between(rng, 1, 4)}};
    return weft_pixel_shuffle(g, weft_input(g, "x", s), r);
}

const weft_op WEFT_OP(pixel_shuffle) = {
    .name = "pixel_shuffle",
    .onnx = WEFT_ONNX("DepthToSpace", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "[n, c r r, h, w] -> [n, c, h r, w r]",
    .shape = shape,
    .layout = weft__layout_spatial,
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .sample = sample,
};
