/* checked.h: size arithmetic that cannot wrap. */
#ifndef WEFT_SRC_BASE_CHECKED_H
#define WEFT_SRC_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns false, and leaves *out alone, when the result does not fit in a
 * size_t. */
static inline bool weft__mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool weft__add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

/* The product of n dimensions, none negative. */
bool weft__count(const int *dim, int n, size_t *out);
bool weft__count64(const int64_t *dim, int n, size_t *out);

/* calloc of count elements of size bytes within the process's memory limit
 * (weft__set_max_memory); NULL when too much or not to be had. */
void *weft__alloc(size_t count, size_t size);

/* The largest single allocation; 16 GiB unless set. */
void weft__set_max_memory(size_t bytes);
size_t weft__max_memory(void);

static inline size_t weft__round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

#endif
