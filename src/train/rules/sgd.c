/* sgd.c: stochastic gradient descent, with momentum, damped or Nesterov's, as
 * torch.optim.SGD.
 *
 *   d = g + weight_decay p
 *   v = momentum v + (1 - dampening) d     (v = d in the first step)
 *   p = p - lr v                           (Nesterov: p - lr (d + momentum v)) */
#include "train/optimizer.h"

#include "base/error.h"

static unsigned moments(const weft_optimizer_opts *opts)
{
    return opts->momentum != 0;
}

static weft_status check(const weft_optimizer_opts *opts)
{
    weft_status s = weft__option_range("sgd", "momentum", opts->momentum, 0, 1, true);
    if (!s) s = weft__option_range("sgd", "dampening", opts->dampening, 0, 1, false);
    if (!s && opts->nesterov && (opts->momentum <= 0 || opts->dampening != 0))
        s = weft__fail(WEFT_EUSAGE,
                       "sgd: nesterov needs a momentum above 0 and no dampening (found "
                       "momentum %g, dampening %g)",
                       opts->momentum, opts->dampening);
    return s;
}

static void update(weft_optimizer *o, size_t begin, size_t end, double lr, double decay,
                   double gradient_scale)
{
    const weft__kernels *k = weft__optimizer_kernels();
    k->sgd((float *)o->g->slab + begin, (const float *)o->g->gradients + begin,
           weft__moment(o, 0, begin), end - begin, lr, o->opts.momentum,
           o->opts.dampening, decay, o->opts.nesterov, o->steps == 1, gradient_scale);
}

const weft__rule weft__rule_sgd = {
    .name = "sgd",
    .defaults = {.name = "sgd", .lr = 0.01, .momentum = 0.9},
    .moments = moments,
    .moment_name = {"momentum"},
    .check = check,
    .update = update,
};
