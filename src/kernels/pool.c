/* pool.c: max and average pooling, vectors running over the channels. */
#include "kernels/vec.h"

#include "base/thread.h"

enum { SMALL = 1 << 15, FLOAT_EXACT = 1 << 24 };

typedef struct pool {
    const weft__pool *p;
    const real *x; /* or dy */
    real *y;       /* or dx */
    int32_t *index;
    const int32_t *winner;
    size_t parts; /* of the channels, for backwards */
    int channels; /* of a part */
} pool;

/* Window positions from..to-1 (each `dilate` apart, the first at `at`) that lie in
 * 0..in-1. */
static void clip(int at, int k, int dilate, int in, int *from, int *to)
{
    int low = at < 0 ? (-at + dilate - 1) / dilate : 0;
    int high = at < in ? (in - 1 - at) / dilate + 1 : 0;
    *from = low < k ? low : k;
    *to = high < k ? high : k;
    if (*to < *from) *to = *from;
}

/* One window over one picture: rows i0..i1-1 and columns j0..j1-1 of it are inside; at is
 * the position of its first element, seen from the picture's (it may lie outside). */
typedef struct window {
    int i0, i1, j0, j1;
    int row, column;
} window;

static window window_at(const weft__pool *p, int q, int r)
{
    window w = {.row = q * p->stride_h - p->top, .column = r * p->stride_w - p->left};
    clip(w.row, p->kh, p->dilate_h, p->h, &w.i0, &w.i1);
    clip(w.column, p->kw, p->dilate_w, p->w, &w.j0, &w.j1);
    return w;
}

static int position(const weft__pool *p, const window *w, int i, int j)
{
    return (w->row + i * p->dilate_h) * p->w + w->column + j * p->dilate_w;
}

WEFT_INLINE vec load_first(const real *p, int n)
{
    return n >= WEFT_LANES ? vload(p) : vload_n(p, n);
}

WEFT_INLINE void store_first(real *p, vec v, int n)
{
    if (n >= WEFT_LANES)
        vstore(p, v);
    else
        vstore_n(p, v, n);
}

/* A later value wins when it is larger, or the first NaN. */
WEFT_INLINE vmask wins(vec v, vec best)
{
    return vmor(vgt(v, best), vmand(vmnot(veq(v, v)), veq(best, best)));
}

/* The positions are counted in floats, as far as they are exact. */
static void max_window(const weft__pool *p, const window *w, real *y, const real *x,
                       int32_t *index)
{
    int first = position(p, w, w->i0, w->j0);
    for (int c = 0; c < p->c; c += WEFT_LANES) {
        int n = p->c - c;
        const real *at = x + (ptrdiff_t)first * p->c + c;
        vec best = load_first(at, n), where = vzero();
        for (int i = w->i0; i < w->i1; i++)
            for (int j = w->j0; j < w->j1; j++) {
                int offset = position(p, w, i, j) - first;
                vec v = load_first(at + (ptrdiff_t)offset * p->c, n);
                vmask m = wins(v, best);
                best = vselect(m, v, best);
                if (index) where = vselect(m, vset1((real)offset), where);
            }
        store_first(y + c, best, n);
        if (!index) continue;
        real offsets[WEFT_LANES];
        vstore(offsets, where);
        for (int l = 0; l < (n < WEFT_LANES ? n : WEFT_LANES); l++)
            index[c + l] = first + (int32_t)offsets[l];
    }
}

/* The same where a window spans more positions than a float can count. */
static void max_window_far(const weft__pool *p, const window *w, real *y, const real *x,
                           int32_t *index)
{
    for (int c = 0; c < p->c; c++) {
        int best = position(p, w, w->i0, w->j0);
        for (int i = w->i0; i < w->i1; i++)
            for (int j = w->j0; j < w->j1; j++) {
                int at = position(p, w, i, j);
                real v = x[(ptrdiff_t)at * p->c + c], top = x[(ptrdiff_t)best * p->c + c];
                if (v > top || (v != v && top == top)) best = at;
            }
        y[c] = x[(ptrdiff_t)best * p->c + c];
        if (index) index[c] = best;
    }
}

/* Rows of output are the items; what one costs decides how many make a range. */
static size_t grain(const weft__pool *p, size_t items)
{
    double row = (double)p->ow * p->c * p->kh * p->kw / WEFT_LANES + p->ow;
    double rows = SMALL / row + 1;
    return rows < (double)items ? (size_t)rows : items;
}

static size_t rows_of(const weft__pool *p)
{
    return (size_t)p->n * (size_t)p->oh;
}

static void max_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    size_t c = (size_t)p->c, ow = (size_t)p->ow;
    bool far = (double)p->kh * p->dilate_h * p->w >= FLOAT_EXACT;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        const real *x = k->x + item / (size_t)p->oh * (size_t)p->h * (size_t)p->w * c;
        for (size_t r = 0; r < ow; r++) {
            window w = window_at(p, (int)(item % (size_t)p->oh), (int)r);
            size_t at = (item * ow + r) * c;
            int32_t *index = k->index ? k->index + at : NULL;
            if (w.i0 == w.i1 || w.j0 == w.j1) { /* nothing but padding */
                for (size_t i = 0; i < c; i++) k->y[at + i] = -(real)INFINITY;
                for (size_t i = 0; index && i < c; i++) index[i] = -1;
            } else if (far) {
                max_window_far(p, &w, k->y + at, x, index);
            } else {
                max_window(p, &w, k->y + at, x, index);
            }
        }
    }
}

void KERNEL(max_pool)(const weft__pool *p, real *y, const real *x, int32_t *index)
{
    pool k = {.p = p, .x = x, .y = y, .index = index};
    weft__parallel(rows_of(p), grain(p, rows_of(p)), max_task, &k);
}

/* ---- backward: one item is some channels of one image, all windows in order ---- */

enum { PART = 64 };

static void backward_parts(pool *k)
{
    const weft__pool *p = k->p;
    k->channels = p->n >= 16 || p->c <= PART ? p->c : PART;
    k->parts = (size_t)(p->c + k->channels - 1) / (size_t)k->channels;
}

static void run_backward(pool *k, weft__task *task)
{
    const weft__pool *p = k->p;
    backward_parts(k);
    size_t items = (size_t)p->n * k->parts;
    double one = (double)p->h * p->w * k->channels + (double)p->oh * p->ow * k->channels;
    double range = SMALL * 4 / (one + 1) + 1;
    weft__parallel(items, range < (double)items ? (size_t)range : items, task, k);
}

static void clear(const weft__pool *p, real *dx, int c)
{
    size_t pixels = (size_t)p->h * (size_t)p->w;
    if (c == p->c) {
        memset(dx, 0, pixels * (size_t)c * sizeof *dx);
        return;
    }
    for (size_t i = 0; i < pixels; i++)
        memset(dx + i * (size_t)p->c, 0, (size_t)c * sizeof *dx);
}

/* dx[position of the winner] += dy, for c channels of one window. */
static void spread_max(const weft__pool *p, const window *w, real *dx, const real *dy,
                       const int32_t *winner, int c)
{
    int taps = (w->i1 - w->i0) * (w->j1 - w->j0);
    if (c < WEFT_LANES / 2 || taps > WEFT_LANES) {
        for (int i = 0; i < c; i++)
            if (winner[i] >= 0) dx[(ptrdiff_t)winner[i] * p->c + i] += dy[i];
        return;
    }
    for (int i = w->i0; i < w->i1; i++)
        for (int j = w->j0; j < w->j1; j++) {
            int at = position(p, w, i, j);
            real *to = dx + (ptrdiff_t)at * p->c;
            for (int l = 0; l < c; l++) to[l] += winner[l] == at ? dy[l] : 0;
        }
}

static void max_backward_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t image = item / k->parts;
        int c0 = (int)(item % k->parts) * k->channels;
        int c = p->c - c0 < k->channels ? p->c - c0 : k->channels;
        real *dx = k->y + image * (size_t)p->h * (size_t)p->w * (size_t)p->c + c0;
        size_t at = image * (size_t)p->oh * (size_t)p->ow * (size_t)p->c + (size_t)c0;
        clear(p, dx, c);
        for (int q = 0; q < p->oh; q++)
            for (int r = 0; r < p->ow; r++, at += (size_t)p->c) {
                window w = window_at(p, q, r);
                spread_max(p, &w, dx, k->x + at, k->winner + at, c);
            }
    }
}

void KERNEL(max_pool_backward)(const weft__pool *p, real *dx, const real *dy,
                               const int32_t *index)
{
    pool k = {.p = p, .x = dy, .y = dx, .winner = index};
    run_backward(&k, max_backward_task);
}

/* ---- average ---- */

/* 1 / the number of elements that a window's mean counts; 0 for an empty window. */
static real share(const weft__pool *p, const window *w)
{
    int i0 = w->i0, i1 = w->i1, j0 = w->j0, j1 = w->j1;
    if (p->count_pad) { /* clipped to the padded picture: the same, seen from its corner
                         */
        clip(w->row + p->top, p->kh, p->dilate_h, p->h + p->top + p->bottom, &i0, &i1);
        clip(w->column + p->left, p->kw, p->dilate_w, p->w + p->left + p->right, &j0,
             &j1);
    }
    double count = (double)(i1 - i0) * (j1 - j0);
    return count > 0 ? (real)(1 / count) : 0;
}

static void avg_window(const weft__pool *p, const window *w, real *y, const real *x)
{
    vec scale = vset1(share(p, w));
    for (int c = 0; c < p->c; c += WEFT_LANES) {
        int n = p->c - c;
        vec sum = vzero();
        for (int i = w->i0; i < w->i1; i++) {
            vec row = vzero();
            for (int j = w->j0; j < w->j1; j++)
                row = vadd(row,
                           load_first(x + (ptrdiff_t)position(p, w, i, j) * p->c + c, n));
            sum = vadd(sum, row);
        }
        store_first(y + c, vmul(sum, scale), n);
    }
}

static void avg_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    size_t c = (size_t)p->c, ow = (size_t)p->ow;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        const real *x = k->x + item / (size_t)p->oh * (size_t)p->h * (size_t)p->w * c;
        for (size_t r = 0; r < ow; r++) {
            window w = window_at(p, (int)(item % (size_t)p->oh), (int)r);
            avg_window(p, &w, k->y + (item * ow + r) * c, x);
        }
    }
}

void KERNEL(avg_pool)(const weft__pool *p, real *y, const real *x)
{
    pool k = {.p = p, .x = x, .y = y};
    weft__parallel(rows_of(p), grain(p, rows_of(p)), avg_task, &k);
}

static void spread_avg(const weft__pool *p, const window *w, real *dx, const real *dy,
                       int c)
{
    real scale = share(p, w);
    for (int i = w->i0; i < w->i1; i++)
        for (int j = w->j0; j < w->j1; j++) {
            real *to = dx + (ptrdiff_t)position(p, w, i, j) * p->c;
            for (int l = 0; l < c; l++) to[l] += dy[l] * scale;
        }
}

static void avg_backward_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t image = item / k->parts;
        int c0 = (int)(item % k->parts) * k->channels;
        int c = p->c - c0 < k->channels ? p->c - c0 : k->channels;
        real *dx = k->y + image * (size_t)p->h * (size_t)p->w * (size_t)p->c + c0;
        const real *dy = k->x + image * (size_t)p->oh * (size_t)p->ow * (size_t)p->c + c0;
        clear(p, dx, c);
        for (int q = 0; q < p->oh; q++)
            for (int r = 0; r < p->ow; r++, dy += p->c) {
                window w = window_at(p, q, r);
                spread_avg(p, &w, dx, dy, c);
            }
    }
}

void KERNEL(avg_pool_backward)(const weft__pool *p, real *dx, const real *dy)
{
    pool k = {.p = p, .x = dy, .y = dx};
    run_backward(&k, avg_backward_task);
}
