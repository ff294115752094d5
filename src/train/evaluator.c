/* evaluator.c: a subset of a data set through a network, and what its task makes of
 * it. */
#include "train/setup.h"

#include "base/checked.h"

#include <stdlib.h>

enum { LARGE = 64 << 20, FEW = 8 }; /* bytes of a plan; samples of a small one */

struct weft__evaluator {
    const weft__task_setup *setup;
    weft_subset subset;
    int batch, count;
    bool exact_conv;
    weft_loader *loader;
    weft_plan *full, *tail;
    float *output, *each; /* of one batch */
};

static weft_plan_opts plan_opts(const weft__evaluator *e, const weft_value keep[2],
                                int batch, weft_plan *within)
{
    return (weft_plan_opts){.batch = batch,
                            .keep = keep,
                            .keep_count = 2,
                            .exact_conv = e->exact_conv,
                            .share_memory_with = within};
}

/* Halves the batch until the plan fits LARGE bytes, or the plan that it lives within:
 * batches of an evaluation are there for speed only. */
static weft_status plan_batch(weft__evaluator *e, const weft_value keep[2],
                              weft_plan *within)
{
    size_t most = within ? weft_plan_bytes(within) : 0;
    if (most < LARGE) most = LARGE;
    for (;;) {
        int batch = e->batch < e->count ? e->batch : e->count;
        weft_plan_opts po = plan_opts(e, keep, batch, within);
        weft_status s = weft_plan_new(e->setup->g, &po, &e->full);
        e->batch = batch;
        if (s || batch <= FEW || weft_plan_bytes(e->full) <= most) return s;
        weft_plan_free(e->full);
        e->full = NULL;
        e->batch = (batch + 1) / 2;
    }
}

static weft_status make(weft__evaluator *e, weft_plan *within)
{
    const weft__task_setup *x = e->setup;
    const weft_value keep[2] = {x->head.output, x->head.truth_each};
    weft_status s = plan_batch(e, keep, within);
    if (s) return s;
    const weft_loader_opts lo = {.subset = e->subset, .batch = e->batch};
    weft_plan_opts po =
        plan_opts(e, keep, e->count % e->batch, within ? within : e->full);
    s = weft__loader_open(x->d, x->preprocess, &lo, &e->loader);
    if (!s && po.batch) s = weft_plan_new(x->g, &po, &e->tail);
    if (s) return s;
    e->output =
        weft__alloc((size_t)e->batch * (size_t)x->codec->width, sizeof *e->output);
    e->each = weft__alloc((size_t)e->batch, sizeof *e->each);
    return e->output && e->each ? WEFT_OK
                                : weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
}

weft_status weft__evaluator_new(const weft__task_setup *setup, weft_subset subset,
                                int batch, bool exact_conv, weft_plan *within,
                                weft__evaluator **out)
{
    int count = weft_dataset_count(setup->d, subset);
    if (count < 1)
        return weft__fail(WEFT_EDATA, "the data set has no %s samples",
                          subset == WEFT_SUBSET_TRAIN ? "training"
                          : subset == WEFT_SUBSET_VAL ? "validation"
                                                      : "test");
    weft__evaluator *e = calloc(1, sizeof *e);
    if (!e) return weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
    e->setup = setup;
    e->subset = subset;
    e->count = count;
    e->batch = batch > 0 ? batch : 128;
    e->exact_conv = exact_conv;
    weft_status s = make(e, within);
    if (s)
        weft__evaluator_free(e);
    else
        *out = e;
    return s;
}

void weft__evaluator_free(weft__evaluator *e)
{
    if (!e) return;
    weft_loader_free(e->loader);
    weft_plan_free(e->full);
    weft_plan_free(e->tail);
    free(e->output);
    free(e->each);
    free(e);
}

static weft_status run_batch(weft__evaluator *e, const weft_batch *b, weft_evaluation *to)
{
    const weft__task_setup *x = e->setup;
    weft_plan *p = b->n == e->batch ? e->full : e->tail;
    size_t n = (size_t)b->n, width = (size_t)x->codec->width;
    weft_status s = x->d->modality->bind(&x->inputs, p, b);
    if (!s) s = x->task->bind_truth(&x->head, x->codec, to->map, p, b);
    if (!s) s = weft_plan_forward(p);
    if (!s) s = weft_plan_get(p, x->head.output, e->output, n * width);
    if (!s) s = weft_plan_get(p, x->head.truth_each, e->each, n);
    if (!s) weft__evaluation_add(to, e->output, e->each, b);
    return s;
}

weft_status weft__evaluator_run(weft__evaluator *e, weft_evaluation *to)
{
    weft_batch b = {0};
    weft__evaluation_clear(to);
    weft_status s = weft_loader_start(e->loader, 0, 0);
    if (!s) s = weft_loader_next(e->loader, &b);
    while (!s && b.n) {
        s = run_batch(e, &b, to);
        if (!s) s = weft_loader_next(e->loader, &b);
    }
    return s;
}

static weft_status run_once(const weft__task_setup *x, weft_subset subset, int batch,
                            bool exact_conv, weft_evaluation **out)
{
    weft__evaluator *e = NULL;
    weft_evaluation *to = NULL;
    int32_t *map = NULL;
    weft_status s = weft__evaluator_new(x, subset, batch, exact_conv, NULL, &e);
    if (!s) s = x->task->match(x->codec, x->d, &map);
    if (!s) s = weft__evaluation_new(x->codec, x->d, subset, map, true, &to);
    if (s)
        free(map);
    else
        s = weft__evaluator_run(e, to);
    weft__evaluator_free(e);
    if (s)
        weft_evaluation_free(to);
    else
        *out = to;
    return s;
}

weft_status weft__evaluate(weft_graph *g, weft_dataset *d, const weft__setup_opts *o,
                           weft_subset subset, int batch, bool exact_conv,
                           weft_evaluation **out)
{
    weft__task_setup x;
    weft_evaluation *e = NULL;
    weft_status s = weft__setup_make(g, d, o, &x);
    if (s) return s;
    s = run_once(&x, subset, batch, exact_conv, &e);
    if (!s && !x.borrowed) { /* the evaluation outlives the setup */
        e->own = x.codec;
        x.borrowed = true;
    }
    weft__setup_free(&x);
    if (!s) *out = e;
    return s;
}

WEFT_API weft_status weft_evaluation_of(weft_graph *g, weft_value output, weft_dataset *d,
                                        weft_subset s, int batch, weft_evaluation **out)
{
    const weft__setup_opts o = {.output = output};
    return weft__evaluate(g, d, &o, s, batch, false, out);
}
