/* option.c: command-line options by table, with getopt_long. */
#include "option.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the last options_parse: the rows, and which of them were given. */
static const option_row *present[MOST_ROWS];
static int rows;
static bool given[MOST_ROWS];

/* Does a command have this one of the library's rows? Those between two headings belong
 * together. */
static bool is_wanted(const command *c, const option_row *o)
{
    if (o->name && weft_option_find(c->options, o->name, strlen(o->name)))
        return false; /* the command's own goes before */
    return !o->name || c->fit == FIT_ALL || o->opens || (c->fit == FIT_FLOW && o->builds);
}

/* Rows [from, *n) of one table, without headings over nothing. */
static void add_rows(const option_row *table, const command *c, const option_row **row,
                     int *n)
{
    for (const option_row *o = table; o && (o->name || o->help); o++) {
        if (table != c->options && !is_wanted(c, o)) continue;
        if (!o->name && *n && !row[*n - 1]->name)
            --*n; /* a heading right after another */
        if (*n < MOST_ROWS) row[(*n)++] = o;
    }
}

int command_rows(const command *c, const option_row *row[MOST_ROWS])
{
    int n = 0;
    if (c->fit != FIT_NONE) add_rows(weft_fit_options(), c, row, &n);
    if (n && !row[n - 1]->name) n--;
    add_rows(c->options, c, row, &n);
    return n;
}

const option_row *command_option(const command *c, int *at)
{
    const option_row *row[MOST_ROWS];
    int n = command_rows(c, row);
    while (*at < n)
        if (row[(*at)++]->name) return row[*at - 1];
    return NULL;
}

/* The row by the name of an option, now or earlier; -1. */
static int find(const char *name, size_t length)
{
    for (int i = 0; i < rows; i++) {
        const option_row one[2] = {*present[i], {.name = NULL}};
        if (present[i]->name && weft_option_find(one, name, length)) return i;
    }
    return -1;
}

static weft_status unknown(const command *c, const char *word)
{
    const char *names[MOST_ROWS];
    char name[80], shown[200];
    bool plain = *word != '-';
    int n = 0;
    while (*word == '-') word++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    weft_escape(shown, sizeof shown, name);
    for (int i = 0; i < rows; i++)
        if (present[i]->name) names[n++] = present[i]->name;
    const char *near = weft_nearest(name, names, n);
    if (plain)
        return weft_fail(WEFT_EUSAGE, "%s: %s= is no option%s%s, and no such file",
                         c->name, shown, near ? ", perhaps " : "", near ? near : "");
    if (near)
        return weft_fail(WEFT_EUSAGE, "%s: unknown option --%s. Did you mean --%s?",
                         c->name, shown, near);
    return weft_fail(WEFT_EUSAGE, "%s: unknown option --%s. See weft help %s", c->name,
                     shown, c->name);
}

/* "key=value" whose key is an option is one, unless there may be a file of that
 * name. */
static int assignment(const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals || word[0] == '-' || memchr(word, '/', (size_t)(equals - word)))
        return -1;
    return find(word, (size_t)(equals - word));
}

/* "epoch=5", meant as an option that is not there. */
static bool failed_assignment(const char *word)
{
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-");
    return n > 0 && word[0] != '-' && word[n] == '=' && access(word, F_OK);
}

static weft_status unknown_letter(const command *c, int letter)
{
    if (letter == 'h')
        return weft_fail(WEFT_EUSAGE, "%s: --help takes no value", c->name);
    char word[2] = {(char)letter, '\0'}, shown[8];
    return weft_fail(WEFT_EUSAGE, "%s: unknown option -%s. See weft help %s", c->name,
                     weft_escape(shown, sizeof shown, word), c->name);
}

static int takes(const option_row *o)
{
    return o->kind == WEFT_OPTION_FLAG || o->optional ? optional_argument
                                                      : required_argument;
}

static void make_getopt(struct option *longs, char *shorts)
{
    int k = 0;
    *shorts++ = '-'; /* arguments in order, as option 1 */
    *shorts++ = ':'; /* tell a missing value from an unknown option */
    *shorts++ = 'h';
    for (int i = 0; i < rows; i++) {
        const option_row *o = present[i];
        if (!o->name) continue;
        longs[k++] = (struct option){o->name, takes(o), NULL, 1000 + i};
        if (o->old) longs[k++] = (struct option){o->old, takes(o), NULL, 1000 + i};
        if (!o->letter) continue;
        *shorts++ = o->letter;
        if (takes(o) == required_argument) *shorts++ = ':';
    }
    longs[k++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[k] = (struct option){0};
    *shorts = '\0';
}

static int row_of(int code)
{
    if (code >= 1000) return code - 1000;
    for (int i = 0; i < rows; i++)
        if (present[i]->name && present[i]->letter == code) return i;
    return -1;
}

static weft_status missing(const command *c, const char *word)
{
    char shown[100];
    weft_escape(shown, sizeof shown, word);
    return weft_fail(WEFT_EUSAGE, "%s: %s needs a value", c->name, shown);
}

bool option_given(const char *name)
{
    int i = find(name, strlen(name));
    return i >= 0 && given[i];
}

static bool is_own(const command *c, const option_row *o)
{
    for (const option_row *at = c->options; at && (at->name || at->help); at++)
        if (at == o) return true;
    return false;
}

/* An earlier word for a choice, said once. */
static void note_old_word(int i, const char *text)
{
    for (int k = 0; text && present[i]->also && present[i]->also[k]; k += 2)
        if (!strcmp(present[i]->also[k], text) && !given[i])
            fprintf(stderr, "weft: --%s %s is now called --%s %s\n", present[i]->name,
                    text, present[i]->name, present[i]->also[k + 1]);
}

static weft_status take(const command *c, int i, const char *text, void *values)
{
    note_old_word(i, text);
    given[i] = true;
    if (is_own(c, present[i])) return weft_option_set(present[i], text, values);
    return weft_fit_args_set(*(weft_fit_args **)values, present[i]->name, text);
}

/* --old, said once. */
static void note_old_name(const char *word)
{
    char name[80];
    while (*word == '-') word++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    int i = find(name, strlen(name));
    if (i >= 0 && present[i]->old && !strcmp(present[i]->old, name) && !given[i])
        fprintf(stderr, "weft: --%s is now called --%s\n", present[i]->old,
                present[i]->name);
}

static weft_status one(const command *c, int code, char **argv, void *values, int *count)
{
    int i = code == 1 ? assignment(optarg) : row_of(code);
    if (code == 1 && i < 0 && failed_assignment(optarg)) return unknown(c, optarg);
    if (code == 1 && i < 0) {
        argv[++*count] = optarg;
        return WEFT_OK;
    }
    if (code == 1) {
        note_old_name(optarg);
        return take(c, i, strchr(optarg, '=') + 1, values);
    }
    if (code == ':') return missing(c, argv[optind - 1]);
    if (code == '?')
        return optopt ? unknown_letter(c, optopt) : unknown(c, argv[optind - 1]);
    note_old_name(argv[optind - 1 - (optarg && optarg == argv[optind - 1])]);
    return take(c, i, optarg, values);
}

weft_status options_parse(const command *c, int argc, char **argv, void *values,
                          int *count)
{
    struct option longs[2 * MOST_ROWS + 2];
    char shorts[3 * MOST_ROWS];
    weft_status s = WEFT_OK;
    int code, rest = 0;
    rows = command_rows(c, present);
    make_getopt(longs, shorts);
    memset(given, 0, sizeof given);
    optind = 0;
    opterr = 0;
    while (!s && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == 'h') {
            help_print(stdout, c);
            return WEFT_ESTOPPED;
        }
        s = one(c, code, argv, values, &rest);
    }
    while (!s && optind < argc) argv[++rest] = argv[optind++]; /* after "--" */
    *count = rest;
    return s;
}

int command_failed(weft_status s)
{
    const char *message = weft_last_error();
    fprintf(stderr, "weft: %s\n", message[0] ? message : "failed");
    return weft_exit_code(s);
}

int command_misused(const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return command_failed(weft_fail(WEFT_EUSAGE, "%s", text));
}
