/* evaluate.c: a split of a data set through a network. */
#include "train/session.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 64 << 20, FEW = 8 }; /* bytes of a plan; samples of a small one */

struct weft__evaluator {
    const weft__feed *feed;
    weft_val logits;
    int classes, batch;
    void *reader;
    weft_plan *full, *tail;
    float *scores, *losses; /* of one batch */
};

static weft_status check_classes(const weft_graph *g, weft_val logits, int classes)
{
    weft_shape s = weft_shape_of(g, logits);
    if (s.rank != 2 || s.dim[1] != classes)
        return weft__fail(WEFT_ESHAPE, "the network has %d classes, the data %d",
                          s.rank == 2 ? s.dim[1] : 0, classes);
    return WEFT_OK;
}

/* A plan for a whole batch, of fewer samples where more would take much memory: the
 * batches of an evaluation are there for speed only. */
static weft_status plan_batch(weft__evaluator *e, weft_graph *g, int count,
                              weft_plan *within)
{
    size_t most = within ? weft_plan_bytes(within) : 0;
    if (most < LARGE) most = LARGE;
    for (;;) {
        int batch = e->batch < count ? e->batch : count;
        weft_plan_opts po = {
            .batch = batch, .keep = &e->logits, .keep_count = 1, .within = within};
        weft_status s = weft_plan_new(g, &po, &e->full);
        e->batch = batch;
        if (s || batch <= FEW || weft_plan_bytes(e->full) <= most) return s;
        weft_plan_free(e->full);
        e->full = NULL;
        e->batch = (batch + 1) / 2;
    }
}

static weft_status make(weft__evaluator *e, weft_graph *g, weft_split split,
                        weft_plan *within)
{
    int count = e->feed->kind->count(e->feed, split);
    weft_status s = count > 0 ? plan_batch(e, g, count, within) : WEFT_OK;
    if (s) return s;
    weft__feed_way way = {.split = split, .batch = e->batch};
    weft_plan_opts po = {.batch = count % e->batch,
                         .keep = &e->logits,
                         .keep_count = 1,
                         .within = within ? within : e->full};
    s = e->feed->kind->open(e->feed, &way, &e->reader);
    if (!s && po.batch) s = weft_plan_new(g, &po, &e->tail);
    if (s) return s;
    e->scores = weft__alloc((size_t)e->batch * (size_t)e->classes, sizeof *e->scores);
    e->losses = weft__alloc((size_t)e->batch, sizeof *e->losses);
    return e->scores && e->losses ? WEFT_OK
                                  : weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
}

weft_status weft__evaluator_new(weft_graph *g, weft_val logits, const weft__feed *feed,
                                weft_split split, int batch, weft_plan *within,
                                weft__evaluator **out)
{
    weft_status s = check_classes(g, logits, feed->classes);
    if (s) return s;
    weft__evaluator *e = calloc(1, sizeof *e);
    if (!e) return weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
    e->feed = feed;
    e->logits = logits;
    e->classes = feed->classes;
    e->batch = batch > 0 ? batch : 64;
    s = make(e, g, split, within);
    if (s)
        weft__evaluator_free(e);
    else
        *out = e;
    return s;
}

void weft__evaluator_free(weft__evaluator *e)
{
    if (!e) return;
    e->feed->kind->close(e->reader);
    weft_plan_free(e->full);
    weft_plan_free(e->tail);
    free(e->scores);
    free(e->losses);
    free(e);
}

/* -log softmax(x)[label] */
static float loss_of(const float *x, int n, int label)
{
    double top = x[0], sum = 0;
    for (int k = 1; k < n; k++) top = x[k] > top ? x[k] : top;
    for (int k = 0; k < n; k++) sum += exp(x[k] - top);
    return (float)(log(sum) + top - x[label]);
}

static weft_status run_batch(weft__evaluator *e, const weft__feed_batch *b,
                             weft_metrics *m, float *scores)
{
    weft_plan *p = b->n == e->batch ? e->full : e->tail;
    size_t n = (size_t)b->n, classes = (size_t)e->classes;
    weft_status s = e->feed->kind->put(e->feed, p, b);
    if (!s) s = weft_forward(p);
    if (!s) s = weft_plan_get(p, e->logits, e->scores, n * classes);
    if (s) return s;
    for (size_t i = 0; i < n; i++)
        e->losses[i] = loss_of(e->scores + i * classes, e->classes, b->label[i]);
    if (m) weft_metrics_add(m, e->scores, b->label, e->losses, b->n);
    for (size_t i = 0; i < n && scores; i++)
        memcpy(scores + (size_t)b->index[i] * classes, e->scores + i * classes,
               classes * sizeof *scores);
    return WEFT_OK;
}

weft_status weft__evaluator_run(weft__evaluator *e, weft_metrics *m, float *scores)
{
    const weft__feed_kind *feed = e->feed->kind;
    weft__feed_batch b = {0};
    if (m) weft_metrics_clear(m);
    weft_status s = feed->start(e->reader, 0, 0);
    if (!s) s = feed->next(e->reader, &b);
    while (!s && b.n) {
        s = run_batch(e, &b, m, scores);
        if (!s) s = feed->next(e->reader, &b);
    }
    return s;
}

/* Takes over the feed. */
static weft_status evaluate(weft_graph *g, weft_val logits, weft__feed *feed,
                            weft_split split, int batch, weft_metrics *m, float *scores)
{
    weft__evaluator *e = NULL;
    weft_status s = weft__evaluator_new(g, logits, feed, split, batch, NULL, &e);
    if (!s) s = weft__evaluator_run(e, m, scores);
    weft__evaluator_free(e);
    weft__feed_free(feed);
    return s;
}

static weft_status not_empty(int count, weft_split split)
{
    if (count > 0) return WEFT_OK;
    return weft__fail(WEFT_EDATA, "the data set has no %s samples",
                      split == WEFT_TRAIN ? "training"
                      : split == WEFT_VAL ? "validation"
                                          : "test");
}

weft_status weft_evaluate(weft_graph *g, weft_val logits, const weft_data *d,
                          weft_split split, int batch, const float mean[4],
                          const float deviation[4], weft_metrics *m, float *scores)
{
    weft_train_opts o = {0};
    weft__feed *feed = NULL;
    if (mean) memcpy(o.mean, mean, sizeof o.mean);
    if (deviation) memcpy(o.deviation, deviation, sizeof o.deviation);
    weft_status s = not_empty(weft_data_count(d, split), split);
    if (!s) s = weft__feed_pictures(g, d, &o, &feed);
    return s ? s : evaluate(g, logits, feed, split, batch, m, scores);
}

weft_status weft_evaluate_texts(weft_graph *g, weft_val logits, const weft_texts *t,
                                const weft_tokenizer *k, const int32_t *class_of,
                                weft_split split, int batch, weft_metrics *m,
                                float *scores)
{
    weft_train_opts o = {0};
    weft__feed *feed = NULL;
    weft_shape shape = weft_shape_of(g, logits);
    int classes = class_of && shape.rank == 2 ? shape.dim[1] : weft_texts_classes(t);
    weft_status s = not_empty(weft_texts_count(t, split), split);
    if (!s) s = weft__feed_texts(g, t, k, &o, class_of, classes, &feed);
    return s ? s : evaluate(g, logits, feed, split, batch, m, scores);
}
