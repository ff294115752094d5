/* weft/graph.h: a network as values and the nodes that compute them. */
#ifndef WEFT_GRAPH_H
#define WEFT_GRAPH_H

#include "weft/base.h"

#include <stdbool.h>

#define WEFT_MAX_RANK 8

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_graph weft_graph;

/* A value of a graph: an input, a parameter, or what a node computes. Small; copy it
 * freely. */
typedef struct weft_val {
    int id; /* 0: no value */
} weft_val;

typedef struct weft_shape {
    int rank;
    int dim[WEFT_MAX_RANK]; /* in ONNX order: [n, c, h, w], [n, c, t], [n, features] */
} weft_shape;

typedef enum weft_type { WEFT_F32, WEFT_F64, WEFT_I32 } weft_type;

#ifdef __cplusplus
}
template <class... T> static inline weft_shape weft_make_shape(T... d)
{
    return weft_shape{int(sizeof...(d)), {int(d)...}};
}
#define WEFT_SHAPE(...) weft_make_shape(__VA_ARGS__)
#define WEFT_NONE (weft_val{0})
extern "C" {
#else
/* WEFT_SHAPE(0, 3, 32, 32): a first dimension of 0 stands for the batch, whatever its
 * size. */
#define WEFT_SHAPE(...) \
    ((weft_shape){(int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), {__VA_ARGS__}})
#define WEFT_NONE ((weft_val){0})
#endif

/* ---- building. A value that cannot be computed is carried along as WEFT_NONE would be
 * in a failed graph: every later call does nothing, and weft_graph_status tells the first
 * cause. ---- */

WEFT_API weft_graph *weft_graph_new(void); /* NULL when out of memory */
WEFT_API void weft_graph_free(weft_graph *g);
WEFT_API weft_status weft_graph_status(const weft_graph *g);
WEFT_API const char *weft_graph_error(const weft_graph *g); /* the first cause, or "" */

/* Makes this graph compute in double precision (for gradient checks). WEFT_EUSAGE, and
 * nothing changes, once the graph is finalized. */
WEFT_API weft_status weft_graph_use_double(weft_graph *g);

/* All plans made of g from now on compute as with weft_plan_opts.exact_conv, also those
 * that other functions make: evaluation, classifiers, weft_flow. false: as each plan's
 * own options say, which is how a graph starts. */
WEFT_API void weft_graph_use_exact_conv(weft_graph *g, bool exact);

/* A float input. */
WEFT_API weft_val weft_input(weft_graph *g, const char *name, weft_shape shape);
/* An integer input whose elements must be 0 .. limit-1 (or negative where the consumer
 * says so). */
WEFT_API weft_val weft_input_int(weft_graph *g, const char *name, weft_shape shape,
                                 int limit);
/* A trainable parameter, zero until it is set or initialised. Not once the graph is
 * finalized (weft_graph_finalize). */
WEFT_API weft_val weft_param(weft_graph *g, const char *name, weft_shape shape);
/* State that is saved with the model but not trained: running statistics. */
WEFT_API weft_val weft_buffer(weft_graph *g, const char *name, weft_shape shape);
/* A constant; data in logical order is copied. */
WEFT_API weft_val weft_const(weft_graph *g, const char *name, weft_shape shape,
                             const float *data);
WEFT_API weft_val weft_const_int(weft_graph *g, const char *name, weft_shape shape,
                                 const int32_t *data);

/* Names that follow get "NAME." in front, until the matching pop. */
WEFT_API void weft_graph_push(weft_graph *g, const char *name);
WEFT_API void weft_graph_pop(weft_graph *g);
/* Names the node that computes v (otherwise "add.3": the operator and a number). */
WEFT_API void weft_graph_name(weft_graph *g, weft_val v, const char *name);
/* Declares v an output of the network, with the name it has in ONNX. */
WEFT_API void weft_output(weft_graph *g, weft_val v, const char *name);

/* Ends the time in which parameters are added: decides their numbers, storage order and
 * place, and gives them memory, zeroed.
 *
 * Afterwards weft_param and weft_buffer (so every layer) fail the graph with WEFT_EUSAGE,
 * and weft_param_freeze, weft_param_no_decay and weft_graph_use_double are refused; each
 * message names the parameter and the call that finalized the graph. Inputs, constants,
 * operators (a loss, say), outputs and names may still be added.
 *
 * The first weft_init, weft_param_set, weft_plan_new or weft_optimizer_new does this by
 * itself; a graph that was read from a file is finalized. Again: nothing happens. Fails
 * with the graph's own status or WEFT_ENOMEM; it may then be tried again. */
WEFT_API weft_status weft_graph_finalize(weft_graph *g);

/* ---- asking ---- */
WEFT_API weft_shape weft_shape_of(const weft_graph *g,
                                  weft_val v); /* dim[0] 0 for the batch */
WEFT_API weft_type weft_type_of(const weft_graph *g, weft_val v);
WEFT_API const char *weft_name_of(const weft_graph *g, weft_val v);
WEFT_API weft_val weft_find(const weft_graph *g,
                            const char *name); /* WEFT_NONE when absent */
WEFT_API int weft_input_count(const weft_graph *g);
WEFT_API weft_val weft_input_at(const weft_graph *g, int i);
/* Of an integer input: its elements are below this; 0 for any other value. */
WEFT_API int weft_input_limit(const weft_graph *g, weft_val v);
WEFT_API int weft_output_count(const weft_graph *g);
WEFT_API weft_val weft_output_at(const weft_graph *g, int i);
WEFT_API int weft_node_count(const weft_graph *g);

/* ---- parameters. Numbered from 0, trainable ones first, in the order they were made.
 * ---- */
typedef struct weft_param_info {
    const char *name;
    weft_val value;
    weft_shape shape;
    size_t count;
    bool trainable; /* false for buffers */
    bool decay;     /* weight decay applies: weights, not biases or norms */
} weft_param_info;
WEFT_API int weft_param_count(const weft_graph *g);
WEFT_API weft_param_info weft_param_at(const weft_graph *g, int i);
/* The one of that name; false when there is none. */
WEFT_API bool weft_param_find(const weft_graph *g, const char *name,
                              weft_param_info *out);
/* Copies a parameter or buffer in or out, logical (ONNX) order, count elements exactly.
 * The first weft_param_set finalizes the graph. */
WEFT_API weft_status weft_param_set(weft_graph *g, weft_val v, const float *data,
                                    size_t count);
WEFT_API weft_status weft_param_get(const weft_graph *g, weft_val v, float *data,
                                    size_t count);
WEFT_API weft_status weft_param_gradient(const weft_graph *g, weft_val v, float *data,
                                         size_t count);
/* Freeze: the parameter gets no gradient and no update. No decay: an optimizer's
 * weight_decay leaves it alone (biases, norms). Of a buffer, which is never trained,
 * neither changes anything. As trained ones come first, freezing changes the numbers of
 * weft_param_at: a loop that freezes goes from the last one to the first.
 * WEFT_EUSAGE, and nothing changes, when v is not a parameter or the graph is finalized
 * (weft_graph_finalize): both decide where a parameter lies. Of a failed graph: its
 * status. */
WEFT_API weft_status weft_param_freeze(weft_graph *g, weft_val v);
WEFT_API weft_status weft_param_no_decay(weft_graph *g, weft_val v);
/* SHA-256 (hex, 65 bytes) over names, shapes and values of all parameters and buffers. */
WEFT_API weft_status weft_params_sha256(const weft_graph *g, char text[65]);

/* How a parameter starts; kept with it until weft_init. */
typedef enum weft_init_kind {
    WEFT_INIT_ZERO,
    WEFT_INIT_CONSTANT /* a */,
    WEFT_INIT_UNIFORM /* a .. b */,
    WEFT_INIT_NORMAL /* mean a, deviation b */,
    WEFT_INIT_HE_NORMAL,
    WEFT_INIT_HE_UNIFORM /* fan in; gain a, 0 means sqrt(2) */,
    WEFT_INIT_XAVIER_NORMAL,
    WEFT_INIT_XAVIER_UNIFORM /* gain a, 0 means 1 */,
    WEFT_INIT_ORTHOGONAL /* gain a, 0 means 1; rows of b elements, 0: of all but axis 0 */
} weft_init_kind;
/* Says how v starts at the next weft_init; at any time. WEFT_EUSAGE, and nothing changes,
 * when v is not a parameter or buffer, kind is none of these, or a or b is not finite. Of
 * a failed graph: its status. */
WEFT_API weft_status weft_param_init(weft_graph *g, weft_val v, weft_init_kind kind,
                                     double a, double b);
/* Gives every parameter its starting values: functions of (seed, the parameter's number).
 * Finalizes the graph. */
WEFT_API weft_status weft_init(weft_graph *g, uint64_t seed);

/* One node that the outputs need, for tables. */
typedef struct weft_graph_row {
    char name[64], op[24], options[32],
        shape[64]; /* shape of the first output: "[64, 10]" */
    double params,
        frozen; /* elements that this node is the first to read; frozen: not trained */
    double mult_adds; /* of this batch */
    double elements;  /* of the first output */
} weft_graph_row;
/* A row per node, in order; fresh memory, free() *out. */
WEFT_API weft_status weft_graph_rows(const weft_graph *g, int batch, weft_graph_row **out,
                                     int *count);
/* The model's summary as torchinfo prints it: a row per node with output shape,
 * parameters and multiply-adds for this batch. Fresh memory, free() it; NULL when out of
 * memory. */
WEFT_API char *weft_graph_table(weft_graph *g, int batch);
/* The graph in Graphviz dot; free() it. */
WEFT_API char *weft_graph_dot(weft_graph *g);

#ifdef __cplusplus
}
#endif
#endif
