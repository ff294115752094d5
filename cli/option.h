/* option.h: the options of a command as one table, from which parsing, help, man
 * page and shell completion are all made. */
#ifndef WEFT_CLI_OPTION_H
#define WEFT_CLI_OPTION_H

#include "weft/weft.h"

#include <stddef.h>
#include <stdio.h>

typedef weft_option option_row;

/* Rows of a table; STRUCT is the command's own struct, FIELD what the option sets. */
#define HEADING(text) \
    { \
        .kind = WEFT_OPTION_HEADING, .help = text \
    }
#define FLAG(STRUCT, FIELD, word, about) \
    { \
        .name = word, .kind = WEFT_OPTION_FLAG, .help = about, \
        .offset = offsetof(STRUCT, FIELD) \
    }
#define TEXT(STRUCT, FIELD, word, meta, about) \
    { \
        .name = word, .kind = WEFT_OPTION_TEXT, .metavar = meta, .help = about, \
        .offset = offsetof(STRUCT, FIELD) \
    }
#define PATH(STRUCT, FIELD, word, meta, about) \
    { \
        .name = word, .kind = WEFT_OPTION_TEXT, .metavar = meta, .help = about, \
        .offset = offsetof(STRUCT, FIELD), .path = true \
    }
#define ONCE(STRUCT, KIND, FIELD, word, meta, about) \
    { \
        .name = word, .kind = KIND, .metavar = meta, .help = about, \
        .offset = offsetof(STRUCT, FIELD), .once = true \
    }
#define INT(STRUCT, FIELD, word, from, to, about) \
    { \
        .name = word, .kind = WEFT_OPTION_INT, .metavar = "N", .help = about, \
        .offset = offsetof(STRUCT, FIELD), .low = from, .high = to \
    }
#define REAL(STRUCT, FIELD, word, from, to, about) \
    { \
        .name = word, .kind = WEFT_OPTION_REAL, .metavar = "X", .help = about, \
        .offset = offsetof(STRUCT, FIELD), .low = from, .high = to \
    }
#define CHOICE(STRUCT, FIELD, word, list, about) \
    { \
        .name = word, .kind = WEFT_OPTION_CHOICE, .metavar = "WORD", .help = about, \
        .offset = offsetof(STRUCT, FIELD), .choices = list \
    }
#define END_OF_OPTIONS \
    { \
        .name = NULL \
    }

/* Which of the library's options (weft_fit_options) a command has besides its own;
 * their values are in a weft_fit_args, the first field of the command's struct. */
typedef enum fit_rows { FIT_NONE, FIT_ALL, FIT_OPENING, FIT_FLOW } fit_rows;

typedef struct command {
    const char *name;
    const char *arguments;     /* "DATA [key=value ...]" */
    const char *about;         /* a paragraph for help */
    const char *examples;      /* lines for help */
    const option_row *options; /* ends with a row whose name and help are NULL */
    fit_rows fit;
    int (*run)(int argc, char **argv);
} command;

enum { MOST_ROWS = 320 };
/* All rows of a command: the library's, then its own. Returns how many. */
int command_rows(const command *c, const option_row *row[MOST_ROWS]);
/* The next row that is an option, from row *at on; NULL: no more. */
const option_row *command_option(const command *c, int *at);

/* Parses argv[1..] into *values (which hold the defaults). Arguments that are no
 * options come back in argv[1 .. *count]. Prints a message and returns WEFT_EUSAGE
 * when something is wrong; --help prints the help and returns WEFT_ESTOPPED. */
weft_status options_parse(const command *c, int argc, char **argv, void *values,
                          int *count);

/* Did the last options_parse find this option? */
bool option_given(const char *name);

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

/* signals.c: after signals_catch, SIGINT, SIGTERM and SIGHUP end the process with
 * 128 and their number; while they are deferred, the first one is only noted. */
void signals_catch(void);
void signals_defer(bool on);
int signals_caught(void); /* the number of the one that was noted; 0: none */

#endif
