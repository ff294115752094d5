/* texts.h: a set of texts from the inside; shared by the files of this room. */
#ifndef WEFT_SRC_TEXTS_H
#define WEFT_SRC_TEXTS_H

#include "data/labelled.h"
#include "data/rows.h"
#include "data/words.h"
#include "data/text/set.h"
#include "base/hash.h"

enum { WEFT_MOST_CLASSES = 65535, WEFT_MOST_LABEL = 256 };

typedef struct weft__text_item {
    const char *text;
    uint32_t bytes;
    int32_t label;
    int32_t file, line; /* line 0: the whole file */
} weft__text_item;

typedef struct weft__text_bad {
    char *why;   /* begins with "FILE:LINE: " */
    size_t name; /* length of "FILE:LINE" in it */
} weft__text_bad;

struct weft__texts {
    char *path;
    const char *format;
    char columns[300]; /* which hold what, for people; "" where that is fixed */
    weft__arena arena; /* texts, names of files */
    char **file;
    int files, file_room;
    weft__text_item *item[3];
    size_t item_room[3];
    int count[3];
    int32_t *label[3]; /* the same as item[].label, for the checks */
    weft__words names; /* classes in the order of arrival, until they are sorted */
    int classes;
    char **class_name;
    weft__text_bad *bad;
    size_t bads, bad_room, rows;
    int64_t replaced;
    size_t cut, empty; /* texts */
    size_t most;       /* bytes of a text */
    char hash[65];
    struct weft__segmented *segmented; /* the texts as tokens, for each way of cutting */
    int segmentations;                 /* how often all texts were cut: once for each way */
    char label_name[128];              /* of the column of targets; "" */
    weft_target_kind target;
};

/* text_files.c: where the splits are. */
typedef struct weft__text_files {
    bool folders;  /* path[] are folders of class folders */
    char *path[3]; /* NULL: none */
} weft__text_files;
weft_status weft__text_files_find(const char *path, const weft__texts_opts *o,
                                  const weft__sink *sink, weft__text_files *out);
void weft__text_files_free(weft__text_files *f);
bool weft__text_files_probe(const char *path);

/* text_columns.c: which column is what. */
typedef struct weft__columns {
    int label, text;                      /* column numbers from 0 */
    int count;                            /* every row has so many; 0: does not matter */
    bool header;                          /* the first row names the columns */
    char label_name[128], text_name[128]; /* where columns have names, else "" */
} weft__columns;
/* Looks through the training file. */
weft_status weft__columns_choose(const char *path, const weft__text_reader *reader,
                                 const weft__texts_opts *o, weft__columns *out);
/* For an opened file of the set: finds the named columns in its own header. */
weft_status weft__columns_begin(weft__rows *r, weft__columns *c);
/* The fields of a row; false, with r->why, when they are not there. */
bool weft__columns_pick(weft__rows *r, const weft__columns *c, const weft__field **label,
                        const weft__field **text);

/* text_load.c: samples into the set. Where they come from: a new number for a file. */
int weft__texts_file(weft__texts *t, const char *path); /* -1: no memory */
/* Adds a sample; text need not be UTF-8. A label that train does not have is a bad one in
 * val and test. label has no NUL in it. */
weft_status weft__texts_add(weft__texts *t, const weft__texts_opts *o, int split, int file,
                            int line, const char *label, size_t label_bytes,
                            const char *text, size_t bytes, bool cut);
weft_status weft__texts_bad(weft__texts *t, int file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
weft_status weft__texts_load(weft__texts *t, const weft__texts_opts *o, const char *path,
                             const weft__text_reader *reader, weft__columns *c,
                             int split);

/* text_folder.c: class folders of .txt files into a split. */
weft_status weft__text_folder_load(weft__texts *t, const weft__texts_opts *o,
                                   const weft__sink *sink, const char *path, int split);
bool weft__text_folder_probe(const char *path);

/* Once all samples are added: classes in order, split, checked. names_beside: a file beside which a
 * list of classes may lie; NULL. */
weft_status weft__texts_finish(weft__texts *t, const weft__texts_opts *o, bool has_val,
                               const char *names_beside, const weft__sink *sink);
/* Opens, checks and splits. */
weft_status weft__texts_survey(const char *path, const weft__texts_opts *opts,
                               const weft__sink *sink, weft__texts **out);
weft__labelled weft__texts_view(const weft__texts *t);

#endif
