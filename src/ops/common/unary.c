/* unary.c: what operators of one input and one output of its shape have in common. */
#include "ops/common/unary.h"

#define COST 8 /* operations per element, roughly */
#define SELU_SCALE 1.0507009873554804934
#define SELU_ALPHA 1.6732632423543772848

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

/* dx = slope dy where y > 0, else (y + shift) dy: elu and selu. */
static void elu_slope(real *dx, const real *dy, const real *y, size_t n, real slope,
                      real shift)
{
    for (size_t i = 0; i < n; i++) dx[i] = (y[i] > 0 ? slope : y[i] + shift) * dy[i];
}

/* dx = slope dy where low < y < high, else 0. A NaN passes on. */
static void inner_slope(real *dx, const real *dy, const real *y, size_t n, real slope,
                        real low, real high)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = y[i] <= low || y[i] >= high ? 0 : slope * dy[i];
}

/* s(beta x) = 1 - exp(-beta y) = -expm1(-beta y), which is elu's lower half. */
static void softplus_slope(const weft__kernels *k, real *dx, const real *dy,
                           const real *y, size_t n, real beta)
{
    real t[256];
    for (size_t i = 0, m; i < n; i += m) {
        m = n - i < 256 ? n - i : 256;
        for (size_t j = 0; j < m; j++) t[j] = -beta * y[i + j];
        k->activate(t, t, m, &(weft__epilogue){WEFT_ACT_ELU, 1, 0});
        for (size_t j = 0; j < m; j++) dx[i + j] = -t[j] * dy[i + j];
    }
}

static void slope(const weft__op_args *r, real *dx, const real *dy, const real *x,
                  const real *y, size_t n)
{
    weft__epilogue e = {0};
    r->node->op->epilogue(r->node, &e);
    switch (e.act) {
    case WEFT_ACT_ELU:
        elu_slope(dx, dy, y, n, 1, (real)e.alpha);
        break;
    case WEFT_ACT_SELU:
        elu_slope(dx, dy, y, n, (real)SELU_SCALE, (real)(SELU_SCALE * SELU_ALPHA));
        break;
    case WEFT_ACT_HARD_SIGMOID:
        inner_slope(dx, dy, y, n, (real)e.alpha, 0, 1);
        break;
    case WEFT_ACT_CLIP:
        inner_slope(dx, dy, y, n, 1, (real)e.alpha, (real)e.beta);
        break;
    case WEFT_ACT_SOFTPLUS:
        softplus_slope(KERNELS(r), dx, dy, y, n, (real)e.alpha);
        break;
    default: /* by y, or leaky relu: x and y have the same sign */
        KERNELS(r)->activate_backward(dx, dy, x ? x : y, y ? y : x, n, &e);
    }
}

void weft__activation_backward(const weft__op_args *r)
{
    weft__map_backward(r, slope);
}
