/* labelled.h: what pictures and texts have in common: labelled samples in three splits,
 * some of them bad, some there twice. */
#ifndef WEFT_SRC_LABELLED_H
#define WEFT_SRC_LABELLED_H

#include "data/sink.h"

#include <stddef.h>

/* A look at a set, for the checks. */
typedef struct weft__labelled {
    const char *path;
    int classes;
    char *const *class_name;
    int count[3];
    const int32_t *label[3];
    const void *set; /* for the two below */
    /* Of a sample's content; equal contents have equal ones, 0: not known. */
    uint64_t (*digest)(const void *set, weft_subset s, int i);
    void (*name_of)(const void *set, weft_subset s, int i, char *text, size_t size);
} weft__labelled;

const char *weft__split_name(weft_subset s); /* "train", "val", "test" */

/* Marks the samples that go to validation: of each class a share (one at least, never
 * all) drawn by (seed, class), so the draw of a class does not depend on the others.
 * label[i] < 0 takes no part. fraction 0 means 0.1. */
weft_status weft__stratify(const int32_t *label, int n, int classes, double fraction,
                           uint64_t seed, bool *chosen);

/* Classes without samples or with few, one class only, nothing to train on. */
weft_status weft__check_classes(const weft__labelled *d, const weft__sink *sink);
/* The largest class of train has much more samples than the smallest. */
weft_status weft__check_balance(const weft__labelled *d, const weft__sink *sink);
/* Samples that are there more than once, in a split or across splits. */
weft_status weft__find_twins(const weft__labelled *d, const weft__sink *sink);

/* Samples that cannot be read. */
typedef struct weft__bads {
    const char *path; /* of the set */
    size_t bad, all;
    const void *set;
    const char *(*why)(const void *set, size_t i); /* names the sample too */
    void (*name_of)(const void *set, size_t i, char *text, size_t size);
} weft__bads;

/* Whether to go on without them. Lists them in the file bad_list (may be NULL) with
 * skip_bad; most is a percentage, 0 means 100. */
weft_status weft__verdict(const weft__bads *b, bool skip_bad, double most,
                          const char *bad_list, const weft__sink *sink);

#endif
