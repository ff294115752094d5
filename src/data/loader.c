/* loader.c: batches of a subset: inputs by the modality, targets by the data set. */
#include "data/modality.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

struct weft_loader {
    const weft_dataset *d;
    const weft__preprocess *preprocess;
    weft_subset subset;
    void *own;      /* the modality's */
    int32_t *label; /* of the present batch */
    float *value;
    int room; /* samples that label or value have room for */
};

WEFT_API void weft_loader_free(weft_loader *l)
{
    if (!l) return;
    l->d->modality->loader_free(l->own);
    free(l->label);
    free(l->value);
    free(l);
}

static weft_status check(const weft_loader_opts *o)
{
    if (o->subset < WEFT_SUBSET_TRAIN || o->subset > WEFT_SUBSET_TEST)
        return weft__fail(WEFT_EUSAGE, "there is no subset %d", (int)o->subset);
    if (o->batch < 0 || o->batch > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "a batch of %d samples: 1 to %d", o->batch,
                          1 << 20);
    return WEFT_OK;
}

weft_status weft__loader_open(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *opts, weft_loader **out)
{
    weft_loader_opts o = opts ? *opts : (weft_loader_opts){0};
    if (!o.batch) o.batch = 64;
    weft_status s = check(&o);
    if (s) return s;
    weft_loader *l = calloc(1, sizeof *l);
    if (!l) return weft__fail(WEFT_ENOMEM, "loader: out of memory");
    l->d = d;
    l->preprocess = p;
    l->subset = o.subset;
    l->room = o.batch;
    size_t n = (size_t)o.batch;
    if (d->target == WEFT_TARGET_CLASS)
        l->label = weft__alloc(n, sizeof *l->label);
    else
        l->value = weft__alloc(n * (size_t)d->values, sizeof *l->value);
    if (!l->label && !l->value) s = weft__fail(WEFT_ENOMEM, "loader: out of memory");
    if (!s) s = d->modality->loader_new(d, p, &o, &l->own);
    if (s)
        weft_loader_free(l);
    else
        *out = l;
    return s;
}

WEFT_API weft_status weft_loader_new(weft_dataset *d, const weft_loader_opts *opts,
                                     weft_loader **out)
{
    weft_status s = weft_dataset_fit(d);
    return s ? s : weft__loader_open(d, d->preprocess, opts, out);
}

WEFT_API int weft_loader_batches(const weft_loader *l)
{
    return l->d->modality->loader_batches(l->own);
}

WEFT_API weft_status weft_loader_start(weft_loader *l, int epoch, int first)
{
    return l->d->modality->loader_start(l->own, epoch, first);
}

static void add_targets(weft_loader *l, weft_batch *b)
{
    const weft_dataset *d = l->d;
    size_t width = (size_t)d->values;
    for (int i = 0; i < b->n; i++)
        if (l->label)
            l->label[i] = d->label[l->subset][b->index[i]];
        else
            memcpy(l->value + (size_t)i * width,
                   d->value[l->subset] + (size_t)b->index[i] * width,
                   width * sizeof(float));
    b->label = l->label;
    b->value = l->value;
}

WEFT_API weft_status weft_loader_next(weft_loader *l, weft_batch *out)
{
    weft_batch b = {0};
    weft_status s = l->d->modality->loader_next(l->own, &b);
    if (s) return s;
    if (b.n) add_targets(l, &b);
    *out = b;
    return WEFT_OK;
}

WEFT_API weft_status weft_loader_bind(const weft_loader *l, const weft_batch *b,
                                      weft_plan *p)
{
    weft__inputs in;
    weft_status s = l->d->modality->inputs(l->preprocess, weft_plan_graph(p), &in);
    return s ? s : l->d->modality->bind(&in, p, b);
}
