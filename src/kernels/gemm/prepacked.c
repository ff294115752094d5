/* prepacked.c: products for one thread whose second operand was packed before, and
 * products with a transposed first operand, whose rows lie so that nothing has to be
 * packed. */
#include "kernels/ukernel/ukernel.h"

/* Bytes of a panel that stay in the L1 cache next to the rows that go over them. */
enum { PANEL_BYTES = 16 << 10 };
/* Points that are summed in registers before they are added; columns of B that are
 * packed at a time; columns of A that are copied at a time. */
enum { POINTS = 128, WIDE = 256, HEIGHT = 36 / TILE_ROWS_2 * TILE_ROWS_2 };
/* Rows a multiple of so many elements apart crowd into few sets of the L1 cache. */
enum { LINES_APART = 512 / (int)sizeof(real) };

static int least(int a, int b)
{
    return a < b ? a : b;
}

size_t KERNEL(panels)(int n)
{
    return (size_t)(n + TILE_COLUMNS - 1) / TILE_COLUMNS;
}

size_t KERNEL(panel_size)(int k)
{
    return (size_t)k * TILE_COLUMNS;
}

void KERNEL(pack)(real *to, const real *b, int k, int n, ptrdiff_t ld, bool transposed,
                  int first, int last)
{
    for (int p = first; p < last; p++) {
        int n0 = p * TILE_COLUMNS, wide = least(TILE_COLUMNS, n - n0);
        real *panel = to + (size_t)p * KERNEL(panel_size)(k);
        if (transposed) KERNEL(ukernel_pack_transposed)
        (panel, b + (ptrdiff_t)n0 * ld, (size_t)k, wide, TILE_COLUMNS, ld);
        else KERNEL(ukernel_pack)(panel, b + n0, (size_t)k, wide, TILE_COLUMNS, ld);
    }
}

static void panel_product(const weft__gemm_prepacked *p, int n0, int n)
{
    const int depth = PANEL_BYTES / (TILE_COLUMNS * (int)sizeof(real));
    const int blocks = (p->k + depth - 1) / depth;
    for (int i = 0; i < blocks || i == 0; i++) {
        int from = (int)((long long)p->k * i / (blocks ? blocks : 1));
        int to = (int)((long long)p->k * (i + 1) / (blocks ? blocks : 1));
        ukernel_gemm t = {.a = p->a + from,
                          .row = p->lda,
                          .taps_h = 1,
                          .taps_w = 1,
                          .k = to - from,
                          .b = p->b + n0 / TILE_COLUMNS * p->panel + from * TILE_COLUMNS,
                          .ldb = TILE_COLUMNS,
                          .panel = p->panel,
                          .c = p->c + n0,
                          .ldc = p->ldc,
                          .n = n,
                          .prefetch_c = true,
                          .accumulate = i > 0 || p->accumulate,
                          .bias = i == 0 && p->bias ? p->bias + n0 : NULL};
        KERNEL(ukernel_gemm)(&t, p->rows);
    }
}

void KERNEL(gemm_prepacked)(const weft__gemm_prepacked *p)
{
    bool few = p->rows <= TILE_ROWS_4 && 2 * TILE_PANEL <= TILE_VECTORS;
    int step = few ? 2 * TILE_COLUMNS : TILE_COLUMNS;
    for (int n = 0; n < p->n; n += step) panel_product(p, n, least(step, p->n - n));
}

/* n columns of k points of B as panels, each POINTS rows; row by row, as they lie. */
static void pack_points(real *to, const real *b, int k, int n, ptrdiff_t ldb)
{
    for (int i = 0; i < k; i++, b += ldb, to += TILE_COLUMNS)
        for (int j = 0; j < n; j += WEFT_LANES) {
            real *at = to + j / TILE_COLUMNS * (POINTS * TILE_COLUMNS) + j % TILE_COLUMNS;
            vstore(at, n - j >= WEFT_LANES ? vload(b + j) : vload_n(b + j, n - j));
        }
}

/* m columns of k points of A, side by side. */
static void copy_points(real *to, const real *a, int k, int m, ptrdiff_t lda)
{
    for (int i = 0; i < k; i++, a += lda, to += m) memcpy(to, a, (size_t)m * sizeof *to);
}

/* A few columns of the points of A stay in the L1 cache while all panels of B go over
 * them. Without the copy, rows far apart would push each other out of it, and a part of
 * each line would be fetched in vain. */
static void add_points(const weft__gemm_tn *t, const real *packed, int n0, int wide,
                       int k0, int k)
{
    real copy[POINTS * HEIGHT];
    const int cuts = (t->m + HEIGHT - 1) / HEIGHT;
    const bool copied = wide > TILE_COLUMNS || t->lda % LINES_APART == 0;
    ukernel_outer s = {.b_step = {0, 0, TILE_COLUMNS},
                       .panel = POINTS * TILE_COLUMNS,
                       .count = {1, 1, k},
                       .ldc = t->ldc,
                       .accumulate = k0 > 0 || t->accumulate};
    for (int i = 0; i < cuts; i++) {
        int m0 = (int)((long long)t->m * i / cuts);
        int m = (int)((long long)t->m * (i + 1) / cuts) - m0;
        s.a = t->a + k0 * t->lda + m0;
        s.a_step[2] = copied ? m : t->lda;
        if (copied) {
            copy_points(copy, s.a, k, m, t->lda);
            s.a = copy;
        }
        for (int col = 0; col < wide; col += TILE_COLUMNS) {
            s.b = packed + (ptrdiff_t)col * POINTS;
            s.c = t->c + m0 * t->ldc + n0 + col;
            s.n = least(TILE_COLUMNS, wide - col);
            KERNEL(ukernel_outer)(&s, m);
        }
    }
}

void KERNEL(gemm_tn_serial)(const weft__gemm_tn *t)
{
    real packed[POINTS * WIDE];
    for (int n0 = 0; n0 < t->n; n0 += WIDE)
        for (int k0 = 0; k0 < t->k || k0 == 0; k0 += POINTS) {
            int wide = least(WIDE, t->n - n0), k = least(POINTS, t->k - k0);
            pack_points(packed, t->b + k0 * t->ldb + n0, k, wide, t->ldb);
            add_points(t, packed, n0, wide, k0, k);
        }
}
