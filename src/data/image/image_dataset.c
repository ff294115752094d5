/* image_dataset.c: opens a data set of pictures: finds its reader, has it checked and
 * split; reads samples. */
#include "data/image/image_dataset.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_SIDE = 1 << 16, DEFAULT_SIDE = 224 };

#define READER(name) &weft_reader_##name,
static const weft__reader *const readers[] = {
#include "data/image/formats/table.def"
};
#undef READER

void weft__source_clear(weft__source *s)
{
    for (int c = 0; s->class_name && c < s->classes; c++) free(s->class_name[c]);
    free(s->class_name);
    for (int k = 0; k < 3; k++) free(s->label[k]);
}

weft_status weft__source_read(const weft__source *s, weft_subset split, int i,
                              weft__picture *out)
{
    size_t bytes = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    weft__picture p = {s->channels, s->height, s->width, malloc(bytes), NULL, false};
    if (!p.pixels) return weft__fail(WEFT_ENOMEM, "no memory for %zu bytes", bytes);
    memcpy(p.pixels, s->pixels[split] + (size_t)i * bytes, bytes);
    *out = p;
    return WEFT_OK;
}

static weft_status check_opts(const weft_dataset_opts *all)
{
    const weft_image_opts *o = &all->image;
    if (o->height < 0 || o->width < 0 || o->height > LARGEST_SIDE ||
        o->width > LARGEST_SIDE)
        return weft__fail(WEFT_EUSAGE, "picture size %d x %d: each side 1 to %d",
                          o->width, o->height, LARGEST_SIDE);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return weft__fail(WEFT_EUSAGE, "%d channels: 1 (grey) or 3 (RGB)", o->channels);
    if (o->fit != WEFT_FIT_STRETCH && o->fit != WEFT_FIT_CROP &&
        o->fit != WEFT_FIT_LETTERBOX)
        return weft__fail(WEFT_EUSAGE, "no such way to fit pictures: %d", (int)o->fit);
    if (!(o->max_megapixels >= 0 && o->max_megapixels <= 2147))
        return weft__fail(WEFT_EUSAGE, "%g megapixels: 0 to 2147", o->max_megapixels);
    if (o->threads < 0)
        return weft__fail(WEFT_EUSAGE, "%d threads: 0 or more", o->threads);
    return WEFT_OK;
}

/* "(a, b, c, ...)": what lies in a folder. */
static void some_names(const char *path, char *text, size_t size)
{
    weft__names n = {0};
    size_t at = 0;
    text[0] = 0;
    if (weft__folder_list(path, 1000000, &n)) return;
    at = (size_t)snprintf(text, size, "%zu entries", n.count);
    for (size_t i = 0; i < n.count && i < 4 && at + strlen(n.name[i]) + 8 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : " (", n.name[i]);
    if (n.count) snprintf(text + at, size - at, "%s)", n.count > 4 ? ", ..." : "");
    weft__names_free(&n);
}

static weft_status find_reader(const char *path, const weft__reader **out)
{
    static const char looked[] = "train-images-idx3-ubyte[.gz], data_batch_1.bin, "
                                 "train/CLASS/ or CLASS/ with pictures";
    char found[512];
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (readers[i]->probe(path)) {
            *out = readers[i];
            return WEFT_OK;
        }
    if (weft__is_file(path))
        return weft__fail(WEFT_EDATA,
                          "%s: not a data set (a file; looked for a folder with %s)",
                          path, looked);
    if (!weft__is_folder(path))
        return weft__fail(WEFT_EDATA, "%s: no such folder or file", path);
    some_names(path, found, sizeof found);
    return weft__fail(WEFT_EDATA, "%s: no data set here (looked for %s; found %s)", path,
                      looked, *found ? found : "nothing readable");
}

typedef struct extent {
    int32_t height, width;
} extent;

static int by_extent(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    if (x->height != y->height) return x->height < y->height ? -1 : 1;
    return (x->width > y->width) - (x->width < y->width);
}

/* The commonest size of all good samples; of equally common ones the smallest. */
static weft_status commonest(const weft__images *m, extent *out)
{
    size_t n = 0, best = 0;
    extent *e;
    *out = (extent){1, 1};
    for (int s = 0; s < 3; s++) n += (size_t)m->source->count[s];
    e = weft__alloc(n + 1, sizeof *e);
    if (!e) return weft__fail(WEFT_ENOMEM, "no memory for %zu sizes", n);
    n = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < m->source->count[s]; i++)
            if (!m->sample[s][i].bad)
                e[n++] = (extent){m->sample[s][i].height, m->sample[s][i].width};
    if (n) qsort(e, n, sizeof *e, by_extent);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && !by_extent(&e[i], &e[end]); end++) continue;
        if (end - i > best) {
            best = end - i;
            *out = e[i];
        }
    }
    free(e);
    return WEFT_OK;
}

static int at_most(int v, int most)
{
    return v < most ? v : most;
}

static weft_status choose_shape(weft__images *m, const weft_image_opts *o)
{
    bool colour = false;
    m->height = o->height ? o->height : o->width;
    m->width = o->width ? o->width : o->height;
    if (!m->height) {
        extent e;
        weft_status s = commonest(m, &e);
        if (s) return s;
        m->height = at_most(e.height, DEFAULT_SIDE);
        m->width = at_most(e.width, DEFAULT_SIDE);
    }
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < m->source->count[s]; i++)
            colour |= m->sample[s][i].channels == 3;
    m->channels = o->channels ? o->channels : colour ? 3 : 1;
    m->bytes = (size_t)m->height * (size_t)m->width * (size_t)m->channels;
    m->fit = o->fit;
    return WEFT_OK;
}

/* ---- targets ---- */

/* Classes by name; or the numbers that their names are. */
static weft_status name_targets(weft__images *m, weft_dataset *d)
{
    static const char *const value = "value";
    const weft__source *src = m->source;
    weft_status s = WEFT_OK;
    if (m->arrays) return WEFT_OK;
    if (d->target == WEFT_TARGET_CLASS) {
        for (int c = 0; c < src->classes && !s; c++)
            s = weft__dataset_add_class(d, src->class_name[c]);
        return s;
    }
    m->number = weft__alloc((size_t)src->classes + 1, sizeof *m->number);
    if (!m->number)
        return weft__fail(WEFT_ENOMEM, "%s: no memory for its values", d->path);
    for (int c = 0; c < src->classes; c++) {
        const char *name = src->class_name[c];
        if (!weft__dataset_number(name, strlen(name), &m->number[c])) m->number[c] = NAN;
    }
    return weft__dataset_set_values(d, 1, &value);
}

/* Names of classes, shape, and each sample's stamp and target, in the set's order. */
static void make_hash(const weft__images *m, weft_dataset *d)
{
    weft__sha256 h;
    unsigned char sum[32];
    char text[128];
    weft__sha256_start(&h);
    snprintf(text, sizeof text, "weft data 1\n%s\n%d %d %d %d\n", m->reader->name,
             m->channels, m->height, m->width, (int)m->fit);
    weft__sha256_add(&h, text, strlen(text));
    for (int c = 0; c < d->classes; c++)
        weft__sha256_add(&h, d->class_name[c], strlen(d->class_name[c]) + 1);
    for (int s = 0; s < 3; s++) {
        snprintf(text, sizeof text, "%s %d\n", weft_subset_name((weft_subset)s),
                 d->count[s]);
        weft__sha256_add(&h, text, strlen(text));
        for (int i = 0; i < d->count[s]; i++) {
            const weft__origin *o = &m->origin[s][i];
            weft__dataset_hash_target(d, (weft_subset)s, i, &h);
            m->reader->stamp(m->source, (weft_subset)o->split, o->index, &h);
        }
    }
    weft__sha256_end(&h, sum);
    weft__hex(d->hash, sum, sizeof sum);
}

static uint64_t digest_of(const weft_dataset *d, weft_subset s, int i)
{
    const weft__images *m = weft__images_of(d);
    const weft__origin *o = &m->origin[s][i];
    return m->sample[o->split][o->index].digest;
}

/* ---- opening ---- */

static weft_status make(weft_dataset *d, const weft__reader *reader, weft__images **out)
{
    weft__images *m = calloc(1, sizeof *m);
    if (!m) return weft__fail(WEFT_ENOMEM, "no memory to open %s", d->path);
    m->reader = reader;
    m->path = d->path;
    d->content = m;
    *out = m;
    return WEFT_OK;
}

static weft_status check_all(weft__images *m, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d)
{
    weft_status s = name_targets(m, d);
    if (!s) s = weft__scan_headers(m, o, sink);
    if (!s) s = choose_shape(m, &o->image);
    if (!s) s = weft__scan_pixels(m, o, sink);
    if (!s) s = weft__scan_bad_samples(m, o, sink);
    if (!s) s = weft__images_split(m, o, d);
    if (!s) s = weft__check_targets(d, sink);
    if (!s) s = weft__find_duplicates(d, digest_of, sink);
    if (!s) make_hash(m, d);
    return s;
}

weft_status weft__images_open(const char *path, const weft_dataset_opts *o,
                              const weft__sink *sink, weft_dataset *d)
{
    const weft__reader *reader = NULL;
    weft__images *m = NULL;
    weft_status s = check_opts(o);
    if (!s) s = find_reader(path, &reader);
    if (!s) s = make(d, reader, &m);
    if (!s) s = reader->open(path, o, sink, &m->source);
    return s ? s : check_all(m, o, sink, d);
}

weft_status weft__images_adopt(const weft__reader *reader, weft__source *source,
                               const weft_arrays *arrays, const weft_dataset_opts *o,
                               const weft__sink *sink, weft_dataset *d)
{
    weft__images *m = NULL;
    weft_dataset_opts own = *o;
    own.image.no_check = true; /* the caller's samples are read when they are wanted */
    weft_status s = make(d, reader, &m);
    if (s) {
        reader->close(source);
        return s;
    }
    m->source = source;
    m->arrays = arrays;
    s = check_opts(o);
    return s ? s : check_all(m, &own, sink, d);
}

bool weft__images_probe(const char *path)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (readers[i]->probe(path)) return true;
    return false;
}

void weft__images_close(weft__images *m)
{
    if (!m) return;
    if (m->source) m->reader->close(m->source);
    for (int s = 0; s < 3; s++) {
        free(m->sample[s]);
        free(m->cache[s]);
        free(m->origin[s]);
    }
    for (size_t i = 0; i < m->bads; i++) free(m->bad[i].why);
    free(m->bad);
    free(m->number);
    free(m);
}

/* ---- reading ---- */

const unsigned char *weft__images_pixels(const weft_dataset *d, weft_subset s, int i)
{
    const weft__images *m = weft__images_of(d);
    const weft__origin *o = &m->origin[s][i];
    const unsigned char *all = m->pixels[o->split];
    return all ? all + (size_t)o->index * m->bytes : NULL;
}

weft_status weft__images_read(const weft_dataset *d, weft_subset s, int i,
                              unsigned char *pixels)
{
    const weft__images *m = weft__images_of(d);
    const unsigned char *have;
    const weft__origin *o;
    weft__picture p;
    weft_status status;
    if (i < 0 || i >= weft_dataset_count(d, s))
        return weft__fail(WEFT_EUSAGE, "there is no sample %d in subset %d", i, (int)s);
    have = weft__images_pixels(d, s, i);
    if (have) {
        memcpy(pixels, have, m->bytes);
        return WEFT_OK;
    }
    o = &m->origin[s][i];
    status = m->reader->read(m->source, (weft_subset)o->split, o->index, &p);
    if (status) return status;
    status = weft__picture_fit(&p, m->channels, m->height, m->width, m->fit, pixels);
    free(p.pixels);
    return status;
}
