/* winograd_f43.c: convolutions of 3x3 kernels and stride 1, and their data
 * gradients, by Winograd's F(4x4,3x3).
 *
 * A block of tiles is transformed into `v`, 36 matrices of tiles by channels; each
 * is multiplied by its matrix of transformed weights `u` into `m`, tiles by outputs;
 * and m is brought back, with bias and activation, tile by tile. There are two ways
 * to keep these in the cache:
 *
 *   many tiles: u is made once, for all; a work item makes v of its tiles, and takes
 *     all
 *   outputs, some at a time.
 *   few tiles:  v is made once, for all; a work item makes u of its outputs, some
 *   channels at a time, so that all of u is never in memory. */
#include "kernels/conv/winograd.h"

#include "base/thread.h"

enum {
    KERNEL_ROWS = 16, /* channels whose kernels are transformed together */
    ROWS_WANTED = 28, /* tiles of a block, of which there should be as many as items */
    ITEMS_WANTED = 16,
    WIDE_MOST = 300, /* channels and outputs of which v and m fit the cache */
    FEW_TILES = 128, /* what counts as few, if the weights are as many as that */
    FEW_WEIGHTS = 65536,
    FEW_BLOCK = 64,
    FEW_OUTPUTS = 32,
    FEW_DEPTH = 256,
    DEPTH_MOST = 1024 /* the error grows with the root of the sum's length */
};

typedef struct winograd {
    const weft__conv *s;
    bool data;
    int in_h, in_w, out_h, out_w, ci, co;
    int first_h, first_w; /* the input pixel that tile 0 reads first */
    int tiles_h, tiles_w;
    size_t tiles, block, blocks; /* block: tiles of one item */
    int width, panels, group;    /* group: panels brought back together */
    bool few;
    int depth;     /* channels of which u is made at a time */
    size_t splits; /* items of one block */
    ptrdiff_t v_row, v_plane, m_row, m_plane, u_plane;
    size_t u_size, v_size, m_size, zero_size; /* elements */
    const real *x, *w, *bias, *zeros;
    const real *u;           /* of all weights: shared, or prepacked */
    real *y, *shared, *work; /* shared: v if few, else u unless prepacked */
    weft__epilogue epilogue;
} winograd;

/* Blocks of a quarter of a megabyte or so of v, unless that leaves too few tiles for
 * each element of u, which then comes from memory; groups as m fits. */
static void plan_many(winograd *p)
{
    size_t wide = (size_t)p->ci + (size_t)p->panels * (size_t)p->width;
    bool large = wide > WIDE_MOST;
    size_t rows = TILE_ROWS_2 > 14 ? 14 : TILE_ROWS_2;
    p->group = large ? 1 : p->panels;
    p->block = ROWS_WANTED / rows * rows * (large ? 2 : 1);
    p->depth = p->ci;
    p->splits = 1;
    p->blocks = parts(p->tiles, p->block);
    if (p->blocks < ITEMS_WANTED) p->blocks = parts(p->blocks, 4) * 4;
    if (p->blocks > p->tiles) p->blocks = p->tiles;
}

static void plan_few(winograd *p)
{
    p->group = p->s->prepacked ? 1 : FEW_OUTPUTS / p->width;
    if (p->group < 1) p->group = 1;
    if (p->group > p->panels) p->group = p->panels;
    p->depth = p->ci < FEW_DEPTH || p->s->prepacked ? p->ci : FEW_DEPTH;
    p->splits = parts((size_t)p->panels, (size_t)p->group);
    p->blocks = parts(p->tiles, FEW_BLOCK);
}

static winograd plan(const weft__conv *s, bool data)
{
    winograd p = {.s = s, .data = data};
    p.in_h = data ? s->oh : s->h;
    p.in_w = data ? s->ow : s->w;
    p.out_h = data ? s->h : s->oh;
    p.out_w = data ? s->w : s->ow;
    p.ci = data ? s->o : s->c;
    p.co = data ? s->c : s->o;
    p.first_h = data ? s->top - 2 : -s->top;
    p.first_w = data ? s->left - 2 : -s->left;
    p.tiles_h = (p.out_h + WINO_OUT - 1) / WINO_OUT;
    p.tiles_w = (p.out_w + WINO_OUT - 1) / WINO_OUT;
    p.tiles = (size_t)s->n * (size_t)p.tiles_h * (size_t)p.tiles_w;
    p.width = panel_width(p.co);
    p.panels = panel_padded(p.co) / p.width;
    p.few = p.tiles <= FEW_TILES &&
            ((s->prepacked && p.panels > 1) || (double)p.ci * p.co >= FEW_WEIGHTS);
    if (p.few)
        plan_few(&p);
    else
        plan_many(&p);
    p.block = parts(p.tiles, p.blocks);
    p.v_row = (ptrdiff_t)parts((size_t)p.ci, WEFT_LANES) * WEFT_LANES;
    if ((size_t)p.v_row * sizeof(real) % 2048 == 0) p.v_row += 16;
    p.m_row = (ptrdiff_t)p.width * p.group;
    if ((size_t)p.m_row * sizeof(real) % 2048 == 0) p.m_row += 16;
    p.v_plane = wino_plane((p.few ? p.tiles : p.block) * (size_t)p.v_row);
    p.m_plane = wino_plane(p.block * (size_t)p.m_row);
    bool part = p.few && !s->prepacked;
    p.u_plane = wino_plane((size_t)(part ? p.group : p.panels) * (size_t)p.width *
                           (size_t)p.depth);
    p.zero_size = tile_align((size_t)p.v_row);
    p.u_size = (size_t)p.u_plane * WINO_POINTS;
    p.v_size = (size_t)p.v_plane * WINO_POINTS;
    p.m_size = (size_t)p.m_plane * WINO_POINTS;
    return p;
}

/* ---- weights ---- */

static void transform_weights(const real *taps, ptrdiff_t tap, real *to, ptrdiff_t plane,
                              size_t count)
{
    for (size_t i = 0; i < count; i += WEFT_LANES) {
        vec w[9], half[18], all[WINO_IN];
        for (int k = 0; k < 9; k++) w[k] = vload(taps + k * tap + i);
        for (int j = 0; j < 3; j++) wino_weights(half + j, 3, w + j, 3);
        for (int j = 0; j < WINO_IN; j++) {
            wino_weights(all, 1, half + 3 * j, 1);
            for (int k = 0; k < WINO_IN; k++)
                vstore(to + (j * WINO_IN + k) * plane + i, all[k]);
        }
    }
}

/* u of the channels c0 .. c0+count-1 and the panel that begins at output n0. A panel's
 * part of a plane is [depth][width]; `to` is where channel c0 belongs in plane 0. */
static void make_weights(const winograd *p, int n0, int c0, int count, real *to)
{
    const weft__conv *s = p->s;
    real taps[9 * KERNEL_ROWS * TILE_COLUMNS];
    int n = p->co - n0 < p->width ? p->co - n0 : p->width;
    for (int c = 0; c < count; c += KERNEL_ROWS) {
        size_t rows = (size_t)(count - c < KERNEL_ROWS ? count - c : KERNEL_ROWS);
        ptrdiff_t tap = (ptrdiff_t)rows * p->width;
        for (int k = 0; k < 9; k++) {
            const real *w = p->data
                                ? p->w + ((ptrdiff_t)(8 - k) * p->co + n0) * s->o + c0 + c
                                : p->w + ((ptrdiff_t)k * p->ci + c0 + c) * s->o + n0;
            if (p->data) KERNEL(ukernel_pack_transposed)
            (taps + k * tap, w, rows, n, p->width, s->o);
            else KERNEL(ukernel_pack)(taps + k * tap, w, rows, n, p->width, s->o);
        }
        transform_weights(taps, tap, to + (ptrdiff_t)c * p->width, p->u_plane,
                          (size_t)tap);
    }
}

static void weights_task(void *arg, size_t begin, size_t end, int worker)
{
    const winograd *p = arg;
    size_t pieces = parts((size_t)p->ci, KERNEL_ROWS);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int n0 = (int)(item / pieces) * p->width, c0 = (int)(item % pieces) * KERNEL_ROWS;
        int count = p->ci - c0 < KERNEL_ROWS ? p->ci - c0 : KERNEL_ROWS;
        make_weights(p, n0, c0, count,
                     p->shared + (ptrdiff_t)n0 * p->ci + (ptrdiff_t)c0 * p->width);
    }
}

/* ---- tiles ---- */

typedef struct tile_place {
    int image, h, w; /* h, w: of its first result */
} tile_place;

static tile_place place_of(const winograd *p, size_t t)
{
    size_t per_image = (size_t)p->tiles_h * (size_t)p->tiles_w;
    int in_image = (int)(t % per_image);
    return (tile_place){.image = (int)(t / per_image),
                        .h = in_image / p->tiles_w * WINO_OUT,
                        .w = in_image % p->tiles_w * WINO_OUT};
}

/* The pixels of tiles t0 and on: row t of each plane. */
static void transform_inputs(const winograd *p, size_t t0, size_t t1, real *v)
{
    const real *at[WINO_POINTS];
    for (size_t t = t0; t < t1; t++, v += p->v_row) {
        tile_place place = place_of(p, t);
        int h = place.h + p->first_h, w = place.w + p->first_w;
        const real *image = p->x + (ptrdiff_t)place.image * p->in_h * p->in_w * p->ci;
        wino_pixels(at, image, h, w, p->in_h, p->in_w, p->ci, p->zeros);
        wino_prefetch(image, h + WINO_IN, w, p->in_w, p->ci);
        int c = 0;
        for (; c + WEFT_LANES <= p->ci; c += WEFT_LANES)
            wino_input_vector(v, p->v_plane, at, c, WEFT_LANES);
        if (c < p->ci) wino_input_vector(v, p->v_plane, at, c, p->ci - c);
    }
}

/* n outputs of one tile; rows and columns: how many of the 4x4 results lie in the
 * picture. */
WEFT_INLINE void result_vector(const winograd *p, const real *m, const real *bias,
                               real *y, int rows, int columns, int n)
{
    vec d[WINO_IN], half[WINO_OUT * WINO_IN], all[WINO_OUT];
    ptrdiff_t pixel = p->co, row = p->out_w * pixel, plane = p->m_plane;
    vec start = bias ? vload_tail(bias, n) : vzero();
    bool add = p->s->accumulate;
    WEFT_UNROLL
    for (int j = 0; j < WINO_IN; j++) {
        WEFT_UNROLL
        for (int i = 0; i < WINO_IN; i++) d[i] = vload(m + (i * WINO_IN + j) * plane);
        wino_output(half + j, WINO_IN, d, 1);
    }
    WEFT_UNROLL
    for (int i = 0; i < WINO_OUT; i++) {
        if (i >= rows) continue; /* no break: it would keep clang from unrolling */
        wino_output(all, 1, half + i * WINO_IN, 1);
        WEFT_UNROLL
        for (int j = 0; j < WINO_OUT; j++) {
            if (j >= columns) continue;
            vec v = vadd(all[j], start);
            if (add) v = vadd(vload_tail(y + i * row + j * pixel, n), v);
            vstore_tail(y + i * row + j * pixel, tile_activated(&p->epilogue, v), n);
        }
    }
}

/* Outputs n0 .. n1-1 of the tiles t0 .. t1-1. */
static void write_outputs(const winograd *p, size_t t0, size_t t1, const real *m, int n0,
                          int n1)
{
    for (size_t t = t0; t < t1; t++, m += p->m_row) {
        tile_place place = place_of(p, t);
        int rows = p->out_h - place.h, columns = p->out_w - place.w;
        real *y =
            p->y +
            (((ptrdiff_t)place.image * p->out_h + place.h) * p->out_w + place.w) * p->co;
        if (rows > WINO_OUT) rows = WINO_OUT;
        if (columns > WINO_OUT) columns = WINO_OUT;
        for (int o = n0; o < n1; o += WEFT_LANES) {
            const real *bias = p->bias ? p->bias + o : NULL;
            if (n1 - o < WEFT_LANES)
                result_vector(p, m + (o - n0), bias, y + o, rows, columns, n1 - o);
            else if (rows == WINO_OUT && columns == WINO_OUT)
                result_vector(p, m + (o - n0), bias, y + o, WINO_OUT, WINO_OUT,
                              WEFT_LANES);
            else
                result_vector(p, m + (o - n0), bias, y + o, rows, columns, WEFT_LANES);
        }
        if (ukernel_applies(p->epilogue.act)) continue;
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) {
                real *pixel = y + ((ptrdiff_t)i * p->out_w + j) * p->co + n0;
                KERNEL(activate)(pixel, pixel, (size_t)(n1 - n0), &p->epilogue);
            }
    }
}

static void inputs_task(void *arg, size_t begin, size_t end, int worker)
{
    const winograd *p = arg;
    (void)worker;
    transform_inputs(p, begin, end, p->shared + (ptrdiff_t)begin * p->v_row);
}

/* m of some panels (+)= v times u, for the channels c0 .. c0+count-1. */
static void multiply(const winograd *p, const real *v, const real *u, real *m, int tiles,
                     int panels, int c0, int count)
{
    ukernel_gemm product = {.row = p->v_row,
                            .taps_h = 1,
                            .taps_w = 1,
                            .k = count,
                            .ldb = p->width,
                            .ldc = p->m_row,
                            .n = p->width,
                            .accumulate = c0 > 0};
    for (int k = 0; k < WINO_POINTS; k++)
        for (int i = 0; i < panels; i++) {
            product.a = v + k * p->v_plane + c0;
            product.b = u + k * p->u_plane + (ptrdiff_t)i * p->width * count;
            product.c = m + k * p->m_plane + (ptrdiff_t)i * p->width;
            KERNEL(ukernel_gemm)(&product, tiles);
        }
}

static void many_task(void *arg, size_t begin, size_t end, int worker)
{
    const winograd *p = arg;
    real *v = p->work + (size_t)worker * (p->v_size + p->m_size), *m = v + p->v_size;
    for (size_t item = begin; item < end; item++) {
        size_t t0 = p->tiles * item / p->blocks, t1 = p->tiles * (item + 1) / p->blocks;
        transform_inputs(p, t0, t1, v);
        for (int g = 0; g < p->panels; g += p->group) {
            int count = p->panels - g < p->group ? p->panels - g : p->group;
            int n0 = g * p->width, n1 = n0 + count * p->width;
            multiply(p, v, p->u + (ptrdiff_t)n0 * p->ci, m, (int)(t1 - t0), count, 0,
                     p->ci);
            write_outputs(p, t0, t1, m, n0, n1 < p->co ? n1 : p->co);
        }
    }
}

static void few_task(void *arg, size_t begin, size_t end, int worker)
{
    const winograd *p = arg;
    size_t own_u = p->u ? 0 : p->u_size;
    real *u = p->work + (size_t)worker * (own_u + p->m_size), *m = u + own_u;
    for (size_t item = begin; item < end; item++) {
        size_t block = item / p->splits;
        size_t t0 = p->tiles * block / p->blocks, t1 = p->tiles * (block + 1) / p->blocks;
        int g = (int)(item % p->splits) * p->group;
        int count = p->panels - g < p->group ? p->panels - g : p->group;
        int n0 = g * p->width, n1 = n0 + count * p->width;
        for (int c = 0; c < p->ci; c += p->depth) {
            int depth = p->ci - c < p->depth ? p->ci - c : p->depth;
            for (int i = 0; i < count && !p->u; i++)
                make_weights(p, n0 + i * p->width, c, depth,
                             u + (ptrdiff_t)i * p->width * depth);
            multiply(p, p->shared + (ptrdiff_t)t0 * p->v_row,
                     p->u ? p->u + (ptrdiff_t)n0 * p->ci : u, m, (int)(t1 - t0), count, c,
                     depth);
        }
        write_outputs(p, t0, t1, m, n0, n1 < p->co ? n1 : p->co);
    }
}

static void make_all_weights(winograd *p)
{
    size_t pieces = (size_t)p->panels * parts((size_t)p->ci, KERNEL_ROWS);
    weft__parallel(pieces, 1, weights_task, p);
}

static void run(winograd *p, void *scratch)
{
    real *zeros = scratch_aligned(scratch);
    memset(zeros, 0, p->zero_size * sizeof *zeros);
    p->zeros = zeros;
    p->shared = zeros + p->zero_size;
    p->u = p->s->prepacked ? p->w : p->few ? NULL : p->shared;
    p->work = p->shared + (p->few ? p->v_size : p->s->prepacked ? 0 : p->u_size);
    if (p->few) {
        weft__parallel(p->tiles, parts(p->tiles, 16), inputs_task, p);
        weft__parallel(p->blocks * p->splits, 1, few_task, p);
    } else {
        if (!p->s->prepacked) make_all_weights(p);
        weft__parallel(p->blocks, 1, many_task, p);
    }
}

/* ---- the kernels ---- */

/* How many multiply-adds take as long as reading a float of prepacked weights, of so
 * many floats in all: from memory, or from the cache. */
static double prepacked_read(size_t floats)
{
    const size_t cached = (1 << 20) / sizeof(float);
    if (WEFT_LANES == 16) return floats > cached ? 22 : 5;
    return 11;
}

/* Multiply-adds, and what takes as long as so many of them. The transforms of pictures
 * and results take as long as 530 for each channel of a tile, those of a weight as long
 * as 400, or 1000 where they go through memory: medians of a 2-core Zen 3 (AVX2).
 * Prepacked weights are only read: 36 floats of each here, 9 by plain sums. */
static double winograd_cost(const winograd *p)
{
    double co = (double)p->panels * p->width, ci = (double)p->v_row;
    double weight = p->s->prepacked ? WINO_POINTS * prepacked_read(p->u_size)
                    : p->few        ? 400
                                    : 1000;
    return (double)p->tiles * (WINO_POINTS * ci * co + 530 * (ci + co)) +
           weight * ci * co;
}

/* Pairs of a tap and a result along an axis that meet inside the picture. */
static double inside(int first, int in, int out)
{
    double pairs = 0;
    for (int i = 0; i < 3; i++) {
        int from = -(first + i), to = in - (first + i);
        if (from < 0) from = 0;
        if (to > out) to = out;
        if (to > from) pairs += to - from;
    }
    return pairs;
}

/* Rows of zeros above and below are skipped, and what lies next to narrow pictures. */
static double direct_cost(const winograd *p)
{
    double co = (double)p->panels * p->width;
    double rows = inside(p->first_h, p->in_h, p->out_h);
    double columns = conv_rows_are_images(p->s, p->out_w)
                         ? inside(p->first_w, p->in_w, p->out_w)
                         : 3.0 * p->out_w;
    double weights = (double)p->ci * co, read = 9 * prepacked_read((size_t)(9 * weights));
    return rows * columns * p->s->n * weights + (p->s->prepacked ? read * weights : 0);
}

bool KERNEL(winograd_f43_possible)(const weft__conv *s)
{
    const int least = 16;
    if (sizeof(real) != sizeof(float) || s->exact || s->groups != 1) return false;
    if (s->kh != 3 || s->kw != 3 || s->stride_h != 1 || s->stride_w != 1) return false;
    if (s->dilate_h != 1 || s->dilate_w != 1 || s->c < least || s->o < least)
        return false;
    return s->n > 0 && s->oh > 0 && s->ow > 0;
}

bool KERNEL(winograd_f43_fits)(const weft__conv *s, bool data)
{
    if (!KERNEL(winograd_f43_possible)(s) || (data ? s->o : s->c) > DEPTH_MOST)
        return false;
    winograd p = plan(s, data);
    return direct_cost(&p) > 1.1 * winograd_cost(&p);
}

size_t KERNEL(winograd_f43_scratch)(const weft__conv *s, bool data)
{
    winograd p = plan(s, data);
    size_t u = s->prepacked ? 0 : p.u_size;
    size_t shared = p.few ? p.v_size : u, own_u = p.few ? u : p.v_size;
    size_t workers = (own_u + p.m_size) * (size_t)weft__workers();
    return (p.zero_size + shared + workers) * sizeof(real) + 64;
}

size_t KERNEL(winograd_f43_prepacked_size)(const weft__conv *s)
{
    return tile_align(plan(s, false).u_size);
}

void KERNEL(winograd_f43_prepack)(const weft__conv *s, real *to, const real *w)
{
    winograd p = plan(s, false);
    p.w = w;
    p.shared = to;
    make_all_weights(&p);
}

void KERNEL(winograd_f43)(const weft__conv *s, bool data, real *y, const real *x,
                          const real *w, const real *bias, const weft__epilogue *e,
                          void *scratch)
{
    winograd p = plan(s, data);
    p.x = x;
    p.y = y;
    p.w = w;
    p.bias = bias;
    if (e) p.epilogue = *e;
    run(&p, scratch);
}
