/* rmsprop.c: RMSprop, plain, centered or with momentum, as torch.optim.RMSprop.
 *
 *   d = g + weight_decay p
 *   s = alpha s + (1 - alpha) d^2
 *   a = alpha a + (1 - alpha) d                      (centered)
 *   u = d / (sqrt(s) + eps)                          (centered: sqrt(s - a^2) + eps)
 *   v = momentum v + u,  p = p - lr v                (without momentum: p - lr u) */
#include "train/optimizer.h"

enum { SQUARE = 0, MEAN = 1, VELOCITY = 2 }; /* which moment is what */

static unsigned moments(const weft_optimizer_opts *opts)
{
    return 1u << SQUARE | (opts->centered ? 1u << MEAN : 0) |
           (opts->momentum != 0 ? 1u << VELOCITY : 0);
}

static weft_status check(const weft_optimizer_opts *opts)
{
    weft_status s = weft__option_range("rmsprop", "alpha", opts->alpha, 0, 1, true);
    if (!s) s = weft__option_range("rmsprop", "momentum", opts->momentum, 0, 1, true);
    if (!s) s = weft__option_eps("rmsprop", opts->eps);
    return s;
}

static void update(weft_optimizer *o, size_t begin, size_t end, double lr, double decay,
                   double gradient_scale)
{
    const weft__kernels *k = weft__optimizer_kernels();
    const weft_optimizer_opts *p = &o->opts;
    k->rmsprop((float *)o->g->slab + begin, (const float *)o->g->gradients + begin,
               weft__moment(o, SQUARE, begin), weft__moment(o, MEAN, begin),
               weft__moment(o, VELOCITY, begin), end - begin, lr, p->alpha, p->eps, decay,
               p->momentum, gradient_scale);
}

const weft__rule weft__rule_rmsprop = {
    .name = "rmsprop",
    .defaults = {.name = "rmsprop", .lr = 0.01, .alpha = 0.99, .eps = 1e-8},
    .moments = moments,
    .moment_name = {"square", "mean", "momentum"},
    .check = check,
    .update = update,
};
