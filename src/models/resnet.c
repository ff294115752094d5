/* resnet.c: the basic block of residual networks. */
#include "models/resnet.h"

#include "ops/op.h"

#include <stdio.h>

weft_value weft__conv_norm(weft_graph *g, const char *name, weft_value x, int outputs,
                           int kernel, int stride, int pad)
{
    char norm[64];
    snprintf(norm, sizeof norm, "%.50s_bn", name);
    const weft_layer_conv_opts o = {
        .kernel = {kernel},
        .conv = {.stride = {stride, stride}, .pad = {pad, pad}},
        .layer = {.no_bias = true, .init.kind = WEFT_INIT_HE_NORMAL},
    };
    x = weft_layer_conv(g, name, x, outputs, &o);
    return weft_layer_batch_norm(g, norm, x, NULL);
}

weft_value weft__basic_block(weft_graph *g, const char *name, weft_value x, int outputs,
                             int stride)
{
    if (weft_graph_status(g)) return WEFT_NONE;
    bool same = stride == 1 && weft__nominal_shape(g, x).dim[1] == outputs;
    weft_graph_push(g, name);
    weft_value y = weft_relu(g, weft__conv_norm(g, "conv1", x, outputs, 3, stride, 1));
    y = weft__conv_norm(g, "conv2", y, outputs, 3, 1, 1);
    if (!same) x = weft__conv_norm(g, "shortcut", x, outputs, 1, stride, 0);
    y = weft_relu(g, weft_add(g, y, x));
    weft_graph_pop(g);
    return y;
}
