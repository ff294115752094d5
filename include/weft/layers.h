/* weft/layers.h: named blocks: an operator with its parameters and their starting values.
 */
#ifndef WEFT_LAYERS_H
#define WEFT_LAYERS_H

#include "weft/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parameters are called NAME.weight and NAME.bias, the node NAME. */
typedef struct weft_layer_opts {
    bool no_bias;
    weft_init_kind
        init; /* of the weight; WEFT_INIT_ZERO (the default): He uniform with gain
               * sqrt(1/3), which is PyTorch's default for Linear and Conv */
    double gain;
} weft_layer_opts;

/* y = x W' + b.  x [n, i] (or [..., i]) -> [n, outputs].  W [outputs, i]. */
WEFT_API weft_val weft_layer_dense(weft_graph *g, const char *name, weft_val x,
                                   int outputs, const weft_layer_opts *opts);
/* conv->groups etc. as in weft_conv. kernel in both directions (one for [n, c, t]). */
WEFT_API weft_val weft_layer_conv(weft_graph *g, const char *name, weft_val x,
                                  int outputs, int kernel, const weft_conv_opts *conv,
                                  const weft_layer_opts *opts);
WEFT_API weft_val weft_layer_conv_transpose(weft_graph *g, const char *name, weft_val x,
                                            int outputs, int kernel,
                                            const weft_conv_transpose_opts *conv,
                                            const weft_layer_opts *opts);
/* gamma 1, beta 0, running mean 0 and variance 1; called NAME.weight .bias .running_mean
 * .running_var. No weight decay. */
WEFT_API weft_val weft_layer_batch_norm(weft_graph *g, const char *name, weft_val x,
                                        const weft_batch_norm_opts *opts);
WEFT_API weft_val weft_layer_layer_norm(weft_graph *g, const char *name, weft_val x,
                                        int axis, double eps);
WEFT_API weft_val weft_layer_group_norm(weft_graph *g, const char *name, weft_val x,
                                        int groups, double eps);

#ifdef __cplusplus
}
#endif
#endif
