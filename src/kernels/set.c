/* set.c: the kernels of one dialect, gathered. */
#include "kernels/vec.h"

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

#define FIELD(type, name, args) .name = KERNEL(name),
static const weft__kernels exact = {.isa = TEXT(WEFT_ISA), WEFT_KERNELS(FIELD)};
static const weft__kernels set = {
    .isa = TEXT(WEFT_ISA), .exact = &exact, WEFT_KERNELS(FIELD)};
#undef FIELD

/* For dispatch.c: a set's type differs between dialects (float or double), a pointer's
 * need not. */
const void *KERNEL(set)(void);
const void *KERNEL(set)(void)
{
    return &set;
}
