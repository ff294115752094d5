/* string_table.h: a set of byte strings numbered in the order of their arrival. */
#ifndef WEFT_SRC_DATA_TEXT_TOKENIZER_STRING_TABLE_H
#define WEFT_SRC_DATA_TEXT_TOKENIZER_STRING_TABLE_H

#include "base/arena.h"

#include <stdint.h>

typedef struct weft__string {
    const char *text; /* NUL-terminated */
    uint32_t bytes;
    uint32_t hash;
} weft__string;

typedef struct weft__string_table { /* begins as {0} */
    weft__arena arena;
    weft__string *word;
    int32_t *slot; /* number + 1, or 0; a power of two of them, half at most taken */
    size_t slots;
    int count, room;
} weft__string_table;

uint64_t weft__bytes_hash(const void *data, size_t bytes);

int weft__string_table_find(const weft__string_table *w, const char *text,
                            size_t bytes); /* or -1 */
/* Its number, new or known; -1 when there is no memory. */
int weft__string_table_add(weft__string_table *w, const char *text, size_t bytes);
void weft__string_table_free(weft__string_table *w);

#endif
