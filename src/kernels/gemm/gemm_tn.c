/* gemm_tn.c: products whose first operand is transposed, C = A^T B, shared among
 * threads.
 *
 * C is cut into blocks that stay in the L2 cache; where these are few, the points
 * are cut too, into slices that have their own sums and are merged by a fixed tree.
 * All cuts depend on the shape alone. */
#include "kernels/conv/conv.h"

#include "base/thread.h"

/* An item packs its columns of B: that is cheap while these fit the cache, and else
 * wants many rows to be worth it. */
enum { ITEMS_WANTED = 16, ROWS = 640, COLUMNS = 512, POINTS_LEAST = 1024 };
enum { SMALL_BYTES = 128 << 10, ROWS_OF_SMALL = 36, ROWS_OF_LARGE = 600 };

typedef struct sums {
    const weft__gemm_tn *t;
    int rows, columns; /* of a block */
    size_t row_blocks, column_blocks, count;
    split_k split_k;
} sums;

static int even(int n, size_t count, int step)
{
    size_t one = ((size_t)n + count - 1) / count;
    return (int)((one + (size_t)step - 1) / (size_t)step) * step;
}

static size_t parts(int n, int of)
{
    return (size_t)((n + of - 1) / of);
}

static sums plan(const weft__gemm_tn *t)
{
    sums s = {.t = t};
    s.columns = even(t->n, parts(t->n, COLUMNS), TILE_COLUMNS);
    s.column_blocks = parts(t->n, s.columns);
    bool small = (double)t->k * s.columns * sizeof(real) <= SMALL_BYTES;
    size_t most = (size_t)(t->m / (small ? ROWS_OF_SMALL : ROWS_OF_LARGE));
    size_t blocks = (ITEMS_WANTED + s.column_blocks - 1) / s.column_blocks;
    if (blocks > most) blocks = most;
    if (blocks < parts(t->m, ROWS)) blocks = parts(t->m, ROWS);
    s.rows = even(t->m, blocks, TILE_ROWS_2);
    s.row_blocks = parts(t->m, s.rows);
    s.count = s.row_blocks * s.column_blocks;
    size_t count = s.count < ITEMS_WANTED ? ITEMS_WANTED / s.count : 1;
    if (count > (size_t)t->k / POINTS_LEAST) count = (size_t)t->k / POINTS_LEAST;
    s.split_k = (split_k){.to = t->c,
                          .ld = t->ldc,
                          .rows = (size_t)t->m,
                          .columns = t->n,
                          .count = count > 1 ? count : 1};
    return s;
}

size_t KERNEL(gemm_tn_scratch)(const weft__gemm_tn *t)
{
    sums s = plan(t);
    return (s.split_k.count - 1) * s.split_k.rows * (size_t)t->n * sizeof(real) + 64;
}

static void sums_task(void *arg, size_t begin, size_t end, int worker)
{
    const sums *s = arg;
    const weft__gemm_tn *t = s->t;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t slice = item / s->count, at = item % s->count;
        int n0 = (int)(at / s->row_blocks) * s->columns;
        int m0 = (int)(at % s->row_blocks) * s->rows;
        size_t k = (size_t)t->k, k0 = k * slice / s->split_k.count;
        weft__gemm_tn one = *t;
        one.k = (int)(k * (slice + 1) / s->split_k.count - k0);
        one.m = t->m - m0 < s->rows ? t->m - m0 : s->rows;
        one.n = t->n - n0 < s->columns ? t->n - n0 : s->columns;
        one.a = t->a + (ptrdiff_t)k0 * t->lda + m0;
        one.b = t->b + (ptrdiff_t)k0 * t->ldb + n0;
        one.c = partial_at(&s->split_k, slice, (size_t)m0) + n0;
        if (slice) {
            one.ldc = t->n;
            one.accumulate = false;
        }
        KERNEL(gemm_tn_serial)(&one);
    }
}

void KERNEL(gemm_tn)(const weft__gemm_tn *t, void *scratch)
{
    sums s = plan(t);
    double work = (double)t->m * t->n * t->k;
    size_t items = s.count * s.split_k.count;
    s.split_k.partial = scratch_aligned(scratch);
    weft__parallel(items, conv_grain(items, work), sums_task, &s);
    KERNEL(reduce_split_k)(&s.split_k);
}
