/* option.h: rows for tables of options (weft/option.h), and strict numbers. */
#ifndef WEFT_SRC_BASE_OPTION_H
#define WEFT_SRC_BASE_OPTION_H

#include "weft/option.h"

#include <stddef.h>

/* Rows of a table; STRUCT holds the values, FIELD is what the option sets. */
#define WEFT__HEADING(text) \
    { \
        .kind = WEFT_OPTION_HEADING, .help = text \
    }
#define WEFT__ROW(STRUCT, FIELD, KIND, word, about, ...) \
    { \
        .name = word, .kind = KIND, .help = about, .offset = offsetof(STRUCT, FIELD), \
        __VA_ARGS__ \
    }
#define WEFT__FLAG(STRUCT, FIELD, word, about, ...) \
    WEFT__ROW(STRUCT, FIELD, WEFT_OPTION_FLAG, word, about, __VA_ARGS__)
#define WEFT__TEXT(STRUCT, FIELD, word, meta, about, ...) \
    WEFT__ROW(STRUCT, FIELD, WEFT_OPTION_TEXT, word, about, .metavar = meta, __VA_ARGS__)
#define WEFT__INT(STRUCT, FIELD, word, from, to, about, ...) \
    WEFT__ROW(STRUCT, FIELD, WEFT_OPTION_INT, word, about, .metavar = "N", .low = from, \
              .high = to, __VA_ARGS__)
#define WEFT__REAL(STRUCT, FIELD, word, from, to, about, ...) \
    WEFT__ROW(STRUCT, FIELD, WEFT_OPTION_REAL, word, about, .metavar = "X", .low = from, \
              .high = to, __VA_ARGS__)
#define WEFT__CHOICE(STRUCT, FIELD, word, list, about, ...) \
    WEFT__ROW(STRUCT, FIELD, WEFT_OPTION_CHOICE, word, about, .metavar = "WORD", \
              .choices = list, __VA_ARGS__)
#define WEFT__END_OF_OPTIONS \
    { \
        .name = NULL \
    }

/* The whole text as a number within the range; false when it is none. */
bool weft__number_parse(const char *text, double low, double high, double *out);
bool weft__integer_parse(const char *text, long long low, long long high, long long *out);
/* Is text one of choices "a|b|c"? */
bool weft__choice_parse(const char *choices, const char *text);

#endif
