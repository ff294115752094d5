/* trainer.c: training step by step: a plan for each size of batch, forward, backward,
 * update. */
#include "train/trainer.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static weft_status check(const weft_trainer_opts *o)
{
    if (o->accumulate < 1 || o->accumulate > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "accumulate %d, allowed 1 to %d", o->accumulate,
                          1 << 20);
    return weft_schedule_check(&o->schedule);
}

WEFT_API weft_status weft_trainer_new(weft_graph *g, weft_value loss,
                                      const weft_trainer_opts *opts, weft_trainer **out)
{
    weft_trainer_opts o = opts ? *opts : (weft_trainer_opts){0};
    if (!o.accumulate) o.accumulate = 1;
    if (!o.optimizer.name) o.optimizer = weft_optimizer_defaults("sgd");
    if (!o.schedule.name) o.schedule.name = "constant";
    weft_status s = weft_graph_status(g);
    if (!s) s = check(&o);
    if (s) return s;
    weft_trainer *t = calloc(1, sizeof *t);
    if (!t) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    t->g = g;
    t->loss = loss;
    t->opts = o;
    s = weft_optimizer_new(g, &o.optimizer, &t->optimizer);
    if (s)
        weft_trainer_free(t);
    else
        *out = t;
    return s;
}

WEFT_API void weft_trainer_free(weft_trainer *t)
{
    if (!t) return;
    for (int i = 0; i < WEFT_TRAINER_PLANS; i++) weft_plan_free(t->plan[i]);
    weft_optimizer_free(t->optimizer);
    free(t);
}

WEFT_API weft_status weft_trainer_plan(weft_trainer *t, int n, weft_plan **out)
{
    int at = 0;
    for (int i = 0; i < WEFT_TRAINER_PLANS; i++)
        if (t->plan[i] && t->size[i] == n) {
            *out = t->plan[i];
            return WEFT_OK;
        }
    while (at < WEFT_TRAINER_PLANS - 1 && t->plan[at]) at++;
    weft_plan *p = NULL;
    weft_plan_opts o = {.batch = n,
                        .loss = t->loss,
                        .training = true,
                        .accumulate = t->opts.accumulate > 1,
                        .keep = t->keep,
                        .keep_count = t->keeps,
                        .exact_conv = t->exact_conv,
                        .share_memory_with = at ? t->plan[0] : NULL};
    weft_status s = weft_plan_new(t->g, &o, &p);
    if (s) return s;
    weft_plan_free(t->plan[at]);
    t->plan[at] = p;
    t->size[at] = n;
    *out = p;
    return WEFT_OK;
}

weft_status weft__trainer_run(weft_trainer *t, weft_plan *p, const weft__trainer_batch *b,
                              float *loss)
{
    weft_plan_random(p, t->opts.seed, (uint64_t)t->step);
    if (t->opts.accumulate > 1) {
        if (b->first) weft_graph_zero_gradients(t->g);
        weft_plan_loss_scale(p, b->scale);
    }
    weft_status s = weft_plan_forward(p);
    *loss = s ? 0 : weft_plan_scalar(p, t->loss);
    if (!s && !isfinite(*loss)) return WEFT_EDIVERGED;
    if (!s)
        s = b->last ? weft_optimizer_backward_step(p, t->optimizer, b->rate)
                    : weft_plan_backward(p);
    if (!s) t->step++;
    return s;
}

WEFT_API weft_status weft_trainer_step(weft_trainer *t, weft_plan *p, float *loss)
{
    float got = 0;
    char where[128];
    const weft__trainer_batch b = {.first = t->group == 0,
                                   .last = t->group == t->opts.accumulate - 1,
                                   .scale = 1.0f / (float)t->opts.accumulate,
                                   .rate = weft_trainer_rate(t)};
    weft_status s = weft__trainer_run(t, p, &b, &got);
    if (s == WEFT_EDIVERGED) {
        weft_plan_first_bad(p, where, sizeof where);
        return weft__fail(s, "loss or gradient is not finite at step %lld: first in %s",
                          (long long)t->step + 1, where[0] ? where : "the update");
    }
    if (s) return s;
    t->group = b.last ? 0 : t->group + 1;
    if (loss) *loss = got;
    return WEFT_OK;
}

WEFT_API int64_t weft_trainer_steps(const weft_trainer *t)
{
    return t->step;
}

WEFT_API double weft_trainer_rate(const weft_trainer *t)
{
    double epochs = t->opts.epochs > 0 ? t->opts.epochs : 1;
    double epoch =
        t->opts.steps_per_epoch > 0 ? (double)t->step / t->opts.steps_per_epoch : 0;
    return weft_schedule_rate(&t->opts.schedule, t->optimizer->opts.lr,
                              epoch < epochs ? epoch : epochs, epochs, 1);
}

WEFT_API weft_optimizer *weft_trainer_optimizer(weft_trainer *t)
{
    return t->optimizer;
}

/* ---- to and from a file ---- */

static weft_status between_updates(const weft_trainer *t)
{
    if (!t->group) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "trainer: %d of %d batches of an update are done",
                      t->group, t->opts.accumulate);
}

static weft__facts facts_of(const weft_trainer *t)
{
    weft__facts f = {0};
    weft__trainer_facts(t, &f);
    weft__fact_of(&f, "accumulate", "%d", t->opts.accumulate);
    weft__optimizer_facts(t, &f);
    return f;
}

WEFT_API weft_status weft_trainer_save(const weft_trainer *trainer, const char *path)
{
    weft_trainer *t = (weft_trainer *)(uintptr_t)trainer; /* its tensors are only read */
    weft_status s = between_updates(t);
    if (s) return s;
    weft__checkpoint *c = weft__checkpoint_new();
    if (!c) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    weft__facts f = facts_of(t);
    s = weft_meta_set(weft__checkpoint_meta(c), "format", "trainer 1");
    if (!s) s = weft__facts_put(&f, weft__checkpoint_meta(c));
    if (!s) s = weft__meta_put_int(weft__checkpoint_meta(c), "step", t->step);
    if (!s) s = weft__trainer_put(t, c);
    if (!s) s = weft__checkpoint_write(c, path);
    weft__checkpoint_free(c);
    return s;
}

static weft_status read_state(weft_trainer *t, weft__checkpoint *c, const char *path)
{
    const weft_meta *m = weft__checkpoint_meta(c);
    const char *format = weft_meta_get(m, "format");
    weft__facts f = facts_of(t);
    int64_t step = 0;
    if (!format || strcmp(format, "trainer 1"))
        return weft__fail(WEFT_EMODEL, "%s: is no state of a trainer", path);
    weft_status s = weft__facts_agree(&f, f.n, m, path);
    if (s) return s;
    if (!weft__meta_get_int(m, "step", &step) || step < 0 || step > INT64_MAX / 2)
        return weft__fail(WEFT_EMODEL, "%s: has no count of steps", path);
    s = weft__trainer_get(t, c, true, step);
    if (s) return weft__prefix(s, "%s", path);
    t->step = step;
    t->group = 0;
    return WEFT_OK;
}

WEFT_API weft_status weft_trainer_load(weft_trainer *t, const char *path)
{
    weft__checkpoint *c = NULL;
    weft_status s = between_updates(t);
    if (!s) s = weft__checkpoint_read(path, &c);
    if (!s) s = read_state(t, c, path);
    weft__checkpoint_free(c);
    return s;
}
