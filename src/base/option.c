/* option.c: the value of an option from its text, by the rows of a table. */
#include "weft/option.h"

#include "base/error.h"
#include "base/nearest.h"
#include "base/option.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool weft__number_parse(const char *text, double low, double high, double *out)
{
    char *end;
    if (!*text || strchr(" \t\n+", text[0]) || strpbrk(text, "xXpP")) return false;
    errno = 0;
    double x = strtod(text, &end);
    if (*end || errno == ERANGE || !isfinite(x) || x < low || x > high) return false;
    *out = x;
    return true;
}

bool weft__integer_parse(const char *text, long long low, long long high, long long *out)
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

bool weft__choice_parse(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = choices; p && n; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (!strncmp(p, text, n) && (p[n] == '|' || !p[n])) return true;
    return false;
}

static weft_status misuse(const weft_option *o, const char *text)
{
    char shown[120];
    weft__escape(shown, sizeof shown, text);
    switch (o->kind) {
    case WEFT_OPTION_INT:
    case WEFT_OPTION_REAL:
        return weft__fail(
            WEFT_EUSAGE, "--%s: found %s, allowed %s %.15g to %.15g", o->name, shown,
            o->kind == WEFT_OPTION_INT ? "whole numbers" : "numbers", o->low, o->high);
    case WEFT_OPTION_CHOICE:
        return weft__fail(WEFT_EUSAGE, "--%s: found %s, allowed %s", o->name, shown,
                          o->choices);
    case WEFT_OPTION_SEED:
        return weft__fail(WEFT_EUSAGE, "--%s: found %s, allowed whole numbers from 0",
                          o->name, shown);
    case WEFT_OPTION_BYTES:
        return weft__fail(WEFT_EUSAGE, "--%s: found %s, allowed bytes such as 512M or 2G",
                          o->name, shown);
    default:
        return weft__fail(WEFT_EUSAGE, "--%s: cannot take %s", o->name, shown);
    }
}

WEFT_API weft_status weft_option_set(const weft_option *o, const char *text, void *values)
{
    char *at = (char *)values + o->offset;
    long long i = 0;
    double x = 0;
    bool good = true;
    switch (o->kind) {
    case WEFT_OPTION_HEADING:
        break;
    case WEFT_OPTION_FLAG:
        if (text && strcmp(text, "true") && strcmp(text, "false"))
            return weft__fail(WEFT_EUSAGE, "--%s: takes no value", o->name);
        *(bool *)at = !text || !strcmp(text, "true");
        break;
    case WEFT_OPTION_TEXT:
        *(const char **)at = text ? text : "";
        break;
    case WEFT_OPTION_INT:
        good = weft__integer_parse(text, (long long)o->low, (long long)o->high, &i);
        if (good) *(int *)at = (int)i;
        break;
    case WEFT_OPTION_SEED:
        good = weft__integer_parse(text, 0, LLONG_MAX, &i);
        if (good) *(uint64_t *)at = (uint64_t)i;
        break;
    case WEFT_OPTION_REAL:
        good = weft__number_parse(text, o->low, o->high, &x);
        if (good) *(double *)at = x;
        break;
    case WEFT_OPTION_CHOICE:
        text = weft__choice_now(o, text);
        good = weft__choice_parse(o->choices, text);
        if (good) *(const char **)at = text;
        break;
    case WEFT_OPTION_BYTES:
        good = bytes_parse(text, (size_t *)at);
        break;
    }
    return good ? WEFT_OK : misuse(o, text);
}

const char *weft__choice_now(const weft_option *o, const char *text)
{
    for (int i = 0; text && o->also && o->also[i]; i += 2)
        if (!strcmp(o->also[i], text)) return o->also[i + 1];
    return text;
}

static bool called(const char *name, const char *word, size_t length)
{
    size_t k = 0;
    if (!name || strlen(name) != length) return false;
    while (k < length && (name[k] == word[k] || (name[k] == '-' && word[k] == '_'))) k++;
    return k == length;
}

WEFT_API const weft_option *weft_option_find(const weft_option *rows, const char *name,
                                             size_t length)
{
    for (const weft_option *o = rows; o && (o->name || o->help); o++)
        if (called(o->name, name, length) || called(o->old, name, length)) return o;
    return NULL;
}

WEFT_API const char *weft_nearest(const char *word, const char *const *words, int n)
{
    return weft__nearest(word, words, n);
}
