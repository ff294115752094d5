/* weft/pass.h: a planned graph: forward and backward over memory that was laid out once.
 */
#ifndef WEFT_PASS_H
#define WEFT_PASS_H

#include "weft/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_plan weft_plan;

typedef struct weft_plan_opts {
    int batch;       /* what the inputs' first dimension of 0 becomes; 0 means 1 */
    weft_val loss;   /* one element; gradients are planned for it. WEFT_NONE: inference */
    bool training;   /* dropout drops, batch norm measures. Needs no loss */
    bool accumulate; /* weft_backward adds to the parameters' gradients instead of
                        replacing them */
    bool input_gradients; /* also give the gradients of float inputs */
    bool keep_all; /* every value and gradient can be read afterwards; nothing is fused */
    const weft_val *keep; /* values (besides the graph's outputs and the loss) to be read
                             afterwards */
    int keep_count;
    bool no_fuse; /* one step per node */
    /* Convolutions are plain sums of products. Otherwise 3x3 kernels of stride 1 go by
     * Winograd's transforms where those are faster: two to three times, for a relative
     * error of some 1e-6 rather than some 1e-7. Also weft_graph_use_exact_conv. */
    bool exact_conv;
    size_t max_bytes; /* refuse a larger plan with WEFT_ENOMEM; 0: the process's limit */
    /* Live in the memory of this plan where that is large enough: what one computes
     * overwrites what the other did. Once it is freed, this one can only be freed. */
    struct weft_plan *within;
} weft_plan_opts;

/* Plans the graph for one batch size: order, layout, memory. Finalizes the graph
 * (weft_graph_finalize). opts is read during the call only. Several plans of one graph
 * share its parameters; the graph must outlive them. The plan is yours: weft_plan_free.
 * Fails with the graph's own status, WEFT_ESHAPE or WEFT_ENOMEM. */
WEFT_API weft_status weft_plan_new(weft_graph *g, const weft_plan_opts *opts,
                                   weft_plan **out);
WEFT_API void weft_plan_free(weft_plan *p);

/* Copies a whole input in. weft_plan_set takes logical order, weft_plan_set_last
 * channels-last
 * ([n][h][w][c]), which is how a picture file and the network's storage have it. count
 * must be the number of elements. Integers are checked against the input's limit
 * (WEFT_EDATA). */
WEFT_API weft_status weft_plan_set(weft_plan *p, weft_val v, const float *data,
                                   size_t count);
WEFT_API weft_status weft_plan_set_last(weft_plan *p, weft_val v, const float *data,
                                        size_t count);
WEFT_API weft_status weft_plan_set_int(weft_plan *p, weft_val v, const int32_t *data,
                                       size_t count);

/* Nothing is allocated in these. weft_backward follows a weft_forward of the same plan.
 */
WEFT_API weft_status weft_forward(weft_plan *p);
WEFT_API weft_status weft_backward(weft_plan *p);

/* Copies a value, or the gradient of the loss with respect to it, out in logical order.
 * Fails with WEFT_EUSAGE for a value whose memory was given to another (see keep). */
WEFT_API weft_status weft_plan_get(const weft_plan *p, weft_val v, float *data,
                                   size_t count);
WEFT_API weft_status weft_plan_gradient(const weft_plan *p, weft_val v, float *data,
                                        size_t count);
WEFT_API float weft_plan_scalar(const weft_plan *p,
                                weft_val v); /* of a one-element value */
WEFT_API weft_shape weft_plan_shape(const weft_plan *p, weft_val v);

/* Random numbers of this pass (dropout) are functions of (seed, step, node, element). */
WEFT_API void weft_plan_random(weft_plan *p, uint64_t seed, uint64_t step);
/* The gradient that the loss starts with; 1 unless set. */
WEFT_API void weft_plan_loss_scale(weft_plan *p, float scale);
WEFT_API void weft_zero_gradients(weft_graph *g);

/* Bytes that the plan owns (activations, gradients, workspace) and, with it, parameters
 * and their gradients. */
WEFT_API size_t weft_plan_bytes(const weft_plan *p);
WEFT_API size_t weft_plan_total_bytes(const weft_plan *p);
/* Of forward, or of forward and backward; gradients that nobody wants are not counted. */
WEFT_API double weft_plan_flops(const weft_plan *p);

/* Called after every step. phase 0: forward, data are the node's outputs; phase 1:
 * backward, data are gradients of its inputs. For checks, profiles and pictures; NULL
 * switches it off. data is in storage order and valid during the call only. */
typedef struct weft_trace {
    const char *node, *op;
    int phase, slot;
    const float *data; /* NULL in a double-precision graph */
    size_t count;
    double seconds; /* that the step took */
    double flops;
    double bytes; /* of the tensors that the step reads and writes */
    int step;     /* its number; the same in both phases */
    const char
        *layer; /* as node, but in both phases the node before a fused activation */
} weft_trace;
typedef void weft_trace_fn(void *user, const weft_trace *t);
WEFT_API void weft_plan_trace(weft_plan *p, weft_trace_fn *fn, void *user);

/* Runs the pass once more and names the first node whose result is not finite: "conv2
 * (forward)";
 * "" when all are. Returns text. */
WEFT_API const char *weft_plan_first_bad(weft_plan *p, char *text, size_t size);

/* Holds every gradient of the plan's loss to central differences. The graph must compute
 * in double precision and the plan have input_gradients as wanted. samples: elements
 * tried per parameter and input, 0 all. worst[i] of each parameter/input is reported
 * through found(). Returns WEFT_OK when the largest relative error is at most tolerance
 * (0 means 1e-6), else WEFT_EBUG. */
typedef struct weft_gradcheck_row {
    const char *name;
    double worst; /* |analytic - numeric| / max(1e-3 of the tensor's largest, |analytic| +
                     |numeric|) */
    size_t tried, count;
} weft_gradcheck_row;
WEFT_API weft_status weft_gradcheck(weft_plan *p, size_t samples, double tolerance,
                                    void (*found)(void *user,
                                                  const weft_gradcheck_row *row),
                                    void *user);

/* ---- what flows: values forth, gradients back, as numbers to look at ---- */

/* Statistics of a network at work. The loss must be a mean over the batch; a sample's
 * gradient is then that of its own loss, whatever the batch. "Mean over samples" is over
 * all samples of all batches that were run. Where no gradient reaches, it is NaN. */
typedef struct weft_flow weft_flow;

typedef struct weft_flow_node { /* of the first output of a node, floats only */
    const char *name, *op;
    weft_val value;
    double mean, deviation, low, high; /* of all elements; a recurrent layer's padding
                                        * does not count */
    /* Channels, features or hidden units; and those of them that say nothing: 0 in every
     * sample and at every place, or (tanh, sigmoid, hard_sigmoid and recurrent layers)
     * never further than 0.01 from an end of their range. 0 of 0 for a scalar. */
    int units, dead;
    double gradient; /* mean over samples of |d loss / d value|, Euclidean */
} weft_flow_node;

typedef struct weft_flow_param { /* trainable ones */
    const char *name;
    weft_val value;
    size_t count;
    double norm;     /* |w| */
    double gradient; /* mean over batches of |d loss / d w| */
    double ratio;    /* gradient / norm; NaN when norm is 0 */
} weft_flow_param;

/* How the gradient fares along a sequence: of a recurrent layer's state h_t, with all
 * that comes back to it through later steps, one series per direction; or of each step of
 * what an embedding or a 1-D convolution gives. */
typedef struct weft_flow_series {
    const char *node;
    bool state;            /* of a state, else of an output */
    bool reverse;          /* the direction that reads from the last step to the first */
    int steps;             /* of the arrays */
    const double *by_step; /* mean over samples of |d loss / d h_t| */
    /* The same by the number of steps between h_t and the last state of its direction;
     * NaN where no sample is so long. */
    const double *by_distance;
    const int64_t *samples; /* that are longer than t, so also have a distance of t */
} weft_flow_series;

/* For a plan with a loss and keep_all, which must outlive it. Yours: weft_flow_free.
 * WEFT_EUSAGE when the plan is another, WEFT_ENOMEM. */
WEFT_API weft_status weft_flow_new(weft_plan *p, weft_flow **out);
WEFT_API void weft_flow_free(weft_flow *f); /* NULL is fine */
/* Forward and backward over the inputs that the plan holds; counts in what it sees.
 * Running statistics are left as they were. */
WEFT_API weft_status weft_flow_run(weft_flow *f);

WEFT_API int64_t weft_flow_samples(const weft_flow *f);
WEFT_API double weft_flow_loss(const weft_flow *f); /* mean over batches */
/* Of all parameters' gradients together, mean over batches. */
WEFT_API double weft_flow_gradient(const weft_flow *f);
/* In the order of computation; the loss is the last. Texts belong to the graph, arrays to
 * f until the next run. */
WEFT_API int weft_flow_nodes(const weft_flow *f);
WEFT_API weft_flow_node weft_flow_node_at(const weft_flow *f, int i);
WEFT_API int weft_flow_params(const weft_flow *f);
WEFT_API weft_flow_param weft_flow_param_at(const weft_flow *f, int i);
WEFT_API int weft_flow_series_total(const weft_flow *f);
WEFT_API weft_flow_series weft_flow_series_at(const weft_flow *f, int i);

#ifdef __cplusplus
}
#endif
#endif
