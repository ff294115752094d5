/* sequence.h: what operators on sequences of different lengths share.
 *
 * x is [n, t, ...] in plain order, one sample after another; lengths, integers [n],
 * say how many steps of each sample count. Work goes by sample and by what counts, so a
 * sample gives the same bits in any batch and with any padding. */
#ifndef WEFT_SRC_OPS_SEQUENCE_SEQUENCE_H
#define WEFT_SRC_OPS_SEQUENCE_SEQUENCE_H

#include "ops/common/sample.h"
#include "ops/common/window.h"

/* Checks in[i] as lengths of n samples; they may be absent. */
weft_status weft__seq_check(const weft__node *node, const weft__tensor *in, int i, int n);
/* Steps of a sample that count: low .. t, whatever lengths say; all when absent. */
static inline int weft__seq_valid(const weft__tensor *lengths, size_t sample, int t,
                                  int low)
{
    const int32_t *length = lengths->data;
    if (lengths->rank < 0 || !length || length[sample] > t) return t;
    return length[sample] < low ? low : length[sample];
}

/* max(1, (x + add) / stride + 1), rounded down, for every element of x, integers. Not
 * public. ONNX: Add, Div, Max. */
typedef struct weft__seq_length_attr {
    int add, stride;
} weft__seq_length_attr;
weft_value weft__seq_length(weft_graph *g, weft_value x, int add, int stride);
static inline int weft__seq_shorter(int length, int add, int stride)
{
    int64_t room = (int64_t)length + add;
    return room < 0 ? 1 : (int)(room / stride + 1);
}

/* What slides over the steps: convolution and pooling. */
typedef struct weft__seq_window {
    weft__window window; /* one axis; mode and ceil are part of the padding */
    int groups;
} weft__seq_window;
/* As the options say, defaults filled in. */
weft__window weft__seq_window_of(int kernel, int stride, int dilate, int pad, int pad_end,
                                 weft_pad_mode mode);
/* Over t steps; out is t' = max(1, ...). WEFT_EUSAGE or WEFT_ESHAPE. */
weft_status weft__seq_window_resolve(const weft__node *node, const weft__window *s, int t,
                                     weft__window_axis *axis);
/* What length' adds to length before it divides. */
static inline int weft__seq_add(const weft__window_axis *a)
{
    return a->before + a->after - a->dilate * (a->kernel - 1) - 1;
}
/* The lengths after it, for the node's next input: lengths themselves where they
 * stay as they are, or where the options are of no use, which the node's shape rule
 * will say. */
weft_value weft__seq_lengths_after(weft_graph *g, const weft__window *s,
                                   weft_value lengths);

/* As ONNX has it: zeros enough at the end for t' steps. */
weft__window_axis weft__seq_stretched(const weft__window_axis *a);

/* x [n, t, c], or of rank low .. high, and lengths or none. */
weft_value weft__seq_sample(weft_graph *g, weft__rng *rng, int low, int high,
                            weft_value *lengths);

/* ---- ONNX ---- */

/* The name of input x with `value` after the length that input i says: x itself when
 * there are no lengths. No node may be at hand. */
const char *weft__seq_masked(const weft__node *node, weft__onnx_writer *w, int x, int i,
                             double value);
/* The seq_mask with that value that computes v, or NULL. */
const weft__node *weft__seq_mask_of(const weft_graph *g, int v, double value);
/* Whether `to` is `from` or a seq_length of it with that stride; *add is what that one
 * adds before it divides. */
bool weft__seq_length_between(const weft_graph *g, int from, int to, int stride,
                              int *add);
/* Whether last, a mask of 0, ends the group that weft__seq_window_to_onnx writes,
 * with operator `middle` as the one that slides and `value` in the first mask. The
 * node in the middle and *first, that mask; or NULL. */
const weft__node *weft__seq_middle(const weft_graph *g, const weft__node *last,
                                   const char *middle, double value,
                                   const weft__node **first);
/* How window s, in the middle, slides over each sample by itself. False: it does
 * not. */
bool weft__seq_window_alone(const weft_graph *g, const weft__node *first,
                            const weft__node *last, const weft__window *s,
                            weft__seq_window *out);
/* Writes a sliding operator whole: x masked with `value`, transposed, the node of that
 * type with inputs 1 .. more, transposed back, masked. Input i has the lengths, i + 1
 * those after. */
void weft__seq_window_to_onnx(const weft__node *node, weft__onnx_writer *w,
                              const char *type, int more, int i, double value);

#endif
