/* facts.h: lists of facts for a page, whose texts live in an arena. */
#ifndef WEFT_SRC_REPORT_FACTS_H
#define WEFT_SRC_REPORT_FACTS_H

#include "base/arena.h"
#include "report/report.h"

enum { WEFT_MOST_FACTS = 24 };

typedef struct weft__fact_list {
    weft__arena *arena;
    weft__fact fact[WEFT_MOST_FACTS];
    int n;
} weft__fact_list;

/* Adds a fact; more than WEFT_MOST_FACTS, or without memory, are left out. */
void weft__fact_add(weft__fact_list *l, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A text in an arena; "" when out of memory. */
const char *weft__arena_printf(weft__arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
