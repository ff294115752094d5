/* weft/ops.h: what a node can compute. Every function adds a node to a graph and
 * returns its output.
 *
 * Shapes are in ONNX order; elements are floats where a comment does not say
 * integers. Data of one dimension, [n, c, t], and of two, [n, c, h, w], take the
 * same functions: of pairs (rows, columns) only the first element counts for the
 * former. Negative axes count from the end. WEFT_NONE may be given only where a
 * comment says so.
 *
 * Errors are those of the graph (weft_graph_status). Every function fails with
 * WEFT_ESHAPE when a rank, a dimension or a type does not fit or a result would be
 * too large, with WEFT_EUSAGE for a value of another graph or an option out of
 * range, and with WEFT_ENOMEM. The comments say what is particular.
 *
 * ONNX: the operators, and the opset whose form is written. PyTorch: the same
 * function there; defaults, and derivatives at kinks, are PyTorch's unless a comment
 * differs. */
#ifndef WEFT_OPS_H
#define WEFT_OPS_H

#include "weft/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- convolution, products ---- */

/* How the input of a convolution or pool is padded. */
typedef enum weft_pad_mode {
    WEFT_PAD_GIVEN, /* by pad and pad_end */
    /* so that h' = h / stride, rounded up; of an odd number of zeros one more at the
     * end. ONNX: SAME_UPPER */
    WEFT_PAD_SAME,
    WEFT_PAD_SAME_LOWER /* the same, one more at the start. ONNX: SAME_LOWER */
} weft_pad_mode;

/* Options of weft_conv and weft_seq_conv. */
typedef struct weft_conv_opts {
    int stride[2], dilate[2]; /* rows, columns; 0 means 1 */
    int pad[2];               /* zeros added before */
    int pad_end[2];           /* zeros added after, if uneven is set */
    bool uneven; /* pad_end counts; if not, as many zeros are added after as before */
    weft_pad_mode mode; /* unless it is WEFT_PAD_GIVEN, pad and pad_end are not read */
    int groups;         /* of channels that are convolved apart; 0 means 1 */
} weft_conv_opts;

/* Convolution (cross-correlation, as in every framework).
 *   y[n,o,i,j] = b[o] + sum over c, u, v of w[o,c,u,v] *
 *   x[n, c, i*stride - pad + u*dilate, j*stride - pad + v*dilate]
 *   x [n, c, h, w] or [n, c, t]
 *   w [o, c/groups, kh, kw] or [o, c/groups, k]
 *   b [o], or WEFT_NONE
 *   y [n, o, h', w'] or [n, o, t'],
 *   h' = (h + pad + pad_end - dilate*(kh-1) - 1) / stride + 1, rounded down
 * Fails: WEFT_ESHAPE: a kernel larger than the padded input, groups that do not
 * divide c and o; WEFT_EUSAGE: stride or dilate below 0, padding below 0, any above
 * 2^30. ONNX: Conv 11. PyTorch: conv1d, conv2d. */
WEFT_API weft_value weft_conv(weft_graph *g, weft_value x, weft_value w, weft_value b,
                              const weft_conv_opts *opts);

/* Options of weft_conv_transpose. */
typedef struct weft_conv_transpose_opts {
    int stride[2], dilate[2]; /* as in weft_conv_opts, which this is the transpose of */
    int pad[2], pad_end[2];   /* rows and columns cut off before and after */
    bool uneven; /* pad_end counts; if not, as many are cut after as before */
    /* rows and columns added at the end of y (output_padding); below stride or
     * dilate */
    int extra[2];
    int groups; /* as in weft_conv_opts; 0 means 1 */
} weft_conv_transpose_opts;

/* The transpose of that convolution: y is its gradient with respect to x.
 *   y[n, o, i*stride - pad + u*dilate, ...] += x[n,c,i,j] * w[c,o,u,v], plus b[o]
 *   x [n, c, h, w] or [n, c, t]
 *   w [c, o/groups, kh, kw] or [c, o/groups, k]
 *   b [o], or WEFT_NONE
 *   y [n, o, h', w'] or [n, o, t'],
 *     h' = (h-1)*stride + dilate*(kh-1) + 1 + extra - pad - pad_end
 * Fails: WEFT_ESHAPE: padding that leaves nothing, groups that do not divide c;
 * WEFT_EUSAGE: as weft_conv, and extra out of range.
 * ONNX: ConvTranspose 11. PyTorch: conv_transpose1d, conv_transpose2d. */
WEFT_API weft_value weft_conv_transpose(weft_graph *g, weft_value x, weft_value w,
                                        weft_value b,
                                        const weft_conv_transpose_opts *opts);

/* A fully connected layer over the last axis.
 *   y[..., o] = b[o] + sum over i of x[..., i] * w[o,i]
 *   x [..., i], rank 1 or more
 *   w [o, i]
 *   b [o], or WEFT_NONE
 *   y [..., o]
 * Fails: WEFT_ESHAPE.
 * ONNX: Gemm 13, between two Reshapes unless x has rank 2. PyTorch: linear. */
WEFT_API weft_value weft_dense(weft_graph *g, weft_value x, weft_value w, weft_value b);

/* Matrix products over the last two axes; the other axes broadcast as in numpy.
 *   y[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]
 *   a [..., m, k], or [k]: one row
 *   b [..., k, n], or [k]: one column
 *   y [..., m, n]; without m where a, without n where b is a vector
 * Fails: WEFT_ESHAPE.
 * ONNX: MatMul 13. PyTorch: matmul. */
WEFT_API weft_value weft_matmul(weft_graph *g, weft_value a, weft_value b);

/* ---- recurrent layers over whole sequences, batch first ---- */

/* The order in which a recurrent layer reads the steps. */
typedef enum weft_direction {
    WEFT_RNN_FORWARD, /* from the first step to each sample's last; one direction */
    WEFT_RNN_REVERSE, /* from each sample's last step to its first; one direction */
    WEFT_RNN_BOTH     /* forward, then reverse: two directions */
} weft_direction;

/* Options of weft_rnn, weft_gru, weft_lstm. */
typedef struct weft_rnn_opts {
    weft_direction direction; /* 0 means WEFT_RNN_FORWARD */
    bool relu; /* weft_rnn: max(0, .) instead of tanh; others do not read it */
    /* weft_gru: the reset gate acts before the product (ONNX: linear_before_reset 0);
     * others do not read it */
    bool reset_before;
} weft_rnn_opts;

/* What a recurrent layer reads besides x [n, t, i]: d directions of h units, whose
 * gates follow each other in ONNX's order. w and r must be there, others may be
 * WEFT_NONE. */
typedef struct weft_rnn_in {
    weft_value w; /* [d, gates h, i]: weights of the input */
    weft_value r; /* [d, gates h, h]: weights of the state */
    /* [d, 2 gates h]: biases of the input, then of the state. WEFT_NONE: 0 */
    weft_value b;
    /* integers [n]: how many steps count; below 0 counts as 0, above t as t. WEFT_NONE:
     * all t */
    weft_value lengths;
    weft_value h0;   /* [n, d, h]: the states at the start. WEFT_NONE: 0 */
    weft_value c0;   /* weft_lstm: [n, d, h], the cells at the start. WEFT_NONE: 0 */
    weft_value peep; /* weft_lstm: [d, 3 h], peepholes of i, o, f. WEFT_NONE: none */
} weft_rnn_in;

/* weft_rnn, weft_gru, weft_lstm: a recurrent layer over all steps. W, R are the rows
 * of in->w, in->r that belong to a gate, b and c its input's and state's bias, s(x)
 * the logistic function; primed values are those after the step.
 *   weft_rnn   h' = tanh(W x + b + R h + c)
 *   weft_gru   gates z r n:
 *   z = s(Wz x + bz + Rz h + cz), r = s(Wr x + br + Rr h + cr)
 *   n = tanh(Wn x + bn + r (Rn h + cn)),
 *   with reset_before tanh(Wn x + bn + Rn (r h) + cn)
 *   h' = (1 - z) n + z h
 *   weft_lstm  gates i o f g:
 *   i = s(Wi x + bi + Ri h + ci + Pi c), f = s(Wf x + bf + Rf h + cf + Pf c)
 *   c' = f c + i tanh(Wg x + bg + Rg h + cg)
 *   o = s(Wo x + bo + Ro h + co + Po c'), h' = o tanh(c')
 *   x [n, t, i]
 *   y [n, t, d h]: the state after each step, the directions side by side; 0 from a
 *   sample's length on
 *   *h_n, *c_n [n, d, h]: the states and the cells after each direction's last step;
 *     for
 *   a length of 0 those at the start. h_n and c_n may be NULL.
 * A sample gives the same bits in any batch and with any finite padding after its
 * length. Fails: WEFT_ESHAPE; WEFT_EUSAGE: in is NULL, an unknown direction, c0 or
 * peep given to another than weft_lstm. ONNX: RNN 14, GRU 14, LSTM 14, between
 * Transposes. PyTorch: RNN, GRU and LSTM with batch_first and one layer; the gates
 * are in another order there (r z n; i f g o). */
WEFT_API weft_value weft_rnn(weft_graph *g, weft_value x, const weft_rnn_in *in,
                             const weft_rnn_opts *opts, weft_value *h_n);
WEFT_API weft_value weft_gru(weft_graph *g, weft_value x, const weft_rnn_in *in,
                             const weft_rnn_opts *opts, weft_value *h_n);
WEFT_API weft_value weft_lstm(weft_graph *g, weft_value x, const weft_rnn_in *in,
                              const weft_rnn_opts *opts, weft_value *h_n,
                              weft_value *c_n);

/* Options of weft_embedding. */
typedef struct weft_embedding_opts {
    bool padded; /* the gradient of row `padding` is 0 */
    int padding; /* a row of the table, if padded is set */
    /* a training step costs as much as the rows in the batch, not as the table. The
     * gradient is the same, but an optimizer leaves the rows alone that no index of
     * the step named (see weft_optimizer_step). Only where all that read the table
     * are sparse */
    bool sparse;
} weft_embedding_opts;

/* Rows of a table.
 *   y[k..., ...] = table[index[k...], ...]
 *   index: integers [k...]; a negative one counts from the end, one outside the table
 *     gives a row of NaN
 *   table [v, d...]
 *   y [k..., d...]
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: padding is no row of the table.
 * ONNX: Gather 13. PyTorch: embedding. */
WEFT_API weft_value weft_embedding(weft_graph *g, weft_value index, weft_value table,
                                   const weft_embedding_opts *opts);

/* ---- pooling ---- */

/* Options of weft_max_pool, weft_avg_pool and weft_seq_max_pool. */
typedef struct weft_pool_opts {
    int kernel[2];          /* rows, columns; required; [1] of 0 means the same as [0] */
    int stride[2];          /* 0 means the kernel's */
    int dilate[2];          /* 0 means 1 */
    int pad[2], pad_end[2]; /* padding before and after, as in weft_conv_opts */
    bool uneven;            /* pad_end counts */
    weft_pad_mode mode;     /* as in weft_conv_opts */
    /* a last window that reaches over the end counts if it starts inside the input or
     * the padding before it: h' is rounded up */
    bool ceil;
    /* weft_avg_pool: padding does not count in the divisor (the default of ONNX, not of
     * PyTorch) */
    bool exclude_pad;
} weft_pool_opts;

/* weft_max_pool: the largest element of each window. Padding is never chosen; of
 * equals
 *   the first gets the gradient.
 * weft_avg_pool: the mean of each window. Padding is 0; it counts in the divisor
 * unless
 *   exclude_pad is set, what lies beyond the padding never does.
 *   x [n, c, h, w] or [n, c, t]
 *   y [n, c, h', w'] or [n, c, t'], h' as in weft_conv
 * Fails: WEFT_ESHAPE: as weft_conv; a window that lies in the padding alone, where
 * that leaves it without elements; WEFT_EUSAGE: as weft_conv, no kernel. ONNX:
 * MaxPool 12; AveragePool 11, not with dilate. PyTorch: max_pool2d, avg_pool2d. */
WEFT_API weft_value weft_max_pool(weft_graph *g, weft_value x,
                                  const weft_pool_opts *opts);
WEFT_API weft_value weft_avg_pool(weft_graph *g, weft_value x,
                                  const weft_pool_opts *opts);

/* weft_global_avg_pool, weft_global_max_pool: the mean, the largest, of each channel.
 *   x [n, c, d...], rank 3 or more
 *   y [n, c, 1...]
 * Fails: WEFT_ESHAPE.
 * ONNX: GlobalAveragePool 1, GlobalMaxPool 1. */
WEFT_API weft_value weft_global_avg_pool(weft_graph *g, weft_value x);
WEFT_API weft_value weft_global_max_pool(weft_graph *g, weft_value x);

/* weft_adaptive_avg_pool, weft_adaptive_max_pool: pooling to a given size. Window i
 * of an axis covers floor(i h / rows) to ceil((i+1) h / rows) - 1.
 *   x [n, c, h, w] or [n, c, t]
 *   y [n, c, rows, columns] or [n, c, rows]
 * Fails: WEFT_ESHAPE: rows or columns below 1. ONNX: AveragePool 11, MaxPool 12
 * where h and w are multiples of rows and columns, else none. PyTorch:
 * adaptive_avg_pool2d, adaptive_max_pool2d. */
WEFT_API weft_value weft_adaptive_avg_pool(weft_graph *g, weft_value x, int rows,
                                           int columns);
WEFT_API weft_value weft_adaptive_max_pool(weft_graph *g, weft_value x, int rows,
                                           int columns);

/*   ---- sequences of different lengths ----
 *
 * x [n, t, c]; lengths: integers [n], 1 to t, or WEFT_NONE: all t. Only the steps
 * before a sample's length are valid. What follows is padding: it is not read, not
 * even NaN, its gradient is 0, and so are the steps of a result after the result's
 * length. A length below 1 counts as 1, one above t as t. */

/* Puts a value after each sample's length.
 *   y[n, s, ...] = x[n, s, ...] for s < lengths[n], else value
 *   x, y [n, t, ...], rank 2 or more
 *   lengths: integers [n], here from 0, or WEFT_NONE: y = x
 * Fails: WEFT_ESHAPE.
 * ONNX: Where 16. */
WEFT_API weft_value weft_seq_mask(weft_graph *g, weft_value x, weft_value lengths,
                                  double value);

/* Convolution over the valid steps, as if zeros stood around them.
 *   y[n, s, o] = b[o] + sum over c, u of x[n, s*stride - pad + u*dilate, c] * w[o,c,u]
 *   x [n, t, c]
 *   w [o, c/groups, k]
 *   b [o], or WEFT_NONE
 *   y [n, t', o], t' = max(1, (t + pad + pad_end - dilate*(k-1) - 1) / stride + 1)
 *   *out_lengths: integers [n], the same of each length; WEFT_NONE without lengths.
 *     out_lengths may be NULL. With WEFT_PAD_SAME: length / stride, rounded up.
 * Fails: as weft_conv.
 * ONNX: Where, Transpose, Conv, Transpose, Where. */
WEFT_API weft_value weft_seq_conv(weft_graph *g, weft_value x, weft_value lengths,
                                  weft_value w, weft_value b, const weft_conv_opts *opts,
                                  weft_value *out_lengths);

/* The largest element of each window of valid steps; of equals the first.
 *   x [n, t, c]
 *   y [n, t', c] and *out_lengths: as weft_seq_conv, the division rounded up with ceil
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: as weft_max_pool, and where a window can lie in the
 * padding alone.
 * ONNX: Where, Transpose, MaxPool, Transpose, Where. */
WEFT_API weft_value weft_seq_max_pool(weft_graph *g, weft_value x, weft_value lengths,
                                      const weft_pool_opts *opts,
                                      weft_value *out_lengths);

/* weft_seq_max, weft_seq_mean, weft_seq_last: the largest (of equals the first), the
 * mean, the last of the valid steps, for each channel.
 *   x [n, t, c]
 *   y [n, c]
 * Fails: WEFT_ESHAPE.
 * ONNX: Where, ReduceMax; Where, ReduceSum, Div; GatherND. */
WEFT_API weft_value weft_seq_max(weft_graph *g, weft_value x, weft_value lengths);
WEFT_API weft_value weft_seq_mean(weft_graph *g, weft_value x, weft_value lengths);
WEFT_API weft_value weft_seq_last(weft_graph *g, weft_value x, weft_value lengths);

/* Softmax over the valid steps.
 *   y[n, s] = exp(x[n, s]) / sum over valid u of exp(x[n, u])
 *   x, y [n, t]
 * Fails: WEFT_ESHAPE.
 * ONNX: Where, Softmax. */
WEFT_API weft_value weft_seq_softmax(weft_graph *g, weft_value x, weft_value lengths);

/* Attention pooling: the steps weighted by the softmax of their scores. Adds two nodes.
 *   y[n, c] = sum over s of a[n, s] x[n, s, c], a = weft_seq_softmax(scores)
 *   x [n, t, c]
 *   scores [n, t]
 *   y [n, c]
 * Fails: WEFT_ESHAPE.
 * ONNX: Where, Softmax, Where, Unsqueeze, MatMul, Squeeze. */
WEFT_API weft_value weft_attention_pool(weft_graph *g, weft_value x, weft_value scores,
                                        weft_value lengths);

/* Dropout of whole channels: a channel of a sample is 0 at every step, or x / (1 -
 * p), as weft_dropout decides for elements.
 *   x, y [n, t, c]
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: p outside 0 to 1. ONNX: Dropout 13. PyTorch:
 * dropout1d, whose channels come first. */
WEFT_API weft_value weft_spatial_dropout(weft_graph *g, weft_value x, double p);

/* ---- elementwise ---- */

/* Maps of each element; x and y have the same shape, of any rank. In brackets ONNX.
 *   weft_relu         y = max(x, 0)                               [Relu 6]
 *   weft_relu6        y = min(max(x, 0), 6)                       [Clip 13]
 *   weft_hard_tanh    y = min(max(x, -1), 1)                      [Clip 13]
 *   weft_selu         y = 1.0507 (x > 0 ? x : 1.6733 (exp(x) - 1))  [Selu 6]
 *   weft_gelu         y = x Phi(x), Phi the normal distribution   [Div Erf Add Mul Mul]
 *   weft_gelu_tanh    y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
 *                                                     [Mul Mul Add Mul Tanh Add Mul Mul]
 *   weft_silu         y = x / (1 + exp(-x)), also called swish    [Sigmoid Mul]
 *   weft_mish         y = x tanh(log(1 + exp(x)))                 [Softplus Tanh Mul]
 *   weft_hard_swish   y = x min(max(x/6 + 1/2, 0), 1)             [HardSwish 14]
 *   weft_sigmoid      y = 1 / (1 + exp(-x))                       [Sigmoid 6]
 *   weft_log_sigmoid  y = -log(1 + exp(-x))                       [Neg Softplus Neg]
 *   weft_tanh         y = tanh(x)                                 [Tanh 6]
 *   weft_softsign     y = x / (1 + |x|)                           [Softsign 1]
 *   weft_exp          y = exp(x)                                  [Exp 6]
 *   weft_log          y = log(x), the natural logarithm           [Log 6]
 *   weft_sqrt         y = the square root of x                    [Sqrt 6]
 *   weft_square       y = x^2                                     [Mul 14]
 *   weft_reciprocal   y = 1 / x                                   [Reciprocal 6]
 *   weft_neg          y = -x                                      [Neg 6]
 *   weft_abs          y = |x|                                     [Abs 6]
 *   weft_erf          y = erf(x), the error function              [Erf 9]
 *   weft_sin          y = sin(x)                                  [Sin 7]
 *   weft_cos          y = cos(x)                                  [Cos 7]
 *   weft_sign         y = -1, 0 or 1, the sign of x               [Sign 9]
 *   weft_floor        y = x rounded down                          [Floor 6]
 *   weft_ceil         y = x rounded up                            [Ceil 6]
 *   weft_round        y = x rounded to the nearest integer, halves to the even one
 *                                                                 [Round 11]
 * The derivatives of weft_relu and weft_abs at 0 are 0, and those of weft_relu6 and
 * weft_hard_tanh at their limits; weft_sign, weft_floor, weft_ceil and weft_round have
 * derivative 0 everywhere. weft_log and weft_sqrt of a negative number are NaN. ONNX's
 * Gelu 20, Swish 24 and Mish 18 are read.
 * Fails: WEFT_ESHAPE: x holds integers.
 * Sources: selu Klambauer et al. 2017, gelu Hendrycks and Gimpel 2016, silu
 * Ramachandran et al. 2017, mish Misra 2019, hard_swish Howard et al. 2019.
 * PyTorch: the same names; hardswish, hardtanh, logsigmoid. */
WEFT_API weft_value weft_relu(weft_graph *g, weft_value x);
WEFT_API weft_value weft_relu6(weft_graph *g, weft_value x);
WEFT_API weft_value weft_hard_tanh(weft_graph *g, weft_value x);
WEFT_API weft_value weft_selu(weft_graph *g, weft_value x);
WEFT_API weft_value weft_gelu(weft_graph *g, weft_value x);
WEFT_API weft_value weft_gelu_tanh(weft_graph *g, weft_value x);
WEFT_API weft_value weft_silu(weft_graph *g, weft_value x);
WEFT_API weft_value weft_mish(weft_graph *g, weft_value x);
WEFT_API weft_value weft_hard_swish(weft_graph *g, weft_value x);
WEFT_API weft_value weft_sigmoid(weft_graph *g, weft_value x);
WEFT_API weft_value weft_log_sigmoid(weft_graph *g, weft_value x);
WEFT_API weft_value weft_tanh(weft_graph *g, weft_value x);
WEFT_API weft_value weft_softsign(weft_graph *g, weft_value x);
WEFT_API weft_value weft_exp(weft_graph *g, weft_value x);
WEFT_API weft_value weft_log(weft_graph *g, weft_value x);
WEFT_API weft_value weft_sqrt(weft_graph *g, weft_value x);
WEFT_API weft_value weft_square(weft_graph *g, weft_value x);
WEFT_API weft_value weft_reciprocal(weft_graph *g, weft_value x);
WEFT_API weft_value weft_neg(weft_graph *g, weft_value x);
WEFT_API weft_value weft_abs(weft_graph *g, weft_value x);
WEFT_API weft_value weft_erf(weft_graph *g, weft_value x);
WEFT_API weft_value weft_sin(weft_graph *g, weft_value x);
WEFT_API weft_value weft_cos(weft_graph *g, weft_value x);
WEFT_API weft_value weft_sign(weft_graph *g, weft_value x);
WEFT_API weft_value weft_floor(weft_graph *g, weft_value x);
WEFT_API weft_value weft_ceil(weft_graph *g, weft_value x);
WEFT_API weft_value weft_round(weft_graph *g, weft_value x);

/* Maps with numbers of their own, which have no defaults; x and y as above.
 *   weft_leaky_relu    y = x > 0 ? x : slope x; slope >= 0             [LeakyRelu 6]
 *   weft_elu           y = x > 0 ? x : alpha (exp(x) - 1); alpha >= 0  [Elu 6]
 *   weft_celu          y = x > 0 ? x : alpha (exp(x / alpha) - 1); alpha > 0  [Celu 12]
 *   weft_hard_sigmoid  y = min(max(alpha x + beta, 0), 1)              [HardSigmoid 6]
 *   weft_softplus      y = log(1 + exp(beta x)) / beta; beta > 0       [Softplus 1]
 *   weft_clip          y = min(max(x, low), high); low <= high         [Clip 13]
 * -INFINITY and INFINITY are no limits of weft_clip; its derivative at a limit is 0 (in
 * PyTorch 1). weft_softplus with a beta other than 1: Mul, Softplus, Div in ONNX.
 * Fails: WEFT_ESHAPE: x holds integers; WEFT_EUSAGE: a number out of the range given.
 * Source: celu Barron 2017.
 * PyTorch: leaky_relu, elu, celu, hardsigmoid (alpha 1/6, beta 1/2), softplus, clamp. */
WEFT_API weft_value weft_leaky_relu(weft_graph *g, weft_value x, double slope);
WEFT_API weft_value weft_elu(weft_graph *g, weft_value x, double alpha);
WEFT_API weft_value weft_celu(weft_graph *g, weft_value x, double alpha);
WEFT_API weft_value weft_hard_sigmoid(weft_graph *g, weft_value x, double alpha,
                                      double beta);
WEFT_API weft_value weft_softplus(weft_graph *g, weft_value x, double beta);
WEFT_API weft_value weft_clip(weft_graph *g, weft_value x, double low, double high);

/* y = x > 0 ? x : slope x, with a slope that is learned (He et al. 2015).
 *   x, y [n, c, d...]
 *   slope [1], or [c]: one for each channel
 * Fails: WEFT_ESHAPE.
 * ONNX: PRelu 9, between Transposes for [c] above rank 2. PyTorch: prelu. */
WEFT_API weft_value weft_prelu(weft_graph *g, weft_value x, weft_value slope);

/* Dropout (Srivastava et al. 2014): in a plan with `training`, 0 with probability p,
 * else x / (1 - p); in other plans y = x. Which elements: see weft_plan_random.
 *   x, y of the same shape
 * Fails: WEFT_ESHAPE: x holds integers; WEFT_EUSAGE: p outside 0 to 1. ONNX: Dropout
 * 13. PyTorch: dropout. */
WEFT_API weft_value weft_dropout(weft_graph *g, weft_value x, double p);

/* weft_add, weft_sub, weft_mul, weft_div: a + b, a - b, a b, a / b, element by element.
 *   a, b broadcast as in numpy: shapes are aligned at their last axes, a dimension of 1
 *     stands for any
 *   y: of each axis the larger dimension
 * Fails: WEFT_ESHAPE.
 * ONNX: Add, Sub, Mul, Div 14. */
WEFT_API weft_value weft_add(weft_graph *g, weft_value a, weft_value b);
WEFT_API weft_value weft_sub(weft_graph *g, weft_value a, weft_value b);
WEFT_API weft_value weft_mul(weft_graph *g, weft_value a, weft_value b);
WEFT_API weft_value weft_div(weft_graph *g, weft_value a, weft_value b);

/* ---- normalisation, softmax ---- */

/* Options of weft_batch_norm. */
typedef struct weft_batch_norm_opts {
    /* how far the running statistics move, 0 to 1, in PyTorch's sense (ONNX: 1 -
     * momentum); 0 means 0.1 */
    double momentum;
    double eps; /* 0 means 1e-5; rounded to float */
    bool fixed; /* running statistics are used, and left alone, in training too */
} weft_batch_norm_opts;

/* Batch normalisation (Ioffe and Szegedy 2015), for each channel.
 *   y = gamma (x - m) / sqrt(v + eps) + beta
 *   x, y [n, c] or [n, c, d...]
 *   gamma, beta [c]
 *   mean, var [c]: running statistics, made by weft_buffer
 * In a plan with `training`, m and v are the batch's mean and biased variance, and
 * the running ones move: mean = (1 - momentum) mean + momentum m; the same for var,
 * with the unbiased variance. In other plans m and v are the running ones. Fails:
 * WEFT_ESHAPE; WEFT_EUSAGE: momentum outside 0 to 1, eps not above 0. ONNX:
 * BatchNormalization 15. PyTorch: batch_norm. */
WEFT_API weft_value weft_batch_norm(weft_graph *g, weft_value x, weft_value gamma,
                                    weft_value beta, weft_value mean, weft_value var,
                                    const weft_batch_norm_opts *opts);

/* Layer normalisation (Ba et al. 2016): over the axes from `axis` to the last together.
 *   y = gamma (x - m) / sqrt(v + eps) + beta, v biased
 *   x, y: rank 1 or more
 *   gamma, beta: the shape of those axes, or WEFT_NONE
 *   eps 0 means 1e-5
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: eps below 0.
 * ONNX: LayerNormalization 17. PyTorch: layer_norm. */
WEFT_API weft_value weft_layer_norm(weft_graph *g, weft_value x, weft_value gamma,
                                    weft_value beta, int axis, double eps);

/* Group normalisation (Wu and He 2018): over each of `groups` groups of channels of
 * each sample. groups == c is instance normalisation.
 *   y = gamma (x - m) / sqrt(v + eps) + beta, v biased
 *   x, y [n, c] or [n, c, d...]
 *   gamma, beta [c], or WEFT_NONE
 *   eps 0 means 1e-5; rounded to float
 * Fails: WEFT_ESHAPE: groups below 1 or not a divisor of c; WEFT_EUSAGE: eps below
 * 0. ONNX: InstanceNormalization 6; for other groups between Reshapes, then Mul and
 * Add. PyTorch: group_norm. */
WEFT_API weft_value weft_group_norm(weft_graph *g, weft_value x, weft_value gamma,
                                    weft_value beta, int groups, double eps);

/* weft_softmax, weft_log_softmax: along one axis.
 *   y = exp(x) / sum of exp(x); y = x - log of the sum of exp(x)
 *   x, y of the same shape
 * Fails: WEFT_ESHAPE.
 * ONNX: Softmax 13, LogSoftmax 13. */
WEFT_API weft_value weft_softmax(weft_graph *g, weft_value x, int axis);
WEFT_API weft_value weft_log_softmax(weft_graph *g, weft_value x, int axis);

/* ---- shape ---- */

/* x[0], x[1], ... x[n-1] one after the other along an axis.
 *   x[i]: floats or integers; the same shape but for that axis
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: n below 1.
 * ONNX: Concat 13. PyTorch: cat. */
WEFT_API weft_value weft_concat(weft_graph *g, const weft_value *x, int n, int axis);

/* Cuts x, floats or integers, along an axis into n parts, out[0] to out[n-1]: of
 * sizes[i] elements, or equal ones where sizes is NULL. After a failure out[i] is
 * WEFT_NONE. Fails: WEFT_ESHAPE: the sizes do not add up, a part is empty;
 * WEFT_EUSAGE: n outside 1 to 64. ONNX: Split 13. PyTorch: split. */
WEFT_API void weft_split(weft_graph *g, weft_value x, int axis, int n, const int *sizes,
                         weft_value *out);

/* start, start + step, ... up to before end, along one axis, by Python's rules:
 * negative numbers count from the end, numbers outside are cut. INT_MAX as end means
 * to the end; with a negative step, INT_MIN means to the start. */
typedef struct weft_slice_range {
    int axis;       /* negative: counted from the last */
    int start, end; /* the first position, and the one to stop before */
    int step;       /* 0 means 1 */
} weft_slice_range;

/* y = x[range[0]][range[1]] ...: n ranges, of an axis each; other axes stay whole.
 * Fails: WEFT_ESHAPE: an axis named twice, a range that leaves nothing; WEFT_EUSAGE: n
 * outside 0 to WEFT_MAX_RANK.
 * ONNX: Slice 13. */
WEFT_API weft_value weft_slice(weft_graph *g, weft_value x, int n,
                               const weft_slice_range *range);

/* What weft_pad puts around x. */
typedef enum weft_pad_kind {
    WEFT_PAD_CONSTANT, /* value */
    WEFT_PAD_REFLECT,  /* x mirrored at its first and last element, which occur once */
    WEFT_PAD_EDGE      /* the first and last elements */
} weft_pad_kind;

/* Options of weft_pad. */
typedef struct weft_pad_opts {
    /* elements added at the start and at the end of each axis; below 0: cut off */
    int before[WEFT_MAX_RANK], after[WEFT_MAX_RANK];
    weft_pad_kind kind; /* 0 means WEFT_PAD_CONSTANT */
    double value;       /* WEFT_PAD_CONSTANT: what the new elements are */
} weft_pad_opts;

/* Adds elements at the ends of the axes of x, or cuts them.
 *   y: dimension d is x's + before[d] + after[d]
 * Fails: WEFT_ESHAPE: nothing left of an axis, or a reflection longer than it;
 * WEFT_EUSAGE: unknown kind.
 * ONNX: Pad 13. PyTorch: pad, with modes constant, reflect, replicate. */
WEFT_API weft_value weft_pad(weft_graph *g, weft_value x, const weft_pad_opts *opts);

/* The elements of x, floats or integers, in their order under another shape. One
 * dimension may be -1: what is left; 0 keeps x's dimension there (so {0, -1} keeps the
 * batch).
 * Fails: WEFT_ESHAPE: another number of elements; WEFT_EUSAGE: rank outside 0 to
 * WEFT_MAX_RANK.
 * ONNX: Reshape 13. PyTorch: reshape. */
WEFT_API weft_value weft_reshape(weft_graph *g, weft_value x, weft_shape shape);

/* x, floats or integers, as a matrix: the axes before `axis` make the rows, the others
 * the columns.
 *   x [d0, ..., dn], y [d0 ... d(axis-1), d(axis) ... dn]
 * Fails: WEFT_ESHAPE: axis outside -rank to rank.
 * ONNX: Flatten 13. */
WEFT_API weft_value weft_flatten(weft_graph *g, weft_value x, int axis);

/* Axis i of y is axis perm[i] of x, 0 or more; NULL turns the order of the axes round.
 * Fails: WEFT_ESHAPE: perm is no permutation.
 * ONNX: Transpose 13. PyTorch: permute. */
WEFT_API weft_value weft_transpose(weft_graph *g, weft_value x, const int *perm);

/* weft_squeeze: leaves n axes of x out, which must be 1; n 0: all that are 1 for every
 *   batch size.
 * weft_unsqueeze: adds dimensions of 1; the n axes are those of y.
 *   x: floats or integers
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: n outside 0 to WEFT_MAX_RANK.
 * ONNX: Squeeze 13, Unsqueeze 13. */
WEFT_API weft_value weft_squeeze(weft_graph *g, weft_value x, int n, const int *axis);
WEFT_API weft_value weft_unsqueeze(weft_graph *g, weft_value x, int n, const int *axis);

/* How weft_resize makes an element. */
typedef enum weft_resize_mode {
    WEFT_NEAREST, /* position i takes position floor(i * in / out) */
    WEFT_BILINEAR /* between two positions of each axis, by distance */
} weft_resize_mode;

/* Options of weft_resize. */
typedef struct weft_resize_opts {
    int size[2];           /* rows, columns of y; required */
    weft_resize_mode mode; /* 0 means WEFT_NEAREST */
    /* WEFT_BILINEAR: the centres of the corner elements stay; if not, position i shows
     * (i + 1/2) * in / out - 1/2 */
    bool align_corners;
} weft_resize_opts;

/* Scales the axes after the second.
 *   x [n, c, h, w] or [n, c, t]
 *   y [n, c, size[0], size[1]] or [n, c, size[0]]
 * Fails: WEFT_ESHAPE: a size below 1 or above 2^30.
 * ONNX: Resize 13. PyTorch: interpolate with nearest, bilinear, linear. */
WEFT_API weft_value weft_resize(weft_graph *g, weft_value x,
                                const weft_resize_opts *opts);

/* Channels become pixels (Shi et al. 2016).
 *   y[n, c, h*r + i, w*r + j] = x[n, (c*r + i)*r + j, h, w]
 *   x [n, c r r, h, w]
 *   y [n, c, h r, w r]
 * Fails: WEFT_ESHAPE: the channels are no multiple of r r, r below 1.
 * ONNX: DepthToSpace 13, mode CRD. PyTorch: pixel_shuffle. */
WEFT_API weft_value weft_pixel_shuffle(weft_graph *g, weft_value x, int r);

/* y = x, floats or integers: a second name for a value.
 * Fails: as every function here.
 * ONNX: Identity 1. */
WEFT_API weft_value weft_identity(weft_graph *g, weft_value x);

/* weft_reduce_mean, weft_reduce_sum, weft_reduce_max: over n axes, or all of them
 * where n is 0. weft_reduce_max: of equals the first gets the gradient; a NaN wins.
 *   y: the other axes; with keep the reduced ones stay as 1
 * Fails: WEFT_ESHAPE: an axis named twice; WEFT_EUSAGE: n outside 0 to
 * WEFT_MAX_RANK. ONNX: ReduceMean 13, ReduceSum 13, ReduceMax 13. PyTorch: mean,
 * sum, amax. */
WEFT_API weft_value weft_reduce_mean(weft_graph *g, weft_value x, int n, const int *axis,
                                     bool keep);
WEFT_API weft_value weft_reduce_sum(weft_graph *g, weft_value x, int n, const int *axis,
                                    bool keep);
WEFT_API weft_value weft_reduce_max(weft_graph *g, weft_value x, int n, const int *axis,
                                    bool keep);

/* ---- losses. For training: they have no ONNX form ---- */

/* What becomes of the losses of single elements. */
typedef enum weft_reduction {
    WEFT_MEAN, /* their mean, a scalar */
    WEFT_SUM,  /* their sum, a scalar */
    WEFT_EACH  /* all of them */
} weft_reduction;

/* Options of weft_cross_entropy. */
typedef struct weft_cross_entropy_opts {
    double smoothing;         /* of the targets, 0 to 1 */
    bool ignores;             /* rows with the label `ignore` count nothing */
    int ignore;               /* that label, if ignores is set */
    weft_reduction reduction; /* 0 means WEFT_MEAN */
} weft_cross_entropy_opts;

/* Cross entropy of a softmax, for each row (a sample, or one of its positions).
 *   l = - sum over k of weight[k] q[k] log softmax(x)[k]
 *   q[k] = (1 - smoothing) p[k] + smoothing / c
 *   x [n, c] or [n, c, d...]: logits
 *   target: integers [n] or [n, d...], p is 1 for that class and 0 for others; or
 *     floats
 *   of x's shape, p itself
 *   weight [c], or WEFT_NONE: 1
 *   y: a scalar, or l [n] or [n, d...] with WEFT_EACH
 *   *each: l, whatever the reduction. each may be NULL.
 * The mean of labels divides by the sum of the labels' weights (ignored rows left
 * out; 0 where none are left), that of probabilities by the number of rows. A label
 * outside 0 to c - 1 that is not ignored makes loss and gradient NaN. Fails:
 * WEFT_ESHAPE; WEFT_EUSAGE: smoothing outside 0 to 1, unknown reduction. ONNX: none.
 * PyTorch: cross_entropy. */
WEFT_API weft_value weft_cross_entropy(weft_graph *g, weft_value x, weft_value target,
                                       weft_value weight,
                                       const weft_cross_entropy_opts *opts,
                                       weft_value *each);

/* Losses of x and a target of the same shape; d = x - target. Both get gradients.
 *   weft_mse        d^2
 *   weft_l1         |d|, derivative 0 at 0
 *   weft_smooth_l1  d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; beta 0
 *     means 1
 *   y: a scalar, or x's shape with WEFT_EACH
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: unknown reduction, beta below 0. ONNX: none.
 * PyTorch: mse_loss, l1_loss, smooth_l1_loss. */
WEFT_API weft_value weft_mse(weft_graph *g, weft_value x, weft_value target,
                             weft_reduction r);
WEFT_API weft_value weft_l1(weft_graph *g, weft_value x, weft_value target,
                            weft_reduction r);
WEFT_API weft_value weft_smooth_l1(weft_graph *g, weft_value x, weft_value target,
                                   double beta, weft_reduction r);

/* Binary cross entropy of the logistic function s of x, computed without overflow.
 *   l = - weight (pos target log s(x) + (1 - target) log(1 - s(x)))
 *   x, target: the same shape
 *   weight, pos: broadcast to x's shape, or WEFT_NONE: 1
 *   y: a scalar, or x's shape with WEFT_EACH
 * Fails: WEFT_ESHAPE; WEFT_EUSAGE: unknown reduction.
 * ONNX: none. PyTorch: binary_cross_entropy_with_logits, pos its pos_weight. */
WEFT_API weft_value weft_bce_with_logits(weft_graph *g, weft_value x, weft_value target,
                                         weft_value weight, weft_value pos,
                                         weft_reduction r);

/* ---- the table of operators, for `weft ops` ---- */

/* One operator; static texts. */
typedef struct weft_op_info {
    const char *name;    /* "conv": with "weft_" in front the function's, mostly */
    const char *onnx;    /* NULL: no ONNX operator of its own */
    int onnx_since;      /* the opset whose form is read and written */
    const char *summary; /* one line: "y = max(x, 0)" */
    bool differentiable; /* it has a backward pass */
} weft_op_info;

/* weft_op_total: how many operators there are, the library's internal ones included.
 * weft_op_info_at: operator i, in alphabetical order; name NULL for an i out of
 * range. */
WEFT_API int weft_op_total(void);
WEFT_API weft_op_info weft_op_info_at(int i);

#ifdef __cplusplus
}
#endif
#endif
