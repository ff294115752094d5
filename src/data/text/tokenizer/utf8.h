/* utf8.h: texts from outside: well-formed UTF-8, classes of letters, folding. */
#ifndef WEFT_SRC_DATA_TEXT_TOKENIZER_UTF8_H
#define WEFT_SRC_DATA_TEXT_TOKENIZER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT_NOT_UTF8 UINT32_MAX
#define WEFT_REPLACEMENT 0xfffdu

/* The letter at s, of n > 0 bytes. Returns its bytes. What is not well-formed
 * (overlong, surrogate, cut off, beyond U+10FFFF) or NUL is WEFT_NOT_UTF8 and the
 * bytes are those that one U+FFFD replaces: the longest beginning of a well-formed
 * letter, at least one (Unicode 3.9, "maximal subpart"; what Python and browsers
 * do). */
int weft__utf8_step(const char *s, size_t n, uint32_t *letter);
int weft__utf8_put(char to[4], uint32_t letter); /* returns 1 to 4 */

/* Bytes of s[0..n) up to the first that is not well-formed, or n. */
size_t weft__utf8_good(const char *s, size_t n);
/* Copies s to `to` with U+FFFD for what is not well-formed, at most `room` bytes and
 * whole letters. Returns the bytes written; *replaced (may be NULL) grows by the
 * count of replacements; *used (may be NULL) is how many bytes of s that took. */
size_t weft__utf8_repair(const char *s, size_t n, char *to, size_t room, int *replaced,
                         size_t *used);

typedef enum weft__letter_class {
    WEFT_LETTER,    /* letters, marks, digits, "_" */
    WEFT_IDEOGRAPH, /* Han, Kana: written without spaces between words */
    WEFT_SPACE,     /* and control letters */
    WEFT_MARK,      /* punctuation and symbols */
    WEFT_IGNORABLE  /* soft hyphen, joiners, variation selectors */
} weft__letter_class;
weft__letter_class weft__letter_class_of(uint32_t letter);
/* Han, Kana or Hangul: counts as Chinese, Japanese or Korean. */
bool weft__is_cjk(uint32_t letter);
bool weft__is_digit(uint32_t letter); /* 0 to 9 */

uint32_t weft__fold_case(uint32_t letter);  /* Unicode simple case folding */
uint32_t weft__fold_width(uint32_t letter); /* full-width forms to ASCII */

#endif
