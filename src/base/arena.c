/* arena.c: many small allocations that are freed together. */
#include "base/arena.h"
#include "base/checked.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

struct weft__arena_block {
    struct weft__arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

enum { FIRST_BLOCK = 4 << 10, LARGEST_BLOCK = 1 << 20 };

/* A block with room for `bytes`. The first block of the list is the one that is filled;
 * one made for a single large request goes after it, so that the room left in the first
 * is not lost. */
static struct weft__arena_block *new_block(weft__arena *a, size_t bytes)
{
    struct weft__arena_block *b, *first = a->first;
    size_t size = first ? first->size * 2 : FIRST_BLOCK, total;
    bool lone;
    if (size > LARGEST_BLOCK) size = LARGEST_BLOCK;
    lone = first && bytes > size;
    if (bytes > size) size = bytes;
    if (!weft__add(sizeof *b, size, &total) || !(b = weft__alloc(1, total))) return NULL;
    b->size = size;
    if (lone) {
        b->next = first->next;
        first->next = b;
    } else {
        b->next = first;
        a->first = b;
    }
    return b;
}

void *weft__arena_alloc(weft__arena *a, size_t bytes)
{
    struct weft__arena_block *b = a->first;
    void *p;
    if (bytes > SIZE_MAX - alignof(max_align_t)) return NULL;
    bytes = weft__round_up(bytes ? bytes : 1, alignof(max_align_t));
    if (!b || b->size - b->used < bytes) b = new_block(a, bytes);
    if (!b) return NULL;
    p = b->data + b->used; /* zero since calloc: blocks are never reused */
    b->used += bytes;
    a->bytes += bytes;
    return p;
}

char *weft__arena_text(weft__arena *a, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = weft__arena_alloc(a, bytes);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

void weft__arena_free(weft__arena *a)
{
    struct weft__arena_block *b = a->first;
    while (b) {
        struct weft__arena_block *next = b->next;
        free(b);
        b = next;
    }
    *a = (weft__arena){0};
}

void *weft__block_alloc(size_t bytes)
{
    const size_t line = 64, page = 2 << 20, large = 32 << 20;
    void *p = NULL;
    if (!bytes) bytes = line;
    if (posix_memalign(&p, bytes < large ? line : page, bytes)) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= large) (void)madvise(p, bytes / page * page, MADV_HUGEPAGE);
#endif
    return p;
}

void weft__return_large_blocks(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}
