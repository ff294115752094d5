/* regression.c: how far numbers are from the truth. */
#include "task/metrics/regression.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sums {
    double t, tt; /* of targets, counted from `about` */
    double squares, absolute;
    float about;
} sums;

struct weft__regression {
    int width;
    double n;
    sums of[];
};

weft__regression *weft__regression_new(int width, const float *about)
{
    weft__regression *m = calloc(1, sizeof *m + (size_t)width * sizeof *m->of);
    if (!m) return NULL;
    m->width = width;
    for (int k = 0; k < width; k++) m->of[k].about = about[k];
    return m;
}

void weft__regression_free(void *m)
{
    free(m);
}

void weft__regression_clear(void *sums_of)
{
    weft__regression *m = sums_of;
    m->n = 0;
    for (int k = 0; k < m->width; k++) m->of[k] = (sums){.about = m->of[k].about};
}

void weft__regression_add(weft__regression *m, const float *y, const float *t)
{
    m->n++;
    for (int k = 0; k < m->width; k++) {
        sums *s = &m->of[k];
        double x = (double)t[k] - (double)s->about, off = (double)y[k] - (double)t[k];
        s->t += x;
        s->tt += x * x;
        s->squares += off * off;
        s->absolute += fabs(off);
    }
}

weft__regression_scores weft__regression_of(const weft__regression *m, int k)
{
    const sums *s = &m->of[k];
    const double none = (double)NAN;
    if (!(m->n > 0)) return (weft__regression_scores){none, none, none};
    double spread = s->tt - s->t * s->t / m->n;
    return (weft__regression_scores){
        .r2 = spread > s->tt * 1e-14 ? 1 - s->squares / spread : none,
        .mae = s->absolute / m->n,
        .rmse = sqrt(s->squares / m->n)};
}

weft__regression_scores weft__regression_mean(const weft__regression *m)
{
    weft__regression_scores sum = {0};
    for (int k = 0; k < m->width; k++) {
        weft__regression_scores one = weft__regression_of(m, k);
        sum.r2 += one.r2 / m->width;
        sum.mae += one.mae / m->width;
        sum.rmse += one.rmse / m->width;
    }
    return sum;
}
