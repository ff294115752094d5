/* split.c: which samples are in which split; the validation set, if it is split off. */
#include "data/set.h"
#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>

/* Marks samples of the source's training split that go to validation. */
static weft_status choose_val(const weft__images *d, double fraction, uint64_t seed, bool plain,
                              bool *chosen)
{
    const weft__source *src = d->source;
    int n = src->count[0];
    int32_t *label = weft__alloc((size_t)n + 1, sizeof *label);
    weft_status s;
    if (!label) return weft__fail(WEFT_ENOMEM, "no memory to split the data");
    for (int i = 0; i < n; i++)
        label[i] = d->sample[0][i].bad ? -1 : plain ? 0 : src->label[0][i];
    s = weft__stratify(label, n, plain ? 1 : src->classes, fraction, seed, chosen);
    free(label);
    return s;
}

/* Fills split `to` with the good samples of `from` whose mark is `wanted`, in order. */
static weft_status take(weft__images *d, int from, int to, const bool *chosen, bool wanted)
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

weft_status weft__images_split(weft__images *d, const weft__images_opts *o,
                             const weft__sink *sink)
{
    const weft__source *src = d->source;
    bool *chosen = NULL;
    weft_status s = WEFT_OK;
    if (!src->count[WEFT_SUBSET_VAL] && !o->no_val) {
        chosen = weft__alloc((size_t)src->count[0] + 1, sizeof *chosen);
        s = chosen ? choose_val(d, o->val_fraction, o->seed, o->plain_split, chosen)
                   : weft__fail(WEFT_ENOMEM, "no memory to split the data");
        if (!s) s = take(d, WEFT_SUBSET_TRAIN, WEFT_SUBSET_VAL, chosen, true);
    } else {
        s = take(d, WEFT_SUBSET_VAL, WEFT_SUBSET_VAL, NULL, false);
    }
    if (!s) s = take(d, WEFT_SUBSET_TRAIN, WEFT_SUBSET_TRAIN, chosen, false);
    if (!s) s = take(d, WEFT_SUBSET_TEST, WEFT_SUBSET_TEST, NULL, false);
    free(chosen);
    if (!s && !o->plain_split) {
        weft__labelled view = weft__images_view(d);
        s = weft__check_classes(&view, sink);
    }
    return s;
}
