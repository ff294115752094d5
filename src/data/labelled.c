/* labelled.c: labelled samples, whatever they are: which go to validation, and whether
 * every class has some. */
#include "data/labelled.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 10 };

const char *weft__split_name(weft_subset s)
{
    static const char *const name[] = {"train", "val", "test"};
    return name[s];
}

/* How many of n samples of a class go to validation: at least one, never all. */
static uint32_t val_share(uint32_t n, double fraction)
{
    uint32_t k = (uint32_t)((double)n * fraction + 0.5);
    if (n < 2) return 0;
    if (k < 1) k = 1;
    return k > n - 1 ? n - 1 : k;
}

weft_status weft__stratify(const int32_t *label, int n, int classes, double fraction,
                           uint64_t seed, bool *chosen)
{
    size_t *start = weft__alloc((size_t)classes + 2, sizeof *start);
    uint32_t *of_class = weft__alloc((size_t)n + 1, sizeof *of_class);
    if (!start || !of_class) {
        free(start);
        free(of_class);
        return weft__fail(WEFT_ENOMEM, "no memory to split the data");
    }
    for (int i = 0; i < n; i++)
        if (label[i] >= 0) start[label[i] + 2]++;
    for (int c = 2; c < classes + 2; c++) start[c] += start[c - 1];
    for (int i = 0; i < n; i++)
        if (label[i] >= 0) of_class[start[label[i] + 1]++] = (uint32_t)i;
    for (int c = 0; c < classes; c++) { /* start[c + 1] is the end of class c by now */
        weft__rng r = weft__rng_at(seed, WEFT_RNG_KEY(WEFT_RNG_SPLIT, 0), (uint64_t)c);
        uint32_t *mine = of_class + start[c], k;
        uint32_t count = (uint32_t)(start[c + 1] - start[c]);
        weft__rng_shuffle(&r, mine, count);
        k = val_share(count, fraction > 0 ? fraction : 0.1);
        for (uint32_t j = 0; j < k; j++) chosen[mine[j]] = true;
    }
    free(start);
    free(of_class);
    return WEFT_OK;
}

/* Adds ", NAME" to a list that may get too long. */
static void add_name(char *list, size_t size, const char *name)
{
    size_t at = strlen(list);
    if (at + strlen(name) + 8 < size)
        snprintf(list + at, size - at, "%s%s", at ? ", " : "", name);
    else if (at >= 3 && strcmp(list + at - 3, "..."))
        snprintf(list + at, size - at, ", ...");
}

/* Classes without samples or with few, of one split. */
static void tell_counts(const weft__labelled *d, int split, const int *count,
                        const weft__sink *sink)
{
    char none[256] = "", few[256] = "";
    int n_none = 0, n_few = 0;
    const char *name = weft__split_name((weft_subset)split);
    for (int c = 0; c < d->classes; c++) {
        if (!count[c]) n_none++, add_name(none, sizeof none, d->class_name[c]);
        if (count[c] && count[c] < FEW)
            n_few++, add_name(few, sizeof few, d->class_name[c]);
    }
    if (n_none)
        weft__found(sink, WEFT_WARNING, "empty-class",
                    "%s: %d of %d classes have no samples in %s: %s", d->path, n_none,
                    d->classes, name, none);
    if (n_few && sink->lint && split == WEFT_SUBSET_TRAIN)
        weft__found(sink, WEFT_WARNING, "few-samples",
                    "%s: %d classes have fewer than %d samples in %s: %s", d->path, n_few,
                    FEW, name, few);
}

weft_status weft__check_classes(const weft__labelled *d, const weft__sink *sink)
{
    int classes = d->classes, *count;
    weft_status s = WEFT_OK;
    if (!d->count[0])
        return weft__reject(sink, "empty", "%s: no samples to train on", d->path);
    count = weft__alloc((size_t)classes + 1, sizeof *count);
    if (!count) return weft__fail(WEFT_ENOMEM, "no memory for %d classes", classes);
    for (int split = 0; !s && split < 3; split++) {
        int used = 0, last = 0;
        if (!d->count[split]) continue;
        memset(count, 0, (size_t)classes * sizeof *count);
        for (int i = 0; i < d->count[split]; i++) count[d->label[split][i]]++;
        for (int c = 0; c < classes; c++)
            if (count[c]) used++, last = c;
        if (split == 0 && used < 2)
            s = weft__reject(
                sink, "one-class",
                "%s: looked for two classes or more, found one: all %d training "
                "samples are \"%s\"",
                d->path, d->count[0], d->class_name[last]);
        if (!s) tell_counts(d, split, count, sink);
    }
    free(count);
    return s;
}

weft_status weft__check_balance(const weft__labelled *d, const weft__sink *sink)
{
    int classes = d->classes, least = -1, most = 0;
    int *count = calloc((size_t)classes + 1, sizeof *count);
    if (!count) return weft__fail(WEFT_ENOMEM, "no memory for %d classes", classes);
    for (int i = 0; i < d->count[WEFT_SUBSET_TRAIN]; i++) count[d->label[WEFT_SUBSET_TRAIN][i]]++;
    for (int c = 0; c < classes; c++) {
        if (count[c] && (least < 0 || count[c] < count[least])) least = c;
        if (count[c] > count[most]) most = c;
    }
    if (least >= 0 && count[most] >= 10 * count[least])
        weft__found(sink, WEFT_WARNING, "imbalance",
                    "class \"%s\" has %d training samples, \"%s\" has %d",
                    d->class_name[most], count[most], d->class_name[least], count[least]);
    free(count);
    return WEFT_OK;
}
