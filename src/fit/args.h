/* args.h: the options of `weft train` from the inside: one table of rows, one block
 * of values. */
#ifndef WEFT_SRC_FIT_ARGS_H
#define WEFT_SRC_FIT_ARGS_H

#include "base/arena.h"
#include "task/task.h"
#include "weft/fit.h"

/* Options that no modality and no task owns. Numbers below 0 and NULL are unset. */
typedef struct weft__fit_values {
    const char *task, *modality;
    /* network */
    const char *model, *from;
    double dropout;
    /* networks for texts; 0 or NULL: the model's own */
    int embedding, filters, kernel, hidden, layers, pool, wide;
    const char *form, *readout;
    bool bag, freeze_embedding;
    double wide_dropout, embedding_dropout, gate_bias;
    /* data */
    const char *val, *test, *skip_bad, *bad_list;
    double val_fraction;
    bool no_val;
    /* training */
    int epochs, batch, accumulate, patience;
    double lr, momentum, weight_decay, clip_norm, clip_value, ema;
    const char *optimizer, *schedule, *milestones;
    double warmup, gamma, step, final;
    bool no_nesterov, no_baseline;
    uint64_t seed;
    /* run */
    const char *project, *name, *resume;
    bool force, reset_optimizer, no_report;
    double save_seconds;
    int threads;
    bool exact_conv;
    size_t max_mem;
} weft__fit_values;

enum { WEFT_MOST_OPTIONS = 256 };

struct weft_fit_args {
    void *block; /* weft__fit_values, then those of each modality, then of each task */
    bool given[WEFT_MOST_OPTIONS]; /* by row of weft_fit_options */
    weft__arena arena;             /* texts */
};

static inline weft__fit_values *weft__fit_values_of(const weft_fit_args *a)
{
    return a->block;
}
void *weft__fit_modality_values(const weft_fit_args *a, const weft__modality *m);
void *weft__fit_task_values(const weft_fit_args *a, const weft__task *t);

/* A copy with the same values; texts are copied too. NULL when out of memory. */
weft_fit_args *weft__fit_args_copy(const weft_fit_args *a);
/* Values of `from` that were given, over those of to. */
weft_status weft__fit_args_overlay(weft_fit_args *to, const weft_fit_args *from);
/* Does option `row` belong to another modality or task than these? */
bool weft__fit_foreign(int row, const weft__modality *m, const weft__task *t);
/* An option that was given and is foreign: WEFT_EUSAGE. */
weft_status weft__fit_check_foreign(const weft_fit_args *a, const weft__modality *m,
                                    const weft__task *t);
/* Values that exclude each other: WEFT_EUSAGE. What depends on the optimizer is
 * looked at once that is known. */
weft_status weft__fit_check(const weft__fit_values *v);
/* Options of networks for texts that were given, for a network that reads something
 * else. */
weft_status weft__fit_check_network(const weft_fit_args *a, const char *model);

/* Takes back those that the network of that name does not look at. */
void weft__fit_drop_foreign_network(weft_fit_args *a, const char *model);

/* What the options say of training; lr ... are settled. */
weft_status weft__fit_train_opts(const weft__fit_values *v, weft_train_opts *out);
void weft__fit_zoo_opts(const weft__fit_values *v, weft_zoo_opts *z);
/* Fills in what is unset. */
void weft__fit_settle(weft__fit_values *v, const weft__recipe *r);
/* "5%", "" for no limit */
weft_status weft__fit_skip_bad(const char *text, double *most);

/* args_json.c: a run's options in a file, so that it can be resumed. data: the data
 * set's path. */
weft_status weft__fit_args_write(const weft_fit_args *a, const char *path,
                                 const char *data, const weft__modality *m,
                                 const weft__task *t);
/* *data is fresh memory. */
weft_status weft__fit_args_read(weft_fit_args *a, const char *path, char **data);

#endif
