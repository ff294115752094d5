/* weft/plan.h: a graph made ready to run: forward and backward passes over memory that
 * was laid out once; and tools that look at them. */
#ifndef WEFT_PLAN_H
#define WEFT_PLAN_H

#include "weft/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- plans ---- */

/* A graph planned for one batch size: the order of its nodes, layouts, memory. */
typedef struct weft_plan weft_plan;

/* Options of weft_plan_new. */
typedef struct weft_plan_opts {
    int batch;       /* what the inputs' first dimension of 0 becomes; 0 means 1 */
    weft_value loss; /* one element: gradients are planned for it. WEFT_NONE: inference */
    /* dropout drops, batch norm uses the batch's statistics and moves the running ones.
     * Needs no loss */
    bool training;
    /* weft_plan_backward adds to the parameters' gradients; if not, it replaces them */
    bool accumulate;
    bool input_gradients; /* float inputs get gradients too */
    /* every value and gradient can be read after a pass; no node is fused with
     * another */
    bool keep_all;
    /* keep_count values that can be read after a pass, besides the inputs, the graph's
     * outputs and the loss */
    const weft_value *keep;
    int keep_count; /* values in keep */
    bool no_fuse;   /* no node is fused with another */
    /* convolutions are plain sums of products. If not (the default), stride-1
     * convolutions of 3x3 (weft_conv) and of 3 or 4 steps (weft_seq_conv) use
     * minimal filtering (Winograd; Lavin and Gray 2016) where that is faster: two to
     * three times, for a relative error below 1e-5 instead of about 1e-7, and a
     * sample's last bits may depend on the batch size. Double precision is always
     * exact. Also weft_graph_use_exact_conv */
    bool exact_conv;
    /* a plan above this is refused; 0 means 16 GiB (with a size_t of 32 bits 2 GiB) */
    size_t max_bytes;
    /* use that plan's memory if it is large enough. The two then overwrite each other's
     * values; after that plan is freed, this one can only be freed. NULL: memory of its
     * own */
    struct weft_plan *share_memory_with;
} weft_plan_opts;

/* Plans g, with opts or NULL, and allocates all that its passes need. Finalizes g
 * (weft_graph_finalize). Several plans of one graph share its parameters and
 * gradients. The plan works with the instruction set, and at most the number of
 * threads, that are set now. Fails: WEFT_EUSAGE: batch below 0, a loss or value in
 * keep of another graph, no output and neither loss nor keep; WEFT_ESHAPE: a loss of
 * several elements, a shape that does not fit at this batch size; WEFT_ENOMEM, also
 * above max_bytes; or with the graph's status. *out is the caller's: weft_plan_free,
 * before the graph is freed. */
WEFT_API weft_status weft_plan_new(weft_graph *g, const weft_plan_opts *opts,
                                   weft_plan **out);

/* Frees the plan; its graph stays. */
WEFT_API void weft_plan_free(weft_plan *p);

/* The graph that p was made of; whose it was. */
WEFT_API const weft_graph *weft_plan_graph(const weft_plan *p);

/* ---- numbers in ---- */

/* weft_plan_set copies data[count] into float input v, in logical order
 * ([n][c][h][w]); weft_plan_set_nhwc channels-last ([n][h][w][c]), as image files
 * and the plan's own storage have them; below rank 3 there is no difference. The
 * numbers stay until they are set again. An input that nothing needs takes them and
 * does nothing. Fails: WEFT_EUSAGE: v is no float input of the graph; WEFT_ESHAPE:
 * count is not its number of elements at this batch size. */
WEFT_API weft_status weft_plan_set(weft_plan *p, weft_value v, const float *data,
                                   size_t count);
WEFT_API weft_status weft_plan_set_nhwc(weft_plan *p, weft_value v, const float *data,
                                        size_t count);

/* Copies data[count] into integer input v, in logical order. Fails: WEFT_EUSAGE: v
 * is no integer input of the graph; WEFT_ESHAPE: count is not its number of
 * elements; WEFT_EDATA: an element is not below the input's limit. v is then as it
 * was. */
WEFT_API weft_status weft_plan_set_int(weft_plan *p, weft_value v, const int32_t *data,
                                       size_t count);

/* Sets what the random numbers of the next passes (dropout) depend on: with the node
 * and the element, seed and step alone decide. Both are 0 at first. A training step
 * needs a step number of its own, or the same elements are dropped again. step is
 * below 2^40. */
WEFT_API void weft_plan_random(weft_plan *p, uint64_t seed, uint64_t step);

/* Sets the gradient of the loss that weft_plan_backward starts with; 1 at first. 1/k
 * for each of k accumulated batches gives their mean. */
WEFT_API void weft_plan_loss_scale(weft_plan *p, float scale);

/* ---- passes. They allocate nothing ---- */

/* Computes every value of the plan from its inputs and the graph's parameters. Whether
 * they are finite is not checked.
 * Fails: WEFT_EUSAGE: weft_set_threads has raised the number of threads since the plan
 * was made. */
WEFT_API weft_status weft_plan_forward(weft_plan *p);

/* Computes the gradients of the loss: of the parameters (weft_param_gradient) and of
 * what else the plan keeps. Once after each weft_plan_forward: values may be
 * overwritten. Fails: WEFT_EUSAGE: the plan has no loss, there was no forward pass,
 * or as weft_plan_forward. */
WEFT_API weft_status weft_plan_backward(weft_plan *p);

/* Sets all gradients of the graph's parameters to 0, for plans that accumulate. */
WEFT_API void weft_graph_zero_gradients(weft_graph *g);

/* ---- numbers out ---- */

/* Copies float value v (an input, an output, the loss, a value in keep, a parameter)
 * out to data[count], in logical order. Before a forward pass what is computed means
 * nothing. Fails: WEFT_EUSAGE: v is of another graph, holds integers, or its memory
 * was reused (see weft_plan_opts.keep); WEFT_ESHAPE: count is not its number of
 * elements at this batch size. */
WEFT_API weft_status weft_plan_get(const weft_plan *p, weft_value v, float *data,
                                   size_t count);

/* The same for the gradient of the loss with respect to v: of parameters, with
 * input_gradients of inputs, with keep_all of all that has one.
 * Fails: as weft_plan_get; WEFT_EUSAGE: v has no gradient in this plan. */
WEFT_API weft_status weft_plan_gradient(const weft_plan *p, weft_value v, float *data,
                                        size_t count);

/* The number of a value of one element, such as the loss; NaN, with a message, where
 * weft_plan_get fails. */
WEFT_API float weft_plan_scalar(const weft_plan *p, weft_value v);

/* The shape of v at this batch size; rank 0 for a value of another graph. */
WEFT_API weft_shape weft_plan_shape(const weft_plan *p, weft_value v);

/* weft_plan_bytes: memory of the plan in bytes: values, gradients of values, workspace.
 * weft_plan_total_bytes: that, the graph's parameters and buffers and, with a loss, the
 * parameters' gradients. */
WEFT_API size_t weft_plan_bytes(const weft_plan *p);
WEFT_API size_t weft_plan_total_bytes(const weft_plan *p);

/* Floating-point operations of a forward pass or, with a loss, of a forward and a
 * backward pass; gradients that nothing needs are left out. A multiply-add is two. */
WEFT_API double weft_plan_flops(const weft_plan *p);

/* ---- looking at a pass ---- */

/* One step of a pass, as weft_plan_trace reports it. Texts belong to the graph. */
typedef struct weft_trace {
    /* the node (of a fused activation in a forward pass), its operator */
    const char *node, *op;
    int phase; /* 0 forward, 1 backward */
    int slot;  /* forward: number of the output; backward: of the input */
    /* forward: the output; backward: the gradient of the input. In storage order, valid
     * during the call. NULL: there is none, or the elements are not floats */
    const float *data;
    size_t count;      /* elements of data */
    double seconds;    /* that the step took; with slot 0, else 0 */
    double flops;      /* floating-point operations; with slot 0, else 0 */
    double bytes;      /* of the tensors that it reads and writes; with slot 0, else 0 */
    int step;          /* number of the step, the same in both phases */
    const char *layer; /* the node before a fused activation, in both phases */
} weft_trace;

/* A function for weft_plan_trace, called in the thread that runs the pass. */
typedef void weft_trace_fn(void *user, const weft_trace *t);

/* Calls fn(user, ...) after every step of the next passes, once for each output or
 * input; NULL stops that. */
WEFT_API void weft_plan_trace(weft_plan *p, weft_trace_fn *fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
