/* flow.c: batches of a data set through a network, for what weft_flow counts. */
#include "base/checked.h"
#include "pass/flow.h"
#include "train/session.h"
#include "weft/text.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, BATCHES = 4 };

/* A network with its loss, and the batches that go through it. */
typedef struct flow_run {
    weft_graph *g;
    weft_val x, target;
    int batch, batches;
    size_t sample; /* elements of one */
    uint64_t seed;
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

static weft_status plan(flow_run *r, weft_val logits, int classes, int samples)
{
    if (samples < 1) return weft__fail(WEFT_EUSAGE, "flow: that split has no samples");
    if (r->batch < 1) r->batch = BATCH;
    if (r->batch > samples) r->batch = samples;
    if (r->batches < 1) r->batches = BATCHES;
    if (r->batches > samples / r->batch) r->batches = samples / r->batch;
    r->target = weft_input_int(r->g, "flow.target", WEFT_SHAPE(0), classes);
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

static weft_status start(flow_run *r, weft_val logits, int classes, int samples)
{
    weft_status s = check_classes(r->g, logits, classes);
    return s ? s : plan(r, logits, classes, samples);
}

static weft_status finish(const flow_run *r, weft_status s, weft_flow **out)
{
    if (s)
        weft_flow_free(r->f);
    else
        *out = r->f;
    return s;
}

/* ---- pictures ---- */

static weft_status run_batch(const flow_run *r, const weft_batch *b, int number)
{
    weft_status s = weft_plan_set_last(r->p, r->x, b->x, (size_t)b->n * r->sample);
    if (!s) s = weft_plan_set_int(r->p, r->target, b->label, (size_t)b->n);
    weft_plan_random(r->p, r->seed, (uint64_t)number);
    return s ? s : weft_flow_run(r->f);
}

static weft_status run_pictures(const flow_run *r, const weft_data *d,
                                const weft_flow_opts *opts)
{
    weft_loader *loader = NULL;
    const weft_batch *b = NULL;
    weft_loader_opts o = {.split = opts->split,
                          .batch = r->batch,
                          .shuffle = true,
                          .drop_last = true,
                          .seed = opts->seed,
                          .threads = -1};
    memcpy(o.mean, opts->mean, sizeof o.mean);
    memcpy(o.deviation, opts->deviation, sizeof o.deviation);
    weft_status s = weft_loader_new(d, &o, &loader);
    if (!s) s = weft_loader_start(loader, 0, 0);
    for (int i = 0; i < r->batches && !s; i++) {
        s = weft_loader_next(loader, &b);
        if (!s) s = run_batch(r, b, i);
    }
    weft_loader_free(loader);
    return s;
}

weft_status weft_flow_data(weft_graph *g, weft_val logits, const weft_data *d,
                           const weft_flow_opts *opts, weft_flow **out)
{
    flow_run r = {
        .g = g, .batch = opts->batch, .batches = opts->batches, .seed = opts->seed};
    int c, h, w;
    weft_data_shape(d, &c, &h, &w);
    r.sample = (size_t)c * (size_t)h * (size_t)w;
    weft_status s = weft__picture_input(g, d, &r.x);
    if (!s) s = start(&r, logits, weft_data_classes(d), weft_data_count(d, opts->split));
    if (!s) s = run_pictures(&r, d, opts);
    return finish(&r, s, out);
}

/* ---- texts ---- */

typedef struct inputs {
    weft_val stream[WEFT_MAX_STREAMS], lengths; /* WEFT_NONE: it has none */
} inputs;

static weft_status find_inputs(const weft_graph *g, const weft_tokenizer *k, inputs *in)
{
    static const char *const name[WEFT_MAX_STREAMS] = {"tokens", "pairs", "triples"};
    const int length = weft_tokenizer_length(k);
    for (int i = 0; i < weft_tokenizer_streams(k); i++) {
        in->stream[i] = weft_find(g, name[i]);
        weft_shape s = weft_shape_of(g, in->stream[i]);
        if (s.rank != 2 || s.dim[1] != length)
            return weft__fail(
                WEFT_ESHAPE, "the network has no input %s of %d tokens, as texts need it",
                name[i], length);
    }
    in->lengths = weft_find(g, "lengths");
    return WEFT_OK;
}

static weft_status run_text_batch(const flow_run *r, const inputs *in,
                                  const weft_text_batch *b, const int32_t *label,
                                  int number)
{
    const size_t n = (size_t)b->n;
    weft_status s = weft_plan_set_int(r->p, r->target, label, n);
    for (int i = 0; i < b->streams && !s; i++)
        s = weft_plan_set_int(r->p, in->stream[i], b->tokens[i], n * (size_t)b->length);
    if (!s && in->lengths.id) s = weft_plan_set_int(r->p, in->lengths, b->lengths, n);
    weft_plan_random(r->p, r->seed, (uint64_t)number);
    return s ? s : weft_flow_run(r->f);
}

static weft_status run_texts(const flow_run *r, const inputs *in, const weft_texts *t,
                             const weft_tokenizer *k, const int32_t *class_of,
                             weft_split split)
{
    weft_text_loader *loader = NULL;
    const weft_text_batch *b = NULL;
    weft_text_loader_opts o = {.split = split,
                               .batch = r->batch,
                               .shuffle = true,
                               .drop_last = true,
                               .seed = r->seed};
    int32_t *label = weft__alloc((size_t)r->batch, sizeof *label);
    weft_status s = label ? weft_text_loader_new(t, k, &o, &loader)
                          : weft__fail(WEFT_ENOMEM, "flow: out of memory");
    if (!s) s = weft_text_loader_start(loader, 0, 0);
    for (int i = 0; i < r->batches && !s; i++) {
        s = weft_text_loader_next(loader, &b);
        for (int j = 0; !s && j < b->n; j++)
            label[j] = class_of ? class_of[b->label[j]] : b->label[j];
        if (!s) s = run_text_batch(r, in, b, label, i);
    }
    weft_text_loader_free(loader);
    free(label);
    return s;
}

weft_status weft_flow_texts(weft_graph *g, weft_val logits, const weft_texts *t,
                            const weft_tokenizer *k, const int32_t *class_of,
                            const weft_flow_opts *opts, weft_flow **out)
{
    flow_run r = {
        .g = g, .batch = opts->batch, .batches = opts->batches, .seed = opts->seed};
    inputs in = {{{0}}, {0}};
    const weft_shape shape = weft_shape_of(g, logits);
    const int classes =
        class_of && shape.rank == 2 ? shape.dim[1] : weft_texts_classes(t);
    weft_status s = find_inputs(g, k, &in);
    if (!s) s = start(&r, logits, classes, weft_texts_count(t, opts->split));
    if (!s) s = run_texts(&r, &in, t, k, class_of, opts->split);
    return finish(&r, s, out);
}
