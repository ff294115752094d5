/* setup.h: a network, a data set and a task brought together: inputs found, head and
 * loss added; and evaluation over a subset. */
#ifndef WEFT_SRC_TRAIN_SETUP_H
#define WEFT_SRC_TRAIN_SETUP_H

#include "graph/graph.h"
#include "task/task.h"
#include "weft/train.h"

typedef struct weft__task_setup {
    weft_graph *g;
    weft_dataset *d;
    const weft__task *task;
    const weft__preprocess *preprocess; /* the data set's, or a model's */
    weft__codec *codec;                 /* own, unless borrowed */
    bool borrowed;
    void *args;        /* own, of the task */
    const void *given; /* or the caller's */
    weft__inputs inputs;
    weft__head head;
    weft__graph_mark mark; /* the graph without the head */
    bool marked;
} weft__task_setup;

typedef struct weft__setup_opts {
    const weft__task *task; /* NULL: by the data set's kind of target */
    const char *const *task_options;
    const void *task_args; /* instead of task_options */
    weft_value output;     /* WEFT_NONE: the graph's first */
    /* A model's own; NULL: learnt from d. */
    const weft__preprocess *preprocess;
    weft__codec *codec;
} weft__setup_opts;

/* Fits d where it must, finds the graph's inputs, and adds the head. *out is freed by
 * weft__setup_free, which takes the head out of the graph again. */
weft_status weft__setup_make(weft_graph *g, weft_dataset *d, const weft__setup_opts *o,
                             weft__task_setup *out);
void weft__setup_free(weft__task_setup *s);
static inline const void *weft__setup_args(const weft__task_setup *s)
{
    return s->given ? s->given : s->args;
}

/* The metadata by which a model file is understood again (weft_predictor_open).
 * model may be NULL. */
weft_status weft__setup_describe(const weft__task_setup *s, const char *model,
                                 uint64_t seed, weft_meta *m);

/* ---- evaluator.c: plans and loader of one subset, made once ---- */

typedef struct weft__evaluator weft__evaluator;
/* batch is the most: where a plan for it were large, smaller ones are taken. It lives
 * within another plan (may be NULL) where it can. */
weft_status weft__evaluator_new(const weft__task_setup *s, weft_subset subset, int batch,
                                bool exact_conv, weft_plan *within,
                                weft__evaluator **out);
void weft__evaluator_free(weft__evaluator *e); /* takes NULL */
/* e is cleared, then gets every sample. */
weft_status weft__evaluator_run(weft__evaluator *e, weft_evaluation *to);

/* All of it once: a subset through a network. */
weft_status weft__evaluate(weft_graph *g, weft_dataset *d, const weft__setup_opts *o,
                           weft_subset subset, int batch, bool exact_conv,
                           weft_evaluation **out);

/* flow_dataset.c: weft_flow_dataset with a model's own preprocessing. */
weft_status weft__flow_of(weft_graph *g, weft_dataset *d, const weft__setup_opts *so,
                          const weft_flow_opts *opts, weft_flow **out);

#endif
