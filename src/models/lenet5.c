/* lenet5.c: LeCun's network of 1998 with ReLU and max pooling, for 28x28 grey
 * images. */
#include "models/model.h"

static weft_value pooled(weft_graph *g, weft_value x)
{
    return weft_max_pool(g, weft_relu(g, x), &(weft_pool_opts){.kernel = {2, 2}});
}

static weft_value build(weft_graph *g, weft_value x, const weft_zoo_opts *opts)
{
    const weft_layer_conv_opts five = {.kernel = {5}},
                               padded = {.kernel = {5}, .conv.pad = {2, 2}};
    x = pooled(g, weft_layer_conv(g, "conv1", x, 6, &padded));
    x = pooled(g, weft_layer_conv(g, "conv2", x, 16, &five));
    x = weft_relu(g, weft_layer_conv(g, "conv3", x, 120, &five));
    x = weft_flatten(g, x, 1);
    x = weft_relu(g, weft_layer_dense(g, "fc1", x, 84, NULL));
    if (opts->dropout > 0) x = weft_dropout(g, x, opts->dropout);
    return weft_layer_dense(g, "fc2", x, opts->outputs, NULL);
}

const weft__model weft__model_lenet5 = {
    .info = {"lenet5", "LeNet-5: 3 convolutions 5x5, 2 dense layers; 61,706 parameters",
             1, 28, 28},
    .build = build,
};
