/* weft/ops.h: what a node can compute. Every function adds one node to a graph and
 * returns its output; shapes are checked at once and a misfit makes the graph fail
 * (weft_graph_status). Shapes are in ONNX order. Every options pointer is read during the
 * call only; NULL means all defaults. One-dimensional ([n, c, t]) and two-dimensional
 * ([n, c, h, w]) data take the same functions: with one dimension only the first element
 * of each pair counts. */
#ifndef WEFT_OPS_H
#define WEFT_OPS_H

#include "weft/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- convolution, products ---- */

typedef enum weft_pad_mode {
    WEFT_PAD_GIVEN,
    WEFT_PAD_SAME /* odd one at the end, ONNX SAME_UPPER */,
    WEFT_PAD_SAME_LOWER
} weft_pad_mode;

/* y[n,o,i,j] = b[o] + sum over c,u,v of x[n,c, i*stride - pad + u*dilate, ...] *
 * w[o,c,u,v] x [n, c, h, w] or [n, c, t]   w [o, c/groups, kh, kw] or [o, c/groups, k] b
 * [o], or WEFT_NONE y [n, o, h', w'] with h' = (h + pad + pad_end - dilate*(kh-1) - 1) /
 * stride + 1 ONNX: Conv. */
typedef struct weft_conv_opts {
    int stride[2], dilate[2]; /* rows, columns; 0 means 1 */
    int pad[2];               /* zeros added before */
    int pad_end[2];           /* zeros added after, when uneven is set */
    bool uneven; /* pad_end counts; otherwise zeros after equal those before */
    weft_pad_mode mode;
    int groups; /* 0 means 1 */
} weft_conv_opts;
WEFT_API weft_val weft_conv(weft_graph *g, weft_val x, weft_val w, weft_val b,
                            const weft_conv_opts *opts);

/* The transpose of that convolution: y has (h-1)*stride - pad - pad_end + dilate*(kh-1) +
 * 1 + extra rows.   x [n, c, h, w]   w [c, o/groups, kh, kw]   b [o] or WEFT_NONE. ONNX:
 * ConvTranspose. */
typedef struct weft_conv_transpose_opts {
    int stride[2], dilate[2], pad[2], pad_end[2];
    bool uneven;
    int extra[2]; /* rows and columns added at the end of y (output_padding) */
    int groups;
} weft_conv_transpose_opts;
WEFT_API weft_val weft_conv_transpose(weft_graph *g, weft_val x, weft_val w, weft_val b,
                                      const weft_conv_transpose_opts *opts);

/* y[..., o] = sum over i of x[..., i] * w[o, i] + b[o].  x [..., i]  w [o, i]  b [o] or
 * WEFT_NONE. ONNX: Gemm, between two Reshapes above rank 2. */
WEFT_API weft_val weft_dense(weft_graph *g, weft_val x, weft_val w, weft_val b);
/* Matrix products over the last two axes, the others broadcast as numpy does. ONNX:
 * MatMul. */
WEFT_API weft_val weft_matmul(weft_graph *g, weft_val a, weft_val b);

/* ---- sequences: x [n, t, i], n samples of t steps ---- */

typedef enum weft_direction {
    WEFT_RNN_FORWARD,
    WEFT_RNN_REVERSE, /* from each sample's last step to its first */
    WEFT_RNN_BOTH     /* forward, then reverse: two directions */
} weft_direction;

typedef struct weft_rnn_opts {
    weft_direction direction;
    bool relu;         /* weft_rnn: max(0, .) instead of tanh */
    bool reset_before; /* weft_gru: the reset gate acts before the product */
} weft_rnn_opts;

/* What a recurrent layer reads besides x; WEFT_NONE where it may be absent. d directions
 * of h units; gates lie one behind the other, in ONNX's order. */
typedef struct weft_rnn_in {
    weft_val w; /* [d, gates h, i]: for the input */
    weft_val r; /* [d, gates h, h]: for the state */
    weft_val b; /* [d, 2 gates h]: the input's biases, then the state's. Or absent */
    weft_val lengths; /* integers [n], 0 .. t: steps that count. Or absent: all t */
    weft_val h0;      /* [n, d, h]: the state at the start. Or absent: 0 */
    weft_val c0;      /* weft_lstm: the cells', likewise */
    weft_val peep;    /* weft_lstm: [d, 3 h], peepholes of i, o, f. Or absent */
} weft_rnn_in;

/* Each gives y [n, t, d h], the state after each step (the directions one behind the
 * other; 0 beyond a sample's length), and in h_n, unless it is NULL, the state after the
 * last step of each direction, [n, d, h]. A sample gives the same bits in any batch and
 * with any padding of finite numbers behind its length. s is the logistic function.
 *
 * h' = tanh(W x + b + R h + c). ONNX: RNN. */
WEFT_API weft_val weft_rnn(weft_graph *g, weft_val x, const weft_rnn_in *in,
                           const weft_rnn_opts *opts, weft_val *h_n);
/* Gates z r n: z = s(Wz x + bz + Rz h + cz), r likewise, h' = (1 - z) n + z h with
 * n = tanh(Wn x + bn + r (Rn h + cn)), or tanh(Wn x + bn + Rn (r h) + cn) with
 * reset_before. ONNX: GRU. */
WEFT_API weft_val weft_gru(weft_graph *g, weft_val x, const weft_rnn_in *in,
                           const weft_rnn_opts *opts, weft_val *h_n);
/* Gates i o f g: i = s(Wi x + bi + Ri h + ci + Pi c), f likewise,
 * c' = f c + i tanh(Wg x + bg + Rg h + cg), o = s(Wo x + bo + Ro h + co + Po c'),
 * h' = o tanh(c'). c_n, unless it is NULL, receives the cells after the last step. ONNX:
 * LSTM. */
WEFT_API weft_val weft_lstm(weft_graph *g, weft_val x, const weft_rnn_in *in,
                            const weft_rnn_opts *opts, weft_val *h_n, weft_val *c_n);

/* Rows of a table: y[k..., ...] = table[index[k...], ...]. index: integers of any shape;
 * a negative one counts from the end; one beyond the table gives NaN. table [v, d...].
 * The gradient of row `padding` is left 0 when padded is set.
 * sparse: a training step costs what the rows in the batch cost, not what the table does.
 * The
 * result is the same, but an optimizer leaves rows alone that no index of the step named
 * (see weft_step). Only where all readers of the table are sparse. ONNX: Gather. */
typedef struct weft_embedding_opts {
    bool padded;
    int padding;
    bool sparse;
} weft_embedding_opts;
WEFT_API weft_val weft_embedding(weft_graph *g, weft_val index, weft_val table,
                                 const weft_embedding_opts *opts);

/* ---- pooling ---- */
typedef struct weft_pool_opts {
    int kernel[2]; /* required; [1] of 0 means the same as [0] */
    int stride[2]; /* 0 means the kernel's */
    int dilate[2];
    int pad[2], pad_end[2];
    bool uneven; /* as in weft_conv_opts */
    weft_pad_mode mode;
    bool ceil; /* a last window that hangs over the end counts, when it starts inside */
    bool exclude_pad; /* average: padding does not count in the divisor (ONNX default) */
} weft_pool_opts;
/* The largest of each window (padding is never chosen; of equals the first). ONNX:
 * MaxPool. */
WEFT_API weft_val weft_max_pool(weft_graph *g, weft_val x, const weft_pool_opts *opts);
/* ONNX: AveragePool. */
WEFT_API weft_val weft_avg_pool(weft_graph *g, weft_val x, const weft_pool_opts *opts);
/* [n, c, d...] -> [n, c, 1...]. ONNX: GlobalAveragePool, GlobalMaxPool. */
WEFT_API weft_val weft_global_avg_pool(weft_graph *g, weft_val x);
WEFT_API weft_val weft_global_max_pool(weft_graph *g, weft_val x);
/* Pools to out rows and columns; window i covers floor(i h / out) .. ceil((i+1) h / out)
 * - 1, as PyTorch's adaptive pooling. No ONNX form unless it divides evenly (AveragePool,
 * MaxPool). */
WEFT_API weft_val weft_adaptive_avg_pool(weft_graph *g, weft_val x, int rows,
                                         int columns);
WEFT_API weft_val weft_adaptive_max_pool(weft_graph *g, weft_val x, int rows,
                                         int columns);

/* Sequences of different lengths: x [n, t, c] (or [n, t]); lengths: integers [n], 1 .. t:
 * what lies behind a sample's length is padding, which is neither read nor counted; or
 * WEFT_NONE: all t. Results of several steps are 0 behind the length. */

/* y = x before each sample's length, `value` behind it. x [n, t, ...]. ONNX: Where. */
WEFT_API weft_val weft_seq_mask(weft_graph *g, weft_val x, weft_val lengths,
                                double value);
/* Convolution over time of what is valid: zeros stand around it, pad before and pad_end
 * after (WEFT_PAD_SAME: length' = length / stride, rounded up). x [n, t, c]   w [o,
 * c/groups, k]   b [o] or WEFT_NONE   y [n, t', o]. *out_lengths (may be NULL) receives
 * length' = max(1, (length + pad + pad_end - dilate (k-1) - 1) / stride + 1) of each
 * sample. ONNX: Where, Conv, Where. */
WEFT_API weft_val weft_seq_conv(weft_graph *g, weft_val x, weft_val lengths, weft_val w,
                                weft_val b, const weft_conv_opts *opts,
                                weft_val *out_lengths);
/* The largest of each window of valid steps; length' = max(1, length / stride), rounded
 * up with ceil. Defaults of opts as in weft_max_pool. */
WEFT_API weft_val weft_seq_max_pool(weft_graph *g, weft_val x, weft_val lengths,
                                    const weft_pool_opts *opts, weft_val *out_lengths);
/* [n, t, c] -> [n, c]: the largest, the mean, the last of the valid steps. */
WEFT_API weft_val weft_seq_max(weft_graph *g, weft_val x, weft_val lengths);
WEFT_API weft_val weft_seq_mean(weft_graph *g, weft_val x, weft_val lengths);
WEFT_API weft_val weft_seq_last(weft_graph *g, weft_val x, weft_val lengths);
/* Softmax over the valid steps: x [n, t] -> [n, t]. */
WEFT_API weft_val weft_seq_softmax(weft_graph *g, weft_val x, weft_val lengths);
/* Attention: y[n, c] = sum over t of a[n, t] x[n, t, c], a = softmax of scores over the
 * valid steps. x [n, t, c]   scores [n, t]. */
WEFT_API weft_val weft_seq_attend(weft_graph *g, weft_val x, weft_val scores,
                                  weft_val lengths);
/* Dropout of whole channels of a sample: x [n, t, c], the same channels at every step. */
WEFT_API weft_val weft_spatial_dropout(weft_graph *g, weft_val x, double p);

/* ---- elementwise, y the shape of x. ONNX names in brackets. ---- */
WEFT_API weft_val weft_relu(weft_graph *g, weft_val x); /* max(x, 0) [Relu] */
WEFT_API weft_val weft_leaky_relu(weft_graph *g, weft_val x,
                                  double slope); /* [LeakyRelu] */
WEFT_API weft_val weft_prelu(weft_graph *g, weft_val x,
                             weft_val slope); /* slope [1] or [c] [PRelu] */
WEFT_API weft_val weft_elu(weft_graph *g, weft_val x, double alpha); /* [Elu] */
WEFT_API weft_val weft_selu(weft_graph *g, weft_val x);              /* [Selu] */
WEFT_API weft_val weft_gelu(weft_graph *g,
                            weft_val x); /* x Phi(x), by erf [Erf, Mul ...] */
WEFT_API weft_val weft_gelu_tanh(weft_graph *g, weft_val x); /* the tanh approximation */
WEFT_API weft_val weft_silu(weft_graph *g, weft_val x); /* x sigmoid(x) [Sigmoid, Mul] */
WEFT_API weft_val weft_hard_swish(weft_graph *g, weft_val x); /* [HardSwish] */
WEFT_API weft_val weft_hard_sigmoid(weft_graph *g, weft_val x, double alpha,
                                    double beta);          /* [HardSigmoid] */
WEFT_API weft_val weft_sigmoid(weft_graph *g, weft_val x); /* [Sigmoid] */
WEFT_API weft_val weft_tanh(weft_graph *g, weft_val x);    /* [Tanh] */
WEFT_API weft_val weft_softplus(weft_graph *g, weft_val x,
                                double beta); /* log(1 + exp(beta x)) / beta [Softplus] */
WEFT_API weft_val weft_clip(weft_graph *g, weft_val x, double low,
                            double high);               /* [Clip] */
WEFT_API weft_val weft_exp(weft_graph *g, weft_val x);  /* [Exp] */
WEFT_API weft_val weft_log(weft_graph *g, weft_val x);  /* [Log] */
WEFT_API weft_val weft_sqrt(weft_graph *g, weft_val x); /* [Sqrt] */
WEFT_API weft_val weft_neg(weft_graph *g, weft_val x);  /* [Neg] */
WEFT_API weft_val weft_abs(weft_graph *g, weft_val x);  /* [Abs] */
/* Zero with probability p, else x / (1 - p), while training; x at inference. [Dropout] */
WEFT_API weft_val weft_dropout(weft_graph *g, weft_val x, double p);

/* With numpy's broadcasting. [Add Sub Mul Div] */
WEFT_API weft_val weft_add(weft_graph *g, weft_val a, weft_val b);
WEFT_API weft_val weft_sub(weft_graph *g, weft_val a, weft_val b);
WEFT_API weft_val weft_mul(weft_graph *g, weft_val a, weft_val b);
WEFT_API weft_val weft_div(weft_graph *g, weft_val a, weft_val b);

/* ---- normalisation, softmax ---- */
/* y = gamma (x - mean) / sqrt(var + eps) + beta per channel (axis 1). While training mean
 * and (biased) variance are the batch's, and the running ones move: r = (1 - momentum) r
 * + momentum m, with the unbiased variance; at inference the running ones are used. x [n,
 * c] or [n, c, d...]   gamma, beta, mean, var [c]   mean and var: weft_buffer. momentum 0
 * means 0.1 (PyTorch's sense), eps 0 means 1e-5. ONNX: BatchNormalization. */
typedef struct weft_batch_norm_opts {
    double momentum, eps;
    bool fixed; /* running statistics are used, and left alone, while training too */
} weft_batch_norm_opts;
WEFT_API weft_val weft_batch_norm(weft_graph *g, weft_val x, weft_val gamma,
                                  weft_val beta, weft_val mean, weft_val var,
                                  const weft_batch_norm_opts *opts);
/* Normalises over axis .. last together. gamma, beta: the shape of those axes, or
 * WEFT_NONE. eps 0 means 1e-5. ONNX: LayerNormalization. */
WEFT_API weft_val weft_layer_norm(weft_graph *g, weft_val x, weft_val gamma,
                                  weft_val beta, int axis, double eps);
/* Normalises each group of c/groups channels of each sample. groups == c is instance
 * normalisation. gamma, beta [c] or WEFT_NONE. */
WEFT_API weft_val weft_group_norm(weft_graph *g, weft_val x, weft_val gamma,
                                  weft_val beta, int groups, double eps);
WEFT_API weft_val weft_softmax(weft_graph *g, weft_val x, int axis); /* [Softmax] */
WEFT_API weft_val weft_log_softmax(weft_graph *g, weft_val x,
                                   int axis); /* [LogSoftmax] */

/* ---- shape ---- */
WEFT_API weft_val weft_concat(weft_graph *g, const weft_val *x, int n,
                              int axis); /* [Concat] */
/* Cuts along axis into n parts of sizes[i], or equal ones when sizes is NULL; out[n].
 * [Split] */
WEFT_API void weft_split_axis(weft_graph *g, weft_val x, int axis, int n,
                              const int *sizes, weft_val *out);
/* x[start : end : step] along each of n axes, Python's rules. [Slice] */
typedef struct weft_slice_range {
    int axis, start, end;
    int step; /* 0 means 1 */
} weft_slice_range;
WEFT_API weft_val weft_slice(weft_graph *g, weft_val x, int n,
                             const weft_slice_range *range);
typedef enum weft_pad_kind {
    WEFT_PAD_CONSTANT,
    WEFT_PAD_REFLECT,
    WEFT_PAD_EDGE
} weft_pad_kind;
/* before and after: one number per axis of x; negative ones cut. [Pad] */
typedef struct weft_pad_opts {
    int before[WEFT_MAX_RANK], after[WEFT_MAX_RANK];
    weft_pad_kind kind;
    double value;
} weft_pad_opts;
WEFT_API weft_val weft_pad(weft_graph *g, weft_val x, const weft_pad_opts *opts);
/* One dimension may be -1; 0 keeps the input's (so {0, -1} keeps the batch). [Reshape] */
WEFT_API weft_val weft_reshape(weft_graph *g, weft_val x, weft_shape shape);
/* [d0, .., axis .., dn] -> [d0 * .. , axis * ..]. [Flatten] */
WEFT_API weft_val weft_flatten(weft_graph *g, weft_val x, int axis);
/* y's axis i is x's axis perm[i]; NULL reverses. [Transpose] */
WEFT_API weft_val weft_transpose(weft_graph *g, weft_val x, const int *perm);
WEFT_API weft_val weft_squeeze(weft_graph *g, weft_val x, int n,
                               const int *axis); /* [Squeeze] */
WEFT_API weft_val weft_unsqueeze(weft_graph *g, weft_val x, int n,
                                 const int *axis); /* [Unsqueeze] */
typedef enum weft_resize_mode { WEFT_NEAREST, WEFT_BILINEAR } weft_resize_mode;
/* Scales the axes after the second to rows x columns. Bilinear uses half-pixel centres,
 * or, with align_corners, corner centres; nearest takes floor(i * in / out). [Resize] */
typedef struct weft_resize_opts {
    int size[2]; /* rows, columns of the result */
    weft_resize_mode mode;
    bool align_corners;
} weft_resize_opts;
WEFT_API weft_val weft_resize(weft_graph *g, weft_val x, const weft_resize_opts *opts);
/* [n, c r r, h, w] -> [n, c, h r, w r], PyTorch's order. [DepthToSpace CRD] */
WEFT_API weft_val weft_pixel_shuffle(weft_graph *g, weft_val x, int r);
WEFT_API weft_val weft_identity(weft_graph *g, weft_val x);

/* Over n axes (n 0: all of them). keep leaves them as 1. [ReduceMean ReduceSum ReduceMax]
 */
WEFT_API weft_val weft_mean(weft_graph *g, weft_val x, int n, const int *axis, bool keep);
WEFT_API weft_val weft_sum(weft_graph *g, weft_val x, int n, const int *axis, bool keep);
WEFT_API weft_val weft_max(weft_graph *g, weft_val x, int n, const int *axis, bool keep);

/* ---- losses ---- */
typedef enum weft_reduction { WEFT_MEAN, WEFT_SUM, WEFT_EACH } weft_reduction;

/* -sum over k of q[k] log softmax(x)[k], q = (1 - smoothing) onehot(target) + smoothing /
 * c. x [n, c] or [n, c, d...] logits   target: integers [n] or [n, d...], or floats of
 * x's shape (probabilities)   weight [c] or WEFT_NONE: each class counts that much; the
 * mean is then over the weights, as in PyTorch. Integer targets equal to `ignore` count
 * nothing. each (may be NULL): receives the unreduced loss [n] or [n, d...]. No ONNX
 * form. */
typedef struct weft_cross_entropy_opts {
    double smoothing;
    bool ignores;
    int ignore; /* the label left out, when ignores is set */
    weft_reduction reduction;
} weft_cross_entropy_opts;
WEFT_API weft_val weft_cross_entropy(weft_graph *g, weft_val x, weft_val target,
                                     weft_val weight, const weft_cross_entropy_opts *opts,
                                     weft_val *each);
WEFT_API weft_val weft_mse(weft_graph *g, weft_val x, weft_val target,
                           weft_reduction r); /* (x-t)^2 */
WEFT_API weft_val weft_l1(weft_graph *g, weft_val x, weft_val target,
                          weft_reduction r); /* |x-t| */
/* 0.5 d^2 / beta below beta, else |d| - beta / 2; beta 0 means 1. */
WEFT_API weft_val weft_smooth_l1(weft_graph *g, weft_val x, weft_val target, double beta,
                                 weft_reduction r);
/* -(pos t log s(x) + (1-t) log(1 - s(x))), times weight; weight broadcasts, pos [c], or
 * WEFT_NONE. */
WEFT_API weft_val weft_bce_with_logits(weft_graph *g, weft_val x, weft_val target,
                                       weft_val weight, weft_val pos, weft_reduction r);

/* ---- the table of operators, for `weft ops` ---- */
typedef struct weft_op_info {
    const char *name, *onnx; /* onnx NULL: no ONNX operator of its own */
    int onnx_since;
    const char *summary;
    bool differentiable;
} weft_op_info;
WEFT_API int weft_op_total(void);
WEFT_API weft_op_info weft_op_info_at(int i);

#ifdef __cplusplus
}
#endif
#endif
