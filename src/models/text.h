/* text.h: the blocks that networks for texts are made of. */
#ifndef WEFT_SRC_MODELS_TEXT_H
#define WEFT_SRC_MODELS_TEXT_H

#include "models/model.h"

typedef struct weft__text {
    weft_zoo_opts o; /* defaults filled in */
    const char *readout;    /* as it was asked for: NULL when it was not */
    weft_val x;             /* [n, length, embedding]: streams added, dropout applied */
    weft_val lengths;       /* [n] */
} weft__text;

/* Convolution that keeps the length, ReLU, and with pool above 1 max pooling. *lengths
 * become those behind it. */
weft_val weft__text_conv(weft_graph *g, const char *name, weft_val x, weft_val *lengths,
                         int filters, int kernel, int pool);
/* Recurrent layers of the options' units, called NAME. *last, unless NULL: the states
 * after the last step, [n, directions units]. */
weft_val weft__text_recurrent(weft_graph *g, const weft__text *t, const char *name,
                              weft_val x, weft_val lengths, weft_cell cell,
                              weft_direction direction, weft_val *last);
/* One vector of each text from y [n, t, c], as the options' readout says; last is what
 * "last" takes, name that of attention's parameters. */
weft_val weft__text_readout(weft_graph *g, const weft__text *t, const char *name,
                            weft_val y, weft_val lengths, weft_val last);
/* Both: the usual end of a recurrent network. */
weft_val weft__text_read_recurrent(weft_graph *g, const weft__text *t, weft_val x,
                                   weft_val lengths, weft_cell cell,
                                   weft_direction direction);

#endif
