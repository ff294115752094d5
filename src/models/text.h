/* text.h: the blocks that networks for texts are made of. */
#ifndef WEFT_SRC_MODELS_TEXT_H
#define WEFT_SRC_MODELS_TEXT_H

#include "models/model.h"

typedef struct weft__text {
    weft_zoo_opts o;     /* defaults filled in */
    const char *readout; /* as it was asked for: NULL when it was not */
    weft_value x;        /* [n, length, embedding]: streams added, dropout applied */
    weft_value lengths;  /* [n] */
} weft__text;

/* Convolution that keeps the length, ReLU, and with pool above 1 max pooling. *lengths
 * become those after it. */
weft_value weft__text_conv(weft_graph *g, const char *name, weft_value x,
                           weft_value *lengths, int filters, int kernel, int pool);
/* Recurrent layers of the options' units, called NAME. *last, unless NULL: the states
 * after the last step, [n, directions units]. */
weft_value weft__text_recurrent(weft_graph *g, const weft__text *t, const char *name,
                                weft_value x, weft_value lengths, weft_cell cell,
                                weft_direction direction, weft_value *last);
/* One vector of each text from y [n, t, c], as the options' readout says; last is what
 * "last" takes, name that of attention's parameters. */
weft_value weft__text_readout(weft_graph *g, const weft__text *t, const char *name,
                              weft_value y, weft_value lengths, weft_value last);
/* Both: the usual end of a recurrent network. */
weft_value weft__text_read_recurrent(weft_graph *g, const weft__text *t, weft_value x,
                                     weft_value lengths, weft_cell cell,
                                     weft_direction direction);

#endif
