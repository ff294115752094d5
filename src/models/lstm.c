/* lstm.c: long short-term memory, from the first step to the last. */
#include "models/text.h"

static weft_value read(weft_graph *g, const weft__text *t)
{
    return weft__text_read_recurrent(g, t, t->x, t->lengths, WEFT_CELL_LSTM,
                                     WEFT_RNN_FORWARD);
}

const weft__model weft__model_lstm = {
    .info = {.name = "lstm", .summary = "long short-term memory, one direction"},
    .read = read,
    .text = {.embedding = 128,
             .hidden = 128,
             .readout = "last",
             .dropout = 0.5,
             .embedding_dropout = 0.2},
    .gates = true,
};
