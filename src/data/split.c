/* split.c: which samples are in which split; the validation set, if it is ours to make.
 */
#include "data/set.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 10 };

const char *weft__split_name(weft_split s)
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

/* Marks samples of the source's training split that go to validation: of each class a
 * share drawn by (seed, class), so the draw of a class does not depend on the others. */
static weft_status choose_val(const weft_data *d, double fraction, uint64_t seed,
                              bool *chosen)
{
    const weft__source *src = d->source;
    uint32_t *of_class = weft__alloc((size_t)src->count[0] + 1, sizeof *of_class);
    if (!of_class) return weft__fail(WEFT_ENOMEM, "no memory to split the data");
    for (int c = 0; c < src->classes; c++) {
        weft__rng r = weft__rng_at(seed, WEFT_RNG_KEY(WEFT_RNG_SPLIT, 0), (uint64_t)c);
        uint32_t n = 0, k;
        for (int i = 0; i < src->count[0]; i++)
            if (src->label[0][i] == c && !d->sample[0][i].bad)
                of_class[n++] = (uint32_t)i;
        weft__rng_shuffle(&r, of_class, n);
        k = val_share(n, fraction);
        for (uint32_t j = 0; j < k; j++) chosen[of_class[j]] = true;
    }
    free(of_class);
    return WEFT_OK;
}

/* Fills split `to` with the good samples of `from` whose mark is `wanted`, in order. */
static weft_status take(weft_data *d, int from, int to, const bool *chosen, bool wanted)
{
    const weft__source *src = d->source;
    size_t n = (size_t)src->count[from] + 1;
    d->origin[to] = weft__alloc(n, sizeof *d->origin[to]);
    d->label[to] = weft__alloc(n, sizeof *d->label[to]);
    if (!d->origin[to] || !d->label[to])
        return weft__fail(WEFT_ENOMEM, "no memory for %zu samples", n);
    for (int i = 0; i < src->count[from]; i++) {
        if (d->sample[from][i].bad || (chosen && chosen[i] != wanted)) continue;
        d->label[to][d->count[to]] = src->label[from][i];
        d->origin[to][d->count[to]++] = (weft__origin){i, from};
    }
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
static void tell_counts(const weft_data *d, int split, const int *count,
                        const weft__sink *sink)
{
    char none[256] = "", few[256] = "";
    int n_none = 0, n_few = 0;
    const char *name = weft__split_name((weft_split)split);
    for (int c = 0; c < d->source->classes; c++) {
        if (!count[c]) n_none++, add_name(none, sizeof none, d->source->class_name[c]);
        if (count[c] && count[c] < FEW)
            n_few++, add_name(few, sizeof few, d->source->class_name[c]);
    }
    if (n_none)
        weft__found(sink, WEFT_WARNING, "empty-class",
                    "%s: %d of %d classes have no samples in %s: %s", d->path, n_none,
                    d->source->classes, name, none);
    if (n_few && sink->lint && split == WEFT_TRAIN)
        weft__found(sink, WEFT_WARNING, "few-samples",
                    "%s: %d classes have fewer than %d samples in %s: %s", d->path, n_few,
                    FEW, name, few);
}

static weft_status check_classes(const weft_data *d, const weft__sink *sink)
{
    int classes = d->source->classes, *count;
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
                d->path, d->count[0], d->source->class_name[last]);
        if (!s) tell_counts(d, split, count, sink);
    }
    free(count);
    return s;
}

weft_status weft__data_split(weft_data *d, const weft_data_opts *o,
                             const weft__sink *sink)
{
    const weft__source *src = d->source;
    double fraction = o->val_fraction > 0 ? o->val_fraction : 0.1;
    bool *chosen = NULL;
    weft_status s = WEFT_OK;
    if (!src->count[WEFT_VAL] && !o->no_val) {
        chosen = weft__alloc((size_t)src->count[0] + 1, sizeof *chosen);
        s = chosen ? choose_val(d, fraction, o->seed, chosen)
                   : weft__fail(WEFT_ENOMEM, "no memory to split the data");
        if (!s) s = take(d, WEFT_TRAIN, WEFT_VAL, chosen, true);
    } else {
        s = take(d, WEFT_VAL, WEFT_VAL, NULL, false);
    }
    if (!s) s = take(d, WEFT_TRAIN, WEFT_TRAIN, chosen, false);
    if (!s) s = take(d, WEFT_TEST, WEFT_TEST, NULL, false);
    free(chosen);
    return s ? s : check_classes(d, sink);
}
