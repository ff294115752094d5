/* memory.c: pictures in the caller's memory, or that the caller makes when asked. */
#include "data/image/image.h"

#include "base/checked.h"
#include "base/error.h"
#include "data/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct source {
    weft__source base;
    weft_arrays a;
} source;

static const source *of(const weft__source *s)
{
    return (const source *)s;
}

static void close(weft__source *s)
{
    if (!s) return;
    weft__source_clear(s);
    free(s);
}

static weft_status call(const weft__source *s, weft_subset split, int i, weft__picture *out)
{
    const weft_arrays *a = &of(s)->a;
    size_t bytes = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    weft__picture p = {s->channels, s->height, s->width, weft__alloc(bytes, 1), NULL, false};
    if (!p.pixels) return weft__fail(WEFT_ENOMEM, "no memory for %zu bytes", bytes);
    weft_status status = a->read(a->user, split, i, p.pixels);
    if (status)
        free(p.pixels);
    else
        *out = p;
    return status;
}

static weft_status read_sample(const weft__source *s, weft_subset split, int i,
                               weft__picture *out)
{
    return of(s)->a.read ? call(s, split, i, out) : weft__source_read(s, split, i, out);
}

static void name_of(const weft__source *s, weft_subset split, int i, char *text, size_t size)
{
    (void)s;
    snprintf(text, size, "sample %d of %s", i, weft_subset_name(split));
}

/* Pixels in memory identify themselves; those of a callback are known by number. */
static void stamp(const weft__source *s, weft_subset split, int i, weft__sha256 *hash)
{
    size_t bytes = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    if (s->pixels[split])
        weft__sha256_add(hash, s->pixels[split] + (size_t)i * bytes, bytes);
    else
        weft__sha256_add(hash, &i, sizeof i);
}

static const weft__reader reader = {.name = "arrays",
                                    .close = close,
                                    .read = read_sample,
                                    .name_of = name_of,
                                    .stamp = stamp};

static weft_status fill(source *s)
{
    const weft_arrays *a = &s->a;
    weft__source *b = &s->base;
    int classes = a->label[0] ? a->classes : 1;
    b->class_name = weft__alloc((size_t)classes + 1, sizeof *b->class_name);
    if (!b->class_name) return weft__fail(WEFT_ENOMEM, "arrays: out of memory");
    b->classes = classes;
    for (int c = 0; c < classes; c++) {
        char number[16];
        snprintf(number, sizeof number, "%d", c);
        b->class_name[c] = strdup(a->label[0] && a->class_name ? a->class_name[c] : number);
        if (!b->class_name[c]) return weft__fail(WEFT_ENOMEM, "arrays: out of memory");
    }
    for (int k = 0; k < 3; k++) {
        b->count[k] = a->count[k];
        b->label[k] = weft__alloc((size_t)a->count[k] + 1, sizeof *b->label[k]);
        if (!b->label[k]) return weft__fail(WEFT_ENOMEM, "arrays: out of memory");
        if (a->label[k])
            memcpy(b->label[k], a->label[k], (size_t)a->count[k] * sizeof *b->label[k]);
        b->pixels[k] = a->read ? NULL : a->pixels[k];
    }
    b->channels = a->channels;
    b->height = a->height;
    b->width = a->width;
    return WEFT_OK;
}

weft_status weft__images_from(const weft_arrays *a, const weft__images_opts *o,
                              weft__images **out)
{
    if ((a->channels != 1 && a->channels != 3) || a->height < 1 || a->width < 1 ||
        a->height > 1 << 16 || a->width > 1 << 16)
        return weft__fail(WEFT_EUSAGE, "arrays: pictures of %d channels, %d x %d pixels",
                          a->channels, a->width, a->height);
    source *s = calloc(1, sizeof *s);
    if (!s) return weft__fail(WEFT_ENOMEM, "arrays: out of memory");
    s->a = *a;
    weft_status status = fill(s);
    if (status) {
        close(&s->base);
        return status;
    }
    weft__images_opts own = *o;
    if (a->value[0]) own.plain_split = true;
    const weft__sink sink = weft__sink_warn();
    return weft__images_adopt(&reader, &s->base, &own, &sink, out);
}

weft_status weft__images_values(const weft_arrays *a, const weft__images *s, weft_dataset *d)
{
    size_t width = (size_t)a->values;
    weft_status status = weft__dataset_no_classes(d, a->values, a->value_name);
    for (int k = 0; k < 3 && !status; k++) {
        status = weft__dataset_values(d, (weft_subset)k);
        for (int i = 0; i < d->count[k] && !status; i++) {
            weft__origin o = weft__images_origin(s, (weft_subset)k, i);
            memcpy(d->value[k] + (size_t)i * width,
                   a->value[o.split] + (size_t)o.index * width, width * sizeof(float));
        }
    }
    return status;
}
