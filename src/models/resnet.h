/* resnet.h: the block that residual networks repeat. */
#ifndef WEFT_SRC_MODELS_RESNET_H
#define WEFT_SRC_MODELS_RESNET_H

#include "models/model.h"

/* A convolution without bias, He-initialised, and its batch norm: NAME and NAME_bn. */
weft_value weft__conv_norm(weft_graph *g, const char *name, weft_value x, int outputs,
                           int kernel, int stride, int pad);
/* relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)), the shortcut a 1x1 convolution
 * where the shape changes (He et al. 2015, option B). */
weft_value weft__basic_block(weft_graph *g, const char *name, weft_value x, int outputs,
                             int stride);

#endif
