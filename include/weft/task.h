/* weft/task.h: what a network is asked, and how well it answers: tasks, scores,
 * answers.
 *
 * A task names the kind of target it needs, adds head and loss to a network,
 * measures it and decodes what it gives. Tasks are found by name: "classify" (one
 * class of several), ... */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include "weft/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

WEFT_API int weft_task_total(void);
WEFT_API const char *weft_task_name(int i);    /* NULL past the end */
WEFT_API const char *weft_task_summary(int i); /* one line; "" past the end */

/* Brings what a network of one's own gives, y [n, width], into the units of the targets
 * of d; weft_fit does it by itself.
 *   values   mean[k] + std[k] y[n,k], mean and std those of the training targets: the
 *            network learns numbers near 0, and its output is theirs
 *   classes  y itself
 * Fails: WEFT_ESHAPE: y is not [n, values]; WEFT_ENOMEM; both stay in the graph
 * (weft_graph_status), and WEFT_NONE is returned. */
WEFT_API weft_value weft_task_output(weft_graph *g, weft_value y, const weft_dataset *d);

/* ---- scores: numbers that say how good a model is ---- */

#define WEFT_MAX_SCORES 8

typedef struct weft_score {
    const char *name;  /* as in JSON: "accuracy_top1", "r2", "loss" */
    const char *label; /* for people: "top1", "R2" */
    double value;      /* NaN: not defined here */
    bool lower_is_better;
    bool percent; /* a part of 1 that is shown as percentage */
} weft_score;

/* A task's scores. The first one chooses the best epoch (equal ones: the lower
 * loss); the last one is "loss": the mean of the graph's own loss over the samples,
 * without smoothing or class weights. Names and labels are static. */
typedef struct weft_scores {
    int n;
    int64_t samples;
    weft_score score[WEFT_MAX_SCORES];
} weft_scores;
/* The value of that name; NaN when there is none. */
WEFT_API double weft_scores_get(const weft_scores *s, const char *name);

/* ---- an evaluation: a subset of a data set, and what a network made of it ---- */

typedef struct weft_metrics weft_metrics;
typedef struct weft_evaluation weft_evaluation;
WEFT_API void weft_evaluation_free(weft_evaluation *e); /* takes NULL */
WEFT_API weft_scores weft_evaluation_scores(const weft_evaluation *e);
WEFT_API weft_subset weft_evaluation_subset(const weft_evaluation *e);
/* What the measured samples are called in text and JSON instead of the subset's
 * name; a static text. */
WEFT_API void weft_evaluation_set_part(weft_evaluation *e, const char *part);
/* The network's outputs [samples][*width] in the order of the subset; NULL where
 * there were too many to store. Belongs to e. */
WEFT_API const float *weft_evaluation_outputs(const weft_evaluation *e, int *width);
/* Of a classification: counts of its answers; else NULL. Belongs to e. */
WEFT_API const weft_metrics *weft_evaluation_metrics(const weft_evaluation *e);
/* Tables for a terminal; and one JSON object. Fresh memory, free() it; NULL when out
 * of memory. */
WEFT_API char *weft_evaluation_text(const weft_evaluation *e);
WEFT_API char *weft_evaluation_json(const weft_evaluation *e);

/* ---- an answer: what a network says about one item ---- */

typedef struct weft_answer {
    int classes;         /* of a classification; 0 otherwise */
    float *probability;  /* [classes] */
    int best;            /* the most probable class; of equal ones the lower */
    int values;          /* of a regression; 0 otherwise */
    float *value;        /* [values], in the units of the training data */
    int tokens, unknown; /* of a text: tokens read, and those that the vocabulary lacks */
} weft_answer;
WEFT_API void weft_answer_clear(weft_answer *a); /* frees what it points to */

/* ---- metrics of a classifier ---- */

WEFT_API weft_metrics *weft_metrics_new(int classes); /* NULL when out of memory */
WEFT_API void weft_metrics_free(weft_metrics *m);
WEFT_API void weft_metrics_clear(weft_metrics *m);
/* Adds n samples: scores [n][classes] (logits or probabilities), labels [n], losses [n]
 * or NULL. Of equal scores the lower class number counts as higher. NaN scores count as
 * wrong. */
WEFT_API void weft_metrics_add(weft_metrics *m, const float *scores,
                               const int32_t *labels, const float *losses, int n);
typedef struct weft_class_metrics {
    double precision, recall, f1; /* 0 where undefined */
    int64_t support, predicted;
} weft_class_metrics;
WEFT_API int64_t weft_metrics_count(const weft_metrics *m);
WEFT_API double weft_metrics_top1(const weft_metrics *m);
WEFT_API double weft_metrics_top5(const weft_metrics *m);
WEFT_API double weft_metrics_loss(const weft_metrics *m);
WEFT_API weft_class_metrics weft_metrics_class(const weft_metrics *m, int c);
WEFT_API weft_class_metrics
weft_metrics_macro(const weft_metrics *m); /* plain mean of classes */
WEFT_API weft_class_metrics weft_metrics_weighted(const weft_metrics *m); /* by support */
WEFT_API int64_t weft_metrics_confusion(const weft_metrics *m, int truth, int predicted);
/* The table that scikit-learn's classification_report prints; free() it. */
WEFT_API char *weft_metrics_report(const weft_metrics *m, const char *const *names);

/* ---- what a network of texts must be better than: a linear model of n-grams ---- */

typedef struct weft_linear_opts {
    int ngrams;     /* up to; 0: 2 of words, 3 of characters */
    double cost;    /* of a training sample inside the margin; 0 means 1 */
    int passes;     /* at most, over the training samples; 0 means 60 */
    int max_length; /* as weft_tokenizer_opts; 0: 2000 */
    uint64_t seed;  /* of the order */
    double scale;   /* weft_wide_start: logits a unit of margin; 0 means 4 */
} weft_linear_opts;
typedef struct weft_linear_result {
    double val_top1, test_top1; /* NaN where there is no such subset */
    int features, ngrams;
    double seconds;
    char name[64]; /* "1-2-grams of words" */
} weft_linear_result;
/* Trains a support vector machine, one against the rest, on the training subset of
 * d: features are tokens, pairs and triples, (1 + log count) * (log((1 + n) / (1 +
 * texts with it)) + 1), each text of length 1; squared hinge loss, by dual
 * coordinate descent (Hsieh et al. 2008), as LIBLINEAR does. The same bits for any
 * number of threads. WEFT_EUSAGE when d has no texts or no classes. */
WEFT_API weft_status weft_linear_baseline(const weft_dataset *d,
                                          const weft_linear_opts *opts,
                                          weft_linear_result *out);
#ifdef __cplusplus
}
#endif
#endif
