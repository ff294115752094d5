/* small_cnn.c: two 3x3 convolutions and two dense layers: good on 28x28 pictures in a
 * minute. */
#include "models/model.h"

static weft_value block(weft_graph *g, const char *name, weft_value x, int channels)
{
    x = weft_layer_conv(g, name, x, channels,
                        &(weft_layer_conv_opts){.kernel = {3}, .conv.pad = {1, 1}});
    return weft_max_pool(g, weft_relu(g, x), &(weft_pool_opts){.kernel = {2, 2}});
}

static weft_value build(weft_graph *g, weft_value x, const weft_zoo_opts *opts)
{
    x = block(g, "conv1", x, 32);
    x = block(g, "conv2", x, 64);
    x = weft_flatten(g, x, 1);
    x = weft_relu(g, weft_layer_dense(g, "fc1", x, 128, NULL));
    if (opts->dropout > 0) x = weft_dropout(g, x, opts->dropout);
    return weft_layer_dense(g, "fc2", x, opts->outputs, NULL);
}

const weft__model weft__model_small_cnn = {
    .info = {"small-cnn",
             "2 convolutions 3x3 (32, 64), 2 dense layers; 421,642 parameters", 1, 28,
             28},
    .build = build,
};
