/* planar_bwd_data.c: data gradients of convolutions of few channels. The sums over
 * outputs come first, for all taps of all channels at once, a product that fills the
 * tile:
 *
 *   z[t][r] = sum over outputs o of w[t][o] dy[r][o]      for some pixels r of dy
 *
 * and are then added where they belong: neighbouring r are neighbours in planes as
 * planar.c has them. Of small pictures and stride 1, z is made for all rows, and
 * each vector of a plane collects its taps; else z is made row by row and its taps are
 * spread. The planes of some rows of a picture are one item. */
#include "kernels/conv/conv.h"

#include "base/thread.h"

enum {
    STRIP_BYTES = 192 << 10,
    ITEMS_WANTED = 16,
    OUTPUTS_LEAST = WEFT_LANES < 16 ? 8 : 4,
    COLLECTED_BYTES = 384 << 10, /* of z, at most */
    COLLECTED_CHANNELS = 7,
    COLUMNS = 16 /* of a kernel whose taps are collected */
};

typedef struct bwd_plan {
    const weft__conv *s;
    planar_layout planes;
    const ptrdiff_t *offset; /* of its taps */
    int rows;                /* of a picture, of an item */
    size_t strips;
    bool collects;
    ptrdiff_t z_row, z_first;              /* if it collects: elements; pixel 0 in them */
    size_t strip_size, panel_size, z_size; /* elements, of each worker */
    const real *dy, *w;
    real *dx, *thread_buf;
} bwd_plan;

static bool collects(const weft__conv *s)
{
    double z = (double)s->kh * s->kw * s->c * s->oh * s->ow;
    return s->stride_h == 1 && s->stride_w == 1 && s->kw <= COLUMNS &&
           z * sizeof(real) <= COLLECTED_BYTES;
}

bool KERNEL(planar_bwd_data_fits)(const weft__conv *s)
{
    int channels = collects(s) ? COLLECTED_CHANNELS : PLANAR_CHANNELS;
    return KERNEL(planar_fits)(s, channels) && s->o >= OUTPUTS_LEAST;
}

static bwd_plan plan(const weft__conv *s)
{
    bwd_plan p = {.s = s, .planes = KERNEL(planar_layout_of)(s)};
    size_t h = (size_t)s->h, row = (size_t)p.planes.row, n = (size_t)s->n;
    size_t most = STRIP_BYTES / sizeof(real) / (row ? row : 1);
    size_t wanted = n < ITEMS_WANTED ? (ITEMS_WANTED + n - 1) / (n ? n : 1) : 1;
    size_t each = (h + wanted - 1) / wanted, least = 2 * (size_t)p.planes.span;
    if (each < least) each = least; /* or else rows of dy are packed again and again */
    if (each > most) each = most;
    if (each > h) each = h;
    if (each < 1) each = 1;
    p.collects = collects(s);
    if (p.collects && h) each = h;
    p.strips = (h + each - 1) / each;
    p.rows = (int)((h + p.strips - 1) / (p.strips ? p.strips : 1));
    p.strip_size = tile_align((size_t)p.rows * row + PLANAR_SLACK);
    p.panel_size = tile_align((size_t)s->o * TILE_COLUMNS);
    p.z_row = TILE_COLUMNS;
    if (p.collects) {
        size_t pixels = (size_t)s->oh * (size_t)s->ow, before = (size_t)p.planes.wide;
        p.z_first = (ptrdiff_t)tile_align(before);
        p.z_row = p.z_first + (ptrdiff_t)((pixels / TILE_COLUMNS + 1) * TILE_COLUMNS);
    }
    p.z_size = (size_t)p.planes.taps * (size_t)p.z_row + (size_t)p.planes.wide;
    p.z_size = tile_align(p.z_size + 2 * WEFT_LANES);
    return p;
}

static size_t thread_buf_size(const bwd_plan *p)
{
    return p->strip_size + p->panel_size + p->z_size;
}

size_t KERNEL(planar_bwd_data_scratch)(const weft__conv *s)
{
    bwd_plan p = plan(s);
    return thread_buf_size(&p) * (size_t)weft__workers() * sizeof(real) + 64;
}

/* z of n pixels of dy, at most a panel, for `count` taps from the first on. */
static void make_z(const bwd_plan *p, const real *dy, int n, int first, int count,
                   real *panel, real *z)
{
    const int o = p->s->o;
    KERNEL(ukernel_pack_transposed)(panel, dy, (size_t)o, n, TILE_COLUMNS, o);
    ukernel_gemm t = {.a = p->w + (ptrdiff_t)first * o,
                      .row = o,
                      .taps_h = 1,
                      .taps_w = 1,
                      .k = o,
                      .b = panel,
                      .ldb = TILE_COLUMNS,
                      .c = z,
                      .ldc = p->z_row,
                      .n = TILE_COLUMNS};
    KERNEL(ukernel_gemm)(&t, count);
}

static int panel_of(int left)
{
    return left < TILE_COLUMNS ? left : TILE_COLUMNS;
}

/* Spreads the taps of row q of dy over rows h0 .. h1-1, the planes of strip. */
static void spread_row(const bwd_plan *p, const real *dy, int q, int h0, int h1,
                       real *strip, real *panel, real *z)
{
    const weft__conv *s = p->s;
    const int taps = s->kw * s->c;
    real *row = strip + (ptrdiff_t)(q * s->stride_h - s->top - h0) * p->planes.row;
    conv_axis down = KERNEL(conv_axis)(s, true);
    int i0, i1;
    down.first -= h0;
    conv_axis_clip(&down, q, h1 - h0, &i0, &i1);
    for (int r = 0; r < s->ow && i1 > i0; r += TILE_COLUMNS) {
        const int n = panel_of(s->ow - r), first = i0 * taps, count = (i1 - i0) * taps;
        make_z(p, dy + (ptrdiff_t)r * s->o, n, first, count, panel, z);
        for (int k = 0; k < count; k++)
            add_into(row + p->offset[first + k] + r, z + k * p->z_row, n);
    }
}

static void put_every(real *restrict dx, const real *restrict from, int count,
                      ptrdiff_t step, bool add)
{
    if (add)
        for (int i = 0; i < count; i++) dx[i * step] += from[i];
    else
        for (int i = 0; i < count; i++) dx[i * step] = from[i];
}

static void put_three(real *restrict dx, const real *restrict red,
                      const real *restrict green, const real *restrict blue, int count)
{
    for (int i = 0; i < count; i++) {
        dx[3 * i] = red[i];
        dx[3 * i + 1] = green[i];
        dx[3 * i + 2] = blue[i];
    }
}

/* The planes of a row, back among each other. */
static void write_row(const bwd_plan *p, const real *strip, real *dx)
{
    const weft__conv *s = p->s;
    const int wide = p->planes.wide, first = p->planes.from[0];
    if (s->c == 3 && s->stride_w == 1 && !s->accumulate) {
        strip += first;
        put_three(dx + (first - s->left) * 3, strip, strip + wide, strip + 2 * wide,
                  p->planes.to[0] - first);
        return;
    }
    const ptrdiff_t step = (ptrdiff_t)s->stride_w * s->c;
    for (int c = 0; c < s->c; c++)
        for (int phase = 0; phase < s->stride_w; phase++, strip += p->planes.wide) {
            int from = p->planes.from[phase], to = p->planes.to[phase];
            ptrdiff_t column = (ptrdiff_t)from * s->stride_w + phase - s->left;
            put_every(dx + column * s->c + c, strip + from, to - from, step,
                      s->accumulate);
        }
}

/* What the taps do not reach: columns after the last plane's. */
static void clear_row(const bwd_plan *p, real *dx)
{
    if (!p->s->accumulate) memset(dx, 0, (size_t)p->s->w * (size_t)p->s->c * sizeof *dx);
}

/* Row h of all planes: column x of a plane takes columns x - j dilate of z's rows. */
static void collect_row(const bwd_plan *p, const real *z, int h, real *row)
{
    const weft__conv *s = p->s;
    for (int x = 0; x < p->planes.wide; x += WEFT_LANES) {
        vmask inside[COLUMNS];
        for (int j = 0; j < s->kw; j++) {
            int column = x - j * s->dilate_w;
            inside[j] = vmand(vmnot(vfirst(-column)), vfirst(s->ow - column));
        }
        for (int c = 0; c < s->c; c++) {
            vec sum = vzero();
            for (int i = 0; i < s->kh; i++) {
                int q = h + s->top - i * s->dilate_h;
                if (q < 0 || q >= s->oh) continue;
                const real *from = z + p->z_first + q * s->ow + x +
                                   (ptrdiff_t)(i * s->kw * s->c + c) * p->z_row;
                for (int j = 0; j < s->kw; j++, from += s->c * p->z_row - s->dilate_w)
                    sum = vadd(sum, vselect(inside[j], vload(from), vzero()));
            }
            vstore_tail(row + c * p->planes.wide + x, sum, p->planes.wide - x);
        }
    }
}

/* Rows h0 .. h1-1 of all planes. */
static void make_planes(const bwd_plan *p, const real *dy, int h0, int h1, real *strip,
                        real *panel, real *z)
{
    const weft__conv *s = p->s;
    const ptrdiff_t row = p->planes.row;
    if (p->collects) {
        const int pixels = s->oh * s->ow;
        for (int r = 0; r < pixels; r += TILE_COLUMNS)
            make_z(p, dy + (ptrdiff_t)r * s->o, panel_of(pixels - r), 0, p->planes.taps,
                   panel, z + p->z_first + r);
        for (int h = h0; h < h1; h++) collect_row(p, z, h, strip + (h - h0) * row);
    } else {
        memset(strip, 0, (size_t)((h1 - h0) * row) * sizeof *strip);
        for (int q = 0; q < s->oh; q++)
            spread_row(p, dy + (ptrdiff_t)q * s->ow * s->o, q, h0, h1, strip, panel, z);
    }
}

static void task(void *arg, size_t begin, size_t end, int worker)
{
    const bwd_plan *p = arg;
    const weft__conv *s = p->s;
    real *strip = p->thread_buf + (size_t)worker * thread_buf_size(p);
    real *panel = strip + p->strip_size, *z = panel + p->panel_size;
    const size_t picture = (size_t)s->oh * (size_t)s->ow * (size_t)s->o;
    for (size_t item = begin; item < end; item++) {
        size_t image = item / p->strips;
        int h0 = (int)(item % p->strips) * p->rows;
        int h1 = h0 + p->rows < s->h ? h0 + p->rows : s->h;
        if (h0 >= h1) continue;
        make_planes(p, p->dy + image * picture, h0, h1, strip, panel, z);
        for (int h = h0; h < h1; h++) {
            real *dx =
                p->dx + (image * (size_t)s->h + (size_t)h) * (size_t)s->w * (size_t)s->c;
            clear_row(p, dx);
            write_row(p, strip + (h - h0) * p->planes.row, dx);
        }
    }
}

void KERNEL(planar_bwd_data)(const weft__conv *s, real *dx, const real *dy, const real *w,
                             void *scratch)
{
    bwd_plan p = plan(s);
    size_t items = p.strips * (size_t)s->n;
    ptrdiff_t offset[PLANAR_TAPS];
    KERNEL(planar_offsets)(s, &p.planes, offset);
    p.offset = offset;
    p.dy = dy;
    p.w = w;
    p.dx = dx;
    p.thread_buf = scratch_aligned(scratch);
    weft__parallel(items, conv_grain(items, conv_work(s)), task, &p);
}
