/* winograd_2x2.c: 3x3 kernels over pictures of 2x2 pixels with a border of zeros,
 * and their data gradients. Along an axis there are four products,
 *
 *   y0 = w1 x0 + w2 x1        y1 = w0 x0 + w1 x1
 *
 * and three do:
 *
 *   a = w1 (x0 + x1)   b = (w2 - w1) x1   c = (w0 - w1) x0   y0 = a + b   y1 = a + c
 *
 * so that 9 matrix products over channels stand for 16. Of so small pictures the
 * weights are what has to be read: an item makes the 9 matrices of its outputs, some
 * channels at a time, and uses them at once, while the next come from memory.
 *
 * The weight gradient takes three products, too, over pictures:
 *
 *   a = (y0 + y1) (x0 + x1)   w2 = y0 x1   w0 = y1 x0   w1 = a - w2 - w0 */
#include "kernels/conv/conv.h"

#include "base/thread.h"

enum {
    POINTS = 9,
    DEPTH = 128,  /* channels of which matrices are made at a time */
    COLUMNS = 32, /* outputs of an item, at most */
    IMAGES = 128, /* of an item, at most */
    IMAGES_LEAST = 8,
    CHANNELS_LEAST = 32,
    LINE = 64 / (int)sizeof(real)
};

bool KERNEL(winograd_2x2_fits)(const weft__conv *s)
{
    return sizeof(real) == sizeof(float) && !s->exact && s->groups == 1 && s->kh == 3 &&
           s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->dilate_h == 1 &&
           s->dilate_w == 1 && s->h == 2 && s->w == 2 && s->oh == 2 && s->ow == 2 &&
           s->top == 1 && s->left == 1 && s->n >= IMAGES_LEAST &&
           s->c >= CHANNELS_LEAST && s->o >= CHANNELS_LEAST;
}

/* ---- the pixels ---- */

/* 9 sums of the pixels of pictures with c channels, [point][picture][row] of `to`. */
typedef struct sums {
    const real *from;
    real *to;
    int c;
    ptrdiff_t row, plane;
    bool wgrad_2x2;
} sums;

/* to[3] = x0 + x1, x1, x0; of slopes y0 + y1, y0, y1 */
WEFT_INLINE void pixels(vec *to, int to_step, vec x0, vec x1, bool wgrad_2x2)
{
    to[0] = vadd(x0, x1);
    to[to_step] = wgrad_2x2 ? x0 : x1;
    to[2 * to_step] = wgrad_2x2 ? x1 : x0;
}

static void sums_task(void *arg, size_t begin, size_t end, int worker)
{
    const sums *p = arg;
    (void)worker;
    for (size_t image = begin; image < end; image++)
        for (int c = 0; c < p->c; c += WEFT_LANES) {
            const real *from = p->from + image * 4 * (size_t)p->c + c;
            real *to = p->to + (ptrdiff_t)image * p->row + c;
            int n = p->c - c < WEFT_LANES ? p->c - c : WEFT_LANES;
            vec half[6], all[POINTS];
            WEFT_UNROLL
            for (int j = 0; j < 2; j++)
                pixels(half + j, 2, vload_tail(from + j * p->c, n),
                       vload_tail(from + (2 + j) * p->c, n), p->wgrad_2x2);
            WEFT_UNROLL
            for (int i = 0; i < 3; i++)
                pixels(all + 3 * i, 1, half[2 * i], half[2 * i + 1], p->wgrad_2x2);
            WEFT_UNROLL
            for (int k = 0; k < POINTS; k++) vstore(to + k * p->plane, all[k]);
        }
}

static void sum_pixels(sums *p, int n)
{
    weft__parallel((size_t)n, (size_t)(16384 / p->c) + 1, sums_task, p);
}

/* Of n pictures. Rows must not lie 4 KiB apart. */
static sums sums_of(int n, int c, bool wgrad_2x2)
{
    sums p = {.c = c, .wgrad_2x2 = wgrad_2x2};
    p.row = (ptrdiff_t)tile_align((size_t)panel_padded(c)) + LINE;
    p.plane = p.row * n;
    return p;
}

static size_t sums_size(const sums *p)
{
    return (size_t)p->plane * POINTS;
}

/* ---- what is done ---- */

typedef struct conv_2x2 {
    const weft__conv *s;
    bool data;
    int ci, co, columns; /* columns: of an item, a multiple of a panel's */
    size_t image_groups, splits, blocks;
    int images;
    sums x;
    size_t u_block, u_size, m_size, transposed_size; /* elements */
    const real *w, *bias, *u;                        /* u: of all weights, if prepacked */
    real *y, *thread_buf;                            /* thread_buf: of each worker */
    weft__epilogue epilogue;
} conv_2x2;

static size_t parts(size_t n, size_t of)
{
    return (n + of - 1) / of;
}

static conv_2x2 plan(const weft__conv *s, bool data)
{
    conv_2x2 p = {.s = s, .data = data};
    p.ci = data ? s->o : s->c;
    p.co = data ? s->c : s->o;
    p.columns = COLUMNS / TILE_COLUMNS * TILE_COLUMNS;
    p.splits = parts((size_t)p.co, (size_t)p.columns);
    p.blocks = parts((size_t)p.ci, DEPTH);
    p.image_groups = parts((size_t)s->n, IMAGES);
    p.images = (int)parts((size_t)s->n, p.image_groups);
    p.x = sums_of(s->n, p.ci, false);
    p.u_block = (size_t)POINTS * DEPTH * (size_t)p.columns;
    p.u_size = p.u_block * p.blocks * p.splits;
    p.m_size = (size_t)POINTS * (size_t)p.images * (size_t)p.columns;
    p.transposed_size = data ? (size_t)POINTS * DEPTH * TILE_COLUMNS : 0;
    return p;
}

static size_t thread_buf_size(const conv_2x2 *p)
{
    return p->m_size + (p->s->prepacked ? 0 : p->u_block + p->transposed_size);
}

size_t KERNEL(winograd_2x2_scratch)(const weft__conv *s, bool data)
{
    conv_2x2 p = plan(s, data);
    return (sums_size(&p.x) + thread_buf_size(&p) * (size_t)weft__workers()) *
               sizeof(real) +
           64;
}

/* ---- the weights ---- */

/* to[3] = w1, w2 - w1, w0 - w1 */
WEFT_INLINE void kernel(vec *to, int to_step, const vec *w, int step)
{
    vec w1 = w[step];
    to[0] = w1;
    to[to_step] = vsub(w[2 * step], w1);
    to[2 * to_step] = vsub(w[0], w1);
}

/* to[k * plane] from the 9 taps at w, `tap` elements apart; transposed: reversed. */
WEFT_INLINE void kernel_vector(real *to, ptrdiff_t plane, const real *w, ptrdiff_t tap,
                               bool transposed, int n)
{
    vec taps[POINTS], half[POINTS], all[POINTS];
    WEFT_UNROLL
    for (int k = 0; k < POINTS; k++)
        taps[k] = vload_tail(w + (transposed ? POINTS - 1 - k : k) * tap, n);
    WEFT_UNROLL
    for (int j = 0; j < 3; j++) kernel(half + j, 3, taps + j, 3);
    WEFT_UNROLL
    for (int i = 0; i < 3; i++) kernel(all + 3 * i, 1, half + 3 * i, 1);
    WEFT_UNROLL
    for (int k = 0; k < POINTS; k++) vstore(to + k * plane, all[k]);
}

enum { PLANE = DEPTH * TILE_COLUMNS }; /* elements of a matrix of a panel */

/* Channels c0 .. c0+rows-1 of outputs n0 .. n0+n-1, at most a panel, as
 * [point][DEPTH][TILE_COLUMNS], zeros after the last output. */
static void make_panel(const conv_2x2 *p, int c0, int rows, int n0, int n, real *to)
{
    const weft__conv *s = p->s;
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < TILE_COLUMNS; o += WEFT_LANES)
            kernel_vector(to + r * TILE_COLUMNS + o, PLANE,
                          p->w + (ptrdiff_t)(c0 + r) * s->o + n0 + o,
                          (ptrdiff_t)s->c * s->o, false, n > o ? n - o : 0);
}

/* The same of the data gradient, whose outputs are the channels of w. */
static void make_transposed(const conv_2x2 *p, int c0, int rows, int n0, int n, real *to,
                            real *transposed)
{
    const weft__conv *s = p->s;
    for (int c = 0; c < n; c++)
        for (int r = 0; r < rows; r += WEFT_LANES)
            kernel_vector(transposed + c * DEPTH + r, PLANE,
                          p->w + (ptrdiff_t)(n0 + c) * s->o + c0 + r,
                          (ptrdiff_t)s->c * s->o, true, rows - r);
    for (int k = 0; k < POINTS; k++) KERNEL(ukernel_pack_transposed)
    (to + k * PLANE, transposed + k * PLANE, (size_t)rows, n, TILE_COLUMNS, DEPTH);
}

/* All panels of an item. */
static void make_matrices(const conv_2x2 *p, int c0, int rows, int n0, real *u,
                          real *transposed)
{
    for (int j = 0; j < p->columns && n0 + j < p->co; j += TILE_COLUMNS) {
        int left = p->co - n0 - j, n = left < TILE_COLUMNS ? left : TILE_COLUMNS;
        real *to = u + j / TILE_COLUMNS * POINTS * PLANE;
        if (p->data)
            make_transposed(p, c0, rows, n0 + j, n, to, transposed);
        else
            make_panel(p, c0, rows, n0 + j, n, to);
    }
}

/* Part i of n of the weights that make_matrices will read. */
static void fetch(const conv_2x2 *p, int c0, int n0, int i, int n)
{
    const weft__conv *s = p->s;
    int row0 = p->data ? n0 : c0, column0 = p->data ? c0 : n0;
    int rows = p->data ? p->columns : DEPTH, columns = p->data ? DEPTH : p->columns;
    if (row0 + rows > s->c) rows = s->c - row0;
    if (column0 + columns > s->o) columns = s->o - column0;
    for (int at = 9 * rows * i / n; at < 9 * rows * (i + 1) / n; at++) {
        const real *row =
            p->w + ((ptrdiff_t)(at / rows) * s->c + row0 + at % rows) * s->o;
        for (int o = 0; o < columns; o += LINE)
            __builtin_prefetch(row + column0 + o, 0, 2);
    }
}

/* ---- one item ---- */

static void multiply(const conv_2x2 *p, const real *u, int image0, int images, int c0,
                     int n0, real *m)
{
    int rows = p->ci - c0 < DEPTH ? p->ci - c0 : DEPTH, part = 0;
    int panels = p->columns / TILE_COLUMNS;
    for (int j = 0; j < panels && n0 + j * TILE_COLUMNS < p->co; j++)
        for (int k = 0; k < POINTS; k++) {
            if (!p->s->prepacked && c0 + DEPTH < p->ci)
                fetch(p, c0 + DEPTH, n0, part++, panels * POINTS);
            ukernel_gemm t = {.a = p->x.to + k * p->x.plane + image0 * p->x.row + c0,
                              .row = p->x.row,
                              .taps_h = 1,
                              .taps_w = 1,
                              .k = rows,
                              .b = u + (j * POINTS + k) * DEPTH * TILE_COLUMNS,
                              .ldb = TILE_COLUMNS,
                              .c = m + k * images * p->columns + j * TILE_COLUMNS,
                              .ldc = p->columns,
                              .n = TILE_COLUMNS,
                              .accumulate = c0 > 0};
            KERNEL(ukernel_gemm)(&t, images);
        }
}

/* y0 = a + b, y1 = a + c */
WEFT_INLINE void results(vec *to, int to_step, const vec *m, int step)
{
    to[0] = vadd(m[0], m[step]);
    to[to_step] = vadd(m[0], m[2 * step]);
}

WEFT_INLINE void result_vector(const conv_2x2 *p, const real *m, ptrdiff_t plane,
                               const real *bias, real *y, int n)
{
    vec all[POINTS], half[6], pixel[4];
    vec start = bias ? vload_tail(bias, n) : vzero();
    WEFT_UNROLL
    for (int k = 0; k < POINTS; k++) all[k] = vload(m + k * plane);
    WEFT_UNROLL
    for (int j = 0; j < 3; j++) results(half + j, 3, all + j, 3);
    WEFT_UNROLL
    for (int i = 0; i < 2; i++) results(pixel + 2 * i, 1, half + 3 * i, 1);
    WEFT_UNROLL
    for (int i = 0; i < 4; i++) {
        vec v = bias ? vadd(pixel[i], start) : pixel[i];
        if (p->s->accumulate) v = vadd(vload_tail(y + i * p->co, n), v);
        vstore_tail(y + i * p->co, tile_activated(&p->epilogue, v), n);
    }
}

static void write_results(const conv_2x2 *p, int image0, int images, int n0,
                          const real *m)
{
    int n1 = n0 + p->columns < p->co ? n0 + p->columns : p->co;
    ptrdiff_t plane = (ptrdiff_t)images * p->columns;
    for (int image = 0; image < images; image++, m += p->columns) {
        real *y = p->y + (ptrdiff_t)(image0 + image) * 4 * p->co;
        for (int o = n0; o < n1; o += WEFT_LANES)
            result_vector(p, m + (o - n0), plane, p->bias ? p->bias + o : NULL, y + o,
                          n1 - o < WEFT_LANES ? n1 - o : WEFT_LANES);
        for (int i = 0; i < 4 && !ukernel_applies(p->epilogue.act); i++) KERNEL(activate)
        (y + i * p->co + n0, y + i * p->co + n0, (size_t)(n1 - n0), &p->epilogue);
    }
}

static void task(void *arg, size_t begin, size_t end, int worker)
{
    const conv_2x2 *p = arg;
    real *m = p->thread_buf + (size_t)worker * thread_buf_size(p), *u = m + p->m_size;
    for (size_t item = begin; item < end; item++) {
        size_t split = item % p->splits, n0 = split * (size_t)p->columns;
        int image0 = (int)(item / p->splits) * p->images, left = p->s->n - image0;
        int images = left < p->images ? left : p->images;
        for (size_t block = 0; block < p->blocks; block++) {
            int c0 = (int)block * DEPTH, rows = p->ci - c0 < DEPTH ? p->ci - c0 : DEPTH;
            const real *made = p->u + (split * p->blocks + block) * p->u_block;
            if (!p->s->prepacked) make_matrices(p, c0, rows, (int)n0, u, u + p->u_block);
            multiply(p, p->s->prepacked ? made : u, image0, images, c0, (int)n0, m);
        }
        write_results(p, image0, images, (int)n0, m);
    }
}

/* ---- the kernels ---- */

void KERNEL(winograd_2x2)(const weft__conv *s, bool data, real *y, const real *x,
                          const real *w, const real *bias, const weft__epilogue *e,
                          void *scratch)
{
    conv_2x2 p = plan(s, data);
    size_t items = p.splits * p.image_groups;
    p.y = y;
    p.w = w;
    p.u = w;
    p.bias = bias;
    if (e) p.epilogue = *e;
    p.x.from = x;
    p.x.to = scratch_aligned(scratch);
    p.thread_buf = p.x.to + sums_size(&p.x);
    sum_pixels(&p.x, s->n);
    weft__parallel(items, conv_grain(items, conv_work(s)), task, &p);
}

size_t KERNEL(winograd_2x2_prepacked_size)(const weft__conv *s)
{
    return plan(s, false).u_size;
}

typedef struct prepacking {
    conv_2x2 p;
    real *to;
} prepacking;

static void prepack_task(void *arg, size_t begin, size_t end, int worker)
{
    const prepacking *k = arg;
    const conv_2x2 *p = &k->p;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        int c0 = (int)(i % p->blocks) * DEPTH, left = p->ci - c0;
        int n0 = (int)(i / p->blocks) * p->columns;
        make_matrices(p, c0, left < DEPTH ? left : DEPTH, n0, k->to + i * p->u_block,
                      NULL);
    }
}

void KERNEL(winograd_2x2_prepack)(const weft__conv *s, real *to, const real *w)
{
    prepacking k = {plan(s, false), to};
    k.p.w = w;
    memset(to, 0, k.p.u_size * sizeof *to);
    weft__parallel(k.p.splits * k.p.blocks, 1, prepack_task, &k);
}

/* ---- the weight gradient ---- */

enum {
    WGRAD_COLUMNS = 128,
    WGRAD_POINTS = 128
}; /* outputs of an item; pictures at a time */

typedef struct wgrad_2x2 {
    const weft__conv *s;
    sums x, dy;
    real *dw, *thread_buf; /* thread_buf: 9 products, of each worker */
    size_t thread_buf_size, o_parts;
} wgrad_2x2;

static wgrad_2x2 wgrad_plan(const weft__conv *s)
{
    wgrad_2x2 p = {.s = s};
    p.x = sums_of(s->n, s->c, false);
    p.dy = sums_of(s->n, s->o, true);
    p.thread_buf_size = (size_t)POINTS * TILE_ROWS_2 * TILE_COLUMNS;
    p.o_parts = parts((size_t)s->o, WGRAD_COLUMNS);
    return p;
}

size_t KERNEL(winograd_2x2_bwd_weights_scratch)(const weft__conv *s)
{
    wgrad_2x2 p = wgrad_plan(s);
    size_t both = sums_size(&p.x) + sums_size(&p.dy);
    return (both + p.thread_buf_size * (size_t)weft__workers()) * sizeof(real) + 64;
}

/* to[3] = w0, w1, w2 */
WEFT_INLINE void dw_taps(vec *to, int to_step, const vec *m, int step)
{
    to[0] = m[2 * step];
    to[to_step] = vsub(vsub(m[0], m[step]), m[2 * step]);
    to[2 * to_step] = m[step];
}

WEFT_INLINE void wgrad_vector(const real *m, ptrdiff_t plane, real *dw, ptrdiff_t tap,
                              int n)
{
    vec all[POINTS], half[POINTS], taps[POINTS];
    WEFT_UNROLL
    for (int k = 0; k < POINTS; k++) all[k] = vload(m + k * plane);
    WEFT_UNROLL
    for (int j = 0; j < 3; j++) dw_taps(half + j, 3, all + j, 3);
    WEFT_UNROLL
    for (int i = 0; i < 3; i++) dw_taps(taps + 3 * i, 1, half + 3 * i, 1);
    WEFT_UNROLL
    for (int k = 0; k < POINTS; k++) vstore_tail(dw + k * tap, taps[k], n);
}

/* Channels c0 .. c0+rows-1 of a panel of outputs. */
static void wgrad_part(const wgrad_2x2 *p, int c0, int rows, int o, int n, real *m)
{
    const weft__conv *s = p->s;
    const ptrdiff_t plane = TILE_ROWS_2 * TILE_COLUMNS, tap = (ptrdiff_t)s->c * s->o;
    for (int k = 0; k < POINTS; k++)
        for (int image = 0; image < s->n; image += WGRAD_POINTS) {
            int left = s->n - image;
            ukernel_outer t = {.a = p->x.to + k * p->x.plane + image * p->x.row + c0,
                               .b = p->dy.to + k * p->dy.plane + image * p->dy.row + o,
                               .a_step = {0, 0, p->x.row},
                               .b_step = {0, 0, p->dy.row},
                               .panel = TILE_COLUMNS,
                               .count = {1, 1, left < WGRAD_POINTS ? left : WGRAD_POINTS},
                               .c = m + k * plane,
                               .ldc = TILE_COLUMNS,
                               .n = TILE_COLUMNS,
                               .accumulate = image > 0};
            KERNEL(ukernel_outer)(&t, rows);
        }
    for (int c = 0; c < rows; c++)
        for (int j = 0; j < n; j += WEFT_LANES)
            wgrad_vector(m + c * TILE_COLUMNS + j, plane,
                         p->dw + (ptrdiff_t)(c0 + c) * s->o + o + j, tap,
                         n - j < WEFT_LANES ? n - j : WEFT_LANES);
}

static void wgrad_task(void *arg, size_t begin, size_t end, int worker)
{
    const wgrad_2x2 *p = arg;
    const weft__conv *s = p->s;
    real *m = p->thread_buf + (size_t)worker * p->thread_buf_size;
    for (size_t item = begin; item < end; item++) {
        int c0 = (int)(item / p->o_parts) * TILE_ROWS_2, left = s->c - c0;
        int o0 = (int)(item % p->o_parts) * WGRAD_COLUMNS, o1 = o0 + WGRAD_COLUMNS;
        for (int o = o0; o < o1 && o < s->o; o += TILE_COLUMNS)
            wgrad_part(p, c0, left < TILE_ROWS_2 ? left : TILE_ROWS_2, o,
                       s->o - o < TILE_COLUMNS ? s->o - o : TILE_COLUMNS, m);
    }
}

void KERNEL(winograd_2x2_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                                      const real *x, void *scratch)
{
    wgrad_2x2 p = wgrad_plan(s);
    size_t items = parts((size_t)s->c, TILE_ROWS_2) * p.o_parts;
    p.dw = dw;
    p.x.from = x;
    p.dy.from = dy;
    p.x.to = scratch_aligned(scratch);
    p.dy.to = p.x.to + sums_size(&p.x);
    p.thread_buf = p.dy.to + sums_size(&p.dy);
    sum_pixels(&p.x, s->n);
    sum_pixels(&p.dy, s->n);
    weft__parallel(items, conv_grain(items, conv_work(s)), wgrad_task, &p);
}
