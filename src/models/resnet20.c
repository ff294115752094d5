/* resnet20.c: the residual network for 32x32 pictures of He et al. 2015: 3 stages of 3
 * blocks. */
#include "models/resnet.h"

#include <stdio.h>

static weft_value build(weft_graph *g, weft_value x, const weft_zoo_opts *opts)
{
    x = weft_relu(g, weft__conv_norm(g, "conv1", x, 16, 3, 1, 1));
    for (int stage = 0; stage < 3; stage++)
        for (int i = 0; i < 3; i++) {
            char name[32];
            snprintf(name, sizeof name, "stage%d.block%d", stage + 1, i + 1);
            x = weft__basic_block(g, name, x, 16 << stage, stage && !i ? 2 : 1);
        }
    x = weft_flatten(g, weft_global_avg_pool(g, x), 1);
    if (opts->dropout > 0) x = weft_dropout(g, x, opts->dropout);
    return weft_layer_dense(g, "fc", x, opts->outputs, NULL);
}

const weft__model weft__model_resnet20 = {
    .info = {"resnet20",
             "ResNet-20 for 32x32: 16, 32, 64 channels x 3 blocks; 272,474 parameters", 3,
             32, 32},
    .build = build,
};
