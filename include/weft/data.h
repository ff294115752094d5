/* weft/data.h: a data set from files: file -> sample -> batch. */
#ifndef WEFT_DATA_H
#define WEFT_DATA_H

#include "weft/base.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_data weft_data; /* an opened and checked data set */

typedef enum weft_split { WEFT_TRAIN, WEFT_VAL, WEFT_TEST } weft_split;

/* How a picture is brought to the size of the network's input. */
typedef enum weft_fit {
    WEFT_FIT_STRETCH,  /* resize both sides, aspect ratio given up */
    WEFT_FIT_CROP,     /* resize the short side, cut the middle */
    WEFT_FIT_LETTERBOX /* resize the long side, pad the rest with grey 114 */
} weft_fit;

typedef struct weft_data_opts {
    /* Of every sample. 0: the commonest size in the set, each side at most 224; one side
     * alone makes a square. */
    int height, width;
    int channels; /* 1 grey, 3 RGB; 0: 1 when every picture is grey, else 3 */
    weft_fit fit;
    /* Folders or files of these splits; they go before what lies beside the data. */
    const char *val, *test;
    double val_fraction;   /* of train, stratified, where no val is given; 0 means 0.1 */
    bool no_val;           /* do not split off a validation set */
    uint64_t seed;         /* of that split */
    bool skip_bad;         /* leave out samples that cannot be read, and go on */
    double skip_bad_max;   /* at most this percentage; 0 means 100 */
    const char *bad_list;  /* with skip_bad: a TSV file that names them; NULL: none */
    double max_megapixels; /* a larger picture is refused; 0 means 64 */
    bool no_check;         /* do not decode all up front (headers are always checked) */
    int threads;           /* that decode while checking; 0: as many as compute */
} weft_data_opts;

/* Opens a data set and checks all of it. path is
 *   - a folder with IDX files (train-images-idx3-ubyte[.gz] and its three companions),
 *   - one IDX image file (its label file is found by name): all of it is to train,
 *   - a folder with CIFAR-10 or CIFAR-100 binary batches (data_batch_1.bin and so on),
 *   - a folder of class folders of pictures, or with train/ [val/] [test/] of those.
 * Pictures are PNG, JPEG, PNM or BMP, by content. Class order is the bytewise order of
 * the folder names; classes are those of the training set. opts may be NULL. The set is
 * yours: weft_data_close. User data is never modified.
 *
 * Fails with WEFT_EDATA (bad content; the first 20 bad samples are warned of, the message
 * has their total and the first), WEFT_EIO, WEFT_ENOMEM, WEFT_EUSAGE. */
WEFT_API weft_status weft_data_open(const char *path, const weft_data_opts *opts,
                                    weft_data **out);
WEFT_API void weft_data_close(weft_data *d);

/* "idx", "cifar" or "image-folder" */
WEFT_API const char *weft_data_format(const weft_data *d);
WEFT_API int weft_data_count(const weft_data *d, weft_split s);
WEFT_API int weft_data_classes(const weft_data *d);
WEFT_API const char *weft_data_class_name(const weft_data *d, int c);
WEFT_API void weft_data_shape(const weft_data *d, int *channels, int *height, int *width);
WEFT_API int weft_data_label(const weft_data *d, weft_split s, int i);
/* Where sample i comes from, for messages: a path, or "FILE#123". Written to text. */
WEFT_API void weft_data_sample_name(const weft_data *d, weft_split s, int i, char *text,
                                    size_t size);
/* Lower-case hex SHA-256 of names, labels and content sizes: tells whether a resumed run
 * sees the same data. 65 bytes. */
WEFT_API const char *weft_data_hash(const weft_data *d);
/* Sample i, channels-last [height][width][channels], 0..255, brought to the set's size,
 * not augmented. Thread-safe. */
WEFT_API weft_status weft_data_read(const weft_data *d, weft_split s, int i,
                                    unsigned char *pixels);
/* Mean and deviation of each channel over the training split, in units of 0..1. */
WEFT_API weft_status weft_data_moments(const weft_data *d, float mean[4],
                                       float deviation[4]);

/* What weft_data_check found; counts of samples, by class, and of things to look at. */
typedef struct weft_data_finding {
    int severity;     /* 0 note, 1 warning, 2 error */
    const char *code; /* short and stable: "unreadable", "duplicate", "one-class", ... */
    const char *text; /* one line */
} weft_data_finding;
/* A lint of the whole set: unreadable or truncated files, wrong extensions, duplicates
 * within and across splits (by content), classes with few or no samples, class names that
 * differ by case, stray files, sizes. Unlike weft_data_open it goes on past errors.
 * found() is called once per finding. */
WEFT_API weft_status weft_data_check(const char *path, const weft_data_opts *opts,
                                     void (*found)(void *user,
                                                   const weft_data_finding *f),
                                     void *user);

/* Random changes of a training picture; all zero means none. */
typedef struct weft_augment {
    double flip, flip_vertical; /* probability of a mirror image */
    int shift;                  /* crop moved by up to this many pixels each way */
    double rotate;              /* up to this many degrees each way, bilinear */
    double brightness, contrast, saturation, hue; /* torchvision ColorJitter's amounts */
    int cutout;   /* side of a square set to the mean, 0 none */
    double mixup; /* alpha of Beta(alpha, alpha), 0 none: targets become soft */
    /* Outside the picture (shift, rotate) is the mean colour, normalised zero. */
} weft_augment;

typedef struct weft_loader_opts {
    weft_split split;
    int batch;      /* samples; 0 means 64 */
    bool shuffle;   /* a new order every epoch, a function of (seed, epoch) */
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;  /* order and augmentation depend on (seed, epoch, sample) alone */
    weft_augment augment;
    /* x becomes (x/255 - mean) / deviation; deviation 0 means 1. */
    float mean[4], deviation[4];
    int threads; /* that prepare batches ahead; 0 means 1; negative: the caller does it */
    int ahead;   /* batches prepared ahead; 0 means 4 */
} weft_loader_opts;

typedef struct weft_batch {
    int n;                /* samples in this batch */
    const float *x;       /* [n][height][width][channels], normalised */
    const int32_t *label; /* [n] */
    const float *target;  /* [n][classes] when mixup is on, else NULL */
    const int32_t *index; /* [n] sample numbers in the split */
} weft_batch;

typedef struct weft_loader weft_loader;
/* d must outlive the loader. */
WEFT_API weft_status weft_loader_new(const weft_data *d, const weft_loader_opts *opts,
                                     weft_loader **out);
WEFT_API void weft_loader_free(weft_loader *l);
WEFT_API int weft_loader_batches(const weft_loader *l); /* in an epoch */
/* Starts epoch (0, 1, ...) at batch `first`: an interrupted run goes on there. */
WEFT_API weft_status weft_loader_start(weft_loader *l, int epoch, int first);
/* The next batch, valid until the next call; *out is NULL when the epoch is over. A
 * sample that cannot be read any more fails with WEFT_EDATA or WEFT_EIO naming it. */
WEFT_API weft_status weft_loader_next(weft_loader *l, const weft_batch **out);

/* One picture file for prediction: decoded, brought to size, [height][width][channels]
 * 0..255. */
WEFT_API weft_status weft_picture_read(const char *path, int channels, int height,
                                       int width, weft_fit fit, double max_megapixels,
                                       unsigned char *pixels);
/* What a loader does to pixels, with the same bits: x = (from/255 - mean) / deviation,
 * for `pixels` pixels of 1 to 4 channels, channels-last; deviation 0 means 1. */
WEFT_API void weft_picture_normalise(int channels, size_t pixels,
                                     const unsigned char *from, const float mean[4],
                                     const float deviation[4], float *x);
/* The pixels as they are in the file (EXIF orientation applied), RGB or grey; free()
 * *pixels. */
WEFT_API weft_status weft_picture_load(const char *path, double max_megapixels,
                                       int *channels, int *height, int *width,
                                       unsigned char **pixels);
/* Writes an 8-bit PNG, grey (1) or RGB (3). WEFT_EIO; WEFT_EUSAGE without libpng. */
WEFT_API weft_status weft_picture_write_png(const char *path, int channels, int height,
                                            int width, const unsigned char *pixels);
/* The same into fresh memory, for pictures inside a page; free() *png. */
WEFT_API weft_status weft_picture_encode_png(int channels, int height, int width,
                                             const unsigned char *pixels,
                                             unsigned char **png, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
