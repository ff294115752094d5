/* conv.c: y = x convolved with w, plus b; one or two axes. */
#include "ops/convolution/conv.h"
#include "ops/common/strided.h"

#include <stdio.h>

typedef weft__conv_attr options;

WEFT_API weft_value weft_conv(weft_graph *g, weft_value x, weft_value w, weft_value b,
                              const weft_conv_opts *opts)
{
    weft_conv_opts given = opts ? *opts : (weft_conv_opts){0};
    weft_shape kernel = weft__nominal_shape(g, w);
    options o = {.window = {.axes = kernel.rank - 2, .mode = given.mode},
                 .groups = given.groups ? given.groups : 1};
    for (int i = 0; i < 2; i++) {
        o.window.kernel[i] = i < o.window.axes ? kernel.dim[2 + i] : 1;
        o.window.stride[i] = given.stride[i] ? given.stride[i] : 1;
        o.window.dilate[i] = given.dilate[i] ? given.dilate[i] : 1;
        o.window.pad[i] = given.pad[i];
        o.window.pad_end[i] = given.uneven ? given.pad_end[i] : given.pad[i];
    }
    return weft__node_add(g, "conv", &o, sizeof o, (weft_value[]){x, w, b}, 3, 1);
}

static weft_status check_weight(const weft__node *node, const weft__tensor *in,
                                int groups)
{
    const weft__tensor *x = &in[0], *w = &in[1], *b = &in[2];
    char one[128], two[128];
    if (w->rank != x->rank)
        return weft__fail(WEFT_ESHAPE, "%s: x %s and w %s differ in rank", node->name,
                          weft__shape_text(one, sizeof one, x),
                          weft__shape_text(two, sizeof two, w));
    if (groups < 1 || x->dim[1] % groups || w->dim[0] % groups)
        return weft__fail(WEFT_ESHAPE, "%s: %d groups do not divide %d channels into %d",
                          node->name, groups, x->dim[1], w->dim[0]);
    if (w->dim[1] != x->dim[1] / groups)
        return weft__fail(WEFT_ESHAPE, "%s: w %s takes %d channels, x %s has %d%s",
                          node->name, weft__shape_text(two, sizeof two, w), w->dim[1],
                          weft__shape_text(one, sizeof one, x), x->dim[1] / groups,
                          groups > 1 ? " in each group" : "");
    if (b->rank >= 0 && (b->rank != 1 || b->dim[0] != w->dim[0]))
        return weft__fail(WEFT_ESHAPE, "%s: b is %s, must be [%d]", node->name,
                          weft__shape_text(one, sizeof one, b), w->dim[0]);
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
    return s ? s : weft__window_resolve(node, &window, &in[0], axis);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    weft__window_axis axis[2];
    weft_status s = resolve(node, in, axis);
    if (s) return s;
    return weft__window_result(node, &in[0], in[1].dim[0], axis[0].out, axis[1].out, out);
}

/* The geometry, as the kernels want it. */
static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *in = s->in;
    weft__window_axis a[2];
    weft_status status = resolve(s->node, in, a);
    if (status) return status;
    *(weft__conv *)s->prepared =
        (weft__conv){.n = in[0].dim[0],
                     .h = a[0].size,
                     .w = a[1].size,
                     .c = in[0].dim[1],
                     .oh = a[0].out,
                     .ow = a[1].out,
                     .o = in[1].dim[0],
                     .kh = a[0].kernel,
                     .kw = a[1].kernel,
                     .stride_h = a[0].stride,
                     .stride_w = a[1].stride,
                     .dilate_h = a[0].dilate,
                     .dilate_w = a[1].dilate,
                     .top = a[0].before,
                     .left = a[1].before,
                     .groups = ((const options *)s->node->attr)->groups,
                     .exact = !KERNELS(s)->exact};
    return WEFT_OK;
}

static size_t pixels(const weft__conv *s)
{
    return (size_t)s->n * (size_t)s->oh * (size_t)s->ow;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void memory(const weft__setup *s, weft__memory *m)
{
    const weft__kernels *k = s->kernels;
    weft__conv c = *(const weft__conv *)s->prepared;
    m->scratch = k->conv_scratch(&c);
    if (!s->training) {
        m->prepacked = k->conv_prepacked_size(&c) * sizeof(real);
        c.prepacked = m->prepacked > 0;
        m->scratch_prepacked = k->conv_scratch(&c);
        return;
    }
    m->scratch = larger(m->scratch, k->conv_bwd_data_scratch(&c));
    m->scratch = larger(m->scratch, k->conv_bwd_weights_scratch(&c));
    m->scratch = larger(m->scratch, k->sum_rows_scratch(pixels(&c), (size_t)c.o));
}

/* Unless they are in the same place, or y is not wanted. */
static void copy_onto(const weft__tensor *y, const weft__tensor *x)
{
    if (y->data && y->data != x->data) weft__copy_flat(y->data, x->data, x->count);
}

static void forward(const weft__op_args *r)
{
    weft__conv s = *(const weft__conv *)r->prepared;
    s.accumulate = r->residual != NULL;
    s.prepacked = r->prepacked != NULL;
    if (r->residual) copy_onto(&r->out[0], r->residual);
    KERNELS(r)->conv(&s, r->out[0].data, r->in[0].data,
                     r->prepacked ? r->prepacked : r->in[1].data, r->in[2].data,
                     r->epilogue, r->scratch);
}

static void prepack(const weft__op_args *r)
{
    KERNELS(r)->conv_prepack(r->prepared, r->prepacked, r->in[1].data);
}

static void backward(const weft__op_args *r)
{
    const weft__kernels *k = KERNELS(r);
    weft__conv s = *(const weft__conv *)r->prepared;
    const real *dy = r->dout[0].data;
    if (r->dresidual) copy_onto(r->dresidual, &r->dout[0]);
    s.accumulate = r->accumulate & 1;
    if (r->din[0].data)
        k->conv_bwd_data(&s, r->din[0].data, dy, r->in[1].data, r->scratch);
    s.accumulate = false;
    if (r->din[1].data)
        k->conv_bwd_weights(&s, r->din[1].data, dy, r->in[0].data, r->scratch);
    if (r->din[2].data)
        k->sum_rows(r->din[2].data, dy, pixels(&s), (size_t)s.o, r->scratch);
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    double taps = 1;
    (void)node;
    for (int i = 1; i < in[1].rank; i++) taps *= in[1].dim[i];
    return 2 * taps * (double)weft__tensor_count(&out[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    size_t used;
    weft__window_text(&o->window, text, size);
    for (used = 0; used < size && text[used];) used++;
    if (o->groups > 1 && used < size)
        snprintf(text + used, size - used, " g%d", o->groups);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const options *o = node->attr;
    weft__tensor in[3] = {*weft__onnx_in(w, 0), *weft__onnx_in(w, 1), {.rank = -1}};
    weft__window_axis axis[2];
    if (resolve(node, in, axis)) return;
    weft__window_to_onnx(w, &o->window, axis, true);
    weft__onnx_put_int(w, "group", o->groups);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_shape kernel = weft__onnx_shape(n, 1);
    weft__window window;
    int axes;
    weft_status s = weft__onnx_axes(n, &axes);
    if (!s && kernel.rank != axes + 2)
        s = weft__onnx_fail(n, "the weight has rank %d, the input %d", kernel.rank,
                            axes + 2);
    if (!s) s = weft__window_from_onnx(n, axes, kernel.dim + 2, &window);
    int64_t groups = weft__onnx_get_int(n, "group", 1);
    if (!s && (groups < 1 || groups > INT32_MAX))
        s = weft__onnx_fail(n, "attribute group is %lld, must be at least 1",
                            (long long)groups);
    if (s) return s;
    weft_conv_opts o = {.stride = {window.stride[0], window.stride[1]},
                        .dilate = {window.dilate[0], window.dilate[1]},
                        .pad = {window.pad[0], window.pad[1]},
                        .pad_end = {window.pad_end[0], window.pad_end[1]},
                        .uneven = true,
                        .mode = window.mode,
                        .groups = (int)groups};
    weft__onnx_set(n, 0,
                   weft_conv(g, weft__onnx_value(n, 0), weft__onnx_value(n, 1),
                             weft__onnx_value(n, 2), &o));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int axes = weft__rng_between(rng, 1, 2), size[2], n = weft__rng_between(rng, 1, 3);
    int groups = weft__rng_below(rng, 3) ? 1 : weft__rng_between(rng, 2, 3);
    int c = groups * weft__rng_between(rng, 1, groups > 1 ? 2 : 4);
    int o = groups * weft__rng_between(rng, 1, groups > 1 ? 2 : 5);
    weft__window s;
    weft__window_sample(rng, axes, true, &s, size);
    while (n > 1 && n * c * size[0] * (axes == 2 ? size[1] : 1) > 300) n--;
    weft_conv_opts opts = {.stride = {s.stride[0], s.stride[1]},
                           .dilate = {s.dilate[0], s.dilate[1]},
                           .pad = {s.pad[0], s.pad[1]},
                           .pad_end = {s.pad_end[0], s.pad_end[1]},
                           .uneven = true,
                           .mode = s.mode,
                           .groups = groups};
    weft_value x = weft_input(g, "x", weft__picture(n, c, axes, size));
    weft_value w = weft_param(g, "w", weft__picture(o, c / groups, axes, s.kernel));
    weft_value b = WEFT_NONE;
    if (weft__rng_below(rng, 3)) b = weft_param(g, "b", WEFT_SHAPE(o));
    return weft_conv(g, x, w, b, &opts);
}

const weft_op WEFT_OP(conv) = {
    .name = "conv",
    .onnx = WEFT_ONNX("Conv", 11, .read = from_onnx, .write = to_onnx),
    .arity = 3,
    .summary = "y[n,o] = sum over c, i, j of x * w, plus b[o]: convolution, 1-D or 2-D",
    .shape = shape,
    .layout = weft__layout_spatial,
    .prepare = prepare,
    .prepared = sizeof(weft__conv),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .prepack = prepack,
    .saves_in = 1u << 0 | 1u << 1,
    .fuses_epilogue = true,
    .fuses_residual = true,
    .accumulates = 1u << 0,
    .fuse = WEFT_FUSE_PRODUCT,
    .unit_axis = 1,
    .features = true,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
