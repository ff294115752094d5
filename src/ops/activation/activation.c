/* activation.c: the activations of activation.def, and what few of them have to
 * themselves. */
#include "ops/common/row.h"

#include <string.h>

#define PI 3.14159265358979323846
#define SQRT_2_OVER_PI 0.79788456080286535588
#define SELU_SCALE 1.0507009873554804934
#define SELU_ALPHA 1.6732632423543772848

/* ---- words of the table ---- */

#define SQUARE(x) ((x) * (x))
#define CLIP(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
#define SIGMOID(x) (1 / (1 + exp(-(x))))
#define SOFTPLUS(x) (((x) > 0 ? (x) : 0) + log1p(exp(-fabs(x))))

static double gelu_tanh_slope_of(double x)
{
    double t = tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x));
    double inner = SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
}

/* Of y the kernel of elu makes exp(-beta y) - 1, which is -sigmoid(beta x). */
static void softplus_slopes(const weft__op_args *r, real *dx, const real *dy,
                            const real *x, const real *y, size_t n)
{
    const real beta = (real)((const weft__act_attr *)r->node->attr)->alpha;
    real t[256];
    (void)x;
    for (size_t i = 0, m; i < n; i += m) {
        m = n - i < 256 ? n - i : 256;
        for (size_t j = 0; j < m; j++) t[j] = -beta * y[i + j];
        KERNELS(r)->activate(t, t, m, &(weft__epilogue){WEFT_ACT_ELU, 1, 0});
        for (size_t j = 0; j < m; j++) dx[i + j] = -t[j] * dy[i + j];
    }
}

/* ---- ONNX ---- */

/* The usual constants, rounded to float. */
static weft_status selu_from_onnx(struct weft__onnx_node *n)
{
    const double usual[2] = {1.67326319217681884765625, 1.05070102214813232421875};
    double alpha = weft__onnx_get_float(n, "alpha", usual[0]);
    double gamma = weft__onnx_get_float(n, "gamma", usual[1]);
    if (fabs(alpha - usual[0]) > 1e-5 || fabs(gamma - usual[1]) > 1e-5)
        return weft__onnx_fail(n, "alpha %g and gamma %g, only the usual ones are known",
                               alpha, gamma);
    return weft__onnx_unary(n, weft_selu);
}

static weft_status gelu_from_onnx(struct weft__onnx_node *n)
{
    const char *kind = weft__onnx_get_text(n, "approximate", "none");
    if (!strcmp(kind, "tanh")) return weft__onnx_unary(n, weft_gelu_tanh);
    if (!strcmp(kind, "none")) return weft__onnx_unary(n, weft_gelu);
    return weft__onnx_fail(n, "approximate \"%s\" is neither none nor tanh", kind);
}

static weft_status silu_from_onnx(struct weft__onnx_node *n)
{
    double alpha = weft__onnx_get_float(n, "alpha", 1);
    if (alpha != 1) return weft__onnx_fail(n, "alpha is %g, only 1 is known", alpha);
    return weft__onnx_unary(n, weft_silu);
}

static void softplus_to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    const weft__act_attr *a = node->attr;
    if (a->alpha == 1) return;
    weft__onnx_type(w, "Mul");
    weft__onnx_add_float(w, "beta", a->alpha);
    weft__onnx_then(w, "Softplus");
    weft__onnx_then(w, "Div");
    weft__onnx_add_float(w, "beta", a->alpha);
}

/* The node that computes value v: a softplus of beta 1, or NULL. */
static const weft__node *plain_softplus(const weft_graph *g, int v)
{
    const weft__node *node = weft__giver(g, v, "softplus");
    return node && ((const weft__act_attr *)node->attr)->alpha == 1 ? node : NULL;
}

/* Neg, Softplus, Neg; or Log of Sigmoid, as PyTorch writes it. */
static weft_value log_sigmoid_whole(weft_graph *g, const weft__node *last)
{
    const weft__node *minus = weft__giver(g, last->out[0], "neg");
    const weft__node *log_of = weft__giver(g, last->out[0], "log"), *first = NULL;
    if (minus) {
        const weft__node *middle = plain_softplus(g, minus->in[0]);
        if (middle) first = weft__giver(g, middle->in[0], "neg");
    } else if (log_of) {
        first = weft__giver(g, log_of->in[0], "sigmoid");
    }
    if (!first) return WEFT_NONE;
    return weft_log_sigmoid(g, (weft_value){first->in[0]});
}

/* ---- Clip: limits are attributes before opset 11, inputs since ---- */

static bool read_limits(struct weft__onnx_node *n, double limit[2])
{
    limit[0] = -INFINITY;
    limit[1] = INFINITY;
    for (int i = 0; i < 2; i++) {
        if (weft__onnx_opset(n) < 11)
            limit[i] = weft__onnx_get_float(n, i ? "max" : "min", limit[i]);
        else if (weft__onnx_shape(n, i + 1).rank >= 0 &&
                 weft__onnx_const_floats(n, i + 1, &limit[i], 1) < 1)
            return false;
    }
    return true;
}

static weft_status clip_from_onnx(struct weft__onnx_node *n)
{
    double limit[2];
    if (!read_limits(n, limit))
        return weft__onnx_fail(n, "%s is not a constant",
                               isinf(limit[0]) ? "min" : "max");
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_set(n, 0, weft_clip(weft__onnx_graph(n), x, limit[0], limit[1]));
    return WEFT_OK;
}

static bool relu6_claims(struct weft__onnx_node *n)
{
    double limit[2];
    return read_limits(n, limit) && limit[0] == 0 && limit[1] == 6;
}

static bool hard_tanh_claims(struct weft__onnx_node *n)
{
    double limit[2];
    return read_limits(n, limit) && limit[0] == -1 && limit[1] == 1;
}

static void clip_to_onnx(const weft__node *node, struct weft__onnx_writer *w)
{
    weft__act_attr a = weft__row_numbers(node);
    if (isinf(a.alpha))
        weft__onnx_add_absent(w);
    else
        weft__onnx_add_float(w, "min", a.alpha);
    if (!isinf(a.beta)) weft__onnx_add_float(w, "max", a.beta);
}

#include "ops/activation/activation.def"
