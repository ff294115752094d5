/* ngrams.c: a table from pairs or triples of tokens to numbers. */
#include "data/text/tokenizer/tokenizer.h"
#include "base/checked.h"

#include <stdlib.h>

static size_t place(const weft__ngrams *g, uint64_t key)
{
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h ^ h >> 32) & (g->slots - 1);
    while (g->key[at] && g->key[at] != key) at = (at + 1) & (g->slots - 1);
    return at;
}

int32_t weft__ngrams_get(const weft__ngrams *g, uint64_t key)
{
    return g->slots ? g->value[place(g, key)] : 0;
}

static bool spread(weft__ngrams *g)
{
    weft__ngrams more = {.slots = g->slots ? g->slots * 2 : 1024, .count = g->count};
    more.key = weft__alloc(more.slots, sizeof *more.key);
    more.value = weft__alloc(more.slots, sizeof *more.value);
    if (!more.key || !more.value) {
        weft__ngrams_free(&more);
        return false;
    }
    for (size_t i = 0; i < g->slots; i++)
        if (g->key[i]) {
            size_t at = place(&more, g->key[i]);
            more.key[at] = g->key[i];
            more.value[at] = g->value[i];
        }
    weft__ngrams_free(g);
    *g = more;
    return true;
}

int32_t *weft__ngrams_at(weft__ngrams *g, uint64_t key)
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

void weft__ngrams_free(weft__ngrams *g)
{
    free(g->key);
    free(g->value);
    *g = (weft__ngrams){0};
}
