/* clip.c: y = min(max(x, low), high). */
#include "ops/common/unary.h"

#include <stdio.h>

#include <math.h>

WEFT_API weft_value weft_clip(weft_graph *g, weft_value x, double low, double high)
{
    if (!(low <= high)) return weft__unary_refuse(g, "clip", "low", low, "at most high");
    return weft__unary_add_with(g, "clip", x, low, high);
}

static void epilogue(const weft__node *node, weft__epilogue *e)
{
    const weft__act_attr *a = node->attr;
    e->act = WEFT_ACT_CLIP;
    e->alpha = a->alpha;
    e->beta = a->beta;
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__act_attr *a = node->attr;
    snprintf(text, size, "%g to %g", a->alpha, a->beta);
}

static void to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__act_attr *a = node->attr;
    if (isinf(a->alpha))
        weft__onnx_add_absent(w);
    else
        weft__onnx_add_float(w, "min", a->alpha);
    if (!isinf(a->beta)) weft__onnx_add_float(w, "max", a->beta);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    double limit[2] = {-INFINITY, INFINITY};
    for (int i = 0; i < 2; i++) {
        if (weft__onnx_opset(n) < 11)
            limit[i] = weft__onnx_get_float(n, i ? "max" : "min", limit[i]);
        else if (weft__onnx_shape(n, i + 1).rank >= 0 &&
                 weft__onnx_const_floats(n, i + 1, &limit[i], 1) < 1)
            return weft__onnx_fail(n, "%s is not a constant", i ? "max" : "min");
    }
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_set(n, 0, weft_clip(weft__onnx_graph(n), x, limit[0], limit[1]));
    return WEFT_OK;
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    static const double low[] = {-1, 0, -0.5, -INFINITY}, high[] = {1, 6, 0.5, INFINITY};
    weft_value x = weft__sample_any(g, rng);
    return weft_clip(g, x, low[weft__rng_below(rng, 4)], high[weft__rng_below(rng, 4)]);
}

const weft_op WEFT_OP(clip) = {
    .name = "clip",
    .onnx = WEFT_ONNX("Clip", 13, .read = from_onnx, .write = to_onnx),
    .arity = 1,
    .summary = "y = min(max(x, low), high)",
    .shape = weft__unary_shape,
    .layout = weft__layout_same,
    .forward = weft__activation_forward,
    .backward = weft__activation_backward,
    .saves_out = 1,
    .in_place = true,
    .grad_in_place = true,
    .epilogue = epilogue,
    .describe = describe,
    .sample = sample,
};
