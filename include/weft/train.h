/* weft/train.h: from a loss value to better parameters: optimizers, schedules, metrics,
 * training. */
#ifndef WEFT_TRAIN_H
#define WEFT_TRAIN_H

#include "weft/data.h"
#include "weft/pass.h"
#include "weft/store.h"
#include "weft/text.h"

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
/* Clips, then updates every trainable parameter from its gradient, in one pass over each.
 * lr overrides the option's. Of a sparse table (weft_embedding_opts) only those rows are
 * looked at and updated that an index named since the gradients were last 0: the others
 * keep their value and their moments, and are not decayed; Adam's corrections count all
 * steps (as torch.optim.SparseAdam). The norm is the same as a dense table's, and the
 * average (ema) is taken over all rows. WEFT_EDIVERGED, with nothing changed, when a
 * gradient is not finite. */
WEFT_API weft_status weft_step(weft_optimizer *o, double lr);
/* weft_backward(p), then weft_step(o, lr), to the same bits, but each parameter is
 * updated as soon as its gradient is whole, while both are in the cache; with clip_norm,
 * which needs all gradients first, or a plan that accumulates, one after the other. After
 * WEFT_EDIVERGED parameters near the loss may have been updated: start again from what
 * was saved. */
WEFT_API weft_status weft_backward_step(weft_plan *p, weft_optimizer *o, double lr);
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

/* ---- metrics of a classifier ---- */

typedef struct weft_metrics weft_metrics;
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

/* ---- the training loop ---- */

typedef struct weft_epoch_row { /* one line of results.csv */
    int epoch;                  /* from 1 */
    double seconds;             /* since the start, over all resumed parts */
    double train_loss, top1, top5, val_loss, lr;
    /* Euclidean norm of the update's gradient before clipping: the updates' mean, and the
     * largest. 0 where it is not known (of a run that an older version began). */
    double gradient, gradient_most;
} weft_epoch_row;

typedef struct weft_progress {
    int epoch, epochs, batch, batches; /* counted from 1 */
    double loss;                       /* mean of this epoch so far */
    double lr, samples_per_second, seconds_left;
} weft_progress;

typedef struct weft_run_plan { /* known before the first step */
    int epochs, batches;       /* batches of an epoch */
    double batch_seconds;      /* of one training step, measured */
    double seconds;            /* that are left until the end, about */
    size_t plan_bytes; /* memory of the training plan with parameters and gradients */
} weft_run_plan;

typedef struct weft_train_opts {
    int epochs;     /* 0 means 10 */
    int batch;      /* 0 means 64 */
    int accumulate; /* batches per update; 0 means 1 */
    uint64_t seed;
    weft_optimizer_opts optimizer; /* name NULL: sgd's defaults */
    weft_schedule schedule;        /* name NULL: constant */
    weft_augment augment;
    float mean[4], deviation[4]; /* normalisation of the input */
    double smoothing;            /* of labels */
    const float *class_weights;  /* [classes] or NULL */
    int patience; /* stop after so many epochs without a better validation score; 0 never
                   */
    const char *run_dir; /* last.ckpt, best.onnx, last.onnx and results.csv go here; NULL:
                            nowhere */
    bool resume;         /* go on from run_dir/last.ckpt */
    bool reset_optimizer; /* with resume: keep the parameters, start the optimizer afresh
                           */
    double save_seconds;  /* between checkpoints in an epoch; 0 means 60 */
    int halvings; /* of the learning rate when training diverges, each from the start of
                   * the epoch; 0 means 3, negative none. Needs run_dir */
    /* Asked after every update, on the thread that called weft_train: true saves the run
     * and returns WEFT_ESTOPPED. NULL: never. What a signal handler or another thread
     * says to it, it reads from an atomic (or a volatile sig_atomic_t in a handler of the
     * same thread). */
    bool (*stop)(void *user);
    bool exact_conv; /* weft_graph_use_exact_conv(g, true) first; g keeps it */
    int loader_threads;
    bool mixed_lengths; /* of texts: those of any length share a batch; otherwise those
                         * of similar length do, which is quicker */
    /* Called once before the first step; a few steps are tried for it, without a trace
     * in any result. */
    void (*on_start)(void *user, const weft_run_plan *p);
    void (*on_step)(void *user, const weft_progress *p);
    void (*on_epoch)(void *user, const weft_epoch_row *row, bool best);
    void *user;
} weft_train_opts;

typedef struct weft_train_result {
    int epochs, best_epoch; /* done, and the one that best.onnx holds */
    double best_top1, best_val_loss;
    double seconds;
    char params_sha256[65]; /* of the parameters at the end of training */
    size_t plan_bytes; /* memory of the training plan with parameters and gradients */
    int rows;          /* of history */
    weft_epoch_row *history;
    /* The evaluation of the best epoch: of the validation split, or of the training split
     * where there is none; scores are the logits [count][classes]. */
    weft_metrics *metrics;
    float *scores;
} weft_train_result;
WEFT_API void weft_train_result_free(weft_train_result *r); /* what it points to */

/* Trains the classifier `logits` of g, whose one float input gets the pictures of d, on
 * the training split, and after every epoch evaluates on the validation split (on the
 * training split when there is none). Fails with WEFT_EDIVERGED naming the layer and the
 * sample, WEFT_ESTOPPED, or as its parts. g has the parameters of the best epoch
 * afterwards. meta (may be NULL) goes into the model files. What *out points to is yours:
 * weft_train_result_free. */
WEFT_API weft_status weft_train(weft_graph *g, weft_val logits, const weft_data *d,
                                const weft_train_opts *opts, const weft_meta *meta,
                                weft_train_result *out);
/* The same for the texts of t, numbered by k, whose streams go into the inputs "tokens",
 * "pairs" and "triples" of g (integers [batch, length], as many as there are; length must
 * be the tokenizer's) and their lengths into "lengths" (integers [batch]): the inputs
 * that weft_text_model_build makes. Of opts, augment, mean, deviation and loader_threads
 * are for pictures. WEFT_EUSAGE when g has no such inputs, WEFT_ESHAPE when k does not
 * fill them. */
WEFT_API weft_status weft_train_texts(weft_graph *g, weft_val logits, const weft_texts *t,
                                      const weft_tokenizer *k,
                                      const weft_train_opts *opts, const weft_meta *meta,
                                      weft_train_result *out);
/* weft_params_copy between networks for texts, `from` with its file's meta, `to` with its
 * tokenizer k: rows of the embeddings go to the same pieces, whatever their numbers;
 * pieces that `from` did not know keep what they have in `to`. *pieces (may be NULL): how
 * many it knew, -1 when meta has no tokenizer; then rows go by number. */
WEFT_API weft_status weft_text_params_copy(weft_graph *to, const weft_tokenizer *k,
                                           const weft_graph *from, const weft_meta *meta,
                                           int *copied, int *left, int *pieces);
/* Runs a split through the network and gives m every sample; scores (may be NULL)
 * receives the logits [count][classes] in the order of the split. */
WEFT_API weft_status weft_evaluate(weft_graph *g, weft_val logits, const weft_data *d,
                                   weft_split split, int batch, const float mean[4],
                                   const float deviation[4], weft_metrics *m,
                                   float *scores);
/* The same for texts. class_of [classes of t], or NULL, tells which class of the network
 * each class of t is: a test file need not have all of them. */
WEFT_API weft_status weft_evaluate_texts(weft_graph *g, weft_val logits,
                                         const weft_texts *t, const weft_tokenizer *k,
                                         const int32_t *class_of, weft_split split,
                                         int batch, weft_metrics *m, float *scores);

/* ---- what flows (weft/pass.h) on batches of a data set ---- */

typedef struct weft_flow_opts {
    weft_split split;            /* read in random order */
    int batches;                 /* 0 means 4; less when the split is smaller */
    int batch;                   /* samples; 0 means 32; at most the split's */
    uint64_t seed;               /* of the order and of dropout */
    float mean[4], deviation[4]; /* normalisation of pictures; deviation 0 means 1 */
} weft_flow_opts;
/* Runs pictures of d forth and back through the classifier `logits` of g as training
 * would, with the cross entropy as loss, and changes no parameter. Adds the loss to g,
 * which must outlive *out: yours, weft_flow_free. Fails as weft_evaluate does. */
WEFT_API weft_status weft_flow_data(weft_graph *g, weft_val logits, const weft_data *d,
                                    const weft_flow_opts *opts, weft_flow **out);
/* The same for texts, numbered by k. class_of [classes of t], or NULL, tells which class
 * of the network each class of t is. */
WEFT_API weft_status weft_flow_texts(weft_graph *g, weft_val logits, const weft_texts *t,
                                     const weft_tokenizer *k, const int32_t *class_of,
                                     const weft_flow_opts *opts, weft_flow **out);

/* ---- a trained picture classifier at work: a model file with all that it says about
 * its pictures and classes ---- */

typedef struct weft_classifier weft_classifier;
/* path: an ONNX file, or a run folder (its best.onnx). A file without weft's metadata
 * takes pictures scaled to 0..1 and calls its classes "class 0" and so on. Yours:
 * weft_classifier_free. WEFT_EMODEL when it is no picture classifier. */
WEFT_API weft_status weft_classifier_open(const char *path, weft_classifier **out);
/* The same for a model that has been read already (weft_model_load). g and meta belong to
 * *out from then on; after a failure they are still yours. path is for messages. */
WEFT_API weft_status weft_classifier_new(weft_graph *g, weft_meta *meta, const char *path,
                                         weft_classifier **out);
WEFT_API void weft_classifier_free(weft_classifier *c);
WEFT_API int weft_classifier_classes(const weft_classifier *c);
WEFT_API const char *weft_classifier_name(const weft_classifier *c, int class_number);
WEFT_API bool weft_classifier_named(const weft_classifier *c); /* by its metadata */
/* The network inside, for tools that look into it. Belongs to c. */
WEFT_API weft_graph *weft_classifier_graph(weft_classifier *c, weft_val *x,
                                           weft_val *logits);
/* Its normalisation: x = (pixel/255 - mean) / deviation. */
WEFT_API void weft_classifier_moments(const weft_classifier *c, float mean[4],
                                      float deviation[4]);
/* The size, channels and fit that its pictures must have, for weft_data_open. */
WEFT_API weft_data_opts weft_classifier_pictures(const weft_classifier *c);
/* Probabilities [n][classes] of n pictures [height][width][channels], 0..255. The plan
 * for n is kept for the next call. */
WEFT_API weft_status weft_classify(weft_classifier *c, const unsigned char *pixels, int n,
                                   float *probabilities);
/* One picture file: its most probable class. */
WEFT_API weft_status weft_classify_file(weft_classifier *c, const char *path,
                                        int *class_number, float *probability);
/* weft_evaluate with the model's own normalisation. */
WEFT_API weft_status weft_classifier_evaluate(weft_classifier *c, const weft_data *d,
                                              weft_split split, int batch,
                                              weft_metrics *m, float *scores);
/* The metadata by which weft_classifier_open knows a model trained on d. model: its name,
 * for people. */
WEFT_API weft_status weft_classifier_describe(weft_meta *m, const weft_data *d,
                                              const float mean[4],
                                              const float deviation[4], weft_fit fit,
                                              const char *model, uint64_t seed);

/* ---- a trained text classifier at work: a model file with its tokenizer and the names
 * of its classes ---- */

typedef struct weft_text_classifier weft_text_classifier;
/* path: an ONNX file, or a run folder (its best.onnx), with the metadata that
 * weft_text_classifier_describe writes. Yours: weft_text_classifier_free. WEFT_EMODEL
 * when it is no text classifier. */
WEFT_API weft_status weft_text_classifier_open(const char *path,
                                               weft_text_classifier **out);
/* The same for a model that has been read already: as weft_classifier_new. */
WEFT_API weft_status weft_text_classifier_new(weft_graph *g, weft_meta *meta,
                                              const char *path,
                                              weft_text_classifier **out);
WEFT_API void weft_text_classifier_free(weft_text_classifier *c);
WEFT_API int weft_text_classifier_classes(const weft_text_classifier *c);
WEFT_API const char *weft_text_classifier_name(const weft_text_classifier *c,
                                               int class_number);
WEFT_API const weft_tokenizer *weft_text_classifier_tokenizer(
    const weft_text_classifier *c);
WEFT_API weft_graph *weft_text_classifier_graph(weft_text_classifier *c);
/* Probabilities [n][classes] of n texts (UTF-8; what is not counts as unknown letters).
 * length [n], or NULL, receives how many tokens of each were read, unknown [n], or NULL,
 * how many of them are not in the vocabulary. The plans for 1 and for the last other n
 * are kept. */
WEFT_API weft_status weft_classify_texts(weft_text_classifier *c, const char *const *text,
                                         int n, float *probabilities, int *length,
                                         int *unknown);
/* weft_evaluate_texts with the model's own tokenizer. The classes of t are found by name
 * among the model's; WEFT_EUSAGE names one that it does not know. */
WEFT_API weft_status weft_text_classifier_evaluate(weft_text_classifier *c,
                                                   const weft_texts *t, weft_split split,
                                                   int batch, weft_metrics *m,
                                                   float *scores);
/* The number that the model gives to each class of t: class_of [classes of t]. */
WEFT_API weft_status weft_text_classifier_match(const weft_text_classifier *c,
                                                const weft_texts *t, int32_t *class_of);
/* The metadata by which weft_text_classifier_open knows a model trained on t: task
 * "text", names, tokenizer. model: its name, for people. */
WEFT_API weft_status weft_text_classifier_describe(weft_meta *m, const weft_texts *t,
                                                   const weft_tokenizer *k,
                                                   const char *model, uint64_t seed);

/* ---- what a network of texts must be better than: a linear model of n-grams ---- */

typedef struct weft_linear_opts {
    weft_unit unit;
    int ngrams;     /* up to; 0: 2 of words, 3 of characters */
    double cost;    /* of a training sample inside the margin; 0 means 1 */
    int passes;     /* at most, over the training texts; 0 means 60 */
    int max_length; /* as weft_tokenizer_opts; 0: 2000 */
    bool keep_case, keep_width;
    uint64_t seed; /* of the order */
    double scale;  /* weft_text_wide_start: logits a unit of margin; 0 means 4 */
} weft_linear_opts;
typedef struct weft_linear_result {
    double val_top1, test_top1; /* NaN where there is no such split */
    int features, ngrams;
    weft_unit unit;
    double seconds;
} weft_linear_result;
/* Trains a support vector machine, one against the rest, on the training split of t:
 * features are units, pairs and triples, (1 + log count) * (log((1 + n) / (1 + texts with
 * it)) + 1), each text of length 1; squared hinge loss, by dual coordinate descent
 * (Hsieh et al. 2008), as LIBLINEAR does. The same bits for any number of threads. */
WEFT_API weft_status weft_linear_baseline(const weft_texts *t,
                                          const weft_linear_opts *opts,
                                          weft_linear_result *out);
/* Gives the wide part of a network (weft_text_model_opts.wide) that machine's weights,
 * trained on the numbers of k, the network's own tokenizer: of the options only cost,
 * passes, seed and scale count. WEFT_EUSAGE, WEFT_ESHAPE: the network has no wide part,
 * or one for another tokenizer or number of classes. */
WEFT_API weft_status weft_text_wide_start(weft_graph *g, const weft_texts *t,
                                          const weft_tokenizer *k,
                                          const weft_linear_opts *opts);

#ifdef __cplusplus
}
#endif
#endif
