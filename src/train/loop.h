/* loop.h: a training run from the inside: what the loop, its state and its folder
 * share. */
#ifndef WEFT_SRC_TRAIN_LOOP_H
#define WEFT_SRC_TRAIN_LOOP_H

#include "train/setup.h"
#include "train/trainer.h"

/* Everything that must come back for a run to go on with the same bits, but for the
 * trainer's. */
typedef struct weft__run_state {
    int epoch, batch; /* to be done next, from 0 */
    double loss_sum;  /* of this epoch so far */
    int64_t loss_count;
    double norm_sum, norm_most; /* of the gradients of this epoch's updates */
    int64_t norm_count;
    double plateau_factor, plateau_best;
    int plateau_stale;
    double lr_backoff; /* product of the halvings after divergence */
    int lr_backoffs;
    int best_epoch, stale; /* best_epoch from 1; 0: none yet */
    double best_score, best_loss;
    double seconds; /* spent in earlier parts */
    int finite;     /* of a checkpoint: an epoch's start that may be come back to */
} weft__run_state;

typedef struct weft__loop {
    weft_graph *g;
    weft_dataset *d;
    weft__task_setup setup;
    weft_train_opts opts;
    weft_meta *meta; /* of the model files */
    int batches;
    weft_trainer *trainer;
    weft_loader *loader; /* of the training subset */
    struct weft__evaluator *evaluator;
    weft_evaluation *last, *best;    /* of the last evaluation; of the best epoch */
    bool two_outputs;                /* there is room for the outputs of both */
    bool best_known;                 /* false when that epoch was before a resume */
    float *best_slab, *best_buffers; /* the parameters of the best epoch */
    weft__run_state at;
    weft_epoch_row *history;
    int rows, row_room;
    double started, saved;
    int lock;
    bool save_failed; /* the last try; tried again at the next interval */
} weft__loop;

/* loop.c: a batch and its targets into the inputs of a plan. */
weft_status weft__loop_bind(weft__loop *l, weft_plan *p, const weft_batch *b);

/* run_state.c: to and from run_dir. */
weft_status weft__loop_claim(weft__loop *l); /* folder, lock */
/* last.ckpt; where finite, epoch.ckpt too: where a divergence goes back to. */
weft_status weft__loop_save(weft__loop *l, bool finite);
/* Reads run_dir/last.ckpt, or epoch.ckpt. A checkpoint of another run is WEFT_EUSAGE
 * with every difference in one line. */
weft_status weft__loop_restore(weft__loop *l, bool epoch_start);
weft_status weft__loop_history(weft__loop *l); /* writes results.csv */
weft_status weft__loop_add_row(weft__loop *l, const weft_epoch_row *row);
weft_status weft__loop_export(weft__loop *l, const char *file); /* an ONNX model */
double weft__loop_seconds(const weft__loop *l);

/* estimate.c: tells opts.on_start how long the run will take, by a few steps that
 * leave everything as it was. */
void weft__loop_estimate(weft__loop *l);

#endif
