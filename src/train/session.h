/* session.h: a training run from the inside: what the loop, the state and the run folder
 * share. */
#ifndef WEFT_SRC_SESSION_H
#define WEFT_SRC_SESSION_H

#include "train/optimizer.h"

#include "store/checkpoint.h"
#include "weft/ops.h"

/* Everything that must come back for a run to go on with the same bits. */
typedef struct weft__run_state {
    int epoch, batch; /* to be done next, from 0 */
    int64_t step;     /* batches seen so far: the key of random numbers */
    double loss_sum;  /* of this epoch so far */
    int64_t loss_count;
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
    weft_val x, logits, target, loss, each;
    const weft_data *d;
    weft_train_opts opts;
    const weft_meta *meta;
    int classes, batches;
    size_t sample; /* floats in one picture */
    bool soft;     /* targets are probabilities (mixup) */
    weft_optimizer *optimizer;
    weft_loader *loader;
    weft_plan *full, *tail; /* for a whole batch and for the last one */
    int tail_size;
    struct weft__evaluator *evaluator;
    weft_metrics *metrics;
    float *best_slab, *best_buffers; /* the parameters of the best epoch */
    weft__run_state at;
    weft_epoch_row *history;
    int rows, row_room;
    double started, saved;
    int lock;
    bool save_failed; /* the last try; tried again at the next interval */
} weft__session;

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

/* evaluate.c: plans and loader of one split, made once. */
typedef struct weft__evaluator weft__evaluator;
weft_status weft__evaluator_new(weft_graph *g, weft_val logits, const weft_data *d,
                                weft_split split, int batch, const float mean[4],
                                const float deviation[4], weft__evaluator **out);
void weft__evaluator_free(weft__evaluator *e);
weft_status weft__evaluator_run(weft__evaluator *e, weft_metrics *m, float *scores);
/* The float input of g that takes pictures of d's shape; a misfit names both shapes. */
weft_status weft__picture_input(const weft_graph *g, const weft_data *d, weft_val *x);

#endif
