/* cnn_bigru_attention.c: convolution, gated recurrent units in both directions, and
 * attention over their steps. */
#include "models/text.h"

static weft_value read(weft_graph *g, const weft__text *t)
{
    weft_value lengths = t->lengths;
    weft_value x =
        weft__text_conv(g, "conv", t->x, &lengths, t->o.filters, t->o.kernel, t->o.pool);
    return weft__text_read_recurrent(g, t, x, lengths, WEFT_CELL_GRU, WEFT_RNN_BOTH);
}

const weft__model weft__model_cnn_bigru_attention = {
    .info = {.name = "cnn-bigru-attention",
             .summary = "cnn-bigru, read by attention over the steps"},
    .read = read,
    .text = {.embedding = 128,
             .filters = 128,
             .kernel = 3,
             .hidden = 128,
             .readout = "attention",
             .dropout = 0.5,
             .embedding_dropout = 0.2},
    .gates = true,
    .pools = true,
};
