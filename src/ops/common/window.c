/* window.c: windows that slide over one or two axes. */
/* build: once */
#include "ops/common/window.h"

#include <stdio.h>
#include <string.h>

WEFT_SHARED weft_status weft__need(const weft__node *node, const weft__tensor *in, int i,
                                   const char *what, int low, int high)
{
    char text[128];
    const weft__tensor *t = &in[i];
    if (i >= node->nin || t->rank < 0)
        return weft__fail(WEFT_ESHAPE, "%s: %s is missing", node->name, what);
    if (t->type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: %s holds integers, not floats", node->name,
                          what);
    if (t->rank >= low && t->rank <= high) return WEFT_OK;
    weft__shape_text(text, sizeof text, t);
    if (low == high)
        return weft__fail(WEFT_ESHAPE, "%s: %s is %s, must have rank %d", node->name,
                          what, text, low);
    return weft__fail(WEFT_ESHAPE, "%s: %s is %s, must have rank %d to %d", node->name,
                      what, text, low, high);
}

WEFT_SHARED weft_status weft__set_result(const weft__node *node, weft__tensor *out,
                                         int rank, const int *dim)
{
    weft_status s = weft__set_dims(out, rank, dim);
    out->type = WEFT_F32;
    return s ? weft__prefix(s, "%s", node->name) : s;
}

/* ---- settling ---- */

static weft_status check_option(const weft__node *node, const char *name, int value,
                                int low)
{
    if (value < low)
        return weft__fail(WEFT_EUSAGE, "%s: %s is %d, must be at least %d", node->name,
                          name, value, low);
    if (value > WEFT_WINDOW_LIMIT)
        return weft__fail(WEFT_EUSAGE, "%s: %s is %d, at most %d is possible", node->name,
                          name, value, WEFT_WINDOW_LIMIT);
    return WEFT_OK;
}

static weft_status check_axis(const weft__node *node, const weft__window *s, int i)
{
    weft_status status = check_option(node, "kernel", s->kernel[i], 1);
    if (!status) status = check_option(node, "stride", s->stride[i], 1);
    if (!status) status = check_option(node, "dilation", s->dilate[i], 1);
    if (s->mode != WEFT_PAD_GIVEN) return status;
    if (!status) status = check_option(node, "padding", s->pad[i], 0);
    if (!status) status = check_option(node, "padding at the end", s->pad_end[i], 0);
    return status;
}

static int64_t span_of(const weft__window *s, int i)
{
    return (int64_t)s->dilate[i] * (s->kernel[i] - 1) + 1;
}

static void by_text(char *text, size_t size, const int64_t *v, int axes)
{
    if (axes == 1)
        snprintf(text, size, "%lld", (long long)v[0]);
    else
        snprintf(text, size, "%lldx%lld", (long long)v[0], (long long)v[1]);
}

static weft_status too_large(const weft__node *node, const weft__window *s,
                             const weft__tensor *x)
{
    int64_t kernel[2], dilate[2], padded[2];
    char k[48], d[48], p[48], text[128];
    for (int i = 0; i < s->axes; i++) {
        kernel[i] = s->kernel[i];
        dilate[i] = s->dilate[i];
        padded[i] = (int64_t)x->dim[2 + i] + s->pad[i] + s->pad_end[i];
    }
    by_text(k, sizeof k, kernel, s->axes);
    by_text(d, sizeof d, dilate, s->axes);
    by_text(p, sizeof p, padded, s->axes);
    weft__shape_text(text, sizeof text, x);
    if (dilate[0] == 1 && dilate[s->axes - 1] == 1)
        return weft__fail(WEFT_ESHAPE,
                          "%s: kernel %s is larger than the padded input %s (%s)",
                          node->name, k, p, text);
    return weft__fail(
        WEFT_ESHAPE,
        "%s: kernel %s with dilation %s is larger than the padded input %s (%s)",
        node->name, k, d, p, text);
}

/* Zeros enough that out = ceil(size / stride). */
static void resolve_same(const weft__window *s, int64_t span, weft__window_axis *a)
{
    a->out = (a->size - 1) / a->stride + 1;
    int64_t total = (int64_t)(a->out - 1) * a->stride + span - a->size;
    if (total < 0) total = 0;
    a->before = (int)(s->mode == WEFT_PAD_SAME_LOWER ? total - total / 2 : total / 2);
    a->after = (int)(total - a->before);
}

static weft_status resolve_axis(const weft__node *node, const weft__window *s, int i,
                                const weft__tensor *x, weft__window_axis *a)
{
    int64_t span = span_of(s, i), padded, room;
    *a = (weft__window_axis){x->dim[2 + i],
                             s->kernel[i],
                             s->stride[i],
                             s->dilate[i],
                             s->pad[i],
                             s->pad_end[i],
                             0};
    weft_status status = check_axis(node, s, i);
    if (status) return status;
    padded = (int64_t)a->size +
             (s->mode == WEFT_PAD_GIVEN ? (int64_t)a->before + a->after : span);
    if (padded > WEFT_WINDOW_LIMIT || span > WEFT_WINDOW_LIMIT)
        return weft__fail(WEFT_ESHAPE,
                          "%s: a window of %lld over %lld positions is too large",
                          node->name, (long long)span, (long long)padded);
    if (s->mode != WEFT_PAD_GIVEN) {
        resolve_same(s, span, a);
        return WEFT_OK;
    }
    room = padded - span + (s->ceil ? a->stride - 1 : 0);
    if (room < 0) return too_large(node, s, x);
    a->out = (int)(room / a->stride + 1);
    /* the last window must start inside the picture or the padding before it */
    if (s->ceil && (int64_t)(a->out - 1) * a->stride >= (int64_t)a->size + a->before)
        a->out--;
    return WEFT_OK;
}

static const weft__window_axis one_row = {1, 1, 1, 1, 0, 0, 1};

static weft_status check_rank(const weft__node *node, const weft__window *s,
                              const weft__tensor *x)
{
    char text[128];
    if (s->axes >= 1 && s->axes <= 2 && x->rank == s->axes + 2) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: x is %s, must be [n, c, t] or [n, c, h, w]",
                      node->name, weft__shape_text(text, sizeof text, x));
}

WEFT_SHARED weft_status weft__window_resolve(const weft__node *node,
                                             const weft__window *s, const weft__tensor *x,
                                             weft__window_axis axis[2])
{
    weft_status status = check_rank(node, s, x);
    axis[0] = one_row;
    for (int i = 0; i < s->axes && !status; i++)
        status = resolve_axis(node, s, i, x, &axis[2 - s->axes + i]);
    return status;
}

static weft_status resolve_transposed(const weft__node *node, const weft__window *s,
                                      int i, int extra, const weft__tensor *x,
                                      weft__window_axis *a)
{
    int64_t span = span_of(s, i), whole, size;
    *a = (weft__window_axis){0,         s->kernel[i],  s->stride[i], s->dilate[i],
                             s->pad[i], s->pad_end[i], x->dim[2 + i]};
    weft_status status = check_axis(node, s, i);
    if (status) return status;
    if (extra < 0 || (extra >= a->stride && extra >= a->dilate))
        return weft__fail(
            WEFT_EUSAGE,
            "%s: extra (output padding) is %d, must be 0 to below the stride or the "
            "dilation",
            node->name, extra);
    whole = (int64_t)(a->out - 1) * a->stride + span + extra;
    size = whole - a->before - a->after;
    if (whole > WEFT_WINDOW_LIMIT)
        return weft__fail(WEFT_ESHAPE, "%s: a result of %lld positions is too large",
                          node->name, (long long)whole);
    if (size < 1)
        return weft__fail(WEFT_ESHAPE,
                          "%s: padding %d and %d leaves nothing of %lld positions",
                          node->name, a->before, a->after, (long long)whole);
    a->size = (int)size;
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__window_resolve_transposed(const weft__node *node,
                                                        const weft__window *s,
                                                        const int extra[2],
                                                        const weft__tensor *x,
                                                        weft__window_axis axis[2])
{
    weft_status status = check_rank(node, s, x);
    axis[0] = one_row;
    for (int i = 0; i < s->axes && !status; i++)
        status = resolve_transposed(node, s, i, extra[i], x, &axis[2 - s->axes + i]);
    return status;
}

WEFT_SHARED weft_status weft__window_result(const weft__node *node, const weft__tensor *x,
                                            int channels, int rows, int columns,
                                            weft__tensor *out)
{
    int dim[4] = {x->dim[0], channels, rows, columns};
    if (x->rank == 3) dim[2] = columns;
    return weft__set_result(node, out, x->rank, dim);
}

/* Windows that begin before the picture, or end after it, are few; only they can miss
 * it. */
static bool axis_misses(const weft__window_axis *a)
{
    for (int i = 0; i < a->out; i++) {
        int64_t start = (int64_t)i * a->stride - a->before;
        if (start >= 0) {
            start = (int64_t)(a->out - 1) * a->stride - a->before;
            return start >= a->size;
        }
        int64_t taps = (-start + a->dilate - 1) / a->dilate;
        if (taps >= a->kernel || start + taps * a->dilate >= a->size) return true;
    }
    return false;
}

WEFT_SHARED bool weft__window_misses(const weft__window_axis axis[2])
{
    return axis_misses(&axis[0]) || axis_misses(&axis[1]);
}

/* ---- text ---- */

static size_t add_pair(char *text, size_t size, size_t used, const char *mark,
                       const int *v, int axes)
{
    int n;
    if (used >= size) return used;
    if (axes == 2 && v[0] != v[1])
        n = snprintf(text + used, size - used, " %s%dx%d", mark, v[0], v[1]);
    else
        n = snprintf(text + used, size - used, " %s%d", mark, v[0]);
    return used + (size_t)n;
}

static bool all_are(const int *v, int axes, int value)
{
    return v[0] == value && (axes == 1 || v[1] == value);
}

WEFT_SHARED void weft__window_text(const weft__window *s, char *text, size_t size)
{
    size_t used;
    if (s->axes == 2)
        used = (size_t)snprintf(text, size, "%dx%d", s->kernel[0], s->kernel[1]);
    else
        used = (size_t)snprintf(text, size, "%d", s->kernel[0]);
    if (!all_are(s->stride, s->axes, 1))
        used = add_pair(text, size, used, "s", s->stride, s->axes);
    if (s->mode != WEFT_PAD_GIVEN) {
        if (used < size) used += (size_t)snprintf(text + used, size - used, " same");
    } else {
        bool even =
            s->pad[0] == s->pad_end[0] && (s->axes == 1 || s->pad[1] == s->pad_end[1]);
        if (!even || !all_are(s->pad, s->axes, 0))
            used = add_pair(text, size, used, "p", s->pad, s->axes);
        if (!even) used = add_pair(text, size, used, "to ", s->pad_end, s->axes);
    }
    if (!all_are(s->dilate, s->axes, 1))
        used = add_pair(text, size, used, "d", s->dilate, s->axes);
    if (s->ceil && used < size) snprintf(text + used, size - used, " ceil");
}

/* ---- ONNX ---- */

WEFT_SHARED void weft__window_to_onnx(weft__onnx_writer *w, const weft__window *s,
                                      const weft__window_axis axis[2], bool dilations)
{
    int pads[4];
    for (int i = 0; i < s->axes; i++) {
        pads[i] = axis[2 - s->axes + i].before;
        pads[s->axes + i] = axis[2 - s->axes + i].after;
    }
    weft__onnx_put_ints(w, "kernel_shape", s->kernel, s->axes);
    weft__onnx_put_ints(w, "strides", s->stride, s->axes);
    weft__onnx_put_ints(w, "pads", pads, 2 * s->axes);
    if (dilations) weft__onnx_put_ints(w, "dilations", s->dilate, s->axes);
}

WEFT_SHARED weft_status weft__onnx_axes(weft__onnx_node *n, int *axes)
{
    int rank = weft__onnx_shape(n, 0).rank;
    if (rank != 3 && rank != 4)
        return weft__onnx_fail(
            n,
            "input 0 has rank %d; 3 ([n, c, t]) and 4 ([n, c, h, w]) are "
            "supported",
            rank);
    *axes = rank - 2;
    return WEFT_OK;
}

/* Reads `count` numbers of at least `low` into v, which keeps its values when there are
 * none. */
static weft_status read_numbers(weft__onnx_node *n, const char *name, int count, int low,
                                int *v)
{
    int value[4], got = weft__onnx_get_ints(n, name, value, 4);
    if (got < 0) return WEFT_OK;
    if (got != count)
        return weft__onnx_fail(n, "attribute %s has %d numbers, %d are needed", name, got,
                               count);
    for (int i = 0; i < count; i++)
        if (value[i] < low || value[i] > WEFT_WINDOW_LIMIT)
            return weft__onnx_fail(n, "attribute %s holds %d, allowed %d to %d", name,
                                   value[i], low, WEFT_WINDOW_LIMIT);
    memcpy(v, value, (size_t)count * sizeof *v);
    return WEFT_OK;
}

static weft_status read_padding(weft__onnx_node *n, weft__window *s)
{
    int pads[4] = {0};
    const char *mode = weft__onnx_get_text(n, "auto_pad", "NOTSET");
    weft_status status = read_numbers(n, "pads", 2 * s->axes, 0, pads);
    if (status) return status;
    if (!strcmp(mode, "SAME_UPPER"))
        s->mode = WEFT_PAD_SAME;
    else if (!strcmp(mode, "SAME_LOWER"))
        s->mode = WEFT_PAD_SAME_LOWER;
    else if (!strcmp(mode, "VALID"))
        memset(pads, 0, sizeof pads);
    else if (*mode && strcmp(mode, "NOTSET"))
        return weft__onnx_fail(n, "attribute auto_pad is \"%.40s\", which is unknown",
                               mode);
    for (int i = 0; i < s->axes && s->mode == WEFT_PAD_GIVEN; i++) {
        s->pad[i] = pads[i];
        s->pad_end[i] = pads[s->axes + i];
    }
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__window_from_onnx(weft__onnx_node *n, int axes,
                                               const int *kernel, weft__window *s)
{
    *s = (weft__window){.axes = axes, .stride = {1, 1}, .dilate = {1, 1}};
    for (int i = 0; i < axes && kernel; i++) s->kernel[i] = kernel[i];
    weft_status status = read_numbers(n, "kernel_shape", axes, 1, s->kernel);
    if (!status && s->kernel[0] < 1)
        status = weft__onnx_fail(n, "attribute kernel_shape is missing");
    for (int i = 0; i < axes && kernel && !status; i++)
        if (s->kernel[i] != kernel[i])
            status =
                weft__onnx_fail(n, "attribute kernel_shape says %d, the weight has %d",
                                s->kernel[i], kernel[i]);
    if (!status) status = read_numbers(n, "strides", axes, 1, s->stride);
    if (!status) status = read_numbers(n, "dilations", axes, 1, s->dilate);
    if (!status) status = read_padding(n, s);
    return status;
}

/* ---- samples ---- */

WEFT_SHARED void weft__window_sample(weft__rng *rng, int axes, bool dilations,
                                     weft__window *s, int size[2])
{
    *s = (weft__window){.axes = axes};
    if (weft__rng_below(rng, 6) == 0)
        s->mode = weft__rng_below(rng, 2) ? WEFT_PAD_SAME : WEFT_PAD_SAME_LOWER;
    for (int i = 0; i < axes; i++) {
        int span, before, after;
        s->kernel[i] = weft__rng_between(rng, 1, axes == 1 ? 5 : 4);
        s->stride[i] = weft__rng_between(rng, 1, 3);
        s->dilate[i] = dilations ? weft__rng_between(rng, 1, 2) : 1;
        span = (int)span_of(s, i);
        /* less padding than the window, so that none lies in it alone */
        before = weft__rng_between(rng, 0, s->kernel[i] / 2);
        after = weft__rng_below(rng, 3) ? before
                                        : weft__rng_between(rng, 0, s->kernel[i] / 2);
        s->pad[i] = before;
        s->pad_end[i] = after;
        size[i] = span - before - after;
        if (size[i] < s->dilate[i]) size[i] = s->dilate[i];
        size[i] += weft__rng_below(rng, 4) ? weft__rng_between(rng, 0, 4) : 0;
    }
}

WEFT_SHARED weft_shape weft__picture(int n, int c, int axes, const int size[2])
{
    weft_shape s = {axes + 2, {n, c, size[0]}};
    if (axes == 2) s.dim[3] = size[1];
    return s;
}
