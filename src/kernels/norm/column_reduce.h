/* column_reduce.h: how a [rows][c] array is walked by kernels that work column by
 * column (channel by channel), fast for few columns too.
 *
 * With few columns, `fold` rows are taken as one wide row: the array is seen as
 * [tall][wide] with wide = c * fold a multiple of WEFT_LANES, column j of it
 * belonging to channel j % c, and a rest of fewer than fold rows (one wide row that
 * is not whole). Sums run over slices of `slice` wide rows and chunks of
 * COLUMNS_CHUNK wide columns: items that threads share, cut by shape alone. Inside a
 * slice, COLUMNS_BLOCK rows at a time are summed in real, and the blocks in double. */
#ifndef WEFT_SRC_KERNELS_NORM_COLUMN_REDUCE_H
#define WEFT_SRC_KERNELS_NORM_COLUMN_REDUCE_H

#include "base/thread.h"
#include "kernels/simd/vec.h"

#define COLUMNS_BLOCK 64
#define COLUMNS_VECS 4 /* vectors side by side in a block */
#define COLUMNS_TILE (COLUMNS_VECS * WEFT_LANES)
#define COLUMNS_CHUNK 256
#define COLUMNS_SLICES 32   /* at most */
#define COLUMNS_GRAIN 32768 /* elements that are worth another thread */
/* The widest folded row: an odd c below COLUMNS_TILE times WEFT_LANES. */
#define COLUMNS_FOLDED (COLUMNS_TILE * (WEFT_LANES > 2 ? WEFT_LANES : 2))

typedef struct columns {
    size_t c, fold;
    size_t tall, wide; /* whole wide rows, and their width */
    size_t rest;       /* elements after the last whole wide row */
    size_t slice, slices, chunks;
} columns;

WEFT_INLINE columns columns_of(size_t rows, size_t c)
{
    columns s = {.c = c, .fold = 1};
    if (!rows || !c) return s;
    if (c < COLUMNS_TILE)
        while (c * s.fold % WEFT_LANES || c * s.fold < COLUMNS_TILE) s.fold *= 2;
    s.wide = c * s.fold;
    s.tall = rows / s.fold;
    s.rest = rows % s.fold * c;
    size_t spread = (s.tall + COLUMNS_SLICES - 1) / COLUMNS_SLICES;
    size_t chunk = s.wide < COLUMNS_CHUNK ? s.wide : COLUMNS_CHUNK;
    size_t least = (COLUMNS_GRAIN + chunk - 1) / chunk;
    s.slice = spread > least ? spread : least;
    s.slice = (s.slice + COLUMNS_BLOCK - 1) / COLUMNS_BLOCK * COLUMNS_BLOCK;
    s.slices = (s.tall + s.slice - 1) / s.slice;
    s.chunks = (s.wide + COLUMNS_CHUNK - 1) / COLUMNS_CHUNK;
    return s;
}

/* Bytes for `sums` double results per slice and wide column, and `copies` wide rows of
 * real. */
WEFT_INLINE size_t columns_scratch(const columns *s, size_t sums, size_t copies)
{
    size_t bytes = (s->slices * sums * sizeof(double) + copies * sizeof(real)) * s->wide;
    return (bytes + 63) / 64 * 64;
}

/* One block of at most COLUMNS_BLOCK rows: adds to sums[0][lane] and, `wide` further
 * on, to sums[1][lane]. j is the wide column it begins at; its width is vecs
 * vectors, the last of them of n lanes. vecs is constant at every call, n where it
 * is WEFT_LANES. */
typedef void columns_block(const void *arg, const columns *s, size_t row, int rows,
                           size_t j, int vecs, int n, double *sums);

/* Item number `item` of slices * chunks; partial: [slices][count][wide]. */
WEFT_INLINE void columns_item(const void *arg, const columns *s, size_t item, int count,
                              double *partial, columns_block *block)
{
    const size_t slice = item / s->chunks, first = item % s->chunks * COLUMNS_CHUNK;
    const size_t end = s->wide - first < COLUMNS_CHUNK ? s->wide : first + COLUMNS_CHUNK;
    const size_t below = slice * s->slice;
    const size_t above = s->tall - below < s->slice ? s->tall : below + s->slice;
    double *sums = partial + slice * (size_t)count * s->wide;
    for (int k = 0; k < count; k++)
        memset(sums + (size_t)k * s->wide + first, 0, (end - first) * sizeof *sums);
    for (size_t row = below; row < above; row += COLUMNS_BLOCK) {
        const int rows = above - row < COLUMNS_BLOCK ? (int)(above - row) : COLUMNS_BLOCK;
        size_t j = first;
        for (; j + COLUMNS_TILE <= end; j += COLUMNS_TILE)
            block(arg, s, row, rows, j, COLUMNS_VECS, WEFT_LANES, sums + j);
        for (; j + WEFT_LANES <= end; j += WEFT_LANES)
            block(arg, s, row, rows, j, 1, WEFT_LANES, sums + j);
        if (j < end) block(arg, s, row, rows, j, 1, (int)(end - j), sums + j);
    }
}

/* Sum number k of channel j over all slices and folds, in a fixed order. */
WEFT_INLINE double columns_total(const columns *s, const double *partial, int count,
                                 int k, size_t j)
{
    double total = 0;
    for (size_t slice = 0; slice < s->slices; slice++) {
        const double *sums = partial + (slice * (size_t)count + (size_t)k) * s->wide;
        for (size_t i = j; i < s->wide; i += s->c) total += sums[i];
    }
    return total;
}

/* to[wide] = from[c] again and again. */
WEFT_INLINE void columns_repeat(const columns *s, real *to, const real *from)
{
    for (size_t i = 0; i < s->wide; i += s->c) memcpy(to + i, from, s->c * sizeof *to);
}

/* to[lane] += v[lane] */
WEFT_INLINE void add_lanes(double *to, vec v, int n)
{
    real lanes[WEFT_LANES];
    vstore(lanes, v);
    for (int i = 0; i < n; i++) to[i] += (double)lanes[i];
}

#endif
