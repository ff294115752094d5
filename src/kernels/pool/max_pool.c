/* max_pool.c: max pooling and its derivative, vectors running over the channels.
 *
 * Positions in a picture are counted in reals, which are exact up to FLOAT_EXACT;
 * beyond that, one element at a time. */
#include "kernels/activation.h"
#include "kernels/pool/pool.h"

enum { FLOAT_EXACT = 1 << 24 };

typedef struct pool {
    const weft__pool *p;
    const real *x; /* or dy */
    real *y;       /* or dx */
    int32_t *index;
    const int32_t *winner;
    const weft__epilogue *e;
} pool;

static bool far(const weft__pool *p)
{
    return (double)p->h * p->w >= FLOAT_EXACT;
}

/* A later value wins when it is larger, or the first NaN. */
WEFT_INLINE vmask wins(vec v, vec best)
{
    return vmand(vmnot(vle(v, best)), veq(best, best));
}

/* `count` pixels of y side by side, c channels each: the largest of rows x columns
 * taps, the first of them at x, which stands at position `first`. room: elements of
 * y from here to the end of its row; what is written beyond a pixel is written again
 * by the next. */
WEFT_INLINE void max_run(const pool *k, real *y, const real *x, int32_t *index, int first,
                         int count, size_t room, int rows, int columns)
{
    const weft__pool *p = k->p;
    const int down = p->dilate_h * p->w, across = p->dilate_w;
    for (int r = 0; r < count; r++, first += p->stride_w, room -= (size_t)p->c) {
        const vec from = vset1((real)first);
        for (int c = 0; c < p->c; c += WEFT_LANES) {
            const int n = p->c - c;
            const bool whole = n >= WEFT_LANES || room - (size_t)c >= WEFT_LANES;
            const real *at = x + c;
            vec best = vload_tail(at, n), where = vzero();
            TAPS_UNROLL
            for (int i = 0; i < rows; i++) {
                TAPS_UNROLL
                for (int j = 0; j < columns; j++) {
                    const int offset = i * down + j * across;
                    vec v = vload_tail(at + (ptrdiff_t)offset * p->c, n);
                    vmask m = wins(v, best);
                    best = vselect(m, v, best);
                    where = vselect(m, vset1((real)offset), where);
                }
            }
            best = vactivate(best, k->e);
            where = vadd(where, from);
            if (whole) {
                vstore(y + c, best);
                if (index) vstore_i32(index + c, where);
            } else {
                vstore_n(y + c, best, n);
                if (index) vstore_i32_n(index + c, where, n);
            }
        }
        y += p->c;
        x += (ptrdiff_t)p->stride_w * p->c;
        if (index) index += p->c;
    }
}

/* The same where a picture has more positions than a float can count. */
static void max_pixel_far(const pool *k, real *y, const real *x, int32_t *index,
                          const window *w)
{
    const weft__pool *p = k->p;
    for (int c = 0; c < p->c; c++) {
        int best = window_position(p, w, w->i0, w->j0);
        for (int i = w->i0; i < w->i1; i++)
            for (int j = w->j0; j < w->j1; j++) {
                int at = window_position(p, w, i, j);
                real v = x[(ptrdiff_t)at * p->c + c], top = x[(ptrdiff_t)best * p->c + c];
                if (v > top || (v != v && top == top)) best = at;
            }
        y[c] = x[(ptrdiff_t)best * p->c + c];
        if (index) index[c] = best;
    }
    if (k->e) KERNEL(activate)(y, y, (size_t)p->c, k->e);
}

/* Windows that are nothing but padding. */
static void max_nothing(const pool *k, real *y, int32_t *index, int count)
{
    const size_t n = (size_t)count * (size_t)k->p->c;
    for (size_t i = 0; i < n; i++) y[i] = -(real)INFINITY;
    for (size_t i = 0; i < n && index; i++) index[i] = -1;
    if (k->e) KERNEL(activate)(y, y, n, k->e);
}

/* A run of windows that have the same taps. x: the picture; room: as above. */
static void max_windows(const pool *k, real *y, const real *x, int32_t *index,
                        const window *w, int count, size_t room)
{
    const weft__pool *p = k->p;
    const int rows = w->i1 - w->i0, columns = w->j1 - w->j0;
    const int first = window_position(p, w, w->i0, w->j0);
    const real *at = x + (ptrdiff_t)first * p->c;
    if (!rows || !columns)
        max_nothing(k, y, index, count);
    else if (far(p))
        max_pixel_far(k, y, x, index, w);
    else if (rows == 2 && columns == 2)
        max_run(k, y, at, index, first, count, room, 2, 2);
    else if (rows == 3 && columns == 3)
        max_run(k, y, at, index, first, count, room, 3, 3);
    else
        max_run(k, y, at, index, first, count, room, rows, columns);
}

static void max_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    const size_t c = (size_t)p->c, row = (size_t)p->ow * c;
    const bool single = far(p);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        const real *x = k->x + item / (size_t)p->oh * (size_t)p->h * (size_t)p->w * c;
        window w = window_at(p, (int)(item % (size_t)p->oh), 0);
        for (int r = 0, count; r < p->ow; r += count) {
            const size_t before = (size_t)r * c, at = item * row + before;
            count = window_run(p, &w, r);
            if (single) count = 1;
            max_windows(k, k->y + at, x, k->index ? k->index + at : NULL, &w, count,
                        row - before);
        }
    }
}

void KERNEL(max_pool)(const weft__pool *p, real *y, const real *x, int32_t *index,
                      const weft__epilogue *e)
{
    pool k = {.p = p, .x = x, .y = y, .index = index, .e = e};
    if (e && e->act == WEFT_ACT_NONE) k.e = NULL;
    weft__parallel(pool_rows(p), pool_grain(p), max_task, &k);
}

/* ---- backward ---- */

/* Whether no pixel lies in two windows, and a window's pixels lie side by side. */
static bool apart(const weft__pool *p)
{
    return p->stride_h >= p->kh && p->stride_w >= p->kw && p->dilate_h == 1 &&
           p->dilate_w == 1;
}

/* dx[position of the winner] (+)= dy, for c channels of `count` windows side by side
 * with rows x columns taps, the first tap at dx, position `first`. apart: nothing is
 * there to add to, and a lone vector may run over into the next pixels, which are
 * written later, up to the end of the row, `room` elements from here; what it reads
 * of dy and winner, too, up to the end of the run. */
WEFT_INLINE void spread_run(const pool *k, real *dx, const real *dy,
                            const int32_t *winner, int first, int count, int c,
                            size_t room, int rows, int columns, bool apart)
{
    const weft__pool *p = k->p;
    const size_t pixel = (size_t)p->c, step = (size_t)p->stride_w * pixel;
    const bool over = apart && c < WEFT_LANES && c == p->c;
    for (int r = 0; r < count; r++, first += p->stride_w, room -= step) {
        const vec from = vset1((real)first);
        for (int l = 0; l < c; l += WEFT_LANES) {
            const int n = c - l;
            const bool whole =
                n >= WEFT_LANES || (over && (size_t)(count - r) * pixel >= WEFT_LANES);
            const vec d = whole ? vload(dy + l) : vload_tail(dy + l, n);
            const vec won =
                vsub(whole ? vload_i32(winner + l) : vload_i32_n(winner + l, n), from);
            TAPS_UNROLL
            for (int i = 0; i < rows; i++) {
                TAPS_UNROLL
                for (int j = 0; j < columns; j++) {
                    const int offset = i * p->w + j;
                    real *to = dx + (size_t)offset * pixel + l;
                    vec v = vselect(veq(won, vset1((real)offset)), d, vzero());
                    if (!apart) v = vadd(vload_tail(to, n), v);
                    if (n >= WEFT_LANES ||
                        (over && room - (size_t)j * pixel >= WEFT_LANES))
                        vstore(to, v);
                    else
                        vstore_n(to, v, n);
                }
            }
        }
        dx += step;
        dy += pixel;
        winner += pixel;
    }
}

/* The same for windows of any kind, c channels each. */
static void spread_one_by_one(const pool *k, real *dx, const real *dy,
                              const int32_t *winner, int count, int c)
{
    const weft__pool *p = k->p;
    for (int r = 0; r < count; r++, dy += p->c, winner += p->c)
        for (int i = 0; i < c; i++)
            if (winner[i] >= 0) dx[(ptrdiff_t)winner[i] * p->c + i] += dy[i];
}

/* A run of windows that have the same taps; dx: the picture. */
static void spread_windows(const pool *k, real *dx, const real *dy, const int32_t *winner,
                           const window *w, int count, int c, bool alone)
{
    const weft__pool *p = k->p;
    const int rows = w->i1 - w->i0, columns = w->j1 - w->j0;
    const int first = window_position(p, w, w->i0, w->j0);
    const size_t room = (size_t)(p->w - w->column - w->j0) * (size_t)p->c;
    real *to = dx + (ptrdiff_t)first * p->c;
    if (!rows || !columns) return;
    if (alone && rows == 2 && columns == 2)
        spread_run(k, to, dy, winner, first, count, c, room, 2, 2, true);
    else if (alone)
        spread_run(k, to, dy, winner, first, count, c, room, rows, columns, true);
    else if (rows == 3 && columns == 3)
        spread_run(k, to, dy, winner, first, count, c, room, 3, 3, false);
    else
        spread_run(k, to, dy, winner, first, count, c, room, rows, columns, false);
}

/* Whether windows that do not overlap leave no pixel out. */
static bool covers(const weft__pool *p)
{
    return p->stride_h == p->kh && p->stride_w == p->kw &&
           p->h <= p->oh * p->kh - p->top && p->w <= p->ow * p->kw - p->left;
}

static void max_back_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    const bool alone = apart(p), plain = p->dilate_h == 1 && p->dilate_w == 1;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        pool_item t = pool_item_at(p, item);
        const int c = t.channels;
        const bool slow = far(p) || !plain || p->kh * p->kw > 2 * WEFT_LANES ||
                          (!alone && c < WEFT_LANES);
        if (slow || !alone || !covers(p)) pool_clear(p, k->y + t.x, c);
        for (int q = 0; q < p->oh; q++) {
            window w = window_at(p, q, 0);
            for (int r = 0, count; r < p->ow; r += count) {
                count = window_run(p, &w, r);
                if (slow)
                    spread_one_by_one(k, k->y + t.x, k->x + t.y, k->winner + t.y, count,
                                      c);
                else
                    spread_windows(k, k->y + t.x, k->x + t.y, k->winner + t.y, &w, count,
                                   c, alone);
                t.y += (size_t)count * (size_t)p->c;
            }
        }
    }
}

void KERNEL(max_pool_backward)(const weft__pool *p, real *dx, const real *dy,
                               const int32_t *index)
{
    pool k = {.p = p, .x = dy, .y = dx, .winner = index};
    pool_back(p, max_back_task, &k);
}
