/* flow.h: what the files of weft_flow share. */
#ifndef WEFT_SRC_INSPECT_FLOW_H
#define WEFT_SRC_INSPECT_FLOW_H

#include "plan/step.h"
#include "weft/inspect.h"

typedef struct weft__flow_node {
    int step, value;
    int unit_axis; /* -1: none */
    weft__saturation saturation;
    bool *alive; /* [units] */
    int units;
    double count, mean, m2, low, high; /* m2: sum of squares around the mean */
    double gradient;                   /* sum over samples */
    bool reached;
} weft__flow_node;

/* A sequence of gradients: of one direction of a recurrent layer, or of a value. */
typedef struct weft__flow_series {
    int step, value, direction, directions;
    bool reverse;
    int steps;
    void *states; /* [n][t][directions][units]: gradients of the states; NULL: a value */
    double *sum_step, *sum_distance; /* [steps] */
    double *by_step, *by_distance;   /* [steps] */
    int64_t *samples;                /* [steps] */
} weft__flow_series;

struct weft_flow {
    weft_plan *p;
    weft__arena arena;
    weft__flow_node *node;
    int nodes;
    weft__flow_series *series;
    int series_count;
    int *axis;     /* of the units, by pval; -1 unknown */
    int *lengths;  /* by pval: what says how many steps of each sample count; 0: all do */
    double *param; /* sum over batches of the norms, by parameter */
    int params;
    double loss, gradient; /* sums over batches */
    int64_t samples, batches;
    void *buffers; /* running statistics, to be put back */
    bool own_plan;
    weft_graph *g; /* with own_plan: nodes after mark are taken out of it again */
    weft__graph_mark mark, made; /* without and with them */
};

/* f frees its plan, too, and takes the nodes of g after mark out again. */
void weft__flow_own(weft_flow *f, weft_graph *g, weft__graph_mark mark);

/* flow_count.c: adds what the pass has left in the plan. */
void weft__flow_count(weft_flow *f);

#endif
