/* weft.h: all of weft. Trains and runs convolutional and recurrent networks on a
 * CPU. */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include "weft/base.h"
#include "weft/dataset.h"
#include "weft/fit.h"
#include "weft/graph.h"
#include "weft/inspect.h"
#include "weft/layers.h"
#include "weft/models.h"
#include "weft/ops.h"
#include "weft/option.h"
#include "weft/plan.h"
#include "weft/store.h"
#include "weft/task.h"
#include "weft/train.h"

#endif
