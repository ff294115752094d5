/* items.c: a user's texts on their way into a plan. */
#include "data/text/text.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct items {
    const weft_tokenizer *k;
    int32_t *tokens[WEFT_MAX_STREAMS], *lengths; /* [n][length], [n] */
    weft_batch batch;
} items;

void weft__text_items_free(void *of)
{
    items *it = of;
    if (!it) return;
    for (int s = 0; s < WEFT_MAX_STREAMS; s++) free(it->tokens[s]);
    free(it->lengths);
    free(it);
}

weft_status weft__text_items_new(const weft__preprocess *p, int n, void **out)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    items *it = calloc(1, sizeof *it);
    size_t count = 0;
    bool room = it && weft__mul((size_t)n, (size_t)weft_tokenizer_length(k), &count);
    for (int s = 0; room && s < weft_tokenizer_streams(k); s++)
        room = (it->tokens[s] = weft__alloc(count, sizeof *it->tokens[s])) != NULL;
    if (room) room = (it->lengths = weft__alloc((size_t)n, sizeof *it->lengths)) != NULL;
    if (!room) {
        weft__text_items_free(it);
        return weft__fail(WEFT_ENOMEM, "texts: out of memory");
    }
    it->k = k;
    *out = it;
    return WEFT_OK;
}

weft_status weft__text_items_put(void *of, int i, const weft_item *item, int *tokens,
                                 int *unknown)
{
    items *it = of;
    int32_t *ids[WEFT_MAX_STREAMS] = {NULL};
    size_t length = (size_t)weft_tokenizer_length(it->k);
    if (!item->text) return weft__fail(WEFT_EUSAGE, "item %d is no text", i);
    for (int s = 0; s < weft_tokenizer_streams(it->k); s++)
        ids[s] = it->tokens[s] + (size_t)i * length;
    *tokens = it->lengths[i] =
        weft_tokenize(it->k, item->text, strlen(item->text), ids, unknown);
    return WEFT_OK;
}

const weft_batch *weft__text_items_batch(void *of, int n)
{
    items *it = of;
    it->batch = (weft_batch){.n = n,
                             .lengths = it->lengths,
                             .length = weft_tokenizer_length(it->k),
                             .streams = weft_tokenizer_streams(it->k)};
    for (int s = 0; s < WEFT_MAX_STREAMS; s++) it->batch.tokens[s] = it->tokens[s];
    return &it->batch;
}
