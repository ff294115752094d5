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
    weft_init_opts init; /* of the weight; kind WEFT_INIT_ZERO (the default): He uniform
                          * with gain sqrt(1/3), PyTorch's default for Linear and Conv */
} weft_layer_opts;

/* y = x W' + b.  x [n, i] (or [..., i]) -> [n, outputs].  W [outputs, i]. */
WEFT_API weft_val weft_layer_dense(weft_graph *g, const char *name, weft_val x,
                                   int outputs, const weft_layer_opts *opts);
typedef struct weft_layer_conv_opts {
    int kernel[2]; /* rows, columns; required; [1] of 0 means the same as [0] */
    weft_conv_opts conv;
    weft_layer_opts layer;
} weft_layer_conv_opts;
WEFT_API weft_val weft_layer_conv(weft_graph *g, const char *name, weft_val x,
                                  int outputs, const weft_layer_conv_opts *opts);
typedef struct weft_layer_conv_transpose_opts {
    int kernel[2]; /* as in weft_layer_conv_opts */
    weft_conv_transpose_opts conv;
    weft_layer_opts layer;
} weft_layer_conv_transpose_opts;
WEFT_API weft_val weft_layer_conv_transpose(weft_graph *g, const char *name, weft_val x,
                                            int outputs,
                                            const weft_layer_conv_transpose_opts *opts);
/* gamma 1, beta 0, running mean 0 and variance 1; called NAME.weight .bias .running_mean
 * .running_var. No weight decay. */
WEFT_API weft_val weft_layer_batch_norm(weft_graph *g, const char *name, weft_val x,
                                        const weft_batch_norm_opts *opts);
WEFT_API weft_val weft_layer_layer_norm(weft_graph *g, const char *name, weft_val x,
                                        int axis, double eps);
WEFT_API weft_val weft_layer_group_norm(weft_graph *g, const char *name, weft_val x,
                                        int groups, double eps);

/* ---- sequences: x [n, t, i], lengths integers [n] or WEFT_NONE ---- */

/* table [size, width], called NAME.weight, normal with deviation `deviation` (0 means
 * .1), row `padding` zero; y [..., width]. From 8192 rows on the table is sparse, as if
 * embedding.sparse were set, unless `dense` is. */
typedef struct weft_layer_embedding_opts {
    weft_embedding_opts embedding;
    double deviation;
    bool frozen; /* not trained */
    bool dense;  /* not sparse, however large */
} weft_layer_embedding_opts;
WEFT_API weft_val weft_layer_embedding(weft_graph *g, const char *name, weft_val index,
                                       int size, int width,
                                       const weft_layer_embedding_opts *opts);
WEFT_API weft_val weft_layer_seq_conv(weft_graph *g, const char *name, weft_val x,
                                      weft_val lengths, int outputs,
                                      const weft_layer_conv_opts *opts,
                                      weft_val *out_lengths);

typedef enum weft_cell { WEFT_CELL_GRU, WEFT_CELL_LSTM, WEFT_CELL_RNN } weft_cell;
typedef struct weft_layer_recurrent_opts {
    weft_cell cell;
    weft_rnn_opts rnn;
    int layers;     /* stacked; 0 means 1 */
    double dropout; /* between layers */
    bool no_bias, peepholes;
    double
        gate_bias;   /* at the start, of GRU's update and LSTM's forget gates: how much of
                       * the state they keep is s(bias). 0 means 0, of LSTM 1 */
    weft_val h0, c0; /* [n, layers directions, units]; WEFT_NONE: 0 */
} weft_layer_recurrent_opts;
/* Stacked recurrent layers. Input weights Xavier uniform, recurrent ones orthogonal (each
 * gate), biases 0 (LSTM's forget gate 1). Parameters NAME.LAYER.w .r .b [.p]. y [n, t,
 * directions units]; h_n, c_n (may be NULL) [n, layers directions, units]. For truncated
 * back-propagation give the last chunk's h_n as the next one's h0. */
WEFT_API weft_val weft_layer_recurrent(weft_graph *g, const char *name, weft_val x,
                                       weft_val lengths, int units,
                                       const weft_layer_recurrent_opts *opts,
                                       weft_val *h_n, weft_val *c_n);
/* Additive attention: scores = v' tanh(W x + b), then weft_seq_attend. */
WEFT_API weft_val weft_layer_attention(weft_graph *g, const char *name, weft_val x,
                                       weft_val lengths, int units);

#ifdef __cplusplus
}
#endif
#endif
