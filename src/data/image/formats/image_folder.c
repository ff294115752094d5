/* image_folder.c: reads folders of class folders of pictures, with or without train/
 * val/ test/.
 *
 * Names are taken in bytewise order. A class's pictures are those in its folder and
 * in the folders below it, to a depth of eight. Hidden names are skipped; so is what
 * is neither a file nor a folder, a folder that contains itself through a link, and
 * files that are no pictures, with one warning. */
#include "base/arena.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "data/image/image_dataset.h"
#include "data/subset_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEPTH = 8, MOST_NAMES = 20000000, MOST_CLASSES = 65535 };

/* The pictures of one split. */
typedef struct shelf {
    char **path;
    uint64_t *bytes; /* of each file */
    size_t room;
    size_t root; /* length of the split's folder name in each path */
} shelf;

typedef struct source {
    weft__source base;
    weft__arena arena;
    shelf shelf[3];
    size_t max_pixels;
    bool values; /* names of folders are numbers, not classes */
} source;

/* Files that were left out: how many, and one of them. */
typedef struct strays {
    size_t n;
    char example[512];
} strays;

/* What a walk through one class carries. */
typedef struct walk {
    source *src;
    const weft__sink *sink;
    strays *strays;
    int split, class;
} walk;

/* The folders above, to notice one that contains itself. */
typedef struct above {
    const struct above *up;
    dev_t device;
    ino_t inode;
    int depth;
} above;

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory to list the pictures");
}

static weft_status add(walk *w, const char *path, uint64_t bytes)
{
    weft__source *b = &w->src->base;
    shelf *sh = &w->src->shelf[w->split];
    size_t n = (size_t)b->count[w->split];
    if (n == sh->room) {
        size_t room = n ? n * 2 : 256;
        char **grown = realloc(sh->path, room * sizeof *grown);
        uint64_t *sizes;
        int32_t *labels;
        if (grown) sh->path = grown;
        sizes = realloc(sh->bytes, room * sizeof *sizes);
        if (sizes) sh->bytes = sizes;
        labels = realloc(b->label[w->split], room * sizeof *labels);
        if (labels) b->label[w->split] = labels;
        if (!grown || !sizes || !labels || room > INT32_MAX) return no_memory();
        sh->room = room;
    }
    sh->path[n] = weft__arena_text(&w->src->arena, path);
    if (!sh->path[n]) return no_memory();
    sh->bytes[n] = bytes;
    b->label[w->split][n] = w->class;
    b->count[w->split]++;
    return WEFT_OK;
}

static void stray(strays *st, const char *path)
{
    if (!st->n++) snprintf(st->example, sizeof st->example, "%s", path);
}

/* A file without an ending: is it a picture by its content? */
static bool looks_like_picture(const char *path)
{
    unsigned char start[16];
    FILE *f;
    size_t n;
    if (weft__file_open(path, &f, NULL)) return false;
    n = fread(start, 1, sizeof start, f);
    fclose(f);
    return weft__decoder_of(start, n) != NULL;
}

static bool is_picture(const char *path, const char *name)
{
    return weft__picture_suffix(name) || (!strchr(name, '.') && looks_like_picture(path));
}

static weft_status walk_folder(walk *w, const char *path, const above *up);

/* One name in a class folder. */
static weft_status visit(walk *w, const char *path, const char *name, const above *here)
{
    struct stat st;
    if (stat(path, &st)) {
        int err = errno;
        weft__found(w->sink, WEFT_WARNING, "unreachable", "%s: left out: %s", path,
                    strerror(err));
    } else if (S_ISREG(st.st_mode)) {
        if (is_picture(path, name)) return add(w, path, (uint64_t)st.st_size);
        stray(w->strays, path);
    } else if (!S_ISDIR(st.st_mode)) {
        weft__found(w->sink, WEFT_WARNING, "not-a-file",
                    "%s: left out: neither a file nor a folder", path);
    } else {
        above inner = {here, st.st_dev, st.st_ino, here->depth + 1};
        for (const above *a = here; a; a = a->up)
            if (a->device == st.st_dev && a->inode == st.st_ino) {
                weft__found(w->sink, WEFT_WARNING, "loop",
                            "%s: left out: a link to a folder above it", path);
                return WEFT_OK;
            }
        if (inner.depth <= DEPTH) return walk_folder(w, path, &inner);
        weft__found(w->sink, WEFT_WARNING, "too-deep",
                    "%s: left out: folders nest deeper than %d", path, DEPTH);
    }
    return WEFT_OK;
}

static weft_status walk_folder(walk *w, const char *path, const above *here)
{
    weft__names n;
    weft_status s = weft__folder_list(path, MOST_NAMES, &n);
    if (s == WEFT_EIO) {
        weft__found(w->sink, WEFT_WARNING, "unreachable", "%s; left out",
                    weft_last_error());
        return WEFT_OK;
    }
    for (size_t i = 0; !s && i < n.count; i++) {
        char *inner;
        if (weft__is_litter(n.name[i])) continue;
        inner = weft__path_join(path, n.name[i]);
        s = inner ? visit(w, inner, n.name[i], here) : no_memory();
        free(inner);
    }
    if (s) {
        weft__names_free(&n);
        return s;
    }
    weft__names_free(&n);
    return WEFT_OK;
}

/* Adds the classes of the training subset: every folder in it. */
static weft_status add_class(source *src, const char *name, int *class)
{
    weft__source *b = &src->base;
    if (b->classes == MOST_CLASSES && !src->values)
        return weft__fail(WEFT_EDATA, "more than %d class folders", MOST_CLASSES);
    if (b->classes % 64 == 0) {
        char **grown = realloc(b->class_name, ((size_t)b->classes + 64) * sizeof *grown);
        if (!grown) return no_memory();
        b->class_name = grown;
    }
    b->class_name[b->classes] = strdup(name);
    if (!b->class_name[b->classes]) return no_memory();
    *class = b->classes++;
    return WEFT_OK;
}

static int class_of(const source *src, const char *name)
{
    for (int c = 0; c < src->base.classes; c++)
        if (!strcmp(src->base.class_name[c], name)) return c;
    return -1;
}

/* One class folder of one split. */
static weft_status read_class(walk *w, const char *root, const char *path,
                              const char *name)
{
    struct stat st;
    above top = {NULL, 0, 0, 0}, here = {&top, 0, 0, 1};
    weft_status s = WEFT_OK;
    if (w->split == WEFT_SUBSET_TRAIN || w->src->values) {
        s = add_class(w->src, name, &w->class);
    } else {
        w->class = class_of(w->src, name);
        if (w->class < 0)
            return weft__reject(w->sink, "unknown-class",
                                "%s: class \"%s\" is not in the training set", path,
                                name);
    }
    if (!s && !stat(root, &st)) top.device = st.st_dev, top.inode = st.st_ino;
    if (!s && !stat(path, &st)) here.device = st.st_dev, here.inode = st.st_ino;
    return s ? s : walk_folder(w, path, &here);
}

static void tell_strays(const strays *st, const weft__sink *sink)
{
    if (st->n)
        weft__found(
            sink, WEFT_WARNING, "stray",
            "%zu files that are no pictures in a class are left out, the first: %s",
            st->n, st->example);
}

/* Reads root's class folders into a split.  */
static weft_status read_split(source *src, const weft__sink *sink, const char *root,
                              int split)
{
    weft__names n;
    strays st = {0};
    weft_status s = weft__folder_list(root, MOST_NAMES, &n);
    size_t length = strlen(root);
    if (s) return s;
    src->shelf[split].root = length && root[length - 1] == '/' ? length : length + 1;
    for (size_t i = 0; !s && i < n.count; i++) {
        walk w = {src, sink, &st, split, 0};
        char *path;
        if (weft__is_litter(n.name[i])) continue;
        path = weft__path_join(root, n.name[i]);
        if (!path)
            s = no_memory();
        else if (weft__is_folder(path))
            s = read_class(&w, root, path, n.name[i]);
        else
            stray(&st, path);
        free(path);
    }
    weft__names_free(&n);
    tell_strays(&st, sink);
    return s;
}

static bool probe(const char *path)
{
    weft__names n;
    bool found = false;
    if (!weft__is_folder(path) || weft__folder_list(path, MOST_NAMES, &n)) return false;
    for (size_t i = 0; !found && i < n.count; i++) {
        char *inner =
            weft__is_litter(n.name[i]) ? NULL : weft__path_join(path, n.name[i]);
        found = inner && (weft__is_folder(inner) || weft__picture_suffix(n.name[i]));
        free(inner);
    }
    weft__names_free(&n);
    return found;
}

/* Pictures that stand in a folder itself, not in a class folder. */
static int pictures_in(const char *path)
{
    weft__names n;
    int pictures = 0;
    if (weft__folder_list(path, MOST_NAMES, &n)) return 0;
    for (size_t i = 0; i < n.count; i++) {
        char *inner =
            weft__is_litter(n.name[i]) ? NULL : weft__path_join(path, n.name[i]);
        pictures += inner && !weft__is_folder(inner) && weft__picture_suffix(n.name[i]);
        free(inner);
    }
    weft__names_free(&n);
    return pictures;
}

/* Without a folder for training: folders of other subsets by themselves are not
 * classes. */
static weft_status check_no_train(const char *path, const weft__subset_folders *f)
{
    if (!f->folders)
        return weft__fail(
            WEFT_EDATA,
            "%s: looked for a folder per class with its pictures (CLASS/*.png) "
            "or train/CLASS/, found %d pictures without a class",
            path, pictures_in(path));
    if (f->others) return WEFT_OK;
    if (f->path[0])
        return weft__fail(WEFT_EDATA,
                          "%s: looked for a folder per class, found %d pictures without "
                          "a class",
                          f->path[0], pictures_in(f->path[0]));
    return weft__fail(WEFT_EDATA,
                      "%s: looked for train/ next to the %d folders val/ or test/, found "
                      "none",
                      path, f->folders);
}

static void close_source(weft__source *base)
{
    source *src = (source *)base;
    if (!src) return;
    for (int k = 0; k < 3; k++) {
        free(src->shelf[k].path);
        free(src->shelf[k].bytes);
    }
    weft__arena_free(&src->arena);
    weft__source_clear(base);
    free(src);
}

/* A folder that was found for a subset, but holds pictures without classes, as the test
 * sets of competitions: there is nothing to measure with it. */
static bool is_unlabelled(const weft__sink *sink, const char *folder, int split)
{
    if (weft__holds_folders(folder)) return false;
    weft__found(sink, WEFT_WARNING, "unlabelled",
                "%s: left out: its %d pictures are in no class folders; they cannot be "
                "the %s set",
                folder, pictures_in(folder), weft_subset_name((weft_subset)split));
    return true;
}

/* A split's folder: the user's, or the one found next to that for training; NULL: there
 * is none. */
static weft_status read_other(source *src, const weft__sink *sink, const char *given,
                              const weft__subset_folders *f, int split)
{
    const char *folder = given ? given : f->path[split];
    weft_status s = given ? WEFT_OK : weft__subset_folders_check(f, split);
    if (s || !folder) return s;
    if (!given && is_unlabelled(sink, folder, split)) return WEFT_OK;
    if (!weft__is_folder(folder))
        return weft__fail(WEFT_EDATA,
                          "%s: looked for a folder of class folders for %s, found %s",
                          folder, weft_subset_name((weft_subset)split),
                          weft__is_file(folder) ? "a file" : "nothing");
    s = read_split(src, sink, folder, split);
    if (!s && !src->base.count[split])
        s = weft__reject(sink, "empty",
                         "%s: looked for pictures in class folders, found none", folder);
    return s;
}

/* The folders of the subsets, when one for training is among them and holds class
 * folders; all NULL otherwise. */
static weft_status find_splits(const char *path, const weft__sink *sink,
                               weft__subset_folders *f)
{
    weft_status s = weft__subset_folders_find(path, f);
    if (s) return s;
    if (f->path[0] && weft__holds_folders(f->path[0])) {
        s = weft__subset_folders_check(f, WEFT_SUBSET_TRAIN);
        if (!s && f->others)
            weft__found(sink, WEFT_WARNING, "beside",
                        "%s: %d folders beside the training set are left out, the first: "
                        "%s",
                        path, f->others, f->other);
    } else {
        s = check_no_train(path, f);
        weft__subset_folders_free(f);
    }
    return s;
}

/* The first rules, said in the words of folders; a lint comes to them later. */
static weft_status check_train(const source *src, const char *folder)
{
    const weft__source *b = &src->base;
    if (b->classes < (src->values ? 1 : 2))
        return weft__fail(WEFT_EDATA, "%s: looked for %s, found %s%s%s", folder,
                          src->values ? "folders whose names are numbers"
                                      : "two class folders or more",
                          b->classes ? "one: \"" : "none",
                          b->classes ? b->class_name[0] : "", b->classes ? "\"" : "");
    if (!b->count[WEFT_SUBSET_TRAIN])
        return weft__fail(WEFT_EDATA,
                          "%s: looked for pictures in %d class folders, found none",
                          folder, b->classes);
    return WEFT_OK;
}

static weft_status open_source(const char *path, const weft_dataset_opts *o,
                               const weft__sink *sink, weft__source **out)
{
    source *src = calloc(1, sizeof *src);
    weft__subset_folders f = {0};
    if (!src) return no_memory();
    src->max_pixels = weft__max_pixels(o->image.max_megapixels);
    src->values = o->target == WEFT_TARGET_VALUES;
    weft_status s = find_splits(path, sink, &f);
    const char *train = f.path[0] ? f.path[0] : path;
    if (!s) s = read_split(src, sink, train, WEFT_SUBSET_TRAIN);
    if (!s && !sink->lint) s = check_train(src, train);
    if (!s) s = read_other(src, sink, o->val, &f, WEFT_SUBSET_VAL);
    if (!s) s = read_other(src, sink, o->test, &f, WEFT_SUBSET_TEST);
    weft__subset_folders_free(&f);
    if (s)
        close_source(&src->base);
    else
        *out = &src->base;
    return s;
}

static weft_status header(const weft__source *base, weft_subset split, int i,
                          weft__picture *out)
{
    const source *src = (const source *)base;
    return weft__picture_file(src->shelf[split].path[i], src->max_pixels, true, out);
}

static weft_status read_sample(const weft__source *base, weft_subset split, int i,
                               weft__picture *out)
{
    const source *src = (const source *)base;
    return weft__picture_file(src->shelf[split].path[i], src->max_pixels, false, out);
}

static void name_of(const weft__source *base, weft_subset split, int i, char *text,
                    size_t size)
{
    const source *src = (const source *)base;
    snprintf(text, size, "%s", src->shelf[split].path[i]);
}

static void stamp(const weft__source *base, weft_subset split, int i, weft__sha256 *hash)
{
    const shelf *sh = &((const source *)base)->shelf[split];
    const char *name = sh->path[i] + sh->root;
    char bytes[32];
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)sh->bytes[i]);
    weft__sha256_add(hash, name, strlen(name) + 1);
    weft__sha256_add(hash, bytes, strlen(bytes) + 1);
}

const weft__reader weft_reader_image_folder = {
    .name = "image-folder",
    .probe = probe,
    .open = open_source,
    .close = close_source,
    .header = header,
    .read = read_sample,
    .name_of = name_of,
    .stamp = stamp,
};
