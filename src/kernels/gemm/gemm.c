/* gemm.c: matrix products on the register tile.
 *
 *   op(B) = B or B^T, A plain:  blocks of rows times panels of columns, the row tile
 *   A^T:                        sums over points (gemm_tn.c), then bias and epilogue
 *   few rows times B^T:         dot products of rows, nothing is packed */
#include "kernels/conv/conv.h"

#include "base/thread.h"

/* A block of A (rows x depth) and a panel of B stay in the L2 cache together. */
enum { DEPTH = 512, BLOCK_ROWS = 128, ITEMS_WANTED = 16, DOT_ROWS = 16, DOT_DEPTH = 256 };
/* So few rows that turning B round would take longer than the product. */
enum { DOT_FEW = 4, DOT_SHALLOW = 32 };

/* Panels that are packed together: short runs of far rows come slowly from memory. */
enum { PACK_PANELS = 4 };

typedef struct product {
    const weft__gemm *g;
    const real *a, *b, *bias;
    real *c;
    bool packed;     /* all of B; otherwise only its last columns, fewer than a vector */
    bool local;      /* each item packs the panels that it needs, just before */
    bool copied;     /* blocks of A into a buffer */
    int main;        /* columns before the last ones that are packed */
    int rows, depth; /* of a block */
    int step, wide;  /* columns of a tile; columns that are packed at a time */
    size_t row_blocks, splits, split_columns;
    size_t packed_size, copy_size, local_size; /* elements */
    ptrdiff_t copy_pitch;
    const real *panels; /* B in panels: made by gemm_prepack or, at pack_to, by pack */
    real *pack_to, *buffers; /* buffers: copy_size and local_size for each worker */
} product;

static size_t parts(size_t n, size_t of)
{
    return (n + of - 1) / of;
}
static int least(int a, int b)
{
    return a < b ? a : b;
}

static bool by_dots(const weft__gemm *g)
{
    if (!g->tb || g->ta) return false;
    return (g->m <= DOT_ROWS && g->k >= DOT_DEPTH) ||
           (g->m <= DOT_FEW && g->k >= DOT_SHALLOW);
}

/* In multiply-adds. Of few rows, what takes the time is reading B. */
static double work_of(const weft__gemm *g)
{
    return (double)(g->m < 4 ? 4 : g->m) * g->n * g->k;
}

static int even_part(int n, int limit)
{
    int count = (n + limit - 1) / limit;
    return count > 1 ? (n + count - 1) / count : n;
}

/* How B is brought into panels. */
static void plan_packing(product *p)
{
    const weft__gemm *g = p->g;
    bool natural = !g->tb && g->n == panel_width(g->n) && g->ldb == g->n;
    int tail = g->n % WEFT_LANES ? WEFT_LANES : 0;
    p->packed = g->prepacked || g->tb || (!natural && g->m > 2 * TILE_ROWS_2);
    p->main = p->packed ? 0 : g->n - g->n % WEFT_LANES;
    p->local = p->packed && !g->prepacked && p->row_blocks <= 2;
    p->wide = least((int)p->split_columns, 4 * TILE_COLUMNS);
    size_t columns = (size_t)(p->packed ? panel_padded(g->n) : tail);
    if (p->local)
        p->local_size = tile_align((size_t)p->wide * (size_t)p->depth);
    else if (!g->prepacked)
        p->packed_size = tile_align(columns * (size_t)g->k);
}

static product plan(const weft__gemm *g)
{
    product p = {.g = g};
    p.depth = g->k > DEPTH + DEPTH / 2 ? even_part(g->k, DEPTH) : g->k;
    p.rows = least(g->m, BLOCK_ROWS);
    p.row_blocks = parts((size_t)g->m, (size_t)p.rows);
    bool few = g->m <= TILE_ROWS_4 && 2 * TILE_PANEL <= TILE_VECTORS;
    p.step = few ? 2 * TILE_COLUMNS : TILE_COLUMNS;
    size_t units = parts((size_t)g->n, (size_t)p.step);
    size_t wanted = parts(ITEMS_WANTED, p.row_blocks);
    size_t splits = units < wanted ? units : wanted;
    p.split_columns = parts(units, splits) * (size_t)p.step;
    p.splits = parts((size_t)g->n, p.split_columns);
    plan_packing(&p);
    /* Rows a multiple of 2 KiB apart push each other out of the L1 cache. */
    p.copied = (size_t)g->lda * sizeof(real) % 2048 == 0 && p.rows > TILE_ROWS_4 &&
               g->n > TILE_COLUMNS;
    p.copy_pitch = p.depth + ((size_t)p.depth * sizeof(real) % 1024 == 0 ? 16 : 0);
    if (p.copied) p.copy_size = tile_align((size_t)p.rows * (size_t)p.copy_pitch);
    return p;
}

/* ---- packing B ---- */

/* One panel: columns n0 .. n0+n-1 of rows k0 .. k0+k-1. */
static void pack_panel(const product *p, real *dst, int n0, int n, int k0, int k)
{
    const weft__gemm *g = p->g;
    int width = panel_width(g->n);
    const real *plain = p->b + (ptrdiff_t)k0 * g->ldb + n0;
    const real *transposed = p->b + (ptrdiff_t)n0 * g->ldb + k0;
    if (g->tb)
        KERNEL(ukernel_pack_transposed)(dst, transposed, (size_t)k, n, width, g->ldb);
    else
        KERNEL(ukernel_pack)(dst, plain, (size_t)k, n, width, g->ldb);
}

static void pack_task(void *arg, size_t begin, size_t end, int worker)
{
    const product *p = arg;
    int width = panel_width(p->g->n);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int n0 = (int)item * width * PACK_PANELS;
        int n1 = least(p->g->n, n0 + width * PACK_PANELS), k = p->g->k;
        real *to = p->pack_to + (ptrdiff_t)n0 * k;
        if (!p->g->tb) KERNEL(ukernel_pack_panels)
        (to, (ptrdiff_t)width * k, p->b + n0, (size_t)k, n1 - n0, width, p->g->ldb);
        else for (int n = n0; n < n1; n += width, to += (ptrdiff_t)width * k)
            pack_panel(p, to, n, least(width, n1 - n), 0, k);
    }
}

static void pack(product *p)
{
    const weft__gemm *g = p->g;
    if (p->local || g->prepacked) return;
    if (p->packed) {
        size_t items = parts((size_t)g->n, (size_t)panel_width(g->n) * PACK_PANELS);
        weft__parallel(items, conv_grain(items, (double)p->packed_size * 8), pack_task,
                       p);
    } else if (p->main < g->n) {
        KERNEL(ukernel_pack)
        (p->pack_to, p->b + p->main, (size_t)g->k, g->n - p->main, WEFT_LANES, g->ldb);
    }
}

/* ---- blocks ---- */

/* Rows m0.. and depths k0.. of a product: A there, and B as packed from column n_packed
 * on. */
typedef struct block {
    const real *a;
    ptrdiff_t lda;
    int m0, m, k0, k;
    const real *packed;
    int n_packed;
} block;

static void columns(const product *p, const block *b, int n0, int n)
{
    const weft__gemm *g = p->g;
    ukernel_gemm t = {
        .a = b->a, .row = b->lda, .taps_h = 1, .taps_w = 1, .k = b->k, .n = n};
    if (p->local) {
        t.ldb = panel_width(g->n);
        t.b = b->packed + (ptrdiff_t)(n0 - b->n_packed) * b->k;
        t.panel = t.ldb * b->k;
    } else if (p->packed) {
        t.ldb = panel_width(g->n);
        t.b = p->panels + (ptrdiff_t)n0 * g->k + b->k0 * t.ldb;
        t.panel = t.ldb * g->k;
    } else if (n0 < p->main) {
        t.ldb = g->ldb;
        t.b = p->b + n0 + b->k0 * t.ldb;
        t.panel = TILE_COLUMNS;
    } else {
        t.ldb = WEFT_LANES;
        t.b = p->panels + b->k0 * t.ldb;
    }
    t.c = p->c + (ptrdiff_t)b->m0 * g->ldc + n0;
    t.ldc = g->ldc;
    t.prefetch_a = !p->copied && n0 % (int)p->split_columns == 0;
    t.prefetch_c = true;
    t.accumulate = b->k0 > 0 || g->accumulate;
    t.bias = b->k0 == 0 && p->bias ? p->bias + n0 : NULL;
    if (b->k0 + b->k == g->k && ukernel_applies(g->epilogue.act)) {
        t.act = g->epilogue.act;
        t.alpha = (real)g->epilogue.alpha;
    }
    KERNEL(ukernel_gemm)(&t, b->m);
}

static const real *copy_block(const product *p, real *to, int m0, int m, int k0, int k)
{
    for (int i = 0; i < m; i++)
        memcpy(to + i * p->copy_pitch, p->a + (ptrdiff_t)(m0 + i) * p->g->lda + k0,
               (size_t)k * sizeof *to);
    return to;
}

static void finish(const product *p, int m0, int m, int n0, int n)
{
    for (int i = m0; i < m0 + m; i++) {
        real *c = p->c + (ptrdiff_t)i * p->g->ldc + n0;
        KERNEL(activate)(c, c, (size_t)n, &p->g->epilogue);
    }
}

/* Columns n0 .. n1-1 of a block, packed first if that is left to the item. */
static void block_columns(const product *p, block *b, real *panels, int n0, int n1)
{
    int width = panel_width(p->g->n);
    b->packed = panels;
    b->n_packed = n0;
    if (p->local)
        for (int n = n0; n < n1; n += width, panels += (ptrdiff_t)width * b->k)
            pack_panel(p, panels, n, least(width, n1 - n), b->k0, b->k);
    for (int n = n0; n < n1;) {
        int to = least(n1, n + p->step);
        if (!p->packed && n < p->main && to > p->main) to = p->main;
        columns(p, b, n, to - n);
        n = to;
    }
}

static void block_task(void *arg, size_t begin, size_t end, int worker)
{
    const product *p = arg;
    const weft__gemm *g = p->g;
    real *copy = p->buffers + (size_t)worker * (p->copy_size + p->local_size);
    for (size_t item = begin; item < end; item++) {
        int n0 = (int)(item % p->splits * p->split_columns);
        int n1 = least(g->n, n0 + (int)p->split_columns);
        block b = {.m0 = (int)(item / p->splits) * p->rows};
        b.m = least(p->rows, g->m - b.m0);
        do {
            b.k = least(p->depth, g->k - b.k0);
            b.a = p->a + (ptrdiff_t)b.m0 * g->lda + b.k0;
            b.lda = g->lda;
            if (p->copied) {
                b.a = copy_block(p, copy, b.m0, b.m, b.k0, b.k);
                b.lda = p->copy_pitch;
            }
            for (int n = n0; n < n1; n += p->wide)
                block_columns(p, &b, copy + p->copy_size, n, least(n1, n + p->wide));
            b.k0 += b.k;
        } while (b.k0 < g->k);
        if (!ukernel_applies(g->epilogue.act)) finish(p, b.m0, b.m, n0, n1 - n0);
    }
}

/* ---- few rows times B^T ---- */

/* c[m][n] = dot(a row, b row) for up to 4 x 4 rows. */
WEFT_INLINE void dots(const product *p, int m0, const int m, int n0, const int n)
{
    const weft__gemm *g = p->g;
    const real *a = p->a + (ptrdiff_t)m0 * g->lda, *b = p->b + (ptrdiff_t)n0 * g->ldb;
    vec s[4][4];
    WEFT_UNROLL
    for (int i = 0; i < m; i++) WEFT_UNROLL
    for (int j = 0; j < n; j++) s[i][j] = vzero();
    for (int k = 0; k < g->k; k += WEFT_LANES) {
        int left = g->k - k;
        vec row[4];
        WEFT_UNROLL
        for (int j = 0; j < n; j++)
            row[j] = left >= WEFT_LANES ? vload(b + j * g->ldb + k)
                                        : vload_n(b + j * g->ldb + k, left);
        WEFT_UNROLL
        for (int i = 0; i < m; i++) {
            const real *at = a + i * g->lda + k;
            vec v = left >= WEFT_LANES ? vload(at) : vload_n(at, left);
            WEFT_UNROLL
            for (int j = 0; j < n; j++) s[i][j] = vfma(v, row[j], s[i][j]);
        }
    }
    WEFT_UNROLL
    for (int i = 0; i < m; i++) WEFT_UNROLL
    for (int j = 0; j < n; j++) {
        real *c = p->c + (ptrdiff_t)(m0 + i) * g->ldc + n0 + j;
        *c = vsum(s[i][j]) + (g->accumulate ? *c : 0) + (p->bias ? p->bias[n0 + j] : 0);
    }
}

static void dots_of(const product *p, int m0, int m, int n0, int n)
{
    if (m == 4 && n == 4) {
        dots(p, m0, 4, n0, 4);
        return;
    }
    for (int i = m0; i < m0 + m; i++)
        for (int j = n0; j < n0 + n; j++) dots(p, i, 1, j, 1);
}

static void dots_task(void *arg, size_t begin, size_t end, int worker)
{
    const product *p = arg;
    const weft__gemm *g = p->g;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int n0 = (int)item * 4, n = least(4, g->n - n0);
        for (int m0 = 0; m0 < g->m; m0 += 4) dots_of(p, m0, least(4, g->m - m0), n0, n);
    }
}

static void run_dots(product *p)
{
    const weft__gemm *g = p->g;
    size_t items = parts((size_t)g->n, 4);
    double one = (double)g->m * g->k * 4, range = TILE_SMALL_WORK / 2 / one;
    if (work_of(g) < TILE_SMALL_WORK || range > (double)items) range = (double)items;
    weft__parallel(items, (size_t)range + 1, dots_task, p);
    if (g->epilogue.act != WEFT_ACT_NONE) finish(p, 0, g->m, 0, g->n);
}

/* ---- A transposed ---- */

/* A^T B^T: B is flipped first. */
static size_t transposed_size(const weft__gemm *g)
{
    return g->tb ? tile_align((size_t)g->k * (size_t)g->n) : 0;
}

static weft__gemm_tn gemm_tn_of(const weft__gemm *g)
{
    return (weft__gemm_tn){.m = g->m,
                           .n = g->n,
                           .k = g->k,
                           .lda = g->lda,
                           .ldb = g->tb ? g->n : g->ldb,
                           .ldc = g->ldc,
                           .accumulate = g->accumulate};
}

static void run_tn(product *p, void *scratch)
{
    const weft__gemm *g = p->g;
    weft__gemm_tn t = gemm_tn_of(g);
    real *b = scratch_aligned(scratch);
    if (g->tb) KERNEL(transpose)
    (b, p->b, (size_t)g->n, (size_t)g->k, (size_t)g->n, (size_t)g->ldb);
    t.a = p->a;
    t.b = g->tb ? b : p->b;
    t.c = p->c;
    KERNEL(gemm_tn)(&t, b + transposed_size(g));
    if (p->bias)
        for (int i = 0; i < g->m; i++)
            for (int j = 0; j < g->n; j++) p->c[(ptrdiff_t)i * g->ldc + j] += p->bias[j];
    if (g->epilogue.act != WEFT_ACT_NONE) finish(p, 0, g->m, 0, g->n);
}

/* ---- the kernel ---- */

size_t KERNEL(gemm_prepacked_size)(const weft__gemm *g)
{
    if (g->ta || g->tb) return 0;
    return tile_align((size_t)panel_padded(g->n) * (size_t)g->k);
}

void KERNEL(gemm_prepack)(const weft__gemm *g, real *to, const real *b)
{
    product p = {.g = g, .packed = true, .b = b, .pack_to = to};
    p.packed_size = KERNEL(gemm_prepacked_size)(g);
    pack(&p);
}

size_t KERNEL(gemm_scratch)(const weft__gemm *g)
{
    if (by_dots(g)) return 0;
    if (g->ta) {
        weft__gemm_tn t = gemm_tn_of(g);
        return transposed_size(g) * sizeof(real) + KERNEL(gemm_tn_scratch)(&t) + 64;
    }
    product p = plan(g);
    return (p.packed_size + (p.copy_size + p.local_size) * (size_t)weft__workers()) *
               sizeof(real) +
           64;
}

void KERNEL(gemm)(const weft__gemm *g, real *c, const real *a, const real *b,
                  const real *bias, void *scratch)
{
    if (g->m <= 0 || g->n <= 0) return;
    product p = {.g = g};
    bool few = by_dots(g);
    if (!few && !g->ta) p = plan(g);
    p.a = a;
    p.b = b;
    p.c = c;
    p.bias = bias;
    if (few) {
        run_dots(&p);
    } else if (g->ta) {
        run_tn(&p, scratch);
    } else {
        p.pack_to = scratch_aligned(scratch);
        p.panels = g->prepacked ? b : p.pack_to;
        p.buffers = p.pack_to + p.packed_size;
        pack(&p);
        size_t items = p.row_blocks * p.splits;
        weft__parallel(items, conv_grain(items, work_of(g)), block_task, &p);
    }
}
