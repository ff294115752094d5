/* ngrams.c: a table from pairs or triples of pieces to numbers. */
#include "data/text/tokenizer/tokenizer.h"
#include "base/checked.h"

#include <stdlib.h>

static size_t place(const weft__grams *g, uint64_t key)
{
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h ^ h >> 32) & (g->slots - 1);
    while (g->key[at] && g->key[at] != key) at = (at + 1) & (g->slots - 1);
    return at;
}

int32_t weft__grams_get(const weft__grams *g, uint64_t key)
{
    return g->slots ? g->value[place(g, key)] : 0;
}

static bool spread(weft__grams *g)
{
    weft__grams more = {.slots = g->slots ? g->slots * 2 : 1024, .count = g->count};
    more.key = weft__alloc(more.slots, sizeof *more.key);
    more.value = weft__alloc(more.slots, sizeof *more.value);
    if (!more.key || !more.value) {
        weft__grams_free(&more);
        return false;
    }
    for (size_t i = 0; i < g->slots; i++)
        if (g->key[i]) {
            size_t at = place(&more, g->key[i]);
            more.key[at] = g->key[i];
            more.value[at] = g->value[i];
        }
    weft__grams_free(g);
    *g = more;
    return true;
}

int32_t *weft__grams_at(weft__grams *g, uint64_t key)
{
    size_t at;
    if (g->count * 3 >= g->slots * 2 && !spread(g)) return NULL;
    at = place(g, key);
    if (!g->key[at]) {
        g->key[at] = key;
        g->count++;
    }
    return &g->value[at];
}

void weft__grams_free(weft__grams *g)
{
    free(g->key);
    free(g->value);
    *g = (weft__grams){0};
}
