/* duplicates.c: samples that are there more than once, in a split or across splits. */
#include "data/checks.h"
#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    uint64_t digest;
    int32_t split, index, label;
} entry;

/* What was counted, and the first example of each. */
typedef struct tally {
    size_t within[3]; /* samples that stand in the same split before */
    size_t across[3]; /* samples of val and test that are in train too */
    size_t contrary;  /* same content, other label than the first one's */
    const entry *within_a[3], *within_b[3], *across_a[3], *across_b[3];
    const entry *contrary_a, *contrary_b;
} tally;

static int by_digest(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->digest != y->digest) return x->digest < y->digest ? -1 : 1;
    if (x->split != y->split) return x->split < y->split ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* An example is the first in the set's order, whatever the digests are. */
static void keep(const entry **a, const entry **b, const entry *x, const entry *y)
{
    if (*b &&
        ((*b)->split < y->split || ((*b)->split == y->split && (*b)->index < y->index)))
        return;
    *a = x;
    *b = y;
}

/* Counts one run of equal samples. */
static void count(const entry *t, size_t n, tally *sum)
{
    const entry *first = t;
    for (size_t i = 1; i < n; i++) {
        int s = t[i].split;
        if (s == t[i - 1].split) {
            sum->within[s]++;
            keep(&sum->within_a[s], &sum->within_b[s], &t[i - 1], &t[i]);
        }
        if (s != WEFT_SUBSET_TRAIN && first->split == WEFT_SUBSET_TRAIN) {
            sum->across[s]++;
            keep(&sum->across_a[s], &sum->across_b[s], first, &t[i]);
        }
        if (t[i].label != first->label) {
            sum->contrary++;
            keep(&sum->contrary_a, &sum->contrary_b, first, &t[i]);
        }
    }
}

static void tell(const weft_dataset *d, const weft__sink *sink, const char *code,
                 const char *what, size_t n, const entry *a, const entry *b)
{
    char x[512], y[512];
    if (!n) return;
    weft_dataset_sample_name(d, (weft_subset)a->split, a->index, x, sizeof x);
    weft_dataset_sample_name(d, (weft_subset)b->split, b->index, y, sizeof y);
    weft__found(sink, WEFT_WARNING, code, "%zu samples of %s %s, the first: %s and %s", n,
                weft_subset_name((weft_subset)b->split), what, y, x);
}

/* Equal targets have equal numbers. */
static int32_t target_of(const weft_dataset *d, int s, int i)
{
    int32_t bits = 0;
    if (d->target == WEFT_TARGET_CLASS) return d->label[s][i];
    if (d->values == 1) memcpy(&bits, &d->value[s][i], sizeof bits);
    return bits;
}

static size_t collect(const weft_dataset *d,
                      uint64_t (*digest)(const weft_dataset *d, weft_subset s, int i),
                      entry *t)
{
    size_t n = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < d->count[s]; i++) {
            uint64_t content = digest(d, (weft_subset)s, i);
            if (content) t[n++] = (entry){content, s, i, target_of(d, s, i)};
        }
    return n;
}

weft_status weft__find_duplicates(const weft_dataset *d,
                                  uint64_t (*digest)(const weft_dataset *d, weft_subset s,
                                                     int i),
                                  const weft__sink *sink)
{
    size_t n = 1;
    tally sum = {0};
    entry *t;
    for (int s = 0; s < 3; s++) n += (size_t)d->count[s];
    t = weft__alloc(n, sizeof *t);
    if (!t) return weft__fail(WEFT_ENOMEM, "no memory to compare %zu samples", n);
    n = collect(d, digest, t);
    if (n) qsort(t, n, sizeof *t, by_digest);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && t[end].digest == t[i].digest; end++) continue;
        if (end - i > 1) count(t + i, end - i, &sum);
    }
    for (int s = 0; s < 3; s++)
        tell(d, sink, "duplicate", "are there more than once", sum.within[s],
             sum.within_a[s], sum.within_b[s]);
    for (int s = 1; s < 3; s++)
        tell(d, sink, "overlap", "are in train too", sum.across[s], sum.across_a[s],
             sum.across_b[s]);
    tell(d, sink, "contrary-labels",
         "(or more splits) have a duplicate with another label", sum.contrary,
         sum.contrary_a, sum.contrary_b);
    free(t);
    return WEFT_OK;
}
