/* pooling.c: what the pooling operators share. */
/* build: once */
#include "ops/pooling/pooling.h"

#include <stdio.h>

WEFT_SHARED weft_value weft__pooling_add(weft_graph *g, const char *op, weft_value x,
                                         const weft_pool_opts *opts)
{
    weft_pool_opts given = opts ? *opts : (weft_pool_opts){0};
    weft__pooling o = {.window = {.axes = weft__nominal_shape(g, x).rank - 2,
                                  .mode = given.mode,
                                  .ceil = given.ceil},
                       .exclude_pad = given.exclude_pad};
    for (int i = 0; i < 2; i++) {
        weft__window *s = &o.window;
        s->kernel[i] = given.kernel[i] ? given.kernel[i] : given.kernel[0];
        s->stride[i] = given.stride[i] ? given.stride[i] : s->kernel[i];
        s->dilate[i] = given.dilate[i] ? given.dilate[i] : 1;
        s->pad[i] = given.pad[i];
        s->pad_end[i] = given.uneven ? given.pad_end[i] : given.pad[i];
    }
    return weft__node_add(g, op, &o, sizeof o, &x, 1, 1);
}

static weft_status check_picture(const weft__node *node, const weft__tensor *x)
{
    char text[128];
    size_t positions = weft__tensor_count(x) / ((size_t)x->dim[0] * (size_t)x->dim[1]);
    if (positions <= INT32_MAX) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: x %s has too many positions", node->name,
                      weft__shape_text(text, sizeof text, x));
}

WEFT_SHARED weft_status weft__pooling_resolve(const weft__node *node,
                                              const weft__tensor *x, bool empty,
                                              weft__window_axis axis[2])
{
    const weft__pooling *o = node->attr;
    char options[96], text[128];
    weft_status s = weft__need(node, x, 0, "x", 3, 4);
    if (!s) s = check_picture(node, x);
    if (!s) s = weft__window_resolve(node, &o->window, x, axis);
    if (s || empty || !weft__window_misses(axis)) return s;
    weft__window_text(&o->window, options, sizeof options);
    return weft__fail(WEFT_ESHAPE, "%s: a window (%s) lies in the padding of x %s alone",
                      node->name, options, weft__shape_text(text, sizeof text, x));
}

WEFT_SHARED weft_status weft__pooling_prepare(const weft__setup *s)
{
    const weft__pooling *o = s->node->attr;
    const weft__tensor *x = &s->in[0];
    weft__window_axis a[2];
    weft_status status = weft__window_resolve(s->node, &o->window, x, a);
    if (status) return status;
    *(weft__pool *)s->prepared = (weft__pool){.n = x->dim[0],
                                              .h = a[0].size,
                                              .w = a[1].size,
                                              .c = x->dim[1],
                                              .oh = a[0].out,
                                              .ow = a[1].out,
                                              .kh = a[0].kernel,
                                              .kw = a[1].kernel,
                                              .stride_h = a[0].stride,
                                              .stride_w = a[1].stride,
                                              .dilate_h = a[0].dilate,
                                              .dilate_w = a[1].dilate,
                                              .top = a[0].before,
                                              .left = a[1].before,
                                              .bottom = a[0].after,
                                              .right = a[1].after,
                                              .count_pad = !o->exclude_pad};
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__pooling_global_prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[0];
    int n = x->dim[0], c = x->dim[1];
    int positions = (int)(weft__tensor_count(x) / ((size_t)n * (size_t)c));
    *(weft__pool *)s->prepared = (weft__pool){.n = n,
                                              .h = 1,
                                              .w = positions,
                                              .c = c,
                                              .oh = 1,
                                              .ow = 1,
                                              .kh = 1,
                                              .kw = positions,
                                              .stride_h = 1,
                                              .stride_w = positions,
                                              .dilate_h = 1,
                                              .dilate_w = 1};
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__pooling_global_shape(const weft__node *node,
                                                   const weft__tensor *in,
                                                   weft__tensor *out)
{
    int dim[WEFT_MAX_RANK];
    weft_status s = weft__need(node, in, 0, "x", 3, WEFT_MAX_RANK);
    if (!s) s = check_picture(node, &in[0]);
    if (s) return s;
    for (int i = 0; i < in[0].rank; i++) dim[i] = i < 2 ? in[0].dim[i] : 1;
    return weft__set_result(node, out, in[0].rank, dim);
}

WEFT_SHARED void weft__pooling_index_memory(const weft__setup *s, weft__memory *m)
{
    if (s->training) m->saved = weft__tensor_count(&s->out[0]) * sizeof(int32_t);
}

WEFT_SHARED void weft__pooling_describe(const weft__node *node, char *text, size_t size)
{
    weft__window_text(&((const weft__pooling *)node->attr)->window, text, size);
}

WEFT_SHARED double weft__pooling_flops(const weft__node *node, const weft__tensor *in,
                                       const weft__tensor *out)
{
    const weft__window *s = &((const weft__pooling *)node->attr)->window;
    (void)in;
    return (double)weft__tensor_count(&out[0]) * s->kernel[0] *
           (s->axes == 2 ? s->kernel[1] : 1);
}

WEFT_SHARED double weft__pooling_global_flops(const weft__node *node,
                                              const weft__tensor *in,
                                              const weft__tensor *out)
{
    (void)node, (void)out;
    return (double)weft__tensor_count(&in[0]);
}

/* ---- ONNX ---- */

/* Older rules of ONNX, with ceil_mode, also add a window that starts in the padding
 * after; an axis that gets none must not have that much padding. */
static void cut_padding(weft__window_axis *a)
{
    int64_t end =
        (int64_t)(a->out - 1) * a->stride + (int64_t)a->dilate * (a->kernel - 1) + 1;
    int64_t after = end - a->size - a->before;
    if (after < 0) after = 0;
    if (after < a->after) a->after = (int)after;
}

WEFT_SHARED void weft__pooling_to_onnx(const weft__node *node, weft__onnx_writer *w,
                                       bool dilations)
{
    const weft__pooling *o = node->attr;
    weft__window floor = o->window;
    weft__window_axis axis[2], plain[2];
    if (weft__window_resolve(node, &o->window, weft__onnx_in(w, 0), axis)) return;
    floor.ceil = false;
    bool fits = !weft__window_resolve(node, &floor, weft__onnx_in(w, 0), plain);
    if (!fits || plain[0].out != axis[0].out || plain[1].out != axis[1].out) {
        weft__onnx_put_int(w, "ceil_mode", 1);
        for (int i = 0; i < 2 && fits; i++)
            if (plain[i].out == axis[i].out) cut_padding(&axis[i]);
    }
    weft__window_to_onnx(w, &o->window, axis, dilations);
}

WEFT_SHARED weft_status weft__pooling_from_onnx(weft__onnx_node *n, weft_pool_opts *opts)
{
    weft__window s;
    int axes;
    weft_status status = weft__onnx_axes(n, &axes);
    if (!status) status = weft__window_from_onnx(n, axes, NULL, &s);
    if (status) return status;
    *opts = (weft_pool_opts){.kernel = {s.kernel[0], s.kernel[1]},
                             .stride = {s.stride[0], s.stride[1]},
                             .dilate = {s.dilate[0], s.dilate[1]},
                             .pad = {s.pad[0], s.pad[1]},
                             .pad_end = {s.pad_end[0], s.pad_end[1]},
                             .uneven = true,
                             .mode = s.mode,
                             .ceil = weft__onnx_get_int(n, "ceil_mode", 0) != 0};
    return WEFT_OK;
}

static weft_value picture_input(weft_graph *g, weft__rng *rng, int axes, const int *size)
{
    int n = weft__rng_between(rng, 1, 3), c = weft__rng_between(rng, 1, 5);
    int positions = size[0] * (axes == 2 ? size[1] : 1);
    while (n > 1 && n * c * positions > 300) n--;
    while (c > 1 && n * c * positions > 300) c--;
    return weft_input(g, "x", weft__picture(n, c, axes, size));
}

WEFT_SHARED weft_value weft__pooling_sample(weft_graph *g, weft__rng *rng, bool dilations,
                                            weft_pool_opts *opts)
{
    int axes = weft__rng_between(rng, 1, 2), size[2];
    weft__window s;
    weft__window_sample(rng, axes, dilations, &s, size);
    *opts = (weft_pool_opts){.kernel = {s.kernel[0], s.kernel[1]},
                             .stride = {s.stride[0], s.stride[1]},
                             .dilate = {s.dilate[0], s.dilate[1]},
                             .pad = {s.pad[0], s.pad[1]},
                             .pad_end = {s.pad_end[0], s.pad_end[1]},
                             .uneven = true,
                             .mode = s.mode,
                             .ceil = s.mode == WEFT_PAD_GIVEN && weft__rng_below(rng, 2)};
    return picture_input(g, rng, axes, size);
}

WEFT_SHARED weft_value weft__pooling_global_sample(weft_graph *g, weft__rng *rng)
{
    int size[2] = {weft__rng_between(rng, 1, 7), weft__rng_between(rng, 1, 7)};
    return picture_input(g, rng, weft__rng_between(rng, 1, 2), size);
}

/* ---- adaptive pooling ---- */

WEFT_SHARED weft_value weft__adaptive_add(weft_graph *g, const char *op, weft_value x,
                                          int rows, int columns)
{
    weft__adaptive o = {rows, columns};
    return weft__node_add(g, op, &o, sizeof o, &x, 1, 1);
}

WEFT_SHARED weft_status weft__adaptive_shape(const weft__node *node,
                                             const weft__tensor *in, weft__tensor *out)
{
    const weft__adaptive *o = node->attr;
    weft_status s = weft__need(node, in, 0, "x", 3, 4);
    if (!s) s = check_picture(node, &in[0]);
    if (s) return s;
    int dim[4] = {in[0].dim[0], in[0].dim[1], o->rows, o->columns};
    return weft__set_result(node, out, in[0].rank, dim);
}

static weft__adaptive_sizes adaptive_sizes(const weft__tensor *x, const weft__tensor *y)
{
    bool plane = x->rank == 4;
    weft__adaptive_sizes z = {.n = x->dim[0],
                              .h = plane ? x->dim[2] : 1,
                              .w = x->dim[plane ? 3 : 2],
                              .c = x->dim[1],
                              .oh = plane ? y->dim[2] : 1,
                              .ow = y->dim[plane ? 3 : 2]};
    z.even = z.h % z.oh == 0 && z.w % z.ow == 0;
    if (z.even)
        z.pool = (weft__pool){.n = z.n,
                              .h = z.h,
                              .w = z.w,
                              .c = z.c,
                              .oh = z.oh,
                              .ow = z.ow,
                              .kh = z.h / z.oh,
                              .kw = z.w / z.ow,
                              .stride_h = z.h / z.oh,
                              .stride_w = z.w / z.ow,
                              .dilate_h = 1,
                              .dilate_w = 1};
    return z;
}

WEFT_SHARED weft_status weft__adaptive_prepare(const weft__setup *s)
{
    *(weft__adaptive_sizes *)s->prepared = adaptive_sizes(&s->in[0], &s->out[0]);
    return WEFT_OK;
}

WEFT_SHARED void weft__adaptive_describe(const weft__node *node, char *text, size_t size)
{
    const weft__adaptive *o = node->attr;
    snprintf(text, size, "to %dx%d", o->rows, o->columns);
}

WEFT_SHARED void weft__adaptive_to_onnx(weft__onnx_writer *w, const char *op_type)
{
    const weft__tensor *x = weft__onnx_in(w, 0), *y = weft__onnx_out(w, 0);
    weft__adaptive_sizes z = adaptive_sizes(x, y);
    if (!z.even) {
        weft__onnx_refuse(
            w, "adaptive pooling has an ONNX form only where its windows are equal");
        return;
    }
    int kernel[2] = {x->rank == 3 ? z.pool.kw : z.pool.kh, z.pool.kw};
    weft__onnx_type(w, op_type);
    weft__onnx_put_ints(w, "kernel_shape", kernel, x->rank - 2);
    weft__onnx_put_ints(w, "strides", kernel, x->rank - 2);
}

WEFT_SHARED weft_value weft__adaptive_sample(weft_graph *g, weft__rng *rng, int *rows,
                                             int *columns)
{
    int size[2] = {weft__rng_between(rng, 1, 7), weft__rng_between(rng, 1, 7)};
    bool even = weft__rng_below(rng, 2);
    *rows = weft__rng_between(rng, 1, 4);
    *columns = weft__rng_between(rng, 1, 4);
    if (even) {
        size[0] = *rows * weft__rng_between(rng, 1, 3);
        size[1] = *columns * weft__rng_between(rng, 1, 3);
    }
    return picture_input(g, rng, weft__rng_between(rng, 1, 2), size);
}
