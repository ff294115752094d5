/* depthwise.c: convolutions of each channel by itself, vectors running over the
 * channels. */
#include "kernels/conv/conv.h"

#include "base/thread.h"

enum { SLICES = 16 };

typedef struct depth {
    const weft__conv *s;
    bool data;
    const real *x, *w, *bias;
    real *y;
    const weft__epilogue *epilogue;
    int in_h, in_w, out_h, out_w, stride_h, stride_w;
} depth;

/* `count` pixels in a row whose taps i0..i1-1, j0..j1-1 all lie inside; x and w at the
 * first. */
typedef struct run {
    const real *x, *w, *bias;
    real *y;
    ptrdiff_t x_pixel, y_pixel, x_tap_h, x_tap_w, w_tap_h, w_tap_w;
    int taps_h, taps_w, c;
    bool accumulate; /* y is added to */
} run;

WEFT_INLINE void pixels(const run *r, const int count)
{
    for (int c = 0; c < r->c; c += WEFT_LANES) {
        int n = r->c - c < WEFT_LANES ? r->c - c : WEFT_LANES;
        vec bias = r->bias ? vload_tail(r->bias + c, n) : vzero(), s[4];
        WEFT_UNROLL
        for (int p = 0; p < count; p++) s[p] = bias;
        if (r->accumulate) {
            WEFT_UNROLL
            for (int p = 0; p < count; p++)
                s[p] = vadd(vload_tail(r->y + p * r->y_pixel + c, n), bias);
        }
        for (int i = 0; i < r->taps_h; i++)
            for (int j = 0; j < r->taps_w; j++) {
                const real *x = r->x + i * r->x_tap_h + j * r->x_tap_w + c;
                vec w = vload_tail(r->w + i * r->w_tap_h + j * r->w_tap_w + c, n);
                WEFT_UNROLL
                for (int p = 0; p < count; p++)
                    s[p] = vfma(w, vload_tail(x + p * r->x_pixel, n), s[p]);
            }
        WEFT_UNROLL
        for (int p = 0; p < count; p++) vstore_tail(r->y + p * r->y_pixel + c, s[p], n);
    }
}

/* Pixels q0..q1-1 of a row, all with the same taps. */
static void span(const depth *d, const conv_axis *h, const conv_axis *w, const real *row,
                 real *out, int from, int to, int q0, int q1)
{
    ptrdiff_t c = d->s->c;
    for (int q = q0; q < q1;) {
        int j0, j1;
        conv_axis_clip(w, q, d->in_w, &j0, &j1);
        ptrdiff_t tap = (ptrdiff_t)(h->tap0 + from * h->tap_step) * d->s->kw + w->tap0 +
                        j0 * w->tap_step;
        run r = {.bias = d->bias,
                 .c = (int)c,
                 .accumulate = d->s->accumulate,
                 .y = out + (w->phase + q * w->pitch) * c};
        bool any = from < to && j0 < j1;
        r.taps_h = any ? to - from : 0;
        r.taps_w = any ? j1 - j0 : 0;
        r.x = any ? row + (q * w->stride + w->first + j0 * w->step) * c : d->x;
        r.w = any ? d->w + tap * c : d->w;
        r.x_pixel = w->stride * c;
        r.y_pixel = w->pitch * c;
        r.x_tap_h = (ptrdiff_t)h->step * d->in_w * c;
        r.x_tap_w = w->step * c;
        r.w_tap_h = (ptrdiff_t)h->tap_step * d->s->kw * c;
        r.w_tap_w = w->tap_step * c;
        if (q + 4 <= q1 && j0 == 0 && j1 == w->taps) {
            pixels(&r, 4);
            q += 4;
        } else {
            pixels(&r, 1);
            q++;
        }
    }
}

static void depth_task(void *arg, size_t begin, size_t end, int worker)
{
    const depth *d = arg;
    ptrdiff_t c = d->s->c;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int row = (int)(item % (size_t)d->out_h), from, to;
        size_t image = item / (size_t)d->out_h;
        conv_axis h = d->data ? KERNEL(conv_bwd_data_axis)(d->s, true, row % d->stride_h)
                              : KERNEL(conv_axis)(d->s, true);
        int q = d->data ? row / d->stride_h : row;
        conv_axis_clip(&h, q, d->in_h, &from, &to);
        ptrdiff_t in_row = (ptrdiff_t)image * d->in_h +
                           (from < to ? q * h.stride + h.first + from * h.step : 0);
        const real *x = d->x + in_row * d->in_w * c;
        real *y = d->y + (ptrdiff_t)item * d->out_w * c;
        for (int phase = 0; phase < (d->data ? d->stride_w : 1); phase++) {
            conv_axis w = d->data ? KERNEL(conv_bwd_data_axis)(d->s, false, phase)
                                  : KERNEL(conv_axis)(d->s, false);
            /* the inner pixels, where every tap is inside, go four at a time */
            int low = 0, high = w.out, last = 0, none;
            if (w.taps) {
                conv_axis_inside(&w, 0, d->in_w, &low, &none);
                conv_axis_inside(&w, w.taps - 1, d->in_w, &none, &last);
                high = last > low ? last : low;
            }
            span(d, &h, &w, x, y, from, to, 0, low);
            span(d, &h, &w, x, y, from, to, low, high);
            span(d, &h, &w, x, y, from, to, high, w.out);
        }
        if (d->epilogue && d->epilogue->act != WEFT_ACT_NONE)
            KERNEL(activate)(y, y, (size_t)d->out_w * (size_t)c, d->epilogue);
    }
}

void KERNEL(depthwise)(const weft__conv *s, bool data, real *y, const real *x,
                       const real *w, const real *bias, const weft__epilogue *e)
{
    depth d = {.s = s, .data = data, .x = x, .w = w, .bias = bias, .y = y, .epilogue = e};
    d.in_h = data ? s->oh : s->h;
    d.in_w = data ? s->ow : s->w;
    d.out_h = data ? s->h : s->oh;
    d.out_w = data ? s->w : s->ow;
    d.stride_h = data ? s->stride_h : 1;
    d.stride_w = data ? s->stride_w : 1;
    size_t items = (size_t)s->n * (size_t)d.out_h;
    double row_work = conv_work(s) * WEFT_LANES / ((double)items + 1);
    double rows = TILE_SMALL_WORK / (row_work + 1);
    weft__parallel(items, rows < (double)items ? (size_t)rows + 1 : items, depth_task,
                   &d);
}

/* ---- weights ---- */

typedef struct depth_sums {
    const weft__conv *s;
    const real *x, *dy;
    real *dw, *partial; /* slice 0 sums into dw, slice i into partial + (i-1)*size */
    size_t size, slices;
} depth_sums;

/* dw[c] += sum over pixels of x * dy, for up to four vectors of channels. */
WEFT_INLINE void sum_pixels(real *dw, const real *x, ptrdiff_t x_pixel, const real *dy,
                            ptrdiff_t dy_pixel, int count, const int nv, int last)
{
    vec s[4];
    WEFT_UNROLL
    for (int v = 0; v < nv; v++) s[v] = vzero();
    for (int p = 0; p < count; p++, x += x_pixel, dy += dy_pixel) WEFT_UNROLL
    for (int v = 0; v < nv; v++) {
        int n = v == nv - 1 ? last : WEFT_LANES;
        s[v] = vfma(vload_tail(x + v * WEFT_LANES, n), vload_tail(dy + v * WEFT_LANES, n),
                    s[v]);
    }
    WEFT_UNROLL
    for (int v = 0; v < nv; v++) {
        int n = v == nv - 1 ? last : WEFT_LANES;
        real *to = dw + v * WEFT_LANES;
        vstore_tail(to, vadd(vload_tail(to, n), s[v]), n);
    }
}

static void sum_row(const depth_sums *d, real *dw, const real *x, const real *dy,
                    const conv_axis *w)
{
    ptrdiff_t c = d->s->c;
    for (int j = 0; j < w->taps; j++, dw += c) {
        int from, to;
        conv_axis_inside(w, j, d->s->w, &from, &to);
        if (from >= to) continue;
        const real *a = x + (from * w->stride + w->first + j * w->step) * c;
        const real *b = dy + from * c;
        ptrdiff_t a_pixel = w->stride * c;
        int i = 0, n = (int)c;
        for (; i + 4 * WEFT_LANES <= n; i += 4 * WEFT_LANES)
            sum_pixels(dw + i, a + i, a_pixel, b + i, c, to - from, 4, WEFT_LANES);
        for (; i < n; i += WEFT_LANES)
            sum_pixels(dw + i, a + i, a_pixel, b + i, c, to - from, 1,
                       n - i < WEFT_LANES ? n - i : WEFT_LANES);
    }
}

static void sums_task(void *arg, size_t begin, size_t end, int worker)
{
    const depth_sums *d = arg;
    const weft__conv *s = d->s;
    conv_axis h = KERNEL(conv_axis)(s, true), w = KERNEL(conv_axis)(s, false);
    size_t rows = (size_t)s->n * (size_t)s->oh;
    (void)worker;
    for (size_t slice = begin; slice < end; slice++) {
        real *dw = slice ? d->partial + (slice - 1) * d->size : d->dw;
        memset(dw, 0, d->size * sizeof *dw);
        for (size_t row = rows * slice / d->slices; row < rows * (slice + 1) / d->slices;
             row++) {
            int q = (int)(row % (size_t)s->oh), from, to;
            conv_axis_clip(&h, q, s->h, &from, &to);
            for (int i = from; i < to; i++) {
                size_t in_row = row / (size_t)s->oh * (size_t)s->h +
                                (size_t)(q * h.stride + h.first + i * h.step);
                sum_row(d, dw + (ptrdiff_t)i * s->kw * s->c,
                        d->x + in_row * (size_t)s->w * (size_t)s->c,
                        d->dy + row * (size_t)s->ow * (size_t)s->c, &w);
            }
        }
    }
}

static size_t slices_of(const weft__conv *s)
{
    size_t rows = (size_t)s->n * (size_t)s->oh;
    return rows < 1 ? 1 : rows < SLICES ? rows : SLICES;
}

size_t KERNEL(depthwise_bwd_weights_scratch)(const weft__conv *s)
{
    size_t size = (size_t)s->kh * (size_t)s->kw * (size_t)s->c;
    return (slices_of(s) - 1) * size * sizeof(real) + 64;
}

void KERNEL(depthwise_bwd_weights)(const weft__conv *s, real *dw, const real *dy,
                                   const real *x, void *scratch)
{
    depth_sums d = {
        .s = s, .x = x, .dy = dy, .dw = dw, .partial = scratch_aligned(scratch)};
    d.size = (size_t)s->kh * (size_t)s->kw * (size_t)s->c;
    d.slices = slices_of(s);
    weft__parallel(d.slices, conv_grain(d.slices, conv_work(s) * WEFT_LANES), sums_task,
                   &d);
    for (size_t step = 1; step < d.slices; step *= 2)
        for (size_t slice = 0; slice + step < d.slices; slice += 2 * step) {
            real *to = slice ? d.partial + (slice - 1) * d.size : dw;
            const real *from = d.partial + (slice + step - 1) * d.size;
            for (size_t i = 0; i < d.size; i++) to[i] += from[i];
        }
}
