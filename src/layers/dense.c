/* dense.c: a fully connected layer with its parameters. */
#include "layers/layer.h"

#include <stdio.h>

weft_value weft_layer_dense(weft_graph *g, const char *name, weft_value x, int outputs,
                            const weft_layer_opts *opts)
{
    if (weft_graph_status(g)) return WEFT_NONE;
    weft_shape in = weft__nominal_shape(g, x);
    if (in.rank < 1)
        return weft__graph_fail(
            g, weft__fail(WEFT_ESHAPE, "%s: the input is a scalar", name));
    int inputs = in.dim[in.rank - 1];
    weft_value w = weft__layer_weight(g, name, WEFT_SHAPE(outputs, inputs), inputs, opts);
    weft_value b = weft__layer_bias(g, name, outputs, inputs, opts);
    return weft__layer_named(g, name, weft_dense(g, x, w, b));
}
