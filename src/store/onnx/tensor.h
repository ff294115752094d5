/* tensor.h: tensors of an ONNX file: checked once, decoded when asked for. */
#ifndef WEFT_SRC_STORE_ONNX_TENSOR_H
#define WEFT_SRC_STORE_ONNX_TENSOR_H

#include "base/arena.h"
#include "store/onnx/pb.h"
#include "weft/graph.h"

#include <stdbool.h>

/* One number that was computed while reading. */
typedef union weft__onnx_cell {
    int64_t i;
    double d;
} weft__onnx_cell;

/* A tensor whose numbers are known: of the file, or computed while reading. */
typedef struct weft__onnx_tensor {
    weft_shape shape;
    size_t count;
    bool floats; /* floating point; otherwise integers (bool counts as such) */
    bool given;  /* there is one */
    int type;    /* PB_FLOAT ..: how the file has it */
    const void
        *data; /* its bytes, little-endian, elements of `size`; or NULL: see below */
    size_t size;
    const pb_tensor *typed;     /* numbers in float_data, int64_data ... */
    weft__onnx_cell *folded[2]; /* computed, for a batch of 1 and of 2 */
} weft__onnx_tensor;

/* Where tensors come from: the limits and the folder for external data. */
typedef struct weft__onnx_source {
    weft__arena *arena;
    size_t limit, used; /* bytes of all tensors together */
    const char *folder; /* of the model file; NULL: external data are refused */
    int converted;      /* tensors that were not float32 */
} weft__onnx_source;

/* Checks everything about p: type, dimensions, number of bytes; opens external data.
 * WEFT_EMODEL "tensor NAME: ...", WEFT_ENOMEM for the limit. */
weft_status weft__onnx_tensor_read(weft__onnx_source *src, const pb_tensor *p,
                                   const char *name, weft__onnx_tensor *out);
/* All elements as float32, of a tensor of floats; or as integers, of another one
 * (numbers beyond int64 are cut to its range). batch: 0 or 1, matters for computed
 * ones only. */
void weft__onnx_tensor_floats(const weft__onnx_tensor *t, int batch, float *out);
void weft__onnx_tensor_ints(const weft__onnx_tensor *t, int batch, int64_t *out);
/* The same numbers for any batch size. */
bool weft__onnx_tensor_steady(const weft__onnx_tensor *t);

/* Reads `length` bytes at `offset` of LOCATION within folder (length -1: to the end)
 * into the arena. Only regular files with one name, inside the folder, through no
 * links. */
weft_status weft__onnx_external(weft__onnx_source *src, const char *location,
                                int64_t offset, int64_t length, const void **data,
                                size_t *bytes);

#endif
