/* flow_dataset.c: batches of a data set through a network, for what weft_flow
 * counts. */
#include "train/setup.h"

#include "base/checked.h"
#include "inspect/flow.h"

#include <stdlib.h>

enum { BATCH = 32, BATCHES = 4 };

/* What goes through, and how much of it. */
typedef struct flow_run {
    weft__task_setup x;
    int batch, batches;
    int32_t *map, *label; /* [batch] the targets as a model numbers them; NULL */
    weft_flow *f;
    weft_plan *p;
} flow_run;

static void choose_batches(flow_run *r, const weft_flow_opts *o, int samples)
{
    r->batch = o->batch > 0 ? o->batch : BATCH;
    if (r->batch > samples) r->batch = samples;
    r->batches = o->batches > 0 ? o->batches : BATCHES;
    if (r->batches > samples / r->batch) r->batches = samples / r->batch;
}

static weft_status plan(flow_run *r)
{
    const weft_plan_opts o = {
        .batch = r->batch, .loss = r->x.head.loss, .training = true, .keep_all = true};
    weft_status s = weft_plan_new(r->x.g, &o, &r->p);
    if (!s) s = weft_flow_new(r->p, &r->f);
    if (s) weft_plan_free(r->p);
    if (!s) weft__flow_own(r->f, r->x.g, r->x.mark);
    return s;
}

/* Whole batches only: the plan is for one size. */
static weft_status read_batches(flow_run *r, weft_loader *l, uint64_t seed)
{
    const weft__task_setup *x = &r->x;
    weft_batch b = {.n = 1};
    weft_status s = weft_loader_start(l, 0, 0);
    for (int i = 0; i < r->batches && !s && b.n;) {
        s = weft_loader_next(l, &b);
        if (s || b.n != r->batch) continue;
        for (int k = 0; k < b.n && r->map; k++) r->label[k] = r->map[b.label[k]];
        if (r->map) b.label = r->label;
        s = x->d->modality->bind(&x->inputs, r->p, &b);
        if (!s) s = x->task->bind(&x->head, x->codec, x->d, r->p, &b);
        weft_plan_random(r->p, seed, (uint64_t)i++);
        if (!s) s = weft_flow_run(r->f);
    }
    return s;
}

weft_status weft__flow_of(weft_graph *g, weft_dataset *d, const weft__setup_opts *so,
                          const weft_flow_opts *opts, weft_flow **out)
{
    flow_run r = {0};
    weft_loader *l = NULL;
    int samples = weft_dataset_count(d, opts->subset);
    if (samples < 1) return weft__fail(WEFT_EUSAGE, "flow: that subset has no samples");
    weft_status s = weft__setup_make(g, d, so, &r.x);
    if (s) return s;
    choose_batches(&r, opts, samples);
    const weft_loader_opts lo = {
        .subset = opts->subset, .batch = r.batch, .shuffle = true, .seed = opts->seed};
    s = r.x.task->match(r.x.codec, d, &r.map);
    if (!s && r.map && !(r.label = weft__alloc((size_t)r.batch, sizeof *r.label)))
        s = weft__fail(WEFT_ENOMEM, "flow: out of memory");
    if (!s) s = plan(&r);
    if (!s && r.f) {
        r.x.marked = false; /* the flow takes the head out */
        s = weft__loader_open(d, r.x.preprocess, &lo, &l);
    }
    if (!s) s = read_batches(&r, l, opts->seed);
    weft_loader_free(l);
    free(r.map);
    free(r.label);
    weft__setup_free(&r.x);
    if (s)
        weft_flow_free(r.f);
    else
        *out = r.f;
    return s;
}

WEFT_API weft_status weft_flow_dataset(weft_graph *g, weft_value output, weft_dataset *d,
                                       const weft_flow_opts *opts, weft_flow **out)
{
    const weft_flow_opts none = {0};
    const weft__setup_opts so = {.output = output};
    return weft__flow_of(g, d, &so, opts ? opts : &none, out);
}
