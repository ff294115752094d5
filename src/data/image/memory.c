/* memory.c: pictures in the caller's memory, or that the caller makes when asked. */
#include "data/image/image.h"

#include "base/checked.h"
#include "data/image/image_dataset.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct source {
    weft__source base;
    weft_arrays a;
} source;

static const weft_arrays *arrays(const weft__source *s)
{
    return &((const source *)s)->a;
}

static void close(weft__source *s)
{
    free(s);
}

static weft_status read_sample(const weft__source *s, weft_subset subset, int i,
                               weft__picture *out)
{
    size_t bytes = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    if (!arrays(s)->read) return weft__source_read(s, subset, i, out);
    weft__picture p = {s->channels,           s->height, s->width,
                       weft__alloc(bytes, 1), NULL,      false};
    if (!p.pixels) return weft__fail(WEFT_ENOMEM, "no memory for %zu bytes", bytes);
    weft_status status = weft__dataset_call(arrays(s), subset, i, p.pixels);
    if (status)
        free(p.pixels);
    else
        *out = p;
    return status;
}

static void name_of(const weft__source *s, weft_subset subset, int i, char *text,
                    size_t size)
{
    (void)s;
    weft__dataset_array_name(subset, i, text, size);
}

/* Pixels in memory identify themselves; those of a callback are known by number. */
static void stamp(const weft__source *s, weft_subset subset, int i, weft__sha256 *hash)
{
    size_t bytes = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    if (s->pixels[subset])
        weft__sha256_add(hash, s->pixels[subset] + (size_t)i * bytes, bytes);
    else
        weft__sha256_add(hash, &i, sizeof i);
}

static const weft__reader reader = {.name = "arrays",
                                    .close = close,
                                    .read = read_sample,
                                    .name_of = name_of,
                                    .stamp = stamp};

bool weft__image_takes(const weft_arrays *a)
{
    return a->pixels[0] || a->pixels[1] || a->pixels[2] || (a->read && a->channels > 0);
}

weft_status weft__image_from(const weft_arrays *a, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d)
{
    enum { MOST = 1 << 16 };
    if ((a->channels != 1 && a->channels != 3) || a->height < 1 || a->width < 1 ||
        a->height > MOST || a->width > MOST)
        return weft__fail(WEFT_EUSAGE,
                          "arrays: pictures of %d channels, %d x %d pixels: 1 or 3, each "
                          "side 1 to %d",
                          a->channels, a->width, a->height, MOST);
    source *s = calloc(1, sizeof *s);
    if (!s) return weft__fail(WEFT_ENOMEM, "arrays: out of memory");
    s->a = *a;
    s->base.channels = a->channels;
    s->base.height = a->height;
    s->base.width = a->width;
    for (int k = 0; k < 3; k++) {
        s->base.count[k] = a->count[k];
        s->base.pixels[k] = a->pixels[k];
    }
    return weft__images_adopt(&reader, &s->base, &s->a, o, sink, d);
}
