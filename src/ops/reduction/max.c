/* max.c: y = the largest of x over axes; the gradient goes to the first of equals. */
#include "ops/reduction/reduce.h"

WEFT_API weft_value weft_reduce_max(weft_graph *g, weft_value x, int n, const int *axis,
                                    bool keep)
{
    return weft__reduce_add(g, "max", x, n, axis, keep);
}

/* saved: for each element of y, the place in x that it came from. */
static void memory(const weft__setup *s, weft__memory *m)
{
    if (s->training) m->saved = s->out[0].count * sizeof(size_t);
}

typedef struct job {
    const real *x;
    real *y;
    size_t *place;                   /* NULL: nobody asks */
    int left, dropped;               /* axes, in logical order */
    size_t dim[2][WEFT_MAX_RANK];    /* of the kept, of the dropped ones */
    size_t x_step[2][WEFT_MAX_RANK]; /* how they move in x */
    size_t y_step[WEFT_MAX_RANK];    /* how the kept ones move in y */
    size_t terms;
} job;

/* The job without pointers. */
static weft_status prepare(const weft__setup *s)
{
    const weft__tensor *x = &s->in[0];
    job *j = s->prepared;
    ptrdiff_t y_stride[WEFT_MAX_RANK] = {0};
    size_t x_stride[WEFT_MAX_RANK];
    weft__reduce_strides(s->node, x, &s->out[0], y_stride);
    weft__strides(x, x_stride);
    j->terms = 1;
    for (int i = 0; i < x->rank; i++) {
        bool drop = y_stride[i] == 0;
        int at = drop ? j->dropped++ : j->left++;
        j->dim[drop][at] = (size_t)x->dim[i];
        j->x_step[drop][at] = x_stride[i];
        if (drop)
            j->terms *= (size_t)x->dim[i];
        else
            j->y_step[at] = (size_t)y_stride[i];
    }
    return WEFT_OK;
}

static void put(const job *j, size_t at, real value, size_t place)
{
    j->y[at] = value;
    if (j->place) j->place[at] = place;
}

/* Results `begin` to `end-1`, counted along the kept axes. */
static void range(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        size_t rest = i, from = 0, to = 0, best;
        real most;
        for (int d = j->left - 1; d >= 0; d--) {
            from += rest % j->dim[0][d] * j->x_step[0][d];
            to += rest % j->dim[0][d] * j->y_step[d];
            rest /= j->dim[0][d];
        }
        best = from;
        most = j->x[from];
        for (size_t k = 1; k < j->terms; k++) {
            size_t at = from, left = k;
            for (int d = j->dropped - 1; d >= 0; d--) {
                at += left % j->dim[1][d] * j->x_step[1][d];
                left /= j->dim[1][d];
            }
            if (j->x[at] > most || (j->x[at] != j->x[at] && most == most)) {
                most = j->x[at]; /* NaN wins, so that it is seen */
                best = at;
            }
        }
        put(j, to, most, best);
    }
}

static void forward(const weft__op_args *r)
{
    job j = *(const job *)r->prepared;
    j.x = r->in[0].data;
    j.y = r->out[0].data;
    j.place = r->saved;
    weft__spread(r->out[0].count, 4.0 * (double)j.terms, range, &j);
}

static void give(void *arg, size_t begin, size_t end)
{
    const weft__op_args *const *at = arg, *r = *at;
    const size_t *place = r->saved;
    const real *dy = r->dout[0].data;
    real *dx = r->din[0].data;
    for (size_t i = begin; i < end; i++) dx[place[i]] = dy[i];
}

static void backward(const weft__op_args *r)
{
    if (!r->din[0].data) return;
    weft__fill_zero(r->din[0].data, r->din[0].count);
    weft__spread(r->dout[0].count, 2, give, &r);
}

static weft_status from_onnx(struct weft__onnx_node *n)
{
    return weft__onnx_reduce(n, 18, weft_reduce_max);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    return weft__reduce_sample(g, rng, weft_reduce_max);
}

const weft_op WEFT_OP(max) = {
    .name = "max",
    .onnx = WEFT_ONNX("ReduceMax", 13, .read = from_onnx, .write = weft__reduce_to_onnx),
    .arity = 1,
    .summary = "y = the largest of x over axes",
    .shape = weft__reduce_shape,
    .layout = weft__reduce_layout,
    .prepare = prepare,
    .prepared = sizeof(job),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .describe = weft__reduce_describe,
    .sample = sample,
};
