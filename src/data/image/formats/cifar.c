/* cifar.c: reads CIFAR-10 and CIFAR-100 in their binary form. */
#include "data/image/formats/cifar.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "data/class_names.h"
#include "data/image/image_dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 64, FILE_LIMIT = 1 << 30 };

/* What tells the two apart. */
typedef struct variant {
    const char *folder;             /* as the archive unpacks it */
    const char *train, *val, *test; /* how file names begin */
    const char *names;
    int classes, label_bytes;
} variant;

static const variant variants[] = {
    {"cifar-10-batches-bin", "data_batch", "val_batch", "test_batch", "batches.meta.txt",
     10, 1},
    {"cifar-100-binary", "train", "val", "test", "fine_label_names.txt", 100, 2},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

typedef struct batch_file {
    char *path;
    int first; /* number of its first sample in the split */
} batch_file;

typedef struct source {
    weft__source base;
    const variant *kind;
    char *folder;
    batch_file file[3][MOST_FILES];
    int files[3];
    unsigned char *pixels[3];
} source;

weft_status weft__cifar_count(size_t size, int label_bytes, int *records)
{
    size_t record = (size_t)label_bytes + WEFT_CIFAR_BYTES;
    if (!size) return weft__fail(WEFT_EDATA, "the file is empty (0 bytes)");
    if (size % record)
        return weft__fail(
            WEFT_EDATA, "truncated at byte %zu (records of %zu bytes, the last has %zu)",
            size, record, size % record);
    if (size / record > INT32_MAX)
        return weft__fail(WEFT_EDATA, "%zu records, too many", size / record);
    *records = (int)(size / record);
    return WEFT_OK;
}

weft_status weft__cifar_decode(const unsigned char *data, size_t size, int label_bytes,
                               int classes, int32_t *label, unsigned char *pixels)
{
    size_t record = (size_t)label_bytes + WEFT_CIFAR_BYTES, n = size / record;
    enum { PLANE = WEFT_CIFAR_SIDE * WEFT_CIFAR_SIDE };
    for (size_t i = 0; i < n; i++, data += record) {
        const unsigned char *p = data + label_bytes;
        label[i] = p[-1];
        if (label[i] >= classes)
            return weft__fail(
                WEFT_EDATA, "@%zu: label %d of record %zu (0 to %d are known)",
                i * record + (size_t)label_bytes - 1, (int)label[i], i, classes - 1);
        for (int k = 0; k < PLANE; k++) {
            *pixels++ = p[k];
            *pixels++ = p[k + PLANE];
            *pixels++ = p[k + 2 * PLANE];
        }
    }
    return WEFT_OK;
}

static bool begins(const char *name, const char *with)
{
    size_t n = strlen(name), m = strlen(with);
    return n > 4 && !strncmp(name, with, m) && !strcmp(name + n - 4, ".bin");
}

/* Is a folder one of the variants? It needs a training batch. */
static const variant *variant_of(const char *folder)
{
    weft__names n;
    const variant *found = NULL;
    if (!weft__is_folder(folder) || weft__folder_list(folder, 1000000, &n)) return NULL;
    for (int v = 0; !found && v < VARIANTS; v++)
        for (size_t i = 0; !found && i < n.count; i++)
            if (begins(n.name[i], variants[v].train)) found = &variants[v];
    weft__names_free(&n);
    return found;
}

/* The folder of the batches, path itself or the archive's folder in it; or NULL. */
static char *batches_folder(const char *path, const variant **kind)
{
    *kind = variant_of(path);
    if (*kind) return strdup(path);
    for (int v = 0; v < VARIANTS; v++) {
        char *inner = weft__path_join(path, variants[v].folder);
        *kind = inner ? variant_of(inner) : NULL;
        if (*kind) return inner;
        free(inner);
    }
    return NULL;
}

static bool probe(const char *path)
{
    const variant *kind;
    char *folder = batches_folder(path, &kind);
    free(folder);
    return folder != NULL;
}

/* Appends one batch (path becomes the source's) to a split. */
static weft_status add_file(source *src, int split, char *path)
{
    weft__source *b = &src->base;
    unsigned char *data = NULL, *pixels;
    int32_t *label;
    size_t size = 0, total;
    int n = 0;
    weft_status s;
    if (src->files[split] == MOST_FILES) {
        s = weft__fail(WEFT_EDATA, "%s: more than %d batches", path, MOST_FILES);
        free(path);
        return s;
    }
    src->file[split][src->files[split]++] = (batch_file){path, b->count[split]};
    s = weft__file_read(path, FILE_LIMIT, &data, &size);
    if (s) return s;
    s = weft__cifar_count(size, src->kind->label_bytes, &n);
    total = (size_t)b->count[split] + (size_t)n;
    if (!s && (total > INT32_MAX || total > weft__max_memory() / WEFT_CIFAR_BYTES))
        s = weft__fail(WEFT_ENOMEM, "no memory for %zu records", total);
    if (!s) {
        pixels = realloc(src->pixels[split], total * WEFT_CIFAR_BYTES);
        if (pixels) src->pixels[split] = pixels;
        label = realloc(b->label[split], total * sizeof *label);
        if (label) b->label[split] = label;
        if (!pixels || !label)
            s = weft__fail(WEFT_ENOMEM, "no memory for %zu records", total);
    }
    if (!s)
        s = weft__cifar_decode(data, size, src->kind->label_bytes, b->classes,
                               b->label[split] + b->count[split],
                               src->pixels[split] +
                                   (size_t)b->count[split] * WEFT_CIFAR_BYTES);
    free(data);
    if (s) return weft__prefix(s, "%s", path);
    b->count[split] = (int)total;
    return WEFT_OK;
}

/* All batches of a folder whose names begin so, in bytewise order. */
static weft_status add_batches(source *src, const char *folder, int split,
                               const char *begin)
{
    weft__names n;
    weft_status s = weft__folder_list(folder, 1000000, &n);
    if (s) return s;
    for (size_t i = 0; !s && i < n.count; i++) {
        char *path;
        if (!begins(n.name[i], begin)) continue;
        path = weft__path_join(folder, n.name[i]);
        s = path ? add_file(src, split, path)
                 : weft__fail(WEFT_ENOMEM, "no memory for a path");
    }
    weft__names_free(&n);
    return s;
}

/* A split that the user gave: a batch, or a folder of them. */
static weft_status add_given(source *src, int split, const char *path, const char *begin)
{
    weft_status s;
    char *copy;
    if (weft__is_folder(path)) {
        s = add_batches(src, path, split, begin);
        if (!s && !src->files[split])
            s = weft__fail(WEFT_EDATA, "%s: no batches here (looked for %s*.bin)", path,
                           begin);
        return s;
    }
    copy = strdup(path);
    return copy ? add_file(src, split, copy)
                : weft__fail(WEFT_ENOMEM, "no memory for a path");
}

/* Names from the file that comes with the batches, else "0", "1", ... */
static weft_status take_classes(source *src)
{
    int known = src->kind->classes;
    weft__source *b = &src->base;
    char *path = weft__path_join(src->folder, src->kind->names);
    weft_status s = path ? weft__names_read(path, known, &b->class_name, &b->classes)
                         : weft__fail(WEFT_ENOMEM, "no memory for a path");
    if (!s && b->classes && b->classes != known)
        s = weft__fail(WEFT_EDATA, "%s: %d names, not %d", path, b->classes, known);
    if (!s && !b->classes) s = weft__names_numbered(known, &b->class_name, &b->classes);
    free(path);
    return s;
}

static void close_source(weft__source *base)
{
    source *src = (source *)base;
    if (!src) return;
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < src->files[k]; i++) free(src->file[k][i].path);
        free(src->pixels[k]);
    }
    free(src->folder);
    weft__source_clear(base);
    free(src);
}

static weft_status open_source(const char *path, const weft_dataset_opts *o,
                               const weft__sink *sink, weft__source **out)
{
    source *src = calloc(1, sizeof *src);
    const variant *kind;
    weft_status s;
    (void)sink;
    if (src) src->folder = batches_folder(path, &src->kind);
    if (!src || !src->folder) {
        free(src);
        return weft__fail(WEFT_ENOMEM, "no memory to open %s", path);
    }
    kind = src->kind;
    s = take_classes(src);
    if (!s) s = add_batches(src, src->folder, WEFT_SUBSET_TRAIN, kind->train);
    if (!s)
        s = o->val ? add_given(src, WEFT_SUBSET_VAL, o->val, kind->val)
                   : add_batches(src, src->folder, WEFT_SUBSET_VAL, kind->val);
    if (!s)
        s = o->test ? add_given(src, WEFT_SUBSET_TEST, o->test, kind->test)
                    : add_batches(src, src->folder, WEFT_SUBSET_TEST, kind->test);
    if (s) {
        close_source(&src->base);
        return s;
    }
    src->base.channels = 3;
    src->base.height = src->base.width = WEFT_CIFAR_SIDE;
    for (int k = 0; k < 3; k++) src->base.pixels[k] = src->pixels[k];
    *out = &src->base;
    return WEFT_OK;
}

static void name_of(const weft__source *base, weft_subset split, int i, char *text,
                    size_t size)
{
    const source *src = (const source *)base;
    int f = src->files[split] - 1;
    while (f > 0 && src->file[split][f].first > i) f--;
    snprintf(text, size, "%s#%d", src->file[split][f].path,
             i - src->file[split][f].first);
}

static void stamp(const weft__source *base, weft_subset split, int i, weft__sha256 *hash)
{
    unsigned char b[5] = {(unsigned char)split, (unsigned char)i, (unsigned char)(i >> 8),
                          (unsigned char)(i >> 16), (unsigned char)(i >> 24)};
    (void)base; /* every sample has the same shape */
    weft__sha256_add(hash, b, sizeof b);
}

const weft__reader weft_reader_cifar = {
    .name = "cifar",
    .probe = probe,
    .open = open_source,
    .close = close_source,
    .read = weft__source_read,
    .name_of = name_of,
    .stamp = stamp,
};
