/* shared.h: one source, two builds.
 *
 * A file of ops/ is built for float and, with WEFT_F64, for double, unless it says
 * "build: once" in a comment line of its own near its top. In the second build,
 *   WEFT_API     a public function, and
 *   WEFT_SHARED  a helper that is the same in both
 * are not compiled: what the second build calls is the first one's. So neither may use
 * anything static of its file (the compiler says "is static but used in inline
 * function"): a function that it calls there is WEFT_SHARED too, with a name of weft__.
 * A helper that works on `real` is named with WEFT_TWICE and exists twice; so is a type
 * that holds `real`. */
#ifndef WEFT_SRC_OPS_COMMON_SHARED_H
#define WEFT_SRC_OPS_COMMON_SHARED_H

#include "ops/op.h"
#include "weft/ops.h"

#ifdef WEFT_F64
/* gcc's and clang's word for a definition that may be inlined and makes no symbol */
#define WEFT_SHARED extern inline __attribute__((gnu_inline))
#undef WEFT_API /* of definitions from here on; the declarations have been read */
#define WEFT_API WEFT_SHARED
#define WEFT_TWICE(name) weft__##name##_f64
#else
#define WEFT_SHARED
#define WEFT_TWICE(name) weft__##name##_f32
#endif

#endif
