/* train_job.h: one call of `weft train`, and what each kind of data does for it. */
#ifndef WEFT_CLI_TRAIN_JOB_H
#define WEFT_CLI_TRAIN_JOB_H

#include "args_file.h"
#include "outcome.h"
#include "progress.h"
#include "samples.h"
#include "train_args.h"

typedef struct train_job train_job;

typedef struct train_kind {
    train_task task;
    bool (*left_out)(const char *option); /* of args.json */
    /* Opens job->data_path into the job; --skip-bad names bad samples in bad_list. */
    weft_status (*open)(train_job *j, const char *bad_list);
    /* Chooses what is left open, builds the network and its metadata. */
    weft_status (*prepare)(train_job *j);
    void (*print_data)(const train_job *j);
    weft_status (*fit)(train_job *j);
    void (*close)(train_job *j);
} train_kind;

struct train_job {
    train_args a;
    args_texts texts; /* of a, read from a run's args.json */
    const train_kind *kind;
    char *data_path;
    char run_dir[4096];
    weft_data *d; /* one of d and t */
    weft_texts *t;
    weft_tokenizer *k; /* with t */
    samples set;       /* of d or t */
    weft_graph *g;
    weft_val logits;
    weft_meta *meta;
    weft_fit fit;
    weft_train_opts opts;
    weft_train_result result;
    progress bar;
    float *weights; /* of classes, with --balance */
    bool fresh;     /* this run made run_dir */
    char bad_list[4200];
};

extern const train_kind train_pictures, train_texts;

/* train_job.c */
/* A fresh graph for the network, and empty metadata. */
weft_status train_job_begin(train_job *j);
/* With --from: the parameters of another model. */
weft_status train_job_from(train_job *j);
/* With --balance: class weights n / (classes * n_c), as scikit-learn's "balanced". */
weft_status train_job_balance(train_job *j);
void train_job_free(train_job *j);

#endif
