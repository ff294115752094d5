/* set.c: the kernels of one dialect, gathered. */
#include "kernels/simd/vec.h"

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

#define FIELD(type, name, args) .name = KERNEL(name),
static const weft__kernels exact = {.isa = TEXT(WEFT_ISA), WEFT_KERNELS(FIELD)};
static const weft__kernels set = {
    .isa = TEXT(WEFT_ISA), .exact = &exact, WEFT_KERNELS(FIELD)};
#undef FIELD

/* For dispatch.c, which has no name for the set of double. */
const void *KERNEL(set)(void);
const void *KERNEL(set)(void)
{
    return &set;
}
