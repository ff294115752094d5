/* option.h: rows for tables of options (weft/option.h), and strict numbers. */
#ifndef WEFT_SRC_BASE_OPTION_H
#define WEFT_SRC_BASE_OPTION_H

#include "weft/option.h"

#include <stddef.h>

/* Rows of a table; STRUCT holds the values, FIELD is what the option sets. After the
 * other arguments come the help text and, if need be, more fields: "text", .path =
 * true. */
#define WEFT__HEADING(text) \
    { \
        .kind = WEFT_OPTION_HEADING, .help = text \
    }
#define WEFT__FLAG(STRUCT, FIELD, word, ...) \
    { \
        .name = word, .kind = WEFT_OPTION_FLAG, .offset = offsetof(STRUCT, FIELD), \
        .help = __VA_ARGS__ \
    }
#define WEFT__TEXT(STRUCT, FIELD, word, meta, ...) \
    { \
        .name = word, .kind = WEFT_OPTION_TEXT, .offset = offsetof(STRUCT, FIELD), \
        .metavar = meta, .help = __VA_ARGS__ \
    }
#define WEFT__INT(STRUCT, FIELD, word, from, to, ...) \
    { \
        .name = word, .kind = WEFT_OPTION_INT, .offset = offsetof(STRUCT, FIELD), \
        .metavar = "N", .low = from, .high = to, .help = __VA_ARGS__ \
    }
#define WEFT__REAL(STRUCT, FIELD, word, from, to, ...) \
    { \
        .name = word, .kind = WEFT_OPTION_REAL, .offset = offsetof(STRUCT, FIELD), \
        .metavar = "X", .low = from, .high = to, .help = __VA_ARGS__ \
    }
#define WEFT__CHOICE(STRUCT, FIELD, word, list, ...) \
    { \
        .name = word, .kind = WEFT_OPTION_CHOICE, .offset = offsetof(STRUCT, FIELD), \
        .metavar = "WORD", .choices = list, .help = __VA_ARGS__ \
    }
#define WEFT__END_OF_OPTIONS \
    { \
        .name = NULL \
    }

/* The whole text as a number within the range; false when it is none. */
bool weft__number_parse(const char *text, double low, double high, double *out);
bool weft__integer_parse(const char *text, long long low, long long high, long long *out);
/* The word that an earlier one for a choice has become; text itself if it is none. */
const char *weft__choice_now(const weft_option *o, const char *text);
/* Is text one of choices "a|b|c"? */
bool weft__choice_parse(const char *choices, const char *text);

#endif
