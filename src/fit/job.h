/* job.h: one call of weft_fit, from the inside. */
#ifndef WEFT_SRC_FIT_JOB_H
#define WEFT_SRC_FIT_JOB_H

#include "fit/args.h"

typedef struct weft__fit_job {
    const weft_fit_opts *o;
    weft_fit_args *a; /* own copy: what was left open is filled in */
    weft__fit_values *v;
    const weft__modality *kind;
    const weft__task *task;
    char *data_path;
    char run_dir[4096], bad_list[4200];
    bool fresh; /* this run made run_dir */
    weft_dataset *d;
    weft_graph *g;
    weft_meta *meta;
    char notes[800]; /* lines about what was taken over */
    char details[400], data_line[5000];
    weft_fit_result result;
    weft__baseline baseline;
    bool has_baseline;
    double params;      /* elements of all parameters */
    size_t infer_bytes; /* planned memory of prediction, one sample */
} weft__fit_job;

/* network.c: the network that the options ask for, with its starting values. */
weft_status weft__fit_build(weft__fit_job *j, int ngrams);
/* The opened and fitted data set, and what the options leave open. *ngrams: of the
 * tokens that the network itself reads. */
weft_status weft__fit_open_data(weft__fit_job *j, int *ngrams);
/* Options for opening a data set of kind m. */
weft_status weft__fit_dataset_opts(const weft_fit_args *a, const weft__modality *m,
                                   weft_dataset_opts *out);
/* The modality and task that options and path say. */
weft_status weft__fit_choose(const weft_fit_args *a, const char *path,
                             const weft__modality **m, const weft__task **t);

/* result.c: the finished run in words. */
weft_status weft__fit_words(weft__fit_job *j);
/* run_report.c: report.html and the pictures beside it. */
weft_status weft__fit_report(weft__fit_job *j);

static inline const weft_evaluation *weft__fit_shown(const weft__fit_job *j)
{
    return j->result.test ? j->result.test : j->result.train.evaluation;
}

#endif
