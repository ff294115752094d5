/* shared.h: one source, two builds.
 *
 * Every file of ops/ is built for float and, with WEFT_F64, for double. A helper that is
 * the same in both is WEFT_SHARED: weak in the second build, so that the first one's
 * serves both. A helper that works on `real` is named by WEFT_TWICE and exists twice. */
#ifndef WEFT_SRC_OPS_SHARED_H
#define WEFT_SRC_OPS_SHARED_H

#include "ops/op.h"

#ifdef WEFT_F64
#undef WEFT_API /* weak from here on, declared by weft/ops.h or defined by us */
#define WEFT_API __attribute__((weak, visibility("default")))
#define WEFT_SHARED __attribute__((weak))
#define WEFT_TWICE(name) weft__##name##_f64
#else
#define WEFT_SHARED
#define WEFT_TWICE(name) weft__##name##_f32
#endif

#include "weft/ops.h"

#endif
