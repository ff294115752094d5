/* winograd_1d.c: convolutions over time with kernels of 3 and 4 taps and stride 1,
 * by Winograd's short convolutions along one axis: F(4,3) and F(3,4), 6 products in
 * place of 12.
 *
 *   y = A^T [ (G w) . (B^T x) ]     x 6 rows, w 3 or 4 taps, y 4 or 3 windows
 *
 * x is one row after another and so is y; a tile is as many neighbouring windows as
 * conv1d_tile says. Each "." is a product of tiles by channels with channels by
 * outputs. An item transforms a block of tiles, multiplies and brings the results
 * back while all of that is in the L2 cache. A window's sum depends on the 6 rows of
 * its tile only.
 *
 * For the weight gradient the roles change: dw = A^T [ (B^T x) . (G dy) ], summed
 * over tiles in their order. */
#include "kernels/conv/winograd.h"

#include "base/thread.h"

enum {
    POINTS = WINO_IN,
    CHANNELS_LEAST = 64,     /* below, the transforms take what the products save */
    CHANNELS_MOST = 4096,    /* the error grows with the root of the sum's length */
    BLOCK_BYTES = 400 << 10, /* of v */
    ITEMS_WANTED = 8,
    SPLIT_PANELS = 2, /* outputs of an item, where there are few blocks */
    KERNEL_ROWS = 16, /* channels whose taps are transformed together */
    TAPS_MOST = 4,
    WEIGHT_TILES = 384, /* whose transforms are in memory at a time */
    WEIGHT_SHARE = 8,
    WEIGHT_ROWS = 104 /* channels of a product */
};

typedef struct conv1d {
    const weft__conv1d *s;
    int windows; /* of a tile */
    size_t tiles, block, blocks, splits;
    int panels, split_panels;
    ptrdiff_t v_row, v_plane, m_row, m_plane, u_plane;
    size_t u_size, thread_buf_size; /* elements; thread_buf: v and m of a worker */
    const real *x, *u, *w, *bias;
    real *y, *made, *thread_buf;
    weft__epilogue epilogue;
} conv1d;

static ptrdiff_t whole_vectors(int n)
{
    ptrdiff_t row = (n + WEFT_LANES - 1) / WEFT_LANES * WEFT_LANES;
    return (size_t)row * sizeof(real) % 2048 == 0 ? row + 16 : row;
}

int KERNEL(conv1d_tile)(int c, int o, int taps)
{
    if (sizeof(real) != sizeof(float) || taps < 3 || taps > TAPS_MOST) return 0;
    if (c < CHANNELS_LEAST || o < CHANNELS_LEAST) return 0;
    if (c > CHANNELS_MOST || o > CHANNELS_MOST) return 0;
    return POINTS + 1 - taps;
}

static conv1d plan(const weft__conv1d *s)
{
    conv1d p = {.s = s, .windows = POINTS + 1 - s->taps};
    p.tiles = (size_t)s->rows / (size_t)p.windows;
    p.v_row = whole_vectors(s->c);
    size_t most = BLOCK_BYTES / ((size_t)p.v_row * POINTS * sizeof(real));
    most = most > TILE_ROWS_2 ? most / TILE_ROWS_2 * TILE_ROWS_2 : TILE_ROWS_2;
    p.blocks = parts(p.tiles, most);
    p.block = p.blocks ? parts(p.tiles, p.blocks) : 0;
    p.panels = (int)KERNEL(panels)(s->o);
    p.split_panels = p.panels;
    if (p.blocks < ITEMS_WANTED && p.panels > SPLIT_PANELS) p.split_panels = SPLIT_PANELS;
    p.splits = parts((size_t)p.panels, (size_t)p.split_panels);
    p.m_row = whole_vectors(p.split_panels * TILE_COLUMNS);
    p.v_plane = wino_plane(most * (size_t)p.v_row);
    p.m_plane = wino_plane(most * (size_t)p.m_row);
    p.u_plane = (ptrdiff_t)((size_t)p.panels * KERNEL(panel_size)(s->c));
    p.u_size = (size_t)p.u_plane * POINTS;
    p.thread_buf_size = (size_t)(p.v_plane + p.m_plane) * POINTS;
    return p;
}

/* ---- the transforms ---- */

/* G of so many numbers, 3 or 4, and A^T that gives so many. */
WEFT_INLINE void transform_g(vec *to, const vec *from, const int count)
{
    if (count == 3)
        wino_weights(to, 1, from, 1);
    else
        wino_dy(to, 1, from, 1);
}

WEFT_INLINE void transform_at(vec *to, const vec *from, const int count)
{
    if (count == 3)
        wino_dw(to, 1, from, 1);
    else
        wino_output(to, 1, from, 1);
}

/* B^T of the rows of a tile. */
static void transform_input(const real *x, int c, real *v, ptrdiff_t plane)
{
    for (int at = 0; at < c; at += WEFT_LANES) {
        int n = c - at < WEFT_LANES ? c - at : WEFT_LANES;
        vec d[POINTS], all[POINTS];
        WEFT_UNROLL
        for (int i = 0; i < POINTS; i++) d[i] = vload_tail(x + (ptrdiff_t)i * c + at, n);
        wino_input(all, 1, d, 1);
        WEFT_UNROLL
        for (int i = 0; i < POINTS; i++) vstore(v + i * plane + at, all[i]);
    }
}

/* G of `count` rows of n numbers, the taps of weights or the slopes of a tile. */
WEFT_INLINE void transform_rows(const real *from, ptrdiff_t row, ptrdiff_t n, real *to,
                                ptrdiff_t plane, const int count)
{
    for (ptrdiff_t at = 0; at < n; at += WEFT_LANES) {
        int m = n - at < WEFT_LANES ? (int)(n - at) : WEFT_LANES;
        vec w[TAPS_MOST], all[POINTS];
        WEFT_UNROLL
        for (int i = 0; i < count; i++) w[i] = vload_tail(from + i * row + at, m);
        transform_g(all, w, count);
        WEFT_UNROLL
        for (int k = 0; k < POINTS; k++) vstore(to + k * plane + at, all[k]);
    }
}

static void transform_rows_of(const real *from, ptrdiff_t row, ptrdiff_t n, real *to,
                              ptrdiff_t plane, int count)
{
    if (count == 3)
        transform_rows(from, row, n, to, plane, 3);
    else
        transform_rows(from, row, n, to, plane, 4);
}

/* ---- weights ---- */

static void weights_task(void *arg, size_t begin, size_t end, int worker)
{
    const conv1d *p = arg;
    const weft__conv1d *s = p->s;
    size_t pieces = parts((size_t)s->c, KERNEL_ROWS);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        real taps[TAPS_MOST * KERNEL_ROWS * TILE_COLUMNS];
        int panel = (int)(item / pieces), c0 = (int)(item % pieces) * KERNEL_ROWS;
        int n0 = panel * TILE_COLUMNS, rows = s->c - c0;
        int n = s->o - n0 < TILE_COLUMNS ? s->o - n0 : TILE_COLUMNS;
        if (rows > KERNEL_ROWS) rows = KERNEL_ROWS;
        ptrdiff_t tap = (ptrdiff_t)rows * TILE_COLUMNS;
        for (int k = 0; k < s->taps; k++) KERNEL(ukernel_pack)
        (taps + k * tap, p->w + ((ptrdiff_t)k * s->c + c0) * s->o + n0, (size_t)rows, n,
         TILE_COLUMNS, s->o);
        real *to = p->made + (size_t)panel * KERNEL(panel_size)(s->c) +
                   (ptrdiff_t)c0 * TILE_COLUMNS;
        transform_rows_of(taps, tap, tap, to, p->u_plane, s->taps);
    }
}

static void make_weights(conv1d *p)
{
    size_t pieces = parts((size_t)p->s->c, KERNEL_ROWS);
    weft__parallel((size_t)p->panels * pieces, 4, weights_task, p);
}

/* ---- forward ---- */

WEFT_INLINE void write_windows(const conv1d *p, const real *m, real *y, int n0, int n1,
                               const int windows)
{
    for (int o = n0; o < n1; o += WEFT_LANES) {
        int n = n1 - o < WEFT_LANES ? n1 - o : WEFT_LANES;
        vec all[POINTS], out[TAPS_MOST];
        vec bias = p->bias ? vload_tail(p->bias + o, n) : vzero();
        WEFT_UNROLL
        for (int k = 0; k < POINTS; k++) all[k] = vload(m + k * p->m_plane + o - n0);
        transform_at(out, all, windows);
        WEFT_UNROLL
        for (int i = 0; i < windows; i++) {
            vec v = tile_activated(&p->epilogue, vadd(out[i], bias));
            vstore_tail(y + (ptrdiff_t)i * p->s->o + o, v, n);
        }
    }
    if (ukernel_applies(p->epilogue.act)) return;
    for (int i = 0; i < windows; i++) {
        real *row = y + (ptrdiff_t)i * p->s->o + n0;
        KERNEL(activate)(row, row, (size_t)(n1 - n0), &p->epilogue);
    }
}

static void multiply(const conv1d *p, const real *v, real *m, int tiles, int panel, int n)
{
    for (int k = 0; k < POINTS; k++) {
        size_t size = KERNEL(panel_size)(p->s->c);
        weft__gemm_prepacked one = {.rows = tiles,
                                    .k = p->s->c,
                                    .n = n,
                                    .a = v + k * p->v_plane,
                                    .b = p->u + k * p->u_plane + (size_t)panel * size,
                                    .c = m + k * p->m_plane,
                                    .lda = p->v_row,
                                    .ldc = p->m_row,
                                    .panel = (ptrdiff_t)size};
        KERNEL(gemm_prepacked)(&one);
    }
}

static void conv1d_task(void *arg, size_t begin, size_t end, int worker)
{
    const conv1d *p = arg;
    const weft__conv1d *s = p->s;
    real *v = p->thread_buf + (size_t)worker * p->thread_buf_size,
         *m = v + p->v_plane * POINTS;
    for (size_t item = begin; item < end; item++) {
        size_t block = item / p->splits;
        size_t t0 = p->tiles * block / p->blocks, t1 = p->tiles * (block + 1) / p->blocks;
        int panel = (int)(item % p->splits) * p->split_panels;
        int n0 = panel * TILE_COLUMNS, n1 = n0 + p->split_panels * TILE_COLUMNS;
        if (n1 > s->o) n1 = s->o;
        for (size_t t = t0; t < t1; t++)
            transform_input(p->x + (ptrdiff_t)t * p->windows * s->c, s->c,
                            v + (ptrdiff_t)(t - t0) * p->v_row, p->v_plane);
        multiply(p, v, m, (int)(t1 - t0), panel, n1 - n0);
        for (size_t t = t0; t < t1; t++) {
            const real *from = m + (ptrdiff_t)(t - t0) * p->m_row;
            real *y = p->y + (ptrdiff_t)t * p->windows * s->o;
            if (p->windows == 4)
                write_windows(p, from, y, n0, n1, 4);
            else
                write_windows(p, from, y, n0, n1, 3);
        }
    }
}

size_t KERNEL(conv1d_prepacked_size)(const weft__conv1d *s)
{
    return tile_align(plan(s).u_size);
}

void KERNEL(conv1d_prepack)(const weft__conv1d *s, real *to, const real *w)
{
    conv1d p = plan(s);
    p.w = w;
    p.made = to;
    make_weights(&p);
}

size_t KERNEL(conv1d_scratch)(const weft__conv1d *s)
{
    conv1d p = plan(s);
    size_t workers = p.thread_buf_size * (size_t)weft__workers();
    return ((s->prepacked ? 0 : p.u_size) + workers) * sizeof(real) + 64;
}

void KERNEL(conv1d)(const weft__conv1d *s, real *y, const real *x, const real *w,
                    const real *bias, const weft__epilogue *e, void *scratch)
{
    conv1d p = plan(s);
    p.x = x;
    p.y = y;
    p.w = w;
    p.bias = bias;
    if (e) p.epilogue = *e;
    p.made = scratch_aligned(scratch);
    p.u = s->prepacked ? w : p.made;
    p.thread_buf = p.made + (s->prepacked ? 0 : p.u_size);
    if (!s->prepacked) make_weights(&p);
    weft__parallel(p.blocks * p.splits, 1, conv1d_task, &p);
}

/* ---- weight gradient ---- */

typedef struct gradient {
    const weft__conv1d *s;
    int windows;
    size_t tiles, t0, count; /* of all; the block at work */
    ptrdiff_t v_row, v_plane, d_row, d_plane, u_plane;
    size_t cuts; /* of the channels */
    const real *x, *dy;
    real *dw, *v, *d, *u;
} gradient;

static gradient plan_weight(const weft__conv1d *s)
{
    gradient p = {.s = s, .windows = POINTS + 1 - s->taps};
    p.tiles = (size_t)s->rows / (size_t)p.windows;
    p.v_row = whole_vectors(s->c);
    p.d_row = whole_vectors(s->o);
    p.v_plane = wino_plane((size_t)p.v_row * WEIGHT_TILES);
    p.d_plane = wino_plane((size_t)p.d_row * WEIGHT_TILES);
    p.u_plane = (ptrdiff_t)tile_align((size_t)s->c * (size_t)s->o);
    p.cuts = parts((size_t)s->c, WEIGHT_ROWS);
    return p;
}

static void transform_task(void *arg, size_t begin, size_t end, int worker)
{
    const gradient *p = arg;
    const weft__conv1d *s = p->s;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        ptrdiff_t row = (ptrdiff_t)(p->t0 + i) * p->windows;
        transform_input(p->x + row * s->c, s->c, p->v + (ptrdiff_t)i * p->v_row,
                        p->v_plane);
        transform_rows_of(p->dy + row * s->o, s->o, s->o, p->d + (ptrdiff_t)i * p->d_row,
                          p->d_plane, p->windows);
    }
}

static void product_task(void *arg, size_t begin, size_t end, int worker)
{
    const gradient *p = arg;
    const weft__conv1d *s = p->s;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        ptrdiff_t k = (ptrdiff_t)(item / p->cuts);
        size_t cut = item % p->cuts;
        int c0 = (int)((size_t)s->c * cut / p->cuts);
        int c1 = (int)((size_t)s->c * (cut + 1) / p->cuts);
        weft__gemm_tn one = {.m = c1 - c0,
                             .n = s->o,
                             .k = (int)p->count,
                             .a = p->v + k * p->v_plane + c0,
                             .b = p->d + k * p->d_plane,
                             .c = p->u + k * p->u_plane + (ptrdiff_t)c0 * s->o,
                             .lda = p->v_row,
                             .ldb = p->d_row,
                             .ldc = s->o,
                             .accumulate = p->t0 > 0};
        KERNEL(gemm_tn_serial)(&one);
    }
}

WEFT_INLINE void write_taps(const gradient *p, int c, const int taps)
{
    const int o = p->s->o;
    const real *u = p->u + (ptrdiff_t)c * o;
    for (int at = 0; at < o; at += WEFT_LANES) {
        int n = o - at < WEFT_LANES ? o - at : WEFT_LANES;
        vec all[POINTS], out[TAPS_MOST];
        WEFT_UNROLL
        for (int k = 0; k < POINTS; k++) all[k] = vload_tail(u + k * p->u_plane + at, n);
        transform_at(out, all, taps);
        WEFT_UNROLL
        for (int i = 0; i < taps; i++) {
            real *to = p->dw + ((ptrdiff_t)i * p->s->c + c) * o + at;
            vstore_tail(to, out[i], n);
        }
    }
}

static void write_task(void *arg, size_t begin, size_t end, int worker)
{
    const gradient *p = arg;
    (void)worker;
    for (size_t c = begin; c < end; c++)
        if (p->s->taps == 3)
            write_taps(p, (int)c, 3);
        else
            write_taps(p, (int)c, 4);
}

size_t KERNEL(conv1d_bwd_weights_scratch)(const weft__conv1d *s)
{
    gradient p = plan_weight(s);
    return (size_t)(p.v_plane + p.d_plane + p.u_plane) * POINTS * sizeof(real) + 64;
}

void KERNEL(conv1d_bwd_weights)(const weft__conv1d *s, real *dw, const real *dy,
                                const real *x, void *scratch)
{
    gradient p = plan_weight(s);
    p.x = x;
    p.dy = dy;
    p.dw = dw;
    p.v = scratch_aligned(scratch);
    p.d = p.v + p.v_plane * POINTS;
    p.u = p.d + p.d_plane * POINTS;
    do {
        p.count = p.tiles - p.t0 < WEIGHT_TILES ? p.tiles - p.t0 : WEIGHT_TILES;
        weft__parallel(p.count, WEIGHT_SHARE, transform_task, &p);
        weft__parallel(p.cuts * POINTS, 1, product_task, &p);
        p.t0 += p.count;
    } while (p.t0 < p.tiles);
    weft__parallel((size_t)s->c, 16, write_task, &p);
}
