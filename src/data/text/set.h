/* set.h: a data set of texts from the outside of its files. */
#ifndef WEFT_SRC_DATA_TEXT_SET_H
#define WEFT_SRC_DATA_TEXT_SET_H

#include "data/sink.h"

typedef struct weft__texts weft__texts;

typedef struct weft__texts_opts {
    const char *val, *test;
    double val_fraction;
    bool no_val;
    uint64_t seed;
    weft_target_kind target;
    const char *label_column, *text_column;
    const char *format;
    bool strict;
    bool skip_bad;
    double skip_bad_max;
    const char *bad_list;
    size_t max_text_bytes;
} weft__texts_opts;

weft_status weft__texts_survey(const char *path, const weft__texts_opts *opts,
                               const weft__sink *sink, weft__texts **out);
void weft__texts_close(weft__texts *t);
bool weft__texts_probe(const char *path);
const char *weft__texts_format(const weft__texts *t);
const char *weft__texts_columns(const weft__texts *t);
/* The name of the column of targets; "" where columns have none. */
const char *weft__texts_label_name(const weft__texts *t);
int weft__texts_count(const weft__texts *t, weft_subset s);
int weft__texts_classes(const weft__texts *t);
const char *weft__texts_class_name(const weft__texts *t, int c);
int weft__texts_label(const weft__texts *t, weft_subset s, int i);
const char *weft__texts_get(const weft__texts *t, weft_subset s, int i, size_t *bytes);
void weft__texts_sample_name(const weft__texts *t, weft_subset s, int i, char *text,
                             size_t size);
const char *weft__texts_hash(const weft__texts *t);
int64_t weft__texts_replaced(const weft__texts *t);
/* text_check.c: notes and warnings of a lint. */
weft_status weft__texts_lint(const weft__texts *t, const weft__sink *sink);
/* Texts of the caller, which outlive the set. */
weft_status weft__texts_from(const weft_arrays *a, const weft_dataset_opts *o,
                             weft__texts **out);

#endif
