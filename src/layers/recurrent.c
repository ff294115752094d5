/* recurrent.c: stacked recurrent layers with their parameters, and attention. */
#include "layers/layer.h"

#include <math.h>
#include <stdio.h>

/* What one layer of the stack is made from. */
typedef struct layer {
    const weft_layer_recurrent_opts *o;
    char name[160];
    int units, dirs, gates;
    weft_value lengths;
} layer;

static weft_value param(weft_graph *g, const layer *l, const char *part, weft_shape shape)
{
    char text[200];
    snprintf(text, sizeof text, "%s.%s", l->name, part);
    return weft_param(g, text, shape);
}

/* Vectors have no weight decay. An LSTM's forget gates start open; they, and GRU's
 * update gates, wider when asked to. */
static weft_value bias(weft_graph *g, const layer *l)
{
    size_t h = (size_t)l->units;
    weft_value b = param(g, l, "b", WEFT_SHAPE(l->dirs, 2 * l->gates * l->units));
    weft_param_no_decay(g, b);
    double open = l->o->gate_bias;
    if (l->o->cell == WEFT_CELL_LSTM)
        weft__param_init_part(g, b, 2 * (size_t)l->gates * h, 2 * h, h,
                              open != 0 ? open : 1);
    if (l->o->cell == WEFT_CELL_GRU && open != 0)
        weft__param_init_part(g, b, 2 * (size_t)l->gates * h, 0, h, open);
    return b;
}

static weft_rnn_in parameters(weft_graph *g, const layer *l, int inputs)
{
    int wide = l->gates * l->units;
    double bound = sqrt(6.0 / (inputs + l->units));
    weft_rnn_in in = {.lengths = l->lengths};
    in.w = param(g, l, "w", WEFT_SHAPE(l->dirs, wide, inputs));
    weft_param_init(
        g, in.w,
        &(weft_init_opts){.kind = WEFT_INIT_UNIFORM, .low = -bound, .high = bound});
    in.r = param(g, l, "r", WEFT_SHAPE(l->dirs, wide, l->units));
    weft_param_init(g, in.r,
                    &(weft_init_opts){.kind = WEFT_INIT_ORTHOGONAL, .row = l->units});
    if (!l->o->no_bias) in.b = bias(g, l);
    if (l->o->peepholes) {
        in.peep = param(g, l, "p", WEFT_SHAPE(l->dirs, 3 * l->units));
        weft_param_no_decay(g, in.peep);
    }
    return in;
}

static weft_value add_cell(weft_graph *g, const layer *l, weft_value x,
                           const weft_rnn_in *in, weft_value *h, weft_value *c)
{
    *c = WEFT_NONE;
    switch (l->o->cell) {
    case WEFT_CELL_LSTM:
        return weft_lstm(g, x, in, &l->o->rnn, h, c);
    case WEFT_CELL_RNN:
        return weft_rnn(g, x, in, &l->o->rnn, h);
    default:
        return weft_gru(g, x, in, &l->o->rnn, h);
    }
}

/* The states of layer i out of [n, layers dirs, units]. */
static weft_value part_of(weft_graph *g, const layer *l, weft_value states, int layers,
                          int i)
{
    const weft_slice_range range = {
        .axis = 1, .start = i * l->dirs, .end = (i + 1) * l->dirs};
    if (!states.id || layers == 1) return states;
    return weft_slice(g, states, 1, &range);
}

static weft_status check(const char *name, const weft_layer_recurrent_opts *o, int layers,
                         int units)
{
    bool lstm = o->cell == WEFT_CELL_LSTM;
    if (units < 1 || units > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "%s: %d units", name, units);
    if (layers < 1 || layers > 64)
        return weft__fail(WEFT_EUSAGE, "%s: %d layers, allowed 1 to 64", name, layers);
    if (!(o->dropout >= 0 && o->dropout < 1))
        return weft__fail(WEFT_EUSAGE, "%s: dropout is %g, must be 0 to below 1", name,
                          o->dropout);
    if (o->cell > WEFT_CELL_RNN)
        return weft__fail(WEFT_EUSAGE, "%s: cell %d is unknown", name, (int)o->cell);
    if (!lstm && (o->c0.id || o->peepholes))
        return weft__fail(WEFT_EUSAGE, "%s: c0 and peepholes are of LSTM only", name);
    return WEFT_OK;
}

weft_value weft_layer_recurrent(weft_graph *g, const char *name, weft_value x,
                                weft_value lengths, int units,
                                const weft_layer_recurrent_opts *opts, weft_value *h_n,
                                weft_value *c_n)
{
    enum { MOST = 64 };
    weft_layer_recurrent_opts o = opts ? *opts : (weft_layer_recurrent_opts){0};
    static const int gates[] = {3, 4, 1};
    weft_value h[MOST], c[MOST];
    int layers = o.layers ? o.layers : 1;
    if (h_n) *h_n = WEFT_NONE;
    if (c_n) *c_n = WEFT_NONE;
    if (weft_graph_status(g)) return WEFT_NONE;
    weft_status s = check(name, &o, layers, units);
    if (!s && weft__nominal_shape(g, x).rank != 3)
        s = weft__fail(WEFT_ESHAPE, "%s: the input has rank %d, must be [n, t, i]", name,
                       weft__nominal_shape(g, x).rank);
    if (s) return weft__graph_fail(g, s);
    layer l = {.o = &o, .units = units, .gates = gates[o.cell], .lengths = lengths};
    l.dirs = o.rnn.direction == WEFT_RNN_BOTH ? 2 : 1;
    for (int i = 0; i < layers && !weft_graph_status(g); i++) {
        if (i && o.dropout > 0) x = weft_dropout(g, x, o.dropout);
        snprintf(l.name, sizeof l.name, "%.140s.%d", name, i);
        weft_rnn_in in = parameters(g, &l, weft__nominal_shape(g, x).dim[2]);
        in.h0 = part_of(g, &l, o.h0, layers, i);
        in.c0 = part_of(g, &l, o.c0, layers, i);
        x = weft__layer_named(g, l.name, add_cell(g, &l, x, &in, &h[i], &c[i]));
    }
    if (weft_graph_status(g)) return WEFT_NONE;
    if (h_n) *h_n = layers == 1 ? h[0] : weft_concat(g, h, layers, 1);
    if (c_n && o.cell == WEFT_CELL_LSTM)
        *c_n = layers == 1 ? c[0] : weft_concat(g, c, layers, 1);
    return x;
}

weft_value weft_layer_attention(weft_graph *g, const char *name, weft_value x,
                                weft_value lengths, int units)
{
    char text[200];
    if (weft_graph_status(g)) return WEFT_NONE;
    weft_shape in = weft__nominal_shape(g, x);
    if (in.rank != 3 || units < 1)
        return weft__graph_fail(
            g, weft__fail(WEFT_ESHAPE,
                          "%s: the input has rank %d, must be [n, t, c]; %d units", name,
                          in.rank, units));
    snprintf(text, sizeof text, "%.150s.hidden", name);
    weft_value a = weft_tanh(g, weft_layer_dense(g, text, x, units, NULL));
    snprintf(text, sizeof text, "%.150s.score", name);
    a = weft_layer_dense(g, text, a, 1, &(weft_layer_opts){.no_bias = true});
    a = weft_squeeze(g, a, 1, (int[]){2});
    return weft__layer_named(g, name, weft_attention_pool(g, x, a, lengths));
}
