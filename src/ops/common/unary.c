/* unary.c: what operators of one input and one output of its shape have in common. */
#include "ops/common/unary.h"

#include <stdio.h>
#include <string.h>

#define COST 8 /* operations per element, roughly */

WEFT_SHARED weft_value weft__unary_add(weft_graph *g, const char *op, weft_value x)
{
    return weft__node_add(g, op, NULL, 0, &x, 1, 1);
}

WEFT_SHARED weft_value weft__unary_add_with(weft_graph *g, const char *op, weft_value x,
                                            double alpha, double beta)
{
    weft__act_attr a = {alpha, beta};
    return weft__node_add(g, op, &a, sizeof a, &x, 1, 1);
}

WEFT_SHARED weft_value weft__unary_refuse(weft_graph *g, const char *op, const char *what,
                                          double value, const char *allowed)
{
    return weft__graph_fail(
        g, weft__fail(WEFT_EUSAGE, "%s: %s is %g, must be %s", op, what, value, allowed));
}

WEFT_SHARED weft_status weft__want_real(const weft__node *node, const weft__tensor *t)
{
    if (t->type == WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: wants real numbers, was given integers",
                          node->name);
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__unary_shape(const weft__node *node, const weft__tensor *in,
                                          weft__tensor *out)
{
    weft__same_shape(&out[0], &in[0]);
    return weft__want_real(node, &in[0]);
}

WEFT_SHARED weft_status weft__onnx_unary(struct weft__onnx_node *n,
                                         weft_value (*build)(weft_graph *g, weft_value x))
{
    weft__onnx_set(n, 0, build(weft__onnx_graph(n), weft__onnx_value(n, 0)));
    return WEFT_OK;
}

/* ---- any map ---- */

typedef struct map_job {
    const weft__op_args *r;
    weft__map_fn *f;
    weft__slope_fn *slope;
} map_job;

static void map_range(void *arg, size_t begin, size_t end)
{
    const map_job *j = arg;
    const real *x = j->r->in[0].data;
    real *y = j->r->out[0].data;
    j->f(j->r, y + begin, x + begin, end - begin);
}

void weft__map_forward(const weft__op_args *r, weft__map_fn *f)
{
    weft__spread(r->out[0].count, COST, map_range, &(map_job){.r = r, .f = f});
}

static void slope_range(void *arg, size_t begin, size_t end)
{
    const map_job *j = arg;
    const weft_op *op = j->r->node->op;
    const real *x = op->saves_in & 1 ? j->r->in[0].data : NULL;
    const real *y = op->saves_out & 1 ? j->r->out[0].data : NULL;
    const real *dy = j->r->dout[0].data;
    real *dx = j->r->din[0].data;
    j->slope(j->r, dx + begin, dy + begin, x ? x + begin : NULL, y ? y + begin : NULL,
             end - begin);
}

void weft__map_backward(const weft__op_args *r, weft__slope_fn *f)
{
    if (r->din[0].data)
        weft__spread(r->din[0].count, COST, slope_range, &(map_job){.r = r, .slope = f});
}

/* ---- activations ---- */

static void activate(const weft__op_args *r, real *y, const real *x, size_t n)
{
    weft__epilogue e = {0};
    r->node->op->epilogue(r->node, &e);
    KERNELS(r)->activate(y, x, n, &e);
}

void weft__activation_forward(const weft__op_args *r)
{
    weft__map_forward(r, activate);
}

static void slope(const weft__op_args *r, real *dx, const real *dy, const real *x,
                  const real *y, size_t n)
{
    weft__epilogue e = {0};
    r->node->op->epilogue(r->node, &e);
    /* by y; or by x; or leaky relu, which looks at the sign, and x and y have the same */
    KERNELS(r)->activate_backward(dx, dy, x ? x : y, y ? y : x, n, &e);
}

void weft__activation_backward(const weft__op_args *r)
{
    weft__map_backward(r, slope);
}

/* ---- rows ---- */

WEFT_SHARED weft__act_attr weft__row_numbers(const weft__node *node)
{
    const weft__unary_row *row = node->op->family;
    if (!row->option[0].name) return (weft__act_attr){row->alpha, row->beta};
    return *(const weft__act_attr *)node->attr;
}

WEFT_SHARED void weft__row_epilogue(const weft__node *node, weft__epilogue *e)
{
    const weft__unary_row *row = node->op->family;
    weft__act_attr a = weft__row_numbers(node);
    *e = (weft__epilogue){row->act, a.alpha, a.beta};
}

/* "alpha 0.2 beta 0.5" */
WEFT_SHARED void weft__row_describe(const weft__node *node, char *text, size_t size)
{
    const weft__unary_row *row = node->op->family;
    weft__act_attr a = weft__row_numbers(node);
    size_t used = 0;
    *text = 0;
    for (int i = 0; i < WEFT_ROW_OPTIONS && row->option[i].name && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s %g", i ? " " : "",
                                 row->option[i].name, i ? a.beta : a.alpha);
}

WEFT_SHARED void weft__row_write(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__unary_row *row = node->op->family;
    weft__act_attr a = weft__row_numbers(node);
    for (int i = 0; i < WEFT_ROW_OPTIONS; i++)
        if (row->option[i].onnx)
            weft__onnx_put_float(w, row->option[i].onnx, i ? a.beta : a.alpha);
    for (int i = 0; i < WEFT_ROW_STEPS && row->written[i].type; i++) {
        const weft__onnx_step *s = &row->written[i];
        if (i)
            weft__onnx_then(w, s->type);
        else
            weft__onnx_type(w, s->type);
        if (s->name && !strcmp(s->name, "x"))
            weft__onnx_add_input(w, 0);
        else if (s->name)
            weft__onnx_add_float(w, s->name, s->number);
    }
}

WEFT_SHARED double weft__option_read(struct weft__onnx_node *n, const weft__option *o)
{
    return o->onnx ? weft__onnx_get_float(n, o->onnx, o->standard) : o->standard;
}

WEFT_SHARED double weft__option_sample(weft__rng *rng, const weft__option *o)
{
    return o->tried[weft__rng_below(rng, sizeof o->tried / sizeof *o->tried)];
}

WEFT_SHARED weft_value weft__row_sample(weft_graph *g, weft__rng *rng,
                                        const weft__unary_row *row)
{
    if (!(row->low < row->high)) return weft__sample_any(g, rng);
    return weft__sample_within(g, rng, "x", weft__sample_shape(rng, 1, 5, 6), row->low,
                               row->high);
}
