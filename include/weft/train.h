/* weft/train.h: from a loss value to better parameters: optimizers, schedules, a
 * trainer for one's own loop, and the ready loop. */
#ifndef WEFT_TRAIN_H
#define WEFT_TRAIN_H

#include "weft/inspect.h"
#include "weft/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- optimizers. One file and one row each in src/train/; found by name. ---- */

typedef struct weft_optimizer_opts {
    const char *name;    /* "sgd", "adam", "adamw", "rmsprop" */
    double lr;           /* learning rate */
    double momentum;     /* sgd, rmsprop */
    double dampening;    /* sgd */
    bool nesterov;       /* sgd */
    double beta1, beta2; /* adam, adamw */
    double alpha;        /* rmsprop: of the squared gradient's average */
    bool centered;       /* rmsprop */
    double eps;
    double weight_decay;   /* of parameters that decay (weights, not biases and norms) */
    double clip_norm;      /* largest norm of all gradients together, 0 none */
    double clip_norm_type; /* 2 the Euclidean, 1, or INFINITY; 0 means 2 */
    double clip_value;     /* largest size of any one gradient, 0 none */
    double ema;            /* decay of the moving average of the parameters, 0 none */
} weft_optimizer_opts;

/* PyTorch's defaults of that optimizer: sgd lr .01 momentum .9, adam 1e-3 (.9, .999)
 * 1e-8, ... An unknown name gives name NULL. */
WEFT_API weft_optimizer_opts weft_optimizer_defaults(const char *name);
WEFT_API int weft_optimizer_total(void);
WEFT_API const char *weft_optimizer_name(int i);

typedef struct weft_optimizer weft_optimizer;
/* For all trainable parameters of g, which must outlive it. Finalizes g
 * (weft_graph_finalize). Yours: weft_optimizer_free.
 * WEFT_EUSAGE: unknown name (the nearest is named) or a number out of range. */
WEFT_API weft_status weft_optimizer_new(weft_graph *g, const weft_optimizer_opts *opts,
                                        weft_optimizer **out);
WEFT_API void weft_optimizer_free(weft_optimizer *o);
/* Clips, then updates every trainable parameter from its gradient, in one pass over
 * each. lr overrides the option's. Of a sparse table (weft_embedding_opts) only
 * those rows are looked at and updated that an index named since the gradients were
 * last 0: the others keep their value and their moments, and are not decayed; Adam's
 * corrections count all steps (as torch.optim.SparseAdam). The norm is the same as a
 * dense table's, and the average (ema) is taken over all rows. WEFT_EDIVERGED, with
 * nothing changed, when a gradient is not finite. */
WEFT_API weft_status weft_optimizer_step(weft_optimizer *o, double lr);
/* weft_plan_backward(p), then weft_optimizer_step(o, lr), to the same bits, but each
 * parameter is updated as soon as its gradient is whole, while both are in the
 * cache; with clip_norm, which needs all gradients first, or a plan that
 * accumulates, one after the other. After WEFT_EDIVERGED parameters near the loss
 * may have been updated: start again from what was saved. */
WEFT_API weft_status weft_optimizer_backward_step(weft_plan *p, weft_optimizer *o,
                                                  double lr);
WEFT_API double weft_optimizer_gradient_norm(
    const weft_optimizer *o); /* before clipping */
WEFT_API int64_t weft_optimizer_steps(const weft_optimizer *o);
/* Puts the averaged parameters in place of the trained ones, or back; no effect without
 * ema. */
WEFT_API void weft_optimizer_swap_ema(weft_optimizer *o);

/* ---- learning rates over time ---- */

typedef struct weft_schedule {
    const char *name; /* "constant" "step" "multistep" "exponential" "cosine" "onecycle"
                         "plateau" */
    double warmup; /* epochs of linear rise from lr * warmup_start; not with onecycle */
    double warmup_start; /* 0 means .01 */
    double gamma;        /* step, multistep, exponential, plateau: the factor; 0 means .1
                            (exponential .95) */
    double step;         /* step: epochs between factors; 0 means 30 */
    double milestones[16]; /* multistep: epochs, increasing, 0 ends */
    double final;   /* cosine: last rate as a part of lr; onecycle: of its first rate, 0
                       means 1e-4 */
    double peak_at; /* onecycle: part of the run that rises; 0 means .3 */
    double start;   /* onecycle: first rate as a part of lr; 0 means 1/25 */
    int patience;   /* plateau: epochs without improvement; 0 means 5 */
} weft_schedule;
/* Are name and numbers usable? WEFT_EUSAGE says which is not. */
WEFT_API weft_status weft_schedule_check(const weft_schedule *s);
/* The rate at `epoch` (fractions count) of `epochs`. factor: product of plateau's
 * reductions so far, else 1. */
WEFT_API double weft_schedule_rate(const weft_schedule *s, double lr, double epoch,
                                   double epochs, double factor);
WEFT_API int weft_schedule_total(void);
WEFT_API const char *weft_schedule_name(int i);

/* ---- a trainer: training step by step, with batches and a loss of one's own ---- */

typedef struct weft_trainer_opts {
    weft_optimizer_opts optimizer; /* name NULL: sgd's defaults */
    weft_schedule schedule;        /* name NULL: constant */
    double epochs;          /* of the schedule; 0: the rate is that of epoch 0 of 1 */
    double steps_per_epoch; /* batches; 0: the schedule's epoch does not move */
    int accumulate;         /* batches per update; 0 means 1 */
    uint64_t seed;          /* of dropout */
} weft_trainer_opts;

/* Everything that changes while a network is trained: parameters, buffers, the
 * optimizer's moments and average, and the number of steps. One thread at a time. */
typedef struct weft_trainer weft_trainer;
/* For the scalar `loss` of g, which must outlive the trainer. Yours:
 * weft_trainer_free. Fails as weft_optimizer_new and weft_schedule_check,
 * WEFT_EUSAGE for accumulate out of range, WEFT_ENOMEM. */
WEFT_API weft_status weft_trainer_new(weft_graph *g, weft_value loss,
                                      const weft_trainer_opts *opts, weft_trainer **out);
WEFT_API void weft_trainer_free(weft_trainer *t); /* takes NULL */
/* The plan for batches of n samples, made at the first call for that n; the last two
 * sizes are remembered (a batch and the rest of an epoch). Belongs to t. Fails as
 * weft_plan_new. */
WEFT_API weft_status weft_trainer_plan(weft_trainer *t, int n, weft_plan **out);
/* One step with the batch that was set in p (from weft_trainer_plan): forward,
 * backward and, with every accumulate-th batch, the update. *loss (may be NULL)
 * receives the loss. WEFT_EDIVERGED, naming the first layer whose result is not
 * finite, before anything is changed. */
WEFT_API weft_status weft_trainer_step(weft_trainer *t, weft_plan *p, float *loss);
WEFT_API int64_t weft_trainer_steps(const weft_trainer *t);       /* batches so far */
WEFT_API double weft_trainer_rate(const weft_trainer *t);         /* of the next update */
WEFT_API weft_optimizer *weft_trainer_optimizer(weft_trainer *t); /* belongs to t */
/* To and from a file, written atomically, with a checksum: a loop that loads what it
 * saved goes on to the same bits as one that never stopped, given the same batches.
 * Both between updates only (WEFT_EUSAGE within accumulate batches). load: into a
 * trainer made the same way for the same network; WEFT_EUSAGE names what differs,
 * WEFT_EMODEL when the file is damaged, WEFT_EIO; the trainer is as before then. */
WEFT_API weft_status weft_trainer_save(const weft_trainer *t, const char *path);
WEFT_API weft_status weft_trainer_load(weft_trainer *t, const char *path);

/* ---- the ready loop ---- */

typedef struct weft_epoch_row { /* one line of results.csv */
    int epoch;                  /* from 1 */
    double seconds;             /* since the start, over all resumed parts */
    double train_loss, val_loss, lr;
    /* Euclidean norm of the update's gradient before clipping: the updates' mean,
     * and the largest. 0 where it is not known (of a run that an older version
     * began). */
    double gradient, gradient_most;
    weft_scores scores; /* of the validation subset; val_loss is the last of them */
} weft_epoch_row;

typedef struct weft_progress {
    int epoch, epochs, batch, batches; /* counted from 1 */
    double loss;                       /* mean of this epoch so far */
    double lr, samples_per_second, seconds_left;
} weft_progress;

typedef struct weft_train_estimate { /* known before the first step */
    int epochs, batches;             /* batches of an epoch */
    double batch_seconds;            /* of one training step, measured */
    double seconds;                  /* that are left until the end, about */
    size_t plan_bytes; /* memory of the training plan with parameters and gradients */
} weft_train_estimate;

typedef struct weft_train_opts {
    const char *task; /* NULL: the one for the data set's kind of target */
    /* "name=value" for options of the task (`weft help train`: "smoothing=0.1"), NULL
     * ends; or NULL */
    const char *const *task_options;
    const void *task_args; /* for weft_fit: the task's options, parsed; NULL otherwise */
    weft_value
        output; /* what is trained: [batch, width]; WEFT_NONE: the graph's first output */
    int epochs; /* 0 means 10 */
    int batch;  /* 0 means 64 */
    int accumulate;                /* batches per update; 0 means 1 */
    uint64_t seed;                 /* of order, augmentation and dropout */
    weft_optimizer_opts optimizer; /* name NULL: sgd's defaults */
    weft_schedule schedule;        /* name NULL: constant */
    /* stop after so many epochs without a better validation score; 0 never */
    int patience;
    /* last.ckpt, best.onnx, last.onnx and results.csv go here; NULL: nowhere */
    const char *run_dir;
    const char *model;     /* the network's name, for the models' metadata; NULL: none */
    const weft_meta *meta; /* more metadata for the models; NULL: none */
    bool resume;           /* go on from run_dir/last.ckpt */
    /* with resume: keep the parameters, start the optimizer afresh */
    bool reset_optimizer;
    double save_seconds; /* between checkpoints in an epoch; 0 means 60 */
    /* halvings of the learning rate when training diverges, each from the start of the
     * epoch; 0 means 3, negative none. Needs run_dir */
    int lr_backoffs;
    bool exact_conv; /* convolutions without Winograd's transforms */
    /* Asked after every update, from the thread that trains: true ends the run after
     * saving, with WEFT_ESTOPPED. NULL: never. What a signal handler or another thread
     * says to it, it reads from an atomic. */
    bool (*stop)(void *user);
    /* Called once before the first step; a few steps are tried for it, without a
     * trace in any result. */
    void (*on_start)(void *user, const weft_train_estimate *e);
    void (*on_step)(void *user, const weft_progress *p);
    void (*on_epoch)(void *user, const weft_epoch_row *row, bool best);
    void *user;
} weft_train_opts;

typedef struct weft_train_result {
    int epochs, best_epoch; /* done, and the one that best.onnx holds */
    weft_scores best;       /* of that epoch, on the validation subset */
    double seconds;
    char params_sha256[65]; /* of the parameters at the end of training */
    size_t plan_bytes; /* memory of the training plan with parameters and gradients */
    int rows;          /* of history */
    weft_epoch_row *history;
    /* The evaluation of the best epoch: of the validation subset, or of the training
     * subset where there is none. */
    weft_evaluation *evaluation;
} weft_train_result;
WEFT_API void weft_train_result_free(weft_train_result *r); /* what it points to */

/* Trains g, which must read samples of d, on the training subset, and after every
 * epoch evaluates it on the validation subset (on the training subset when there is
 * none). Fits d first (weft_dataset_fit): what a model needs to answer rightly
 * (normalisation, tokenizer, names of classes) goes into the model files. g has the
 * parameters of the best epoch afterwards, and no more nodes than before. opts may
 * be NULL. *out is yours: weft_train_result_free.
 *
 * WEFT_EDIVERGED names the layer and the sample; WEFT_ESTOPPED; WEFT_EUSAGE
 * (options; the graph has no inputs for such samples; a checkpoint of another run),
 * WEFT_ESHAPE (the network's size is not the data's), or as its parts. */
WEFT_API weft_status weft_train(weft_graph *g, weft_dataset *d,
                                const weft_train_opts *opts, weft_train_result *out);

/* Runs subset s of d through g and measures what it gives; batch: samples at a time
 * at most, 0 means 128 (the result does not depend on it, but for the last bits of
 * convolutions). output WEFT_NONE: the graph's first output. d is fitted first: for
 * a model from a file, use weft_evaluate (weft/fit.h), which knows the model's own
 * normalisation. *out is yours: weft_evaluation_free; d may be closed before.
 * WEFT_EDATA when the subset is empty, or as weft_train. */
WEFT_API weft_status weft_evaluation_of(weft_graph *g, weft_value output, weft_dataset *d,
                                        weft_subset s, int batch, weft_evaluation **out);

/* ---- what flows (weft/plan.h) on batches of a data set ---- */

typedef struct weft_flow_opts {
    weft_subset subset; /* read in random order */
    int batches;        /* 0 means 4; fewer when the subset is smaller */
    int batch;          /* samples; 0 means 32; at most the subset's */
    uint64_t seed;      /* of the order and of dropout */
} weft_flow_opts;
/* Runs samples of d forth and back through g as training would, with its task's
 * loss, and changes no parameter. output WEFT_NONE: the graph's first output. g must
 * outlive *out: yours, weft_flow_free (which takes the nodes of the loss out of g
 * again). Fails as weft_evaluation_of. */
WEFT_API weft_status weft_flow_dataset(weft_graph *g, weft_value output, weft_dataset *d,
                                       const weft_flow_opts *opts, weft_flow **out);

#ifdef __cplusplus
}
#endif
#endif
