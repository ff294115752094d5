/* bilstm.c: an LSTM in both directions. */
#include "models/text.h"

static weft_value read(weft_graph *g, const weft__text *t)
{
    return weft__text_read_recurrent(g, t, t->x, t->lengths, WEFT_CELL_LSTM,
                                     WEFT_RNN_BOTH);
}

const weft__model weft__model_bilstm = {
    .info = {.name = "bilstm", .summary = "an LSTM in both directions"},
    .read = read,
    .text = {.embedding = 128,
             .hidden = 128,
             .readout = "max+mean",
             .dropout = 0.5,
             .embedding_dropout = 0.2},
    .gates = true,
};
