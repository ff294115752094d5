/* modality.c: the table of modalities. */
#include "data/modality.h"

#include <string.h>

#define MODALITY(name) &weft_modality_##name,
static const weft__modality *const table[] = {
#include "data/modality.def"
};
#undef MODALITY

enum { MODALITIES = sizeof table / sizeof *table };

const weft__modality *weft__modality_at(int i)
{
    return i >= 0 && i < MODALITIES ? table[i] : NULL;
}

const weft__modality *weft__modality_named(const char *name)
{
    for (int i = 0; i < MODALITIES; i++)
        if (!strcmp(table[i]->name, name)) return table[i];
    return NULL;
}

const weft__modality *weft__modality_probe(const char *path)
{
    for (int i = MODALITIES - 1; i >= 0; i--)
        if (table[i]->probe && table[i]->probe(path)) return table[i];
    return NULL;
}
