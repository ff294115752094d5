/* own.h: what a graph knows and ONNX has no place for, as metadata of the file. */
#ifndef WEFT_SRC_STORE_ONNX_OWN_H
#define WEFT_SRC_STORE_ONNX_OWN_H

#include "store/onnx/read.h"
#include "store/onnx/write.h"

/* Reading: marks buffers and frozen parameters; the limit of an integer input. */
void weft__onnx_own_marks(weft__onnx_reader *r);
void weft__onnx_own_read_notes(weft__onnx_reader *r);
/* The note of that key for the node's first output; -1: none. */
int weft__onnx_own_note_of(const weft__onnx_node *n, const char *key);
int weft__onnx_own_limit(const weft__onnx_reader *r, const char *input);

/* Writing: adds the entries for these inputs and parameters of g, where
 * needed[value]. */
weft_status weft__onnx_own_write(const weft_graph *g, const bool *needed, weft_meta *to);

/* The notes of the writer, given with the last one first. */
weft_status weft__onnx_own_notes(weft__onnx_noted *last, weft_meta *to);

#endif
