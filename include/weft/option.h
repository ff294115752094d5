/* weft/option.h: options as tables: what a command's line, its help, a run's
 * args.json and weft_fit have in common. */
#ifndef WEFT_OPTION_H
#define WEFT_OPTION_H

#include "weft/base.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weft_option_kind {
    WEFT_OPTION_HEADING, /* not an option: a line of help between groups */
    WEFT_OPTION_FLAG,    /* bool */
    WEFT_OPTION_TEXT,    /* const char * */
    WEFT_OPTION_INT,     /* int, low .. high */
    WEFT_OPTION_SEED,    /* uint64_t */
    WEFT_OPTION_REAL,    /* double, low .. high */
    WEFT_OPTION_CHOICE,  /* const char *, one of choices "a|b|c" */
    WEFT_OPTION_BYTES    /* size_t: 512M, 2G */
} weft_option_kind;

/* One option. A table of them ends with a row whose name and help are NULL. */
typedef struct weft_option {
    const char *name; /* "batch" for --batch 64, --batch=64, batch=64 */
    char letter;      /* 'b' for -b 64, or 0 */
    weft_option_kind kind;
    const char *metavar, *help;
    size_t offset; /* of the field in its owner's struct of values */
    double low, high;
    const char *choices;
    const char *old; /* an earlier name, still understood; or NULL */
    /* earlier words for choices, still understood: "before", "now", ..., NULL; or NULL */
    const char *const *also;
    bool optional; /* WEFT_OPTION_TEXT: --name alone gives "" */
    bool once;     /* of one call only: not stored in a run's args.json */
    bool path;     /* WEFT_OPTION_TEXT: a file or folder; stored as an absolute path */
    bool builds;   /* says how a ready network is built */
    bool opens;    /* says how a data set is opened: for every command that reads one */
} weft_option;

/* Parses text into the field of *values that the row names; of a flag NULL and
 * "true" set it, and "false" clears it; WEFT_OPTION_TEXT and WEFT_OPTION_CHOICE
 * point into text afterwards. Strict: the whole text, C locale, within the range, no
 * NaN. WEFT_EUSAGE: "--batch: found x, allowed whole numbers 1 to 65536". */
WEFT_API weft_status weft_option_set(const weft_option *row, const char *text,
                                     void *values);
/* The row of that name, or that had it earlier ("_" counts as "-"), of which
 * `length` characters are looked at; NULL when there is none. */
WEFT_API const weft_option *weft_option_find(const weft_option *rows, const char *name,
                                             size_t length);

/* The one of n words that is nearest to a mistyped one; NULL: none is near. */
WEFT_API const char *weft_nearest(const char *word, const char *const *words, int n);

#ifdef __cplusplus
}
#endif
#endif
