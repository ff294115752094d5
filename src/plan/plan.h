/* plan.h: a graph made ready to run for one batch size: steps in order, layouts chosen,
 * every value, gradient and workspace given its place in one block of memory. */
#ifndef WEFT_SRC_PLAN_PLAN_H
#define WEFT_SRC_PLAN_PLAN_H

#include "graph/graph.h"
#include "weft/plan.h"

/* A piece of the plan's memory and the part of the time line in which it is needed.
 * Time counts steps: forward 0 .. steps-1, backward steps .. 2*steps-1 (last node
 * first). */
typedef struct weft__block {
    size_t bytes, offset;
    int first, last;
} weft__block;

/* A value in this plan: one of the graph's (same id), or a copy in another layout. */
typedef struct weft__pval {
    weft__tensor t; /* data is set when memory is */
    weft__tensor gradient;
    int block, gradient_block; /* -1: memory of the graph, or none */
    bool wanted;               /* some output, loss or kept value needs it */
    bool differentiable;       /* depends on something that gets a gradient */
    bool retained;             /* to be read after the pass */
    int last_use;              /* on the time line */
    int writers;               /* backward steps that give it a gradient */
    int first_reader;          /* step; backward is done with the value after it */
} weft__pval;

typedef struct weft__step {
    weft__op_args args;
    const weft_op *op; /* of this graph's precision */
    int nin, nout;
    int *in, *out;                /* pvals */
    weft__tensor *tensors;        /* in, out, din, dout of run, one after the other */
    const weft__node *activation; /* a node fused after this one, or NULL */
    const weft_op *activation_op; /* of this graph's precision */
    void *prepared, *activation_prepared; /* what their prepare made */
    weft__epilogue epilogue;
    bool residual; /* the last input is added to what the node gives */
    bool backward; /* has a part in the backward pass */
    /* input i: another consumer has written this gradient before; add to it */
    bool *adds;
    void **temporary; /* where backward then writes before the pass adds; NULL: it adds */
    int *temporary_block;
    int saved_block, scratch_block, scratch_back_block, prepacked_block;
    void *scratch, *scratch_back; /* of forward and of backward */
    double flops;
} weft__step;

struct weft_plan {
    weft_graph *g;
    weft_plan_opts opts;
    int batch;
    weft__arena arena;
    weft__pval *val;
    int vals, val_room;
    weft__step *step;
    int steps, step_room;
    weft__block *block;
    int blocks, block_room;
    void *memory;
    bool borrowed;          /* it is another plan's */
    const weft_plan **user; /* which of the plans that share it ran last */
    size_t bytes;
    int workers;                 /* threads that workspaces are sized for */
    const void *kernels;         /* weft__kernels, or of a graph of double _f64 */
    struct weft__folded *folded; /* batch norms folded into weights */
    int folds;
    unsigned long version; /* of the parameters that folds and kept forms come from */
    weft_trace_fn *trace;
    void *trace_user;
    float loss_scale;
    bool ran;
};

/* A product (WEFT_FUSE_PRODUCT) into whose weight and bias the affine map after it was
 * folded, for inference. */
typedef struct weft__folded {
    int weight, bias; /* pvals of the folded ones */
    int from_weight, from_bias;
    const weft__node *map; /* what was folded in: its node, */
    const weft_op *map_op;
    const int *map_in;         /* the graph values that it reads, */
    weft__tensor *map_tensors; /* and room for them as tensors; [0] stays empty */
} weft__folded;

int weft__plan_block(weft_plan *p, size_t bytes, int first,
                     int last); /* -1: out of memory */
/* Gives every value, gradient and workspace its block, and the blocks their places. */
weft_status weft__plan_memory(weft_plan *p);
/* Merges steps as their operators' traits allow: activations and sums into what comes
 * before them; for inference also affine maps, into weights. */
weft_status weft__plan_fuse(weft_plan *p);
/* The step whose weight that is. */
weft__step *weft__reader_of_fold(const weft_plan *p, const weft__folded *f);
/* Makes folded weights, and what steps keep of weights, when the parameters have
 * changed or another plan has used the memory since. */
void weft__plan_refresh(weft_plan *p);

int weft__pval_add(weft_plan *p); /* 0: out of memory */

static inline int weft__backward_time(const weft_plan *p, int step)
{
    return 2 * p->steps - 1 - step;
}
static inline int weft__plan_end(const weft_plan *p)
{
    return 2 * p->steps;
}

#endif
