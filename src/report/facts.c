/* facts.c: lists of facts for a page, whose texts live in an arena. */
#include "report/facts.h"

#include <stdarg.h>
#include <stdio.h>

enum { LONGEST = 600 };

static const char *vprint(weft__arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static const char *vprint(weft__arena *a, const char *format, va_list args)
{
    char text[LONGEST];
    vsnprintf(text, sizeof text, format, args);
    const char *copy = weft__arena_text(a, text);
    return copy ? copy : "";
}

void weft__fact_add(weft__fact_list *l, const char *key, const char *format, ...)
{
    va_list args;
    if (l->n == WEFT_MOST_FACTS) return;
    va_start(args, format);
    l->fact[l->n++] = (weft__fact){key, vprint(l->arena, format, args)};
    va_end(args);
}

const char *weft__arena_printf(weft__arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = vprint(a, format, args);
    va_end(args);
    return text;
}
