/* checked.c: products of dimensions, and allocation within the process's limit. */
#include "base/checked.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic size_t max_memory; /* 0: the default */

void weft__set_max_memory(size_t bytes)
{
    atomic_store(&max_memory, bytes);
}

size_t weft__max_memory(void)
{
    size_t set = atomic_load(&max_memory);
    return set ? set
               : (size_t)(SIZE_MAX > UINT32_MAX ? UINT64_C(16) << 30 : SIZE_MAX / 2);
}

bool weft__count64(const int64_t *dim, int n, size_t *out)
{
    size_t product = 1;
    bool fits = true, empty = false;
    for (int i = 0; i < n; i++) {
        if (dim[i] < 0 || (uint64_t)dim[i] > SIZE_MAX) return false;
        /* A zero anywhere makes the product 0, however large the others are. */
        if (dim[i] == 0)
            empty = true;
        else if (!weft__mul(product, (size_t)dim[i], &product))
            fits = false;
    }
    if (!empty && !fits) return false;
    *out = empty ? 0 : product;
    return true;
}

bool weft__count(const int *dim, int n, size_t *out)
{
    size_t product = 1;
    bool fits = true, empty = false;
    for (int i = 0; i < n; i++) {
        if (dim[i] < 0) return false;
        if (dim[i] == 0)
            empty = true;
        else if (!weft__mul(product, (size_t)dim[i], &product))
            fits = false;
    }
    if (!empty && !fits) return false;
    *out = empty ? 0 : product;
    return true;
}

void *weft__alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!weft__mul(count, size, &bytes) || bytes > weft__max_memory()) return NULL;
    return calloc(bytes ? bytes : 1, 1);
}
