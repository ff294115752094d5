/* text_make.h: small files of texts for the tests. */
#ifndef WEFT_TEST_DATA_TEXT_MAKE_H
#define WEFT_TEST_DATA_TEXT_MAKE_H

#include "data/image/make.h"

#include "data/modality.h"

/* Writes text into a file of the test's folder; returns its path, which lives on. */
static inline const char *make_file(const char *name, const char *text)
{
    const char *path = keep(test_path(name));
    test_write(path, text, strlen(text));
    return path;
}

/* The same in a folder. */
static inline const char *put_file(const char *folder, const char *name, const char *text)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    test_write(path, text, strlen(text));
    return keep(path);
}

static const weft_dataset_opts all_train = {.no_val = true};

/* The options, for a set of texts whatever the path looks like. */
static inline weft_dataset_opts as_texts(const weft_dataset_opts *o)
{
    weft_dataset_opts all = o ? *o : all_train;
    all.modality = "text";
    return all;
}

static inline weft_dataset *open_texts(const char *path, const weft_dataset_opts *o)
{
    weft_dataset *t = NULL;
    const weft_dataset_opts all = as_texts(o);
    CHECK(weft_dataset_open(path, &all, &t) == WEFT_OK);
    return t;
}

/* Opens what must fail; returns the message. */
static inline const char *refused(const char *path, const weft_dataset_opts *o,
                                  weft_status status)
{
    weft_dataset *t = NULL;
    const weft_dataset_opts all = as_texts(o);
    CHECK(weft_dataset_open(path, &all, &t) == status);
    CHECK(t == NULL);
    return weft_last_error();
}

/* Is path taken for a set of texts when nobody says what it is? */
static inline bool is_texts(const char *path)
{
    const weft__modality *m = weft__modality_probe(path);
    return m && !strcmp(m->name, "text");
}

/* "LABEL:text|LABEL:text|..." of a split. */
static inline const char *content(const weft_dataset *t, weft_subset s)
{
    static char all[1024];
    *all = 0;
    for (int i = 0; i < weft_dataset_count(t, s); i++) {
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s:%s|",
                 weft_dataset_class_name(t, weft_dataset_label(t, s, i)),
                 weft_dataset_text(t, s, i, NULL));
    }
    return all;
}

static inline const char *lint_texts(const char *path, const weft_dataset_opts *o)
{
    static const weft_dataset_opts none;
    const weft_dataset_opts all = as_texts(o ? o : &none);
    return lint(path, &all);
}

#endif
