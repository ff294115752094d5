/* trainer_state.c: the state of a trainer to and from a checkpoint, and the facts
 * that it must agree on with whoever reads it. */
#include "train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts ---- */

void weft__fact_of(weft__facts *f, const char *key, const char *format, ...)
{
    va_list args;
    if (f->n == sizeof f->key / sizeof *f->key) return;
    va_start(args, format);
    f->key[f->n] = key;
    vsnprintf(f->value[f->n], sizeof f->value[f->n], format, args);
    f->n++;
    va_end(args);
}

void weft__trainer_facts(const weft_trainer *t, weft__facts *f)
{
    weft__fact_of(f, "parameters", "%zu in %d tensors", t->g->slab_count, t->g->params);
    weft__fact_of(f, "convolutions", "%s", t->exact_conv ? "exact" : "fast");
    weft__fact_of(f, "seed", "%" PRIu64, t->opts.seed);
}

void weft__optimizer_facts(const weft_trainer *t, weft__facts *f)
{
    const weft_optimizer_opts *o = &t->optimizer->opts;
    weft__fact_of(f, "optimizer", "%s", o->name);
    weft__fact_of(f, "lr", "%.17g", o->lr);
    weft__fact_of(f, "weight decay", "%.17g", o->weight_decay);
    weft__fact_of(f, "momentum", "%g %g %g", o->momentum, o->beta1, o->beta2);
    weft__fact_of(f, "clipping", "%g %g", o->clip_norm, o->clip_value);
    weft__fact_of(f, "ema", "%.17g", o->ema);
    weft__fact_of(f, "schedule", "%s", t->opts.schedule.name);
}

weft_status weft__facts_put(const weft__facts *f, weft_meta *m)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < f->n && !s; i++) {
        char key[64];
        snprintf(key, sizeof key, "run.%s", f->key[i]);
        s = weft_meta_set(m, key, f->value[i]);
    }
    return s ? s : weft_meta_set(m, "run.isa", weft_isa());
}

weft_status weft__facts_agree(const weft__facts *f, int n, const weft_meta *m,
                              const char *path)
{
    char text[900] = "";
    size_t at = 0;
    bool foreign = false;
    for (int i = 0; i < n && at + 200 < sizeof text; i++) {
        char key[64];
        snprintf(key, sizeof key, "run.%s", f->key[i]);
        const char *there = weft_meta_get(m, key);
        if (there && !strcmp(there, f->value[i])) continue;
        foreign |= i < f->optimizer;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s here, %.60s there",
                               at ? "; " : "", f->key[i], f->value[i],
                               there ? there : "none");
    }
    if (!at) return WEFT_OK;
    return weft__fail(
        WEFT_EUSAGE, "%s: is of another run: %s%s", path, text,
        foreign || !f->optimizer ? "" : ". --reset-optimizer keeps the parameters only");
}

/*   ---- numbers: doubles travel as the 16 hexadecimal digits of their bits, exact
 *     in any locale ---- */

weft_status weft__meta_put_int(weft_meta *m, const char *key, int64_t x)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, x);
    return weft_meta_set(m, key, text);
}

weft_status weft__meta_put_real(weft_meta *m, const char *key, double x)
{
    char text[32];
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    snprintf(text, sizeof text, "%016" PRIx64, u);
    return weft_meta_set(m, key, text);
}

bool weft__meta_get_int(const weft_meta *m, const char *key, int64_t *x)
{
    const char *text = weft_meta_get(m, key);
    if (text) *x = strtoll(text, NULL, 10);
    return text != NULL;
}

bool weft__meta_get_real(const weft_meta *m, const char *key, double *x)
{
    const char *text = weft_meta_get(m, key);
    if (!text) return false;
    uint64_t u = strtoull(text, NULL, 16);
    memcpy(x, &u, sizeof *x);
    return true;
}

/* ---- tensors ---- */

typedef weft_status visit_fn(weft__checkpoint *c, const char *name, float *data,
                             size_t count);

static weft_status each_tensor(weft_trainer *t, weft__checkpoint *c, visit_fn *visit,
                               bool optimizer)
{
    weft_optimizer *o = t->optimizer;
    size_t n = t->g->slab_count;
    weft_status s = visit(c, "parameters", t->g->slab, n);
    if (!s) s = visit(c, "buffers", t->g->buffers, t->g->buffer_count);
    for (int k = 0; k < WEFT_MOMENTS && !s && optimizer; k++) {
        char name[32];
        snprintf(name, sizeof name, "moment.%d", k);
        if (o->moment[k]) s = visit(c, name, o->moment[k], n);
    }
    if (!s && o->average && optimizer) s = visit(c, "average", o->average, n);
    return s;
}

weft_status weft__tensor_put(weft__checkpoint *c, const char *name, float *data,
                             size_t count)
{
    if (!count) return WEFT_OK;
    if (count > INT32_MAX)
        return weft__fail(WEFT_ENOMEM, "%s: too large for a checkpoint", name);
    return weft__checkpoint_put(c, name, WEFT_SHAPE((int)count), data, count);
}

static weft_status have(weft__checkpoint *c, const char *name, float *data, size_t count)
{
    (void)data;
    if (!count || weft__checkpoint_get(c, name, count)) return WEFT_OK;
    return weft__fail(WEFT_EMODEL, "no tensor %s of %zu elements", name, count);
}

weft_status weft__tensor_get(weft__checkpoint *c, const char *name, float *data,
                             size_t count)
{
    weft_status s = have(c, name, data, count);
    if (!s && count)
        memcpy(data, weft__checkpoint_get(c, name, count), count * sizeof *data);
    return s;
}

weft_status weft__trainer_put(weft_trainer *t, weft__checkpoint *c)
{
    weft_status s = weft__meta_put_int(weft__checkpoint_meta(c), "optimizer_steps",
                                       t->optimizer->steps);
    return s ? s : each_tensor(t, c, weft__tensor_put, true);
}

weft_status weft__trainer_get(weft_trainer *t, weft__checkpoint *c, bool optimizer,
                              int64_t most_steps)
{
    int64_t steps = 0;
    if (!weft__meta_get_int(weft__checkpoint_meta(c), "optimizer_steps", &steps))
        return weft__fail(WEFT_EMODEL, "no optimizer_steps");
    if (steps < 0 || steps > most_steps)
        return weft__fail(WEFT_EMODEL, "optimizer_steps %lld of %lld batches",
                          (long long)steps, (long long)most_steps);
    weft_status s = each_tensor(t, c, have, optimizer);
    if (!s) s = each_tensor(t, c, weft__tensor_get, optimizer);
    if (s) return s;
    t->optimizer->steps = optimizer ? steps : 0;
    t->g->version++;
    return WEFT_OK;
}
