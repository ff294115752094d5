/* weft/graph.h: a network as values and the nodes that compute them; its parameters. */
#ifndef WEFT_GRAPH_H
#define WEFT_GRAPH_H

#include "weft/base.h"

#include <stdbool.h>

/* The most dimensions that a value can have. */
#define WEFT_MAX_RANK 8

#ifdef __cplusplus
extern "C" {
#endif

/* A network: inputs, parameters, constants, and nodes in the order they were added.
 * It is built once; then plans (weft/plan.h) run it. The first plan,
 * weft_params_init or weft_param_set finalizes it (weft_graph_finalize): from then
 * on no parameter can be added. Nodes may be added later too, but not while a plan
 * of the graph exists. */
typedef struct weft_graph weft_graph;

/* A value of a graph: an input, a parameter, or what a node computes. Small; copy it
 * freely. Valid as long as its graph, and in no other graph. */
typedef struct weft_value {
    int id; /* 0: no value */
} weft_value;

/* Dimensions in ONNX order: [n, c, h, w], [n, c, t], [n, t, c] for sequences, [n,
 * i]. */
typedef struct weft_shape {
    int rank;               /* 0 (a scalar) to WEFT_MAX_RANK */
    int dim[WEFT_MAX_RANK]; /* dim[0 .. rank-1]; the others mean nothing */
} weft_shape;

/* Types of elements. WEFT_F32 stands for every real number, also in a graph that
 * computes in double precision; WEFT_I32 for 32-bit integers; WEFT_F64 is not used
 * yet. */
typedef enum weft_type { WEFT_F32, WEFT_F64, WEFT_I32 } weft_type;

/* WEFT_SHAPE(0, 3, 32, 32): a shape of those dimensions. In an input, a first dimension
 * of 0 stands for the batch, whatever its size.
 * WEFT_NONE: no value. */
#ifdef __cplusplus
}
template <class... T> static inline weft_shape weft_make_shape(T... d)
{
    return weft_shape{int(sizeof...(d)), {int(d)...}};
}
#define WEFT_SHAPE(...) weft_make_shape(__VA_ARGS__)
#define WEFT_NONE (weft_value{0})
extern "C" {
#else
#define WEFT_SHAPE(...) \
    ((weft_shape){(int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), {__VA_ARGS__}})
#define WEFT_NONE ((weft_value){0})
#endif

/*   ---- building ----
 *
 * A call on a failed graph does nothing and returns WEFT_NONE, which other calls
 * take as an input: a network is checked once, at its end. */

/* An empty graph. Returns NULL when out of memory.
 * The caller's: weft_graph_free. */
WEFT_API weft_graph *weft_graph_new(void);

/* Frees the graph with its parameters. Free its plans and optimizers first. */
WEFT_API void weft_graph_free(weft_graph *g);

/* The status of the first call that failed, its message put back into
 * weft_last_error; WEFT_OK when none did. WEFT_ESHAPE: shapes do not fit;
 * WEFT_EUSAGE: an option, a name, or a value of another graph; WEFT_ENOMEM. A failed
 * graph stays failed. */
WEFT_API weft_status weft_graph_status(const weft_graph *g);

/* The message of the first failure; "" when there was none. Belongs to g. */
WEFT_API const char *weft_graph_error(const weft_graph *g);

/* Makes the graph compute in double precision, for gradient checks. Values are still
 * read and written as float. Fails: WEFT_EUSAGE, and nothing changes, once the graph
 * is finalized; of a failed graph: its status. */
WEFT_API weft_status weft_graph_use_double(weft_graph *g);

/* Whether all plans made of g from now on compute as with weft_plan_opts.exact_conv,
 * also those that other functions make: evaluation, predictors, weft_flow. false, as
 * a graph starts: as each plan's own options say. */
WEFT_API void weft_graph_use_exact_conv(weft_graph *g, bool exact);

/* An input of floats, filled by weft_plan_set. A dimension is at least 1, the first may
 * be 0: the batch. `name`, after the prefixes of weft_graph_push, is its name in ONNX.
 * Fails: WEFT_ESHAPE for a rank above WEFT_MAX_RANK or a dimension below 1; WEFT_ENOMEM
 * above 2^40 elements. */
WEFT_API weft_value weft_input(weft_graph *g, const char *name, weft_shape shape);

/* An input of integers, filled by weft_plan_set_int, which refuses elements of
 * `limit` and above (0: refuses none). Negative elements pass: the operator that
 * reads them says what they mean. Fails as weft_input. */
WEFT_API weft_value weft_input_int(weft_graph *g, const char *name, weft_shape shape,
                                   int limit);

/* weft_param: a trainable parameter. weft_buffer: state that is saved with the model
 * but not trained, such as running statistics. Both are 0 until weft_params_init or
 * weft_param_set. Every dimension is at least 1. Fails: as weft_input; WEFT_EUSAGE
 * when there is a value of that name, or when the graph is finalized
 * (weft_graph_finalize). */
WEFT_API weft_value weft_param(weft_graph *g, const char *name, weft_shape shape);
WEFT_API weft_value weft_buffer(weft_graph *g, const char *name, weft_shape shape);

/* weft_const, weft_const_int: a constant. data, in logical order (the last dimension
 * fastest), has as many elements as shape says and is copied.
 * Fails as weft_input; every dimension is at least 1. */
WEFT_API weft_value weft_const(weft_graph *g, const char *name, weft_shape shape,
                               const float *data);
WEFT_API weft_value weft_const_int(weft_graph *g, const char *name, weft_shape shape,
                                   const int32_t *data);

/* weft_graph_push: names given from now on get "NAME." in front, until the matching
 * weft_graph_pop. Fails: WEFT_EUSAGE above 32 levels, or 511 bytes of prefix.
 * weft_graph_pop without a push does nothing. */
WEFT_API void weft_graph_push(weft_graph *g, const char *name);
WEFT_API void weft_graph_pop(weft_graph *g);

/* Names the node that computes v, and its outputs (NAME, NAME:1, ...). Otherwise a
 * node is called by operator and number: "add.3". Does nothing if no node computes
 * v. At most 200 bytes of a name count. */
WEFT_API void weft_graph_name(weft_graph *g, weft_value v, const char *name);

/* Declares v an output of the network. name, without any prefix, is its name in ONNX.
 * Fails: WEFT_EUSAGE when v is no value, or beyond 64 outputs. */
WEFT_API void weft_output(weft_graph *g, weft_value v, const char *name);

/* Ends the time in which parameters are added: decides their numbers, storage order
 * and place, and gives them memory, zeroed.
 *
 * Afterwards weft_param and weft_buffer (so every layer) fail the graph with
 * WEFT_EUSAGE, and weft_param_freeze, weft_param_no_decay and weft_graph_use_double
 * are refused; each message names the parameter and the call that finalized the
 * graph. Inputs, constants, operators (a loss, say), outputs and names may still be
 * added.
 *
 * The first weft_params_init, weft_param_set, weft_plan_new or weft_optimizer_new
 * does this by itself; a graph that was read from a file is finalized. Again:
 * nothing happens. Fails with the graph's own status or WEFT_ENOMEM; it may then be
 * tried again. */
WEFT_API weft_status weft_graph_finalize(weft_graph *g);

/* ---- asking ---- */

/* The shape of v; dim[0] is 0 where it grows with the batch. Rank 0 for WEFT_NONE. */
WEFT_API weft_shape weft_shape_of(const weft_graph *g, weft_value v);

/* The type of v's elements: WEFT_F32 or WEFT_I32. */
WEFT_API weft_type weft_type_of(const weft_graph *g, weft_value v);

/* The name of v with its prefixes; "" for WEFT_NONE. Belongs to g. */
WEFT_API const char *weft_name_of(const weft_graph *g, weft_value v);

/* The first value of that full name, else the output of that name; WEFT_NONE if
 * there is neither. */
WEFT_API weft_value weft_find(const weft_graph *g, const char *name);

/* weft_input_count: how many inputs there are. weft_input_at: input i, in the order
 * they were added; WEFT_NONE for an i that is out of range. */
WEFT_API int weft_input_count(const weft_graph *g);
WEFT_API weft_value weft_input_at(const weft_graph *g, int i);

/* The limit of an integer input; 0 for any other value. */
WEFT_API int weft_input_limit(const weft_graph *g, weft_value v);

/* weft_output_count: how many outputs were declared. weft_output_at: output i, in the
 * order they were declared; WEFT_NONE for an i that is out of range. */
WEFT_API int weft_output_count(const weft_graph *g);
WEFT_API weft_value weft_output_at(const weft_graph *g, int i);

/* How many nodes there are, also those that no output needs. */
WEFT_API int weft_node_count(const weft_graph *g);

/*   ---- parameters ----
 *
 * Numbered from 0: the trainable ones first, each group in the order they were
 * added. */

/* What there is to know about a parameter or buffer. */
typedef struct weft_param_info {
    const char *name; /* with its prefixes; belongs to the graph */
    weft_value value; /* the parameter as a value */
    weft_shape shape; /* its dimensions */
    size_t count;     /* elements */
    bool trainable;   /* false for buffers and frozen parameters */
    bool decay;       /* weight decay applies: trainable, and not weft_param_no_decay */
} weft_param_info;

/* How many parameters and buffers there are. */
WEFT_API int weft_param_count(const weft_graph *g);

/* Number i of them, 0 <= i < weft_param_count(g); i is not checked. Freezing moves a
 * parameter after the trainable ones. */
WEFT_API weft_param_info weft_param_at(const weft_graph *g, int i);

/* Fills *out with the parameter or buffer of that full name and returns true; false if
 * there is none: *out then means nothing. */
WEFT_API bool weft_param_find(const weft_graph *g, const char *name,
                              weft_param_info *out);

/* Copies data[count], in logical (ONNX) order, into a parameter or buffer. Plans see
 * the new numbers in their next forward pass. Finalizes the graph. Fails:
 * WEFT_EUSAGE when v is neither; WEFT_ESHAPE when count is not its number of
 * elements; WEFT_ENOMEM; or with the graph's own status. */
WEFT_API weft_status weft_param_set(weft_graph *g, weft_value v, const float *data,
                                    size_t count);

/* Copies a parameter or buffer out to data[count], in logical order; zeros before
 * weft_params_init, weft_param_set or the first plan.
 * Fails: WEFT_EUSAGE when v is neither; WEFT_ESHAPE when count is not its number of
 * elements. */
WEFT_API weft_status weft_param_get(const weft_graph *g, weft_value v, float *data,
                                    size_t count);

/* Copies out the gradient that the last weft_plan_backward left, in logical order.
 * Fails: as weft_param_get; WEFT_EUSAGE when v has no gradient: a buffer, a frozen
 * parameter, or no plan with a loss was made yet. */
WEFT_API weft_status weft_param_gradient(const weft_graph *g, weft_value v, float *data,
                                         size_t count);

/* weft_param_freeze: v gets no gradient and no update. weft_param_no_decay:
 * optimizers do not apply weight decay to it (biases, norms). Of a buffer, which is
 * never trained, neither changes anything. As trained ones come first, freezing
 * changes the numbers of weft_param_at: a loop that freezes goes from the last one
 * to the first. Fails: WEFT_EUSAGE, and nothing changes, when v is not a parameter
 * or buffer, or the graph is finalized (weft_graph_finalize): both decide where a
 * parameter lies. Of a failed graph: its status. */
WEFT_API weft_status weft_param_freeze(weft_graph *g, weft_value v);
WEFT_API weft_status weft_param_no_decay(weft_graph *g, weft_value v);

/* SHA-256 over names, dimensions and values (as float) of all parameters and buffers
 * in the order of their numbers: 64 hex digits and a NUL. Equal on every machine of
 * the same byte order. Fails: WEFT_ENOMEM. */
WEFT_API weft_status weft_params_sha256(const weft_graph *g, char text[65]);

/* How a parameter starts. Of a weight [o, i, k...] fan in is i k..., fan out o k...;
 * of a vector both are its length. */
typedef enum weft_init_kind {
    WEFT_INIT_ZERO,       /* 0 */
    WEFT_INIT_CONSTANT,   /* value */
    WEFT_INIT_UNIFORM,    /* low <= x < high */
    WEFT_INIT_NORMAL,     /* mean and standard deviation std */
    WEFT_INIT_HE_NORMAL,  /* mean 0, std gain / sqrt(fan in): He et al. 2015 */
    WEFT_INIT_HE_UNIFORM, /* within gain sqrt(3 / fan in) */
    /* mean 0, std gain sqrt(2 / (fan in + fan out)): Glorot and Bengio 2010 */
    WEFT_INIT_XAVIER_NORMAL,
    WEFT_INIT_XAVIER_UNIFORM, /* within gain sqrt(6 / (fan in + fan out)) */
    WEFT_INIT_ORTHOGONAL      /* orthonormal rows, times gain: Saxe et al. 2014 */
} weft_init_kind;

/* A kind and its numbers; those of other kinds are not read. */
typedef struct weft_init_opts {
    weft_init_kind kind; /* 0 means WEFT_INIT_ZERO */
    double value;        /* WEFT_INIT_CONSTANT */
    double low, high;    /* WEFT_INIT_UNIFORM */
    double mean, std;    /* WEFT_INIT_NORMAL */
    double gain;         /* HE: 0 means sqrt(2); XAVIER, ORTHOGONAL: 0 means 1 */
    /* WEFT_INIT_ORTHOGONAL: elements of a row; 0 means all axes but the first. If there
     * are more rows than that, each block of `row` rows is orthonormal by itself */
    int row;
} weft_init_opts;

/* Says how the next weft_params_init is to fill parameter or buffer v; NULL: with 0. At
 * any time. Fails: WEFT_EUSAGE, and nothing changes, when v is neither, kind is none of
 * these, or a number is not finite. Of a failed graph: its status. */
WEFT_API weft_status weft_param_init(weft_graph *g, weft_value v,
                                     const weft_init_opts *opts);

/* Gives every parameter and buffer its starting values: functions of seed, its
 * number and its weft_init_opts. Finalizes the graph. Fails: WEFT_ENOMEM, or with
 * the graph's own status. */
WEFT_API weft_status weft_params_init(weft_graph *g, uint64_t seed);

/* ---- tables ---- */

/* One node, for tables. Texts are cut to their room. */
typedef struct weft_graph_row {
    char name[64], op[24]; /* of the node, of its operator */
    char options[32];      /* "3x3 p1" */
    char shape[64];        /* of the first output: "[64, 10]" */
    /* elements of the parameters, trainable and frozen ones, that this node is the
     * first to read */
    double params, frozen;
    double mult_adds; /* multiply-adds of one forward pass */
    double elements;  /* of the first output */
} weft_graph_row;

/* A row for each node that the outputs need (each node, if there are no outputs), in
 * order, with the numbers of this batch (1 or more; not checked).
 * Fails: WEFT_ENOMEM, or with the graph's own status.
 * *out is the caller's: free(). */
WEFT_API weft_status weft_graph_rows(const weft_graph *g, int batch, weft_graph_row **out,
                                     int *count);

/* The network's summary as torchinfo prints it: the rows of weft_graph_rows, and sums.
 * Returns NULL when the graph has failed or there is no memory.
 * The caller's: free(). */
WEFT_API char *weft_graph_table(weft_graph *g, int batch);

/* All nodes and inputs in Graphviz dot. Returns NULL when out of memory.
 * The caller's: free(). */
WEFT_API char *weft_graph_dot(weft_graph *g);

#ifdef __cplusplus
}
#endif
#endif
