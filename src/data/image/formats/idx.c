/* idx.c: reads IDX files (the format of MNIST): unsigned bytes, images in 2 to 4
 * dimensions.
 *
 * Images [n][w], [n][h][w], [n][h][w][c] or [n][c][h][w] with c 1 or 3; labels [n].
 * Files may be packed (.gz). The whole content is held in memory. */
#include "data/image/formats/idx.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "data/image/picture.h"
#include "data/class_names.h"
#include "data/image/image_dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 512, DEFLATE_MOST = 1040 };

/* One file in memory. */
typedef struct content {
    char *path;
    unsigned char *bytes;
    size_t size;
    weft__idx head;
} content;

typedef struct source {
    weft__source base;
    content images[3], labels[3];
    unsigned char *channels_last[3]; /* planar images, made channels-last */
} source;

weft_status weft__idx_parse(const unsigned char *data, size_t size, weft__idx *out)
{
    weft__idx x = {0};
    if (size < 4) return weft__fail(WEFT_EDATA, "truncated at byte %zu", size);
    if (data[0] || data[1] || !data[2])
        return weft__fail(WEFT_EDATA, "not an IDX file (begins with %02x %02x %02x %02x)",
                          data[0], data[1], data[2], data[3]);
    if (data[2] != 0x08)
        return weft__fail(WEFT_EDATA, "@2: IDX type 0x%02x (only 0x08, unsigned bytes)",
                          data[2]);
    x.dims = data[3];
    if (x.dims < 1 || x.dims > 4)
        return weft__fail(WEFT_EDATA, "@3: IDX with %d dimensions (1 to 4)", x.dims);
    x.header = 4 + 4 * (size_t)x.dims;
    if (size < x.header) return weft__fail(WEFT_EDATA, "truncated at byte %zu", size);
    for (int i = 0; i < x.dims; i++) {
        const unsigned char *p = data + 4 + 4 * i;
        uint32_t v =
            (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        if (v < 1 || v > INT32_MAX)
            return weft__fail(WEFT_EDATA, "@%d: IDX dimension %d is %lu", 4 + 4 * i, i,
                              (unsigned long)v);
        x.dim[i] = (int)v;
    }
    if (!weft__count(x.dim, x.dims, &x.content) || x.content > SIZE_MAX / 2 - x.header)
        return weft__fail(WEFT_EDATA, "@4: IDX dimensions that no file can hold");
    *out = x;
    return WEFT_OK;
}

weft_status weft__idx_images(const weft__idx *x, int *channels, int *height, int *width,
                             bool *planar)
{
    const int *d = x->dim;
    *channels = 1;
    *planar = false;
    *height = x->dims == 2 ? 1 : d[1];
    *width = x->dims == 2 ? d[1] : d[2];
    if (x->dims == 4 && (d[3] == 1 || d[3] == 3)) {
        *channels = d[3];
    } else if (x->dims == 4 && (d[1] == 1 || d[1] == 3)) {
        *planar = true;
        *channels = d[1];
        *height = d[2];
        *width = d[3];
    } else if (x->dims < 2 || x->dims > 3) {
        return weft__fail(WEFT_EDATA, "IDX of %d dimensions is not images", x->dims);
    }
    if (*height > 1 << 16 || *width > 1 << 16)
        return weft__fail(WEFT_EDATA, "IDX images of %d x %d pixels (a side may have %d)",
                          *width, *height, 1 << 16);
    return WEFT_OK;
}

/* Replaces a packed file's bytes by its content, no more than the header there says. */
static weft_status unpack(const weft__packing *packing, content *f)
{
    unsigned char *head = NULL, *all = NULL;
    size_t n = 0, need;
    bool whole;
    weft_status s = packing->unpack(f->bytes, f->size, 20, &head, &n, &whole);
    if (s) return s;
    s = weft__idx_parse(head, n, &f->head);
    free(head);
    if (s) return s;
    need = f->head.header + f->head.content;
    if (need / DEFLATE_MOST > f->size)
        return weft__fail(WEFT_EDATA,
                          "@4: header promises %zu bytes, too many for %s of "
                          "%zu bytes",
                          need, packing->name, f->size);
    s = packing->unpack(f->bytes, f->size, need + 1, &all, &n, &whole);
    if (s) return s;
    free(f->bytes);
    f->bytes = all;
    f->size = n;
    return WEFT_OK;
}

/* Reads the file at path (which becomes f's) whole. */
static weft_status load(char *path, content *f)
{
    const weft__packing *packing;
    weft_status s;
    f->path = path;
    s = weft__file_read(path, weft__max_memory() / 2, &f->bytes, &f->size);
    if (s) return s; /* names the file */
    packing = weft__packing_of(f->bytes, f->size);
    if (packing) s = unpack(packing, f);
    if (!s) s = weft__idx_parse(f->bytes, f->size, &f->head);
    if (!s && f->size < f->head.header + f->head.content)
        s = weft__fail(WEFT_EDATA, "truncated at byte %zu (its header promises %zu)",
                       f->size, f->head.header + f->head.content);
    if (!s && f->size > f->head.header + f->head.content)
        s = weft__fail(WEFT_EDATA, "@%zu: more bytes than its header promises",
                       f->head.header + f->head.content);
    return s ? weft__prefix(s, "%s", path) : WEFT_OK;
}

static bool images_name(const char *name)
{
    return name[0] != '.' && strstr(name, "images") && strstr(name, "idx");
}

/* Which split a file name speaks of; -1 when of none. */
static int split_of(const char *name)
{
    if (strstr(name, "train")) return WEFT_SUBSET_TRAIN;
    if (strstr(name, "t10k") || strstr(name, "test")) return WEFT_SUBSET_TEST;
    if (strstr(name, "val")) return WEFT_SUBSET_VAL;
    return -1;
}

/* Writes `name` with one part replaced; false when it is not there or too long. */
static bool replace(char *out, const char *name, const char *part, const char *by)
{
    const char *at = strstr(name, part);
    int n;
    if (!at) return false;
    n = snprintf(out, NAME_BYTES, "%.*s%s%s", (int)(at - name), name, by,
                 at + strlen(part));
    return n > 0 && n < NAME_BYTES;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* The label file that belongs to images file `name` in folder; NULL with a message. */
static char *labels_path(const char *folder, const char *name)
{
    char a[NAME_BYTES], b[NAME_BYTES];
    bool good = replace(a, name, "images", "labels");
    if (good && !replace(b, a, "idx3", "idx1") && !replace(b, a, "idx4", "idx1") &&
        !replace(b, a, "idx2", "idx1"))
        memcpy(b, a, sizeof b);
    for (int turn = 0; good && turn < 2; turn++) {
        char *path = weft__path_join(folder, b);
        if (path && weft__is_file(path)) return path;
        free(path);
        if (ends_with(b, ".gz"))
            b[strlen(b) - 3] = 0;
        else if (strlen(b) + 4 < sizeof b)
            memcpy(b + strlen(b), ".gz", 4);
    }
    if (good)
        weft__fail(WEFT_EDATA, "%s/%s: no label file next to it (looked for %s and .gz)",
                   folder, name, b);
    else
        weft__fail(WEFT_EDATA,
                   "%s/%s: cannot tell its label file (no \"images\" in the "
                   "name)",
                   folder, name);
    return NULL;
}

/* Loads images and labels of one split. */
static weft_status load_pair(source *src, int split, const char *folder, const char *name)
{
    content *images = &src->images[split], *labels = &src->labels[split];
    char *path;
    weft_status s;
    if (images->path)
        return weft__fail(WEFT_EDATA, "%s/%s: a second file of images for %s (also %s)",
                          folder, name, weft_subset_name((weft_subset)split),
                          images->path);
    path = labels_path(folder, name);
    if (!path) return WEFT_EDATA;
    s = load(path, labels);
    if (s) return s;
    path = weft__path_join(folder, name);
    if (!path) return weft__fail(WEFT_ENOMEM, "no memory for a path");
    s = load(path, images);
    if (s) return s;
    if (labels->head.dims != 1)
        return weft__fail(WEFT_EDATA, "%s: @3: labels with %d dimensions, not 1",
                          labels->path, labels->head.dims);
    if (labels->head.dim[0] != images->head.dim[0])
        return weft__fail(WEFT_EDATA, "%s: %d labels for the %d images of %s",
                          labels->path, labels->head.dim[0], images->head.dim[0],
                          images->path);
    return WEFT_OK;
}

/* A packed file whose unpacked copy lies next to it is left out. */
static bool has_unpacked_copy(const weft__names *n, const char *name)
{
    size_t m = strlen(name);
    if (!ends_with(name, ".gz")) return false;
    for (size_t i = 0; i < n->count; i++)
        if (strlen(n->name[i]) == m - 3 && !strncmp(n->name[i], name, m - 3)) return true;
    return false;
}

/* Loads the images files of a folder: all splits, or with only >= 0 the one for
 * that. */
static weft_status load_folder(source *src, const char *folder, int only)
{
    weft__names n;
    weft_status s = weft__folder_list(folder, 1000000, &n);
    int found = 0;
    if (s) return s;
    for (size_t i = 0; i < n.count; i++)
        found += images_name(n.name[i]) && !has_unpacked_copy(&n, n.name[i]);
    for (size_t i = 0; !s && i < n.count; i++) {
        int split = split_of(n.name[i]);
        if (!images_name(n.name[i]) || has_unpacked_copy(&n, n.name[i])) continue;
        if (only >= 0) {
            /* A folder given as a split: its file of that name, or its only one. */
            if (found > 1 && split != only) continue;
            split = only;
        } else if (split < 0) {
            split = WEFT_SUBSET_TRAIN;
        } else if (src->images[split].path && split != WEFT_SUBSET_TRAIN) {
            continue;
        }
        s = load_pair(src, split, folder, n.name[i]);
    }
    weft__names_free(&n);
    return s;
}

/* A path given by the user: a folder, or one images file. */
static weft_status load_path(source *src, const char *path, int split)
{
    char *folder;
    const char *slash = strrchr(path, '/');
    weft_status s;
    if (weft__is_folder(path)) {
        s = load_folder(src, path, split);
        if (!s && split >= 0 && !src->images[split].path)
            s = weft__fail(WEFT_EDATA, "%s: no IDX images for %s here", path,
                           weft_subset_name((weft_subset)split));
        return s;
    }
    folder =
        slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    if (!folder) return weft__fail(WEFT_ENOMEM, "no memory for a path");
    s = load_pair(src, split < 0 ? WEFT_SUBSET_TRAIN : split, folder,
                  slash ? slash + 1 : path);
    free(folder);
    return s;
}

/* [c][h][w] of every sample becomes [h][w][c]. */
static unsigned char *to_channels_last(const unsigned char *from, int n, int c,
                                       size_t pixels)
{
    unsigned char *made = weft__alloc((size_t)n * pixels, (size_t)c), *to = made;
    for (int i = 0; made && i < n; i++, from += pixels * (size_t)c)
        for (size_t p = 0; p < pixels; p++)
            for (int k = 0; k < c; k++) *to++ = from[(size_t)k * pixels + p];
    return made;
}

/* Shape and pixels of one split; all splits must have the same. */
static weft_status take_images(source *src, int split)
{
    content *f = &src->images[split];
    weft__source *b = &src->base;
    int c, h, w;
    bool planar;
    weft_status s = weft__idx_images(&f->head, &c, &h, &w, &planar);
    if (s) return weft__prefix(s, "%s", f->path);
    if (b->channels && (b->channels != c || b->height != h || b->width != w))
        return weft__fail(
            WEFT_EDATA, "%s: images of %d x %d x %d, but those of train are %d x %d x %d",
            f->path, w, h, c, b->width, b->height, b->channels);
    b->channels = c;
    b->height = h;
    b->width = w;
    b->count[split] = f->head.dim[0];
    b->pixels[split] = f->bytes + f->head.header;
    if (planar && c > 1) {
        src->channels_last[split] =
            to_channels_last(b->pixels[split], b->count[split], c, (size_t)h * (size_t)w);
        if (!src->channels_last[split])
            return weft__fail(WEFT_ENOMEM, "%s: no memory for its images", f->path);
        free(f->bytes);
        f->bytes = NULL;
        b->pixels[split] = src->channels_last[split];
    }
    return WEFT_OK;
}

static weft_status take_labels(source *src, int split)
{
    content *f = &src->labels[split];
    weft__source *b = &src->base;
    b->label[split] = weft__alloc((size_t)b->count[split], sizeof(int32_t));
    if (!b->label[split]) return weft__fail(WEFT_ENOMEM, "no memory for labels");
    for (int i = 0; i < b->count[split]; i++) {
        int label = f->bytes[f->head.header + (size_t)i];
        if (label >= b->classes)
            return weft__fail(
                WEFT_EDATA, "%s: @%zu: label %d of sample %d (0 to %d are known)",
                f->path, f->head.header + (size_t)i, label, i, b->classes - 1);
        b->label[split][i] = label;
    }
    return WEFT_OK;
}

/* Names from a file next to the images, or "0", "1", ... up to train's largest
 * label. */
static weft_status take_classes(source *src)
{
    const content *f = &src->labels[WEFT_SUBSET_TRAIN];
    weft__source *b = &src->base;
    const char *path = src->images[WEFT_SUBSET_TRAIN].path, *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
    int largest = 0;
    weft_status s;
    if (!folder) return weft__fail(WEFT_ENOMEM, "no memory for a path");
    s = weft__names_in_folder(folder, &b->class_name, &b->classes);
    for (int i = 0; i < f->head.dim[0]; i++)
        if (f->bytes[f->head.header + (size_t)i] > largest)
            largest = f->bytes[f->head.header + (size_t)i];
    if (!s && !b->classes)
        s = weft__names_known(folder, largest + 1, &b->class_name, &b->classes);
    free(folder);
    return s;
}

static bool probe(const char *path)
{
    weft__names n;
    bool found = false;
    if (weft__is_file(path)) {
        const char *slash = strrchr(path, '/');
        return images_name(slash ? slash + 1 : path);
    }
    if (!weft__is_folder(path) || weft__folder_list(path, 1000000, &n)) return false;
    for (size_t i = 0; !found && i < n.count; i++) found = images_name(n.name[i]);
    weft__names_free(&n);
    return found;
}

static void close_source(weft__source *base)
{
    source *src = (source *)base;
    if (!src) return;
    for (int k = 0; k < 3; k++) {
        free(src->images[k].path);
        free(src->images[k].bytes);
        free(src->labels[k].path);
        free(src->labels[k].bytes);
        free(src->channels_last[k]);
    }
    weft__source_clear(base);
    free(src);
}

static weft_status open_source(const char *path, const weft_dataset_opts *o,
                               const weft__sink *sink, weft__source **out)
{
    source *src = calloc(1, sizeof *src);
    weft_status s;
    (void)sink;
    if (!src) return weft__fail(WEFT_ENOMEM, "no memory to open %s", path);
    s = o->val ? load_path(src, o->val, WEFT_SUBSET_VAL) : WEFT_OK;
    if (!s && o->test) s = load_path(src, o->test, WEFT_SUBSET_TEST);
    if (!s) s = load_path(src, path, -1);
    if (!s && !src->images[WEFT_SUBSET_TRAIN].path)
        s = weft__fail(WEFT_EDATA,
                       "%s: no images to train on (looked for "
                       "train-images-idx3-ubyte[.gz])",
                       path);
    if (!s) s = take_classes(src);
    for (int k = 0; !s && k < 3; k++) {
        if (!src->images[k].path) continue;
        s = take_images(src, k);
        if (!s) s = take_labels(src, k);
    }
    if (s)
        close_source(&src->base);
    else
        *out = &src->base;
    return s;
}

static void name_of(const weft__source *base, weft_subset split, int i, char *text,
                    size_t size)
{
    const source *src = (const source *)base;
    snprintf(text, size, "%s#%d", src->images[split].path, i);
}

static void stamp(const weft__source *base, weft_subset split, int i, weft__sha256 *hash)
{
    unsigned char b[5] = {(unsigned char)split, (unsigned char)i, (unsigned char)(i >> 8),
                          (unsigned char)(i >> 16), (unsigned char)(i >> 24)};
    (void)base; /* every sample has the shape that is in the hash already */
    weft__sha256_add(hash, b, sizeof b);
}

const weft__reader weft_reader_idx = {
    .name = "idx",
    .probe = probe,
    .open = open_source,
    .close = close_source,
    .read = weft__source_read,
    .name_of = name_of,
    .stamp = stamp,
};
