/* text_files.c: which files or folders are the splits of a set of texts. */
#include "data/text/text_dataset.h"
#include "base/error.h"
#include "base/file.h"
#include "data/subset_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_NAMES = 1000000, LONGEST = 512 };

void weft__text_files_free(weft__text_files *f)
{
    for (int s = 0; s < 3; s++) free(f->path[s]);
    *f = (weft__text_files){0};
}

/* Endings of what lies next to a set and is none. */
static bool is_other(const char *name)
{
    static const char *const ending[] = {
        ".md",  ".py",   ".npz",  ".npy", ".json", ".pkl",   ".bin",  ".onnx", ".ckpt",
        ".sh",  ".html", ".yaml", ".yml", ".png",  ".jpg",   ".jpeg", ".zip",  ".tar",
        ".pdf", ".bz2",  ".zst",  ".log", ".ids",  ".vocab", ".vec",  "~"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        size_t m = strlen(ending[i]);
        if (n > m && !strcasecmp(name + n - m, ending[i])) return true;
    }
    return *name == '.';
}

/* How well a name says that it is a split: 3 "train.tsv", 2 "x.train.txt", 1 (train)
 * "train45k.txt", 0 not at all. */
static int says(const char *name, int split)
{
    int others = 0, subset = weft__subset_named(name, strlen(name), NULL);
    size_t n = strcspn(name, ".");
    bool starts = split == WEFT_SUBSET_TRAIN && !strncasecmp(name, "train", 5);
    if (is_other(name) || (subset >= 0 && subset != split)) return 0;
    if (subset < 0 || (starts && name[5] >= '0' && name[5] <= '9')) return starts;
    return weft__subset_named(name, n, &others) == split && !others ? 3 : 2;
}

/* What a folder offers for one split. */
typedef struct offer {
    int rank, n;
    const char *name, *other;
} offer;

static void consider(offer *o, const char *name, int split)
{
    int rank = says(name, split);
    if (!rank || rank < o->rank) return;
    if (rank > o->rank) *o = (offer){rank, 0, NULL, NULL};
    if (o->n++)
        o->other = name;
    else
        o->name = name;
}

static weft_status pick(const char *folder, const offer *o, int split, char **out)
{
    if (!o->n) return WEFT_OK;
    if (o->n > 1)
        return weft__fail(WEFT_EDATA,
                          "%s: %d files could be the texts for %s (%s, %s); name the one "
                          "that is meant",
                          folder, o->n, weft_subset_name((weft_subset)split), o->name,
                          o->other);
    *out = weft__path_join(folder, o->name);
    return *out ? WEFT_OK : weft__fail(WEFT_ENOMEM, "no memory for a path");
}

/* train.*, dev.*, test.* in a folder; the offers' names are those of n. */
static weft_status look_around(const char *folder, weft__names *n, offer offers[3])
{
    weft_status s = weft__folder_list(folder, MOST_NAMES, n);
    for (int k = 0; k < 3; k++) offers[k] = (offer){0};
    for (size_t i = 0; !s && i < n->count; i++) {
        char *path = weft__path_join(folder, n->name[i]);
        if (path && weft__is_file(path))
            for (int k = 0; k < 3; k++) consider(&offers[k], n->name[i], k);
        free(path);
    }
    return s;
}

static weft_status look_for_files(const char *folder, weft__text_files *out)
{
    weft__names n;
    offer offers[3];
    weft_status s = look_around(folder, &n, offers);
    if (s) return s;
    for (int k = 0; !s && k < 3; k++) s = pick(folder, &offers[k], k, &out->path[k]);
    weft__names_free(&n);
    return s;
}

/* A folder that was found for a subset, but holds no class folders: it has no labels. */
static void leave_out_unlabelled(weft__subset_folders *f, int split,
                                 const weft__sink *sink)
{
    if (!f->path[split] || weft__holds_folders(f->path[split])) return;
    weft__found(sink, WEFT_WARNING, "unlabelled",
                "%s: left out: its texts are in no class folders; they cannot be the %s "
                "set",
                f->path[split], weft_subset_name((weft_subset)split));
    free(f->path[split]);
    f->path[split] = NULL;
}

static weft_status look_for_folders(const char *path, const weft_dataset_opts *o,
                                    const weft__sink *sink, weft__text_files *out)
{
    weft__subset_folders f;
    weft_status s = weft__subset_folders_find(path, &f);
    out->folders = true;
    if (!s && f.path[0] && weft__holds_folders(f.path[0])) {
        s = weft__subset_folders_check(&f, WEFT_SUBSET_TRAIN);
        if (!s && !o->val) s = weft__subset_folders_check(&f, WEFT_SUBSET_VAL);
        if (!s && !o->test) s = weft__subset_folders_check(&f, WEFT_SUBSET_TEST);
        if (!s && !o->val) leave_out_unlabelled(&f, WEFT_SUBSET_VAL, sink);
        if (!s && !o->test) leave_out_unlabelled(&f, WEFT_SUBSET_TEST, sink);
        for (int k = 0; !s && k < 3; k++) {
            out->path[k] = f.path[k];
            f.path[k] = NULL;
        }
    } else if (!s) {
        out->path[0] = strdup(path);
        if (!out->path[0]) s = weft__fail(WEFT_ENOMEM, "no memory for a path");
    }
    weft__subset_folders_free(&f);
    return s;
}

static weft_status replace(char **path, const char *given)
{
    if (!given) return WEFT_OK;
    free(*path);
    *path = strdup(given);
    return *path ? WEFT_OK : weft__fail(WEFT_ENOMEM, "no memory for a path");
}

/* What is there instead, for the message. */
static weft_status nothing(const char *path)
{
    weft__names n;
    char list[LONGEST] = "";
    size_t at = 0;
    weft_status s = weft__folder_list(path, MOST_NAMES, &n);
    if (s) return s;
    for (size_t i = 0; i < n.count && i < 5 && at < sizeof list - 80; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.64s", i ? ", " : " (",
                               n.name[i]);
    s = weft__fail(
        WEFT_EDATA,
        "%s: no texts here: looked for train.tsv, .csv, .jsonl or .txt, or for "
        "class folders of .txt files; found %zu entries%s%s",
        path, n.count, list, n.count ? (n.count > 5 ? ", ...)" : ")") : "");
    weft__names_free(&n);
    return s;
}

/* A split's files are of one kind. */
static weft_status check_kind(const weft__text_files *f, int split)
{
    const char *path = f->path[split];
    if (!path) return WEFT_OK;
    if (f->folders ? weft__is_folder(path) : weft__is_file(path)) return WEFT_OK;
    return weft__fail(WEFT_EDATA, "%s: looked for a %s for %s, found %s", path,
                      f->folders ? "folder of class folders" : "file of texts",
                      weft_subset_name((weft_subset)split),
                      weft__is_file(path)     ? "a file"
                      : weft__is_folder(path) ? "a folder"
                                              : "nothing");
}

weft_status weft__text_files_find(const char *path, const weft_dataset_opts *o,
                                  const weft__sink *sink, weft__text_files *out)
{
    weft_status s = WEFT_OK;
    *out = (weft__text_files){0};
    if (weft__is_folder(path)) {
        s = look_for_files(path, out);
        if (!s && !out->path[0]) {
            weft__text_files_free(out);
            s = weft__text_folder_probe(path) ? look_for_folders(path, o, sink, out)
                                              : nothing(path);
        }
    } else if (!weft__is_file(path)) {
        s = weft__fail(WEFT_EDATA, "%s: no such folder or file", path);
    } else {
        s = replace(&out->path[0], path);
    }
    if (!s) s = replace(&out->path[1], o->val);
    if (!s) s = replace(&out->path[2], o->test);
    for (int k = 0; !s && k < 3; k++) s = check_kind(out, k);
    if (s) weft__text_files_free(out);
    return s;
}

bool weft__text_files_probe(const char *path)
{
    const weft__text_reader *reader;
    offer offers[3];
    weft__names n;
    char *train;
    bool found;
    if (weft__is_file(path)) return !weft__text_reader_of(path, NULL, &reader);
    if (!weft__is_folder(path) || look_around(path, &n, offers)) return false;
    train = offers[0].n ? weft__path_join(path, offers[0].name) : NULL;
    found = train ? !weft__text_reader_of(train, NULL, &reader)
                  : weft__text_folder_probe(path);
    free(train);
    weft__names_free(&n);
    return found;
}
