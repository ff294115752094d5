/* vgg11.c: VGG-11's convolutions (Simonyan and Zisserman 2014) with a small classifier,
 * for 64x64. */
#include "models/model.h"

#include <stdio.h>

static weft_value build(weft_graph *g, weft_value x, const weft_zoo_opts *opts)
{
    static const int channels[] = {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0};
    const weft_layer_conv_opts he = {
        .kernel = {3}, .conv.pad = {1, 1}, .layer.init.kind = WEFT_INIT_HE_NORMAL};
    int n = 0;
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        char name[16];
        if (!channels[i]) {
            x = weft_max_pool(g, x, &(weft_pool_opts){.kernel = {2, 2}});
            continue;
        }
        snprintf(name, sizeof name, "conv%d", ++n);
        x = weft_layer_conv(g, name, x, channels[i], &he);
        x = weft_relu(g, x);
    }
    x = weft_flatten(g, x, 1);
    x = weft_relu(g, weft_layer_dense(g, "fc1", x, 512, NULL));
    if (opts->dropout > 0) x = weft_dropout(g, x, opts->dropout);
    return weft_layer_dense(g, "fc2", x, opts->outputs, NULL);
}

const weft__model weft__model_vgg11 = {
    .info = {"vgg11",
             "VGG-11: 8 convolutions 3x3, 2 dense layers; 10.4 M parameters at 64x64", 3,
             64, 64},
    .build = build,
};
