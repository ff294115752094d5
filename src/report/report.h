/* report.h: what a run came to, as one page and as pictures.
 *
 * Everything is borrowed during the call. Texts may hold any bytes: they are
 * escaped. Numbers may be anything: what is not finite is left out or shown as a
 * dash. Zero or NULL leaves a section out. However much is given, a page stays below
 * WEFT_REPORT_BYTES; what had to be left out is said. */
#ifndef WEFT_SRC_REPORT_REPORT_H
#define WEFT_SRC_REPORT_REPORT_H

#include "base/error.h"

#include <stdbool.h>

enum { WEFT_REPORT_BYTES = 8 << 20 };

typedef struct weft__fact {
    const char *key, *value;
} weft__fact;

typedef struct weft__fact_group { /* "Time and memory", "Training", "Data" ... */
    const char *title;
    int n;
    const weft__fact *fact;
} weft__fact_group;

typedef struct weft__series {
    const char *name;
    int n;
    const double *x, *y; /* x must not fall */
} weft__series;

typedef struct weft__chart {
    const char *title, *x_title; /* x_title NULL: "epoch" */
    int n;
    const weft__series *series;
    bool percent; /* y is a part of 1, shown as percentage */
    bool log;     /* y axis in powers of ten; what is not above 0 is left out */
    bool columns; /* a histogram: a column at each x, which must be evenly spaced */
    bool points;  /* a dot for each sample, in any order of x, and the diagonal y = x */
    double mark;  /* a vertical line at this x, when mark_text is not NULL */
    const char *mark_text;
} weft__chart;

typedef struct weft__confusion {
    int classes;
    const char *const *name; /* [classes], or NULL for their numbers */
    const int64_t *count;    /* [truth][predicted]; NULL: there is none */
} weft__confusion;

typedef struct weft__class_row {
    double precision, recall, f1;
    int64_t support;
} weft__class_row;

typedef struct weft__layer_row {
    const char *name, *op, *shape; /* shape of the output: "[64, 32, 14, 14]" */
    int64_t params;
    double madds; /* multiply-adds of one sample */
} weft__layer_row;

typedef struct weft__picture {
    const unsigned char *png;
    size_t bytes;
    const char *name, *truth, *predicted; /* name: of the file */
    double probability;                   /* of `predicted` */
    double truth_probability;             /* of `truth`; NaN unknown */
} weft__picture;

typedef struct weft__text_error { /* a text that was taken for another class */
    const char *text, *name, *truth, *predicted; /* name: where it stands */
    double probability, truth_probability;
    const char *remark; /* "2 of 9 tokens unknown", or NULL */
} weft__text_error;

typedef struct weft__compared { /* a model beside others; the first is the one reported */
    const char *name;
    double val, test; /* accuracy, NaN where there is none */
    double params, seconds;
} weft__compared;

typedef struct weft__tile {      /* a picture as the network sees it, with its answer */
    const unsigned char *pixels; /* [height][width][channels] */
    int channels, height, width;
    const char *truth, *predicted;
    double probability;
} weft__tile;

/* How to run the model, for the code samples. */
typedef struct weft__usage {
    const char *model; /* "best.onnx"; NULL: no samples */
    const char *input; /* the ONNX input's name */
    int channels, height, width;
    const char *fit; /* "STRETCH", "CROP" or "LETTERBOX" */
    float mean[4], std[4];
    int values;          /* it gives so many numbers, not scores of classes */
    bool text;           /* it reads texts; then only these: */
    int streams, length; /* inputs of tokens, and how many tokens each has */
    bool letters, keep_case, keep_width; /* how it cuts and folds them */
} weft__usage;

typedef struct weft__report {
    const char *title;    /* "small-cnn on fashion-mnist" */
    const char *subtitle; /* when, by which version, on what */
    int headlines;
    const weft__fact
        *headline;       /* the few numbers that matter: {"Test accuracy", "92.7 %"} */
    const char *summary; /* a sentence or two below them */
    int charts;
    const weft__chart *chart;
    /* of the charts that a task adds: "Truth and prediction" */
    const char *answers_title;
    int answer_charts;
    const weft__chart *answer_chart;
    const char *confusion_title; /* "Test split", for instance */
    weft__confusion confusion;
    const weft__class_row *class_row;           /* [confusion.classes] */
    weft__class_row macro, weighted;            /* shown when class_row is */
    const char *mistakes_title, *mistakes_note; /* NULL: of a classifier */
    int pictures;
    const weft__picture *picture; /* mistakes, the most confident first */
    int text_errors;
    const weft__text_error *text_error; /* the same of texts */
    int compared_models;
    const weft__compared *compared;
    const char *compared_score; /* what val and test are; NULL: accuracy */
    bool compared_plain;        /* they are no parts of 1 */
    const char *data_note;      /* what the data are like, in words and in charts */
    int data_charts;
    const weft__chart *data_chart;
    int layers;
    const weft__layer_row *layer;
    int groups;
    const weft__fact_group *group;
    weft__usage usage;
} weft__report;

/* Writes the page: one file, no script, nothing from elsewhere. Atomic. WEFT_EIO,
 * WEFT_ENOMEM. */
weft_status weft__report_write(const weft__report *r, const char *path);

/* Pictures of all charts side by side, and of the confusion matrix. WEFT_EUSAGE when
 * the build is without cairo, WEFT_EIO, WEFT_ENOMEM. */
bool weft__report_has_png(void);
weft_status weft__report_charts_png(const weft__report *r, const char *path);
weft_status weft__report_confusion_png(const weft__report *r, const char *path);
/* n pictures in rows of eight, each with what it is and what it was taken for. */
weft_status weft__report_tiles_png(const weft__tile *tile, int n, const char *path);

#endif
