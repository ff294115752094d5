/* train_args.h: the options of `weft train`. */
#ifndef WEFT_CLI_TRAIN_ARGS_H
#define WEFT_CLI_TRAIN_ARGS_H

#include "option.h"

typedef struct train_args {
    /* network */
    const char *model, *from;
    int imgsz, channels;
    double dropout;
    /* data */
    const char *val, *test, *fit, *skip_bad, *bad_list;
    double val_fraction, max_megapixels;
    bool no_val, no_check;
    /* training */
    int epochs, batch, accumulate, patience;
    double lr, momentum, weight_decay, clip_norm, clip_value, ema, smoothing;
    const char *optimizer, *schedule, *milestones;
    double warmup, gamma, step, final;
    bool balance, no_nesterov;
    uint64_t seed;
    /* augmentation */
    const char *augment;
    double flip, flip_vertical, rotate, brightness, contrast, saturation, hue, mixup;
    int shift, cutout;
    /* run */
    const char *project, *name, *resume;
    bool force, reset_optimizer, no_report, json, quiet;
    double save_seconds;
    int threads, loader_threads;
    size_t max_mem;
} train_args;

extern const option_row train_options[];
train_args train_defaults(void);
/* What is left open follows from the data: model, augmentation. */
void train_choose(train_args *a, const weft_data *d);
/* Options that cannot stand together: WEFT_EUSAGE. */
weft_status train_check(const train_args *a);
weft_status train_data_opts(const train_args *a, weft_data_opts *out);
weft_status train_fit_opts(const train_args *a, weft_train_opts *out);

#endif
