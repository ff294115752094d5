/* conv_transpose.c: the transpose of a convolution. Its forward is that convolution's
 * gradient with respect to x, its data gradient the convolution itself: here x and y
 * trade places. */
#include "ops/common/window.h"

#include <stdio.h>

typedef struct options {
    weft__window window;
    int extra[2], groups;
} options;

WEFT_API weft_value weft_conv_transpose(weft_graph *g, weft_value x, weft_value w,
                                        weft_value b,
                                        const weft_conv_transpose_opts *opts)
{
    weft_conv_transpose_opts given = opts ? *opts : (weft_conv_transpose_opts){0};
    weft_shape kernel = weft__nominal_shape(g, w);
    options o = {.window = {.axes = kernel.rank - 2},
                 .groups = given.groups ? given.groups : 1};
    for (int i = 0; i < 2; i++) {
        o.window.kernel[i] = i < o.window.axes ? kernel.dim[2 + i] : 1;
        o.window.stride[i] = given.stride[i] ? given.stride[i] : 1;
        o.window.dilate[i] = given.dilate[i] ? given.dilate[i] : 1;
        o.window.pad[i] = given.pad[i];
        o.window.pad_end[i] = given.uneven ? given.pad_end[i] : given.pad[i];
        o.extra[i] = given.extra[i];
    }
    return weft__node_add(g, "conv_transpose", &o, sizeof o, (weft_value[]){x, w, b}, 3,
                          1);
}

static weft_status check_weight(const weft__node *node, const weft__tensor *in,
                                int groups)
{
    const weft__tensor *x = &in[0], *w = &in[1], *b = &in[2];
    char one[128], two[128];
    if (w->rank != x->rank || w->dim[0] != x->dim[1])
        return weft__fail(WEFT_ESHAPE, "%s: w %s does not fit x %s: it must be [%d, ...]",
                          node->name, weft__shape_text(two, sizeof two, w),
                          weft__shape_text(one, sizeof one, x), x->dim[1]);
    if (groups < 1 || x->dim[1] % groups || w->dim[1] > WEFT_WINDOW_LIMIT / groups)
        return weft__fail(WEFT_ESHAPE, "%s: %d groups do not divide %d channels",
                          node->name, groups, x->dim[1]);
    if (b->rank >= 0 && (b->rank != 1 || b->dim[0] != w->dim[1] * groups))
        return weft__fail(WEFT_ESHAPE, "%s: b is %s, must be [%d]", node->name,
                          weft__shape_text(one, sizeof one, b), w->dim[1] * groups);
    return WEFT_OK;
}

static weft_status resolve(const weft__node *node, const weft__tensor *in,
                           weft__window_axis axis[2])
{
    const options *o = node->attr;
    weft__window window = o->window;
    weft_status s = weft__need(node, in, 0, "x", 3, 4);
    if (!s) s = weft__need(node, in, 1, "w", 3, 4);
    if (!s && in[2].rank >= 0) s = weft__need(node, in, 2, "b", 1, 1);
    if (!s) s = check_weight(node, in, o->groups);
    for (int i = 0; i < window.axes && !s; i++) window.kernel[i] = in[1].dim[2 + i];
    return s ? s : weft__window_resolve_transposed(node, &window, o->extra, &in[0], axis);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    weft__window_axis axis[2];
    weft_status s = resolve(node, in, axis);
    if (s) return s;
    return weft__window_result(node, &in[0], in[1].dim[1] * o->groups, axis[0].size,
                               axis[1].size, out);
}

/* Of the convolution that this is the transpose of: it goes from y to x. */
static weft_status prepare(const weft__setup *s)
{
    const options *o = s->node->attr;
    const weft__tensor *in = s->in;
    weft__window_axis a[2];
    weft_status status = resolve(s->node, in, a);
    if (status) return status;
    *(weft__conv *)s->prepared = (weft__conv){.n = in[0].dim[0],
                                              .h = a[0].size,
                                              .w = a[1].size,
                                              .c = in[1].dim[1] * o->groups,
                                              .oh = a[0].out,
                                              .ow = a[1].out,
                                              .o = in[0].dim[1],
                                              .kh = a[0].kernel,
                                              .kw = a[1].kernel,
                                              .stride_h = a[0].stride,
                                              .stride_w = a[1].stride,
                                              .dilate_h = a[0].dilate,
                                              .dilate_w = a[1].dilate,
                                              .top = a[0].before,
                                              .left = a[1].before,
                                              .groups = o->groups,
                                              .exact = !KERNELS(s)->exact};
    return WEFT_OK;
}

static size_t pixels(const weft__conv *s)
{
    return (size_t)s->n * (size_t)s->h * (size_t)s->w;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    const weft__conv *c = s->prepared;
    m->scratch = larger(k->conv_bwd_data_scratch(c), (size_t)c->c * sizeof(real));
    if (!s->training) return;
    m->scratch = larger(m->scratch, k->conv_scratch(c));
    m->scratch = larger(m->scratch, k->conv_bwd_weights_scratch(c));
    m->scratch = larger(m->scratch, k->sum_rows_scratch(pixels(c), (size_t)c->c));
}

static void forward(const weft__op_args *r)
{
    const weft__kernels *k = KERNELS(r);
    const weft__conv *c = r->prepared;
    real *one = r->scratch, *y = r->out[0].data;
    k->conv_bwd_data(c, y, r->in[0].data, r->in[1].data, r->scratch);
    if (!r->in[2].data) return;
    for (int i = 0; i < c->c; i++) one[i] = 1;
    const weft__affine bias = {.scale = one, .shift = r->in[2].data};
    k->channel_affine(y, y, &bias, pixels(c), (size_t)c->c, NULL);
}

static void backward(const weft__op_args *r)
{
    const weft__kernels *k = KERNELS(r);
    const weft__conv *c = r->prepared;
    const real *dy = r->dout[0].data;
    if (r->din[0].data)
        k->conv(c, r->din[0].data, dy, r->in[1].data, NULL, NULL, r->scratch);
    if (r->din[1].data)
        k->conv_bwd_weights(c, r->din[1].data, r->in[0].data, dy, r->scratch);
    if (r->din[2].data)
        k->sum_rows(r->din[2].data, dy, pixels(c), (size_t)c->c, r->scratch);
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    double taps = 1;
    (void)node, (void)out;
    for (int i = 1; i < in[1].rank; i++) taps *= in[1].dim[i];
    return 2 * taps * (double)weft__tensor_count(&in[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    size_t used;
    weft__window_text(&o->window, text, size);
    for (used = 0; used < size && text[used];) used++;
    if ((o->extra[0] || o->extra[1]) && used < size)
        used += (size_t)snprintf(text + used, size - used, " +%dx%d", o->extra[0],
                                 o->extra[1]);
    if (o->groups > 1 && used < size)
        snprintf(text + used, size - used, " g%d", o->groups);
}

/* ---- ONNX ---- */

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const options *o = node->attr;
    weft__tensor in[3] = {*weft__onnx_in(w, 0), *weft__onnx_in(w, 1), {.rank = -1}};
    weft__window_axis axis[2];
    int extra[2] = {o->extra[0], o->extra[1]};
    if (resolve(node, in, axis)) return;
    for (int i = 0; i < o->window.axes;
         i++) { /* less padding is the same as extra rows */
        weft__window_axis *a = &axis[2 - o->window.axes + i];
        int both = a->after < extra[i] ? a->after : extra[i];
        a->after -= both;
        extra[i] -= both;
    }
    weft__window_to_onnx(w, &o->window, axis, true);
    weft__onnx_put_ints(w, "output_padding", extra, o->window.axes);
    weft__onnx_put_int(w, "group", o->groups);
}

/* Padding so that the result has `want` positions, as ONNX shares it out: the odd one
 * goes before, with SAME_UPPER after. */
static weft_status pad_to(weft__onnx_node *n, weft__window *s, int i, int size,
                          int64_t want, int *extra)
{
    int64_t whole = (int64_t)(size - 1) * s->stride[i] + *extra +
                    (int64_t)s->dilate[i] * (s->kernel[i] - 1) + 1;
    int64_t total = whole - want;
    if (want < 1 || total > WEFT_WINDOW_LIMIT || total < -(int64_t)WEFT_WINDOW_LIMIT)
        return weft__onnx_fail(n, "output_shape asks for %lld positions of %lld",
                               (long long)want, (long long)whole);
    if (total < 0) {
        *extra -= (int)total;
        total = 0;
    }
    s->pad[i] = (int)(s->mode == WEFT_PAD_SAME ? total / 2 : total - total / 2);
    s->pad_end[i] = (int)total - s->pad[i];
    return WEFT_OK;
}

static weft_status read_result_size(weft__onnx_node *n, weft__window *s, int extra[2])
{
    weft_shape x = weft__onnx_shape(n, 0);
    int want[4], got = weft__onnx_get_ints(n, "output_shape", want, 4),
                 skip = got - s->axes;
    weft_status status = WEFT_OK;
    if (got >= 0 && skip != 0 && skip != 2)
        return weft__onnx_fail(n, "attribute output_shape has %d numbers, %d are needed",
                               got, s->axes);
    for (int i = 0; i < s->axes && !status; i++) {
        if (got >= 0)
            status = pad_to(n, s, i, x.dim[2 + i], want[skip + i], &extra[i]);
        else if (s->mode != WEFT_PAD_GIVEN)
            status = pad_to(n, s, i, x.dim[2 + i], (int64_t)x.dim[2 + i] * s->stride[i],
                            &extra[i]);
    }
    s->mode = WEFT_PAD_GIVEN;
    return status;
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_shape kernel = weft__onnx_shape(n, 1);
    weft__window s;
    int axes, extra[2] = {0}, got = weft__onnx_get_ints(n, "output_padding", extra, 2);
    int64_t groups = weft__onnx_get_int(n, "group", 1);
    weft_status status = weft__onnx_axes(n, &axes);
    if (!status && kernel.rank != axes + 2)
        status = weft__onnx_fail(n, "the weight has rank %d, the input %d", kernel.rank,
                                 axes + 2);
    if (!status && got >= 0 && got != axes)
        status = weft__onnx_fail(
            n, "attribute output_padding has %d numbers, %d are needed", got, axes);
    if (!status && (groups < 1 || groups > INT32_MAX))
        status = weft__onnx_fail(n, "attribute group is %lld, must be at least 1",
                                 (long long)groups);
    if (!status) status = weft__window_from_onnx(n, axes, kernel.dim + 2, &s);
    if (!status) status = read_result_size(n, &s, extra);
    if (status) return status;
    weft_conv_transpose_opts o = {.stride = {s.stride[0], s.stride[1]},
                                  .dilate = {s.dilate[0], s.dilate[1]},
                                  .pad = {s.pad[0], s.pad[1]},
                                  .pad_end = {s.pad_end[0], s.pad_end[1]},
                                  .uneven = true,
                                  .extra = {extra[0], extra[1]},
                                  .groups = (int)groups};
    weft__onnx_set(n, 0,
                   weft_conv_transpose(g, weft__onnx_value(n, 0), weft__onnx_value(n, 1),
                                       weft__onnx_value(n, 2), &o));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int axes = weft__rng_between(rng, 1, 2), size[2], n = weft__rng_between(rng, 1, 2);
    int groups = weft__rng_below(rng, 3) ? 1 : 2,
        c = groups * weft__rng_between(rng, 1, 3);
    int o = weft__rng_between(rng, 1, 3);
    weft__window s;
    weft__window_sample(rng, axes, true, &s, size);
    weft_conv_transpose_opts opts = {.stride = {s.stride[0], s.stride[1]},
                                     .dilate = {s.dilate[0], s.dilate[1]},
                                     .uneven = true,
                                     .groups = groups};
    for (int i = 0; i < axes; i++) {
        int span = s.dilate[i] * (s.kernel[i] - 1) + 1;
        opts.extra[i] = weft__rng_between(rng, 0, s.stride[i] - 1);
        size[i] = weft__rng_between(rng, 1, 5);
        /* less padding than the smallest result */
        opts.pad[i] = weft__rng_between(rng, 0, (span - 1) / 2);
        opts.pad_end[i] = weft__rng_between(rng, 0, (span - 1) / 2);
    }
    weft_value x = weft_input(g, "x", weft__picture(n, c, axes, size));
    weft_value w = weft_param(g, "w", weft__picture(c, o, axes, s.kernel));
    weft_value b = WEFT_NONE;
    if (weft__rng_below(rng, 3)) b = weft_param(g, "b", WEFT_SHAPE(o * groups));
    return weft_conv_transpose(g, x, w, b, &opts);
}

const weft_op WEFT_OP(conv_transpose) = {
    .name = "conv_transpose",
    .onnx = WEFT_ONNX("ConvTranspose", 11, .read = from_onnx, .write = to_onnx),
    .arity = 3,
    .summary = "the transpose of conv: y grows by the stride",
    .shape = shape,
    .layout = weft__layout_spatial,
    .prepare = prepare,
    .prepared = sizeof(weft__conv),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << 0 | 1u << 1,
    .unit_axis = 1,
    .features = true,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
