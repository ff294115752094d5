/* resnet18.c: the residual network for 224x224 pictures of He et al. 2015: 4 stages
 * of 2 blocks. */
#include "models/resnet.h"

#include <stdio.h>

static weft_value build(weft_graph *g, weft_value x, const weft_zoo_opts *opts)
{
    x = weft_relu(g, weft__conv_norm(g, "conv1", x, 64, 7, 2, 3));
    x = weft_max_pool(
        g, x, &(weft_pool_opts){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}});
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < 2; i++) {
            char name[32];
            snprintf(name, sizeof name, "stage%d.block%d", stage + 1, i + 1);
            x = weft__basic_block(g, name, x, 64 << stage, stage && !i ? 2 : 1);
        }
    x = weft_flatten(g, weft_global_avg_pool(g, x), 1);
    if (opts->dropout > 0) x = weft_dropout(g, x, opts->dropout);
    return weft_layer_dense(g, "fc", x, opts->outputs, NULL);
}

const weft__model weft__model_resnet18 = {
    .info = {"resnet18",
             "ResNet-18 with the ImageNet stem; 11.7 M parameters at 1000 classes", 3,
             224, 224},
    .build = build,
};
