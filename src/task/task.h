/* task.h: what a task offers: what a network is asked. One task is one file and one row
 * in task.def. It never sees a format of files, nor what a sample is. */
#ifndef WEFT_SRC_TASK_TASK_H
#define WEFT_SRC_TASK_TASK_H

#include "base/arena.h"
#include "base/json.h"
#include "data/modality.h"
#include "report/facts.h"
#include "weft/option.h"
#include "weft/task.h"

typedef struct weft__task weft__task;

/* What a task knows of its targets; learnt from a data set, travels in the model: names
 * of classes, units of values. A task's own struct starts with this one. */
typedef struct weft__codec {
    const weft__task *task;
    int width; /* numbers that the network gives for a sample */
} weft__codec;

/* What a task adds to a network, in a graph of its own (weft__graph_mark). */
typedef struct weft__head {
    weft_value output;     /* the network's: [n, width] */
    weft_value target;     /* training: the input that targets go into */
    weft_value loss;       /* training: what is minimised, one number */
    weft_value each;       /* training: each sample's loss [n] */
    weft_value truth;      /* evaluation: its target input; may be target */
    weft_value truth_each; /* evaluation: each sample's loss [n] */
} weft__head;

/* A task's score without its value. */
typedef struct weft__score_row {
    const char *name, *label, *title; /* "accuracy_top1", "top1", "accuracy" */
    const char *csv;                  /* the column in results.csv */
    bool lower_is_better, percent;
} weft__score_row;

typedef struct weft__baseline { /* a simple model next to the network */
    char model[64];             /* "linear" or "mean": in JSON */
    char title[64];             /* "linear, 1-2-grams of words" */
    weft_scores val, test;      /* n 0: there is no such subset */
    int features;
    double seconds;
} weft__baseline;

struct weft__task {
    const char *name, *summary;
    weft_target_kind target;

    const weft_option *options;
    size_t options_size;
    void (*options_start)(void *args); /* defaults */
    /* Changes what a modality proposes for training; NULL: nothing. */
    void (*recipe)(void *args, const weft_dataset *d, weft__recipe *r);

    /* Is there something to learn? NULL: nothing to check. */
    weft_status (*check)(const weft_dataset *d, const weft__sink *sink);
    weft_status (*fit)(const weft_dataset *d, weft__codec **out);
    void (*free)(weft__codec *c); /* takes NULL */
    weft_status (*save)(const weft__codec *c, weft_meta *m);
    /* From metadata that may be missing or wrong, for a network that gives width
     * numbers. path is for messages. */
    weft_status (*load)(const weft_meta *m, int width, const char *path,
                        weft__codec **out);
    /* The targets of d as c numbers them: *map, fresh memory, or NULL where they are
     * the same. WEFT_EUSAGE names a target that c does not know. */
    weft_status (*match)(const weft__codec *c, const weft_dataset *d, int32_t **map);

    /* What turns the numbers of a ready network into the task's units, before
     * training; NULL: nothing. Returns the new output, whose name in the model file
     * is output_name. */
    weft_value (*finish)(weft_graph *g, weft_value y, const weft__codec *c);
    const char *output_name;
    /* Adds the nodes of training and of evaluation after h->output. mixed: training
     * targets are blends of two samples' (mixup). */
    weft_status (*head)(weft_graph *g, const weft__codec *c, const weft_dataset *d,
                        const void *args, bool mixed, weft__head *h);
    /* A training batch's targets into a plan; an evaluation batch's. */
    weft_status (*bind)(const weft__head *h, const weft__codec *c, const weft_dataset *d,
                        weft_plan *p, const weft_batch *b);
    weft_status (*bind_truth)(const weft__head *h, const weft__codec *c,
                              const int32_t *map, weft_plan *p, const weft_batch *b);

    /* Scores but for the loss, which all tasks have; the first one chooses. */
    int scores;
    const weft__score_row *score;
    /* Counts answers: outputs [n][width] of a batch. */
    weft_status (*meter_new)(const weft__codec *c, void **out);
    void (*meter_free)(void *meter); /* takes NULL */
    void (*meter_clear)(void *meter);
    void (*meter_add)(void *meter, const weft__codec *c, const int32_t *map,
                      const float *output, const float *each, const weft_batch *b);
    void (*meter_scores)(const void *meter, double *value); /* [scores] */

    const char *(*value_name)(const weft__codec *c,
                              int k); /* of tasks whose targets are values */
    /* One sample's outputs as an answer; WEFT_ENOMEM. */
    weft_status (*decode)(const weft__codec *c, const float *output, weft_answer *a);
    /* An answer for people, one line; and as keys of an open JSON object. top: of
     * what is ranked. */
    void (*answer_text)(const weft__codec *c, const weft_answer *a, int top, char *text,
                        size_t size);
    void (*answer_json)(const weft__codec *c, const weft_answer *a, int top,
                        weft__json *w);
    int top_one, top_many; /* answers shown where top is not said: of a line, of a file */

    /* An evaluation for a terminal (fresh memory, NULL without memory), and as JSON
     * keys. */
    char *(*text)(const weft_evaluation *e);
    void (*json)(const weft_evaluation *e, weft__json *w);
    /* Its part of a run's report: headline, summary, tables, charts, mistakes. Texts
     * live in the headline's arena. */
    weft_status (*report)(const weft_evaluation *e, const weft_dataset *d,
                          weft__fact_list *headline, weft__report *r);
    /* Pictures next to the report, in folder dir; NULL: none. val is the evaluation of
     * the validation subset (of e's where there is none). */
    weft_status (*pictures)(const weft_evaluation *e, const weft_evaluation *val,
                            const weft_dataset *d, const weft__report *r,
                            const char *dir);
    /* The simple model next to the network; NULL: none. *out untouched and WEFT_OK
     * where the data have none. */
    weft_status (*baseline)(const weft_dataset *d, uint64_t seed, weft__baseline *out,
                            bool *made);
};

/* By name; NULL. "text" is an old word for classify. */
const weft__task *weft__task_named(const char *name);
/* The one for a kind of target; NULL. */
const weft__task *weft__task_for(weft_target_kind kind);
/* The word by which a task on a modality is known in run folders and metadata. */
const char *weft__task_word(const weft__task *t, const weft__modality *m);

#define TASK(name) extern const weft__task weft_task_##name;
#include "task/task.def"
#undef TASK

/* ---- evaluation.c ---- */

/* What a network made of a subset. */
struct weft_evaluation {
    const weft__codec *codec; /* belongs to whoever made the evaluation */
    weft__codec *own;         /* the same, when e is to free it */
    void *meter;
    weft_subset subset;
    const char *word; /* of task and modality: "classify", "text" ...; static */
    const char *part; /* what was evaluated: "test", "all" ...; static */
    int32_t *map;     /* of the data set's targets; NULL */
    int count, width;
    float *outputs; /* [count][width] in the order of the subset; NULL: not stored */
    double loss;    /* sum over the samples */
    int64_t losses;
};

/* For subset s of d. store: whether outputs are wanted (of too many samples they are
 * not stored anyway). Takes map over when it does not fail. */
weft_status weft__evaluation_new(const weft__codec *c, const weft_dataset *d,
                                 weft_subset s, int32_t *map, bool store,
                                 weft_evaluation **out);
void weft__evaluation_clear(weft_evaluation *e);
/* Adds a batch: output [n][width], each [n]. */
void weft__evaluation_add(weft_evaluation *e, const float *output, const float *each,
                          const weft_batch *b);
/* The target of sample i as the codec numbers it; -1. */
int weft__evaluation_label(const weft_evaluation *e, const weft_dataset *d, int i);

/* ---- options of a task: a block of values, made from "name=value" ---- */
weft_status weft__task_args_new(const weft__task *t, const char *const *options,
                                void **out);

#endif
