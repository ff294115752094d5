/* conv.h: the options of a convolution, for what recognises one. */
#ifndef WEFT_SRC_OPS_CONVOLUTION_CONV_H
#define WEFT_SRC_OPS_CONVOLUTION_CONV_H

#include "ops/common/window.h"

/* The kernel's size is the weight's; here it is for describe alone. */
typedef struct weft__conv_attr {
    weft__window window;
    int groups;
} weft__conv_attr;

#endif
