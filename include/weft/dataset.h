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

/* Samples with their targets, in three subsets: opened, checked and split. */
typedef struct weft_dataset weft_dataset;

/* The subsets of a data set. */
typedef enum weft_subset {
    WEFT_SUBSET_TRAIN, /* what a network learns from */
    WEFT_SUBSET_VAL,   /* what chooses the best epoch */
    WEFT_SUBSET_TEST   /* what measures the finished network */
} weft_subset;
/* "train", "val" or "test"; "" for any other number. Static text. */
WEFT_API const char *weft_subset_name(weft_subset s);

/* What a sample's target is. */
typedef enum weft_target_kind {
    WEFT_TARGET_CLASS, /* one of the data set's classes */
    WEFT_TARGET_VALUES /* a fixed number of real numbers */
} weft_target_kind;

/* ---- options ---- */

/* How a picture is brought to the size of the network's input. */
typedef enum weft_image_fit {
    WEFT_FIT_STRETCH,  /* resize both sides, aspect ratio given up */
    WEFT_FIT_CROP,     /* resize the short side, cut the middle */
    WEFT_FIT_LETTERBOX /* resize the long side, pad the rest with grey 114 */
} weft_image_fit;

/* Random changes of a training picture; all zero means none. In this order: colours,
 * mirror, translation and rotation, normalisation, cutout, mixup. Where a change leaves
 * no picture is the mean colour, normalised zero. */
typedef struct weft_augment {
    double flip, flip_vertical; /* probability of a mirror image; 0 to 1 */
    int translate; /* crop moved by up to this many pixels each way; 0 to 65536 */
    double rotate; /* up to this many degrees each way, bilinear; 0 to 180 */
    /* torchvision ColorJitter's amounts; 0 to 100, hue 0 to 0.5 */
    double brightness, contrast, saturation, hue;
    int cutout;   /* side of a square set to the mean, in pixels; 0 none */
    double mixup; /* alpha of Beta(alpha, alpha), 0 none: targets are mixed too */
} weft_augment;

/* Options of pictures. */
typedef struct weft_image_opts {
    /* of every sample, in pixels. 0: the commonest size in the set, each side at most
     * 224; one side alone makes a square */
    int height, width;
    int channels;          /* 1 grey, 3 RGB; 0: 1 when every picture is grey, else 3 */
    weft_image_fit fit;    /* how pictures of another size are brought to it */
    double max_megapixels; /* a larger picture is refused; 0 means 64 */
    bool no_check;         /* do not decode all at opening (headers are always checked) */
    int threads;           /* that decode while checking; 0: as many as compute */
    weft_augment augment;  /* of training batches */
} weft_image_opts;

/* The most streams of a tokenizer: tokens, pairs of tokens, triples of tokens. */
#define WEFT_MAX_STREAMS 3

/* What a token of a text is. */
typedef enum weft_token_level {
    /* characters when more than a third of the letters are Chinese, Japanese or Korean,
     * else words */
    WEFT_LEVEL_AUTO,
    /* runs of letters and digits, Han and Kana one by one, marks; the same everywhere */
    WEFT_LEVEL_WORD,
    WEFT_LEVEL_CHAR, /* letters, one by one */
    /* ICU's words, which follow its version; WEFT_EUSAGE in a build without ICU. A model
     * that reads them is refused (WEFT_EMODEL) without ICU, and warned of under another
     * version */
    WEFT_LEVEL_ICU
} weft_token_level;

/* Options of a tokenizer. */
typedef struct weft_tokenizer_opts {
    weft_token_level level; /* what a token is */
    /* streams: 1 tokens; 2 also pairs; 3 also triples, as numbers of their own at each
     * position. 0 means 1 */
    int ngrams;
    int min_count; /* rarer ones are unknown; 0 means 1 (pairs, triples: 2) */
    /* of a stream's vocabulary, 3 to 2^21; 0: 50000, 200000, 200000 */
    int max_size[WEFT_MAX_STREAMS];
    /* tokens of a text that are used, at most 65536; 0: the 99th percentile of the
     * training texts, at most 512 */
    int max_length;
    bool keep_case;  /* otherwise case is folded */
    bool keep_width; /* otherwise full-width forms are folded to ASCII */
} weft_tokenizer_opts;

/* Options of texts. */
typedef struct weft_text_opts {
    /* Which column is what, by name in a header or by number from 1. NULL: the label is
     * the column with few distinct values, or, of WEFT_TARGET_VALUES, one of numbers:
     * called price, score, rating, y, target, value ..., else the last that has more than
     * two different ones and does not number the rows. The text is the longest other. */
    const char *label_column, *text_column;
    /* "tsv", "csv", "jsonl", "fasttext", "space"; NULL: as it looks */
    const char *format;
    /* between the columns of CSV: ',', ';', '\t', '|' or another ASCII character; 0: the
     * one of these four that the first rows have equally often */
    char delimiter;
    bool strict; /* text that is not UTF-8 is an error, not replaced and counted */
    size_t max_text_bytes;         /* of one text, what is beyond is cut; 0 means 1 MiB */
    weft_tokenizer_opts tokenizer; /* that weft_dataset_fit learns */
    /* texts of any length share a training batch; otherwise those of similar length do,
     * which is quicker */
    bool mixed_lengths;
} weft_text_opts;

/* Options of a data set. */
typedef struct weft_dataset_opts {
    const char *modality;    /* "image", "text"; NULL: as the path looks */
    weft_target_kind target; /* how labels are understood: classes, or numbers */
    /* folders or files of these subsets; they go before what lies next to the data */
    const char *val, *test;
    double val_fraction;   /* of train, stratified, where no val is given; 0 means 0.1 */
    bool no_val;           /* do not split off a validation set */
    uint64_t seed;         /* of that split */
    bool skip_bad;         /* leave out samples that cannot be read, and go on */
    double skip_bad_max;   /* at most this percentage; 0 means 100 */
    const char *bad_list;  /* with skip_bad: a TSV file that names them; NULL: none */
    int loader_threads;    /* that prepare training batches; 0 means 1; negative: none */
    weft_image_opts image; /* where samples are pictures */
    weft_text_opts text;   /* where samples are texts */
} weft_dataset_opts;

/* ---- making ---- */

/* Opens a data set and checks all of it. path is
 *   - a folder with IDX files: train-images-idx3-ubyte[.gz] and its three companions,
 *   - one IDX image file, whose label file is found by name: all of it is to train,
 *   - a folder with CIFAR-10 or CIFAR-100 binary batches: data_batch_1.bin and so on,
 *   - a folder of class folders of pictures, or with train/ [val/] [test/] of those,
 *   - a .tsv or .csv file, with or without a header; a .jsonl file: objects with a label
 *     and a text; a file of lines `__label__NAME text` (fastText) or `LABEL text`,
 *   - a folder with train.*, [dev.* or val.* or valid.*], [test.*] of those,
 *   - a folder of class folders of .txt files, or with train/ [val/] [test/] of those.
 * Pictures are PNG, JPEG, PNM or BMP, by content. Classes are those of the training set:
 * folder names in bytewise order; of texts numeric order when all labels are whole
 * numbers, else bytewise. Of WEFT_TARGET_VALUES labels, or names of folders, are numbers;
 * one that is no finite number makes a bad sample. opts may be NULL; it is read during
 * the call only. User data is never modified.
 * Fails: WEFT_EDATA: bad content (the first 20 bad samples are warned of, the message has
 * their total and the first), or nothing to learn: no samples, one class, one value;
 * WEFT_EIO; WEFT_ENOMEM; WEFT_EUSAGE: options. *out is untouched then.
 * *out is yours: weft_dataset_close frees it. */
WEFT_API weft_status weft_dataset_open(const char *path, const weft_dataset_opts *opts,
                                       weft_dataset **out);

/* Frees it; takes NULL. Loaders and predictors that use d, and what d returned, end
 * first. */
WEFT_API void weft_dataset_close(weft_dataset *d);

/* Samples in the caller's memory, by subset: train, val, test. Exactly one of pixels, x,
 * text and read says what the inputs are, exactly one of label and value what the targets
 * are. Nothing is copied but names and targets: arrays, and what user points to, must
 * outlive the data set. */
typedef struct weft_arrays {
    int count[3]; /* samples; where that of val is 0, some of train are split off */
    /* of pictures: with pixels, or with read, which then writes pixels; 1 or 3
     * channels */
    int channels, height, width;
    const unsigned char *pixels[3]; /* [n][height][width][channels], 0..255 */
    weft_shape shape; /* of tensors: with x, or with read; of one sample, no batch */
    /* [n][shape], row-major, finite. Normalised by the training samples' mean and std: a
     * shape [features] by feature, any other by channel, its first dimension */
    const float *x[3];
    const char *const *text[3];    /* [n] UTF-8, ended by 0 */
    const int32_t *label[3];       /* [n] 0 .. classes-1 */
    int classes;                   /* 2 to 65535; with label */
    const char *const *class_name; /* [classes]; NULL: "0", "1" ... */
    const float *value[3];         /* [n][values], finite */
    int values;                    /* 1 to 4096; with value */
    const char *const *value_name; /* [values]; NULL: "y" or "y0", "y1" ... */
    /* Instead of pixels or x: writes sample i of s, pixels [height][width][channels]
     * where channels is set, else floats [shape]; from weft_dataset_fit on, from several
     * threads at once unless loader_threads is negative. Must give the same every time. A
     * failure ends what is being done with its status, and with the message of weft_fail
     * if that was called. */
    weft_status (*read)(void *user, weft_subset s, int i, void *sample);
    void *user; /* for read */
} weft_arrays;

/* A data set of samples in memory, for every task and the ready loop. Classes keep the
 * caller's numbers. opts may be NULL; its paths and target do not count, and its bad
 * samples are texts that are not UTF-8 with text.strict.
 * Fails: WEFT_EUSAGE: a is not as said above; WEFT_EDATA: a label out of range, a value
 * that is not finite, nothing to learn; WEFT_ENOMEM. *out is untouched then.
 * *out is yours: weft_dataset_close frees it. */
WEFT_API weft_status weft_dataset_from_arrays(const weft_arrays *a,
                                              const weft_dataset_opts *opts,
                                              weft_dataset **out);

/* One line about a data set; texts are valid during the call of found. */
typedef struct weft_finding {
    int severity;     /* 0 note, 1 warning, 2 error */
    const char *code; /* short and stable: "unreadable", "duplicate", "one-class", ... */
    const char *text; /* one line */
} weft_finding;

/* A lint of the whole set: unreadable or truncated files, wrong extensions, duplicates
 * within and across subsets (by content), classes with few or no samples, class names
 * that differ by case, stray files, sizes. Unlike weft_dataset_open it goes on past
 * errors; what stops it all the same is the finding "unusable". found is called once per
 * finding.
 * Fails: WEFT_ENOMEM; WEFT_EUSAGE: options. */
WEFT_API weft_status weft_dataset_check(const char *path, const weft_dataset_opts *opts,
                                        void (*found)(void *user, const weft_finding *f),
                                        void *user);

/* ---- items ---- */

/* What an item is to a person. */
typedef enum weft_item_kind {
    WEFT_ITEM_FILES,  /* a file, by path: a picture */
    WEFT_ITEM_LINES,  /* a line of text */
    WEFT_ITEM_TENSORS /* numbers in memory only */
} weft_item_kind;

/* A user's picture, text or tensor, for weft_predict; one of: */
typedef struct weft_item {
    const char *path; /* a picture file */
    const char *text; /* UTF-8, ended by 0; what is not valid counts as unknown letters */
    /* [height][width][channels] at the model's size, 0..255 */
    const unsigned char *pixels;
    const void *bytes; /* a picture file's content */
    size_t size;       /* of bytes */
    const float *x;    /* a tensor, row-major, as it was in training */
} weft_item;

/* ---- asking. What is returned belongs to d, and is valid until that is closed ---- */

/* weft_dataset_modality: "image", "text", "tensor". weft_dataset_format: "idx", "cifar",
 * "image-folder", "csv", ..., "arrays". weft_dataset_noun: the samples in the plural, for
 * messages: "pictures", "texts", "samples". weft_dataset_columns: which columns hold
 * what, for people: "label stars, text review", "label column 1, text column 2"; "" where
 * samples have none. They belong to d. */
WEFT_API const char *weft_dataset_modality(const weft_dataset *d);
WEFT_API const char *weft_dataset_format(const weft_dataset *d);
WEFT_API const char *weft_dataset_noun(const weft_dataset *d);
WEFT_API const char *weft_dataset_columns(const weft_dataset *d);

/* Samples of a subset; 0 for a number that is none. */
WEFT_API int weft_dataset_count(const weft_dataset *d, weft_subset s);
/* What kind the targets are of. */
WEFT_API weft_target_kind weft_dataset_target(const weft_dataset *d);

/* weft_dataset_classes: how many classes there are; 0 where targets are values.
 * weft_dataset_class_name: of class c, which belongs to d; "" for a c out of range.
 * weft_dataset_label: the class of sample i; -1: there is none. */
WEFT_API int weft_dataset_classes(const weft_dataset *d);
WEFT_API const char *weft_dataset_class_name(const weft_dataset *d, int c);
WEFT_API int weft_dataset_label(const weft_dataset *d, weft_subset s, int i);

/* weft_dataset_values: how many numbers a target is; 0 where targets are classes.
 * weft_dataset_value_name: of value k: the column's name, or "value"; "" for a k out of
 * range. weft_dataset_value: the target of sample i, [values]; NULL: there is none. Both
 * belong to d. */
WEFT_API int weft_dataset_values(const weft_dataset *d);
WEFT_API const char *weft_dataset_value_name(const weft_dataset *d, int k);
WEFT_API const float *weft_dataset_value(const weft_dataset *d, weft_subset s, int i);

/* Where sample i comes from, for messages: a path, "FILE:LINE", "FILE#123", "sample 5 of
 * train" of arrays; "" for an i out of range. Written to text, size bytes at most. */
WEFT_API void weft_dataset_sample_name(const weft_dataset *d, weft_subset s, int i,
                                       char *text, size_t size);

/* Lower-case hex SHA-256 of names, targets and contents (of pictures in files: their
 * sizes; of a callback: their numbers): tells whether a resumed run sees the same data.
 * Belongs to d. */
WEFT_API const char *weft_dataset_hash(const weft_dataset *d);

/* Of texts: sequences that were not UTF-8 and were replaced by U+FFFD; else 0. */
WEFT_API int64_t weft_dataset_replaced(const weft_dataset *d);

/* Sample i of pictures into pixels [height][width][channels], 0..255, brought to the
 * set's size, not augmented. From any thread.
 * Fails: WEFT_EUSAGE: d has no pictures, or not that one; WEFT_EDATA, WEFT_EIO: the file
 * cannot be read any more; WEFT_ENOMEM. */
WEFT_API weft_status weft_dataset_image(const weft_dataset *d, weft_subset s, int i,
                                        unsigned char *pixels);
/* Of every picture; 0 where samples are none. Each may be NULL. */
WEFT_API void weft_dataset_image_shape(const weft_dataset *d, int *channels, int *height,
                                       int *width);

/* Sample i of texts: UTF-8, ended by 0, *bytes (may be NULL) its length; NULL where there
 * is none. Belongs to d. */
WEFT_API const char *weft_dataset_text(const weft_dataset *d, weft_subset s, int i,
                                       size_t *bytes);

/* ---- what is learnt from the training samples before training: it travels in the
 * model ---- */

/* Measures mean and std of each channel (feature), or learns the tokenizer, once;
 * weft_train and everything below that needs it calls this.
 * Fails: WEFT_ENOMEM; WEFT_EUSAGE: tokenizer options; WEFT_EDATA, WEFT_EIO: a sample
 * cannot be read any more, or is not finite; or as the caller's read. */
WEFT_API weft_status weft_dataset_fit(weft_dataset *d);

/* Normalisation of pictures, in units of 0..1: x = (pixel / 255 - mean) / std. A channel
 * that is constant has std 1. 0 and 1 before weft_dataset_fit, or where samples are no
 * pictures. */
WEFT_API void weft_dataset_normalization(const weft_dataset *d, float mean[4],
                                         float std[4]);

/* A tokenizer splits texts and numbers the tokens: 0 is padding, 1 an unknown token, 2
 * and up the tokens by falling count in the training texts (equals bytewise). */
typedef struct weft_tokenizer weft_tokenizer;

/* The tokenizer of texts, which belongs to d; NULL before weft_dataset_fit, or where
 * samples are none. */
WEFT_API const weft_tokenizer *weft_dataset_tokenizer(const weft_dataset *d);

/* The input side of a ready network for d: channels, height, width; or streams,
 * vocabulary, length; and the number of outputs: classes, or values. Other fields of *o
 * stay. Fits d.
 * Fails: as weft_dataset_fit. */
WEFT_API weft_status weft_dataset_network(weft_dataset *d, weft_zoo_opts *o);

/* Replaces the augmentation of training batches (image.augment) from the next loader
 * on, which refuses amounts out of range. */
WEFT_API void weft_dataset_set_augment(weft_dataset *d, const weft_augment *a);

/* ---- batches, for a loop of one's own ---- */

/* Options of weft_loader_new. */
typedef struct weft_loader_opts {
    weft_subset subset; /* whose samples */
    int batch;          /* samples; 0 means 64 */
    /* a new order every epoch, augmentation, texts of similar length together: functions
     * of (seed, epoch, sample). Without it, and without shuffle, pictures and tensors
     * come in their order, texts by length */
    bool training;
    bool shuffle;   /* a new order every epoch, nothing else */
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;  /* of order and augmentation */
    int ahead;      /* batches prepared ahead, at most 1024; 0 means 4 */
} weft_loader_opts;

/* Some samples, for one step. */
typedef struct weft_batch {
    int n;                /* samples; 0: the epoch is over */
    const int32_t *index; /* [n] sample numbers in the subset */
    /* targets; the kind that d does not have is NULL */
    const int32_t *label; /* [n] */
    const float *value;   /* [n][values] */
    /* with mixup, else NULL: sample i is share[i] of itself and 1 - share[i] of sample
     * partner[i], and so are its targets to be */
    const int32_t *partner;
    const float *share; /* [n] */
    /* inputs; those of other modalities are NULL or 0.
     * x: pictures [n][height][width][channels], tensors [n][shape]; normalised */
    const float *x;
    const int32_t *tokens[WEFT_MAX_STREAMS]; /* texts: [n][length], 0 past the end */
    const int32_t *lengths;                  /* [n], 1 .. length */
    int length, longest, streams; /* of tokens; longest: the largest of lengths */
} weft_batch;

/* Goes through a subset, batch by batch. */
typedef struct weft_loader weft_loader;

/* Fits d first. d must outlive the loader.
 * Fails: WEFT_EUSAGE: options, or augmentation, out of range; WEFT_ENOMEM; or as
 * weft_dataset_fit. *out is yours: weft_loader_free. */
WEFT_API weft_status weft_loader_new(weft_dataset *d, const weft_loader_opts *opts,
                                     weft_loader **out);
/* Ends its threads and frees it; takes NULL. */
WEFT_API void weft_loader_free(weft_loader *l);
/* Batches of an epoch. */
WEFT_API int weft_loader_batches(const weft_loader *l);
/* Starts epoch (0, 1, ...) at batch `first`: an interrupted run goes on there.
 * Fails: WEFT_EUSAGE: there is no such epoch or batch. */
WEFT_API weft_status weft_loader_start(weft_loader *l, int epoch, int first);
/* The next batch, valid until the next call; out->n is 0 when the epoch is over, and
 * before the first weft_loader_start.
 * Fails: WEFT_EDATA, WEFT_EIO: a sample cannot be read any more, which is named; or as
 * the caller's read. */
WEFT_API weft_status weft_loader_next(weft_loader *l, weft_batch *out);
/* Copies the inputs of a batch into a plan of its size whose graph reads d: its float
 * input of rank 4 for pictures, "tokens", "pairs", "triples" and "lengths" for texts, its
 * first float input for tensors.
 * Fails: WEFT_EUSAGE: the graph has no such inputs; WEFT_ESHAPE: of another shape. */
WEFT_API weft_status weft_loader_bind(const weft_loader *l, const weft_batch *b,
                                      weft_plan *p);

/* ---- pictures as such ---- */

/* One picture file: decoded, brought to size, pixels [height][width][channels] 0..255;
 * channels 1 or 3. max_megapixels: as in weft_image_opts.
 * Fails: WEFT_EIO; WEFT_EDATA: no picture, or a damaged or too large one; WEFT_EUSAGE: no
 * such size; WEFT_ENOMEM. */
WEFT_API weft_status weft_image_read(const char *path, int channels, int height,
                                     int width, weft_image_fit fit, double max_megapixels,
                                     unsigned char *pixels);
/* What a loader does to pixels, with the same bits: x = (from/255 - mean) / std, for
 * `pixels` pixels of 1 to 4 channels, channels-last; std 0 means 1. */
WEFT_API void weft_image_normalize(int channels, size_t pixels, const unsigned char *from,
                                   const float mean[4], const float std[4], float *x);
/* The pixels as they are in the file (EXIF orientation applied), RGB or grey,
 * [height][width][channels]; free() *pixels.
 * Fails: as weft_image_read. */
WEFT_API weft_status weft_image_load(const char *path, double max_megapixels,
                                     int *channels, int *height, int *width,
                                     unsigned char **pixels);
/* weft_image_write_png: writes an 8-bit PNG, grey (1 channel) or RGB (3), in place of
 * path. weft_image_encode_png: the same into fresh memory; free() *png.
 * Fails: WEFT_EUSAGE: no such size, or a build without libpng; WEFT_EIO; WEFT_ENOMEM. */
WEFT_API weft_status weft_image_write_png(const char *path, int channels, int height,
                                          int width, const unsigned char *pixels);
WEFT_API weft_status weft_image_encode_png(int channels, int height, int width,
                                           const unsigned char *pixels,
                                           unsigned char **png, size_t *bytes);

/* ---- tokenizers: texts as numbers. From any thread ---- */

/* Learns from the training texts of d. opts may be NULL.
 * Fails: WEFT_EUSAGE: d has no texts, or options; WEFT_ENOMEM. *out is yours:
 * weft_tokenizer_free. */
WEFT_API weft_status weft_tokenizer_learn(const weft_dataset *d,
                                          const weft_tokenizer_opts *opts,
                                          weft_tokenizer **out);
/* Frees it; takes NULL. */
WEFT_API void weft_tokenizer_free(weft_tokenizer *k);

/* weft_tokenizer_streams: 1 to WEFT_MAX_STREAMS. weft_tokenizer_length: tokens of a text
 * that are used. weft_tokenizer_level: what a token is, never WEFT_LEVEL_AUTO.
 * weft_tokenizer_size: entries of a stream's vocabulary, padding and unknown included; 0
 * for a stream that there is not. */
WEFT_API int weft_tokenizer_streams(const weft_tokenizer *k);
WEFT_API int weft_tokenizer_length(const weft_tokenizer *k);
WEFT_API weft_token_level weft_tokenizer_level(const weft_tokenizer *k);
WEFT_API int weft_tokenizer_size(const weft_tokenizer *k, int stream);

/* weft_tokenizer_token: token i of a stream as UTF-8 ("" padding, "<unk>" unknown; the
 * parts of a pair joined by U+0001), which belongs to k; NULL for an i out of range.
 * weft_tokenizer_find: the number of such a text; -1: there is none. */
WEFT_API const char *weft_tokenizer_token(const weft_tokenizer *k, int stream, int i);
WEFT_API int weft_tokenizer_find(const weft_tokenizer *k, int stream, const char *token);

/* ids[s], weft_tokenizer_length numbers, receives those of stream s: position p of pairs
 * is the tokens p and p+1; 0 past the end. ids of streams beyond the first may be NULL.
 * Returns the length, at least 1 (an empty text is one unknown token). *unknown (may be
 * NULL): unknown tokens among them. What is not UTF-8 in text counts as U+FFFD. */
WEFT_API int weft_tokenize(const weft_tokenizer *k, const char *text, size_t bytes,
                           int32_t *const ids[WEFT_MAX_STREAMS], int *unknown);

/* weft_tokenizer_describe: into a model's metadata, "weft.tokenizer", one JSON object.
 * weft_tokenizer_from_meta: from there; a file is not trusted.
 * Fails: WEFT_EMODEL: missing or damaged; WEFT_EUSAGE: a build without jansson;
 * WEFT_ENOMEM. *out is yours: weft_tokenizer_free. */
WEFT_API weft_status weft_tokenizer_describe(const weft_tokenizer *k, weft_meta *m);
WEFT_API weft_status weft_tokenizer_from_meta(const weft_meta *m, weft_tokenizer **out);

/* Rows of pretrained vectors for stream 0 from a word2vec or GloVe text file, or an .npz
 * (array "embeddings", with a file of tokens `token<TAB>row` as words, else NULL): table
 * [size][width] receives those of the tokens found, others are left alone; *found (may be
 * NULL) their number. width -1 on entry of *width: only asks the file's; table may be
 * NULL then.
 * Fails: WEFT_EIO; WEFT_EDATA: no such file of vectors; WEFT_EUSAGE: another width, or
 * words missing; WEFT_ENOMEM. */
WEFT_API weft_status weft_vectors_read(const char *path, const char *words,
                                       const weft_tokenizer *k, int *width, float *table,
                                       int *found);

#ifdef __cplusplus
}
#endif
#endif
