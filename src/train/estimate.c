/* estimate.c: how long a run will take: a few steps are tried, and leave no trace. */
#include "train/loop.h"

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
static weft_status try_steps(weft__loop *l, tried *t)
{
    weft_batch b = {0};
    double began = weft__seconds();
    weft_status status = weft_loader_start(l->loader, l->at.epoch, 0);
    for (int i = 0; i < MOST_TRIES && !status; i++) {
        status = weft_loader_next(l->loader, &b);
        if (status || !b.n || (i && weft__seconds() - began > most_seconds)) break;
        weft_plan *p = NULL;
        status = weft_trainer_plan(l->trainer, b.n, &p);
        if (!status) status = weft__loop_bind(l, p, &b);
        if (status) break;
        weft_plan_random(p, l->opts.seed, (uint64_t)i);
        if (l->opts.accumulate > 1) weft_graph_zero_gradients(l->g);
        double from = weft__seconds();
        if (!status) status = weft_plan_forward(p);
        double between = weft__seconds();
        if (!status) status = weft_plan_backward(p);
        if (i == 1) *t = (tried){0}; /* the first one pays for cold memory */
        t->forward += between - from;
        t->backward += weft__seconds() - between;
        t->steps++;
    }
    return status;
}

/* The optimizer reads and writes every parameter, gradient and moment; it cannot be
 * tried without moving them, so: 24 bytes for each at 8 GB/s. */
static double update_seconds(const weft__loop *l)
{
    return (double)l->g->slab_count * 24 / 8e9 / l->opts.accumulate;
}

void weft__loop_estimate(weft__loop *l)
{
    size_t buffers = l->g->buffer_count;
    float *saved = weft__alloc(buffers + 1, sizeof *saved);
    tried t = {0};
    if (!saved) return;
    memcpy(saved, l->g->buffers, buffers * sizeof *saved);
    weft_status status = try_steps(l, &t);
    memcpy(l->g->buffers, saved, buffers * sizeof *saved);
    l->g->version++;
    free(saved);
    if (status || !t.steps) return; /* the first real step will tell what is wrong */
    int train = weft_dataset_count(l->d, WEFT_SUBSET_TRAIN);
    int val = weft_dataset_count(l->d, WEFT_SUBSET_VAL);
    double each = (t.forward + t.backward) / t.steps + update_seconds(l);
    double check = t.forward / t.steps * (val ? val : train) / l->opts.batch;
    double left = l->opts.epochs - l->at.epoch - (double)l->at.batch / l->batches;
    weft_train_estimate plan = {.epochs = l->opts.epochs,
                                .batches = l->batches,
                                .batch_seconds = each,
                                .seconds = left * (each * l->batches + check),
                                .plan_bytes = weft_plan_total_bytes(l->trainer->plan[0])};
    l->opts.on_start(l->opts.user, &plan);
}
