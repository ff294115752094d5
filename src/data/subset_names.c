/* subset_names.c: which subset the name of a file or folder speaks of. */
#include "data/subset_names.h"

#include "base/error.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_NAMES = 20000000 };

static const char *const subset_words[3][10] = {
    {"train", "training", "trainset", "trainingset", "traindata", "trn", NULL},
    {"val", "valid", "validation", "validate", "dev", "devel", "valset", "validset",
     "devset", NULL},
    {"test", "testing", "testset", "testingset", "testdata", "tst", NULL}};

/* Words that say no more than "data". */
static const char *const general_words[] = {
    "set",   "sets",    "data",     "dataset",  "images", "image",  "imgs",
    "img",   "pics",    "photos",   "seg",      "split",  "subset", "folder",
    "files", "samples", "texts",    "text",     "raw",    "full",   "all",
    "final", "labeled", "labelled", "pictures", NULL};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static size_t word_length(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && is_letter(p[i]) && !(i && is_capital(p[i]) && !is_capital(p[i - 1])))
        i++;
    return i;
}

static bool one_of(const char *p, size_t n, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == n && !strncasecmp(*list, p, n)) return true;
    return false;
}

int weft__subset_named(const char *name, size_t length, int *others)
{
    int found = -1, strange = 0;
    bool several = false;
    for (size_t i = 0; i < length;) {
        size_t n = word_length(name + i, length - i);
        int subset = -1;
        for (int k = 0; n && k < 3; k++)
            if (one_of(name + i, n, subset_words[k])) subset = k;
        several |= subset >= 0 && found >= 0 && subset != found;
        if (subset >= 0)
            found = subset;
        else if (n)
            strange += !one_of(name + i, n, general_words);
        i += n ? n : 1;
    }
    if (others) *others = strange;
    return several ? -1 : found;
}

bool weft__is_litter(const char *name)
{
    return name[0] == '.' || !strcmp(name, "__MACOSX") || !strcmp(name, "lost+found");
}

static int subset_of_folder(const char *name)
{
    int others, subset = weft__subset_named(name, strlen(name), &others);
    return others ? -1 : subset;
}

/* The only thing in a folder, if that is a folder for the same subset; NULL. */
static char *only_inner(const char *path, int subset)
{
    weft__names n;
    size_t count = 0, at = 0;
    char *inner = NULL;
    if (weft__folder_list(path, MOST_NAMES, &n)) return NULL;
    for (size_t i = 0; i < n.count; i++)
        if (!weft__is_litter(n.name[i])) count++, at = i;
    if (count == 1 && subset_of_folder(n.name[at]) == subset)
        inner = weft__path_join(path, n.name[at]);
    weft__names_free(&n);
    if (inner && weft__is_folder(inner)) return inner;
    free(inner);
    return NULL;
}

/* Takes path over. */
static void add(weft__subset_folders *f, int subset, char *path)
{
    char *inner = only_inner(path, subset);
    if (inner) {
        free(path);
        path = inner;
    }
    if (!f->path[subset])
        f->path[subset] = path;
    else if (!f->second[subset])
        f->second[subset] = path;
    else
        free(path);
}

weft_status weft__subset_folders_check(const weft__subset_folders *f, int subset)
{
    if (!f->second[subset]) return WEFT_OK;
    return weft__fail(WEFT_EDATA, "%s and %s could both be the subset %s; rename one%s",
                      f->path[subset], f->second[subset],
                      weft_subset_name((weft_subset)subset),
                      subset == WEFT_SUBSET_VAL    ? ", or name it by --val"
                      : subset == WEFT_SUBSET_TEST ? ", or name it by --test"
                                                   : "");
}

weft_status weft__subset_folders_find(const char *path, weft__subset_folders *out)
{
    weft__names n;
    *out = (weft__subset_folders){0};
    weft_status s = weft__folder_list(path, MOST_NAMES, &n);
    if (s) return s;
    for (size_t i = 0; !s && i < n.count; i++) {
        if (weft__is_litter(n.name[i])) continue;
        char *inner = weft__path_join(path, n.name[i]);
        int subset = subset_of_folder(n.name[i]);
        if (!inner) {
            s = weft__fail(WEFT_ENOMEM, "no memory for a path");
        } else if (!weft__is_folder(inner)) {
            free(inner);
        } else if (subset >= 0) {
            out->folders++;
            add(out, subset, inner);
        } else {
            out->folders++;
            out->others++;
            if (!out->other[0]) snprintf(out->other, sizeof out->other, "%s", n.name[i]);
            free(inner);
        }
    }
    weft__names_free(&n);
    if (s) weft__subset_folders_free(out);
    return s;
}

void weft__subset_folders_free(weft__subset_folders *f)
{
    for (int k = 0; k < 3; k++) {
        free(f->path[k]);
        free(f->second[k]);
    }
    *f = (weft__subset_folders){0};
}

bool weft__holds_folders(const char *path)
{
    weft__names n;
    bool found = false;
    if (weft__folder_list(path, MOST_NAMES, &n)) return false;
    for (size_t i = 0; !found && i < n.count; i++) {
        char *inner =
            weft__is_litter(n.name[i]) ? NULL : weft__path_join(path, n.name[i]);
        found = inner && weft__is_folder(inner);
        free(inner);
    }
    weft__names_free(&n);
    return found;
}
