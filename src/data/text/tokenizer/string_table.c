/* string_table.c: a set of byte strings numbered in the order of their arrival. */
#include "data/text/tokenizer/string_table.h"
#include "base/checked.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

uint64_t weft__bytes_hash(const void *data, size_t bytes)
{
    const uint64_t prime = 0x9e3779b97f4a7c15u;
    const unsigned char *p = data;
    uint64_t h = bytes * prime;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t w = 0;
        memcpy(&w, p + i, bytes - i < 8 ? bytes - i : 8);
        h = (h ^ w) * prime;
        h ^= h >> 29;
    }
    return h ^ h >> 32;
}

/* The slot where a text is, or the free one where it would be. */
static size_t place(const weft__string_table *w, const char *text, size_t bytes,
                    uint32_t hash)
{
    size_t at = hash & (w->slots - 1);
    for (; w->slot[at]; at = (at + 1) & (w->slots - 1)) {
        const weft__string *have = &w->word[w->slot[at] - 1];
        if (have->hash == hash && have->bytes == bytes &&
            !memcmp(have->text, text, bytes))
            break;
    }
    return at;
}

int weft__string_table_find(const weft__string_table *w, const char *text, size_t bytes)
{
    if (!w->slots) return -1;
    return w->slot[place(w, text, bytes, (uint32_t)weft__bytes_hash(text, bytes))] - 1;
}

static bool spread(weft__string_table *w)
{
    size_t slots = w->slots ? w->slots * 2 : 1024;
    int32_t *slot = weft__alloc(slots, sizeof *slot);
    if (!slot) return false;
    for (int i = 0; i < w->count; i++) {
        size_t at = w->word[i].hash & (slots - 1);
        while (slot[at]) at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(w->slot);
    w->slot = slot;
    w->slots = slots;
    return true;
}

static bool lengthen(weft__string_table *w)
{
    int room = w->room ? w->room * 2 : 256;
    weft__string *word;
    if (w->count > INT_MAX / 4) return false;
    word = realloc(w->word, (size_t)room * sizeof *word);
    if (!word) return false;
    w->word = word;
    w->room = room;
    return true;
}

int weft__string_table_add(weft__string_table *w, const char *text, size_t bytes)
{
    uint32_t hash = (uint32_t)weft__bytes_hash(text, bytes);
    char *copy;
    size_t at;
    if ((size_t)w->count * 2 >= w->slots && !spread(w)) return -1;
    at = place(w, text, bytes, hash);
    if (w->slot[at]) return w->slot[at] - 1;
    if (w->count == w->room && !lengthen(w)) return -1;
    if (bytes >= UINT32_MAX || !(copy = weft__arena_alloc(&w->arena, bytes + 1)))
        return -1;
    memcpy(copy, text, bytes);
    w->word[w->count] = (weft__string){copy, (uint32_t)bytes, hash};
    w->slot[at] = ++w->count;
    return w->count - 1;
}

void weft__string_table_free(weft__string_table *w)
{
    weft__arena_free(&w->arena);
    free(w->word);
    free(w->slot);
    *w = (weft__string_table){0};
}
