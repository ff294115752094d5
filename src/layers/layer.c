/* layer.c: parameters of a layer: names and starting values. */
#include "layers/layer.h"

#include <math.h>
#include <stdio.h>

static const char *joined(char *text, size_t size, const char *name, const char *part)
{
    snprintf(text, size, "%.150s.%s", name, part);
    return text;
}

void weft__layer_start(weft_graph *g, weft_value v, const weft_init_opts *start)
{
    weft_status s = weft_param_init(g, v, start);
    if (s) weft__graph_fail(g, s);
}

static bool starts_as_asked(const weft_layer_opts *opts)
{
    return opts && opts->init.kind != WEFT_INIT_ZERO;
}

/* Uniform within 1/sqrt(fan), as PyTorch's Linear and Conv start. */
static weft_init_opts usual(int fan)
{
    double bound = 1 / sqrt(fan > 0 ? fan : 1);
    return (weft_init_opts){.kind = WEFT_INIT_UNIFORM, .low = -bound, .high = bound};
}

weft_value weft__layer_weight(weft_graph *g, const char *name, weft_shape shape, int fan,
                              const weft_layer_opts *opts)
{
    char text[200];
    weft_value w = weft_param(g, joined(text, sizeof text, name, "weight"), shape);
    const weft_init_opts start = starts_as_asked(opts) ? opts->init : usual(fan);
    weft__layer_start(g, w, &start);
    return w;
}

weft_value weft__layer_bias(weft_graph *g, const char *name, int outputs, int fan,
                            const weft_layer_opts *opts)
{
    if (opts && opts->no_bias) return WEFT_NONE;
    char text[200];
    weft_value b =
        weft_param(g, joined(text, sizeof text, name, "bias"), WEFT_SHAPE(outputs));
    const weft_init_opts start = usual(fan);
    weft_param_no_decay(g, b);
    if (!starts_as_asked(opts)) weft_param_init(g, b, &start);
    return b;
}

weft_value weft__layer_vector(weft_graph *g, const char *name, const char *part,
                              weft_shape shape, double value)
{
    char text[200];
    weft_value v = weft_param(g, joined(text, sizeof text, name, part), shape);
    weft_param_no_decay(g, v);
    weft_param_init(g, v, &(weft_init_opts){.kind = WEFT_INIT_CONSTANT, .value = value});
    return v;
}

weft_value weft__layer_buffer(weft_graph *g, const char *name, const char *part,
                              int count, double value)
{
    char text[200];
    weft_value v =
        weft_buffer(g, joined(text, sizeof text, name, part), WEFT_SHAPE(count));
    weft_param_init(g, v, &(weft_init_opts){.kind = WEFT_INIT_CONSTANT, .value = value});
    return v;
}

weft_value weft__layer_named(weft_graph *g, const char *name, weft_value v)
{
    weft_graph_name(g, v, name);
    return v;
}
