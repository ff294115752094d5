/* text_dataset.h: a set of texts from the inside; shared by the files of this room. */
#ifndef WEFT_SRC_DATA_TEXT_TEXT_DATASET_H
#define WEFT_SRC_DATA_TEXT_TEXT_DATASET_H

#include "data/checks.h"
#include "data/text/formats/rows.h"
#include "data/text/tokenizer/string_table.h"

#include <pthread.h>

enum { WEFT_MOST_CLASSES = 65535, WEFT_MOST_LABEL = 256 };

typedef struct weft__text_item {
    const char *text;
    uint32_t bytes;
    union {
        int32_t label; /* classes */
        float value;
    };
    int32_t file, line; /* line 0: the whole file. Of arrays: subset and sample there */
} weft__text_item;

typedef struct weft__text_bad {
    char *why;   /* begins with "FILE:LINE: " */
    size_t name; /* length of "FILE:LINE" in it */
} weft__text_bad;

struct weft__tokens;

/* The content of a data set of texts. */
typedef struct weft__texts {
    const char *path; /* the data set's */
    const char *format;
    const weft_arrays *arrays; /* the caller's, while the set is made; NULL: from files */
    bool in_arrays;            /* samples are named as those of arrays */
    weft_target_kind target;
    char columns[300];    /* which hold what, for people; "" where that is fixed */
    char label_name[128]; /* of the column of targets; "" */
    bool word_labels;     /* a label is the first word of a line */
    weft__arena arena;    /* texts, names of files */
    char **file;
    int files, file_room;
    weft__text_item *item[3];
    size_t item_room[3];
    int count[3];
    weft__string_table names; /* classes in the order of arrival, until they are sorted */
    weft__text_bad *bad;
    size_t bads, bad_room, rows;
    int64_t replaced;
    size_t cut, empty, mangled; /* texts: cut off, of nothing, with bytes replaced */
    size_t headers;             /* rows that were the header once more */
    unsigned char *odd;         /* what the first of those looked like as bytes */
    size_t odd_bytes;
    size_t most; /* bytes of a text */
    /* The texts as tokens, for each way of segmenting; made when they are first wanted,
     * by whichever thread that is. */
    struct weft__tokens *tokens;
    int64_t segmented;    /* texts that were segmented, over all ways */
    pthread_mutex_t lock; /* of these two */
} weft__texts;

static inline const weft__texts *weft__texts_of(const weft_dataset *d)
{
    return d->content;
}

/* text_files.c: where the splits are. */
typedef struct weft__text_files {
    bool folders;  /* path[] are folders of class folders */
    char *path[3]; /* NULL: none */
} weft__text_files;
weft_status weft__text_files_find(const char *path, const weft_dataset_opts *o,
                                  const weft__sink *sink, weft__text_files *out);
void weft__text_files_free(weft__text_files *f);
bool weft__text_files_probe(const char *path);

/* text_columns.c: which column is what. */
typedef struct weft__columns {
    int label, text;                      /* column numbers from 0 */
    int count;                            /* every row has so many; 0: does not matter */
    bool header;                          /* the first row names the columns */
    char label_name[128], text_name[128]; /* where columns have names, else "" */
    int separator;                        /* of CSV */
    bool unlabelled; /* of the file last begun: its header has the text only */
} weft__columns;
/* Looks through the training file; most: bytes of a field. */
weft_status weft__columns_choose(const char *path, const weft__text_reader *reader,
                                 const weft_dataset_opts *o, size_t most,
                                 weft__columns *out);
/* For an opened file of the set: finds the named columns in its own header. */
weft_status weft__columns_begin(weft__rows *r, weft__columns *c);
/* Is a row the header once more? Files that were put together have such. */
bool weft__columns_repeated(const weft__rows *r, const weft__columns *c);
/* The fields of a row; false, with r->why, when they are not there. */
bool weft__columns_pick(weft__rows *r, const weft__columns *c, const weft__field **label,
                        const weft__field **text);

/* text_rows.c: samples into the set. Where they come from: a new number for a file. */
int weft__texts_file(weft__texts *t, const char *path); /* -1: no memory */
/* Where a sample is, for messages. */
void weft__texts_where(const weft__texts *t, int file, int line, char *text, size_t size);
/* Adds a sample; text need not be UTF-8. A class that train does not have is a bad
 * one in val and test, a label that is no number where targets are values. label has
 * no NUL in it. */
weft_status weft__texts_add(weft__texts *t, const weft_dataset_opts *o, int split,
                            int file, int line, const char *label, size_t label_bytes,
                            const char *text, size_t bytes, bool cut);
/* Adds sample i of arrays. */
weft_status weft__texts_add_array(weft__texts *t, const weft_dataset_opts *o, int split,
                                  int i);
weft_status weft__texts_bad(weft__texts *t, int file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
weft_status weft__texts_load(weft__texts *t, const weft_dataset_opts *o, const char *path,
                             const weft__text_reader *reader, weft__columns *c, int split,
                             const weft__sink *sink);

/* text_folder.c: class folders of .txt files into a split. */
weft_status weft__text_folder_load(weft__texts *t, const weft_dataset_opts *o,
                                   const weft__sink *sink, const char *path, int split);
bool weft__text_folder_probe(const char *path);

/* text_dataset.c: opens, checks and splits, into d. */
weft_status weft__texts_open(const char *path, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d);
weft_status weft__texts_from(const weft_arrays *a, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d);
void weft__texts_close(weft__texts *t);

/* text_check.c: what a lint says besides. */
void weft__texts_summary(const weft_dataset *d, const weft__sink *sink);

#endif
