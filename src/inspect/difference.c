/* difference.c: derivatives of a plan's loss by differences, and what they say of an
 * analytic one. */
#include "inspect/difference.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the rounding error of a loss, what a difference over a step of 1 is off by at most.
 * Extrapolation multiplies it by 2; the rest is for how roughly it is measured. */
static const double rounding = 20;

/* Steps, relative to an element of 1 or more. The first fits most functions; longer ones
 * lift a small derivative out of the rounding error, shorter ones come to lie on one side
 * of a kink nearby. */
static const double steps[] = {1e-5, 1e-4, 1e-6, 1e-3, 1e-2, 1e-7};
/* Gradients smaller than this get no relative error: they must stand out from
 * rounding. */
static const double least_gradient = 1e-9;
static const double group_step = 1e-5;

double weft__difference_loss(const weft__differences *d)
{
    weft_plan *p = d->p;
    memcpy(p->g->buffers, d->buffers, p->g->buffer_count * sizeof *d->buffers);
    weft_plan_forward(p);
    return *(const double *)p->val[p->opts.loss.id].t.data;
}

/* ---- rounding ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Moves some 64 elements by k times so little that the loss is a straight line. */
static double nudged(weft__differences *d, int k)
{
    size_t step = d->count / 64 + 1;
    for (size_t i = 0; i < d->count; i += step) {
        d->kept[i] = d->x[i];
        d->x[i] += 1e-9 * k;
    }
    double loss = weft__difference_loss(d);
    for (size_t i = 0; i < d->count; i += step) d->x[i] = d->kept[i];
    return loss;
}

/* Second differences of a straight line are its rounding error. Their standard deviation
 * is sqrt(6) times that of a loss, the median of their amounts 2/3 of it; a kink in the
 * line leaves the median alone. */
static double noise_of(weft__differences *d)
{
    if (d->noise >= 0) return d->noise;
    double loss[7], bend[5];
    for (int k = 0; k < 7; k++) loss[k] = k == 3 ? d->loss : nudged(d, k - 3);
    for (int k = 0; k < 5; k++) bend[k] = fabs(loss[k] - 2 * loss[k + 1] + loss[k + 2]);
    qsort(bend, 5, sizeof *bend, ascending);
    d->noise = fmax(0.6 * bend[2], DBL_EPSILON * fabs(d->loss));
    return d->noise;
}

/* ---- one element ---- */

/* Derivatives from the losses at x +- h and x +- h/2, extrapolated to h = 0. */
typedef struct slopes {
    double central, right, left;
    double change;                /* how far the last halving moved the central one */
    double right_bend, left_bend; /* and the one-sided ones */
    double rounding;              /* what rounding may add to any of them */
    bool differ; /* the sides do, by more than curvature and rounding explain */
} slopes;

static double loss_at(const weft__differences *d, size_t at, double value)
{
    double old = d->x[at];
    d->x[at] = value;
    double loss = weft__difference_loss(d);
    d->x[at] = old;
    return loss;
}

static double error_of(const weft__differences *d, double analytic, double numeric)
{
    double scale = fabs(analytic) + fabs(numeric), floor = d->floor + least_gradient;
    return fabs(analytic - numeric) / (scale > floor ? scale : floor);
}

/* Whether a fault of 1 % would stand out from the rounding error. */
static bool is_seen(const weft__differences *d, double analytic, double numeric,
                    double error)
{
    return error <= 0.01 * fmax(fabs(analytic) + fabs(numeric), d->floor);
}

static bool agrees(weft__differences *d, double analytic, double numeric, double h,
                   weft_gradcheck_pair *out)
{
    double error = error_of(d, analytic, numeric);
    double size = fmax(fabs(analytic) + fabs(numeric), d->floor);
    if (!(error <= d->tolerance)) return false;
    if (size < least_gradient &&
        !is_seen(d, analytic, numeric, rounding * noise_of(d) / h))
        return false;
    out->numeric = numeric;
    out->error = error;
    out->verdict = WEFT_GRADCHECK_OK;
    return true;
}

/* Whether two losses are enough: the central difference is so near that its own error
 * would not show, and the slopes of the two sides are much the same. At a kink a wrong
 * gradient can be what central differences give. */
static bool is_plain(weft__differences *d, double analytic, double h, double up,
                     double down, weft_gradcheck_pair *out)
{
    double wide = (up - down) / (2 * h), bend = (up - 2 * d->loss + down) / h;
    if (!(fabs(bend) <= 0.01 * fabs(wide))) return false;
    if (analytic == 0 && wide == 0) {
        *out = (weft_gradcheck_pair){.index = out->index, .verdict = WEFT_GRADCHECK_OK};
        return true;
    }
    return error_of(d, analytic, wide) <= d->tolerance / 10 &&
           agrees(d, analytic, wide, h, out);
}

/* The longer step is taken already: up and down are the losses. */
static slopes slopes_at(weft__differences *d, size_t at, double h, double up, double down)
{
    double v = d->x[at], half = h / 2, base = d->loss;
    double near_up = loss_at(d, at, v + half), near_down = loss_at(d, at, v - half);
    double wide = (up - down) / (2 * h), narrow = (near_up - near_down) / h;
    double right = (near_up - base) / half, left = (base - near_down) / half;
    slopes s = {.central = (4 * narrow - wide) / 3,
                .right = 2 * right - (up - base) / h,
                .left = 2 * left - (base - down) / h};
    s.change = fabs(s.central - narrow);
    s.right_bend = fabs(s.right - right);
    s.left_bend = fabs(s.left - left);
    s.rounding = rounding * noise_of(d) / h;
    double doubt = s.right_bend + s.left_bend + s.rounding;
    s.differ = fabs(s.right - s.left) > 4 * doubt;
    return s;
}

/* Whether analytic is the slope of one of two sides that differ. */
static bool is_kink(const weft__differences *d, double analytic, const slopes *s,
                    weft_gradcheck_pair *out)
{
    bool right = fabs(analytic - s->right) < fabs(analytic - s->left);
    double side = right ? s->right : s->left, error = error_of(d, analytic, side);
    if (!(error <= d->tolerance) && !(fabs(analytic - side) <= s->rounding)) return false;
    out->numeric = side;
    out->error = error <= d->tolerance ? error : 0;
    out->verdict = WEFT_GRADCHECK_KINK;
    return true;
}

/* No step gave the analytic derivative to within the tolerance. Where no more than
 * rounding lies between it and the best estimate, it is right as far as that can be
 * seen. */
static void judge(const weft__differences *d, double analytic, const slopes *best,
                  weft_gradcheck_pair *out)
{
    out->numeric = best->central;
    out->error = error_of(d, analytic, best->central);
    out->verdict = WEFT_GRADCHECK_FAULT;
    if (fabs(analytic) + fabs(best->central) < least_gradient) {
        /* within a network rounding is not only that of the loss: 1 + tanh(-5) has lost
         * 4 digits before it comes there */
        out->error = 0;
        out->verdict = WEFT_GRADCHECK_UNSEEN;
        return;
    }
    if (best->differ || !(fabs(analytic - best->central) <= best->rounding)) return;
    out->error = 0;
    out->verdict = is_seen(d, analytic, best->central, best->rounding)
                       ? WEFT_GRADCHECK_OK
                       : WEFT_GRADCHECK_UNSEEN;
}

/* One whose sides are the same first, then the one with less error in sight. */
static bool is_better(const slopes *a, const slopes *b)
{
    if (!isfinite(a->central)) return false;
    if (a->differ != b->differ) return b->differ;
    return a->change + a->rounding < b->change + b->rounding;
}

void weft__difference_compare(weft__differences *d, size_t at, double analytic,
                              weft_gradcheck_pair *out)
{
    slopes best = {.central = NAN, .change = INFINITY, .differ = true};
    weft_gradcheck_pair kink = {0};
    double v = d->x[at], size = fabs(v) > 1 ? fabs(v) : 1;
    out->analytic = analytic;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        double h = v + steps[i] * size - v; /* what the sum has room for */
        double up = loss_at(d, at, v + h), down = loss_at(d, at, v - h);
        if (is_plain(d, analytic, h, up, down, out)) return;
        slopes s = slopes_at(d, at, h, up, down);
        if (!s.differ && agrees(d, analytic, s.central, h, out)) return;
        if (s.differ && !kink.verdict) is_kink(d, analytic, &s, &kink);
        if (is_better(&s, &best)) best = s;
    }
    judge(d, analytic, &best, out);
    if (out->verdict == WEFT_GRADCHECK_OK || !kink.verdict) return;
    out->numeric = kink.numeric;
    out->error = kink.error;
    out->verdict = kink.verdict;
}

/* ---- many elements at once ---- */

/* A random bit of the element's number (the finalizer of SplitMix64). */
static double sign_of(size_t i)
{
    uint64_t z = (uint64_t)i + 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) & 1 ? 1 : -1;
}

static double loss_along(weft__differences *d, const size_t *at, size_t n, double h)
{
    for (size_t i = 0; i < n; i++) {
        d->kept[at[i]] = d->x[at[i]];
        d->x[at[i]] += sign_of(at[i]) * h;
    }
    double loss = weft__difference_loss(d);
    for (size_t i = 0; i < n; i++) d->x[at[i]] = d->kept[at[i]];
    return loss;
}

double weft__directional(weft__differences *d, const size_t *at, size_t n)
{
    double up = loss_along(d, at, n, group_step),
           down = loss_along(d, at, n, -group_step);
    return (up - down) / (2 * group_step);
}

double weft__directional_noise(weft__differences *d)
{
    return rounding * noise_of(d) / group_step;
}
