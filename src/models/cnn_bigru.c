/* cnn_bigru.c: convolution and gated recurrent units in both directions, in three
 * forms.
 *   serial     convolution, then recurrent layers, then the readout
 *   parallel   the convolution's maximum over time, and the recurrent layers' readout,
 *              concatenated
 *   rnn-first  recurrent layers, then convolution, then its maximum over time or the
 *              readout that was asked for */
#include "models/text.h"

#include "ops/op.h"

#include <string.h>

static weft_value recurrent(weft_graph *g, const weft__text *t, weft_value x,
                            weft_value lengths)
{
    return weft__text_read_recurrent(g, t, x, lengths, WEFT_CELL_GRU, WEFT_RNN_BOTH);
}

static weft_value convolve(weft_graph *g, const weft__text *t, weft_value x,
                           weft_value *lengths)
{
    return weft__text_conv(g, "conv", x, lengths, t->o.filters, t->o.kernel, t->o.pool);
}

static weft_value recurrent_first(weft_graph *g, const weft__text *t)
{
    weft_value lengths = t->lengths;
    weft__text end = *t;
    end.o.readout = t->readout ? t->readout : "max";
    if (!strcmp(end.o.readout, "last"))
        return weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "cnn-bigru: form rnn-first has no readout last"));
    weft_value x = weft__text_recurrent(g, t, "rnn", t->x, lengths, WEFT_CELL_GRU,
                                        WEFT_RNN_BOTH, NULL);
    x = convolve(g, t, x, &lengths);
    return weft__text_readout(g, &end, "attention", x, lengths, WEFT_NONE);
}

static weft_value read(weft_graph *g, const weft__text *t)
{
    const char *form = t->o.form;
    weft_value lengths = t->lengths, x = t->x;
    if (!strcmp(form, "serial")) {
        x = convolve(g, t, x, &lengths);
        return recurrent(g, t, x, lengths);
    }
    if (!strcmp(form, "parallel")) {
        weft_value y = convolve(g, t, x, &lengths);
        weft_value both[] = {weft_seq_max(g, y, lengths), recurrent(g, t, x, t->lengths)};
        return weft_concat(g, both, 2, 1);
    }
    if (!strcmp(form, "rnn-first")) return recurrent_first(g, t);
    return weft__graph_fail(
        g, weft__fail(
               WEFT_EUSAGE,
               "cnn-bigru: form %.50s is unknown (allowed serial, parallel, rnn-first)",
               form));
}

const weft__model weft__model_cnn_bigru = {
    .info = {.name = "cnn-bigru",
             .summary = "convolution, then gated recurrent units both ways"},
    .read = read,
    .text = {.embedding = 128,
             .filters = 128,
             .kernel = 3,
             .hidden = 128,
             .form = "serial",
             .readout = "max+mean",
             .dropout = 0.5,
             .embedding_dropout = 0.2},
    .gates = true,
    .pools = true,
};
