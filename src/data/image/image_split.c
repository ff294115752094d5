/* image_split.c: which pictures are in which subset; the validation subset, if it is
 * ours to make. */
#include "base/checked.h"
#include "data/image/image_dataset.h"

#include <stdlib.h>

/* What decides where a sample of the training subset goes: its class; -1 nowhere. */
static int32_t class_of(const weft__images *m, const weft_dataset *d, int i)
{
    if (m->sample[0][i].bad) return -1;
    if (d->target == WEFT_TARGET_VALUES) return 0;
    return m->arrays ? m->arrays->label[0][i] : m->source->label[0][i];
}

/* Marks samples of the source's training subset that go to validation. */
static weft_status choose_val(const weft__images *m, const weft_dataset_opts *o,
                              const weft_dataset *d, bool *chosen)
{
    int n = m->source->count[0];
    int32_t *class = weft__alloc((size_t)n + 1, sizeof *class);
    if (!class) return weft__fail(WEFT_ENOMEM, "no memory to split the data");
    for (int i = 0; i < n; i++) class[i] = class_of(m, d, i);
    weft_status s = weft__stratify(class, n, d->classes ? d->classes : 1, o->val_fraction,
                                   o->seed, chosen);
    free(class);
    return s;
}

static void add_target(const weft__images *m, int from, int place, weft_dataset *d,
                       int to, int i)
{
    if (m->arrays)
        weft__dataset_array_target(d, (weft_subset)to, i, m->arrays, from, place);
    else if (m->number)
        d->value[to][i] = m->number[m->source->label[from][place]];
    else
        d->label[to][i] = m->source->label[from][place];
}

/* Fills subset `to` with the good samples of `from` whose mark is `wanted`, in
 * order. */
static weft_status take(weft__images *m, int from, weft_dataset *d, int to,
                        const bool *chosen, bool wanted)
{
    int n = m->source->count[from];
    m->origin[to] = weft__alloc((size_t)n + 1, sizeof *m->origin[to]);
    if (!m->origin[to]) return weft__fail(WEFT_ENOMEM, "no memory for %d samples", n);
    for (int i = 0; i < n; i++)
        if (!m->sample[from][i].bad && (!chosen || chosen[i] == wanted))
            m->origin[to][d->count[to]++] = (weft__origin){i, from};
    weft_status s = weft__dataset_room(d, (weft_subset)to);
    for (int i = 0; i < d->count[to] && !s; i++)
        add_target(m, from, m->origin[to][i].index, d, to, i);
    return s;
}

weft_status weft__images_split(weft__images *m, const weft_dataset_opts *o,
                               weft_dataset *d)
{
    const weft__source *src = m->source;
    bool *chosen = NULL;
    weft_status s = WEFT_OK;
    if (!src->count[WEFT_SUBSET_VAL] && !o->no_val) {
        chosen = weft__alloc((size_t)src->count[0] + 1, sizeof *chosen);
        s = chosen ? choose_val(m, o, d, chosen)
                   : weft__fail(WEFT_ENOMEM, "no memory to split the data");
        if (!s) s = take(m, WEFT_SUBSET_TRAIN, d, WEFT_SUBSET_VAL, chosen, true);
    } else {
        s = take(m, WEFT_SUBSET_VAL, d, WEFT_SUBSET_VAL, NULL, false);
    }
    if (!s) s = take(m, WEFT_SUBSET_TRAIN, d, WEFT_SUBSET_TRAIN, chosen, false);
    if (!s) s = take(m, WEFT_SUBSET_TEST, d, WEFT_SUBSET_TEST, NULL, false);
    free(chosen);
    return s;
}
