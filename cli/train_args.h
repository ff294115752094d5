/* train_args.h: the options of `weft train`. */
#ifndef WEFT_CLI_TRAIN_ARGS_H
#define WEFT_CLI_TRAIN_ARGS_H

#include "option.h"

typedef struct train_args {
    const char *task; /* NULL: as the data are */
    /* network */
    const char *model, *from;
    int imgsz, channels;
    double dropout;
    /* network for texts; 0 or NULL: the model's own */
    int embedding, filters, kernel, hidden, layers, pool;
    const char *form, *readout, *vectors, *vector_words;
    bool bag, freeze_embedding;
    double embedding_dropout, gate_bias;
    /* data */
    const char *val, *test, *fit, *skip_bad, *bad_list;
    double val_fraction, max_megapixels;
    bool no_val, no_check;
    /* texts */
    const char *label_column, *text_column, *format, *unit;
    bool strict, keep_case, keep_width, mixed_lengths, no_baseline;
    int wide;
    double wide_dropout;
    int ngrams, min_count, max_vocab, max_pairs, max_triples, max_length;
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
    bool exact_conv;
    size_t max_mem;
} train_args;

extern const option_row train_options[];
train_args train_defaults(void);

/* The kinds of data; the word is --task, a model's metadata and the runs' folder. */
typedef enum train_task { TRAIN_CLASSIFY, TRAIN_TEXT } train_task;
extern const char *const train_task_words[];
/* Is this option for the other kind of data only? */
bool train_option_foreign(const char *name, train_task task);
/* Options that do not go with the data or cannot stand together: WEFT_EUSAGE. Then the
 * defaults of that kind of data. */
weft_status train_settle(const command *c, train_args *a, train_task task);

weft_status train_fit_opts(const train_args *a, weft_train_opts *out);
/* "5%", "" for no limit */
weft_status train_skip_bad(const train_args *a, double *most);

/* train_pictures.c: what is left open follows from the data: model, augmentation. */
void train_choose(train_args *a, const weft_data *d);

#endif
