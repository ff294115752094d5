/* text_make.h: small files of texts for the tests. */
#ifndef WEFT_TEST_DATA_TEXT_MAKE_H
#define WEFT_TEST_DATA_TEXT_MAKE_H

#include "make.h"

#include "weft/text.h"

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

static const weft_texts_opts all_train = {.no_val = true};

static inline weft_texts *open_texts(const char *path, const weft_texts_opts *o)
{
    weft_texts *t = NULL;
    CHECK(weft_texts_open(path, o ? o : &all_train, &t) == WEFT_OK);
    return t;
}

/* Opens what must fail; returns the message. */
static inline const char *refused(const char *path, const weft_texts_opts *o,
                                  weft_status status)
{
    weft_texts *t = NULL;
    CHECK(weft_texts_open(path, o ? o : &all_train, &t) == status);
    CHECK(t == NULL);
    return weft_last_error();
}

/* "LABEL:text|LABEL:text|..." of a split. */
static inline const char *content(const weft_texts *t, weft_split s)
{
    static char all[1024];
    *all = 0;
    for (int i = 0; i < weft_texts_count(t, s); i++) {
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s:%s|",
                 weft_texts_class_name(t, weft_texts_label(t, s, i)),
                 weft_texts_get(t, s, i, NULL));
    }
    return all;
}

static inline const char *lint_texts(const char *path, const weft_texts_opts *o)
{
    *lint_codes = *lint_text = 0;
    CHECK(weft_texts_check(path, o, lint_found, NULL) == WEFT_OK);
    return lint_codes;
}

#endif
