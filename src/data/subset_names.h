/* subset_names.h: which subset the name of a file or folder speaks of. */
#ifndef WEFT_SRC_DATA_SUBSET_NAMES_H
#define WEFT_SRC_DATA_SUBSET_NAMES_H

#include "data/sink.h"

#include <stddef.h>

/* The weft_subset that a name says, whatever its case: "train", "Training", "seg_test",
 * "validation-set", "trainset2". -1: none, or more than one. Words end at what is no
 * letter and before a capital that follows a small one. *others: how many words say
 * neither a subset nor something as general as "set" or "images"; may be NULL. */
int weft__subset_named(const char *name, size_t length, int *others);

/* The folders of the subsets in a folder: those whose names say one and nothing else. A
 * folder that holds one folder of the same subset and nothing else is that one
 * (seg_train/seg_train). Paths are fresh memory; NULL: there is none. */
typedef struct weft__subset_folders {
    char *path[3], *second[3]; /* second: another one for the same subset */
    int folders;               /* all folders there are */
    int others;                /* those that are no subset's */
    char other[80];            /* one of these; "" */
} weft__subset_folders;
weft_status weft__subset_folders_find(const char *path, weft__subset_folders *out);
void weft__subset_folders_free(weft__subset_folders *f);
/* WEFT_EDATA names both when there are two for that subset. */
weft_status weft__subset_folders_check(const weft__subset_folders *f, int subset);

/* Does a folder hold folders (hidden ones do not count)? */
bool weft__holds_folders(const char *path);
/* Hidden, or left by an unpacker: never a class and never a sample. */
bool weft__is_litter(const char *name);

#endif
