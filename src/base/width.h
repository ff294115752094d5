/* width.h: UTF-8 letter by letter, and how many columns of a terminal a text takes. */
#ifndef WEFT_SRC_BASE_WIDTH_H
#define WEFT_SRC_BASE_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/* Decodes the letter at s (NUL-terminated) and returns its bytes, 1 to 4; 0 at the
 * end. What is not well-formed (overlong, surrogate, cut) is one byte with *letter
 * U+FFFD. */
int weft__utf8_next(const char *s, uint32_t *letter);

/* Columns that a letter takes: 0 for control and combining ones, 2 for wide ones (CJK,
 * emoji), else
 * 1. Like wcwidth(3), but of Unicode whatever the locale. */
int weft__letter_width(uint32_t letter);

int weft__text_width(const char *s);

/* How many bytes of s fit into so many columns; whole letters only. *width (may be
 * NULL) receives the columns they take. */
size_t weft__text_fit(const char *s, int columns, int *width);

#endif
