/* items.c: a user's pictures on their way into a plan. */
#include "data/image/picture.h"
#include "data/image/image.h"

#include "base/checked.h"

#include <stdlib.h>

typedef struct items {
    const weft__image_preprocess *p;
    size_t each;
    unsigned char *pixels; /* of one */
    float *x;
    weft_batch batch;
} items;

void weft__image_items_free(void *of)
{
    items *it = of;
    if (!it) return;
    free(it->pixels);
    free(it->x);
    free(it);
}

weft_status weft__image_items_new(const weft__preprocess *base, int n, void **out)
{
    const weft__image_preprocess *p = weft__image_preprocess_of(base);
    items *it = calloc(1, sizeof *it);
    size_t floats;
    if (!it) return weft__fail(WEFT_ENOMEM, "pictures: out of memory");
    it->p = p;
    it->each = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
    it->pixels = weft__alloc(it->each, 1);
    if (weft__mul(it->each, (size_t)n, &floats))
        it->x = weft__alloc(floats, sizeof *it->x);
    if (it->pixels && it->x) {
        *out = it;
        return WEFT_OK;
    }
    weft__image_items_free(it);
    return weft__fail(WEFT_ENOMEM, "pictures: out of memory");
}

weft_status weft__image_items_put(void *of, int i, const weft_item *item, int *tokens,
                                  int *unknown)
{
    items *it = of;
    const weft__image_preprocess *p = it->p;
    const unsigned char *pixels = item->pixels;
    weft_status s = WEFT_OK;
    *tokens = *unknown = 0;
    if (!pixels && item->path)
        s = weft_image_read(item->path, p->channels, p->height, p->width, p->fit, 0,
                            it->pixels);
    else if (!pixels && item->bytes)
        s = weft__image_decode(item->bytes, item->size, p->channels, p->height, p->width,
                               p->fit, it->pixels);
    else if (!pixels)
        s = weft__fail(WEFT_EUSAGE, "item %d is no picture", i);
    if (s) return s;
    weft_image_normalize(p->channels, it->each / (size_t)p->channels,
                         pixels ? pixels : it->pixels, p->mean, p->std,
                         it->x + (size_t)i * it->each);
    return WEFT_OK;
}

const weft_batch *weft__image_items_batch(void *of, int n)
{
    items *it = of;
    it->batch = (weft_batch){.n = n, .x = it->x};
    return &it->batch;
}
