/* evaluate.c: a split of a data set through a network. */
#include "train/session.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct weft__evaluator {
    const weft_data *d;
    weft_val x, logits;
    int classes, batch;
    size_t sample;
    weft_loader *loader;
    weft_plan *full, *tail;
    float *scores, *losses; /* of one batch */
};

weft_status weft__picture_input(const weft_graph *g, const weft_data *d, weft_val *x)
{
    int c, h, w;
    weft_data_shape(d, &c, &h, &w);
    for (int i = 0; i < weft_input_count(g); i++) {
        weft_val v = weft_input_at(g, i);
        weft_shape s = weft_shape_of(g, v);
        if (s.rank != 4) continue;
        if (s.dim[1] != c || s.dim[2] != h || s.dim[3] != w)
            return weft__fail(
                WEFT_ESHAPE,
                "the network takes %dx%dx%d pictures (%s), the data are %dx%dx%d",
                s.dim[1], s.dim[2], s.dim[3], weft_name_of(g, v), c, h, w);
        *x = v;
        return WEFT_OK;
    }
    return weft__fail(WEFT_EUSAGE, "the network has no input for pictures");
}

static weft_status check_classes(const weft_graph *g, weft_val logits, const weft_data *d)
{
    weft_shape s = weft_shape_of(g, logits);
    if (s.rank != 2 || s.dim[1] != weft_data_classes(d))
        return weft__fail(WEFT_ESHAPE, "the network has %d classes, the data %d",
                          s.rank == 2 ? s.dim[1] : 0, weft_data_classes(d));
    return WEFT_OK;
}

static weft_status make(weft__evaluator *e, weft_graph *g, weft_split split,
                        const float mean[4], const float deviation[4])
{
    int count = weft_data_count(e->d, split);
    weft_loader_opts lo = {.split = split, .batch = e->batch};
    for (int k = 0; k < 4; k++) {
        lo.mean[k] = mean ? mean[k] : 0;
        lo.deviation[k] = deviation ? deviation[k] : 0;
    }
    weft_status s = weft_loader_new(e->d, &lo, &e->loader);
    weft_plan_opts po = {.batch = e->batch, .keep = &e->logits, .keep_count = 1};
    if (!s && count >= e->batch) s = weft_plan_new(g, &po, &e->full);
    po.batch = count % e->batch;
    if (!s && po.batch) s = weft_plan_new(g, &po, &e->tail);
    if (s) return s;
    e->scores = weft__alloc((size_t)e->batch * (size_t)e->classes, sizeof *e->scores);
    e->losses = weft__alloc((size_t)e->batch, sizeof *e->losses);
    return e->scores && e->losses ? WEFT_OK
                                  : weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
}

weft_status weft__evaluator_new(weft_graph *g, weft_val logits, const weft_data *d,
                                weft_split split, int batch, const float mean[4],
                                const float deviation[4], weft__evaluator **out)
{
    weft_val x;
    weft_status s = weft__picture_input(g, d, &x);
    if (!s) s = check_classes(g, logits, d);
    if (s) return s;
    weft__evaluator *e = calloc(1, sizeof *e);
    if (!e) return weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
    int c, h, w;
    weft_data_shape(d, &c, &h, &w);
    e->d = d;
    e->x = x;
    e->logits = logits;
    e->classes = weft_data_classes(d);
    e->sample = (size_t)c * (size_t)h * (size_t)w;
    e->batch = batch > 0 ? batch : 64;
    s = make(e, g, split, mean, deviation);
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

static weft_status run_batch(weft__evaluator *e, const weft_batch *b, weft_metrics *m,
                             float *scores)
{
    weft_plan *p = b->n == e->batch ? e->full : e->tail;
    size_t n = (size_t)b->n, classes = (size_t)e->classes;
    weft_status s = weft_plan_set_last(p, e->x, b->x, n * e->sample);
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
    const weft_batch *b = NULL;
    if (m) weft_metrics_clear(m);
    weft_status s = weft_loader_start(e->loader, 0, 0);
    if (!s) s = weft_loader_next(e->loader, &b);
    while (!s && b) {
        s = run_batch(e, b, m, scores);
        if (!s) s = weft_loader_next(e->loader, &b);
    }
    return s;
}

weft_status weft_evaluate(weft_graph *g, weft_val logits, const weft_data *d,
                          weft_split split, int batch, const float mean[4],
                          const float deviation[4], weft_metrics *m, float *scores)
{
    weft__evaluator *e = NULL;
    if (weft_data_count(d, split) < 1)
        return weft__fail(WEFT_EDATA, "the data set has no %s samples",
                          split == WEFT_TRAIN ? "training"
                          : split == WEFT_VAL ? "validation"
                                              : "test");
    weft_status s = weft__evaluator_new(g, logits, d, split, batch, mean, deviation, &e);
    if (!s) s = weft__evaluator_run(e, m, scores);
    weft__evaluator_free(e);
    return s;
}
