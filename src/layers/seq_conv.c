/* seq_conv.c: convolution over the valid steps of sequences, with its parameters. */
#include "layers/layer.h"

weft_value weft_layer_seq_conv(weft_graph *g, const char *name, weft_value x,
                               weft_value lengths, int outputs,
                               const weft_layer_conv_opts *opts, weft_value *out_lengths)
{
    weft_layer_conv_opts o = opts ? *opts : (weft_layer_conv_opts){.kernel = {0}};
    int groups = o.conv.groups ? o.conv.groups : 1, kernel = o.kernel[0];
    if (out_lengths) *out_lengths = WEFT_NONE;
    if (weft_graph_status(g)) return WEFT_NONE;
    weft_shape in = weft__nominal_shape(g, x);
    if (in.rank != 3 || groups < 1 || in.dim[2] % groups)
        return weft__graph_fail(
            g, weft__fail(WEFT_ESHAPE,
                          "%s: the input has rank %d, must be [n, t, c], c divided by %d "
                          "groups",
                          name, in.rank, groups));
    if (kernel < 1)
        return weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "%s: a kernel of %d steps", name, kernel));
    int c = in.dim[2] / groups, fan = c * kernel;
    weft_value w =
        weft__layer_weight(g, name, WEFT_SHAPE(outputs, c, kernel), fan, &o.layer);
    weft_value b = weft__layer_bias(g, name, outputs, fan, &o.layer);
    weft_value y = weft_seq_conv(g, x, lengths, w, b, &o.conv, out_lengths);
    return weft__layer_named(g, name, y);
}
