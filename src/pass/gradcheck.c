/* gradcheck.c: every gradient of a plan against central differences of its loss. */
#include "pass/pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double loss_now(weft_plan *p)
{
    weft_forward(p);
    return *(const double *)p->val[p->opts.loss.id].t.data;
}

/* Running statistics move with every forward; put them back so that each forward is the same. */
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

/* Central difference of fourth order: (8 (f1 - f-1) - (f2 - f-2)) / 12 h. */
static double difference(weft_plan *p, double *x, const double *buffers)
{
    double h = 1e-4 * (fabs(*x) > 1 ? fabs(*x) : 1), v = *x;
    double near = loss_with(p, x, v + h, buffers) - loss_with(p, x, v - h, buffers);
    double far = loss_with(p, x, v + 2 * h, buffers) - loss_with(p, x, v - 2 * h, buffers);
    double fourth = (8 * near - far) / (12 * h);
    /* at a kink the two orders disagree: a second, smaller step stays on one side of it */
    if (fabs(fourth - near / (2 * h)) < 1e-3 * (fabs(fourth) + 1e-8)) return fourth;
    h *= 1e-2;
    return (loss_with(p, x, v + h, buffers) - loss_with(p, x, v - h, buffers)) / (2 * h);
}

static weft_status check_tensor(weft_plan *p, int v, size_t samples, const double *buffers,
                                weft_gradcheck_row *row)
{
    const weft__tensor *x = &p->val[v].t, *gx = &p->val[v].gradient;
    double *analytic = malloc((x->count + 1) * sizeof *analytic);
    if (!analytic) return weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
    memcpy(analytic, gx->data, x->count * sizeof *analytic);
    double floor = 1e-3 * largest(analytic, x->count) + 1e-9;
    *row = (weft_gradcheck_row){.name = p->g->value[v].name, .count = x->count};
    size_t step = samples && samples < x->count ? x->count / samples : 1;
    for (size_t i = 0; i < x->count; i += step) {
        double numeric = difference(p, (double *)x->data + i, buffers), a = analytic[i];
        double scale = fabs(a) + fabs(numeric);
        double error = fabs(a - numeric) / (scale > floor ? scale : floor);
        if (!(error <= row->worst)) row->worst = error;
        row->tried++;
    }
    free(analytic);
    return WEFT_OK;
}

weft_status weft_gradcheck(weft_plan *p, size_t samples, double tolerance,
                           void (*found)(void *user, const weft_gradcheck_row *row), void *user)
{
    weft_graph *g = p->g;
    if (!g->f64 || !p->opts.loss.id)
        return weft__fail(WEFT_EUSAGE, "gradcheck: needs a graph in double precision and a loss");
    if (tolerance <= 0) tolerance = 1e-6;
    double *buffers = malloc((g->buffer_count + 1) * sizeof *buffers), worst = 0;
    if (!buffers) return weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
    memcpy(buffers, g->buffers, g->buffer_count * sizeof *buffers);
    weft_status s = weft_forward(p);
    if (!s) s = weft_backward(p);
    const char *where = "";
    for (int v = 1; v < g->values && !s; v++) {
        bool graph = g->value[v].kind == WEFT_KIND_PARAM || g->value[v].kind == WEFT_KIND_INPUT;
        if (!graph || !p->val[v].gradient.data) continue;
        weft_gradcheck_row row;
        s = check_tensor(p, v, samples, buffers, &row);
        if (s) break;
        if (!(row.worst <= worst)) {
            worst = row.worst;
            where = row.name;
        }
        if (found) found(user, &row);
    }
    memcpy(g->buffers, buffers, g->buffer_count * sizeof *buffers);
    free(buffers);
    if (!s && !(worst <= tolerance))
        s = weft__fail(WEFT_EBUG, "gradcheck: %s is off by %.3g (relative), allowed %.3g", where,
                       worst, tolerance);
    return s;
}
