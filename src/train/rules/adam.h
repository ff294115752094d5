/* adam.h: what Adam and AdamW share. */
#ifndef WEFT_SRC_TRAIN_RULES_ADAM_H
#define WEFT_SRC_TRAIN_RULES_ADAM_H

#include "train/optimizer.h"

#include <math.h>

unsigned weft__adam_moments(const weft_optimizer_opts *opts);
weft_status weft__adam_check(const weft_optimizer_opts *opts);
void weft__adam_update(weft_optimizer *o, size_t begin, size_t end, double lr,
                       double decay, bool decoupled, double gradient_scale);

#endif
