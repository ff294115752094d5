/* weft/layers.h: operators with their parameters. A layer called NAME adds a node of
 * that name and parameters "NAME.weight" and so on (at most 150 bytes of NAME
 * count), says how weft_params_init is to fill them, and returns the node's output.
 *
 * Errors are those of the graph. Every layer fails as its operator in weft/ops.h and
 * as weft_param: WEFT_EUSAGE when a parameter of that name exists or the graph's
 * parameters have been laid out. Weights decay; biases and the parameters of norms
 * do not. */
#ifndef WEFT_LAYERS_H
#define WEFT_LAYERS_H

#include "weft/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The parameters of dense layers and convolutions: NAME.weight and NAME.bias. */
typedef struct weft_layer_opts {
    bool no_bias; /* no NAME.bias */
    /* of the weight; the bias then starts at 0. WEFT_INIT_ZERO, the default, means what
     * PyTorch's Linear and Conv do: weight and bias uniform within 1 / sqrt(fan in) */
    weft_init_opts init;
} weft_layer_opts;

/* A fully connected layer: weft_dense.
 *   x [..., i]
 *   NAME.weight [outputs, i], NAME.bias [outputs]
 *   y [..., outputs]
 * Fails: WEFT_ESHAPE: a scalar x, outputs below 1. */
WEFT_API weft_value weft_layer_dense(weft_graph *g, const char *name, weft_value x,
                                     int outputs, const weft_layer_opts *opts);

/* Options of weft_layer_conv and weft_layer_seq_conv. */
typedef struct weft_layer_conv_opts {
    /* rows, columns; required; [1] of 0 means the same as [0]. Of one dimension only
     * [0] counts */
    int kernel[2];
    weft_conv_opts conv;   /* stride, padding, groups ... */
    weft_layer_opts layer; /* bias, starting values */
} weft_layer_conv_opts;

/* A convolution: weft_conv.
 *   x [n, c, h, w] or [n, c, t]
 *   NAME.weight [outputs, c/groups, kh, kw] or [outputs, c/groups, k]
 *   NAME.bias [outputs]
 *   y [n, outputs, h', w'] or [n, outputs, t']
 * Fails: WEFT_ESHAPE: groups that do not divide c; WEFT_EUSAGE: a kernel below 1. */
WEFT_API weft_value weft_layer_conv(weft_graph *g, const char *name, weft_value x,
                                    int outputs, const weft_layer_conv_opts *opts);

/* Options of weft_layer_conv_transpose. */
typedef struct weft_layer_conv_transpose_opts {
    int kernel[2];                 /* as in weft_layer_conv_opts */
    weft_conv_transpose_opts conv; /* stride, padding, groups ... */
    weft_layer_opts layer;         /* bias, starting values */
} weft_layer_conv_transpose_opts;

/* The transpose of a convolution: weft_conv_transpose.
 *   x [n, c, h, w] or [n, c, t]
 *   NAME.weight [c, outputs/groups, kh, kw] or [c, outputs/groups, k]; its fan in is
 *   outputs/groups times the kernel, as in PyTorch
 *   NAME.bias [outputs]
 *   y [n, outputs, h', w'] or [n, outputs, t']
 * Fails: WEFT_ESHAPE: groups that do not divide c or outputs; WEFT_EUSAGE: a kernel
 * below 1. */
WEFT_API weft_value weft_layer_conv_transpose(weft_graph *g, const char *name,
                                              weft_value x, int outputs,
                                              const weft_layer_conv_transpose_opts *opts);

/* Batch normalisation: weft_batch_norm.
 *   x, y [n, c] or [n, c, d...]
 *   NAME.weight [c] starts at 1, NAME.bias [c] at 0; buffers NAME.running_mean [c]
 *     at 0,
 *   NAME.running_var [c] at 1
 * Fails: WEFT_ESHAPE: x has rank below 2. */
WEFT_API weft_value weft_layer_batch_norm(weft_graph *g, const char *name, weft_value x,
                                          const weft_batch_norm_opts *opts);

/* Layer normalisation from `axis` on: weft_layer_norm.
 *   x, y: rank 1 or more
 *   NAME.weight starts at 1, NAME.bias at 0; the shape of the normalised axes
 *   eps 0 means 1e-5
 * Fails: WEFT_ESHAPE: axis out of range. */
WEFT_API weft_value weft_layer_layer_norm(weft_graph *g, const char *name, weft_value x,
                                          int axis, double eps);

/* Group normalisation: weft_group_norm.
 *   x, y [n, c] or [n, c, d...]
 *   NAME.weight [c] starts at 1, NAME.bias [c] at 0
 *   eps 0 means 1e-5
 * Fails: WEFT_ESHAPE: x has rank below 2, groups do not divide c. */
WEFT_API weft_value weft_layer_group_norm(weft_graph *g, const char *name, weft_value x,
                                          int groups, double eps);

/*   ---- sequences: x [n, t, c], lengths integers [n] or WEFT_NONE, see weft/ops.h
 *     ---- */

/* Options of weft_layer_embedding. */
typedef struct weft_layer_embedding_opts {
    weft_embedding_opts embedding; /* row `padding` starts at 0 if padded is set */
    double std;                    /* standard deviation at the start; 0 means 0.1 */
    bool frozen;                   /* not trained */
    /* a table of 8192 rows or more is sparse (weft_embedding_opts) unless this is
     * set */
    bool dense;
} weft_layer_embedding_opts;

/* Vectors of integers: weft_embedding.
 *   index: integers [k...]
 *   NAME.weight [size, width], normal; without weight decay, so that rows which no
 *     sample
 *   reads stay as they are
 *   y [k..., width]
 * Fails: WEFT_ESHAPE: size or width below 1. */
WEFT_API weft_value weft_layer_embedding(weft_graph *g, const char *name,
                                         weft_value index, int size, int width,
                                         const weft_layer_embedding_opts *opts);

/* Convolution over the valid steps: weft_seq_conv.
 *   x [n, t, c]
 *   NAME.weight [outputs, c/groups, k], NAME.bias [outputs]
 *   y [n, t', outputs]
 *   *out_lengths: the lengths of y, for what reads it; out_lengths may be NULL
 * Fails: WEFT_ESHAPE: groups that do not divide c; WEFT_EUSAGE: a kernel below 1. */
WEFT_API weft_value weft_layer_seq_conv(weft_graph *g, const char *name, weft_value x,
                                        weft_value lengths, int outputs,
                                        const weft_layer_conv_opts *opts,
                                        weft_value *out_lengths);

/* What weft_layer_recurrent is made of. */
typedef enum weft_cell {
    WEFT_CELL_GRU,  /* weft_gru */
    WEFT_CELL_LSTM, /* weft_lstm */
    WEFT_CELL_RNN   /* weft_rnn */
} weft_cell;

/* Options of weft_layer_recurrent. */
typedef struct weft_layer_recurrent_opts {
    weft_cell cell;    /* 0 means WEFT_CELL_GRU */
    weft_rnn_opts rnn; /* direction ... */
    int layers;        /* stacked, 1 to 64; 0 means 1 */
    double dropout;    /* between layers, 0 to below 1 */
    bool no_bias;      /* no .b */
    bool peepholes;    /* WEFT_CELL_LSTM: the gates also read the cells */
    /* bias of a GRU's update and an LSTM's forget gates at the start: they keep the
     * part s(bias) of the state. 0 means 0, of an LSTM 1. WEFT_CELL_RNN does not
     * read it */
    double gate_bias;
    /* [n, layers * directions, units]: the states at the start. WEFT_NONE: 0 */
    weft_value h0;
    weft_value c0; /* WEFT_CELL_LSTM: the same for the cells */
} weft_layer_recurrent_opts;

/* Recurrent layers on top of each other: weft_gru, weft_lstm or weft_rnn.
 *   x [n, t, i]
 *   NAME.0.w, .r, .b, with peepholes .p, NAME.1.w ...: shapes as in weft_rnn_in.
 *     Weights
 *   of the input start Xavier uniform, those of the state orthogonal, gate by gate,
 *   biases and peepholes at 0
 *   y [n, t, directions * units]: the last layer's
 *   *h_n, *c_n [n, layers * directions, units]: the states and the cells after the
 *     last
 *   step; *c_n is WEFT_NONE without LSTM; h_n and c_n may be NULL
 * For truncated back-propagation feed one chunk's h_n to the next as h0. Fails:
 * WEFT_ESHAPE: x has no rank of 3; WEFT_EUSAGE: units outside 1 to 2^20, an option
 * out of range, c0 or peepholes without LSTM. */
WEFT_API weft_value weft_layer_recurrent(weft_graph *g, const char *name, weft_value x,
                                         weft_value lengths, int units,
                                         const weft_layer_recurrent_opts *opts,
                                         weft_value *h_n, weft_value *c_n);

/* Additive attention over the valid steps (Bahdanau et al. 2015):
 * weft_attention_pool with scores v' tanh(W x + b).
 *   x [n, t, c]
 *   NAME.hidden.weight [units, c], NAME.hidden.bias [units], NAME.score.weight [1,
 *     units]
 *   y [n, c]
 * Fails: WEFT_ESHAPE: x has no rank of 3, units below 1. */
WEFT_API weft_value weft_layer_attention(weft_graph *g, const char *name, weft_value x,
                                         weft_value lengths, int units);

#ifdef __cplusplus
}
#endif
#endif
