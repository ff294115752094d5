/* read.h: what the parts of the ONNX reader share. */
#ifndef WEFT_SRC_STORE_ONNX_READ_H
#define WEFT_SRC_STORE_ONNX_READ_H

#include "base/arena.h"
#include "ops/onnx.h"
#include "store/onnx/pb.h"
#include "store/onnx/scan.h"
#include "store/onnx/tensor.h"
#include "weft/store.h"

/* A number that the writer kept for an operator, by its first output. */
typedef struct weft__onnx_own_note {
    const char *key;
    int number;
    const struct weft__onnx_own_note *next;
} weft__onnx_own_note;

/* Everything that has a name in the ONNX graph. */
typedef struct weft__onnx_entry {
    const char *name;
    const pb_value_info *input;   /* it is an input of the graph, */
    const pb_tensor *initializer; /* or a tensor of the file, */
    int node, slot;               /* or what a node computes; node -1 otherwise */
    int users;                    /* inputs of needed nodes, and outputs of the graph */
    int same;                 /* the entry that this one is another name of, or its own */
    weft__onnx_tensor tensor; /* given: the numbers are known */
    weft_value value;         /* in the graph being built, once it is there */
    const struct weft__onnx_own_note *note;
    const weft__onnx_lengths *length; /* made from lengths of sequences; or NULL */
    bool constant; /* computed or of a Constant node: a constant, not a parameter */
    bool buffer, frozen, variance, scale; /* how the parameter is used */
} weft__onnx_entry;

/* Subgraphs of several nodes that are one operator here. */
typedef enum weft__onnx_pattern {
    WEFT_ONNX_ALONE,
    WEFT_ONNX_INSIDE, /* of a pattern; its last node does the work */
    WEFT_ONNX_CURVE,  /* what an operator says to be by hooks->curve */
    WEFT_ONNX_DENSE
} weft__onnx_pattern;

/* A node, its names resolved. */
typedef struct weft__onnx_item {
    const pb_node *p;
    const char *label;  /* the node's name, or its first output's */
    int *in, *out;      /* entries; -1 for an absent one */
    const weft_op *op;  /* that reads it; NULL when the reader itself must */
    bool needed, known; /* for an output of the graph; all its inputs are known numbers */
    weft__onnx_pattern pattern;
    int root, inner; /* of a pattern: the entry it is a function of; the Gemm inside */
    const weft_op *curve; /* the operator that it is */
} weft__onnx_item;

typedef struct weft__onnx_reader {
    weft__arena arena;
    weft_graph *g;
    const pb_graph *p;
    int opset;
    bool ours;             /* written by weft */
    weft_meta *meta, *own; /* the user's, and the writer's notes */
    weft__onnx_source source;
    weft__onnx_entry *entry; /* sorted by name */
    int entries;
    weft__onnx_item *item; /* in the file's order */
    int items;
    int *order; /* of items, so that inputs come first; the needed ones */
    int ordered;
    size_t computed; /* bytes of computed tensors */
} weft__onnx_reader;

struct weft__onnx_node {
    const weft__onnx_reading *calls; /* comes first, see ops/onnx.h */
    weft__onnx_reader *r;
    weft__onnx_item *item;
    bool *used; /* per attribute: was asked for */
    bool *set;  /* per output */
    weft_status failure;
    char message[512];
};

/* ---- link.c: entries, items, the order of work ---- */
weft_status weft__onnx_link(weft__onnx_reader *r);
int weft__onnx_find(const weft__onnx_reader *r, const char *name); /* -1: none */
weft__onnx_entry *weft__onnx_entry_at(const weft__onnx_reader *r,
                                      int i); /* `same` followed */

/* ---- pick.c: who reads which node ---- */
/* Every attribute has a name of its own and a type that fits what it holds. */
weft_status weft__onnx_check_attributes(const weft__onnx_item *item);
weft_status weft__onnx_pick(weft__onnx_reader *r);
/* The operator that claims the node before the one that has its type, or NULL. */
const weft_op *weft__onnx_claimant(weft__onnx_node *n);
/* Where the value that the node gave ends a group of nodes that is one operator,
 * that one takes its place; the others, which nobody reads then, are never run. */
void weft__onnx_whole(weft__onnx_node *n);

/* ---- fuse.c: finds the patterns among the items ---- */
void weft__onnx_fuse(weft__onnx_reader *r);
weft_value weft__onnx_build_pattern(weft__onnx_reader *r, const weft__onnx_item *item);

/* ---- fold.c: numbers that are known while reading ---- */
bool weft__onnx_folds(const char *op_type);
/* *done: the outputs are known now. Otherwise an operator may try. */
weft_status weft__onnx_fold(weft__onnx_node *n, bool *done);

/* ---- make.c ---- */
weft_status weft__onnx_constant(weft__onnx_reader *r, const weft__onnx_item *item);
weft_status weft__onnx_fill(weft__onnx_node *n, bool *done);
weft_status weft__onnx_range(weft__onnx_node *n, bool *done);

/* ---- length.c: masks and indices made from lengths of sequences ---- */
/* *done: the node was one of them. Otherwise an operator may try. */
weft_status weft__onnx_length(weft__onnx_node *n, bool *done);
/* Is input i one of them, or lengths themselves? */
bool weft__onnx_length_of(weft__onnx_node *n, int i, weft__onnx_lengths *out);

/* ---- node.c ---- */
extern const weft__onnx_reading weft__onnx_file_reading;
/* The entry as a value of the graph; makes the parameter or constant if there is
 * none. */
weft_value weft__onnx_entry_value(weft__onnx_reader *r, int entry);
weft_shape weft__onnx_entry_shape(weft__onnx_reader *r, int entry, int batch);
const pb_attribute *weft__onnx_attribute(weft__onnx_node *n, const char *name);
const weft__onnx_tensor *weft__onnx_known(weft__onnx_node *n,
                                          int i); /* NULL: not known */
void weft__onnx_set_known(weft__onnx_node *n, int output, const weft__onnx_tensor *t);
void weft__onnx_set_same(weft__onnx_node *n, int output, int input);

#endif
