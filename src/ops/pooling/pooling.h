/* pooling.h: what the pooling operators share. */
#ifndef WEFT_SRC_OPS_POOLING_POOLING_H
#define WEFT_SRC_OPS_POOLING_POOLING_H

#include "ops/common/window.h"

typedef struct weft__pooling {
    weft__window window;
    bool exclude_pad;
} weft__pooling;

/* Adds a max_pool or avg_pool node with the defaults filled in. */
weft_value weft__pooling_add(weft_graph *g, const char *op, weft_value x,
                             const weft_pool_opts *opts);
/* Checks x and the options; a window in the padding alone fails unless `empty` windows
 * have a value. */
weft_status weft__pooling_resolve(const weft__node *node, const weft__tensor *x,
                                  bool empty, weft__window_axis axis[2]);
/* prepare: a weft__pool, the kernels' geometry. */
weft_status weft__pooling_prepare(const weft__setup *s);
/* The same for one window over each whole picture of x, [n, c, d...]. */
weft_status weft__pooling_global_prepare(const weft__setup *s);
/* Checks x, [n, c, d...], and makes y [n, c, 1...]. */
weft_status weft__pooling_global_shape(const weft__node *node, const weft__tensor *in,
                                       weft__tensor *out);
/* memory: saved, the position of each maximum in its picture. */
void weft__pooling_index_memory(const weft__setup *s, weft__memory *m);
/* in[0] and out[0] channels-last. */
void weft__pooling_describe(const weft__node *node, char *text, size_t size);
double weft__pooling_flops(const weft__node *node, const weft__tensor *in,
                           const weft__tensor *out);
double weft__pooling_global_flops(const weft__node *node, const weft__tensor *in,
                                  const weft__tensor *out);

void weft__pooling_to_onnx(const weft__node *node, weft__onnx_writer *w, bool dilations);
/* Reads the options of MaxPool or AveragePool. WEFT_EMODEL. */
weft_status weft__pooling_from_onnx(weft__onnx_node *n, weft_pool_opts *opts);
weft_value weft__pooling_sample(weft_graph *g, weft__rng *rng, bool dilations,
                                weft_pool_opts *opts);
weft_value weft__pooling_global_sample(weft_graph *g, weft__rng *rng);

/* ---- adaptive pooling ---- */

typedef struct weft__adaptive {
    int rows, columns; /* of y */
} weft__adaptive;

/* Window i of `out` over `size` positions: begin .. end-1. */
static inline int weft__adaptive_begin(int i, int size, int out)
{
    return (int)((int64_t)i * size / out);
}

static inline int weft__adaptive_end(int i, int size, int out)
{
    return (int)(((int64_t)(i + 1) * size + out - 1) / out);
}

/* Pictures of x and y: x [n][h][w][c], y [n][oh][ow][c]. */
typedef struct weft__adaptive_sizes {
    int n, h, w, c, oh, ow;
    bool even;       /* all windows are equal, */
    weft__pool pool; /* and this one does the same */
} weft__adaptive_sizes;

/* A window of the picture: top .. bottom-1 by left .. right-1. */
typedef struct weft__adaptive_window {
    int top, bottom, left, right;
} weft__adaptive_window;

/* The window that pixel p of y, counted through all pictures, looks at. */
static inline weft__adaptive_window weft__adaptive_at(const weft__adaptive_sizes *z,
                                                      size_t p)
{
    int i = (int)(p / (size_t)z->ow % (size_t)z->oh), j = (int)(p % (size_t)z->ow);
    return (weft__adaptive_window){
        weft__adaptive_begin(i, z->h, z->oh), weft__adaptive_end(i, z->h, z->oh),
        weft__adaptive_begin(j, z->w, z->ow), weft__adaptive_end(j, z->w, z->ow)};
}

weft_value weft__adaptive_add(weft_graph *g, const char *op, weft_value x, int rows,
                              int columns);
weft_status weft__adaptive_shape(const weft__node *node, const weft__tensor *in,
                                 weft__tensor *out);
/* prepare: a weft__adaptive_sizes. */
weft_status weft__adaptive_prepare(const weft__setup *s);
void weft__adaptive_describe(const weft__node *node, char *text, size_t size);
void weft__adaptive_to_onnx(weft__onnx_writer *w, const char *op_type);
weft_value weft__adaptive_sample(weft_graph *g, weft__rng *rng, int *rows, int *columns);

#endif
