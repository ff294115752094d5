/* gradcheck.c: every gradient of a plan against central differences of its loss. */
#include "plan/step.h"
#include "weft/inspect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double loss_now(weft_plan *p)
{
    weft_plan_forward(p);
    return *(const double *)p->val[p->opts.loss.id].t.data;
}

/* Running statistics move with every forward; put them back so that each forward is the
 * same. */
static double loss_with(weft_plan *p, double *x, double value, const double *buffers)
{
    double old = *x;
    *x = value;
    if (buffers) memcpy(p->g->buffers, buffers, p->g->buffer_count * sizeof *buffers);
    double loss = loss_now(p);
    *x = old;
    return loss;
}

static double largest(const double *x, size_t n)
{
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fabs(x[i]) > m ? fabs(x[i]) : m;
    return m;
}

/* How far the analytic derivative at x is from a central difference, relative to
 * scale or more. A step that crosses a kink (of ReLU, of a maximum) is off however
 * right the gradient is, so smaller steps get a try too; a wrong gradient is off at
 * all of them. */
static double error_at(weft_plan *p, double *x, double analytic, double floor,
                       const double *buffers)
{
    static const double steps[] = {1e-5, 1e-6, 1e-7, 3e-4};
    double best = INFINITY, v = *x, size = fabs(v) > 1 ? fabs(v) : 1;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && best > 1e-8; i++) {
        double h = steps[i] * size, up = v + h, down = v - h;
        double numeric =
            (loss_with(p, x, up, buffers) - loss_with(p, x, down, buffers)) / (up - down);
        double scale = fabs(analytic) + fabs(numeric);
        double error = fabs(analytic - numeric) / (scale > floor ? scale : floor);
        if (!(error >= best)) best = error;
    }
    return best;
}

static void check_tensor(weft_plan *p, int v, const double *analytic, size_t samples,
                         const double *buffers, weft_gradcheck_row *row)
{
    const weft__tensor *x = &p->val[v].t;
    double floor = 1e-3 * largest(analytic, x->count) + 1e-9;
    *row = (weft_gradcheck_row){.name = p->g->value[v].name, .count = x->count};
    size_t step = samples && samples < x->count ? x->count / samples : 1;
    for (size_t i = 0; i < x->count; i += step) {
        double error = error_at(p, (double *)x->data + i, analytic[i], floor, buffers);
        if (!(error <= row->worst)) row->worst = error;
        row->tried++;
    }
}

static bool has_gradient(const weft_plan *p, int v)
{
    weft__kind kind = p->g->value[v].kind;
    return (kind == WEFT_KIND_PARAM || kind == WEFT_KIND_INPUT) &&
           p->val[v].gradient.data;
}

/* All gradients, one after the other: the next forward may reuse the plan's memory. */
static double *copy_gradients(const weft_plan *p)
{
    size_t count = 1;
    for (int v = 1; v < p->g->values; v++)
        if (has_gradient(p, v)) count += p->val[v].t.count;
    double *all = malloc(count * sizeof *all), *at = all;
    for (int v = 1; v < p->g->values && all; v++) {
        if (!has_gradient(p, v)) continue;
        memcpy(at, p->val[v].gradient.data, p->val[v].t.count * sizeof *at);
        at += p->val[v].t.count;
    }
    return all;
}

weft_status weft_gradcheck(weft_plan *p, size_t samples, double tolerance,
                           void (*found)(void *user, const weft_gradcheck_row *row),
                           void *user)
{
    weft_graph *g = p->g;
    if (!g->f64 || !p->opts.loss.id)
        return weft__fail(WEFT_EUSAGE,
                          "gradcheck: needs a graph in double precision and a loss");
    if (tolerance <= 0) tolerance = 1e-6;
    double *buffers = malloc((g->buffer_count + 1) * sizeof *buffers), worst = 0;
    if (!buffers) return weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
    memcpy(buffers, g->buffers, g->buffer_count * sizeof *buffers);
    weft_status s = weft_plan_forward(p);
    if (!s) s = weft_plan_backward(p);
    double *all = s ? NULL : copy_gradients(p), *at = all;
    const char *where = "";
    if (!s && !all) s = weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
    for (int v = 1; v < g->values && !s; v++) {
        weft_gradcheck_row row;
        if (!has_gradient(p, v)) continue;
        check_tensor(p, v, at, samples, buffers, &row);
        at += p->val[v].t.count;
        if (!(row.worst <= worst)) {
            worst = row.worst;
            where = row.name;
        }
        if (found) found(user, &row);
    }
    memcpy(g->buffers, buffers, g->buffer_count * sizeof *buffers);
    free(all);
    free(buffers);
    if (!s && !(worst <= tolerance))
        s = weft__fail(WEFT_EBUG, "gradcheck: %s is off by %.3g (relative), allowed %.3g",
                       where, worst, tolerance);
    return s;
}
