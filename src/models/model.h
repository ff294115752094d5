/* model.h: what a ready network offers. A network is one file and a row in
 * table.def. */
#ifndef WEFT_SRC_MODELS_MODEL_H
#define WEFT_SRC_MODELS_MODEL_H

#include "weft/models.h"

struct weft__text; /* models/text.h */

typedef struct weft__model {
    weft_zoo_info info;
    /* Of pictures: from input x to logits; classes and dropout as asked. */
    weft_value (*build)(weft_graph *g, weft_value x, const weft_zoo_opts *opts);
    /* Of texts: from the embedded tokens to what the classifier reads; and what options
     * that were left out mean here. */
    weft_value (*read)(weft_graph *g, const struct weft__text *t);
    /* An option without a default here is not this network's: giving it is an error. */
    weft_zoo_opts text;
    bool gates, pools; /* gate_bias, pool: 0 and 1 are defaults there */
} weft__model;

bool weft__text_takes(const weft__model *m, const char *option);

/* Adds the inputs, m's network, and the classifier; opts as the user gave them. */
weft_value weft__text_build(weft_graph *g, const weft__model *m,
                            const weft_zoo_opts *opts);

#endif
