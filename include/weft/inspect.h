/* weft/inspect.h: looking at a network at work: gradients held to differences, the
 * first number that is not finite, statistics of what flows. */
#ifndef WEFT_INSPECT_H
#define WEFT_INSPECT_H

#include "weft/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the passes of the plan again and writes to text[size], cut to it, what is the
 * first not to be finite: "NAME (value)" an input or parameter, "NAME (forward)" a
 * node's result, "NAME (backward)" the gradients that a node gives; "" when all are
 * finite. Returns text. Only after a pass: the backward part begins with the
 * gradient of the loss that the last weft_plan_backward left. In a plan with
 * `training` the running statistics move once more. */
WEFT_API const char *weft_plan_first_bad(weft_plan *p, char *text, size_t size);

/* What comparing an analytic gradient with differences came to; a later one is worse. */
typedef enum weft_gradcheck_verdict {
    WEFT_GRADCHECK_OK = 1, /* they agree */
    /* the loss has a kink there (relu at 0, a tie in a maximum): the slopes of its two
     * sides differ, and the gradient is one of them */
    WEFT_GRADCHECK_KINK,
    /* no gradient reaches it: 0 both ways, or too small for differences to see a fault
     * of 1 % */
    WEFT_GRADCHECK_UNSEEN,
    WEFT_GRADCHECK_FAULT /* the gradient is wrong */
} weft_gradcheck_verdict;

/* One element, compared. */
typedef struct weft_gradcheck_pair {
    size_t index;    /* of the element, in logical order: the last dimension fastest */
    double analytic; /* the gradient a by back-propagation */
    double numeric;  /* the gradient d by differences; of a kink, of the nearer side */
    /* |a - d| / max(|a| + |d|, 1e-3 of the tensor's largest |a| + 1e-9); 0 where the
     * rounding of the loss explains it */
    double error;
    weft_gradcheck_verdict verdict; /* what that means */
} weft_gradcheck_pair;

/* What weft_gradcheck found out about one parameter or input. */
typedef struct weft_gradcheck_row {
    const char *name; /* belongs to the graph */
    weft_shape shape; /* its dimensions */
    double worst;     /* the largest error of a pair */
    size_t count;     /* elements that there are */
    size_t tried;     /* pairs: elements compared one by one */
    size_t zero;      /* elements that are 0 both ways, found so without a pair */
    size_t kinks;     /* pairs at a kink */
    size_t unseen;    /* pairs too small to see */
    size_t faults;    /* pairs that do not agree */
    /* a fault in it; else, if no pair says anything, WEFT_GRADCHECK_UNSEEN; else a kink
     * in it, or WEFT_GRADCHECK_OK */
    weft_gradcheck_verdict verdict;
    /* [tried], the worst first, the others by index; valid during the call */
    const weft_gradcheck_pair *pair;
} weft_gradcheck_row;

/* Compares gradients of the plan's loss with differences in double precision: of every
 * trainable parameter and, with input_gradients, every float input. Each element is moved
 * up and down by steps from 1e-7 to 1e-2, extrapolated to a step of 0; the step with the
 * least error in sight decides. Elements that back-propagation gives nothing are moved
 * all at once, and one by one only if that changes the loss.
 *   samples: pairs of each, spread over the elements that have a gradient; a quarter of
 *     that and 4 more are for elements that have one by differences only. 0: all elements
 *   tolerance: the largest error that passes; 0 means 1e-6
 *   found(user, row) is called for each parameter and input; may be NULL
 * The graph must compute in double precision. Parameters, inputs and running
 * statistics are left as they were. Kinks pass. Fails: WEFT_EBUG: a fault, or a parameter
 * or input that no gradient reaches, the message names the worst; WEFT_EUSAGE: a graph
 * not in double precision, no loss, or as weft_plan_forward; WEFT_ENOMEM. */
WEFT_API weft_status weft_gradcheck(weft_plan *p, size_t samples, double tolerance,
                                    void (*found)(void *user,
                                                  const weft_gradcheck_row *row),
                                    void *user);

/* ---- what flows: statistics of values and gradients over some batches ---- */

/* Statistics of a network at work, collected by weft_flow_run. The loss must be a mean
 * over the batch; a sample's gradient is then that of its own loss, whatever the batch
 * size. "Mean over samples" is over all samples of all batches so far. A mean is NaN
 * where no gradient arrives, and before the first weft_flow_run. */
typedef struct weft_flow weft_flow;

/* The first output of a node, floats only. Texts belong to the graph. */
typedef struct weft_flow_node {
    const char *name, *op; /* of the node, of its operator */
    weft_value value;      /* the output */
    /* mean, standard deviation and limits of all elements; without the padding of
     * sequences */
    double mean, std, low, high;
    int units; /* channels, features or hidden units; 0 for a scalar */
    /* those of them that were 0 in every sample and at every place or, of tanh,
     * sigmoid, hard_sigmoid and recurrent layers, never further than 0.01 from an
     * end of their range */
    int dead;
    double gradient; /* mean over samples of the norm |d loss / d value| (Euclidean) */
    bool features;   /* found at each place by itself: a convolution, an embedding */
    bool pools;      /* a coarser copy of what came before */
} weft_flow_node;

/* A trainable parameter w. */
typedef struct weft_flow_param {
    const char *name; /* belongs to the graph */
    weft_value value; /* w */
    size_t count;     /* elements */
    double norm;      /* |w|, Euclidean, now */
    double gradient;  /* mean over batches of |d loss / d w| */
    double ratio;     /* gradient / norm; NaN when norm is 0 */
} weft_flow_param;

/* How the gradient fares along a sequence: one series for each direction of a
 * recurrent layer, of its state h_t with all that comes back to it through later
 * steps; or one for what an embedding or a convolution of one dimension gives. */
typedef struct weft_flow_series {
    const char *node;      /* its name; belongs to the graph */
    bool state;            /* of a state; else of an output */
    bool reverse;          /* of the direction that reads from the last step on */
    int steps;             /* elements of each array below */
    const double *by_step; /* [t]: mean over samples of |d loss / d h_t| */
    /* [k]: the same k steps before the last state of the direction; NaN where no sample
     * is so long */
    const double *by_distance;
    /* [t]: samples longer than t, which also have a distance of t */
    const int64_t *samples;
} weft_flow_series;

/* Prepares statistics of plan p, which must have a loss and keep_all, and only one
 * weft_flow at a time.
 * Fails: WEFT_EUSAGE: another kind of plan; WEFT_ENOMEM.
 * *out is the caller's: weft_flow_free, before the plan is freed. */
WEFT_API weft_status weft_flow_new(weft_plan *p, weft_flow **out);

/* Frees the statistics; the plan stays. */
WEFT_API void weft_flow_free(weft_flow *f);

/* A forward and a backward pass over the inputs that the plan holds, counted. Running
 * statistics are left as they were.
 * Fails: as weft_plan_backward. */
WEFT_API weft_status weft_flow_run(weft_flow *f);

/* weft_flow_samples: samples so far. weft_flow_loss: the mean of the batches' losses.
 * weft_flow_gradient: the mean over batches of the norm of all parameters' gradients
 * together. */
WEFT_API int64_t weft_flow_samples(const weft_flow *f);
WEFT_API double weft_flow_loss(const weft_flow *f);
WEFT_API double weft_flow_gradient(const weft_flow *f);

/* How many nodes, parameters and series there are (weft_flow_nodes, weft_flow_params,
 * weft_flow_series_total), and number i of them (weft_flow_node_at, weft_flow_param_at,
 * weft_flow_series_at), i from 0; i is not checked. Nodes come in the order of
 * computation, the loss last. The arrays of a series belong to f; each weft_flow_run
 * fills them anew. */
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
