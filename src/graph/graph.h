/* graph.h: the insides of a graph: values, nodes, and the slabs that hold
 * parameters. */
#ifndef WEFT_SRC_GRAPH_GRAPH_H
#define WEFT_SRC_GRAPH_GRAPH_H

#include "base/arena.h"
#include "ops/op.h"
#include "weft/graph.h"

typedef enum weft__kind {
    WEFT_KIND_INPUT,
    WEFT_KIND_PARAM,
    WEFT_KIND_BUFFER,
    WEFT_KIND_CONST,
    WEFT_KIND_RESULT
} weft__kind;

typedef struct weft__init {
    weft_init_opts start;
    /* of every `period` elements, `count` ones from `from` on start at `value` */
    size_t period, from, count;
    double value;
} weft__init;

typedef struct weft__value {
    const char *name;
    weft__kind kind;
    weft_type type;
    weft_shape
        shape[2];   /* with a batch of 1 and of 2: where they differ lies the batch */
    int node, slot; /* of a result: the node that computes it, and which output */
    int uses;       /* nodes that read it */
    weft__layout
        layout; /* in storage: of what is not a result, set by weft__graph_finalize */
    bool frozen, no_decay, sampled;
    int limit;        /* of an integer input */
    double low, high; /* of a sampled input */
    weft__init init;
    const void *given; /* of a constant: logical order, float or int32_t */
    void *data;        /* of parameters, buffers, constants: storage order */
    void *gradient;    /* of a trainable parameter, once there is a plan that trains */
    bool sparse;       /* all that read it say which rows they write */
    weft__row_set *row_set; /* then, with the gradient; the graph's */
} weft__value;

typedef struct weft__output {
    int value;
    const char *name;
} weft__output;

struct weft_graph {
    weft__arena arena;
    weft__value *value; /* [0] stands for no value */
    int values, value_room;
    weft__node *node;
    int nodes, node_room;
    weft__output output[64];
    int outputs;
    char prefix[512];
    int scope[32], scopes; /* lengths of prefix to go back to */
    bool f64, exact_conv;
    weft_status status;
    char error[1024];

    /* Parameters, numbered as weft_param_at has them; set by weft__graph_finalize. */
    const char *finalized; /* by the function of this name; NULL: not yet */
    int *param, params, trainable;
    void *slab, *gradients; /* all trainable parameters in one piece: those with weight
                               decay, those without, sparse ones */
    size_t slab_count, decayed, dense; /* elements: all; where the first two parts end */
    void *buffers;
    size_t buffer_count;
    unsigned long version; /* goes up whenever a parameter is changed */
};

/* After weft_param_init: sets those elements apart. */
void weft__param_init_part(weft_graph *g, weft_value v, size_t period, size_t from,
                           size_t count, double value);

static inline size_t weft__element(const weft_graph *g, weft_type type)
{
    return type == WEFT_I32 ? sizeof(int32_t) : g->f64 ? sizeof(double) : sizeof(float);
}

/* weft_graph_finalize for the public function `by`, which messages then name. Called by
 * whatever first needs the parameters' values. by must outlive g. */
weft_status weft__graph_finalize(weft_graph *g, const char *by);
/* Puts v in the place of output i, under that name. */
void weft__output_replace(weft_graph *g, int i, weft_value v, const char *name);

/* What a graph has so far, to come back to: nodes that a caller adds for a while (a
 * loss) are taken out again, with a failure that came of them. No plan and no other
 * caller may use them any more. */
typedef struct weft__graph_mark {
    int values, nodes, outputs;
} weft__graph_mark;
weft__graph_mark weft__graph_mark_here(const weft_graph *g);
void weft__graph_rewind(weft_graph *g, weft__graph_mark to);

/* Storage for a constant, if it has none yet. */
weft_status weft__const_materialize(weft_graph *g, weft__value *v);
/* The slab of gradients, zeroed, if there is none yet. */
weft_status weft__gradients_alloc(weft_graph *g);

/* The tensor of value v with this nominal batch (0: batch 1, 1: batch 2), data NULL. */
weft__tensor weft__nominal(const weft_graph *g, int v, int batch);
/* Runs a node's shape rule over in into out, and checks what it gave. */
weft_status weft__infer(const weft__node *node, const weft__tensor *in,
                        weft__tensor *out);
/* channels-last below rank 3 and HWIO below rank 2 are row-major. */
weft__layout weft__layout_of(int rank, weft__layout layout);
/* Asks the operator for layouts: in carry their orders, want and give receive them. */
void weft__choose_layout(const weft__node *node, const weft__tensor *in,
                         const weft__tensor *out, weft__layout *want, weft__layout *give);

/* Brings the gradients of sparse parameters back to 0, at the price of the rows that
 * were written. */
void weft__gradients_clear_rows(weft_graph *g);

/* Copies between logical order (float, int32_t) and storage (float, double,
 * int32_t). */
void weft__to_storage(const weft__tensor *t, bool f64, const void *logical);
void weft__from_storage(const weft__tensor *t, bool f64, void *logical);
/* The tensor of a parameter, buffer or constant with its storage; which 1 is the
 * gradient's. */
weft__tensor weft__stored(const weft_graph *g, int v, bool gradient);

#endif
