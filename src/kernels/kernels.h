/* kernels.h: every arithmetic kernel: its signature, what it computes, and how to
 * get the set of them.
 *
 * Kernels work on dense arrays of `real` (float; double in the f64 dialect that
 * serves gradient checks). Pictures and sequences are channels-last: x[n][h][w][c];
 * a sequence has h = 1. Nothing here allocates: a kernel that needs working memory
 * has a companion NAME_scratch that says how many bytes (for the current number of
 * threads). Every result depends on the arguments and the instruction set only,
 * never on the number of threads. Kernels marked (threads) share their work among
 * the pool by themselves; the others run in the caller, over the part that it hands
 * them. */
#ifndef WEFT_SRC_KERNELS_KERNELS_H
#define WEFT_SRC_KERNELS_KERNELS_H

#include "base/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef WEFT_F64
typedef double real;
/* The types that hold `real` have names of their own in this build. */
#define weft__affine weft__affine_f64
#define weft__relu_gate weft__relu_gate_f64
#define weft__gemm_tn weft__turned_f64
#define weft__gemm_prepacked weft__packed_f64
#define weft__cell weft__cell_f64
#define weft__kernels weft__kernels_f64
#else
typedef float real;
#endif

/* An activation that a product may apply to its result before storing it; alpha and
 * beta as in the operator of the same name. */
typedef enum weft__act {
    WEFT_ACT_NONE,
    WEFT_ACT_RELU,
    WEFT_ACT_LEAKY_RELU,
    WEFT_ACT_ELU,
    WEFT_ACT_GELU,
    WEFT_ACT_GELU_TANH,
    WEFT_ACT_SILU,
    WEFT_ACT_HARD_SWISH,
    WEFT_ACT_HARD_SIGMOID,
    WEFT_ACT_SIGMOID,
    WEFT_ACT_TANH,
    WEFT_ACT_SOFTPLUS,
    WEFT_ACT_SELU,
    WEFT_ACT_CLIP,
    WEFT_ACT_CELU,
    WEFT_ACT_MISH,
    WEFT_ACT_SOFTSIGN,
    WEFT_ACT_LOG_SIGMOID,
    WEFT_ACT_COUNT
} weft__act;

typedef struct weft__epilogue {
    weft__act act;
    double alpha, beta;
} weft__epilogue;

/* C[m][n] = op(A) op(B) (+ C when accumulate) (+ bias[n]) then the epilogue. op(A)
 * is m x k: A is stored [m][lda] or, with ta, [k][lda]. op(B) is k x n: B is stored
 * [k][ldb] or, with tb, [n][ldb]. */
typedef struct weft__gemm {
    int m, n, k;
    int lda, ldb, ldc;
    bool ta, tb, accumulate;
    bool prepacked; /* B is what gemm_prepack made of it; not with ta or tb */
    weft__epilogue epilogue;
} weft__gemm;

/* The geometry of a convolution. x[n][h][w][c], w[kh][kw][c/groups][o],
 * y[n][oh][ow][o]; group i reads channels i*c/groups.. and writes outputs
 * i*o/groups.. */
typedef struct weft__conv {
    int n, h, w, c;
    int oh, ow, o;
    int kh, kw;
    int stride_h, stride_w, dilate_h, dilate_w;
    int top, left; /* zeros before; what lies beyond the end is zero too */
    int groups;
    /* y, or the dx of conv_bwd_data, is added to what is there, before the epilogue */
    bool accumulate;
    bool exact;     /* plain sums of products: no Winograd */
    bool prepacked; /* w is what conv_prepack made of it */
} weft__conv;

/* y[r][o] = sum over taps i and channels of x[r + i][c] w[i][c][o], for r < rows, a
 * multiple of conv1d_tile; x has rows + taps - 1 rows. */
typedef struct weft__conv1d {
    int rows, c, o, taps;
    bool prepacked; /* w is what conv1d_prepack made of it */
} weft__conv1d;

/* y = (x - centre[c]) * scale[c] + shift[c] + residual; centre and residual (of y's
 * size) may be NULL. */
typedef struct weft__affine {
    const real *scale, *shift, *mean, *residual;
} weft__affine;

/* Where a relu after a batch norm lets the gradient through: where its result y is
 * above 0, or, without y, where x * scale[c] + shift[c] is; everywhere without
 * either. masked_dy, unless NULL, receives what is let through; it may be dy. */
typedef struct weft__relu_gate {
    const real *y, *scale, *shift;
    real *masked_dy;
} weft__relu_gate;

typedef struct weft__pool {
    int n, h, w, c;
    int oh, ow;
    int kh, kw;
    int stride_h, stride_w, dilate_h, dilate_w;
    int top, left, bottom, right;
    bool count_pad; /* averages divide by the window clipped to the padded picture, not to
                       the picture */
} weft__pool;

/* C[m][n] = A' B (+ C when accumulate): A [k][lda], B [k][ldb]. */
typedef struct weft__gemm_tn {
    int m, n, k;
    const real *a, *b;
    real *c;
    ptrdiff_t lda, ldb, ldc;
    bool accumulate;
} weft__gemm_tn;

/* C[rows][n] = A[rows][k] B (+ C when accumulate) (+ bias[n]). b is the first of B's
 * panels at the first of k rows; panel: elements from one to the next. */
typedef struct weft__gemm_prepacked {
    int rows, k, n;
    const real *a, *b, *bias;
    real *c;
    ptrdiff_t lda, ldc, panel;
    bool accumulate;
} weft__gemm_prepacked;

/* One step of a recurrent layer for some rows. gate comes with the input's sums, gates
 * one after another, `units` each, in ONNX's order: GRU z r h, LSTM i o f c. */
typedef struct weft__cell {
    int rows, units;
    ptrdiff_t pitch, gate_pitch; /* of a row of states; of gate */
    const real *weights;         /* packed, of the gates of this call */
    const real *state;           /* what they multiply */
    const real *h;               /* the state before; out may not be in its place */
    real *out;                   /* the state after */
    real *gate;                  /* leaves with the gates' values when keep is set */
    real *inner;      /* receives, if not NULL: reset after, the state's sum for h */
    const real *c;    /* LSTM: the cells before */
    real *out_c;      /* and after; may be c */
    const real *peep; /* [3 units], i o f, or NULL */
    weft__act act;    /* of rnn_step: RELU or TANH */
    bool training;    /* a backward will follow */
} weft__cell;

/* name, arguments. Grouped by the file that defines them. */
#define WEFT_KERNELS(X) \
    /* elementwise.c: y[i] = f(x[i]); backward: dx[i] = dy[i] f'(x[i]), given x and y.   \
     * In place (y == x, dx == dy) is allowed. activate() takes any weft__act. */ \
    X(void, activate, (real * y, const real *x, size_t n, const weft__epilogue *e)) \
    X(void, activate_backward, \
      (real * dx, const real *dy, const real *x, const real *y, size_t n, \
       const weft__epilogue *e)) \
    X(void, exp, (real * y, const real *x, size_t n)) \
    X(void, log, (real * y, const real *x, size_t n)) \
    X(void, sqrt, (real * y, const real *x, size_t n)) \
    X(void, erf, (real * y, const real *x, size_t n)) \
    /* y[i] = a[i*sa] OP b[i*sb]; sa and sb are 0 or 1 */ \
    X(void, add, (real * y, const real *a, const real *b, size_t n, int sa, int sb)) \
    X(void, sub, (real * y, const real *a, const real *b, size_t n, int sa, int sb)) \
    X(void, mul, (real * y, const real *a, const real *b, size_t n, int sa, int sb)) \
    X(void, div, (real * y, const real *a, const real *b, size_t n, int sa, int sb)) \
    X(void, max, (real * y, const real *a, const real *b, size_t n, int sa, int sb)) \
    X(void, min, (real * y, const real *a, const real *b, size_t n, int sa, int sb)) \
    X(void, axpy, (real * y, const real *x, size_t n, real a)) /* y += a x */ \
    X(void, axpby, \
      (real * y, const real *x, size_t n, real a, real b)) /* y = a x + b y */ \
    X(void, scale, \
      (real * y, const real *x, size_t n, real a, real b)) /* y = a x + b */ \
    X(void, mul_acc, (real * y, const real *a, const real *b, size_t n)) /* y += a b */ \
    /* dropout: y = keep(i) ? x / (1 - p) : 0, keep from Philox (key, counter0 + i); the \
     * same call on dy is the backward */ \
    X(void, dropout, \
      (real * y, const real *x, size_t n, real p, uint64_t key, uint64_t stream, \
       uint64_t first)) \
    X(void, from_u8, \
      (real * y, const unsigned char *x, size_t n, real a, real b)) /* a x + b */ \
    /* reduce.c: sums run over a fixed tree (pairwise over blocks) */ \
    X(double, sum, (const real *x, size_t n)) \
    X(double, sum_squares, (const real *x, size_t n)) \
    X(double, dot, (const real *a, const real *b, size_t n)) \
    X(real, reduce_max, (const real *x, size_t n)) \
    X(bool, all_finite, (const real *x, size_t n)) \
    /* y[j] = sum over i of x[i][j] (threads); scratch is sum_rows_scratch(rows, cols)   \
     * bytes */ \
    X(size_t, sum_rows_scratch, (size_t rows, size_t cols)) \
    X(void, sum_rows, \
      (real * y, const real *x, size_t rows, size_t cols, void *scratch)) \
    /* y[c][r] = x[r][c] */ \
    X(void, transpose, \
      (real * y, const real *x, size_t rows, size_t cols, size_t ldy, size_t ldx)) \
    /* softmax.c: over rows of cols contiguous elements */ \
    X(void, softmax, (real * y, const real *x, size_t rows, size_t cols)) \
    X(void, softmax_backward, \
      (real * dx, const real *dy, const real *y, size_t rows, size_t cols)) \
    X(void, log_softmax, (real * y, const real *x, size_t rows, size_t cols)) \
    X(void, log_softmax_backward, \
      (real * dx, const real *dy, const real *y, size_t rows, size_t cols)) \
    /* batch_norm.c: x is [rows][c]. Moments are taken about a shifted origin, so that a \
     * mean of 1000 with standard deviation 1 loses nothing; var is the biased variance,
     * rest \ (NULL: not wanted) what the rounded mean lacks. (threads) */ \
    X(size_t, moments_scratch, (size_t rows, size_t c)) \
    X(void, moments, \
      (real * mean, real * rest, real * var, const real *x, size_t rows, size_t c, \
       void *scratch)) \
    /* then the epilogue. y may be x or the residual. (threads) */ \
    X(void, channel_affine, \
      (real * y, const real *x, const weft__affine *a, size_t rows, size_t c, \
       const weft__epilogue *e)) \
    /* dbeta[c] = sum dy, dgamma[c] = sum dy * (x - mean) * rstd, of the dy that the     \
     * gate (NULL: none) lets through. (threads) */ \
    X(size_t, batch_norm_sums_scratch, (size_t rows, size_t c)) \
    X(void, batch_norm_sums, \
      (real * dgamma, real * dbeta, const real *dy, const real *x, const real *mean, \
       const real *rstd, size_t rows, size_t c, const weft__relu_gate *g, \
       void *scratch)) \
    /* dx = gamma rstd (dy - dbeta/rows - xhat dgamma/rows); with fixed statistics dx =  \
     * gamma rstd dy. The gate, if any, goes by scale and shift. dx may be dy. (threads) \
     */ \
    X(void, batch_norm_data, \
      (real * dx, const real *dy, const real *x, const real *gamma, const real *mean, \
       const real *rstd, const real *dgamma, const real *dbeta, size_t rows, size_t c, \
       bool fixed, const weft__relu_gate *g)) \
    /* norm.c: each row is normalised by itself; mean and rstd are [rows], gamma and     \
     * beta [cols] or NULL */ \
    X(void, layer_norm, \
      (real * y, real * mean, real * rstd, const real *x, const real *gamma, \
       const real *beta, size_t rows, size_t cols, real eps)) \
    X(void, layer_norm_backward, \
      (real * dx, const real *dy, const real *x, const real *gamma, const real *mean, \
       const real *rstd, size_t rows, size_t cols)) \
    /* max_pool.c, avg_pool.c (threads): index receives, or is, the winning input        \
     * position h*w per output element; NULL when no backward will follow. Ties: the     \
     * first in row-major order wins. Backward writes all of dx. */ \
    X(void, max_pool, \
      (const weft__pool *p, real *y, const real *x, int32_t *index, \
       const weft__epilogue *e)) \
    X(void, max_pool_backward, \
      (const weft__pool *p, real *dx, const real *dy, const int32_t *index)) \
    X(void, avg_pool, (const weft__pool *p, real *y, const real *x)) \
    X(void, avg_pool_backward, (const weft__pool *p, real *dx, const real *dy)) \
    /* gemm.c, conv.c (threads): bias may be NULL. Backwards write all of dx, all of dw. \
 */ \
    X(size_t, gemm_scratch, (const weft__gemm *g)) \
    X(void, gemm, \
      (const weft__gemm *g, real *c, const real *a, const real *b, const real *bias, \
       void *scratch)) \
    /* What products and convolutions make of their weights before anything else, to be  \
     * kept while these do not change. _kept: elements; 0: w is used as it is. */ \
    X(size_t, gemm_prepacked_size, (const weft__gemm *g)) \
    X(void, gemm_prepack, (const weft__gemm *g, real *to, const real *b)) \
    X(size_t, conv_prepacked_size, (const weft__conv *s)) \
    X(void, conv_prepack, (const weft__conv *s, real *to, const real *w)) \
    X(size_t, conv_scratch, (const weft__conv *s)) \
    X(void, conv, \
      (const weft__conv *s, real *y, const real *x, const real *w, const real *bias, \
       const weft__epilogue *e, void *scratch)) \
    X(size_t, conv_bwd_data_scratch, (const weft__conv *s)) \
    X(void, conv_bwd_data, \
      (const weft__conv *s, real *dx, const real *dy, const real *w, void *scratch)) \
    X(size_t, conv_bwd_weights_scratch, (const weft__conv *s)) \
    X(void, conv_bwd_weights, \
      (const weft__conv *s, real *dw, const real *dy, const real *x, void *scratch)) \
    /* winograd_1d.c (threads): convolutions over time by Winograd's transforms. \
     * conv1d_tile: windows that are computed together; 0: plain products are taken. */ \
    X(int, conv1d_tile, (int c, int o, int taps)) \
    X(size_t, conv1d_prepacked_size, (const weft__conv1d *s)) \
    X(void, conv1d_prepack, (const weft__conv1d *s, real *to, const real *w)) \
    X(size_t, conv1d_scratch, (const weft__conv1d *s)) \
    X(void, conv1d, \
      (const weft__conv1d *s, real *y, const real *x, const real *w, const real *bias, \
       const weft__epilogue *e, void *scratch)) \
    X(size_t, conv1d_bwd_weights_scratch, (const weft__conv1d *s)) \
    X(void, conv1d_bwd_weights, \
      (const weft__conv1d *s, real *dw, const real *dy, const real *x, void *scratch)) \
    /* optimizer.c: one pass over a slab of n parameters p with gradients g, scaled by   \
     * gscale first. decay is added to the gradient (L2), or with decoupled taken off p  \
     * directly. The numbers are double so that 1 - beta2 keeps its digits. sgd without  \
     * momentum: velocity may be NULL. rmsprop: mean != NULL centres, velocity != NULL   \
     * has momentum. */ \
    X(void, sgd, \
      (real * p, const real *g, real *velocity, size_t n, double lr, double momentum, \
       double dampening, double decay, bool nesterov, bool first, double gscale)) \
    X(void, adam, \
      (real * p, const real *g, real *m, real *v, size_t n, double lr, double beta1, \
       double beta2, double eps, double decay, bool decoupled, double correct1, \
       double correct2, double gscale)) \
    X(void, rmsprop, \
      (real * p, const real *g, real *square, real *mean, real *velocity, size_t n, \
       double lr, double alpha, double eps, double decay, double momentum, \
       double gscale)) \
    X(void, clamp, (real * x, size_t n, real low, real high)) \
    /* prepacked.c: products whose second operand was packed: panels of columns, each \
     * panel_size(k) elements. pack: panels first .. last-1 of b [k][ld] or, transposed, \
     * [n][ld]. In the caller's thread. */ \
    X(size_t, panels, (int n)) \
    X(size_t, panel_size, (int k)) \
    X(void, pack, \
      (real * to, const real *b, int k, int n, ptrdiff_t ld, bool transposed, int first, \
       int last)) \
    X(void, gemm_prepacked, (const weft__gemm_prepacked *p)) \
    /* In the caller's thread. */ \
    X(void, gemm_tn_serial, (const weft__gemm_tn *t)) \
    /* cell.c: one step of a recurrent layer for some rows: the product with the state, \
     * and what gates make of it. The weights r [gates units][k] are packed by blocks \
     * of units with their bias [gates units] (or NULL), each cell_size elements. */ \
    X(size_t, cell_blocks, (int units)) \
    X(size_t, cell_size, (int k, int gates)) \
    X(void, cell_pack, \
      (real * to, const real *r, const real *bias, int k, int units, int gates, \
       int first, int last)) \
    X(void, rnn_step, (const weft__cell *s)) \
    X(void, gru_step, (const weft__cell *s)) \
    /* reset before: z, r and out = r h; then the product with it, and the new state */ \
    X(void, gru_reset_gate, (const weft__cell *s)) \
    X(void, gru_candidate, (const weft__cell *s)) \
    X(void, lstm_step, (const weft__cell *s)) \
    /* cell_bwd.c: the way back for one row, n units. gate comes with the gates' values
     * and \ leaves with their deltas; dh comes with the gradient of the new state and
     * leaves \ with what reaches the old one h directly. GRU, gates z r h, reset after:
     * inner \ comes with the state's sum for h and leaves with its delta. */ \
    X(void, gru_step_bwd, \
      (real * gate, real * inner, real * dh, const real *h, size_t n)) \
    /* Reset before: h's and z's deltas; then, inner having the gradient of r h, r's. */ \
    X(void, gru_candidate_bwd, (real * gate, real * dh, const real *h, size_t n)) \
    X(void, gru_reset_gate_bwd, \
      (real * gate, real * dh, const real *inner, const real *h, size_t n)) \
    /* LSTM, gates i o f c; c: cells before. peep (i o f) may be NULL; dpeep is added \
     * to. dc comes with the gradient of the new cells and leaves with that of c. */ \
    X(void, lstm_step_bwd, \
      (real * gate, const real *peep, real *dpeep, const real *c, const real *dh, \
       real *dc, size_t n))

typedef struct weft__kernels {
    const char *isa;
    const void *exact; /* the same set for exact convolutions; NULL in that one */
#define WEFT_KERNEL_FIELD(type, name, args) type(*name) args;
    WEFT_KERNELS(WEFT_KERNEL_FIELD)
#undef WEFT_KERNEL_FIELD
} weft__kernels;

/* Inside kernels/: KERNEL(relu) is weft_relu_f32__avx2 in the avx2 build. */
#ifdef WEFT_ISA
#define WEFT_PASTE3(a, b, c) a##b##c
#define WEFT_PASTE(a, b, c) WEFT_PASTE3(a, b, c)
#ifdef WEFT_F64
#define KERNEL(name) WEFT_PASTE(weft_##name##_f64, __, WEFT_ISA)
#else
#define KERNEL(name) WEFT_PASTE(weft_##name##_f32, __, WEFT_ISA)
#endif
#define WEFT_KERNEL_DECLARE(type, name, args) type KERNEL(name) args;
WEFT_KERNELS(WEFT_KERNEL_DECLARE)
#undef WEFT_KERNEL_DECLARE
#endif

/* The sets: the weft__kernels of the chosen ISA, or with f64 the weft__kernels_f64,
 * which is a type of the other build. */
const void *weft__kernels_chosen(bool f64);
/* The set in which `exact` is NULL, given this one of float: operators then ask for
 * exact convolutions. */
const void *weft__kernels_exact(const void *set);
/* The float set of one ISA, or NULL when it is not built in or does not run here. */
const void *weft__kernels_of(weft__isa isa);

#endif
