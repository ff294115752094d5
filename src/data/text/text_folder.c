/* text_folder.c: reads class folders of .txt files, one text a file. */
#include "data/text/text_dataset.h"
#include "base/error.h"
#include "base/file.h"
#include "data/subset_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_NAMES = 20000000 };

static bool is_text(const char *name)
{
    const char *dot = strrchr(name, '.');
    return *name != '.' && dot && !strcasecmp(dot, ".txt");
}

/* Are most names in a folder those of .txt files? */
static bool holds_texts(const char *path)
{
    weft__names n;
    size_t texts = 0, all = 0;
    if (weft__folder_list(path, MOST_NAMES, &n)) return false;
    for (size_t i = 0; i < n.count; i++) {
        all += *n.name[i] != '.';
        texts += is_text(n.name[i]);
    }
    weft__names_free(&n);
    return texts && texts * 2 > all;
}

/* Two folders of texts or more, in path or in its train/. One alone may be anything,
 * such as the labels next to pictures. */
static bool holds_classes(const char *path, int deeper)
{
    weft__names n;
    int classes = 0;
    bool found = false;
    if (weft__folder_list(path, MOST_NAMES, &n)) return false;
    for (size_t i = 0; !found && i < n.count; i++) {
        char *inner = *n.name[i] == '.' ? NULL : weft__path_join(path, n.name[i]);
        if (inner && weft__is_folder(inner)) {
            classes += holds_texts(inner);
            found =
                classes > 1 ||
                (deeper && weft__subset_named(n.name[i], strlen(n.name[i]), NULL) == 0 &&
                 holds_classes(inner, deeper - 1));
        }
        free(inner);
    }
    weft__names_free(&n);
    return found;
}

bool weft__text_folder_probe(const char *path)
{
    return weft__is_folder(path) && holds_classes(path, 2);
}

/* One file, at most `most` bytes and one letter of it. */
static weft_status load_file(weft__texts *t, const weft_dataset_opts *o, const char *path,
                             const char *class, int split)
{
    FILE *f;
    char *text;
    size_t room = t->most + 4, n, skip = 0;
    uint64_t size;
    int file = weft__texts_file(t, path);
    weft_status s;
    if (file < 0) return weft__fail(WEFT_ENOMEM, "%s: no memory for its name", path);
    s = weft__file_open(path, &f, &size);
    if (s == WEFT_EIO) {
        t->rows++;
        return weft__texts_bad(t, file, 0, "cannot be opened");
    }
    if (s) return s;
    if (size < room) room = (size_t)size + 1;
    text = malloc(room);
    n = text ? fread(text, 1, room, f) : 0;
    if (text && n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) skip = 3;
    if (!text) {
        s = weft__fail(WEFT_ENOMEM, "%s: no memory to read it", path);
    } else if (ferror(f)) {
        t->rows++;
        s = weft__texts_bad(t, file, 0, "cannot be read");
    } else {
        s = weft__texts_add(t, o, split, file, 0, class, strlen(class), text + skip,
                            n - skip, n > t->most);
    }
    fclose(f);
    free(text);
    return s;
}

/* Files that were left out: how many, and one of them. */
typedef struct strays {
    size_t n;
    char example[512];
} strays;

static void stray(strays *st, const char *path)
{
    if (!st->n++) snprintf(st->example, sizeof st->example, "%s", path);
}

static weft_status load_class(weft__texts *t, const weft_dataset_opts *o,
                              const char *path, const char *class, int split, strays *st)
{
    weft__names n;
    weft_status s = weft__folder_list(path, MOST_NAMES, &n);
    if (s) return s;
    if (split == WEFT_SUBSET_TRAIN && t->target == WEFT_TARGET_CLASS &&
        weft__string_table_add(&t->names, class, strlen(class)) < 0)
        s = weft__fail(WEFT_ENOMEM, "%s: no memory for its name", path);
    for (size_t i = 0; !s && i < n.count; i++) {
        char *inner = weft__path_join(path, n.name[i]);
        if (!inner)
            s = weft__fail(WEFT_ENOMEM, "no memory for a path");
        else if (is_text(n.name[i]) && weft__is_file(inner))
            s = load_file(t, o, inner, class, split);
        else if (*n.name[i] != '.')
            stray(st, inner);
        free(inner);
    }
    weft__names_free(&n);
    return s;
}

weft_status weft__text_folder_load(weft__texts *t, const weft_dataset_opts *o,
                                   const weft__sink *sink, const char *path, int split)
{
    weft__names n;
    strays st = {0};
    size_t before = t->rows;
    weft_status s = weft__folder_list(path, MOST_NAMES, &n);
    if (s) return s;
    for (size_t i = 0; !s && i < n.count; i++) {
        char *inner = *n.name[i] == '.' ? NULL : weft__path_join(path, n.name[i]);
        if (!inner) continue;
        if (!weft__is_folder(inner))
            stray(&st, inner);
        else if (!strcmp(n.name[i], "unsup")) /* of the IMDB reviews */
            weft__found(sink, WEFT_WARNING, "unlabelled",
                        "%s: left out: texts without labels", inner);
        else
            s = load_class(t, o, inner, n.name[i], split, &st);
        free(inner);
    }
    weft__names_free(&n);
    if (st.n)
        weft__found(sink, WEFT_WARNING, "stray",
                    "%zu files that are no .txt in a class are left out, the first: %s",
                    st.n, st.example);
    if (!s && t->rows == before)
        s = weft__fail(WEFT_EDATA,
                       "%s: looked for .txt files in class folders, found none", path);
    return s;
}
