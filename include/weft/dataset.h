/* weft/dataset.h: samples with their targets: files, arrays or callbacks -> dataset ->
 * batch.
 *
 * A data set has a modality (what a sample is: a picture, a text, a tensor) and targets
 * of one kind (a class, some values). A task (weft/task.h) says what a network is asked
 * about them.
 *
 * Threads: one data set may be read from several threads at once; opening, fitting and
 * closing it, and one loader, belong to one thread at a time. */
#ifndef WEFT_DATASET_H
#define WEFT_DATASET_H

#include "weft/models.h"
#include "weft/plan.h"
#include "weft/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_dataset weft_dataset;

/* The three parts of a data set. */
typedef enum weft_subset {
    WEFT_SUBSET_TRAIN,
    WEFT_SUBSET_VAL,
    WEFT_SUBSET_TEST
} weft_subset;
WEFT_API const char *weft_subset_name(weft_subset s); /* "train", "val", "test" */

/* What a sample's truth is. */
typedef enum weft_target_kind {
    WEFT_TARGET_CLASS, /* one of the data set's classes */
    WEFT_TARGET_VALUES /* a fixed number of real numbers */
} weft_target_kind;

/* How a picture is brought to the size of the network's input. */
typedef enum weft_image_fit {
    WEFT_FIT_STRETCH,  /* resize both sides, aspect ratio given up */
    WEFT_FIT_CROP,     /* resize the short side, cut the middle */
    WEFT_FIT_LETTERBOX /* resize the long side, pad the rest with grey 114 */
} weft_image_fit;

/* Random changes of a training picture; all zero means none. Outside the picture
 * (translate, rotate) is the mean colour, normalised zero. */
typedef struct weft_augment {
    double flip, flip_vertical; /* probability of a mirror image */
    int translate;              /* crop moved by up to this many pixels each way */
    double rotate;              /* up to this many degrees each way, bilinear */
    double brightness, contrast, saturation, hue; /* torchvision ColorJitter's amounts */
    int cutout;   /* side of a square set to the mean, 0 none */
    double mixup; /* alpha of Beta(alpha, alpha), 0 none: targets are mixed too */
} weft_augment;

typedef struct weft_image_opts {
    /* Of every sample. 0: the commonest size in the set, each side at most 224; one
     * side alone makes a square. */
    int height, width;
    int channels; /* 1 grey, 3 RGB; 0: 1 when every picture is grey, else 3 */
    weft_image_fit fit;
    double max_megapixels; /* a larger picture is refused; 0 means 64 */
    bool no_check;         /* do not decode all up front (headers are always checked) */
    int threads;           /* that decode while checking; 0: as many as compute */
    weft_augment augment;  /* of training batches */
} weft_image_opts;

#define WEFT_MAX_STREAMS 3 /* tokens, pairs of tokens, triples of tokens */

typedef enum weft_token_level {
    /* characters when more than a third of the letters are Chinese, Japanese or Korean,
     * else words */
    WEFT_LEVEL_AUTO,
    /* runs of letters and digits, Han and Kana one by one, marks; the same everywhere */
    WEFT_LEVEL_WORD,
    WEFT_LEVEL_CHAR, /* letters, one by one */
    /* ICU's words, which follow its version; WEFT_EUSAGE in a build without ICU */
    WEFT_LEVEL_ICU
} weft_token_level;

typedef struct weft_tokenizer_opts {
    weft_token_level level;
    /* streams: 1 tokens; 2 also pairs; 3 also triples, as numbers of their own at each
     * position. 0 means 1 */
    int ngrams;
    int min_count; /* rarer ones are unknown; 0 means 1 (pairs, triples: 2) */
    /* of a stream's vocabulary; 0: 50000, 200000, 200000 */
    int max_size[WEFT_MAX_STREAMS];
    /* tokens of a text that are used; 0: the 99th percentile of the training texts, at
     * most 512 */
    int max_length;
    bool keep_case;  /* otherwise case is folded */
    bool keep_width; /* otherwise full-width forms are folded to ASCII */
} weft_tokenizer_opts;

typedef struct weft_text_opts {
    /* Which column is what, by name in a header or by number from 1; NULL: the label is
     * the column with few distinct values (of WEFT_TARGET_VALUES: the one of numbers),
     * the text the longest other. */
    const char *label_column, *text_column;
    /* "tsv", "csv", "jsonl", "fasttext", "space"; NULL: as it looks */
    const char *format;
    bool strict; /* text that is not UTF-8 is an error, not replaced and counted */
    size_t max_text_bytes; /* of one text, what is beyond is cut; 0 means 1 MiB */
    weft_tokenizer_opts tokenizer;
    /* texts of any length share a batch; otherwise those of similar length do, which is
     * quicker */
    bool mixed_lengths;
} weft_text_opts;

typedef struct weft_dataset_opts {
    const char *modality;    /* "image", "text"; NULL: as the path looks */
    weft_target_kind target; /* how labels are understood: classes, or numbers */
    /* Folders or files of these subsets; they go before what lies next to the data. */
    const char *val, *test;
    double val_fraction;  /* of train, stratified, where no val is given; 0 means 0.1 */
    bool no_val;          /* do not split off a validation set */
    uint64_t seed;        /* of that split */
    bool skip_bad;        /* leave out samples that cannot be read, and go on */
    double skip_bad_max;  /* at most this percentage; 0 means 100 */
    const char *bad_list; /* with skip_bad: a TSV file that names them; NULL: none */
    int loader_threads;   /* that prepare training batches; 0 means 1; negative: none */
    weft_image_opts image;
    weft_text_opts text;
} weft_dataset_opts;

/* Opens a data set and checks all of it. path is
 *   - a folder with IDX files (train-images-idx3-ubyte[.gz] and its three
 *     companions),
 *   - one IDX image file (its label file is found by name): all of it is to train,
 *   - a folder with CIFAR-10 or CIFAR-100 binary batches (data_batch_1.bin and so
 *     on),
 *   - a folder of class folders of pictures, or with train/ [val/] [test/] of those,
 *   - a .tsv or .csv file (with or without a header), a .jsonl file (objects with a
 *     label and a
 *   text), a file of lines `__label__NAME text` (fastText) or `LABEL text`,
 *   - a folder with train.*, [dev.* or val.* or valid.*], [test.*] of those,
 *   - a folder of class folders of .txt files, or with train/ [val/] [test/] of
 *     those.
 * Pictures are PNG, JPEG, PNM or BMP, by content. Classes are those of the training
 * set: folder names in bytewise order; of texts numeric order when all labels are
 * whole numbers, else bytewise. opts may be NULL; it is read during the call only.
 * User data is never modified.
 *
 * The set is yours: weft_dataset_close. Fails with WEFT_EDATA (bad content; the
 * first 20 bad samples are warned of, the message has their total and the first),
 * WEFT_EIO, WEFT_ENOMEM, WEFT_EUSAGE (options); *out is untouched then. */
WEFT_API weft_status weft_dataset_open(const char *path, const weft_dataset_opts *opts,
                                       weft_dataset **out);
/* Closes and frees; NULL is fine. Loaders, predictors and tokenizers borrowed from d
 * end first. */
WEFT_API void weft_dataset_close(weft_dataset *d);

/* Samples in the caller's memory, by subset (train, val, test). Exactly one of
 * pixels, x, text and read says what the inputs are, exactly one of label and value
 * what the targets are. Nothing is copied but names: all arrays must outlive the
 * data set. */
typedef struct weft_arrays {
    int count[3];
    int channels, height,
        width; /* with pixels; or with read, then pixels are asked for */
    const unsigned char *pixels[3]; /* [n][height][width][channels], 0..255 */
    weft_shape shape;               /* with x, or with read: of one sample, no batch */
    const float *x[3];              /* [n][shape], row-major; normalised by feature */
    const char *const *text[3];     /* [n] UTF-8, ended by 0 */
    const int32_t *label[3];        /* [n] 0 .. classes-1 */
    int classes;
    const char *const *class_name; /* [classes]; NULL: "0", "1" ... */
    const float *value[3];         /* [n][values] */
    int values;
    const char *const *value_name; /* [values]; NULL: "y" or "y0", "y1" ... */
    /* Instead of pixels or x: writes sample i, pixels [height][width][channels] where
     * channels is set, else floats [shape]. Called from several threads at once unless
     * loader_threads is negative; must give the same every time. A failure ends the run
     * with its status. */
    weft_status (*read)(void *user, weft_subset s, int i, void *sample);
    void *user;
} weft_arrays;
/* A data set of samples in memory, for every task and the ready loop. Where count of
 * val is 0 and opts do not say no_val, a validation set is split off. opts may be
 * NULL; its paths do not count. Yours: weft_dataset_close. WEFT_EUSAGE when a is not
 * as said above, WEFT_EDATA for a label out of range or a value that is not finite,
 * WEFT_ENOMEM. */
WEFT_API weft_status weft_dataset_from_arrays(const weft_arrays *a,
                                              const weft_dataset_opts *opts,
                                              weft_dataset **out);

/* One line about a data set. */
typedef struct weft_finding {
    int severity;     /* 0 note, 1 warning, 2 error */
    const char *code; /* short and stable: "unreadable", "duplicate", "one-class", ... */
    const char *text; /* one line */
} weft_finding;
/* A lint of the whole set: unreadable or truncated files, wrong extensions,
 * duplicates within and across subsets (by content), classes with few or no samples,
 * class names that differ by case, stray files, sizes. Unlike weft_dataset_open it
 * goes on past errors. found() is called once per finding. Fails with WEFT_ENOMEM or
 * WEFT_EUSAGE only. */
WEFT_API weft_status weft_dataset_check(const char *path, const weft_dataset_opts *opts,
                                        void (*found)(void *user, const weft_finding *f),
                                        void *user);

/* What an item is to a person: a file, a line of text, or numbers in memory only. */
typedef enum weft_item_kind {
    WEFT_ITEM_FILES,
    WEFT_ITEM_LINES,
    WEFT_ITEM_TENSORS
} weft_item_kind;
/* A user's picture, text or tensor, for weft_predict; one of: */
typedef struct weft_item {
    const char *path; /* a picture file */
    const char *text; /* UTF-8, ended by 0; what is not valid counts as unknown letters */
    const unsigned char
        *pixels;       /* [height][width][channels] at the model's size, 0..255 */
    const void *bytes; /* a picture file's content, `size` bytes */
    size_t size;
    const float *x; /* a tensor, row-major */
} weft_item;

/* ---- asking. What is returned belongs to d. An index out of range gives 0, -1 or "".
 * ---- */

WEFT_API const char *weft_dataset_modality(
    const weft_dataset *d); /* "image", "text", "tensor" */
WEFT_API const char *weft_dataset_format(
    const weft_dataset *d); /* "idx", "csv", "arrays" ... */
/* The samples' name in the plural, for messages: "pictures", "texts", "samples". */
WEFT_API const char *weft_dataset_noun(const weft_dataset *d);
/* Which columns hold what, for people: "label stars, text review", "label column 1,
 * text column 2"; "" where samples have none. */
WEFT_API const char *weft_dataset_columns(const weft_dataset *d);
WEFT_API int weft_dataset_count(const weft_dataset *d, weft_subset s);
WEFT_API weft_target_kind weft_dataset_target(const weft_dataset *d);
WEFT_API int weft_dataset_classes(const weft_dataset *d); /* 0 where targets are values */
WEFT_API const char *weft_dataset_class_name(const weft_dataset *d, int c);
WEFT_API int weft_dataset_label(const weft_dataset *d, weft_subset s,
                                int i); /* -1: none */
WEFT_API int weft_dataset_values(
    const weft_dataset *d); /* numbers of a target; 0: classes */
WEFT_API const char *weft_dataset_value_name(const weft_dataset *d, int k);
/* The target of sample i: [values]; NULL where targets are classes. */
WEFT_API const float *weft_dataset_value(const weft_dataset *d, weft_subset s, int i);
/* Where sample i comes from, for messages: a path, "FILE:LINE" or "FILE#123".
 * Written to text. */
WEFT_API void weft_dataset_sample_name(const weft_dataset *d, weft_subset s, int i,
                                       char *text, size_t size);
/* Lower-case hex SHA-256 of names, targets and contents (of pictures in files: their
 * sizes): tells whether a resumed run sees the same data. */
WEFT_API const char *weft_dataset_hash(const weft_dataset *d);
/* Of texts: sequences that were not UTF-8 and were replaced by U+FFFD. */
WEFT_API int64_t weft_dataset_replaced(const weft_dataset *d);

/* Sample i of pictures: channels-last [height][width][channels], 0..255, brought to
 * the set's size, not augmented. Thread-safe. WEFT_EUSAGE when d has no pictures;
 * WEFT_EDATA, WEFT_EIO. */
WEFT_API weft_status weft_dataset_image(const weft_dataset *d, weft_subset s, int i,
                                        unsigned char *pixels);
/* Of every picture; 0 where samples are none. Each may be NULL. */
WEFT_API void weft_dataset_image_shape(const weft_dataset *d, int *channels, int *height,
                                       int *width);
/* Sample i of texts: UTF-8, ended by 0, *bytes (may be NULL) its length; NULL where
 * samples are none. */
WEFT_API const char *weft_dataset_text(const weft_dataset *d, weft_subset s, int i,
                                       size_t *bytes);

/*   ---- what is learnt from the training samples before training: it travels in the
 *     model
 *   ---- */

/* Measures mean and std of each channel (feature), or learns the tokenizer, once;
 * weft_train and everything below that needs it calls this. WEFT_ENOMEM, or as
 * reading a sample. */
WEFT_API weft_status weft_dataset_fit(weft_dataset *d);
/* Normalisation of pictures, in units of 0..1: x = (pixel / 255 - mean) / std. A
 * channel that is constant has std 1. 0 and 1 before weft_dataset_fit, or where
 * samples are no pictures. */
WEFT_API void weft_dataset_normalization(const weft_dataset *d, float mean[4],
                                         float std[4]);
/* The tokenizer of texts; NULL before weft_dataset_fit, or where samples are none. */
typedef struct weft_tokenizer weft_tokenizer;
WEFT_API const weft_tokenizer *weft_dataset_tokenizer(const weft_dataset *d);
/* The input side of a ready network for d: channels, height, width; or streams,
 * vocabulary, length; and the number of outputs: classes, or values. Other fields of *o
 * stay. Fits d. */
WEFT_API weft_status weft_dataset_network(weft_dataset *d, weft_zoo_opts *o);
/* Replaces the augmentation of training batches (image.augment) from the next loader
 * on. */
WEFT_API void weft_dataset_set_augment(weft_dataset *d, const weft_augment *a);

/* ---- batches, for a loop of one's own ---- */

typedef struct weft_loader_opts {
    weft_subset subset;
    int batch; /* samples; 0 means 64 */
    /* a new order every epoch, augmentation: functions of (seed, epoch, sample) */
    bool training;
    bool shuffle;   /* a new order every epoch, nothing else */
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;
    int ahead; /* batches prepared ahead; 0 means 4 */
} weft_loader_opts;

typedef struct weft_batch {
    int n;                /* samples in this batch; 0: the epoch is over */
    const int32_t *index; /* [n] sample numbers in the subset */
    /* targets; the kind that d does not have is NULL */
    const int32_t *label; /* [n] */
    const float *value;   /* [n][values] */
    /* With mixup: sample i is share[i] of itself and 1 - share[i] of sample partner[i].
     */
    const int32_t *partner;
    const float *share;
    /* inputs; those of other modalities are NULL or 0 */
    const float
        *x; /* pictures [n][height][width][channels], tensors [n][shape]; normalised */
    const int32_t *tokens[WEFT_MAX_STREAMS]; /* texts: [n][length], 0 past the end */
    const int32_t *lengths;                  /* [n], 1 .. length */
    int length, longest, streams;
} weft_batch;

typedef struct weft_loader weft_loader;
/* Fits d first. d must outlive the loader, which is yours: weft_loader_free.
 * WEFT_EUSAGE, WEFT_ENOMEM, or as weft_dataset_fit. */
WEFT_API weft_status weft_loader_new(weft_dataset *d, const weft_loader_opts *opts,
                                     weft_loader **out);
WEFT_API void weft_loader_free(weft_loader *l);
WEFT_API int weft_loader_batches(const weft_loader *l); /* in an epoch */
/* Starts epoch (0, 1, ...) at batch `first`: an interrupted run goes on there.
 * WEFT_EUSAGE. */
WEFT_API weft_status weft_loader_start(weft_loader *l, int epoch, int first);
/* The next batch, valid until the next call; out->n is 0 when the epoch is over. A
 * sample that cannot be read any more fails with WEFT_EDATA or WEFT_EIO naming it. */
WEFT_API weft_status weft_loader_next(weft_loader *l, weft_batch *out);
/* Copies the inputs of a batch into a plan of its size whose graph reads d: its float
 * input of rank 4 for pictures, "tokens", "pairs", "triples" and "lengths" for texts.
 * WEFT_ESHAPE, WEFT_EUSAGE when the graph has no such inputs. */
WEFT_API weft_status weft_loader_bind(const weft_loader *l, const weft_batch *b,
                                      weft_plan *p);

/* ---- pictures as such ---- */
/* One picture file: decoded, brought to size, [height][width][channels] 0..255. */
WEFT_API weft_status weft_image_read(const char *path, int channels, int height,
                                     int width, weft_image_fit fit, double max_megapixels,
                                     unsigned char *pixels);
/* What a loader does to pixels, with the same bits: x = (from/255 - mean) / std, for
 * `pixels` pixels of 1 to 4 channels, channels-last; std 0 means 1. */
WEFT_API void weft_image_normalize(int channels, size_t pixels, const unsigned char *from,
                                   const float mean[4], const float std[4], float *x);
/* The pixels as they are in the file (EXIF orientation applied), RGB or grey; free()
 * *pixels. */
WEFT_API weft_status weft_image_load(const char *path, double max_megapixels,
                                     int *channels, int *height, int *width,
                                     unsigned char **pixels);
/* Writes an 8-bit PNG, grey (1) or RGB (3). WEFT_EIO; WEFT_EUSAGE without libpng. */
WEFT_API weft_status weft_image_write_png(const char *path, int channels, int height,
                                          int width, const unsigned char *pixels);
/* The same into fresh memory, for pictures inside a page; free() *png. */
WEFT_API weft_status weft_image_encode_png(int channels, int height, int width,
                                           const unsigned char *pixels,
                                           unsigned char **png, size_t *bytes);

/* ---- tokenizers: texts as numbers ---- */

/* A tokenizer splits texts and numbers the tokens: 0 is padding, 1 an unknown token, 2
 * and up the tokens by falling count in the training texts (equals bytewise).
 *
 * From the training texts of d. Yours: weft_tokenizer_free. WEFT_EUSAGE when d has no
 * texts. */
WEFT_API weft_status weft_tokenizer_learn(const weft_dataset *d,
                                          const weft_tokenizer_opts *opts,
                                          weft_tokenizer **out);
WEFT_API void weft_tokenizer_free(weft_tokenizer *k);
WEFT_API int weft_tokenizer_streams(const weft_tokenizer *k);
WEFT_API int weft_tokenizer_length(const weft_tokenizer *k); /* max_length */
WEFT_API weft_token_level weft_tokenizer_level(const weft_tokenizer *k);
/* Entries of a stream's vocabulary, padding and unknown included. */
WEFT_API int weft_tokenizer_size(const weft_tokenizer *k, int stream);
/* Token i of a stream as UTF-8 ("" padding, "<unk>" unknown; the parts of a pair joined
 * by U+0001). Belongs to k. */
WEFT_API const char *weft_tokenizer_token(const weft_tokenizer *k, int stream, int i);
/* The number of that token, or -1. */
WEFT_API int weft_tokenizer_find(const weft_tokenizer *k, int stream, const char *token);
/* ids[s] receives max_length numbers of stream s (position p of pairs: the tokens p and
 * p+1; past the end padding), 0 past the end. Returns the length, at least 1 (an empty
 * text is one unknown token). *unknown (may be NULL): unknown tokens among them.
 * Thread-safe. */
WEFT_API int weft_tokenize(const weft_tokenizer *k, const char *text, size_t bytes,
                           int32_t *const ids[WEFT_MAX_STREAMS], int *unknown);
/* To and from a model's metadata ("weft.tokenizer": one JSON object). A file is not
 * trusted: WEFT_EMODEL. */
WEFT_API weft_status weft_tokenizer_describe(const weft_tokenizer *k, weft_meta *m);
WEFT_API weft_status weft_tokenizer_from_meta(const weft_meta *m, weft_tokenizer **out);
/* Rows of pretrained vectors for stream 0 from a word2vec or GloVe text file, or an
 * .npz (array "embeddings", with a file of tokens `token<TAB>row` as words): table
 * [size][width] receives those of the tokens found, others are left alone; *found
 * their number. width -1 on entry of *width: only asks the file's. */
WEFT_API weft_status weft_vectors_read(const char *path, const char *words,
                                       const weft_tokenizer *k, int *width, float *table,
                                       int *found);

#ifdef __cplusplus
}
#endif
#endif
