/* recurrent_onnx.h: what RNN, GRU and LSTM share in ONNX files.
 *
 * There x is [t, n, i], y [t, d, n, h], and states are [d, n, h] (layout 0); so
 * transposes stand before and after, which the reader takes away again. */
#ifndef WEFT_SRC_OPS_RECURRENT_RECURRENT_ONNX_H
#define WEFT_SRC_OPS_RECURRENT_RECURRENT_ONNX_H

#include "ops/onnx.h"
#include "ops/common/shared.h"

/* Writes what stands before the node, and its inputs and direction. The caller adds
 * attributes, then ends it. */
void weft__rnn_to_onnx(const weft__node *node, weft__onnx_writer *w, const char *type);
void weft__rnn_to_onnx_end(const weft__node *node, weft__onnx_writer *w);

typedef struct weft__rnn_read {
    weft_value x;
    weft_rnn_in in;
    weft_rnn_opts opts;
    int dirs, hidden;
    bool batch_first;
    weft_value y, h, c; /* the caller sets them */
} weft__rnn_read;

/* Reads inputs and the common attributes. activation: the names that a direction must
 * have when it has any. */
weft_status weft__rnn_from_onnx(weft__onnx_node *n, weft__rnn_read *read,
                                const char *const *activation, int activations);
weft_status weft__rnn_from_onnx_end(weft__onnx_node *n, weft__rnn_read *read);

#endif
