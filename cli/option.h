/* option.h: the options of a command as one table, from which parsing, help, man page and
 * shell completion are all made. */
#ifndef WEFT_CLI_OPTION_H
#define WEFT_CLI_OPTION_H

#include "weft/weft.h"

#include <stddef.h>
#include <stdio.h>

typedef enum option_kind {
    OPTION_HEADING, /* not an option: a line of help between groups */
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_INT,     /* int, low .. high */
    OPTION_SEED,    /* uint64_t */
    OPTION_REAL,    /* double, low .. high */
    OPTION_CHOICE,  /* const char *, one of choices "a|b|c" */
    OPTION_BYTES    /* size_t: 512M, 2G */
} option_kind;

typedef struct option_row {
    const char *name; /* "batch" for --batch 64, --batch=64, batch=64 */
    char letter;      /* 'b' for -b 64, or 0 */
    option_kind kind;
    const char *metavar, *help;
    size_t offset; /* of the field in the command's own struct */
    double low, high;
    const char *choices;
    bool optional; /* OPTION_TEXT: --name alone gives "" */
    bool once;     /* of one call only: not kept in a run's args.json */
    bool path;     /* OPTION_TEXT: a file or folder; kept as an absolute path */
} option_row;

/* Rows of a table; STRUCT is the command's own struct, FIELD what the option sets. */
#define HEADING(text) \
    { \
        .kind = OPTION_HEADING, .help = text \
    }
#define FLAG(STRUCT, FIELD, word, about) \
    { \
        .name = word, .kind = OPTION_FLAG, .help = about, \
        .offset = offsetof(STRUCT, FIELD) \
    }
#define TEXT(STRUCT, FIELD, word, meta, about) \
    { \
        .name = word, .kind = OPTION_TEXT, .metavar = meta, .help = about, \
        .offset = offsetof(STRUCT, FIELD) \
    }
#define PATH(STRUCT, FIELD, word, meta, about) \
    { \
        .name = word, .kind = OPTION_TEXT, .metavar = meta, .help = about, \
        .offset = offsetof(STRUCT, FIELD), .path = true \
    }
#define ONCE(STRUCT, KIND, FIELD, word, meta, about) \
    { \
        .name = word, .kind = KIND, .metavar = meta, .help = about, \
        .offset = offsetof(STRUCT, FIELD), .once = true \
    }
#define INT(STRUCT, FIELD, word, from, to, about) \
    { \
        .name = word, .kind = OPTION_INT, .metavar = "N", .help = about, \
        .offset = offsetof(STRUCT, FIELD), .low = from, .high = to \
    }
#define REAL(STRUCT, FIELD, word, from, to, about) \
    { \
        .name = word, .kind = OPTION_REAL, .metavar = "X", .help = about, \
        .offset = offsetof(STRUCT, FIELD), .low = from, .high = to \
    }
#define CHOICE(STRUCT, FIELD, word, list, about) \
    { \
        .name = word, .kind = OPTION_CHOICE, .metavar = "WORD", .help = about, \
        .offset = offsetof(STRUCT, FIELD), .choices = list \
    }
#define END_OF_OPTIONS \
    { \
        .name = NULL \
    }

typedef struct command {
    const char *name;
    const char *arguments;     /* "DATA [key=value ...]" */
    const char *about;         /* a paragraph for help */
    const char *examples;      /* lines for help */
    const option_row *options; /* ends with a row whose name and help are NULL */
    int (*run)(int argc, char **argv);
} command;

/* Parses argv[1..] into *values (which hold the defaults). Arguments that are no options
 * come back in argv[1 .. *count]. Prints a message and returns WEFT_EUSAGE when something
 * is wrong; --help prints the help and returns WEFT_ESTOPPED. */
weft_status options_parse(const command *c, int argc, char **argv, void *values,
                          int *count);

/* Did the last options_parse find this option? */
bool option_given(const command *c, const char *name);

/* Strict numbers: the whole text, C locale, within the range, no NaN. */
bool choice_parse(const char *choices, const char *text);
bool number_parse(const char *text, double low, double high, double *out);
bool integer_parse(const char *text, long long low, long long high, long long *out);

/* The rows of table.def. */
int command_total(void);
const command *command_at(int i);
const char *command_summary(int i);
const command *command_find(const char *name);

/* help.c */
void help_print(FILE *f, const command *c);
void help_overview(FILE *f);

/* Says "weft: MESSAGE" with the last error on stderr and returns the exit code of s. */
int command_failed(weft_status s);
/* The same for a message of the command itself, WEFT_EUSAGE. */
int command_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* signals.c: after signals_catch, SIGINT, SIGTERM and SIGHUP end the process with 128 and
 * their number; while they are deferred, the first one is only noted. */
void signals_catch(void);
void signals_defer(bool on);
int signals_caught(void); /* the number of the one that was noted; 0: none */

#endif
