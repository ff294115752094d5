/* data.c: opens a data set: finds its reader, has it checked and split, answers
 * questions. */
#include "data/set.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_SIDE = 1 << 16, DEFAULT_SIDE = 224 };

#define READER(name) &weft_reader_##name,
static const weft__reader *const readers[] = {
#include "data/table.def"
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

static weft_status check_opts(const weft__images_opts *o)
{
    if (o->height < 0 || o->width < 0 || o->height > LARGEST_SIDE ||
        o->width > LARGEST_SIDE)
        return weft__fail(WEFT_EUSAGE, "picture size %d x %d: each side 1 to %d",
                          o->width, o->height, LARGEST_SIDE);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return weft__fail(WEFT_EUSAGE, "%d channels: 1 (grey) or 3 (RGB)", o->channels);
    if (o->fit != WEFT_FIT_STRETCH && o->fit != WEFT_FIT_CROP &&
        o->fit != WEFT_FIT_LETTERBOX)
        return weft__fail(WEFT_EUSAGE, "no such way to fit pictures: %d", (int)o->fit);
    if (!(o->val_fraction >= 0 && o->val_fraction < 1))
        return weft__fail(WEFT_EUSAGE, "validation fraction %g: 0 to below 1",
                          o->val_fraction);
    if (!(o->skip_bad_max >= 0 && o->skip_bad_max <= 100))
        return weft__fail(WEFT_EUSAGE, "%g %% of bad samples: 0 to 100", o->skip_bad_max);
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
    if (!path || !*path) return weft__fail(WEFT_EUSAGE, "no data set given");
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
static weft_status commonest(const weft__images *d, extent *out)
{
    size_t n = 0, best = 0;
    extent *e;
    *out = (extent){1, 1};
    for (int s = 0; s < 3; s++) n += (size_t)d->source->count[s];
    e = weft__alloc(n + 1, sizeof *e);
    if (!e) return weft__fail(WEFT_ENOMEM, "no memory for %zu sizes", n);
    n = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < d->source->count[s]; i++)
            if (!d->sample[s][i].bad)
                e[n++] = (extent){d->sample[s][i].height, d->sample[s][i].width};
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

static weft_status choose_shape(weft__images *d, const weft__images_opts *o)
{
    bool colour = false;
    d->height = o->height ? o->height : o->width;
    d->width = o->width ? o->width : o->height;
    if (!d->height) {
        extent e;
        weft_status s = commonest(d, &e);
        if (s) return s;
        d->height = at_most(e.height, DEFAULT_SIDE);
        d->width = at_most(e.width, DEFAULT_SIDE);
    }
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < d->source->count[s]; i++)
            colour |= d->sample[s][i].channels == 3;
    d->channels = o->channels ? o->channels : colour ? 3 : 1;
    d->bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    d->fit = o->fit;
    return WEFT_OK;
}

/* Names of classes, shape, and each sample's stamp and label, in the set's order. */
static void make_hash(weft__images *d)
{
    weft__sha256 h;
    unsigned char sum[32];
    char text[128];
    weft__sha256_start(&h);
    snprintf(text, sizeof text, "weft data 1\n%s\n%d %d %d %d\n", d->reader->name,
             d->channels, d->height, d->width, (int)d->fit);
    weft__sha256_add(&h, text, strlen(text));
    for (int c = 0; c < d->source->classes; c++)
        weft__sha256_add(&h, d->source->class_name[c],
                         strlen(d->source->class_name[c]) + 1);
    for (int s = 0; s < 3; s++) {
        snprintf(text, sizeof text, "%s %d\n", weft__split_name((weft_subset)s),
                 d->count[s]);
        weft__sha256_add(&h, text, strlen(text));
        for (int i = 0; i < d->count[s]; i++) {
            const weft__origin *o = &d->origin[s][i];
            int32_t label = d->label[s][i];
            unsigned char bytes[2] = {(unsigned char)label, (unsigned char)(label >> 8)};
            weft__sha256_add(&h, bytes, sizeof bytes);
            d->reader->stamp(d->source, (weft_subset)o->split, o->index, &h);
        }
    }
    weft__sha256_end(&h, sum);
    weft__hex(d->hash, sum, sizeof sum);
}

static uint64_t digest_of(const void *set, weft_subset s, int i)
{
    const weft__images *d = set;
    const weft__origin *o = &d->origin[s][i];
    return d->sample[o->split][o->index].digest;
}

static void name_of(const void *set, weft_subset s, int i, char *text, size_t size)
{
    weft__images_sample_name(set, s, i, text, size);
}

weft__labelled weft__images_view(const weft__images *d)
{
    weft__labelled v = {.path = d->path,
                        .classes = d->source->classes,
                        .class_name = d->source->class_name,
                        .set = d,
                        .digest = digest_of,
                        .name_of = name_of};
    for (int s = 0; s < 3; s++) v.count[s] = d->count[s], v.label[s] = d->label[s];
    return v;
}

static weft_status check_all(weft__images *d, const weft__images_opts *o,
                             const weft__sink *sink)
{
    weft_status s = weft__scan_headers(d, o, sink);
    if (!s) s = choose_shape(d, o);
    if (!s) s = weft__scan_pixels(d, o, sink);
    if (!s) s = weft__scan_verdict(d, o, sink);
    if (!s) s = weft__images_split(d, o, sink);
    if (s) return s;
    weft__labelled view = weft__images_view(d);
    s = weft__find_twins(&view, sink);
    if (!s) make_hash(d);
    return s;
}

static weft_status make(const char *path, const weft__reader *reader, weft__images **out)
{
    weft__images *d = calloc(1, sizeof *d);
    if (d) d->path = strdup(path);
    if (!d || !d->path) {
        free(d);
        return weft__fail(WEFT_ENOMEM, "no memory to open %s", path);
    }
    d->reader = reader;
    *out = d;
    return WEFT_OK;
}

weft_status weft__images_survey(const char *path, const weft__images_opts *o,
                                const weft__sink *sink, weft__images **out)
{
    const weft__reader *reader = NULL;
    weft__images *d = NULL;
    weft_status s = check_opts(o);
    if (!s) s = find_reader(path, &reader);
    if (!s) s = make(path, reader, &d);
    if (!s) s = reader->open(path, o, sink, &d->source);
    if (!s) s = check_all(d, o, sink);
    if (s)
        weft__images_close(d);
    else
        *out = d;
    return s;
}

weft_status weft__images_adopt(const weft__reader *reader, weft__source *source,
                               const weft__images_opts *o, const weft__sink *sink,
                               weft__images **out)
{
    weft__images *d = NULL;
    weft_status s = check_opts(o);
    if (!s) s = make("", reader, &d);
    if (s) {
        reader->close(source);
        return s;
    }
    d->source = source;
    s = check_all(d, o, sink);
    if (s)
        weft__images_close(d);
    else
        *out = d;
    return s;
}

bool weft__images_probe(const char *path)
{
    for (size_t i = 0; path && i < sizeof readers / sizeof *readers; i++)
        if (readers[i]->probe(path)) return true;
    return false;
}

weft__origin weft__images_origin(const weft__images *d, weft_subset s, int i)
{
    return d->origin[s][i];
}

void weft__images_close(weft__images *d)
{
    if (!d) return;
    if (d->source) d->reader->close(d->source);
    for (int s = 0; s < 3; s++) {
        free(d->sample[s]);
        free(d->cache[s]);
        free(d->origin[s]);
        free(d->label[s]);
    }
    for (size_t i = 0; i < d->bads; i++) free(d->bad[i].why);
    free(d->bad);
    free(d->path);
    free(d);
}

const char *weft__images_format(const weft__images *d)
{
    return d->reader->name;
}

static bool valid_split(weft_subset s)
{
    return s == WEFT_SUBSET_TRAIN || s == WEFT_SUBSET_VAL || s == WEFT_SUBSET_TEST;
}

int weft__images_count(const weft__images *d, weft_subset s)
{
    return valid_split(s) ? d->count[s] : 0;
}

int weft__images_classes(const weft__images *d)
{
    return d->source->classes;
}

const char *weft__images_class_name(const weft__images *d, int c)
{
    return c >= 0 && c < d->source->classes ? d->source->class_name[c] : NULL;
}

void weft__images_shape(const weft__images *d, int *channels, int *height, int *width)
{
    if (channels) *channels = d->channels;
    if (height) *height = d->height;
    if (width) *width = d->width;
}

static bool valid_sample(const weft__images *d, weft_subset s, int i)
{
    return valid_split(s) && i >= 0 && i < d->count[s];
}

int weft__images_label(const weft__images *d, weft_subset s, int i)
{
    return valid_sample(d, s, i) ? d->label[s][i] : -1;
}

void weft__images_sample_name(const weft__images *d, weft_subset s, int i, char *text,
                           size_t size)
{
    const weft__origin *o;
    if (!size) return;
    text[0] = 0;
    if (!valid_sample(d, s, i)) return;
    o = &d->origin[s][i];
    d->reader->name_of(d->source, (weft_subset)o->split, o->index, text, size);
}

const char *weft__images_hash(const weft__images *d)
{
    return d->hash;
}

const unsigned char *weft__images_pixels(const weft__images *d, weft_subset s, int i)
{
    const weft__origin *o = &d->origin[s][i];
    const unsigned char *all = d->pixels[o->split];
    return all ? all + (size_t)o->index * d->bytes : NULL;
}

weft_status weft__images_read(const weft__images *d, weft_subset s, int i, unsigned char *pixels)
{
    const unsigned char *have;
    const weft__origin *o;
    weft__picture p;
    weft_status status;
    if (!valid_sample(d, s, i))
        return weft__fail(WEFT_EUSAGE, "there is no sample %d in split %d", i, (int)s);
    have = weft__images_pixels(d, s, i);
    if (have) {
        memcpy(pixels, have, d->bytes);
        return WEFT_OK;
    }
    o = &d->origin[s][i];
    status = d->reader->read(d->source, (weft_subset)o->split, o->index, &p);
    if (status) return status;
    status = weft__picture_fit(&p, d->channels, d->height, d->width, d->fit, pixels);
    free(p.pixels);
    return status;
}
