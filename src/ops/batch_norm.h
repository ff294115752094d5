/* batch_norm.h: what the planner must know to fold a batch norm into the weights before
 * it. */
#ifndef WEFT_SRC_OPS_BATCH_NORM_H
#define WEFT_SRC_OPS_BATCH_NORM_H

#include "weft/ops.h"

/* A batch_norm node's attributes: the options with their defaults filled in. */
typedef weft_batch_norm_opts weft__batch_norm_attr;

#endif
