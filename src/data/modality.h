/* modality.h: what a modality offers: what goes into a network. One modality is one
 * file and one row in modality.def. It never sees a loss. */
#ifndef WEFT_SRC_DATA_MODALITY_H
#define WEFT_SRC_DATA_MODALITY_H

#include "data/dataset.h"
#include "data/sink.h"
#include "base/json.h"
#include "weft/option.h"

/* What was learnt from the training samples and travels in the model: channel
 * statistics, a tokenizer. A modality's own struct starts with this one. */
typedef struct weft__preprocess {
    const weft__modality *modality;
} weft__preprocess;

/* The inputs of a graph that a modality fills. */
typedef struct weft__inputs {
    weft_value value[WEFT_MAX_STREAMS + 1];
    int n;
    size_t each; /* elements of one sample in value[0] */
} weft__inputs;

/* How an input is made of an item, for code samples. */
typedef struct weft__input_form {
    const char *input;           /* the first input's name in the model file */
    int channels, height, width; /* of pictures */
    const char *fit;             /* "STRETCH", "CROP", "LETTERBOX" */
    float mean[4], std[4];
    bool text;
    int streams, length;
    bool chars, keep_case, keep_width;
} weft__input_form;

/* Where facts for a report go; each call copies its texts and numbers. */
typedef struct weft__fact_sink {
    void *user;
    void (*fact)(void *user, const char *key, const char *value);
    void (*note)(void *user, const char *text); /* a sentence or two */
    void (*histogram)(void *user, const char *title, const char *x_title, int n,
                      const double *x, const double *y);
} weft__fact_sink;

/* Samples as sparse rows: sample i of subset s has the entries at[s][i] .. at[s][i +
 * 1] - 1. */
typedef struct weft__features {
    int columns, streams;
    int base[WEFT_MAX_STREAMS]; /* the first column of a stream */
    size_t *at[3];
    int32_t *column[3]; /* rising within a sample */
    float *count[3];
    int *tokens[3]; /* of each sample */
    char name[64];  /* "1-2-grams of words" */
    bool chars;
} weft__features;
typedef struct weft__feature_opts {
    int ngrams;     /* 0: 2 of words, 3 of characters */
    int max_length; /* tokens of a text; 0: 2000 */
} weft__feature_opts;
void weft__features_clear(weft__features *f); /* frees what it points to */

typedef enum weft__show_form { WEFT_SHOW_PNG, WEFT_SHOW_PIXELS } weft__show_form;

/* A sample for a report: a picture or a text, what remains is NULL or 0. */
typedef struct weft__exhibit {
    unsigned char *png; /* fresh memory; of a picture, with WEFT_SHOW_PNG */
    size_t bytes;
    /* fresh memory, [height][width][channels]; with WEFT_SHOW_PIXELS */
    unsigned char *pixels;
    int channels, height, width;
    const char *text; /* the data set's */
    char remark[64];  /* "2 of 9 tokens unknown" */
} weft__exhibit;

/* What training such data is like. On entry of options_choose what the user said; it
 * fills the rest. What stays below 0 or NULL is left to the task. */
typedef struct weft__recipe {
    const char *model, *optimizer;
    int epochs, batch;
    double lr, momentum, weight_decay, clip_norm, smoothing, dropout;
} weft__recipe;

struct weft__modality {
    const char *name;     /* "image": in opts.modality and in a model's metadata */
    const char *noun;     /* "pictures" */
    weft_item_kind items; /* what an item is to a person */
    /* an item on a command line: "PICTURE", "'A SENTENCE'"; NULL: none */
    const char *example;
    /* what classification of it is called in metadata and run folders: "classify",
     * "text" (names from before there were tasks) */
    const char *classify;

    /* ---- a data set ---- */
    bool (*probe)(const char *path); /* cheap, no messages; NULL: never from a path */
    /* Fills d->content, counts, targets (of the kind d->target) and hash from a path:
     * opened, checked, split; or, with sink->lint, goes on and tells all, the summary
     * too. NULL: never from a path. */
    weft_status (*open)(const char *path, const weft_dataset_opts *o,
                        const weft__sink *sink, weft_dataset *d);
    /* The same of arrays, which are checked but for what is the modality's own, and
     * not split; names of targets are in d. takes: whether these are of this
     * modality. NULL: none are. */
    bool (*takes)(const weft_arrays *a);
    weft_status (*from)(const weft_arrays *a, const weft_dataset_opts *o,
                        const weft__sink *sink, weft_dataset *d);
    void (*close)(weft_dataset *d); /* takes a half-made one */
    const char *(*format)(const weft_dataset *d);
    /* "label stars, text review"; "" none */
    const char *(*columns)(const weft_dataset *d);
    void (*sample_name)(const weft_dataset *d, weft_subset s, int i, char *text,
                        size_t size);
    /* Will training batches blend samples? NULL: never. */
    bool (*mixes)(const weft_dataset *d);

    /* ---- preprocessing ---- */
    weft_status (*fit)(const weft_dataset *d, weft__preprocess **out);
    void (*free)(weft__preprocess *p);
    weft_status (*save)(const weft__preprocess *p, weft_meta *m);
    /* From metadata that may be missing or wrong; g has the inputs. path is for
     * messages. */
    weft_status (*load)(const weft_meta *m, const weft_graph *g, const char *path,
                        weft__preprocess **out);
    /* Options with which a data set must be opened to suit p. */
    void (*opts_for)(const weft__preprocess *p, weft_dataset_opts *o);

    /* ---- the network's side ---- */
    void (*network)(const weft__preprocess *p, weft_zoo_opts *o);
    /* The inputs of g; WEFT_ESHAPE, WEFT_EUSAGE when they do not suit p. */
    weft_status (*inputs)(const weft__preprocess *p, const weft_graph *g,
                          weft__inputs *out);
    /* Parameters of `from` (whose metadata is meta) into to, by what they stand for;
     * NULL: weft_params_copy. note (may be empty): one line for people. */
    weft_status (*copy_params)(const weft__preprocess *p, weft_graph *to,
                               const weft_graph *from, const weft_meta *meta, int *copied,
                               int *left, char *note, size_t size);

    /* ---- batches ---- */
    weft_status (*loader_new)(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *o, void **out);
    void (*loader_free)(void *loader); /* takes NULL */
    int (*loader_batches)(const void *loader);
    weft_status (*loader_start)(void *loader, int epoch, int first);
    /* Fills inputs, index, partner and share; targets are filled by the caller. */
    weft_status (*loader_next)(void *loader, weft_batch *out);
    weft_status (*bind)(const weft__inputs *in, weft_plan *plan, const weft_batch *b);
    /* What a resumed run must agree on: a name (returned) and its value as text. */
    const char *(*setting)(const weft_dataset *d, const weft__preprocess *p, char *text,
                           size_t size);

    /* ---- a user's items ---- */
    /* Room for n items of weft_predict. */
    weft_status (*items_new)(const weft__preprocess *p, int n, void **out);
    void (*items_free)(void *items); /* takes NULL */
    /* Item i into its place; tokens and unknown of a text (else 0) are counted in
     * them. */
    weft_status (*items_put)(void *items, int i, const weft_item *item, int *tokens,
                             int *unknown);
    /* What was put there, as a batch of n for bind. */
    const weft_batch *(*items_batch)(void *items, int n);

    /* ---- for people ---- */
    /* Of a sample, after columns: "1x28x28"; "" nothing. */
    void (*shape)(const weft_dataset *d, char *text, size_t size);
    /* A line of the plan about p: "tokens words, at most 40 of a text; vocabulary
     * 9000"; "" none. */
    void (*line)(const weft__preprocess *p, char *text, size_t size);
    /* Adds keys about p to a run's JSON object. */
    void (*json)(const weft__preprocess *p, weft__json *w);
    weft_status (*show)(const weft_dataset *d, const weft__preprocess *p, weft_subset s,
                        int i, weft__show_form form, weft__exhibit *out);
    /* Facts about data and preprocessing, a remark, histograms. shown: the subset
     * reported on. */
    weft_status (*facts)(const weft_dataset *d, const weft__preprocess *p,
                         weft_subset shown, const weft__fact_sink *sink);
    void (*form)(const weft__preprocess *p, weft__input_form *out);
    /* Sparse counts of what a sample consists of, for a linear model; NULL: there are
     * none. With p, by its numbers and its first `streams` streams; without, by a
     * vocabulary made for it. Subsets up to last. */
    weft_status (*features)(const weft_dataset *d, const weft__preprocess *p, int streams,
                            const weft__feature_opts *o, weft_subset last,
                            weft__features *out);

    /* ---- options of `weft train`; see weft/option.h ---- */
    const weft_option *options;
    size_t options_size;
    void (*options_start)(void *args); /* defaults */
    /* Before opening. */
    weft_status (*options_apply)(const void *args, weft_dataset_opts *o);
    /* After fitting: what was left open, by what the data are. */
    void (*options_choose)(void *args, weft_dataset *d, weft__recipe *r);
    weft_status (*options_network)(const void *args, const weft_dataset *d,
                                   weft_zoo_opts *o);
    /* Parameters that the options start otherwise (pretrained vectors). notes: lines
     * for people are appended. */
    weft_status (*options_init)(const void *args, const weft_dataset *d, weft_graph *g,
                                char *notes, size_t size);
};

#define MODALITY(name) extern const weft__modality weft_modality_##name;
#include "data/modality.def"
#undef MODALITY

/* modality.c: row i of modality.def, NULL past the end; by name; the one that takes
 * path. */
const weft__modality *weft__modality_at(int i);
const weft__modality *weft__modality_named(const char *name);
const weft__modality *weft__modality_probe(const char *path);

#endif
