/* weft/store.h: a model in a file (ONNX), and what goes with it. */
#ifndef WEFT_STORE_H
#define WEFT_STORE_H

#include "weft/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Text facts by name that travel in the model file's metadata: "names", "task", "imgsz",
 * ... and ours under "weft.". Keys are unique; order is kept. */
typedef struct weft_meta weft_meta;
WEFT_API weft_meta *weft_meta_new(void); /* NULL when out of memory */
WEFT_API void weft_meta_free(weft_meta *m);
WEFT_API weft_status weft_meta_set(weft_meta *m, const char *key, const char *value);
WEFT_API const char *weft_meta_get(const weft_meta *m,
                                   const char *key); /* NULL when absent */
WEFT_API int weft_meta_count(const weft_meta *m);
WEFT_API const char *weft_meta_key(const weft_meta *m, int i);

/* Writes the graph's outputs and all that they need as an ONNX model (opset 17),
 * atomically. The first dimension of inputs that stand for a batch becomes the symbol
 * "batch". meta may be NULL. Fails with WEFT_EIO, or WEFT_EMODEL when an operator has no
 * ONNX form. */
WEFT_API weft_status weft_model_save(const weft_graph *g, const weft_meta *meta,
                                     const char *path);

typedef struct weft_load_opts {
    size_t max_bytes;    /* of the file and of all tensors together; 0 means 2 GiB */
    bool use_double;     /* the graph computes in double precision */
    bool allow_external; /* tensors in other files of the model's own folder */
} weft_load_opts;
/* Reads an ONNX model into a fresh graph with its outputs declared: yours,
 * weft_graph_free; and its metadata (out_meta may be NULL): weft_meta_free. The file is
 * not trusted. Fails with WEFT_EMODEL (one line that names the node, tensor or byte),
 * WEFT_ENOMEM (limits), WEFT_EIO. */
WEFT_API weft_status weft_model_load(const char *path, const weft_load_opts *opts,
                                     weft_graph **out, weft_meta **out_meta);
/* The same from memory; external tensors are refused. */
WEFT_API weft_status weft_model_parse(const void *data, size_t bytes,
                                      const weft_load_opts *opts, weft_graph **out,
                                      weft_meta **out_meta);

/* Copies every parameter and buffer of `from` into the one of the same name and shape in
 * `to`. *copied and *left (may be NULL) count those that found a twin and those of `to`
 * that did not. */
WEFT_API weft_status weft_params_copy(weft_graph *to, const weft_graph *from, int *copied,
                                      int *left);

#ifdef __cplusplus
}
#endif
#endif
