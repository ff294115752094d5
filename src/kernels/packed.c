/* packed.c: products for one thread whose second operand was packed before, and products
 * with a transposed first operand, whose rows lie so that nothing has to be packed. */
#include "kernels/tile.h"

/* Bytes of a panel that stay in the L1 cache beside the rows that go over them. */
enum { PANEL_BYTES = 16 << 10 };
/* Points that are summed in registers before they are added; columns of B that are packed
 * at a time; columns of A. */
enum { POINTS = 64, WIDE = 16 * TILE_COLUMNS, HEIGHT = 72 };

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

void KERNEL(pack)(real *to, const real *b, int k, int n, ptrdiff_t ld, bool turned,
                  int first, int last)
{
    for (int p = first; p < last; p++) {
        int n0 = p * TILE_COLUMNS, wide = least(TILE_COLUMNS, n - n0);
        real *panel = to + (size_t)p * KERNEL(panel_size)(k);
        if (turned) KERNEL(tile_pack_turned)
        (panel, b + (ptrdiff_t)n0 * ld, (size_t)k, wide, TILE_COLUMNS, ld);
        else KERNEL(tile_pack)(panel, b + n0, (size_t)k, wide, TILE_COLUMNS, ld);
    }
}

static void panel_product(const weft__packed *p, int n0, int n)
{
    const int depth = PANEL_BYTES / (TILE_COLUMNS * (int)sizeof(real));
    const int blocks = (p->k + depth - 1) / depth;
    for (int i = 0; i < blocks || i == 0; i++) {
        int from = (int)((long long)p->k * i / (blocks ? blocks : 1));
        int to = (int)((long long)p->k * (i + 1) / (blocks ? blocks : 1));
        tile_rows t = {.a = p->a + from,
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
                       .ahead_c = true,
                       .load = i > 0 || p->accumulate,
                       .bias = i == 0 && p->bias ? p->bias + n0 : NULL};
        KERNEL(tile_rows)(&t, p->rows);
    }
}

void KERNEL(packed_product)(const weft__packed *p)
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
            int panel = j / TILE_COLUMNS, at = j % TILE_COLUMNS;
            vstore(to + panel * POINTS * TILE_COLUMNS + at, vload(b + j));
        }
}

/* Points of B lie packed; those of a few columns of A stay in the L1 cache while all
 * panels go over them. */
void KERNEL(turned_product)(real *c, const real *a, const real *b, int m, int n, int k,
                            ptrdiff_t ldc, ptrdiff_t lda, ptrdiff_t ldb)
{
    real packed[POINTS * WIDE];
    const int cuts = (m + HEIGHT - 1) / HEIGHT;
    for (int n0 = 0; n0 < n; n0 += WIDE)
        for (int k0 = 0; k0 < k || k0 == 0; k0 += POINTS) {
            tile_sums t = {.a_step = {0, 0, lda},
                           .b_step = {0, 0, TILE_COLUMNS},
                           .panel = TILE_COLUMNS,
                           .count = {1, 1, least(POINTS, k - k0)},
                           .ldc = ldc,
                           .add = k0 > 0};
            int wide = least(WIDE, n - n0);
            pack_points(packed, b + k0 * ldb + n0, t.count[2], wide, ldb);
            for (int i = 0; i < cuts; i++)
                for (int col = 0; col < wide; col += TILE_COLUMNS) {
                    int m0 = (int)((long long)m * i / cuts);
                    int m1 = (int)((long long)m * (i + 1) / cuts);
                    t.a = a + k0 * lda + m0;
                    t.b = packed + col * POINTS;
                    t.c = c + m0 * ldc + n0 + col;
                    t.n = least(TILE_COLUMNS, wide - col);
                    KERNEL(tile_sums)(&t, m1 - m0);
                }
        }
}
