/* text.c: the blocks that networks for texts are made of. */
#include "models/text.h"

#include "base/nearest.h"
#include "ops/op.h"

#include <stdio.h>
#include <string.h>

static const char *const readouts[] = {"last", "max", "mean", "max+mean", "attention"};
enum { READOUTS = sizeof readouts / sizeof *readouts, STREAMS = 3, LARGE = 2000 };

/* ---- options ---- */

static int given(int value, int fallback)
{
    return value ? value : fallback;
}

/* 0: the model's; below 0: none. */
static double rate(double value, double fallback)
{
    return value < 0 ? 0 : value > 0 ? value : fallback;
}

static weft_zoo_opts fill(const weft_zoo_opts *o, const weft_zoo_opts *own)
{
    weft_zoo_opts f = *o;
    f.outputs = given(o->outputs, 2);
    f.length = given(o->length, 64);
    f.streams = given(o->streams, 1);
    f.wide_dropout = rate(o->wide_dropout, 1);
    for (int i = 0; i < STREAMS; i++) f.vocabulary[i] = given(o->vocabulary[i], 20000);
    f.embedding = given(o->embedding, own->embedding);
    f.filters = given(o->filters, own->filters);
    f.kernel = given(o->kernel, own->kernel);
    f.hidden = given(o->hidden, own->hidden);
    f.layers = given(o->layers, given(own->layers, 1));
    f.pool = given(o->pool, given(own->pool, 1));
    if (!o->form) f.form = own->form;
    if (!o->readout) f.readout = own->readout;
    f.dropout = rate(o->dropout, own->dropout);
    f.embedding_dropout = rate(o->embedding_dropout, own->embedding_dropout);
    return f;
}

/* The options that not all networks have. */
enum { HIDDEN, LAYERS, FILTERS, KERNEL, POOL, GATE_BIAS, FORM, READOUT, BAG, OPTIONS };
static const char *const option_name[OPTIONS] = {"hidden", "layers",  "filters",
                                                 "kernel", "pool",    "gate-bias",
                                                 "form",   "readout", "bag"};

static void takes(const weft__model *m, bool out[OPTIONS])
{
    const weft_zoo_opts *own = &m->text;
    out[HIDDEN] = out[LAYERS] = own->hidden > 0;
    out[FILTERS] = own->filters > 0;
    out[KERNEL] = own->kernel > 0;
    out[POOL] = m->pools;
    out[GATE_BIAS] = m->gates;
    out[FORM] = own->form != NULL;
    out[READOUT] = own->readout != NULL;
    out[BAG] = own->hidden > 0 || own->filters > 0; /* others are a bag */
}

bool weft__text_takes(const weft__model *m, const char *option)
{
    bool taken[OPTIONS];
    takes(m, taken);
    for (int i = 0; i < OPTIONS; i++)
        if (!strcmp(option_name[i], option)) return taken[i];
    return true;
}

/* What the caller gave and m does not look at. */
static weft_status check_given(const weft__model *m, const weft_zoo_opts *o)
{
    const bool is_given[OPTIONS] = {o->hidden != 0, o->layers != 0, o->filters != 0,
                                    o->kernel != 0, o->pool != 0,   o->gate_bias != 0,
                                    o->form,        o->readout,     o->bag};
    bool taken[OPTIONS];
    takes(m, taken);
    for (int i = 0; i < OPTIONS; i++)
        if (is_given[i] && !taken[i])
            return weft__fail(WEFT_EUSAGE, "%s: has no option %s", m->info.name,
                              option_name[i]);
    return WEFT_OK;
}

static weft_status check_readout(const char *model, const weft_zoo_opts *o)
{
    for (int i = 0; i < READOUTS && o->readout; i++)
        if (!strcmp(readouts[i], o->readout)) return WEFT_OK;
    const char *near = o->readout ? weft__nearest(o->readout, readouts, READOUTS) : NULL;
    if (!o->readout) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE,
                      "%s: readout %.50s is unknown (found last, max, mean, max+mean, "
                      "attention).%s%s%s",
                      model, o->readout, near ? " Did you mean " : "", near ? near : "",
                      near ? "?" : "");
}

static weft_status check(const char *model, const weft_zoo_opts *o)
{
    const struct {
        const char *name;
        int value, low, high;
    } row[] = {{"classes", o->outputs, 1, 1 << 24},
               {"length", o->length, 1, 1 << 20},
               {"streams", o->streams, 1, STREAMS},
               {"wide", o->wide, 0, STREAMS},
               {"vocabulary", o->vocabulary[0], 1, 1 << 28},
               {"vocabulary of pairs", o->vocabulary[1], 1, 1 << 28},
               {"vocabulary of triples", o->vocabulary[2], 1, 1 << 28},
               {"embedding", o->embedding, 1, 1 << 16},
               {"filters", o->filters, 0, 1 << 16},
               {"kernel", o->kernel, 0, 1 << 10},
               {"hidden", o->hidden, 0, 1 << 14},
               {"layers", o->layers, 1, 64},
               {"pool", o->pool, 1, 1 << 10}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].value < row[i].low || row[i].value > row[i].high)
            return weft__fail(WEFT_EUSAGE, "%s: %s is %d, allowed %d to %d", model,
                              row[i].name, row[i].value, row[i].low, row[i].high);
    if (!(o->wide_dropout <= 1))
        return weft__fail(WEFT_EUSAGE, "%s: dropout of the wide part of %g, at most 1",
                          model, o->wide_dropout);
    if (!(o->dropout < 1 && o->embedding_dropout < 1))
        return weft__fail(WEFT_EUSAGE, "%s: dropout of %g and %g, must be below 1", model,
                          o->dropout, o->embedding_dropout);
    return check_readout(model, o);
}

/* ---- blocks ---- */

weft_value weft__text_conv(weft_graph *g, const char *name, weft_value x,
                           weft_value *lengths, int filters, int kernel, int pool)
{
    weft_layer_conv_opts same = {.kernel = {kernel}, .conv.mode = WEFT_PAD_SAME};
    weft_pool_opts by = {.kernel = {pool}};
    x = weft_relu(g, weft_layer_seq_conv(g, name, x, *lengths, filters, &same, lengths));
    return pool > 1 ? weft_seq_max_pool(g, x, *lengths, &by, lengths) : x;
}

weft_value weft__text_recurrent(weft_graph *g, const weft__text *t, const char *name,
                                weft_value x, weft_value lengths, weft_cell cell,
                                weft_direction direction, weft_value *last)
{
    int dirs = direction == WEFT_RNN_BOTH ? 2 : 1;
    const weft_slice_range top = {
        .axis = 1, .start = (t->o.layers - 1) * dirs, .end = t->o.layers * dirs};
    weft_layer_recurrent_opts o = {.cell = cell,
                                   .rnn.direction = direction,
                                   .layers = t->o.layers,
                                   .gate_bias = t->o.gate_bias,
                                   .dropout = t->o.dropout / 2};
    weft_value h;
    x = weft_layer_recurrent(g, name, x, lengths, t->o.hidden, &o, &h, NULL);
    if (!last) return x;
    if (t->o.layers > 1) h = weft_slice(g, h, 1, &top);
    *last = weft_flatten(g, h, 1);
    return x;
}

weft_value weft__text_readout(weft_graph *g, const weft__text *t, const char *name,
                              weft_value y, weft_value lengths, weft_value last)
{
    const char *how = t->o.readout;
    if (!strcmp(how, "last")) return last;
    if (!strcmp(how, "max")) return weft_seq_max(g, y, lengths);
    if (!strcmp(how, "mean")) return weft_seq_mean(g, y, lengths);
    if (!strcmp(how, "attention"))
        return weft_layer_attention(g, name, y, lengths,
                                    given(t->o.hidden, t->o.filters));
    weft_value both[] = {weft_seq_max(g, y, lengths), weft_seq_mean(g, y, lengths)};
    return weft_concat(g, both, 2, 1);
}

weft_value weft__text_read_recurrent(weft_graph *g, const weft__text *t, weft_value x,
                                     weft_value lengths, weft_cell cell,
                                     weft_direction direction)
{
    weft_value last = WEFT_NONE;
    bool ends = !strcmp(t->o.readout, "last");
    x = weft__text_recurrent(g, t, "rnn", x, lengths, cell, direction,
                             ends ? &last : NULL);
    return weft__text_readout(g, t, "attention", x, lengths, last);
}

/* ---- the whole ---- */

/* The streams' vectors of each position, added. */
static weft_value embed(weft_graph *g, const weft_zoo_opts *o,
                        const weft_value input[STREAMS])
{
    static const char *const name[] = {"embed_tokens", "embed_pairs", "embed_triples"};
    weft_layer_embedding_opts e = {.embedding.padded = true, .frozen = o->freeze};
    weft_value x = WEFT_NONE;
    for (int i = 0; i < o->streams; i++) {
        /* a step touches a batch of rows: none of the others is to cost time */
        e.embedding.sparse = o->vocabulary[i] >= LARGE;
        weft_value y = weft_layer_embedding(g, name[i], input[i], o->vocabulary[i],
                                            o->embedding, &e);
        x = i ? weft_add(g, x, y) : y;
    }
    return x;
}

/* Scores of the classes from a weight of each piece for each class, averaged: a linear
 * model of n-grams next to the network, whose weights are given (weft_text_wide_start)
 * and fixed. */
static weft_value wide(weft_graph *g, const weft_zoo_opts *o,
                       const weft_value input[STREAMS], weft_value lengths)
{
    static const char *const name[] = {"wide_tokens", "wide_pairs", "wide_triples"};
    weft_layer_embedding_opts e = {.embedding.padded = true, .frozen = true};
    weft_value x = WEFT_NONE;
    for (int i = 0; i < o->wide; i++) {
        weft_value y =
            weft_layer_embedding(g, name[i], input[i], o->vocabulary[i], o->outputs, &e);
        x = i ? weft_add(g, x, y) : y;
    }
    return weft_seq_mean(g, x, lengths);
}

/* In training, all scores of a text are left out with probability p. */
static weft_value drop_scores(weft_graph *g, weft_value y, double p)
{
    int axis = 2;
    y = weft_unsqueeze(g, y, 1, &axis); /* [n, classes, 1]: the one channel is dropped */
    return weft_squeeze(g, weft_spatial_dropout(g, y, p), 1, &axis);
}

/* The network's scores y and the linear model's z. Two that learn apart make different
 * mistakes; where the network learns little alone, both must learn to do without the
 * other. */
static weft_value join(weft_graph *g, const weft_zoo_opts *o, weft_value y, weft_value z)
{
    if (o->wide_dropout < 1) y = drop_scores(g, y, o->wide_dropout);
    return weft_add(g, y, drop_scores(g, z, o->wide_dropout));
}

weft_value weft__text_build(weft_graph *g, const weft__model *m,
                            const weft_zoo_opts *opts)
{
    static const char *const name[] = {"tokens", "pairs", "triples"};
    weft__text t = {.o = fill(opts, &m->text), .readout = opts->readout};
    const weft_zoo_opts *o = &t.o;
    weft_value input[STREAMS];
    weft_status s = check_given(m, opts);
    if (!s) s = check(m->info.name, o);
    if (s) return weft__graph_fail(g, s);
    int inputs = o->wide > o->streams ? o->wide : o->streams;
    for (int i = 0; i < inputs; i++)
        input[i] = weft_input_int(g, name[i], WEFT_SHAPE(0, o->length), o->vocabulary[i]);
    t.lengths = weft_input_int(g, "lengths", WEFT_SHAPE(0), o->length + 1);
    weft_value words = embed(g, o, input);
    t.x = o->embedding_dropout > 0 ? weft_spatial_dropout(g, words, o->embedding_dropout)
                                   : words;
    weft_value y = m->read(g, &t);
    if (o->bag) {
        weft_value both[] = {y, weft_seq_mean(g, words, t.lengths)};
        y = weft_concat(g, both, 2, 1);
    }
    if (o->dropout > 0) y = weft_dropout(g, y, o->dropout);
    y = weft_layer_dense(g, "fc", y, o->outputs, NULL);
    if (!o->wide) return y;
    return join(g, o, y, wide(g, o, input, t.lengths));
}
