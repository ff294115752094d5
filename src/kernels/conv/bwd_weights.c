/* bwd_weights.c: weight gradients, by the tile that sums over pixels.
 *
 * dw is cut into blocks of channels and outputs that stay in the L2 cache; where the
 * blocks are few, the images are cut too, into at most 16 slices, each of which has
 * its own sum. The slices are merged by a fixed tree. All cuts depend on the shape
 * alone. */
#include "kernels/conv/conv.h"

#include "base/thread.h"

enum { BLOCK_BYTES = 320 << 10, POINTS = 128, PLANAR_POINTS = 2048, ITEMS_WANTED = 16 };

typedef struct wgrad_plan {
    const wgrad *p;
    conv_axis h, w;
    int ci, co, ci_block, co_block; /* channels of a group; of a block */
    size_t ci_blocks, co_blocks;
    bool gathered, packed, planar; /* planar: strips are planes */
    planar_layout planes;
    const ptrdiff_t *offset; /* of its taps; set by wgrad */
    int low, wide, span; /* columns that are read; input rows that one output row reads */
    ptrdiff_t pitch;
    int rows, images; /* of a strip */
    size_t strips, units;
    split_k split_k;
    size_t strip_size, pack_size; /* elements */
    real *strip;
} wgrad_plan;

static int least(int a, int b)
{
    return a < b ? a : b;
}
static size_t parts(size_t n, size_t of)
{
    return (n + of - 1) / of;
}

/* Even parts of n, at most `limit` each, multiples of `step` if there are several. */
static int even_block(int n, int limit, int step)
{
    if (n <= limit) return n;
    int count = (n + limit - 1) / limit, block = (n + count - 1) / count;
    return (block + step - 1) / step * step;
}

static void plan_blocks(wgrad_plan *k)
{
    const weft__conv *s = &k->p->s;
    size_t taps = (size_t)s->kh * (size_t)s->kw * sizeof(real);
    k->ci = s->c / s->groups;
    k->co = s->o / s->groups;
    k->ci_block = k->ci;
    k->co_block = k->co;
    if (taps * (size_t)k->ci * (size_t)k->co > BLOCK_BYTES) {
        k->co_block = even_block(k->co, 4 * TILE_COLUMNS, TILE_COLUMNS);
        size_t fit = BLOCK_BYTES / (taps * (size_t)k->co_block);
        k->ci_block = even_block(k->ci, fit > 16 ? (int)fit : 16, 16);
    }
    k->ci_blocks = parts((size_t)k->ci, (size_t)k->ci_block);
    k->co_blocks = parts((size_t)k->co, (size_t)k->co_block);
}

static void plan_strips(wgrad_plan *k)
{
    const weft__conv *s = &k->p->s;
    int rows = (k->planar ? PLANAR_POINTS : POINTS) / (s->ow > 0 ? s->ow : 1);
    rows = rows < 1 ? 1 : least(rows, s->oh);
    k->strips = parts((size_t)s->oh, (size_t)rows);
    k->rows = (int)parts((size_t)s->oh, k->strips);
    int points = s->oh * s->ow; /* 0: a product over nothing */
    k->images = k->strips > 1 ? 1 : least(s->n, POINTS / (points > 0 ? points : 1) + 1);
    k->units = k->strips * parts((size_t)s->n, (size_t)k->images);
    size_t blocks = k->ci_blocks * k->co_blocks * (size_t)s->groups;
    size_t count = blocks < ITEMS_WANTED ? parts(ITEMS_WANTED, blocks) : 1;
    double useful = conv_work(s) / TILE_SMALL_WORK * 4 + 1; /* small work is not cut */
    if ((double)count > useful) count = (size_t)useful;
    k->split_k = (split_k){.to = k->p->dw,
                           .ld = k->p->ldw,
                           .rows = (size_t)s->kh * (size_t)s->kw * (size_t)k->ci,
                           .columns = s->o,
                           .count = count > k->units ? k->units : count};
}

static wgrad_plan plan(const wgrad *p)
{
    const weft__conv *s = &p->s;
    wgrad_plan k = {
        .p = p, .h = KERNEL(conv_axis)(s, true), .w = KERNEL(conv_axis)(s, false)};
    plan_blocks(&k);
    k.planar = k.ci_blocks == 1 && KERNEL(planar_fits)(s, PLANAR_CHANNELS);
    plan_strips(&k);
    k.low = k.w.first;
    k.wide = (s->ow - 1) * s->stride_w + (s->kw - 1) * s->dilate_w + 1;
    k.span = (s->kh - 1) * s->dilate_h + 1;
    /* Pixels far apart crowd into few sets of the L1 cache: bring them together. */
    ptrdiff_t far = 512 / (ptrdiff_t)sizeof(real);
    k.gathered = k.low < 0 || k.low + k.wide > s->w || p->x_pixel >= far;
    k.packed = k.co % WEFT_LANES || p->dy_pixel >= 8 * far;
    k.pitch = k.gathered ? k.ci_block : p->x_pixel;
    if (k.planar) {
        k.planes = KERNEL(planar_layout_of)(s);
        k.strip_size = tile_align(
            planar_elements(s, &k.planes, k.rows) * (size_t)k.images + PLANAR_SLACK);
    } else if (k.gathered) {
        int rows = least((k.rows - 1) * s->stride_h + k.span, s->h);
        k.strip_size = tile_align((size_t)rows * (size_t)k.images * (size_t)k.wide *
                                  (size_t)k.pitch);
    }
    if (k.packed)
        k.pack_size = tile_align((size_t)k.images * (size_t)k.rows * (size_t)s->ow *
                                 (size_t)panel_padded(k.co_block));
    return k;
}

static size_t partials_size(const split_k *l)
{
    return tile_align((l->count - 1) * l->rows * (size_t)l->columns);
}

size_t KERNEL(wgrad_scratch)(const wgrad *p)
{
    wgrad_plan k = plan(p);
    size_t workers = (k.strip_size + k.pack_size) * (size_t)weft__workers();
    return (partials_size(&k.split_k) + workers) * sizeof(real) + 64;
}

/* ---- one item ---- */

/* A block of dw, and the strip of pixels that is being added to it. */
typedef struct block {
    int group, c0, c1, o0, o1; /* channels and outputs within the group */
    real *dw;                  /* of this slice: row (tap, c), all outputs */
    ptrdiff_t ldw;
    bool accumulate;
    int image0, image1, q0, q1;
    const real *x; /* planes, or pixel (image0, row0, low) of the strip */
    ptrdiff_t x_image, x_row, x_pixel;
    int row0, low;
    const real *dy; /* pixel (image0, q0, 0) */
    ptrdiff_t dy_image, dy_row, dy_pixel, dy_panel;
} block;

/* Input rows that the strip reads: row0 .. row1-1. */
static void strip_rows(const wgrad_plan *k, const block *b, int *row0, int *row1)
{
    int in = k->p->s.h;
    int low = b->q0 * k->h.stride + k->h.first;
    int high = (b->q1 - 1) * k->h.stride + k->h.first + k->span;
    *row0 = low < 0 ? 0 : least(low, in);
    *row1 = high < *row0 ? *row0 : least(high, in);
}

static void pack_x(const wgrad_plan *k, block *b, real *strip)
{
    const weft__conv *s = &k->p->s;
    ptrdiff_t pixel = k->p->x_pixel, row = s->w * pixel, image = s->h * row;
    const real *x = k->p->x + b->image0 * image + (ptrdiff_t)b->group * k->ci + b->c0;
    int row1, c = b->c1 - b->c0;
    if (k->planar) {
        int rows = b->q1 - b->q0;
        b->x = strip;
        b->x_row = s->stride_h * k->planes.row;
        b->x_image = (ptrdiff_t)planar_elements(s, &k->planes, rows);
        for (int i = b->image0; i < b->image1; i++, x += image, strip += b->x_image)
            KERNEL(planar_pack)(s, &k->planes, strip, x, pixel, b->q0, rows);
        return;
    }
    if (!k->gathered) {
        b->x = x;
        b->x_image = image;
        b->x_row = row;
        b->x_pixel = pixel;
        b->row0 = b->low = 0;
        return;
    }
    strip_rows(k, b, &b->row0, &row1);
    b->low = k->low;
    b->x = strip;
    b->x_pixel = c;
    b->x_row = k->wide * (ptrdiff_t)c;
    b->x_image = (row1 - b->row0) * b->x_row;
    for (int i = b->image0; i < b->image1; i++, x += image)
        for (int r = b->row0; r < row1; r++, strip += b->x_row)
            KERNEL(conv_gather)(strip, c, x + r * row, pixel, s->w, k->low, k->wide, c);
}

static void pack_dy(const wgrad_plan *k, block *b, real *pack)
{
    const weft__conv *s = &k->p->s;
    ptrdiff_t pixel = k->p->dy_pixel;
    const real *dy = k->p->dy + ((ptrdiff_t)b->image0 * s->oh + b->q0) * s->ow * pixel +
                     (ptrdiff_t)b->group * k->co + b->o0;
    b->dy = dy;
    b->dy_row = s->ow * pixel;
    b->dy_image = s->oh * b->dy_row;
    b->dy_pixel = pixel;
    b->dy_panel = TILE_COLUMNS;
    if (!k->packed) return;
    int o = b->o1 - b->o0, width = panel_width(o);
    size_t points = (size_t)(b->q1 - b->q0) * (size_t)s->ow;
    b->dy = pack;
    b->dy_pixel = width;
    b->dy_row = (ptrdiff_t)s->ow * width;
    b->dy_image = (ptrdiff_t)points * width;
    b->dy_panel = (b->image1 - b->image0) * b->dy_image;
    /* the rows of a strip are one run of pixels, so are the images of a strip of whole
     * images */
    points *= (size_t)(b->image1 - b->image0);
    for (int j = 0; j < o; j += width, pack += points * (size_t)width)
        KERNEL(ukernel_pack)
    (pack, dy + j, points, o - j < width ? o - j : width, width, pixel);
}

/* Row q0 of the strip's dy, from output o0 on. */
static const real *dy_from(const wgrad_plan *k, const block *b, int o0)
{
    int width = k->packed ? panel_width(b->o1 - b->o0) : TILE_COLUMNS;
    return b->dy + (o0 - b->o0) / width * b->dy_panel;
}

/* Adds the strip to the block's rows of tap row i and outputs o0 .. o0+n-1. */
static void sum_tap_row(const wgrad_plan *k, const block *b, int i, int o0, int n)
{
    int from, to, rows = b->c1 - b->c0;
    conv_axis_inside(&k->h, i, k->p->s.h, &from, &to);
    if (from < b->q0) from = b->q0;
    if (to > b->q1) to = b->q1;
    if (to < from) to = from;
    bool any = to > from;
    /* consecutive taps are consecutive elements of a pixel's row, and of dw */
    bool merged = k->w.step == 1 && b->x_pixel == rows && rows == k->ci;
    ukernel_outer t = {
        .count = {b->image1 - b->image0, to - from, k->p->s.ow},
        .a_step = {b->x_image, k->h.stride * b->x_row, k->w.stride * b->x_pixel},
        .b_step = {b->dy_image, b->dy_row, b->dy_pixel},
        .panel = b->dy_panel,
        .ldc = b->ldw,
        .n = n,
        .accumulate = b->accumulate};
    t.b = dy_from(k, b, o0) + (any ? (from - b->q0) * b->dy_row : 0);
    ptrdiff_t row = any ? from * k->h.stride + k->h.first + i * k->h.step - b->row0 : 0;
    const real *x = b->x + row * b->x_row + (k->low - b->low) * b->x_pixel;
    real *dw = b->dw + ((ptrdiff_t)i * k->w.taps * k->ci + b->c0) * b->ldw +
               (ptrdiff_t)b->group * k->co + o0;
    for (int j = 0; j < (merged ? 1 : k->w.taps); j++) {
        t.a = x + j * k->w.step * b->x_pixel;
        t.c = dw + (ptrdiff_t)j * k->ci * b->ldw;
        KERNEL(ukernel_outer)(&t, merged ? rows * k->w.taps : rows);
    }
}

/* Adds the strip, as planes, to all taps of outputs o0 .. o0+n-1. */
static void sum_planar(const wgrad_plan *k, const block *b, int o0, int n)
{
    ukernel_outer t = {.a = b->x,
                       .b = dy_from(k, b, o0),
                       .offset = k->offset,
                       .count = {b->image1 - b->image0, b->q1 - b->q0, k->p->s.ow},
                       .a_step = {b->x_image, b->x_row, 1},
                       .b_step = {b->dy_image, b->dy_row, b->dy_pixel},
                       .panel = b->dy_panel,
                       .c = b->dw + o0,
                       .ldc = b->ldw,
                       .n = n,
                       .accumulate = b->accumulate};
    KERNEL(ukernel_outer)(&t, k->planes.taps);
}

static void sum_strip(const wgrad_plan *k, block *b, real *buffer)
{
    int rows = (b->c1 - b->c0) * (k->w.step == 1 ? k->w.taps : 1);
    bool wide = !k->planar && rows <= TILE_ROWS_4 && 2 * TILE_PANEL <= TILE_VECTORS;
    int step = wide ? 2 * TILE_COLUMNS : TILE_COLUMNS;
    pack_x(k, b, buffer);
    pack_dy(k, b, buffer + k->strip_size);
    for (int o = b->o0; o < b->o1; o += step) {
        int n = b->o1 - o < step ? b->o1 - o : step;
        if (k->planar)
            sum_planar(k, b, o, n);
        else
            for (int i = 0; i < k->h.taps; i++) sum_tap_row(k, b, i, o, n);
    }
    b->accumulate = true;
}

static void wgrad_task(void *arg, size_t begin, size_t end, int worker)
{
    const wgrad_plan *k = arg;
    const weft__conv *s = &k->p->s;
    real *buffer = k->strip + (size_t)worker * (k->strip_size + k->pack_size);
    for (size_t item = begin; item < end; item++) {
        size_t count = k->split_k.count, slice = item % count, at = item / count;
        block b = {.accumulate = k->p->accumulate && !slice};
        b.dw = partial_at(&k->split_k, slice, 0);
        b.ldw = slice ? s->o : k->p->ldw;
        b.o0 = (int)(at % k->co_blocks) * k->co_block;
        b.o1 = least(b.o0 + k->co_block, k->co);
        at /= k->co_blocks;
        b.c0 = (int)(at % k->ci_blocks) * k->ci_block;
        b.c1 = least(b.c0 + k->ci_block, k->ci);
        b.group = (int)(at / k->ci_blocks);
        for (size_t u = k->units * slice / count; u < k->units * (slice + 1) / count;
             u++) {
            b.image0 = (int)(u / k->strips) * k->images;
            b.image1 = least(b.image0 + k->images, s->n);
            b.q0 = (int)(u % k->strips) * k->rows;
            b.q1 = least(b.q0 + k->rows, s->oh);
            sum_strip(k, &b, buffer);
        }
    }
}

/* ---- merging the slices ---- */

static void reduce_task(void *arg, size_t begin, size_t end, int worker)
{
    const split_k *l = arg;
    (void)worker;
    for (size_t row = begin; row < end; row++)
        for (size_t step = 1; step < l->count; step *= 2)
            for (size_t slice = 0; slice + step < l->count; slice += 2 * step)
                add_into(partial_at(l, slice, row), partial_at(l, slice + step, row),
                         l->columns);
}

void KERNEL(reduce_split_k)(const split_k *l)
{
    split_k mine = *l;
    if (l->count == 1) return;
    size_t share = 32768 / (l->count * (size_t)l->columns) + 1;
    weft__parallel(l->rows, share, reduce_task, &mine);
}

void KERNEL(wgrad)(const wgrad *p, void *scratch)
{
    wgrad_plan k = plan(p);
    size_t blocks = k.ci_blocks * k.co_blocks * (size_t)p->s.groups;
    size_t items = blocks * k.split_k.count;
    ptrdiff_t offset[PLANAR_TAPS];
    if (k.planar) KERNEL(planar_offsets)(&p->s, &k.planes, offset);
    k.offset = offset;
    k.split_k.partial = scratch_aligned(scratch);
    k.strip = k.split_k.partial + partials_size(&k.split_k);
    weft__parallel(items, conv_grain(items, conv_work(&p->s)), wgrad_task, &k);
    KERNEL(reduce_split_k)(&k.split_k);
}

static wgrad whole(const weft__conv *s, real *dw, const real *dy, const real *x)
{
    return (wgrad){.s = *s,
                   .x = x,
                   .dy = dy,
                   .dw = dw,
                   .x_pixel = s->c,
                   .dy_pixel = s->o,
                   .ldw = s->o};
}

/* dw[k][n] = x[m][k]^T dy[m][n], unless the outputs are so few that copying x as
 * gemm_tn_serial does takes longer than it saves. */
static bool weight_product(const weft__conv *s, weft__gemm_tn *t)
{
    weft__gemm g;
    if (!KERNEL(conv_as_product)(s, &g) || g.n <= 64) return false;
    *t = (weft__gemm_tn){
        .m = g.k, .n = g.n, .k = g.m, .lda = g.lda, .ldb = g.ldc, .ldc = g.n};
    return true;
}

size_t KERNEL(conv_bwd_weights_scratch)(const weft__conv *s)
{
    weft__gemm_tn t;
    if (conv_is_depthwise(s)) return KERNEL(depthwise_bwd_weights_scratch)(s);
    if (weight_product(s, &t)) return KERNEL(gemm_tn_scratch)(&t);
    if (KERNEL(winograd_2x2_fits)(s)) return KERNEL(winograd_2x2_bwd_weights_scratch)(s);
    if (KERNEL(winograd_f43_bwd_weights_fits)(s))
        return KERNEL(winograd_f43_bwd_weights_scratch)(s);
    int pixels = KERNEL(width_fold)(s);
    weft__conv wide = KERNEL(width_fold_conv)(s, pixels);
    wgrad p = whole(&wide, NULL, NULL, NULL);
    size_t sums = pixels > 1 ? KERNEL(width_fold_size)(s, pixels) : 0;
    return KERNEL(wgrad_scratch)(&p) + sums * sizeof(real);
}

void KERNEL(conv_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                              const real *x, void *scratch)
{
    weft__gemm_tn t;
    if (conv_is_depthwise(s)) {
        KERNEL(depthwise_bwd_weights)(s, dw, dy, x, scratch);
        return;
    }
    if (weight_product(s, &t)) {
        t.a = x;
        t.b = dy;
        t.c = dw;
        KERNEL(gemm_tn)(&t, scratch);
        return;
    }
    if (KERNEL(winograd_2x2_fits)(s)) {
        KERNEL(winograd_2x2_bwd_weights)(s, dw, dy, x, scratch);
        return;
    }
    if (KERNEL(winograd_f43_bwd_weights_fits)(s)) {
        KERNEL(winograd_f43_bwd_weights)(s, dw, dy, x, scratch);
        return;
    }
    int pixels = KERNEL(width_fold)(s);
    weft__conv wide = KERNEL(width_fold_conv)(s, pixels);
    real *sums = scratch_aligned(scratch);
    if (pixels > 1) {
        wgrad p = whole(&wide, sums, dy, x);
        KERNEL(wgrad)(&p, sums + KERNEL(width_fold_size)(s, pixels));
        KERNEL(width_unfold_dw)(s, pixels, dw, sums);
        return;
    }
    wgrad p = whole(s, dw, dy, x);
    KERNEL(wgrad)(&p, scratch);
}
