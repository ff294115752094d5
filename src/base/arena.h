/* arena.h: many small allocations that are freed together. */
#ifndef WEFT_SRC_BASE_ARENA_H
#define WEFT_SRC_BASE_ARENA_H

#include <stddef.h>

typedef struct weft__arena {
    struct weft__arena_block *first;
    size_t bytes; /* handed out so far */
} weft__arena;

/* Zeroed memory, aligned for any type; NULL if there is none. An arena starts as
 * {0}. */
void *weft__arena_alloc(weft__arena *a, size_t bytes);
char *weft__arena_text(weft__arena *a, const char *text); /* a copy of text */
void weft__arena_free(weft__arena *a);                    /* frees all of it; {0} again */

/* Memory on a cache line, not zeroed, for free(); NULL when there is none. A large
 * one is asked for in huge pages, if the system has such: walking through it misses
 * fewer translations. */
void *weft__block_alloc(size_t bytes);

/* For a program of its own, at its start: what plans, pictures and vocabularies had
 * goes back to the system when they are freed, not when the heap's end happens to be
 * free. */
void weft__return_large_blocks(void);

#endif
