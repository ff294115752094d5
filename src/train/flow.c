/* flow.c: batches of a data set through a network, for what weft_flow counts. */
#include "train/feed.h"

#include "pass/flow.h"
#include "weft/ops.h"

#include <string.h>

enum { BATCH = 32, BATCHES = 4 };

/* A network with its loss, and the batches that go through it. */
typedef struct flow_run {
    weft_graph *g;
    const weft__feed *feed;
    weft_val target;
    int batch, batches;
    weft_plan *p;
    weft_flow *f;
} flow_run;

static weft_status check_classes(const weft_graph *g, weft_val logits, int classes)
{
    weft_shape s = weft_shape_of(g, logits);
    if (s.rank == 2 && s.dim[1] == classes) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "the network has %d classes, the data %d",
                      s.rank == 2 ? s.dim[1] : 0, classes);
}

static void choose_batches(flow_run *r, const weft_flow_opts *opts, int samples)
{
    r->batch = opts->batch > 0 ? opts->batch : BATCH;
    if (r->batch > samples) r->batch = samples;
    r->batches = opts->batches > 0 ? opts->batches : BATCHES;
    if (r->batches > samples / r->batch) r->batches = samples / r->batch;
}

static weft_status plan(flow_run *r, weft_val logits)
{
    r->target = weft_input_int(r->g, "flow.target", WEFT_SHAPE(0), r->feed->classes);
    weft_val loss = weft_cross_entropy(r->g, logits, r->target, WEFT_NONE, NULL, NULL);
    weft_plan_opts o = {
        .batch = r->batch, .loss = loss, .training = true, .keep_all = true};
    weft_status s = weft_graph_status(r->g);
    if (!s) s = weft_plan_new(r->g, &o, &r->p);
    if (!s) s = weft_flow_new(r->p, &r->f);
    if (s) weft_plan_free(r->p);
    if (!s) weft__flow_own_plan(r->f);
    return s;
}

/* Whole batches only: the plan is for one size. */
static weft_status read_batches(const flow_run *r, void *reader, uint64_t seed)
{
    const weft__feed_kind *kind = r->feed->kind;
    weft__feed_batch b = {.n = 1};
    weft_status s = kind->start(reader, 0, 0);
    for (int i = 0; i < r->batches && !s && b.n;) {
        s = kind->next(reader, &b);
        if (s || b.n != r->batch) continue;
        s = kind->put(r->feed, r->p, &b);
        if (!s) s = weft_plan_set_int(r->p, r->target, b.label, (size_t)b.n);
        weft_plan_random(r->p, seed, (uint64_t)i++);
        if (!s) s = weft_flow_run(r->f);
    }
    return s;
}

static weft_status run(flow_run *r, weft_val logits, const weft_flow_opts *opts)
{
    const weft__feed_kind *kind = r->feed->kind;
    void *reader = NULL;
    int samples = kind->count(r->feed, opts->split);
    weft_status s = check_classes(r->g, logits, r->feed->classes);
    if (!s && samples < 1) s = weft__fail(WEFT_EUSAGE, "flow: that split has no samples");
    if (s) return s;
    choose_batches(r, opts, samples);
    weft__feed_way way = {
        .split = opts->split, .batch = r->batch, .training = true, .seed = opts->seed};
    s = plan(r, logits);
    if (!s) s = kind->open(r->feed, &way, &reader);
    if (!s) s = read_batches(r, reader, opts->seed);
    if (reader) kind->close(reader);
    return s;
}

/* Frees feed. */
static weft_status measure(weft_graph *g, weft_val logits, weft__feed *feed,
                           const weft_flow_opts *opts, weft_flow **out)
{
    flow_run r = {.g = g, .feed = feed};
    weft_status s = run(&r, logits, opts);
    weft__feed_free(feed);
    if (s)
        weft_flow_free(r.f);
    else
        *out = r.f;
    return s;
}

weft_status weft_flow_data(weft_graph *g, weft_val logits, const weft_data *d,
                           const weft_flow_opts *opts, weft_flow **out)
{
    weft__feed *feed = NULL;
    weft_train_opts o = {.loader_threads = -1};
    memcpy(o.mean, opts->mean, sizeof o.mean);
    memcpy(o.deviation, opts->deviation, sizeof o.deviation);
    weft_status s = weft__feed_pictures(g, d, &o, &feed);
    return s ? s : measure(g, logits, feed, opts, out);
}

weft_status weft_flow_texts(weft_graph *g, weft_val logits, const weft_texts *t,
                            const weft_tokenizer *k, const int32_t *class_of,
                            const weft_flow_opts *opts, weft_flow **out)
{
    weft__feed *feed = NULL;
    weft_train_opts o = {.mixed_lengths = true};
    weft_shape shape = weft_shape_of(g, logits);
    int classes = class_of && shape.rank == 2 ? shape.dim[1] : weft_texts_classes(t);
    weft_status s = weft__feed_texts(g, t, k, &o, class_of, classes, &feed);
    return s ? s : measure(g, logits, feed, opts, out);
}
