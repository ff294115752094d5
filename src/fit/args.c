/* args.c: what the options of `weft train` mean: what excludes what, and what is
 * left open. */
#include "fit/args.h"

#include "base/checked.h"
#include "base/option.h"

#include <stdio.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
    return a && !strcmp(a, b);
}

weft_status weft__fit_check(const weft__fit_values *v)
{
    const char *s = v->schedule, *o = v->optimizer;
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {v->val && v->no_val, "--val and --no-val exclude each other"},
        {v->bad_list && !v->skip_bad, "--bad-list goes with --skip-bad"},
        {v->reset_optimizer && !v->resume, "--reset-optimizer goes with --resume"},
        {v->milestones && !is(s, "multistep"),
         "--milestones go with --schedule multistep"},
        {!v->milestones && is(s, "multistep"), "--schedule multistep needs --milestones"},
        {v->step > 0 && !is(s, "step"), "--step goes with --schedule step"},
        {v->gamma > 0 && (is(s, "constant") || is(s, "cosine") || is(s, "onecycle")),
         "--gamma goes with --schedule step, multistep, exponential or plateau"},
        {v->warmup > 0 && is(s, "onecycle"),
         "--schedule onecycle has a rise of its own; leave out --warmup"},
        {v->momentum > 0 && o && !is(o, "sgd") && !is(o, "rmsprop"),
         "--momentum goes with --optimizer sgd or rmsprop"},
        {v->final > 0 && !is(s, "cosine") && !is(s, "onecycle"),
         "--final goes with --schedule cosine or onecycle"},
        {v->no_nesterov && o && !is(o, "sgd"), "--no-nesterov goes with --optimizer sgd"},
        {v->val_fraction > 0 && (v->val || v->no_val),
         "--val-fraction excludes --val and --no-val"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong) return weft__fail(WEFT_EUSAGE, "train: %s", rules[i].why);
    return WEFT_OK;
}

static double either(double given, double otherwise)
{
    return given >= 0 ? given : otherwise >= 0 ? otherwise : 0;
}

void weft__fit_settle(weft__fit_values *v, const weft__recipe *r)
{
    if (!v->model) v->model = r->model;
    if (!v->optimizer) v->optimizer = r->optimizer;
    if (!v->epochs) v->epochs = r->epochs;
    if (!v->batch) v->batch = r->batch;
    v->lr = either(v->lr, r->lr);
    v->momentum = either(v->momentum, r->momentum);
    v->weight_decay = either(v->weight_decay, r->weight_decay);
    v->clip_norm = either(v->clip_norm, r->clip_norm);
    if (v->dropout < 0 && r->dropout >= 0) v->dropout = r->dropout;
}

weft_status weft__fit_skip_bad(const char *given, double *most)
{
    char text[32];
    if (!given || !*given) return WEFT_OK;
    snprintf(text, sizeof text, "%.30s", given);
    if (*text && text[strlen(text) - 1] == '%') text[strlen(text) - 1] = '\0';
    if (weft__number_parse(text, 0, 100, most)) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "--skip-bad: found %.30s, allowed 0%% to 100%%",
                      given);
}

static weft_status read_milestones(const char *text, double out[16])
{
    char copy[200], *rest = copy;
    int n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, ",")) != NULL; n++)
        if (n == 16 || !weft__number_parse(word, 0.001, 1e6, &out[n]) ||
            (n && out[n] <= out[n - 1]))
            return weft__fail(WEFT_EUSAGE,
                              "--milestones: found %.60s, allowed up to 16 rising epochs",
                              text);
    return WEFT_OK;
}

weft_status weft__fit_train_opts(const weft__fit_values *v, weft_train_opts *out)
{
    weft_train_opts o = {.epochs = v->epochs,
                         .batch = v->batch,
                         .accumulate = v->accumulate,
                         .seed = v->seed,
                         .patience = v->patience,
                         .reset_optimizer = v->reset_optimizer,
                         .save_seconds = v->save_seconds,
                         .exact_conv = v->exact_conv,
                         .model = v->model};
    o.optimizer = weft_optimizer_defaults(v->optimizer);
    o.optimizer.lr = v->lr;
    o.optimizer.weight_decay = v->weight_decay;
    o.optimizer.clip_norm = v->clip_norm;
    o.optimizer.clip_value = v->clip_value;
    o.optimizer.ema = v->ema;
    o.optimizer.momentum = v->momentum;
    o.optimizer.nesterov = is(v->optimizer, "sgd") && v->momentum > 0 && !v->no_nesterov;
    o.schedule = (weft_schedule){.name = v->schedule,
                                 .warmup = v->warmup,
                                 .gamma = v->gamma,
                                 .step = v->step,
                                 .final = v->final};
    *out = o;
    return v->milestones ? read_milestones(v->milestones, out->schedule.milestones)
                         : WEFT_OK;
}

/* As a network takes it: 0 is its own, negative none. */
static double rate(double given)
{
    return given < 0 ? 0 : given > 0 ? given : -1;
}

void weft__fit_zoo_opts(const weft__fit_values *v, weft_zoo_opts *z)
{
    if (v->embedding) z->embedding = v->embedding;
    z->filters = v->filters;
    z->kernel = v->kernel;
    z->hidden = v->hidden;
    z->layers = v->layers;
    z->pool = v->pool;
    z->gate_bias = v->gate_bias;
    z->form = v->form;
    z->readout = v->readout;
    z->bag = v->bag;
    z->freeze = v->freeze_embedding;
    z->wide = v->wide;
    z->wide_dropout = rate(v->wide_dropout);
    z->dropout = rate(v->dropout);
    z->embedding_dropout = rate(v->embedding_dropout);
}

WEFT_API weft_status weft_fit_args_apply(const weft_fit_args *a)
{
    const weft__fit_values *v = weft__fit_values_of(a);
    if (v->max_mem) weft__set_max_memory(v->max_mem);
    return v->threads ? weft_set_threads(v->threads) : WEFT_OK;
}
