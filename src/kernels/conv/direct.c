/* direct.c: convolution and its data gradient as sweeps of the row tile.
 *
 * A work item is a strip: some output rows of one image, or a few small images.
 * Where the kernel reaches over the left or right border, the strip's input rows are
 * first gathered between zeros into a buffer that stays in the L2 cache, as planes
 * where the channels are few; rows above and below the picture are skipped, not
 * multiplied (with planes they are). Of pictures a few pixels wide, an item takes
 * one pixel of several pictures after the other. The weights are packed into panels
 * once per call, unless they come packed; flipped and transposed for the data
 * gradient. Where all pictures are one strip and items are columns, each packs its
 * own. */
#include "kernels/conv/conv.h"

#include "base/thread.h"

#include <limits.h>

/* A strip's input should leave room for a panel of weights in a 1 MiB L2 cache. */
enum { STRIP_BYTES = 192 << 10, PANEL_BYTES = 384 << 10, ITEMS_WANTED = 16 };
enum { NT_BYTES = 32 << 20, SHORT_SUM = 80 };
enum { ROW_IMAGES = 8 * TILE_ROWS_2 }; /* of an item whose rows are pictures */

typedef struct direct_conv {
    const weft__conv *s;
    bool data;
    const real *x, *w, *bias; /* w: packed if packed, else as it is */
    real *y;
    weft__epilogue epilogue;
    int in_h, in_w, out_h, out_w;
    int ci, co, groups; /* channels of one group */
    int phases_h, phases_w;
    int low_h, span_h; /* row q reads rows q*stride + low_h and on, span_h of them */
    int low_w, wide;   /* columns low_w .. low_w+wide-1 are read at all */
    int q_rows;        /* the most rows of any phase */
    int panels;        /* panels side by side in one tile */
    bool packed, gathered, patches, rows_are_images,
        planar; /* planar: strips are planes */
    planar_layout planes;
    const ptrdiff_t *offset; /* of its taps; set by run, as stream */
    bool nt_stores;          /* results go past the cache */
    ptrdiff_t pitch;         /* of a gathered pixel, or of a patch */
    int rows, images;
    size_t strips, image_groups, splits, split_columns;
    bool packs_item; /* an item packs what it alone needs: it stays in the cache */
    size_t strip_size, packed_size; /* elements; packed: of a worker if own */
    real *strip, *items_packed;     /* one for each worker */
} direct_conv;

static conv_axis axis_of(const direct_conv *p, bool down, int phase)
{
    return p->data ? KERNEL(conv_bwd_data_axis)(p->s, down, phase)
                   : KERNEL(conv_axis)(p->s, down);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}
static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}
static size_t parts(size_t n, size_t of)
{
    return (n + of - 1) / of;
}

/* What all phases together read. */
static void plan_reach(direct_conv *p)
{
    int low_h = INT_MAX, high_h = INT_MIN, low_w = INT_MAX, high_w = INT_MIN;
    for (int phase = 0; phase < p->phases_h; phase++) {
        conv_axis a = axis_of(p, true, phase);
        if (a.out > p->q_rows) p->q_rows = a.out;
        if (!a.taps || !a.out) continue;
        if (a.first < low_h) low_h = a.first;
        int high = a.first + (a.taps - 1) * a.step + 1;
        if (high > high_h) high_h = high;
    }
    for (int phase = 0; phase < p->phases_w; phase++) {
        conv_axis a = axis_of(p, false, phase);
        if (!a.taps || !a.out) continue;
        if (a.first < low_w) low_w = a.first;
        int high = (a.out - 1) * a.stride + a.first + (a.taps - 1) * a.step + 1;
        if (high > high_w) high_w = high;
    }
    bool none = low_h == INT_MAX || low_w == INT_MAX;
    p->low_h = none ? 0 : low_h;
    p->span_h = none ? 0 : high_h - low_h;
    p->low_w = none ? 0 : low_w;
    p->wide = none ? 0 : high_w - low_w;
}

static int stride_down(const direct_conv *p)
{
    return p->data ? 1 : p->s->stride_h;
}

/* Input rows that `rows` output rows read, at most. */
static size_t input_rows(const direct_conv *p, int rows)
{
    size_t reach = (size_t)(rows - 1) * (size_t)stride_down(p) + (size_t)p->span_h;
    return least(reach, (size_t)p->in_h);
}

/* Elements that a strip of so many rows and images occupies. */
static size_t strip_elements(const direct_conv *p, int rows, int images)
{
    if (p->planar) return planar_elements(p->s, &p->planes, rows) * (size_t)images;
    size_t one = p->patches ? (size_t)rows * (size_t)p->out_w * (size_t)p->pitch
                            : input_rows(p, rows) * (size_t)p->wide * (size_t)p->pitch;
    return one * (size_t)images;
}

static void plan_layout(direct_conv *p)
{
    const weft__conv *s = p->s;
    bool one_phase = p->phases_h * p->phases_w == 1;
    int stride = p->data ? 1 : s->stride_w, whole = p->ci * p->groups;
    int taps = s->kh * s->kw;
    /* Longer sums hide the tile's set-up. */
    p->planar =
        !p->data && taps * s->c <= SHORT_SUM && KERNEL(planar_fits)(s, PLANAR_CHANNELS);
    if (p->planar) {
        p->planes = KERNEL(planar_layout_of)(s);
        p->panels = 1;
        return;
    }
    /* Narrow pictures would leave the tile short of rows: copy each pixel's patch. */
    p->rows_are_images = conv_rows_are_images(s, p->out_w / p->phases_w);
    p->patches = !p->rows_are_images && one_phase && p->out_w < 4 &&
                 p->out_h * p->out_w * s->n > p->out_w;
    p->gathered = !p->rows_are_images && (p->low_w < 0 || p->low_w + p->wide > p->in_w);
    p->pitch = p->patches ? (ptrdiff_t)taps * p->ci : p->ci;
    /* Rows of the tile that lie a multiple of 4 KiB apart push each other out of the L1
     * cache. */
    bool alias = (size_t)stride * (size_t)whole * sizeof(real) % 4096 == 0;
    if (!p->patches && !p->rows_are_images && alias) p->gathered = true;
    if ((size_t)stride * (size_t)p->pitch * sizeof(real) % 2048 == 0) p->pitch += 16;
    if (!p->gathered && !p->patches) p->pitch = whole;
    /* Two panels side by side where rows are short, or where a result is so little work
     * that its lines should be written whole. */
    bool light = p->ci * taps <= 32 && p->co % (2 * TILE_COLUMNS) == 0;
    bool wide = light || p->out_w / p->phases_w <= TILE_ROWS_4;
    p->panels = wide && !p->patches && !p->rows_are_images ? 2 : 1;
    if (p->panels * TILE_PANEL > TILE_VECTORS) p->panels = 1;
}

static void plan_items(direct_conv *p)
{
    int rows = p->q_rows > 0 ? p->q_rows : 1, n = p->s->n;
    while (rows > 1 && !p->rows_are_images &&
           strip_elements(p, rows, 1) * sizeof(real) > STRIP_BYTES)
        rows = (rows + 1) / 2;
    p->strips = parts((size_t)p->q_rows, (size_t)rows);
    p->rows = (int)parts((size_t)p->q_rows, most(p->strips, 1));
    p->images = 1;
    size_t pixels = (size_t)p->out_h * (size_t)p->out_w;
    if (p->strips == 1)
        while (p->images * 2 <= n && pixels * (size_t)p->images < 64 &&
               strip_elements(p, p->rows, p->images * 2) * sizeof(real) <= STRIP_BYTES)
            p->images *= 2;
    if (p->rows_are_images) p->images = n < ROW_IMAGES ? n : ROW_IMAGES;
    p->image_groups = parts((size_t)n, (size_t)p->images);
    size_t items = p->strips * p->image_groups, step = (size_t)p->panels * TILE_COLUMNS;
    p->splits = 1;
    if (p->groups == 1 && items < ITEMS_WANTED && items)
        p->splits = least(parts((size_t)p->co, step), parts(ITEMS_WANTED, items));
    p->split_columns = parts(parts((size_t)p->co, p->splits), step) * step;
    p->splits = parts((size_t)p->co, p->split_columns);
}

static size_t packed_elements(const direct_conv *p)
{
    return tile_align((size_t)p->groups * (size_t)p->s->kh * (size_t)p->s->kw *
                      (size_t)p->ci * (size_t)panel_padded(p->co));
}

static direct_conv plan(const weft__conv *s, bool data)
{
    direct_conv p = {.s = s, .data = data, .groups = s->groups};
    p.in_h = data ? s->oh : s->h;
    p.in_w = data ? s->ow : s->w;
    p.out_h = data ? s->h : s->oh;
    p.out_w = data ? s->w : s->ow;
    p.ci = (data ? s->o : s->c) / s->groups;
    p.co = (data ? s->c : s->o) / s->groups;
    p.phases_h = data ? s->stride_h : 1;
    p.phases_w = data ? s->stride_w : 1;
    plan_reach(&p);
    plan_layout(&p);
    plan_items(&p);
    double pixels = (double)s->n * s->oh * s->ow;
    bool natural = p.co == panel_width(p.co) ||
                   (p.co % WEFT_LANES == 0 && pixels <= 2 * TILE_ROWS_2);
    p.packed = data || s->groups > 1 || s->prepacked || !natural;
    p.packs_item =
        p.packed && !s->prepacked && p.splits > 1 && p.strips * p.image_groups == 1;
    if (p.packs_item)
        p.packed_size =
            tile_align(p.split_columns * (size_t)s->kh * (size_t)s->kw * (size_t)p.ci);
    else if (p.packed && !s->prepacked)
        p.packed_size = packed_elements(&p);
    if (p.gathered || p.patches || p.planar)
        p.strip_size = tile_align(strip_elements(&p, p.rows, p.images) + PLANAR_SLACK);
    return p;
}

static size_t plan_bytes(const direct_conv *p)
{
    size_t workers = (size_t)weft__workers();
    size_t packed = p->packed_size * (p->packs_item ? workers : 1);
    return (packed + p->strip_size * workers) * sizeof(real) + 64;
}

/* ---- packing ---- */

typedef struct packing {
    const direct_conv *p;
    const real *w;
    real *to;
} packing;

/* Panels that are packed together: short runs of far rows come slowly from memory. */
enum { PACK_PANELS = 4 };

/* The panels of columns n0 .. n0+n-1 of one phase of one group. */
static void pack_phase(const packing *k, const conv_axis *h, const conv_axis *w,
                       int group, int n0, int n, real *dst)
{
    const direct_conv *p = k->p;
    const weft__conv *s = p->s;
    int width = panel_width(p->co);
    ptrdiff_t panel = (ptrdiff_t)h->taps * w->taps * p->ci * width;
    for (int i = 0; i < h->taps; i++)
        for (int j = 0; j < w->taps; j++, dst += (ptrdiff_t)p->ci * width) {
            ptrdiff_t tap = (ptrdiff_t)(h->tap0 + i * h->tap_step) * s->kw + w->tap0 +
                            j * w->tap_step;
            const real *from = k->w;
            if (!p->data) {
                from += tap * p->ci * s->o + (ptrdiff_t)group * p->co + n0;
                KERNEL(ukernel_pack_panels)
                (dst, panel, from, (size_t)p->ci, n, width, s->o);
                continue;
            }
            from += (tap * p->co + n0) * s->o + (ptrdiff_t)group * p->ci;
            for (int at = 0; at < n; at += width) KERNEL(ukernel_pack_transposed)
            (dst + at / width * panel, from + (ptrdiff_t)at * s->o, (size_t)p->ci,
             n - at < width ? n - at : width, width, s->o);
        }
}

static size_t pack_pieces(const direct_conv *p)
{
    return parts((size_t)p->co, (size_t)(panel_width(p->co) * PACK_PANELS));
}

static void pack_task(void *arg, size_t begin, size_t end, int worker)
{
    const packing *k = arg;
    const direct_conv *p = k->p;
    int width = panel_width(p->co), padded = panel_padded(p->co);
    size_t pieces = pack_pieces(p);
    size_t rows = (size_t)p->s->kh * (size_t)p->s->kw * (size_t)p->ci;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int group = (int)(item / pieces);
        int n0 = (int)(item % pieces) * width * PACK_PANELS;
        int n = p->co - n0 < width * PACK_PANELS ? p->co - n0 : width * PACK_PANELS;
        real *dst = k->to + (size_t)group * rows * (size_t)padded;
        for (int ph = 0; ph < p->phases_h; ph++)
            for (int pw = 0; pw < p->phases_w; pw++) {
                conv_axis h = axis_of(p, true, ph), w = axis_of(p, false, pw);
                ptrdiff_t k_rows = (ptrdiff_t)h.taps * w.taps * p->ci;
                pack_phase(k, &h, &w, group, n0, n, dst + n0 * k_rows);
                dst += k_rows * padded;
            }
    }
}

static void pack(const direct_conv *p, real *to, const real *w)
{
    packing k = {p, w, to};
    size_t items = pack_pieces(p) * (size_t)p->groups;
    weft__parallel(items, conv_grain(items, (double)packed_elements(p) * 8), pack_task,
                   &k);
}

/* ---- one strip ---- */

/* Where the strip's input lies: pixel (image, row, column) at base + (image -
 * image0)*image + (row - row0)*row + (column - column0)*pixel. */
typedef struct view {
    const real *base;
    ptrdiff_t image, row, pixel;
    int image0, row0, column0;
} view;

typedef struct strip {
    int image0, image1, q0, q1; /* images and rows of each phase */
    int group, n0, n1;          /* columns within the group */
    int packed0;                /* column with which the packed weights begin */
    view in;
} strip;

static const real *view_at(const view *v, int image, int row, int column)
{
    return v->base + (image - v->image0) * v->image + (row - v->row0) * v->row +
           (column - v->column0) * v->pixel;
}

static view natural_view(const direct_conv *p, int group)
{
    ptrdiff_t pixel = (ptrdiff_t)p->ci * p->groups;
    return (view){.base = p->x + (ptrdiff_t)group * p->ci,
                  .image = (ptrdiff_t)p->in_h * p->in_w * pixel,
                  .row = (ptrdiff_t)p->in_w * pixel,
                  .pixel = pixel};
}

static void gather_strip(const direct_conv *p, strip *t, real *to)
{
    view from = natural_view(p, t->group);
    long long low = (long long)t->q0 * stride_down(p) + p->low_h;
    long long high = (long long)(t->q1 - 1) * stride_down(p) + p->low_h + p->span_h;
    int row0 = (int)(low < 0 ? 0 : low < p->in_h ? low : p->in_h);
    int row1 = (int)(high > p->in_h ? p->in_h : high > row0 ? high : row0);
    t->in = (view){.base = to,
                   .image = (ptrdiff_t)(row1 - row0) * p->wide * p->pitch,
                   .row = (ptrdiff_t)p->wide * p->pitch,
                   .pixel = p->pitch,
                   .image0 = t->image0,
                   .row0 = row0,
                   .column0 = p->low_w};
    for (int image = t->image0; image < t->image1; image++)
        for (int row = row0; row < row1; row++, to += t->in.row) KERNEL(conv_gather)
    (to, p->pitch, view_at(&from, image, row, 0), from.pixel, p->in_w, p->low_w, p->wide,
     p->ci);
}

/* Each output pixel's inputs, tap by tap, one patch after another. */
static void gather_patches(const direct_conv *p, const strip *t, real *to)
{
    view from = natural_view(p, t->group);
    conv_axis h = axis_of(p, true, 0), w = axis_of(p, false, 0);
    for (int image = t->image0; image < t->image1; image++)
        for (int q = t->q0; q < t->q1; q++)
            for (int r = 0; r < w.out; r++, to += p->pitch) {
                real *dst = to;
                for (int i = 0; i < h.taps; i++) {
                    int row = q * h.stride + h.first + i * h.step;
                    int column = r * w.stride + w.first;
                    bool inside = row >= 0 && row < p->in_h;
                    const real *src = view_at(&from, image, inside ? row : 0, 0);
                    if (!inside)
                        memset(dst, 0, (size_t)w.taps * (size_t)p->ci * sizeof *dst);
                    else if (w.step == 1)
                        KERNEL(conv_gather)
                    (dst, p->ci, src, from.pixel, p->in_w, column, w.taps, p->ci);
                    else for (int j = 0; j < w.taps; j++) KERNEL(conv_gather)(
                        dst + (ptrdiff_t)j * p->ci, p->ci, src, from.pixel, p->in_w,
                        column + j * w.step, 1, p->ci);
                    dst += (ptrdiff_t)w.taps * p->ci;
                }
            }
}

/* The tile for columns n0 and on of a phase whose packed weights begin at b. */
static ukernel_gemm tile_for(const direct_conv *p, const strip *t, const real *b,
                             ptrdiff_t k_rows, int n0, int n)
{
    int width = panel_width(p->co);
    bool unpacked = !p->packed;
    bool wide_rows =
        p->co >= 64; /* results that the processor does not fetch by itself */
    const real *bias = p->bias ? p->bias + (ptrdiff_t)t->group * p->co + n0 : NULL;
    return (ukernel_gemm){.b = b + (unpacked ? n0 : (n0 - t->packed0) * k_rows),
                          .ldb = unpacked ? p->co : width,
                          .panel = unpacked ? TILE_COLUMNS : width * k_rows,
                          .n = n,
                          .prefetch_c = wide_rows,
                          .accumulate = p->s->accumulate,
                          .bias = bias,
                          .taps_h = 1,
                          .taps_w = 1};
}

static void finish_with(const direct_conv *p, ukernel_gemm *tile)
{
    tile->act = ukernel_applies(p->epilogue.act) ? p->epilogue.act : WEFT_ACT_NONE;
    tile->alpha = (real)p->epilogue.alpha;
}

static void direct_patches(const direct_conv *p, const strip *t, const real *patches,
                           const real *b)
{
    ptrdiff_t k_rows = (ptrdiff_t)p->s->kh * p->s->kw * p->ci;
    ptrdiff_t c = (ptrdiff_t)p->co * p->groups;
    int pixels = (t->image1 - t->image0) * (t->q1 - t->q0) * p->out_w;
    size_t first =
        ((size_t)t->image0 * (size_t)p->out_h + (size_t)t->q0) * (size_t)p->out_w;
    ptrdiff_t block = PANEL_BYTES / ((ptrdiff_t)TILE_COLUMNS * (ptrdiff_t)sizeof(real));
    for (int n0 = t->n0; n0 < t->n1; n0 += TILE_COLUMNS) {
        int n = t->n1 - n0 < TILE_COLUMNS ? t->n1 - n0 : TILE_COLUMNS;
        ukernel_gemm tile = tile_for(p, t, b, k_rows, n0, n);
        const real *panel = tile.b;
        tile.row = p->pitch;
        tile.c = p->y + first * (size_t)c + (ptrdiff_t)t->group * p->co + n0;
        tile.ldc = c;
        for (ptrdiff_t k = 0; k < k_rows; k += block) {
            tile.a = patches + k;
            tile.b = panel + k * tile.ldb;
            tile.k = (int)(k_rows - k < block ? k_rows - k : block);
            if (k + block >= k_rows) finish_with(p, &tile);
            KERNEL(ukernel_gemm)(&tile, pixels);
            tile.accumulate = true;
            tile.bias = NULL;
        }
    }
}

/* Rows of one phase for some columns, over tap rows i0 .. i1-1. */
static void direct_rows(const direct_conv *p, const strip *t, const conv_axis *h,
                        const conv_axis *w, ukernel_gemm *tile, int n0, int i0, int i1)
{
    bool merged = w->step == 1 && t->in.pixel == p->ci;
    ptrdiff_t c = (ptrdiff_t)p->co * p->groups;
    const real *panel = tile->b;
    int q1 = t->q1 < h->out ? t->q1 : h->out;
    tile->taps_w = merged ? w->taps > 0 : w->taps;
    tile->k = merged ? p->ci * w->taps : p->ci;
    tile->row = w->stride * t->in.pixel;
    tile->tap_h = h->step * t->in.row;
    tile->tap_w = w->step * t->in.pixel;
    tile->ldc = c * w->pitch;
    for (int image = t->image0; image < t->image1; image++)
        for (int q = t->q0; q < q1; q++) {
            int from, to;
            conv_axis_clip(h, q, p->in_h, &from, &to);
            if (from < i0) from = i0;
            if (to > i1) to = i1;
            tile->taps_h = to > from ? to - from : 0;
            tile->a = tile->taps_h
                          ? view_at(&t->in, image,
                                    q * h->stride + h->first + from * h->step, w->first)
                          : t->in.base;
            tile->b = panel + (ptrdiff_t)from * w->taps * p->ci * tile->ldb;
            size_t row =
                (size_t)image * (size_t)p->out_h + (size_t)(h->phase + q * h->pitch);
            tile->c = p->y + (row * (size_t)p->out_w + (size_t)w->phase) * (size_t)c +
                      (ptrdiff_t)t->group * p->co + n0;
            KERNEL(ukernel_gemm)(tile, w->out);
        }
    tile->b = panel;
}

/* The strip as planes, all columns. */
static void direct_planar(const direct_conv *p, const strip *t, real *to, const real *b)
{
    const weft__conv *s = p->s;
    int rows = t->q1 - t->q0;
    size_t picture = (size_t)s->h * (size_t)s->w * (size_t)s->c;
    size_t one = planar_elements(s, &p->planes, rows);
    for (int image = t->image0; image < t->image1; image++) KERNEL(planar_pack)
    (s, &p->planes, to + (size_t)(image - t->image0) * one,
     p->x + (size_t)image * picture, s->c, t->q0, rows);
    for (int n0 = t->n0; n0 < t->n1; n0 += TILE_COLUMNS) {
        int n = t->n1 - n0 < TILE_COLUMNS ? t->n1 - n0 : TILE_COLUMNS;
        ukernel_gemm tile = tile_for(p, t, b, p->planes.taps, n0, n);
        tile.k = p->planes.taps;
        tile.offset = p->offset;
        tile.nt_stores = p->nt_stores;
        tile.ldc = p->co;
        finish_with(p, &tile);
        for (int image = t->image0; image < t->image1; image++)
            for (int q = 0; q < rows; q++) {
                size_t row = (size_t)image * (size_t)p->out_h + (size_t)(t->q0 + q);
                tile.a = to + (size_t)(image - t->image0) * one +
                         q * s->stride_h * p->planes.row;
                tile.c = p->y + row * (size_t)p->out_w * (size_t)p->co + n0;
                KERNEL(ukernel_gemm_indirect)(&tile, p->out_w);
            }
    }
}

/* One pixel after the other of a phase, for some columns. */
static void direct_batch_rows(const direct_conv *p, const strip *t, const conv_axis *h,
                              const conv_axis *w, const ukernel_gemm *whole, int n0)
{
    const bool merged = w->step == 1;
    for (int q = 0; q < h->out; q++)
        for (int r = 0; r < w->out; r++) {
            ukernel_gemm tile = *whole;
            int i, i1, j, j1, row = h->phase + q * h->pitch;
            conv_axis_clip(h, q, p->in_h, &i, &i1);
            conv_axis_clip(w, r, p->in_w, &j, &j1);
            if (j == j1) i1 = i;
            size_t at =
                ((size_t)t->image0 * (size_t)p->out_h + (size_t)row) * (size_t)p->out_w +
                (size_t)(w->phase + r * w->pitch);
            tile.c = p->y + at * (size_t)p->co + n0;
            tile.ldc = (ptrdiff_t)p->out_h * p->out_w * p->co;
            tile.row = t->in.image;
            tile.taps_h = i1 > i;
            tile.taps_w = merged ? 1 : j1 - j;
            tile.tap_w = w->step * t->in.pixel;
            tile.k = merged ? p->ci * (j1 - j) : p->ci;
            do {
                if (i1 > i)
                    tile.a =
                        view_at(&t->in, t->image0, q * h->stride + h->first + i * h->step,
                                r * w->stride + w->first + j * w->step);
                else
                    tile.a = t->in.base;
                tile.b = whole->b + ((ptrdiff_t)i * w->taps + j) * p->ci * tile.ldb;
                if (++i >= i1) finish_with(p, &tile);
                KERNEL(ukernel_gemm)(&tile, t->image1 - t->image0);
                tile.accumulate = true;
                tile.bias = NULL;
            } while (i < i1);
        }
}

static void direct_phase(const direct_conv *p, const strip *t, const conv_axis *h,
                         const conv_axis *w, const real *b)
{
    ptrdiff_t k_row = (ptrdiff_t)w->taps * p->ci, k_rows = h->taps * k_row;
    int step = p->panels * TILE_COLUMNS;
    ptrdiff_t row_bytes = k_row * step * (ptrdiff_t)sizeof(real);
    int block = row_bytes ? (int)(PANEL_BYTES / row_bytes) : h->taps;
    if (block < 1) block = 1;
    if (k_rows * step * (ptrdiff_t)sizeof(real) <= 2 * PANEL_BYTES) block = h->taps + 1;
    for (int n0 = t->n0; n0 < t->n1; n0 += step) {
        ukernel_gemm tile =
            tile_for(p, t, b, k_rows, n0, t->n1 - n0 < step ? t->n1 - n0 : step);
        if (p->rows_are_images) {
            direct_batch_rows(p, t, h, w, &tile, n0);
            continue;
        }
        int i = 0;
        do {
            int to = h->taps - i < block ? h->taps : i + block;
            if (to == h->taps) finish_with(p, &tile);
            direct_rows(p, t, h, w, &tile, n0, i, to);
            tile.accumulate = true;
            tile.bias = NULL;
            i = to;
        } while (i < h->taps);
    }
}

/* Activations that the tile does not know, over what has just been written. */
static void activate_strip(const direct_conv *p, const strip *t)
{
    size_t o = (size_t)p->co * (size_t)p->groups;
    for (int image = t->image0; image < t->image1; image++) {
        size_t row = (size_t)image * (size_t)p->out_h + (size_t)t->q0;
        size_t pixels = (size_t)(t->q1 - t->q0) * (size_t)p->out_w;
        real *y = p->y + row * (size_t)p->out_w * o;
        if (p->splits == 1) {
            KERNEL(activate)(y, y, pixels * o, &p->epilogue);
            continue;
        }
        for (size_t i = 0; i < pixels; i++) {
            real *pixel = y + i * o + t->n0;
            KERNEL(activate)(pixel, pixel, (size_t)(t->n1 - t->n0), &p->epilogue);
        }
    }
}

/* Columns of the panels that an item packs for itself. */
static int item_columns(const direct_conv *p, const strip *t)
{
    int width = panel_width(p->co);
    return (t->n1 - t->n0 + width - 1) / width * width;
}

static void direct_group(const direct_conv *p, strip *t, real *buffer,
                         const real *item_packed)
{
    size_t taps = (size_t)p->s->kh * (size_t)p->s->kw;
    int padded = p->packs_item ? item_columns(p, t)
                 : p->packed   ? panel_padded(p->co)
                               : p->co;
    const real *b = p->packs_item
                        ? item_packed
                        : p->w + (size_t)t->group * taps * (size_t)p->ci * (size_t)padded;
    if (p->patches) {
        gather_patches(p, t, buffer);
        direct_patches(p, t, buffer, b);
        return;
    }
    if (p->planar) {
        direct_planar(p, t, buffer, b);
        return;
    }
    if (p->gathered)
        gather_strip(p, t, buffer);
    else
        t->in = natural_view(p, t->group);
    for (int ph = 0; ph < p->phases_h; ph++)
        for (int pw = 0; pw < p->phases_w; pw++) {
            conv_axis h = axis_of(p, true, ph), w = axis_of(p, false, pw);
            if (h.out && w.out) direct_phase(p, t, &h, &w, b);
            b += (ptrdiff_t)h.taps * w.taps * p->ci * padded;
        }
}

static void pack_item(const direct_conv *p, strip *t, real *to)
{
    packing k = {.p = p, .w = p->w};
    int columns = item_columns(p, t);
    t->packed0 = t->n0;
    for (int ph = 0; ph < p->phases_h; ph++)
        for (int pw = 0; pw < p->phases_w; pw++) {
            conv_axis h = axis_of(p, true, ph), w = axis_of(p, false, pw);
            pack_phase(&k, &h, &w, 0, t->n0, t->n1 - t->n0, to);
            to += (ptrdiff_t)h.taps * w.taps * p->ci * columns;
        }
}

static void direct_task(void *arg, size_t begin, size_t end, int worker)
{
    const direct_conv *p = arg;
    real *buffer = p->strip + (size_t)worker * p->strip_size;
    real *item_packed =
        p->packs_item ? p->items_packed + (size_t)worker * p->packed_size : NULL;
    for (size_t item = begin; item < end; item++) {
        size_t split = item % p->splits, part = item / p->splits % p->strips;
        size_t images = item / p->splits / p->strips;
        strip t = {.image0 = (int)images * p->images, .q0 = (int)part * p->rows};
        t.image1 = t.image0 + p->images < p->s->n ? t.image0 + p->images : p->s->n;
        t.q1 = t.q0 + p->rows < p->q_rows ? t.q0 + p->rows : p->q_rows;
        t.n0 = (int)(split * p->split_columns);
        t.n1 = (int)least((size_t)p->co, (split + 1) * p->split_columns);
        if (p->packs_item) pack_item(p, &t, item_packed);
        for (t.group = 0; t.group < p->groups; t.group++)
            direct_group(p, &t, buffer, item_packed);
        if (!ukernel_applies(p->epilogue.act)) activate_strip(p, &t);
    }
    if (p->nt_stores) vstore_nt_fence();
}

/* Results that no cache holds until they are read: of few channels, so that writing
 * them takes long. */
static bool uses_nt_stores(const direct_conv *p)
{
    size_t pixels = (size_t)p->s->n * (size_t)p->out_h * (size_t)p->out_w;
    return WEFT_NT_STORES && p->co % WEFT_LANES == 0 && !p->s->accumulate &&
           ukernel_applies(p->epilogue.act) && (uintptr_t)p->y % 64 == 0 &&
           pixels * (size_t)p->co * sizeof(real) >= NT_BYTES;
}

static void run(direct_conv *p, real *y, const real *x, const real *w, const real *bias,
                const weft__epilogue *e, void *scratch)
{
    real *packed = scratch_aligned(scratch);
    ptrdiff_t offset[PLANAR_TAPS];
    size_t items = p->strips * p->image_groups * p->splits;
    p->x = x;
    p->y = y;
    p->bias = bias;
    if (e) p->epilogue = *e;
    p->items_packed = packed;
    p->strip = packed + p->packed_size * (p->packs_item ? (size_t)weft__workers() : 1);
    p->w = p->packed_size && !p->packs_item ? packed : w;
    if (p->packed_size && !p->packs_item) pack(p, packed, w);
    if (p->planar) {
        KERNEL(planar_offsets)(p->s, &p->planes, offset);
        p->offset = offset;
        p->nt_stores = uses_nt_stores(p);
    }
    weft__parallel(items, conv_grain(items, conv_work(p->s)), direct_task, p);
}

/* ---- several pixels side by side ---- */

/* What runs a convolution whose pixels lie side by side: the weights spread, unless
 * they are prepacked, and the bias of each pixel. */
typedef struct folded {
    weft__conv conv;
    int pixels;
    size_t weights, bias; /* elements */
} folded;

static folded folded_of(const weft__conv *s, int pixels)
{
    folded b = {.conv = KERNEL(width_fold_conv)(s, pixels), .pixels = pixels};
    b.weights = s->prepacked ? 0 : KERNEL(width_fold_size)(s, pixels);
    b.bias = tile_align((size_t)b.conv.o);
    return b;
}

static size_t folded_scratch(const weft__conv *s, int pixels)
{
    folded b = folded_of(s, pixels);
    direct_conv p = plan(&b.conv, false);
    return (b.weights + b.bias) * sizeof(real) + plan_bytes(&p);
}

static void run_folded(const weft__conv *s, int pixels, bool transposed, real *y,
                       const real *x, const real *w, const real *bias,
                       const weft__epilogue *e, void *scratch)
{
    folded b = folded_of(s, pixels);
    real *weights_of = scratch_aligned(scratch), *biases = weights_of + b.weights;
    if (!s->prepacked) KERNEL(width_fold_weights)(s, pixels, weights_of, w, transposed);
    for (int q = 0; q < pixels && bias; q++)
        memcpy(biases + q * s->o, bias, (size_t)s->o * sizeof *bias);
    direct_conv p = plan(&b.conv, false);
    run(&p, y, x, s->prepacked ? w : weights_of, bias ? biases : NULL, e,
        biases + b.bias);
}

/* Pixels side by side of the data gradient; 1 if it has strides. */
static int fold_bwd_data(const weft__conv *s, weft__conv *dgrad)
{
    if (s->stride_h != 1 || s->stride_w != 1) return 1;
    *dgrad = KERNEL(conv_of_bwd_data)(s);
    return KERNEL(width_fold)(dgrad);
}

/* ---- the kernels ---- */

size_t KERNEL(direct_prepacked_size)(const weft__conv *s)
{
    weft__conv prepacked = *s;
    prepacked.prepacked = true;
    int pixels = KERNEL(width_fold)(s);
    if (pixels > 1) prepacked = KERNEL(width_fold_conv)(&prepacked, pixels);
    direct_conv p = plan(&prepacked, false);
    return packed_elements(&p) + (pixels > 1 ? KERNEL(width_fold_size)(s, pixels) : 0);
}

void KERNEL(direct_prepack)(const weft__conv *s, real *to, const real *w)
{
    weft__conv prepacked = *s;
    prepacked.prepacked = true;
    int pixels = KERNEL(width_fold)(s);
    if (pixels > 1) prepacked = KERNEL(width_fold_conv)(&prepacked, pixels);
    direct_conv p = plan(&prepacked, false);
    real *weights_of = to + packed_elements(&p);
    if (pixels > 1) KERNEL(width_fold_weights)(s, pixels, weights_of, w, false);
    pack(&p, to, pixels > 1 ? weights_of : w);
}

size_t KERNEL(direct_scratch)(const weft__conv *s, bool data)
{
    weft__conv dgrad;
    int pixels = data ? fold_bwd_data(s, &dgrad) : KERNEL(width_fold)(s);
    if (pixels > 1) return folded_scratch(data ? &dgrad : s, pixels);
    direct_conv p = plan(s, data);
    return plan_bytes(&p);
}

void KERNEL(direct)(const weft__conv *s, bool data, real *y, const real *x, const real *w,
                    const real *bias, const weft__epilogue *e, void *scratch)
{
    weft__conv dgrad;
    int pixels = data ? fold_bwd_data(s, &dgrad) : KERNEL(width_fold)(s);
    if (pixels > 1) {
        run_folded(data ? &dgrad : s, pixels, data, y, x, w, bias, e, scratch);
        return;
    }
    direct_conv p = plan(s, data);
    run(&p, y, x, w, bias, e, scratch);
}
