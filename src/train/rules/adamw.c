/* adamw.c: Adam with decoupled weight decay, as torch.optim.AdamW: Adam without
 * decay in the gradient, after p = p (1 - lr weight_decay). */
#include "train/rules/adam.h"

static void update(weft_optimizer *o, size_t begin, size_t end, double lr, double decay,
                   double gradient_scale)
{
    weft__adam_update(o, begin, end, lr, decay, true, gradient_scale);
}

const weft__rule weft__rule_adamw = {
    .name = "adamw",
    .defaults = {.name = "adamw",
                 .lr = 1e-3,
                 .beta1 = 0.9,
                 .beta2 = 0.999,
                 .eps = 1e-8,
                 .weight_decay = 0.01},
    .moments = weft__adam_moments,
    .moment_name = {"mean", "square"},
    .check = weft__adam_check,
    .update = update,
};
