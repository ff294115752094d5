/* embedding.c: a table of vectors with its starting values. */
#include "layers/layer.h"

#include <stdio.h>

enum { SPARSE_ROWS = 8192 }; /* an update of fewer rows costs little anyway */

weft_value weft_layer_embedding(weft_graph *g, const char *name, weft_value index,
                                int size, int width,
                                const weft_layer_embedding_opts *opts)
{
    weft_layer_embedding_opts o = opts ? *opts : (weft_layer_embedding_opts){0};
    char text[200];
    if (size >= SPARSE_ROWS && !o.dense) o.embedding.sparse = true;
    if (weft_graph_status(g)) return WEFT_NONE;
    snprintf(text, sizeof text, "%.150s.weight", name);
    weft_value table = weft_param(g, text, WEFT_SHAPE(size, width));
    const weft_init_opts normal = {.kind = WEFT_INIT_NORMAL,
                                   .std = o.std > 0 ? o.std : 0.1};
    weft__layer_start(g, table, &normal);
    if (o.embedding.padded && o.embedding.padding >= 0 && o.embedding.padding < size)
        weft__param_init_part(g, table, (size_t)size * (size_t)width,
                              (size_t)o.embedding.padding * (size_t)width, (size_t)width,
                              0);
    if (o.frozen) weft_param_freeze(g, table);
    weft_param_no_decay(g, table); /* rows that no sample reads stay as they are */
    return weft__layer_named(g, name, weft_embedding(g, index, table, &o.embedding));
}
