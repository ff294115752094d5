/* layer.c: parameters of a layer: names and starting values. */
#include "layers/layer.h"

#include <math.h>
#include <stdio.h>

static const char *joined(char *text, size_t size, const char *name, const char *part)
{
    snprintf(text, size, "%.150s.%s", name, part);
    return text;
}

void weft__layer_start(weft_graph *g, weft_val v, weft_init_kind kind, double a, double b)
{
    weft_status s = weft_param_init(g, v, kind, a, b);
    if (s) weft__graph_fail(g, s);
}

weft_val weft__layer_weight(weft_graph *g, const char *name, weft_shape shape, int fan,
                            const weft_layer_opts *opts)
{
    char text[200];
    weft_val w = weft_param(g, joined(text, sizeof text, name, "weight"), shape);
    double bound = 1 / sqrt(fan > 0 ? fan : 1);
    if (opts && opts->init != WEFT_INIT_ZERO)
        weft__layer_start(g, w, opts->init, opts->gain, 0);
    else
        weft_param_init(g, w, WEFT_INIT_UNIFORM, -bound, bound);
    return w;
}

weft_val weft__layer_bias(weft_graph *g, const char *name, int outputs, int fan,
                          const weft_layer_opts *opts)
{
    if (opts && opts->no_bias) return WEFT_NONE;
    char text[200];
    weft_val b =
        weft_param(g, joined(text, sizeof text, name, "bias"), WEFT_SHAPE(outputs));
    double bound = 1 / sqrt(fan > 0 ? fan : 1);
    weft_param_no_decay(g, b);
    if (!opts || opts->init == WEFT_INIT_ZERO)
        weft_param_init(g, b, WEFT_INIT_UNIFORM, -bound, bound);
    return b;
}

weft_val weft__layer_vector(weft_graph *g, const char *name, const char *part,
                            weft_shape shape, double value)
{
    char text[200];
    weft_val v = weft_param(g, joined(text, sizeof text, name, part), shape);
    weft_param_no_decay(g, v);
    weft_param_init(g, v, WEFT_INIT_CONSTANT, value, 0);
    return v;
}

weft_val weft__layer_buffer(weft_graph *g, const char *name, const char *part, int count,
                            double value)
{
    char text[200];
    weft_val v = weft_buffer(g, joined(text, sizeof text, name, part), WEFT_SHAPE(count));
    weft_param_init(g, v, WEFT_INIT_CONSTANT, value, 0);
    return v;
}

weft_val weft__layer_named(weft_graph *g, const char *name, weft_val v)
{
    weft_graph_name(g, v, name);
    return v;
}
