/* flow_count.c: what one forward and backward pass has left, counted into a flow. */
#include "inspect/flow.h"

#include <math.h>
#include <string.h>

static double element(const weft_flow *f, const void *data, size_t i)
{
    return f->p->g->f64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static double squares(const weft_flow *f, const void *data, size_t from, size_t n)
{
    double sum = 0;
    for (size_t i = from; i < from + n; i++) {
        double x = element(f, data, i);
        sum += x * x;
    }
    return sum;
}

/* ---- values ---- */

/* How many steps of each sample of value v count, or NULL: all. */
static const int32_t *lengths_of(const weft_flow *f, int v)
{
    return f->lengths[v] ? f->p->val[f->lengths[v]].t.data : NULL;
}

static bool speaks(weft__saturation ends, double x)
{
    if (ends == WEFT_SATURATES_AT_0) return x != 0;
    if (ends == WEFT_SATURATES_AS_TANH) return x > -0.99 && x < 0.99;
    return x > 0.01 && x < 0.99;
}

/* A tensor as rows of units: [outer][units][inner]. */
typedef struct rows {
    size_t outer, units, inner;
    const int32_t *length; /* rows of one sample that count, or NULL: all */
    size_t steps;          /* rows of one sample */
} rows;

static rows rows_of(const weft_flow *f, const weft__flow_node *n, const weft__tensor *t)
{
    rows r = {.outer = t->count, .units = 1, .inner = 1, .steps = 1};
    if (n->unit_axis >= 0) {
        weft__around(t, n->unit_axis, &r.outer, &r.units, &r.inner);
        r.length = lengths_of(f, n->value);
        if (r.length) r.steps = (size_t)t->dim[1];
    }
    return r;
}

static bool counts(const rows *r, size_t row)
{
    return !r->length || (int)(row % r->steps) < r->length[row / r->steps];
}

/* Mean and sum of squares around it of two sets together (Chan). */
static void join(weft__flow_node *n, double count, double mean, double m2)
{
    double all = n->count + count, apart = mean - n->mean;
    if (!(count > 0)) return;
    n->m2 += m2 + apart * apart * n->count * count / all;
    n->mean += apart * count / all;
    n->count = all;
}

static void count_value(const weft_flow *f, weft__flow_node *n)
{
    const weft__tensor *t = &f->p->val[n->value].t;
    rows r = rows_of(f, n, t);
    const size_t width = r.units * r.inner;
    double sum = 0, m2 = 0, count = 0;
    for (size_t o = 0; o < r.outer; o++) {
        if (!counts(&r, o)) continue;
        for (size_t i = 0; i < width; i++) {
            double x = element(f, t->data, o * width + i);
            sum += x;
            if (x < n->low || isnan(x)) n->low = x;
            if (x > n->high || isnan(x)) n->high = x;
            if (n->alive && speaks(n->saturation, x)) n->alive[i / r.inner] = true;
        }
        count += (double)width;
    }
    const double mean = count > 0 ? sum / count : 0;
    for (size_t o = 0; o < r.outer; o++)
        for (size_t i = 0; i < width && counts(&r, o); i++) {
            double x = element(f, t->data, o * width + i) - mean;
            m2 += x * x;
        }
    join(n, count, mean, m2);
}

/* A sample's part of the gradient, times the batch that the loss was divided by. */
static void count_gradient(const weft_flow *f, weft__flow_node *n)
{
    const weft__tensor *t = &f->p->val[n->value].gradient;
    if (!t->data) return;
    const weft_shape *shape = f->p->g->value[n->value].shape;
    const bool batched = t->rank > 0 && shape[0].dim[0] != shape[1].dim[0];
    const size_t samples = batched ? (size_t)t->dim[0] : 1;
    const size_t each = t->count / samples;
    for (size_t i = 0; i < samples; i++)
        n->gradient += sqrt(squares(f, t->data, i * each, each)) *
                       (batched ? (double)samples : (double)f->p->batch);
    n->reached = true;
}

/* ---- parameters ---- */

static void count_params(weft_flow *f)
{
    const weft_graph *g = f->p->g;
    double all = 0;
    for (int i = 0; i < f->params; i++) {
        weft__tensor t = weft__stored(g, g->param[i], true);
        double sum = t.data ? squares(f, t.data, 0, t.count) : 0;
        f->param[i] += sqrt(sum);
        all += sum;
    }
    f->gradient += sqrt(all);
}

/* ---- sequences ---- */

static int steps_of(const weft_flow *f, const weft__flow_series *s, int i)
{
    const int32_t *length = lengths_of(f, s->value);
    return length && length[i] < s->steps ? length[i] : s->steps;
}

static double norm_at(const weft_flow *f, const weft__flow_series *s, int sample,
                      int step)
{
    if (s->states) {
        const size_t dirs = (size_t)s->directions;
        const size_t h = (size_t)f->p->val[s->value].t.dim[2] / dirs;
        size_t at = (size_t)sample * (size_t)s->steps + (size_t)step;
        return sqrt(squares(f, s->states, (at * dirs + (size_t)s->direction) * h, h));
    }
    const weft__tensor *t = &f->p->val[s->value].gradient;
    size_t stride[WEFT_MAX_RANK];
    const int axis = f->axis[s->value];
    double sum = 0;
    weft__strides(t, stride);
    for (int k = 0; k < t->dim[axis]; k++) {
        double x = element(f, t->data,
                           (size_t)sample * stride[0] + (size_t)step * stride[3 - axis] +
                               (size_t)k * stride[axis]);
        sum += x * x;
    }
    return sqrt(sum);
}

static void count_series(const weft_flow *f, weft__flow_series *s)
{
    const int batch = f->p->batch;
    for (int i = 0; i < batch; i++) {
        const int n = steps_of(f, s, i);
        for (int t = 0; t < n; t++) {
            double norm = norm_at(f, s, i, t) * batch;
            s->sum_step[t] += norm;
            s->sum_distance[s->reverse ? t : n - 1 - t] += norm;
            s->samples[t]++;
        }
    }
    for (int t = 0; t < s->steps; t++) {
        double n = s->samples[t] ? (double)s->samples[t] : NAN;
        s->by_step[t] = s->sum_step[t] / n;
        s->by_distance[t] = s->sum_distance[t] / n;
    }
}

void weft__flow_count(weft_flow *f)
{
    for (int i = 0; i < f->nodes; i++) {
        count_value(f, &f->node[i]);
        count_gradient(f, &f->node[i]);
    }
    count_params(f);
    for (int i = 0; i < f->series_count; i++) count_series(f, &f->series[i]);
    f->samples += f->p->batch;
    f->batches++;
}
