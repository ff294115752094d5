/* avg_pool.c: average pooling and its derivative, vectors running over the channels. */
#include "kernels/pool/pool.h"

typedef struct pool {
    const weft__pool *p;
    const real *x; /* or dy */
    real *y;       /* or dx */
} pool;

/* 1 / the number of elements that a window's mean counts; 0 for an empty window. */
static real share(const weft__pool *p, const window *w)
{
    int i0 = w->i0, i1 = w->i1, j0 = w->j0, j1 = w->j1;
    if (p->count_pad) { /* clipped to the padded picture, seen from its corner */
        pool_clip(w->row + p->top, p->kh, p->dilate_h, p->h + p->top + p->bottom, &i0,
                  &i1);
        pool_clip(w->column + p->left, p->kw, p->dilate_w, p->w + p->left + p->right, &j0,
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
                row = vadd(
                    row,
                    vload_tail(x + (ptrdiff_t)window_position(p, w, i, j) * p->c + c, n));
            sum = vadd(sum, row);
        }
        if (n >= WEFT_LANES)
            vstore(y + c, vmul(sum, scale));
        else
            vstore_n(y + c, vmul(sum, scale), n);
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
    weft__parallel(pool_rows(p), pool_grain(p), avg_task, &k);
}

static void spread_avg(const weft__pool *p, const window *w, real *dx, const real *dy,
                       int c)
{
    real scale = share(p, w);
    for (int i = w->i0; i < w->i1; i++)
        for (int j = w->j0; j < w->j1; j++) {
            real *to = dx + (ptrdiff_t)window_position(p, w, i, j) * p->c;
            for (int l = 0; l < c; l++) to[l] += dy[l] * scale;
        }
}

static void avg_backward_task(void *arg, size_t begin, size_t end, int worker)
{
    const pool *k = arg;
    const weft__pool *p = k->p;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        const pool_item t = pool_item_at(p, item);
        const int c = t.channels;
        real *dx = k->y + t.x;
        const real *dy = k->x + t.y;
        pool_clear(p, dx, c);
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
    pool_back(p, avg_backward_task, &k);
}
