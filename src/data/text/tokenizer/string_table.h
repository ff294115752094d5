/* string_table.h: a set of byte strings numbered in the order of their arrival. */
#ifndef WEFT_SRC_DATA_TEXT_TOKENIZER_STRING_TABLE_H
#define WEFT_SRC_DATA_TEXT_TOKENIZER_STRING_TABLE_H

#include "base/arena.h"

#include <stdint.h>

typedef struct weft__word {
    const char *text; /* NUL behind */
    uint32_t bytes;
    uint32_t hash;
} weft__word;

typedef struct weft__words { /* begins as {0} */
    weft__arena arena;
    weft__word *word;
    int32_t *slot; /* number + 1, or 0; a power of two of them, half at most taken */
    size_t slots;
    int count, room;
} weft__words;

uint64_t weft__bytes_hash(const void *data, size_t bytes);

int weft__words_find(const weft__words *w, const char *text, size_t bytes); /* or -1 */
/* Its number, new or known; -1 when there is no memory. */
int weft__words_add(weft__words *w, const char *text, size_t bytes);
void weft__words_free(weft__words *w);

#endif
