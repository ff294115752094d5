/* textcnn.c: convolutions of three widths side by side, the largest of each over time
 * (Kim 2014). */
#include "models/text.h"

#include "ops/op.h"

#include <string.h>

static weft_value read(weft_graph *g, const weft__text *t)
{
    static const char *const name[] = {"conv1", "conv2", "conv3"};
    static const char *const score[] = {"attention1", "attention2", "attention3"};
    weft_value part[3];
    if (!strcmp(t->o.readout, "last"))
        return weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "textcnn: has no readout last (allowed max, mean, "
                                       "max+mean, attention)"));
    for (int i = 0; i < 3; i++) {
        weft_value after = t->lengths;
        const weft_layer_conv_opts o = {.kernel = {t->o.kernel + i}};
        weft_value y =
            weft_layer_seq_conv(g, name[i], t->x, t->lengths, t->o.filters, &o, &after);
        part[i] = weft__text_readout(g, t, score[i], weft_relu(g, y), after, WEFT_NONE);
    }
    return weft_concat(g, part, 3, 1);
}

const weft__model weft__model_textcnn = {
    .info = {.name = "textcnn",
             .summary = "Kim 2014, convolutions of 3, 4 and 5 steps side by side"},
    .read = read,
    .text = {.embedding = 128,
             .filters = 128,
             .kernel = 3,
             .readout = "max",
             .dropout = 0.5,
             .embedding_dropout = 0.2},
};
