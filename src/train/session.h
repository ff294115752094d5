/* session.h: a training run from the inside: what the loop, the state and the run folder
 * share. */
#ifndef WEFT_SRC_SESSION_H
#define WEFT_SRC_SESSION_H

#include "train/feed.h"
#include "train/optimizer.h"

#include "store/checkpoint.h"
#include "weft/ops.h"

/* Everything that must come back for a run to go on with the same bits. */
typedef struct weft__run_state {
    int epoch, batch; /* to be done next, from 0 */
    int64_t step;     /* batches seen so far: the key of random numbers */
    double loss_sum;  /* of this epoch so far */
    int64_t loss_count;
    double norm_sum, norm_most; /* of the gradients of this epoch's updates */
    int64_t norm_count;
    double plateau_factor, plateau_best;
    int plateau_stale;
    double halved; /* product of the halvings after divergence */
    int halvings;
    int best_epoch, stale; /* best_epoch from 1; 0: none yet */
    double best_top1, best_loss;
    double seconds; /* spent in earlier parts */
    int sound;      /* of a checkpoint: an epoch's start that may be come back to */
} weft__run_state;

typedef struct weft__session {
    weft_graph *g;
    weft_val logits, target, loss, each;
    weft__feed *feed;
    weft_train_opts opts;
    const weft_meta *meta;
    int classes, batches;
    weft_optimizer *optimizer;
    void *reader;           /* of the training split */
    weft_plan *full, *tail; /* for a whole batch and for the last one */
    int tail_size;
    struct weft__evaluator *evaluator;
    weft_metrics *metrics; /* of the last evaluation */
    float *scores;
    weft_metrics *best_metrics; /* of the best epoch, with best_scores */
    float *best_scores;
    bool keeps_scores;               /* they are not too many */
    bool best_known;                 /* false when that epoch was before a resume */
    float *best_slab, *best_buffers; /* the parameters of the best epoch */
    weft__run_state at;
    weft_epoch_row *history;
    int rows, row_room;
    double started, saved;
    int lock;
    bool save_failed; /* the last try; tried again at the next interval */
} weft__session;

/* train.c: a batch and its targets into the inputs of a plan. */
weft_status weft__session_put(weft__session *s, weft_plan *p, const weft__feed_batch *b);

/* state.c: to and from run_dir. */
weft_status weft__session_claim(weft__session *s); /* folder, lock */
/* last.ckpt, with sound epoch.ckpt too: where a divergence goes back to. */
weft_status weft__session_save(weft__session *s, bool sound);
/* Reads run_dir/last.ckpt, or epoch.ckpt. A checkpoint of another run is WEFT_EUSAGE with
 * every difference in one line. */
weft_status weft__session_restore(weft__session *s, bool epoch_start);
weft_status weft__session_history(weft__session *s); /* writes results.csv */
weft_status weft__session_add_row(weft__session *s, const weft_epoch_row *row);
weft_status weft__session_export(weft__session *s, const char *file); /* an ONNX model */
double weft__session_seconds(const weft__session *s);

/* evaluate.c: plans and reader of one split, made once. */
typedef struct weft__evaluator weft__evaluator;
/* batch is the most: where a plan for it were large, smaller ones are taken. It lives
 * within another plan (may be NULL) where it can. */
weft_status weft__evaluator_new(weft_graph *g, weft_val logits, const weft__feed *feed,
                                weft_split split, int batch, weft_plan *within,
                                weft__evaluator **out);
void weft__evaluator_free(weft__evaluator *e);
/* m (may be NULL) gets every sample, scores (may be NULL) the logits [count][classes]. */
weft_status weft__evaluator_run(weft__evaluator *e, weft_metrics *m, float *scores);

/* estimate.c: tells opts.on_start how long the run will take, by a few steps that leave
 * everything as it was. */
void weft__session_estimate(weft__session *s);

#endif
