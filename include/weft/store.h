/* weft/store.h: a network in an ONNX file, and the facts that travel with it. */
#ifndef WEFT_STORE_H
#define WEFT_STORE_H

#include "weft/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- metadata ---- */

/* Texts by key: the metadata_props of an ONNX file, such as "names", "task", "imgsz".
 * Keys are unique and stay in the order they were added. Those that begin with
 * "weft.graph." are the library's own: files do not take them from here. */
typedef struct weft_meta weft_meta;

/* An empty set. Returns NULL when out of memory.
 * The caller's: weft_meta_free. */
WEFT_API weft_meta *weft_meta_new(void);

/* Frees it, and every text that weft_meta_get and weft_meta_key returned. */
WEFT_API void weft_meta_free(weft_meta *m);

/* Sets key to value; both are copied. A key that is there keeps its place.
 * Fails: WEFT_EUSAGE: key is NULL or empty, value is NULL, one of them is not UTF-8;
 * WEFT_ENOMEM. */
WEFT_API weft_status weft_meta_set(weft_meta *m, const char *key, const char *value);

/* The value of key; NULL when there is none, or m is NULL. Belongs to m, valid until
 * the key is set again. */
WEFT_API const char *weft_meta_get(const weft_meta *m, const char *key);

/* weft_meta_count: how many keys there are; 0 when m is NULL. weft_meta_key: key i,
 * which belongs to m; NULL for an i out of range. */
WEFT_API int weft_meta_count(const weft_meta *m);
WEFT_API const char *weft_meta_key(const weft_meta *m, int i);

/* ---- ONNX ---- */

/* Writes the graph's outputs, and all that they need, to an ONNX file (IR version 8,
 * opset 17; numbers as float32, integer inputs as int64), with meta, which may be
 * NULL. Where a dimension is the batch it is called "batch". The file is replaced as
 * a whole: after a failure the old one is still there. Fails: WEFT_EMODEL: an
 * operator without an ONNX form (losses); WEFT_EUSAGE: no output is declared, or a
 * build without ONNX; WEFT_EIO; WEFT_ENOMEM, also above 2 GiB; or with the graph's
 * own status. */
WEFT_API weft_status weft_onnx_save(const weft_graph *g, const weft_meta *meta,
                                    const char *path);

/* Options of weft_onnx_load and weft_onnx_parse. */
typedef struct weft_onnx_load_opts {
    /* of the file, of all tensors together, and of any one value at batch 1; 0 means 2
     * GiB */
    size_t max_bytes;
    bool use_double; /* the graph computes in double precision */
    /* weft_onnx_load: tensors may lie in other files of the model's folder */
    bool allow_external;
} weft_onnx_load_opts;

/* Reads an ONNX file (IR version 3 to 13, opset 7 to 25) of this or another tool
 * into a new graph with its outputs declared. The file is not trusted. What is odd
 * but harmless is warned of on stderr. Fails: WEFT_EMODEL: not a model, or one with
 * something unknown or unsupported; the message names the node, tensor or byte;
 * WEFT_ENOMEM, also above max_bytes; WEFT_EIO; WEFT_EUSAGE: a build without ONNX.
 * *out is the caller's: weft_graph_free. So is *out_meta, the file's metadata:
 * weft_meta_free; out_meta may be NULL. */
WEFT_API weft_status weft_onnx_load(const char *path, const weft_onnx_load_opts *opts,
                                    weft_graph **out, weft_meta **out_meta);

/* The same from data[bytes] in memory, which is not needed afterwards; tensors in other
 * files are refused.
 * Fails: as weft_onnx_load, but WEFT_EIO.
 * *out is the caller's: weft_graph_free. So is *out_meta: weft_meta_free. */
WEFT_API weft_status weft_onnx_parse(const void *data, size_t bytes,
                                     const weft_onnx_load_opts *opts, weft_graph **out,
                                     weft_meta **out_meta);

/* ---- from one graph to another ---- */

/* Copies every parameter and buffer of `from` to the one of the same name and shape
 * in `to`. *copied receives how many of `to` were set, *left how many were not; both
 * may be NULL. Fails: WEFT_ENOMEM, or with the status of `to`; some may have been
 * copied then. */
WEFT_API weft_status weft_params_copy(weft_graph *to, const weft_graph *from, int *copied,
                                      int *left);

#ifdef __cplusplus
}
#endif
#endif
