/* init.c: starting values of parameters. */
#include "base/checked.h"
#include "graph/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fan in and fan out of a weight [o, i, k...] (logical order). */
static void fans(const weft__tensor *t, double *in, double *out)
{
    double field = 1;
    for (int i = 2; i < t->rank; i++) field *= t->dim[i];
    *in = (t->rank > 1 ? t->dim[1] : t->rank > 0 ? t->dim[0] : 1) * field;
    *out = (t->rank > 0 ? t->dim[0] : 1) * field;
}

static void fill_uniform(float *x, size_t n, weft__rng *r, double low, double high)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)weft__rng_range(r, low, high);
}

static void fill_normal(float *x, size_t n, weft__rng *r, double mean, double std)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)(mean + std * weft__rng_normal(r));
}

/* Rows made orthonormal by modified Gram-Schmidt in double, then scaled by gain. When
 * there are more rows than columns, each block of `columns` rows is. */
static void orthogonal(double *a, size_t rows, size_t columns, weft__rng *r, double gain)
{
    for (size_t i = 0; i < rows; i++) {
        double *x = a + i * columns, norm = 0;
        size_t first = i / columns * columns;
        for (size_t k = 0; k < columns; k++) x[k] = weft__rng_normal(r);
        for (int twice = 0; twice < 2; twice++)
            for (size_t j = first; j < i; j++) {
                const double *y = a + j * columns;
                double dot = 0;
                for (size_t k = 0; k < columns; k++) dot += x[k] * y[k];
                for (size_t k = 0; k < columns; k++) x[k] -= dot * y[k];
            }
        for (size_t k = 0; k < columns; k++) norm += x[k] * x[k];
        norm = sqrt(norm > 0 ? norm : 1);
        for (size_t k = 0; k < columns; k++) x[k] /= norm;
    }
    for (size_t i = 0; i < rows * columns; i++) a[i] *= gain;
}

/* columns 0: all but the first axis make a row. */
static weft_status fill_orthogonal(float *x, const weft__tensor *t, weft__rng *r,
                                   double gain, size_t columns)
{
    size_t first = t->rank > 0 ? (size_t)t->dim[0] : 1;
    if (!columns || t->count % columns) columns = t->count / first;
    size_t rows = t->count / columns;
    double *a = weft__alloc(t->count, sizeof *a);
    if (!a) return weft__fail(WEFT_ENOMEM, "init: out of memory");
    orthogonal(a, rows, columns, r, gain);
    for (size_t i = 0; i < t->count; i++) x[i] = (float)a[i];
    free(a);
    return WEFT_OK;
}

static weft_status fill(float *x, const weft__tensor *t, const weft_init_opts *o,
                        weft__rng *r)
{
    double in, out;
    fans(t, &in, &out);
    double he = o->gain != 0 ? o->gain : sqrt(2.0), other = o->gain != 0 ? o->gain : 1.0;
    switch (o->kind) {
    case WEFT_INIT_ZERO:
        memset(x, 0, t->count * sizeof *x);
        break;
    case WEFT_INIT_CONSTANT:
        for (size_t i = 0; i < t->count; i++) x[i] = (float)o->value;
        break;
    case WEFT_INIT_UNIFORM:
        fill_uniform(x, t->count, r, o->low, o->high);
        break;
    case WEFT_INIT_NORMAL:
        fill_normal(x, t->count, r, o->mean, o->std);
        break;
    case WEFT_INIT_HE_NORMAL:
        fill_normal(x, t->count, r, 0, he / sqrt(in));
        break;
    case WEFT_INIT_HE_UNIFORM:
        fill_uniform(x, t->count, r, -he * sqrt(3 / in), he * sqrt(3 / in));
        break;
    case WEFT_INIT_XAVIER_NORMAL:
        fill_normal(x, t->count, r, 0, other * sqrt(2 / (in + out)));
        break;
    case WEFT_INIT_XAVIER_UNIFORM:
        fill_uniform(x, t->count, r, -other * sqrt(6 / (in + out)),
                     other * sqrt(6 / (in + out)));
        break;
    case WEFT_INIT_ORTHOGONAL:
        return fill_orthogonal(x, t, r, other, o->row > 0 ? (size_t)o->row : 0);
    }
    return WEFT_OK;
}

static void set_part(float *x, size_t n, const weft__init *init)
{
    for (size_t at = 0; init->period && at < n; at += init->period)
        for (size_t i = 0; i < init->count && at + init->from + i < n; i++)
            x[at + init->from + i] = (float)init->value;
}

weft_status weft_params_init(weft_graph *g, uint64_t seed)
{
    weft_status s = weft__graph_finalize(g, "weft_params_init");
    for (int i = 0; i < g->params && !s; i++) {
        const weft__value *v = &g->value[g->param[i]];
        weft__tensor t = weft__nominal(g, g->param[i], 0);
        weft__rng r = weft__rng_at(seed, WEFT_RNG_KEY(WEFT_RNG_INIT, 0), (uint64_t)i);
        float *x = weft__alloc(t.count, sizeof *x);
        if (!x) return weft__fail(WEFT_ENOMEM, "init: out of memory");
        s = fill(x, &t, &v->init.start, &r);
        set_part(x, t.count, &v->init);
        if (!s) s = weft_param_set(g, (weft_value){g->param[i]}, x, t.count);
        free(x);
    }
    return s;
}
