/* bag.c: the mean of the vectors of tokens, pairs and triples, and a linear classifier:
 * the baseline that knows no order but that of its pieces (Joulin et al. 2016). */
#include "models/text.h"

static weft_value read(weft_graph *g, const weft__text *t)
{
    return weft_seq_mean(g, t->x, t->lengths);
}

const weft__model weft__model_bag = {
    .info = {.name = "bag", .summary = "mean of the embeddings, a linear baseline"},
    .read = read,
    .text = {.embedding = 64},
};
