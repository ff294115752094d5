/* optimizer.h: what an optimizer's file offers, and the state that goes into a checkpoint. */
#ifndef WEFT_SRC_OPTIMIZER_H
#define WEFT_SRC_OPTIMIZER_H

#include "graph/graph.h"
#include "weft/train.h"

enum { WEFT_MOMENTS = 3 }; /* slabs of state that an optimizer may keep */

struct weft_optimizer {
    weft_graph *g;
    weft_optimizer_opts opts;
    const struct weft__rule *rule;
    float *moment[WEFT_MOMENTS]; /* each as large as the slab; NULL when not used */
    float *average;              /* of the parameters, with ema */
    bool swapped;                /* the average stands in the slab */
    int64_t steps;
    double norm; /* of the last gradient */
};

typedef struct weft__rule {
    const char *name;
    weft_optimizer_opts defaults;
    int (*moments)(const weft_optimizer_opts *opts); /* slabs of state, by these options */
    const char *moment_name[WEFT_MOMENTS];
    weft_status (*check)(const weft_optimizer_opts *opts); /* its own options; NULL none */
    /* Updates elements begin .. end-1 of the slab (all with the same decay). */
    void (*update)(weft_optimizer *o, size_t begin, size_t end, double lr, double decay,
                   double gradient_scale);
} weft__rule;

#endif
