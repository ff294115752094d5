/* conv.c: convolutions with their parameters. */
#include "layers/layer.h"

static weft_shape weight_shape(int first, int second, int kernel, int rank)
{
    return rank == 3 ? WEFT_SHAPE(first, second, kernel)
                     : WEFT_SHAPE(first, second, kernel, kernel);
}

/* Channels of x, or 0 after a failure. */
static int channels_of(weft_graph *g, const char *name, weft_val x, int groups)
{
    if (weft_graph_status(g)) return 0;
    weft_shape in = weft__nominal_shape(g, x);
    if (in.rank != 3 && in.rank != 4)
        weft__graph_fail(g, weft__fail(WEFT_ESHAPE,
                                       "%s: the input has rank %d, must be [n, c, t] or "
                                       "[n, c, h, w]",
                                       name, in.rank));
    else if (groups < 0 || in.dim[1] % (groups ? groups : 1))
        weft__graph_fail(g, weft__fail(WEFT_ESHAPE,
                                       "%s: %d channels do not divide into %d groups",
                                       name, in.dim[1], groups));
    else
        return in.dim[1];
    return 0;
}

static int taps(int kernel, int rank)
{
    return rank == 3 ? kernel : kernel * kernel;
}

weft_val weft_layer_conv(weft_graph *g, const char *name, weft_val x, int outputs,
                         int kernel, const weft_conv_opts *conv,
                         const weft_layer_opts *opts)
{
    int groups = conv && conv->groups ? conv->groups : 1;
    int c = channels_of(g, name, x, groups);
    if (!c) return WEFT_NONE;
    int rank = weft__nominal_shape(g, x).rank, fan = c / groups * taps(kernel, rank);
    weft_val w = weft__layer_weight(
        g, name, weight_shape(outputs, c / groups, kernel, rank), fan, opts);
    weft_val b = weft__layer_bias(g, name, outputs, fan, opts);
    return weft__layer_named(g, name, weft_conv(g, x, w, b, conv));
}

weft_val weft_layer_conv_transpose(weft_graph *g, const char *name, weft_val x,
                                   int outputs, int kernel,
                                   const weft_conv_transpose_opts *conv,
                                   const weft_layer_opts *opts)
{
    int groups = conv && conv->groups ? conv->groups : 1;
    int c = channels_of(g, name, x, groups);
    if (!c) return WEFT_NONE;
    if (outputs % groups)
        return weft__graph_fail(
            g, weft__fail(WEFT_ESHAPE, "%s: %d outputs do not divide into %d groups",
                          name, outputs, groups));
    int rank = weft__nominal_shape(g, x).rank,
        fan = outputs / groups * taps(kernel, rank);
    weft_val w = weft__layer_weight(
        g, name, weight_shape(c, outputs / groups, kernel, rank), fan, opts);
    weft_val b = weft__layer_bias(g, name, outputs, fan, opts);
    return weft__layer_named(g, name, weft_conv_transpose(g, x, w, b, conv));
}
