/* text.h: a text that grows, and what makes foreign text safe inside a page. */
#ifndef WEFT_SRC_REPORT_TEXT_H
#define WEFT_SRC_REPORT_TEXT_H

#include "base/error.h"

#include <stdbool.h>

typedef struct weft__text {
    char *data; /* NUL-terminated once anything was added */
    size_t used, room;
    bool failed; /* out of memory: later additions do nothing */
} weft__text;

void weft__text_add(weft__text *t, const char *text);
void weft__text_bytes(weft__text *t, const void *data, size_t bytes);
void weft__text_printf(weft__text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void weft__text_free(weft__text *t);

/* Adds foreign text, at most `letters` of it (then an ellipsis; 0: all), such that
 * it is text and nothing else in HTML, in SVG and in a quoted attribute: markup is
 * escaped, control letters and invalid UTF-8 become \xNN, letters that turn the
 * direction of writing \u{NNNN}. NULL is nothing. */
void weft__text_escaped(weft__text *t, const char *foreign, int letters);

/* The same as plain text for a picture: nothing is markup there. */
void weft__text_visible(weft__text *t, const char *foreign, int letters);

/* A number with a thin space between thousands, or a dash when it is not finite. */
void weft__text_count(weft__text *t, double x);

void weft__text_base64(weft__text *t, const unsigned char *data, size_t bytes);

#endif
