/* layer.h: what the files of layers/ share. */
#ifndef WEFT_SRC_LAYERS_LAYER_H
#define WEFT_SRC_LAYERS_LAYER_H

#include "graph/graph.h"
#include "weft/layers.h"

/* weft_param_init with what a user chose: when it is refused, the graph has failed. */
void weft__layer_start(weft_graph *g, weft_value v, const weft_init_opts *start);
/* NAME.weight, to be initialised as opts say. fan: inputs of one output. */
weft_value weft__layer_weight(weft_graph *g, const char *name, weft_shape shape, int fan,
                              const weft_layer_opts *opts);
/* NAME.bias [outputs], or WEFT_NONE with no_bias: uniform within 1/sqrt(fan), or zero
 * when opts name an initialisation for the weight. */
weft_value weft__layer_bias(weft_graph *g, const char *name, int outputs, int fan,
                            const weft_layer_opts *opts);
/* "NAME.PART", a parameter without weight decay, starting at value. */
weft_value weft__layer_vector(weft_graph *g, const char *name, const char *part,
                              weft_shape shape, double value);
weft_value weft__layer_buffer(weft_graph *g, const char *name, const char *part,
                              int count, double value);
/* Gives the node that computes v the layer's name; returns v. */
weft_value weft__layer_named(weft_graph *g, const char *name, weft_value v);

#endif
