/* option.c: command-line options by table, with getopt_long. */
#include "option.h"

#include "base/error.h"
#include "base/nearest.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_OPTIONS = 160 };

static bool given[MAX_OPTIONS]; /* by row, of the last options_parse */

bool number_parse(const char *text, double low, double high, double *out)
{
    char *end;
    if (!*text || strchr(" \t\n+", text[0]) || strpbrk(text, "xXpP")) return false;
    errno = 0;
    double x = strtod(text, &end);
    if (*end || errno == ERANGE || !isfinite(x) || x < low || x > high) return false;
    *out = x;
    return true;
}

bool integer_parse(const char *text, long long low, long long high, long long *out)
{
    char *end;
    if (!*text || strchr(" \t\n+", text[0])) return false;
    errno = 0;
    long long x = strtoll(text, &end, 10);
    if (*end || errno == ERANGE || x < low || x > high) return false;
    *out = x;
    return true;
}

static bool bytes_parse(const char *text, size_t *out)
{
    char *end;
    errno = 0;
    unsigned long long x = strtoull(text, &end, 10);
    int shift = *end == 'k' || *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (shift) end++;
    if (*end == 'B') end++;
    if (text[0] < '0' || text[0] > '9' || *end || errno || x > SIZE_MAX >> shift)
        return false;
    *out = (size_t)x << shift;
    return true;
}

bool choice_parse(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = choices; p && n; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (!strncmp(p, text, n) && (p[n] == '|' || !p[n])) return true;
    return false;
}

static weft_status misuse(const option_row *o, const char *text)
{
    char shown[120];
    weft__escape(shown, sizeof shown, text);
    switch (o->kind) {
    case OPTION_INT:
    case OPTION_REAL:
        return weft__fail(
            WEFT_EUSAGE, "--%s: found %s, allowed %s %.15g to %.15g", o->name, shown,
            o->kind == OPTION_INT ? "whole numbers" : "numbers", o->low, o->high);
    case OPTION_CHOICE:
        return weft__fail(WEFT_EUSAGE, "--%s: found %s, allowed %s", o->name, shown,
                          o->choices);
    case OPTION_SEED:
        return weft__fail(WEFT_EUSAGE, "--%s: found %s, allowed whole numbers from 0",
                          o->name, shown);
    case OPTION_BYTES:
        return weft__fail(WEFT_EUSAGE, "--%s: found %s, allowed bytes such as 512M or 2G",
                          o->name, shown);
    default:
        return weft__fail(WEFT_EUSAGE, "--%s: cannot take %s", o->name, shown);
    }
}

static weft_status store(const option_row *o, const char *text, void *values)
{
    char *at = (char *)values + o->offset;
    long long i = 0;
    double x = 0;
    bool good = true;
    switch (o->kind) {
    case OPTION_HEADING:
        break;
    case OPTION_FLAG:
        if (text && strcmp(text, "true") && strcmp(text, "false"))
            return weft__fail(WEFT_EUSAGE, "--%s: takes no value", o->name);
        *(bool *)at = !text || !strcmp(text, "true");
        break;
    case OPTION_TEXT:
        *(const char **)at = text ? text : "";
        break;
    case OPTION_INT:
        good = integer_parse(text, (long long)o->low, (long long)o->high, &i);
        if (good) *(int *)at = (int)i;
        break;
    case OPTION_SEED:
        good = integer_parse(text, 0, LLONG_MAX, &i);
        if (good) *(uint64_t *)at = (uint64_t)i;
        break;
    case OPTION_REAL:
        good = number_parse(text, o->low, o->high, &x);
        if (good) *(double *)at = x;
        break;
    case OPTION_CHOICE:
        good = choice_parse(o->choices, text);
        if (good) *(const char **)at = text;
        break;
    case OPTION_BYTES:
        good = bytes_parse(text, (size_t *)at);
        break;
    }
    return good ? WEFT_OK : misuse(o, text);
}

static int count_rows(const command *c)
{
    int n = 0;
    while (c->options && (c->options[n].name || c->options[n].help)) n++;
    return n;
}

/* In key=value, val_fraction is val-fraction. */
static const option_row *row_named(const command *c, const char *name, size_t length)
{
    for (int i = 0; i < count_rows(c); i++) {
        const char *n = c->options[i].name;
        if (!n || strlen(n) != length) continue;
        size_t k = 0;
        while (k < length && (n[k] == name[k] || (n[k] == '-' && name[k] == '_'))) k++;
        if (k == length) return &c->options[i];
    }
    return NULL;
}

static weft_status unknown(const command *c, const char *word)
{
    const char *names[MAX_OPTIONS];
    char name[80], shown[200];
    bool plain = *word != '-';
    int n = 0;
    while (*word == '-') word++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    weft__escape(shown, sizeof shown, name);
    for (int i = 0; i < count_rows(c) && n < MAX_OPTIONS; i++)
        if (c->options[i].name) names[n++] = c->options[i].name;
    const char *near = weft__nearest(name, names, n);
    if (plain)
        return weft__fail(WEFT_EUSAGE, "%s: %s= is no option%s%s, and no such file",
                          c->name, shown, near ? ", perhaps " : "", near ? near : "");
    if (near)
        return weft__fail(WEFT_EUSAGE, "%s: unknown option --%s. Did you mean --%s?",
                          c->name, shown, near);
    return weft__fail(WEFT_EUSAGE, "%s: unknown option --%s. See weft help %s", c->name,
                      shown, c->name);
}

/* "key=value" whose key is an option is one, unless there may be a file of that name. */
static const option_row *assignment(const command *c, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals || word[0] == '-' || memchr(word, '/', (size_t)(equals - word)))
        return NULL;
    return row_named(c, word, (size_t)(equals - word));
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
        return weft__fail(WEFT_EUSAGE, "%s: --help takes no value", c->name);
    char word[2] = {(char)letter, '\0'}, shown[8];
    return weft__fail(WEFT_EUSAGE, "%s: unknown option -%s. See weft help %s", c->name,
                      weft__escape(shown, sizeof shown, word), c->name);
}

static void make_getopt(const command *c, struct option *longs, char *shorts)
{
    int n = count_rows(c);
    *shorts++ = '-'; /* arguments in order, as option 1 */
    *shorts++ = ':'; /* tell a missing value from an unknown option */
    *shorts++ = 'h';
    int k = 0;
    for (int i = 0; i < n; i++) {
        const option_row *o = &c->options[i];
        if (!o->name) continue;
        int takes =
            o->kind == OPTION_FLAG || o->optional ? optional_argument : required_argument;
        longs[k++] = (struct option){o->name, takes, NULL, 1000 + i};
        if (o->letter) {
            *shorts++ = o->letter;
            if (takes == required_argument) *shorts++ = ':';
        }
    }
    longs[k++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[k] = (struct option){0};
    *shorts = '\0';
}

static const option_row *row_of(const command *c, int code)
{
    if (code >= 1000) return &c->options[code - 1000];
    for (int i = 0; i < count_rows(c); i++)
        if (c->options[i].name && c->options[i].letter == code) return &c->options[i];
    return NULL;
}

static weft_status missing(const command *c, const char *word)
{
    char shown[100];
    weft__escape(shown, sizeof shown, word);
    return weft__fail(WEFT_EUSAGE, "%s: %s needs a value", c->name, shown);
}

bool option_given(const command *c, const char *name)
{
    const option_row *o = row_named(c, name, strlen(name));
    return o && given[o - c->options];
}

static weft_status take(const command *c, const option_row *o, const char *text,
                        void *values)
{
    given[o - c->options] = true;
    return store(o, text, values);
}

weft_status options_parse(const command *c, int argc, char **argv, void *values,
                          int *count)
{
    struct option longs[MAX_OPTIONS + 2];
    char shorts[3 * MAX_OPTIONS];
    weft_status s = WEFT_OK;
    int code, kept = 0;
    if (count_rows(c) > MAX_OPTIONS)
        return weft__fail(WEFT_EBUG, "%s: too many options", c->name);
    make_getopt(c, longs, shorts);
    memset(given, 0, sizeof given);
    optind = 0;
    opterr = 0;
    while (!s && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const option_row *o = code == 1 ? assignment(c, optarg) : row_of(c, code);
        if (code == 'h') {
            help_print(stdout, c);
            return WEFT_ESTOPPED;
        }
        if (code == 1 && !o && failed_assignment(optarg))
            s = unknown(c, optarg);
        else if (code == 1 && !o)
            argv[++kept] = optarg;
        else if (code == 1)
            s = take(c, o, strchr(optarg, '=') + 1, values);
        else if (code == ':')
            s = missing(c, argv[optind - 1]);
        else if (code == '?')
            s = optopt ? unknown_letter(c, optopt) : unknown(c, argv[optind - 1]);
        else
            s = take(c, o, optarg, values);
    }
    while (!s && optind < argc) argv[++kept] = argv[optind++]; /* behind "--" */
    *count = kept;
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
    va_list args;
    va_start(args, format);
    weft_status s = weft__vfail(WEFT_EUSAGE, format, args);
    va_end(args);
    return command_failed(s);
}
