/* weft/fit.h: from data to a model in one call, and a model at work: all that the
 * command decides, callable from C. */
#ifndef WEFT_FIT_H
#define WEFT_FIT_H

#include "weft/option.h"
#include "weft/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a model at work: a model file with all that it says about its inputs and answers
 * ---- */

/* weft_predict and what asks may be called from several threads at once. Opening,
 * freeing, evaluating (which adds a loss to the network for a while) and flow need the
 * predictor alone. */
typedef struct weft_predictor weft_predictor;
/* path: an ONNX file, or a run folder (its best.onnx). A file without weft's
 * metadata and with one input [batch, 1 or 3, height, width] is taken as a
 * classifier of pictures scaled to 0..1, whose classes are called "class 0" and so
 * on. Yours: weft_predictor_free. WEFT_EMODEL when inputs, output or metadata do not
 * go together; WEFT_EIO, WEFT_ENOMEM. */
WEFT_API weft_status weft_predictor_open(const char *path, weft_predictor **out);
/* The same for a model that has been read already (weft_onnx_load). path is for
 * messages. g and meta belong to the predictor afterwards, if it does not fail; then
 * they are still the caller's. */
WEFT_API weft_status weft_predictor_new(weft_graph *g, weft_meta *meta, const char *path,
                                        weft_predictor **out);
WEFT_API void weft_predictor_free(weft_predictor *p); /* takes NULL */

/* What is returned belongs to p. */
WEFT_API const char *weft_predictor_task(
    const weft_predictor *p); /* "classify", "regress" */
WEFT_API const char *weft_predictor_word(
    const weft_predictor *p); /* its metadata's "task" */
WEFT_API const char *weft_predictor_modality(
    const weft_predictor *p); /* "image", "text", "tensor" */
WEFT_API int weft_predictor_classes(const weft_predictor *p); /* 0 of a regression */
WEFT_API const char *weft_predictor_class_name(const weft_predictor *p, int c);
WEFT_API int weft_predictor_values(const weft_predictor *p); /* 0 of a classification */
WEFT_API const char *weft_predictor_value_name(const weft_predictor *p, int k);
/* The network inside, for tools that look into it, and its trained output. */
WEFT_API weft_graph *weft_predictor_graph(weft_predictor *p, weft_value *output);
WEFT_API const weft_meta *weft_predictor_meta(const weft_predictor *p);
/* Does it read pictures (of which shape) or texts (then all are 0)? */
WEFT_API void weft_predictor_image_shape(const weft_predictor *p, int *channels,
                                         int *height, int *width);
/* Normalisation of pictures: x = (pixel / 255 - mean) / std; 0 and 1 where p reads
 * none. */
WEFT_API void weft_predictor_normalization(const weft_predictor *p, float mean[4],
                                           float std[4]);
/* What an item is to a person. */
WEFT_API weft_item_kind weft_predictor_reads(const weft_predictor *p);
/* Options with which a data set is opened so that its samples are what p reads:
 * modality, kind of target, size, fit. Fields that do not matter are 0. */
WEFT_API weft_dataset_opts weft_predictor_dataset_opts(const weft_predictor *p);
/* Convolutions without Winograd's transforms from here on. */
WEFT_API void weft_predictor_set_exact_conv(weft_predictor *p, bool on);

/* Answers for n items, together in one batch. answer [n]; each is the caller's:
 * weft_answer_clear; they start as {0} or as answers of an earlier call, whose
 * memory is used again. The plan for n is remembered for the next call. A failure
 * names the item; answers before it may have been written. */
WEFT_API weft_status weft_predict(weft_predictor *p, const weft_item *items, int n,
                                  weft_answer *answer);
/* An answer in words: "daisy 0.9876, rose 0.0100"; and as a JSON object. top: how many
 * classes, most probable first; 0: 1. Fresh memory, free() it; NULL when out of memory.
 */
WEFT_API char *weft_answer_text(const weft_predictor *p, const weft_answer *a, int top);
WEFT_API char *weft_answer_json(const weft_predictor *p, const weft_answer *a, int top);

/* Runs subset s of d through the model and measures its answers, with the model's
 * own preprocessing; d should have been opened with weft_predictor_dataset_opts.
 * Classes are found by name; d need not have all of them. batch: samples at a time
 * at most, 0 means 256. WEFT_EUSAGE names a class that the model does not know;
 * WEFT_ESHAPE: samples of another size; WEFT_EDATA: the subset is empty. */
WEFT_API weft_status weft_evaluate(weft_predictor *p, weft_dataset *d, weft_subset s,
                                   weft_scores *out);
/* The same with everything that was counted: yours, weft_evaluation_free, before p. */
WEFT_API weft_status weft_predictor_evaluate(weft_predictor *p, weft_dataset *d,
                                             weft_subset s, int batch,
                                             weft_evaluation **out);
/* weft_flow_dataset with the model's own preprocessing. p must outlive *out. */
WEFT_API weft_status weft_predictor_flow(weft_predictor *p, weft_dataset *d,
                                         const weft_flow_opts *opts, weft_flow **out);

/* ---- from data to a model ---- */

/* The options of `weft train` and their values. */
typedef struct weft_fit_args weft_fit_args;
WEFT_API weft_fit_args *weft_fit_args_new(void); /* NULL when out of memory */
WEFT_API void weft_fit_args_free(weft_fit_args *a);
/* All options as one table, for help; those whose `opens` is set say how a data set is
 * opened. */
WEFT_API const weft_option *weft_fit_options(void);
/* Sets one by name; text NULL: a flag. WEFT_EUSAGE: there is none of that name, or a
 * wrong value. text is copied. */
WEFT_API weft_status weft_fit_args_set(weft_fit_args *a, const char *name,
                                       const char *text);

/* Obeys those that hold for the whole process: threads, max-mem. Others do as they open
 * or fit. */
WEFT_API weft_status weft_fit_args_apply(const weft_fit_args *a);

/* What `weft train` says before the first step. Texts are valid during the call. */
typedef struct weft_fit_plan {
    const char *
        data; /* "flowers (image-folder): 80 training, ... pictures 3x64x64, 3 classes" */
    const char *details; /* "tokens   words, at most 40 of a text ..."; "" nothing */
    const char *notes;   /* lines about what was taken over from where; "" none */
    const char *network; /* the table of layers */
    /* "small-cnn, sgd lr 0.05, onecycle, 15 epochs of 422 batches, seed 0, ..." */
    const char *training;
    const char *run_dir;
} weft_fit_plan;

typedef struct weft_fit_opts {
    const weft_fit_args *args; /* NULL: defaults, or options */
    /* Instead of args: "name=value" for options of `weft train`, NULL ends; or NULL */
    const char *const *options;
    bool no_run; /* leave nothing on disk: no run folder, no report */
    void (*on_plan)(void *user, const weft_fit_plan *p);
    bool (*stop)(void *user); /* as weft_train_opts; so are those below */
    void (*on_start)(void *user, const weft_train_estimate *e);
    void (*on_step)(void *user, const weft_progress *p);
    void (*on_epoch)(void *user, const weft_epoch_row *row, int epochs, bool best);
    void *user;
} weft_fit_opts;

typedef struct weft_fit_result {
    weft_train_result train;
    weft_predictor *predictor;   /* the best epoch's model */
    weft_evaluation *val, *test; /* NULL: there is no such subset. val belongs to train */
    char *run_dir;               /* NULL with no_run */
    char *text; /* tables for a terminal: the measured subset, the baseline next to it */
    char *summary; /* the lines that end a run: best epoch, scores, files */
    char *json;    /* one object */
} weft_fit_result;
WEFT_API void weft_fit_result_free(weft_fit_result *r); /* what it points to */

/* All that `weft train DATA` does: opens and checks the data, chooses what the options
 * leave open, builds and trains a network, measures it on the test subset next to a
 * simple model, and leaves a run folder runs/TASK/NAME with best.onnx, last.ckpt,
 * results.csv and report.html. path NULL: with the option resume, that run's own data.
 * *out is yours: weft_fit_result_free. WEFT_EUSAGE (options that do not go together or
 * with the data), or as weft_dataset_open, weft_zoo_build, weft_train. After
 * WEFT_ESTOPPED out->run_dir is set: what a resume needs. */
WEFT_API weft_status weft_fit(const char *path, const weft_fit_opts *opts,
                              weft_fit_result *out);

/* Opens a data set as the options say (those that `open`); for p's model, when it is
 * not NULL. */
WEFT_API weft_status weft_fit_open(const char *path, const weft_fit_args *a,
                                   const weft_predictor *p, weft_dataset **out);
/* weft_dataset_check as the options say. */
WEFT_API weft_status weft_fit_check(const char *path, const weft_fit_args *a,
                                    void (*found)(void *user, const weft_finding *f),
                                    void *user);
/* WEFT_EUSAGE when path (a file that may not be there yet) lies inside the data set at
 * data: nothing is ever written there. option: what gave path, for the message. */
WEFT_API weft_status weft_fit_outside(const char *path, const char *data,
                                      const char *option);
/* A ready network of that name for d, with initial parameters (options: of networks,
 * and seed; those that this network does not look at are left out). */
WEFT_API weft_status weft_fit_network(const char *model, const weft_fit_args *a,
                                      weft_dataset *d, weft_graph **out);
/* Gives the wide part of a network for texts (weft_zoo_opts.wide) the weights of the
 * linear machine of weft_linear_baseline, trained on d's own tokenizer: of the options
 * only cost, passes, seed and scale count. WEFT_EUSAGE, WEFT_ESHAPE: the network has no
 * wide part, or one for another tokenizer or number of classes. */
WEFT_API weft_status weft_wide_start(weft_graph *g, weft_dataset *d,
                                     const weft_linear_opts *opts);

#ifdef __cplusplus
}
#endif
#endif
