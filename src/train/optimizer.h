/* optimizer.h: what an optimizer's file offers, and the state that goes into a
 * checkpoint. */
#ifndef WEFT_SRC_TRAIN_OPTIMIZER_H
#define WEFT_SRC_TRAIN_OPTIMIZER_H

#include "graph/graph.h"
#include "weft/train.h"

/* Elements of the slab that are worked on at a time: of one dense parameter. */
typedef struct weft__piece {
    size_t begin, end;
    bool decays;
} weft__piece;

enum { WEFT_MOMENTS = 3 }; /* slabs of state that an optimizer may keep */

struct weft_optimizer {
    weft_graph *g;
    weft_optimizer_opts opts;
    const struct weft__rule *rule;
    float *moment[WEFT_MOMENTS]; /* each as large as the slab; NULL when not used */
    float *average;              /* of the parameters, with ema */
    bool swapped;                /* the average stands in the slab */
    int64_t steps;      /* done; while a rule updates, the one being done counts */
    double norm;        /* of the last gradient */
    weft__piece *piece; /* of all dense parameters in turn */
    size_t *first;      /* piece of trainable parameter i; after the last, all pieces */
    int *number;        /* of a value of the graph: i of its parameter, or -1 */
    bool *updated;      /* by the step that is being done: parameter i */
    double *part;    /* of the norm, one per piece, then one per group of sparse rows */
    double power[2]; /* beta1, beta2 to the power of steps */
};

typedef struct weft__rule {
    const char *name;
    weft_optimizer_opts defaults;
    unsigned (*moments)(const weft_optimizer_opts *opts); /* bit i: moment[i] is used */
    const char *moment_name[WEFT_MOMENTS];
    weft_status (*check)(
        const weft_optimizer_opts *opts); /* its own options; NULL none */
    /* Updates elements begin .. end-1 of the slab (all with the same decay). Called
     * from several threads at once, for ranges that do not overlap; of a sparse
     * parameter for the rows that were written only. */
    void (*update)(weft_optimizer *o, size_t begin, size_t end, double lr, double decay,
                   double gradient_scale);
} weft__rule;

/* For checks of options: WEFT_EUSAGE "NAME: OPTION is X; allowed LOW to HIGH". below:
 * HIGH itself is not allowed. */
weft_status weft__option_range(const char *name, const char *option, double x, double low,
                               double high, bool below);
/* eps, which must stay a usable divisor as a float. */
weft_status weft__option_eps(const char *name, double eps);

static inline const weft__kernels *weft__optimizer_kernels(void)
{
    return weft__kernels_chosen(false);
}

static inline float *weft__moment(const weft_optimizer *o, int i, size_t begin)
{
    return o->moment[i] ? o->moment[i] + begin : NULL;
}

#endif
