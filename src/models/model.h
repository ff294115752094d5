/* model.h: what a ready network offers. One network is one file and one row in table.def.
 */
#ifndef WEFT_SRC_MODEL_H
#define WEFT_SRC_MODEL_H

#include "weft/models.h"

typedef struct weft__model {
    weft_model_info info;
    /* From input x to logits; classes and dropout as asked. */
    weft_val (*build)(weft_graph *g, weft_val x, const weft_model_opts *opts);
} weft__model;

#endif
