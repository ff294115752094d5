/* adam.c: Adam, as torch.optim.Adam: weight decay is part of the gradient (L2).
 *
 *   d = g + weight_decay p
 *   m = beta1 m + (1 - beta1) d
 *   v = beta2 v + (1 - beta2) d^2
 *   p = p - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)      t = 1, 2,
 *     ... */
#include "train/rules/adam.h"

unsigned weft__adam_moments(const weft_optimizer_opts *opts)
{
    (void)opts;
    return 3; /* both */
}

weft_status weft__adam_check(const weft_optimizer_opts *opts)
{
    weft_status s = weft__option_range(opts->name, "beta1", opts->beta1, 0, 1, true);
    if (!s) s = weft__option_range(opts->name, "beta2", opts->beta2, 0, 1, true);
    if (!s) s = weft__option_eps(opts->name, opts->eps);
    return s;
}

void weft__adam_update(weft_optimizer *o, size_t begin, size_t end, double lr,
                       double decay, bool decoupled, double gradient_scale)
{
    const weft__kernels *k = weft__optimizer_kernels();
    const weft_optimizer_opts *p = &o->opts;
    k->adam((float *)o->g->slab + begin, (const float *)o->g->gradients + begin,
            weft__moment(o, 0, begin), weft__moment(o, 1, begin), end - begin, lr,
            p->beta1, p->beta2, p->eps, decay, decoupled, 1 - o->power[0],
            1 - o->power[1], gradient_scale);
}

static void update(weft_optimizer *o, size_t begin, size_t end, double lr, double decay,
                   double gradient_scale)
{
    weft__adam_update(o, begin, end, lr, decay, false, gradient_scale);
}

const weft__rule weft__rule_adam = {
    .name = "adam",
    .defaults = {.name = "adam", .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
    .moments = weft__adam_moments,
    .moment_name = {"mean", "square"},
    .check = weft__adam_check,
    .update = update,
};
