/* norm.c: normalisations with their parameters. */
#include "layers/layer.h"

#include <string.h>

/* Axis 1 of x, or 0 after a failure. */
static int channels(weft_graph *g, const char *name, weft_value x)
{
    if (weft_graph_status(g)) return 0;
    weft_shape in = weft__nominal_shape(g, x);
    if (in.rank >= 2) return in.dim[1];
    weft__graph_fail(g, weft__fail(WEFT_ESHAPE,
                                   "%s: the input has rank %d, must be 2 or more", name,
                                   in.rank));
    return 0;
}

weft_value weft_layer_batch_norm(weft_graph *g, const char *name, weft_value x,
                                 const weft_batch_norm_opts *opts)
{
    int c = channels(g, name, x);
    if (!c) return WEFT_NONE;
    weft_value gamma = weft__layer_vector(g, name, "weight", WEFT_SHAPE(c), 1);
    weft_value beta = weft__layer_vector(g, name, "bias", WEFT_SHAPE(c), 0);
    weft_value mean = weft__layer_buffer(g, name, "running_mean", c, 0);
    weft_value var = weft__layer_buffer(g, name, "running_var", c, 1);
    return weft__layer_named(g, name,
                             weft_batch_norm(g, x, gamma, beta, mean, var, opts));
}

weft_value weft_layer_layer_norm(weft_graph *g, const char *name, weft_value x, int axis,
                                 double eps)
{
    if (weft_graph_status(g)) return WEFT_NONE;
    weft_shape in = weft__nominal_shape(g, x), part = {0};
    int first = axis < 0 ? axis + in.rank : axis;
    if (first < 0 || first >= in.rank)
        return weft__graph_fail(
            g, weft__fail(WEFT_ESHAPE, "%s: axis %d of rank %d", name, axis, in.rank));
    part.rank = in.rank - first;
    memcpy(part.dim, in.dim + first, (size_t)part.rank * sizeof *part.dim);
    weft_value gamma = weft__layer_vector(g, name, "weight", part, 1);
    weft_value beta = weft__layer_vector(g, name, "bias", part, 0);
    return weft__layer_named(g, name, weft_layer_norm(g, x, gamma, beta, axis, eps));
}

weft_value weft_layer_group_norm(weft_graph *g, const char *name, weft_value x,
                                 int groups, double eps)
{
    int c = channels(g, name, x);
    if (!c) return WEFT_NONE;
    weft_value gamma = weft__layer_vector(g, name, "weight", WEFT_SHAPE(c), 1);
    weft_value beta = weft__layer_vector(g, name, "bias", WEFT_SHAPE(c), 0);
    return weft__layer_named(g, name, weft_group_norm(g, x, gamma, beta, groups, eps));
}
