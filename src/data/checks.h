/* checks.h: what all modalities have in common: samples with targets in three subsets,
 * some of them bad, some there twice. */
#ifndef WEFT_SRC_DATA_CHECKS_H
#define WEFT_SRC_DATA_CHECKS_H

#include "data/dataset.h"
#include "data/sink.h"

#include <stddef.h>

/* Marks the samples that go to validation: of each class a share (one at least,
 * never all) drawn by (seed, class), so the draw of a class does not depend on the
 * others. label[i] < 0 takes no part. fraction 0 means 0.1. Where targets are
 * values, all samples are of class 0, and classes is 1. */
weft_status weft__stratify(const int32_t *label, int n, int classes, double fraction,
                           uint64_t seed, bool *chosen);

/* Classes without samples or with few, one class or one value only, nothing to train
 * on. */
weft_status weft__check_targets(const weft_dataset *d, const weft__sink *sink);
/* Classes whose names look alike: but for case, blanks (no-break ones too) or the way a
 * number is written; and names that stand for a missing label, as NaN. Warnings. */
weft_status weft__check_alike(const weft_dataset *d, const weft__sink *sink);
/* The largest class of train has much more samples than the smallest. */
weft_status weft__check_balance(const weft_dataset *d, const weft__sink *sink);
/* Samples that are there more than once, in a subset or across subsets. digest: of a
 * sample's content; equal contents have equal ones, 0: not known. */
weft_status weft__find_duplicates(const weft_dataset *d,
                                  uint64_t (*digest)(const weft_dataset *d, weft_subset s,
                                                     int i),
                                  const weft__sink *sink);

/* Samples that cannot be read. */
typedef struct weft__bad_samples {
    const char *path; /* of the set */
    size_t bad, all;
    const void *set;
    const char *(*why)(const void *set, size_t i); /* names the sample too */
    void (*name_of)(const void *set, size_t i, char *text, size_t size);
} weft__bad_samples;

/* Whether to go on without them. Of o: skip_bad, skip_bad_max, bad_list (which lists
 * them with skip_bad). */
weft_status weft__check_bad_samples(const weft__bad_samples *b,
                                    const weft_dataset_opts *o, const weft__sink *sink);

#endif
