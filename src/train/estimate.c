/* estimate.c: how long a run will take: a few steps are tried, and leave no trace. */
#include "train/session.h"

#include "base/checked.h"
#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TRIES = 4 };
static const double most_seconds = 1;

typedef struct tried {
    int steps;
    double forward, backward; /* seconds of all of them */
} tried;

/* Forward and backward on the first batches of an epoch. Parameters stay, running
 * statistics are put back by the caller, and gradients are made anew by every step. */
static weft_status try_steps(weft__session *s, tried *t)
{
    const weft__feed_kind *feed = s->feed->kind;
    weft__feed_batch b = {0};
    double began = weft__seconds();
    weft_status status = feed->start(s->reader, s->at.epoch, 0);
    for (int i = 0; i < MOST_TRIES && !status; i++) {
        status = feed->next(s->reader, &b);
        if (status || !b.n || (i && weft__seconds() - began > most_seconds)) break;
        weft_plan *p = b.n == s->opts.batch ? s->full : s->tail;
        status = weft__session_put(s, p, &b);
        weft_plan_random(p, s->opts.seed, (uint64_t)i);
        if (s->opts.accumulate > 1) weft_zero_gradients(s->g);
        double from = weft__seconds();
        if (!status) status = weft_forward(p);
        double between = weft__seconds();
        if (!status) status = weft_backward(p);
        if (i == 1) *t = (tried){0}; /* the first one pays for cold memory */
        t->forward += between - from;
        t->backward += weft__seconds() - between;
        t->steps++;
    }
    return status;
}

/* The optimizer reads and writes every parameter, gradient and moment; it cannot be
 * tried without moving them, so: 24 bytes for each at 8 GB/s. */
static double update_seconds(const weft__session *s)
{
    return (double)s->g->slab_count * 24 / 8e9 / s->opts.accumulate;
}

void weft__session_estimate(weft__session *s)
{
    size_t buffers = s->g->buffer_count;
    float *kept = weft__alloc(buffers + 1, sizeof *kept);
    tried t = {0};
    if (!kept) return;
    memcpy(kept, s->g->buffers, buffers * sizeof *kept);
    weft_status status = try_steps(s, &t);
    memcpy(s->g->buffers, kept, buffers * sizeof *kept);
    s->g->version++;
    free(kept);
    if (status || !t.steps) return; /* the first real step will tell what is wrong */
    int train = s->feed->kind->count(s->feed, WEFT_TRAIN);
    int val = s->feed->kind->count(s->feed, WEFT_VAL);
    double each = (t.forward + t.backward) / t.steps + update_seconds(s);
    double check = t.forward / t.steps * (val ? val : train) / s->opts.batch;
    double left = s->opts.epochs - s->at.epoch - (double)s->at.batch / s->batches;
    weft_run_plan plan = {.epochs = s->opts.epochs,
                          .batches = s->batches,
                          .batch_seconds = each,
                          .seconds = left * (each * s->batches + check),
                          .plan_bytes =
                              weft_plan_total_bytes(s->full ? s->full : s->tail)};
    s->opts.on_start(s->opts.user, &plan);
}
