/* conv.c: convolutions with their parameters. */
#include "layers/layer.h"

/* [first, second, kernel...] for an input of this rank. */
static weft_shape weight_shape(int first, int second, const int kernel[2], int rank)
{
    return rank == 3 ? WEFT_SHAPE(first, second, kernel[0])
                     : WEFT_SHAPE(first, second, kernel[0], kernel[1]);
}

/* Channels of x, or 0 after a failure. */
static int channels_of(weft_graph *g, const char *name, weft_value x, int groups)
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

/* Inputs of one output. */
static int fan_of(int channels, const int kernel[2], int rank)
{
    int64_t fan = (int64_t)channels * kernel[0];
    if (rank == 4 && fan <= INT32_MAX) fan *= kernel[1];
    return fan > INT32_MAX ? INT32_MAX : (int)fan;
}

/* Fills in the second number; WEFT_EUSAGE where one is below 1. */
static weft_status complete_kernel(const char *name, int kernel[2])
{
    if (!kernel[1]) kernel[1] = kernel[0];
    if (kernel[0] >= 1 && kernel[1] >= 1) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "%s: a kernel of %d x %d", name, kernel[0], kernel[1]);
}

weft_value weft_layer_conv(weft_graph *g, const char *name, weft_value x, int outputs,
                           const weft_layer_conv_opts *opts)
{
    weft_layer_conv_opts o = opts ? *opts : (weft_layer_conv_opts){.kernel = {0}};
    int groups = o.conv.groups ? o.conv.groups : 1;
    int c = channels_of(g, name, x, groups);
    if (!c) return WEFT_NONE;
    weft_status s = complete_kernel(name, o.kernel);
    if (s) return weft__graph_fail(g, s);
    int rank = weft__nominal_shape(g, x).rank, fan = fan_of(c / groups, o.kernel, rank);
    weft_value w = weft__layer_weight(
        g, name, weight_shape(outputs, c / groups, o.kernel, rank), fan, &o.layer);
    weft_value b = weft__layer_bias(g, name, outputs, fan, &o.layer);
    return weft__layer_named(g, name, weft_conv(g, x, w, b, &o.conv));
}

weft_value weft_layer_conv_transpose(weft_graph *g, const char *name, weft_value x,
                                     int outputs,
                                     const weft_layer_conv_transpose_opts *opts)
{
    weft_layer_conv_transpose_opts o =
        opts ? *opts : (weft_layer_conv_transpose_opts){.kernel = {0}};
    int groups = o.conv.groups ? o.conv.groups : 1;
    int c = channels_of(g, name, x, groups);
    if (!c) return WEFT_NONE;
    weft_status s = complete_kernel(name, o.kernel);
    if (!s && outputs % groups)
        s = weft__fail(WEFT_ESHAPE, "%s: %d outputs do not divide into %d groups", name,
                       outputs, groups);
    if (s) return weft__graph_fail(g, s);
    int rank = weft__nominal_shape(g, x).rank,
        fan = fan_of(outputs / groups, o.kernel, rank);
    weft_value w = weft__layer_weight(
        g, name, weight_shape(c, outputs / groups, o.kernel, rank), fan, &o.layer);
    weft_value b = weft__layer_bias(g, name, outputs, fan, &o.layer);
    return weft__layer_named(g, name, weft_conv_transpose(g, x, w, b, &o.conv));
}
