/* winograd_f43_bwd_weights.c: weight gradients of 3x3 kernels and stride 1 by
 * Winograd's F(3x3,4x4).
 *
 * The pictures and slopes of a block of tiles are transformed into v, 36 matrices of
 * tiles by channels, and d, tiles by outputs; u += v^T d, and at the end u is
 * brought back to 3x3. There are three ways to share this out:
 *
 *   slices: where u is small, an item is a part of the tiles, with a u of its own;
 *     what
 *   it transforms, no other processor reads. A fixed tree adds the slices.
 *   whole:  where all tiles are one block, all transform; then an item takes the 36
 *   products of a part of u and brings it back while it is in the cache.
 *   planes: otherwise an item is a part of one of the 36 products over a block.
 *
 * The choice, and so the order of each sum, depends on the shape alone. */
#include "kernels/conv/winograd.h"

#include "base/thread.h"

enum {
    TILES = 64,            /* of a step of a sum */
    SHARE = 8,             /* tiles whose transforms are one item */
    BLOCK_BYTES = 1 << 20, /* of v and d, unless u is larger than that */
    BLOCK_MOST = 32 << 20,
    PART = 64, /* channels and outputs of a part of u; twice that where there are many */
    PARTS_WANTED = 16,
    SLICE_TILES = 128,      /* at least, for a slice */
    SLICES_BYTES = 5 << 20, /* of the u of all slices */
    SLICES_LEAST = 4,
    SLICES_MOST = 8
};

typedef struct gradient {
    const weft__conv *s;
    int tiles_h, tiles_w;
    size_t tiles, block, blocks;
    int width, panels, group, c_part; /* group: panels of a part of u */
    size_t c_parts, o_parts;
    bool whole;
    size_t slices; /* 0: other ways */
    size_t sums;   /* how many u there are at once */
    ptrdiff_t v_row, v_plane, d_plane, u_plane;
    size_t zero_size, u_size; /* elements */
    const real *x, *dy, *zeros;
    real *dw, *v, *d, *u;
} gradient;

/* Transformed tiles t0 .. t1-1; first: nothing has been added to u before. */
typedef struct block {
    const gradient *p;
    real *v, *d;
    size_t t0, t1;
    bool first;
} block;

/* Of a u with so many elements in a plane. */
static size_t slices_of(const gradient *p, size_t elements)
{
    size_t bytes = elements * WINO_POINTS * sizeof(real), n = p->tiles / SLICE_TILES;
    if (n > SLICES_BYTES / bytes) n = SLICES_BYTES / bytes;
    if (n > SLICES_MOST) n = SLICES_MOST;
    return n >= SLICES_LEAST ? n / 2 * 2 : 0;
}

static gradient plan(const weft__conv *s)
{
    gradient p = {.s = s};
    size_t line = 64 / sizeof(real), c = (size_t)s->c;
    p.tiles_h = (s->oh + WINO_OUT - 1) / WINO_OUT;
    p.tiles_w = (s->ow + WINO_OUT - 1) / WINO_OUT;
    p.tiles = (size_t)s->n * (size_t)p.tiles_h * (size_t)p.tiles_w;
    p.width = panel_width(s->o);
    p.panels = panel_padded(s->o) / p.width;
    p.v_row = (ptrdiff_t)((parts(c, line) | 1) * line);
    size_t o = (size_t)p.panels * (size_t)p.width, both = (size_t)p.v_row + o;
    size_t bytes = WINO_POINTS * sizeof(real), most = BLOCK_BYTES / (bytes * both);
    if (most < 2 * c * o / both) most = 2 * c * o / both;
    if (most > BLOCK_MOST / (bytes * both)) most = BLOCK_MOST / (bytes * both);
    if (most < TILES) most = TILES;
    p.slices = slices_of(&p, c * o);
    size_t tiles = p.slices ? parts(p.tiles, p.slices) : p.tiles;
    p.blocks = parts(tiles, most);
    p.block = parts(tiles, p.blocks);
    size_t part = c * o >= PARTS_WANTED * 4 * PART * PART ? 2 * PART : PART;
    p.c_parts = parts(c, part);
    p.c_part = (int)parts(c, p.c_parts);
    p.group = (int)part / p.width > 0 ? (int)part / p.width : 1;
    if (p.group > p.panels) p.group = p.panels;
    p.o_parts = parts((size_t)p.panels, (size_t)p.group);
    p.whole = !p.slices && p.blocks == 1 && p.c_parts * p.o_parts >= PARTS_WANTED;
    p.sums = p.slices ? p.slices : p.whole ? (size_t)weft__workers() : 1;
    p.v_plane = wino_plane(p.block * (size_t)p.v_row);
    p.d_plane = wino_plane(p.block * o);
    size_t rows = p.whole ? (size_t)p.c_part : c;
    p.u_plane =
        wino_plane((size_t)(p.whole ? p.group : p.panels) * (size_t)p.width * rows);
    p.u_size = (size_t)p.u_plane * WINO_POINTS;
    p.zero_size = tile_align((size_t)p.v_row > o ? (size_t)p.v_row : o);
    return p;
}

/* ---- transforms ---- */

WEFT_INLINE void dy_vector(real *d, ptrdiff_t plane, const real *const *at, int o, int n)
{
    vec y[WINO_OUT], half[WINO_IN * WINO_OUT], all[WINO_IN];
    WEFT_UNROLL
    for (int j = 0; j < WINO_OUT; j++) {
        WEFT_UNROLL
        for (int i = 0; i < WINO_OUT; i++) y[i] = vload_tail(at[i * WINO_OUT + j] + o, n);
        wino_dy(half + j, WINO_OUT, y, 1);
    }
    WEFT_UNROLL
    for (int i = 0; i < WINO_IN; i++) {
        wino_dy(all, 1, half + i * WINO_OUT, 1);
        WEFT_UNROLL
        for (int j = 0; j < WINO_IN; j++) vstore(d + (i * WINO_IN + j) * plane, all[j]);
    }
}

static void transform_dy(const gradient *p, int image, int h, int w, real *d)
{
    const weft__conv *s = p->s;
    const real *at[WINO_OUT * WINO_OUT];
    int padded = p->panels * p->width;
    wino_prefetch(p->dy + (ptrdiff_t)image * s->oh * s->ow * s->o, h + WINO_OUT, w, s->ow,
                  s->o);
    for (int i = 0; i < WINO_OUT; i++)
        for (int j = 0; j < WINO_OUT; j++) {
            ptrdiff_t row = (ptrdiff_t)image * s->oh + h + i;
            at[i * WINO_OUT + j] = h + i < s->oh && w + j < s->ow
                                       ? p->dy + (row * s->ow + w + j) * s->o
                                       : p->zeros;
        }
    for (int o = 0; o < padded; o += WEFT_LANES) {
        real *to = d + o / p->width * (ptrdiff_t)p->block * p->width + o % p->width;
        if (s->o - o >= WEFT_LANES)
            dy_vector(to, p->d_plane, at, o, WEFT_LANES);
        else
            dy_vector(to, p->d_plane, at, o, s->o > o ? s->o - o : 0);
    }
}

static void transform_input(const gradient *p, int image, int h, int w, real *v)
{
    const weft__conv *s = p->s;
    const real *at[WINO_POINTS];
    const real *picture = p->x + (ptrdiff_t)image * s->h * s->w * s->c;
    h -= s->top;
    w -= s->left;
    wino_pixels(at, picture, h, w, s->h, s->w, s->c, p->zeros);
    wino_prefetch(picture, h + WINO_IN, w, s->w, s->c);
    int c = 0;
    for (; c + WEFT_LANES <= s->c; c += WEFT_LANES)
        wino_input_vector(v, p->v_plane, at, c, WEFT_LANES);
    if (c < s->c) wino_input_vector(v, p->v_plane, at, c, s->c - c);
}

static void transform(const block *b, size_t begin, size_t end)
{
    const gradient *p = b->p;
    size_t per_image = (size_t)p->tiles_h * (size_t)p->tiles_w;
    for (size_t i = begin; i < end; i++) {
        size_t t = b->t0 + i, at = t % per_image;
        int h = (int)at / p->tiles_w * WINO_OUT, w = (int)at % p->tiles_w * WINO_OUT;
        transform_input(p, (int)(t / per_image), h, w, b->v + (ptrdiff_t)i * p->v_row);
        transform_dy(p, (int)(t / per_image), h, w, b->d + (ptrdiff_t)i * p->width);
    }
}

static void transform_task(void *arg, size_t begin, size_t end, int worker)
{
    (void)worker;
    transform(arg, begin, end);
}

/* ---- products ---- */

typedef struct part {
    int c0, c1, panel0, panel1;
} part;

static part part_of(const gradient *p, size_t i)
{
    part a = {.c0 = (int)(i / p->o_parts) * p->c_part,
              .panel0 = (int)(i % p->o_parts) * p->group};
    a.c1 = a.c0 + p->c_part < p->s->c ? a.c0 + p->c_part : p->s->c;
    a.panel1 = a.panel0 + p->group < p->panels ? a.panel0 + p->group : p->panels;
    if (a.c0 > a.c1) a.c0 = a.c1;
    return a;
}

/* Plane k of a part; u: of its first row, panels lie `panel` apart. */
static void multiply(const block *b, const part *a, int k, real *u, ptrdiff_t panel)
{
    const gradient *p = b->p;
    size_t count = b->t1 - b->t0;
    ukernel_outer sums = {.a_step = {0, 0, p->v_row},
                          .b_step = {0, 0, p->width},
                          .count = {1, 1, 0},
                          .ldc = p->width,
                          .n = p->width};
    for (size_t t = 0; t < count; t += TILES) {
        sums.count[2] = (int)(count - t < TILES ? count - t : TILES);
        sums.accumulate = !b->first || t > 0;
        sums.a = b->v + k * p->v_plane + (ptrdiff_t)t * p->v_row + a->c0;
        for (int i = a->panel0; i < a->panel1; i++) {
            sums.b = b->d + k * p->d_plane +
                     ((ptrdiff_t)i * (ptrdiff_t)p->block + (ptrdiff_t)t) * p->width;
            sums.c = u + (i - a->panel0) * panel;
            KERNEL(ukernel_outer)(&sums, a->c1 - a->c0);
        }
    }
}

WEFT_INLINE void dw_vector(const real *u, ptrdiff_t plane, real *dw, ptrdiff_t tap, int n)
{
    vec m[WINO_IN], half[3 * WINO_IN], all[3];
    WEFT_UNROLL
    for (int j = 0; j < WINO_IN; j++) {
        WEFT_UNROLL
        for (int i = 0; i < WINO_IN; i++) m[i] = vload(u + (i * WINO_IN + j) * plane);
        wino_dw(half + j, WINO_IN, m, 1);
    }
    WEFT_UNROLL
    for (int i = 0; i < 3; i++) {
        wino_dw(all, 1, half + i * WINO_IN, 1);
        WEFT_UNROLL
        for (int j = 0; j < 3; j++) vstore_tail(dw + (3 * i + j) * tap, all[j], n);
    }
}

/* Brings a part of u back. */
static void write_dw(const gradient *p, const part *a, const real *u, ptrdiff_t panel)
{
    const weft__conv *s = p->s;
    ptrdiff_t tap = (ptrdiff_t)s->c * s->o;
    int o1 = a->panel1 * p->width < s->o ? a->panel1 * p->width : s->o;
    for (int c = a->c0; c < a->c1; c++, u += p->width)
        for (int o = a->panel0 * p->width; o < o1; o += WEFT_LANES) {
            const real *from = u + (o / p->width - a->panel0) * panel + o % p->width;
            real *dw = p->dw + (ptrdiff_t)c * s->o + o;
            if (o1 - o >= WEFT_LANES)
                dw_vector(from, p->u_plane, dw, tap, WEFT_LANES);
            else
                dw_vector(from, p->u_plane, dw, tap, o1 - o);
        }
}

static void whole_task(void *arg, size_t begin, size_t end, int worker)
{
    const block *b = arg;
    const gradient *p = b->p;
    real *u = p->u + (size_t)worker * p->u_size;
    ptrdiff_t panel = (ptrdiff_t)p->c_part * p->width;
    for (size_t item = begin; item < end; item++) {
        part a = part_of(p, item);
        for (int k = 0; k < WINO_POINTS; k++)
            multiply(b, &a, k, u + k * p->u_plane, panel);
        write_dw(p, &a, u, panel);
    }
}

/* Of the u of all parts. */
static real *part_start(const gradient *p, const part *a, real *u)
{
    return u + ((ptrdiff_t)a->panel0 * p->s->c + a->c0) * p->width;
}

static void multiply_part(const block *b, size_t item, int k, real *u)
{
    const gradient *p = b->p;
    part a = part_of(p, item);
    multiply(b, &a, k, part_start(p, &a, u) + k * p->u_plane,
             (ptrdiff_t)p->s->c * p->width);
}

static void plane_task(void *arg, size_t begin, size_t end, int worker)
{
    const block *b = arg;
    (void)worker;
    for (size_t item = begin; item < end; item++)
        multiply_part(b, item / WINO_POINTS, (int)(item % WINO_POINTS), b->p->u);
}

static void slice_task(void *arg, size_t begin, size_t end, int worker)
{
    const gradient *p = arg;
    size_t parts = p->c_parts * p->o_parts;
    block b = {.p = p};
    b.v = p->v + (size_t)worker * (size_t)(p->v_plane + p->d_plane) * WINO_POINTS;
    b.d = b.v + p->v_plane * WINO_POINTS;
    for (size_t slice = begin; slice < end; slice++) {
        size_t first = p->tiles * slice / p->slices;
        size_t count = p->tiles * (slice + 1) / p->slices - first;
        for (size_t i = 0; i < p->blocks; i++) {
            b.t0 = first + count * i / p->blocks;
            b.t1 = first + count * (i + 1) / p->blocks;
            b.first = i == 0;
            transform(&b, 0, b.t1 - b.t0);
            for (int k = 0; k < WINO_POINTS; k++)
                for (size_t item = 0; item < parts; item++)
                    multiply_part(&b, item, k, p->u + slice * p->u_size);
        }
    }
}

static void write_task(void *arg, size_t begin, size_t end, int worker)
{
    const gradient *p = arg;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        part a = part_of(p, item);
        write_dw(p, &a, part_start(p, &a, p->u), (ptrdiff_t)p->s->c * p->width);
    }
}

/* ---- the kernels ---- */

/* As in winograd_f43.c, in multiply-adds. The transforms of a channel of a tile take
 * as long as 900 here, where v and d are written to be read by another (Zen 3,
 * AVX2), or 600 (Zen 5, AVX-512). */
#define TRANSFORMS (WEFT_LANES == 16 ? 600.0 : 900.0)

bool KERNEL(winograd_f43_bwd_weights_fits)(const weft__conv *s)
{
    if (!KERNEL(winograd_f43_possible)(s)) return false;
    gradient p = plan(s);
    double c = s->c, o = (double)p.panels * p.width, rows = 0;
    for (int i = 0; i < 3; i++) {
        int from = s->top - i > 0 ? s->top - i : 0, to = s->h + s->top - i;
        if (to > s->oh) to = s->oh;
        if (to > from) rows += to - from;
    }
    double direct = rows * 3 * s->ow * s->n * c * o;
    return direct >
           1.1 * ((double)p.tiles * (36 * c * o + TRANSFORMS * (c + o)) + 400 * c * o);
}

size_t KERNEL(winograd_f43_bwd_weights_scratch)(const weft__conv *s)
{
    gradient p = plan(s);
    size_t size = (size_t)(p.v_plane + p.d_plane) * WINO_POINTS;
    if (p.slices) size *= (size_t)weft__workers();
    return (p.zero_size + size + p.u_size * p.sums) * sizeof(real) + 64;
}

static void add_slices(const gradient *p)
{
    split_k all = {.to = p->u,
                   .partial = p->u + p->u_size,
                   .ld = p->u_plane,
                   .rows = WINO_POINTS,
                   .columns = (int)p->u_plane,
                   .count = p->slices};
    KERNEL(reduce_split_k)(&all);
}

static void sum_blocks(const gradient *p)
{
    block b = {.p = p, .v = p->v, .d = p->d};
    size_t items = p->c_parts * p->o_parts;
    for (size_t i = 0; i < p->blocks; i++) {
        b.t0 = p->tiles * i / p->blocks;
        b.t1 = p->tiles * (i + 1) / p->blocks;
        b.first = i == 0;
        weft__parallel(b.t1 - b.t0, SHARE, transform_task, &b);
        if (p->whole)
            weft__parallel(items, 1, whole_task, &b);
        else
            weft__parallel(items * WINO_POINTS, 1, plane_task, &b);
    }
}

void KERNEL(winograd_f43_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                                      const real *x, void *scratch)
{
    gradient p = plan(s);
    real *zeros = scratch_aligned(scratch);
    memset(zeros, 0, p.zero_size * sizeof *zeros);
    p.x = x;
    p.dy = dy;
    p.dw = dw;
    p.zeros = zeros;
    p.u = zeros + p.zero_size;
    p.v = p.u + p.u_size * p.sums;
    p.d = p.v + p.v_plane * WINO_POINTS;
    if (p.slices) {
        weft__parallel(p.slices, 1, slice_task, &p);
        add_slices(&p);
    } else {
        sum_blocks(&p);
    }
    if (!p.whole) weft__parallel(p.c_parts * p.o_parts, 1, write_task, &p);
}
