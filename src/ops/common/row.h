/* row.h: what a row of activation.def and of function.def becomes: the public function,
 * the operator, and what is between them.
 *
 *     FUNCTION(name, "formula", FORWARD, y, BACKWARD, dx, (particulars), onnx, traits)
 *
 * y is a C expression of x, dx one of dy and of x or y, whichever the row keeps for the
 * backward pass: BY_X, BY_Y or BY_NEITHER, the first of the traits. Both may call the
 * functions of <math.h>. FORWARD and BACKWARD say how arrays are computed:
 *     LOOP      by that expression
 *     KERNEL    by the kernel of the row's .act, which is the same function (ops.rows
 *               holds it to the expression) and which convolutions and products before
 *               it can apply themselves
 *     VECTOR    by the kernel of the row's name; forward only
 *     OWN       by NAME_slopes, written out above the table; backward only
 * The particulars are fields of weft__unary_row, onnx is ONNX(name, op_type, opset) or
 * WEFT_ONNX(...) with hooks of the row's own, traits are fields of weft_op.
 *
 * ACTIVATION is the same. ACTIVATION1 has an option after the name, and the range that it
 * must be in, as an expression and as text; ACTIVATION2 has two options. */
#ifndef WEFT_SRC_OPS_COMMON_ROW_H
#define WEFT_SRC_OPS_COMMON_ROW_H

#include "ops/common/unary.h"

/* exp(x) is expf(x) where x is a float. A kernel of such a name is called in brackets. */
#include <tgmath.h>

#define WEFT__UNUSED __attribute__((unused))
#define WEFT__INSIDE(...) __VA_ARGS__

/* What backward keeps, and what may lie where: it follows from what dx is made of. */
#define BY_X .saves_in = 1, .grad_in_place = true
#define BY_Y .saves_out = 1, .in_place = true, .grad_in_place = true
#define BY_NEITHER .in_place = true, .grad_in_place = true

#define ONNX(name, op_type, opset) \
    WEFT_ONNX(op_type, opset, .read = name##_read, .write = weft__row_write)

/* A node of .written: it reads what the one before it gives; and x; and a constant. */
#define NODE(type) NODE_WITH(type, NULL, 0)
#define NODE_WITH_X(type) NODE_WITH(type, "x", 0)
#define NODE_WITH(op_type, constant, is) \
    { \
        .type = op_type, .name = constant, .number = is \
    }

/* ---- arithmetic ---- */

#define WEFT__ARITHMETIC(name, a, b, forward_by, y_is, backward_by, dx_is) \
    static void name##_at(double x, weft__act_attr options, double *y_at, double *dx_at) \
    { \
        const double a = options.alpha, b = options.beta, dy = 1, y = y_is; \
        (void)x, (void)a, (void)b, (void)dy; \
        *y_at = y; \
        *dx_at = dx_is; \
    } \
    WEFT__FORWARD_##forward_by(name, a, b, y_is) \
        WEFT__BACKWARD_##backward_by(name, a, b, dx_is)

#define WEFT__OPTIONS_OF(r, a, b) \
    const weft__act_attr numbers = weft__row_numbers((r)->node); \
    const real a = (real)numbers.alpha, b = (real)numbers.beta; \
    (void)a, (void)b

#define WEFT__FORWARD_LOOP(name, a, b, y_is) \
    static void name##_values(const weft__op_args *r, real *to, const real *from, \
                              size_t n) \
    { \
        WEFT__OPTIONS_OF(r, a, b); \
        for (size_t i = 0; i < n; i++) { \
            const real x = from[i]; \
            to[i] = (real)(y_is); \
        } \
    } \
    WEFT__FORWARD_MAPPED(name, a, b, y_is)

#define WEFT__FORWARD_VECTOR(name, a, b, y_is) \
    static void name##_values(const weft__op_args *r, real *y, const real *x, size_t n) \
    { \
        (KERNELS(r)->name)(y, x, n); \
    } \
    WEFT__FORWARD_MAPPED(name, a, b, y_is)

#define WEFT__FORWARD_MAPPED(name, a, b, y_is) \
    static void name##_forward(const weft__op_args *r) \
    { \
        weft__map_forward(r, name##_values); \
    }

#define WEFT__FORWARD_KERNEL(name, a, b, y_is) \
    static void name##_forward(const weft__op_args *r) \
    { \
        weft__activation_forward(r); \
    }

/* Of x and y the row keeps one: the loop reads that for both. */
#define WEFT__BACKWARD_LOOP(name, a, b, dx_is) \
    static void name##_slopes(const weft__op_args *r, real *to, const real *above, \
                              const real *xs, const real *ys, size_t n) \
    { \
        WEFT__OPTIONS_OF(r, a, b); \
        if (!xs) xs = ys ? ys : above; \
        if (!ys) ys = xs; \
        for (size_t i = 0; i < n; i++) { \
            const real dy = above[i], x = xs[i], y = ys[i]; \
            (void)dy, (void)x, (void)y; \
            to[i] = (real)(dx_is); \
        } \
    } \
    WEFT__BACKWARD_OWN(name, a, b, dx_is)

#define WEFT__BACKWARD_OWN(name, a, b, dx_is) \
    static void name##_backward(const weft__op_args *r) \
    { \
        weft__map_backward(r, name##_slopes); \
    }

#define WEFT__BACKWARD_KERNEL(name, a, b, dx_is) \
    static void name##_backward(const weft__op_args *r) \
    { \
        weft__activation_backward(r); \
    }

/* ---- the operator ---- */

#define WEFT__ROW(name, particulars) \
    static const weft__unary_row name##_row = {.at = name##_at, WEFT__INSIDE particulars};

#define WEFT__EPILOGUE_KERNEL weft__row_epilogue
#define WEFT__EPILOGUE_VECTOR NULL
#define WEFT__EPILOGUE_LOOP NULL

#define WEFT__OPERATOR(op_name, forward_by, formula, onnx_is, ...) \
    const weft_op WEFT_OP(op_name) = { \
        .name = #op_name, \
        .onnx = onnx_is, \
        .arity = 1, \
        .summary = formula, \
        .family = &op_name##_row, \
        .shape = weft__unary_shape, \
        .layout = weft__layout_same, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
        .epilogue = WEFT__EPILOGUE_##forward_by, \
        .sample = op_name##_sample, \
        __VA_ARGS__, \
    };

/* ---- rows ---- */

#define FUNCTION(name, formula, forward, y_is, backward, dx_is, particulars, onnx, ...) \
    WEFT_API weft_value weft_##name(weft_graph *g, weft_value x) \
    { \
        return weft__unary_add(g, #name, x); \
    } \
    WEFT__ARITHMETIC(name, alpha, beta, forward, y_is, backward, dx_is) \
    WEFT__ROW(name, particulars) \
    WEFT__UNUSED static double name##_curve(double x) \
    { \
        double y, dx; \
        name##_at(x, (weft__act_attr){0}, &y, &dx); \
        return y; \
    } \
    WEFT__UNUSED static weft_status name##_read(struct weft__onnx_node *n) \
    { \
        return weft__onnx_unary(n, weft_##name); \
    } \
    static weft_value name##_sample(weft_graph *g, weft__rng *rng) \
    { \
        weft_value x = weft__row_sample(g, rng, &name##_row), y = weft_##name(g, x); \
        return name##_row.flat ? weft_add(g, x, y) : y; \
    } \
    WEFT__OPERATOR(name, forward, formula, onnx, __VA_ARGS__)

#define ACTIVATION FUNCTION

#define ACTIVATION1(name, a, valid, allowed, formula, forward, y_is, backward, dx_is, \
                    particulars, onnx, ...) \
    WEFT_API weft_value weft_##name(weft_graph *g, weft_value x, double a) \
    { \
        if (!(valid)) return weft__unary_refuse(g, #name, #a, a, allowed); \
        return weft__unary_add_with(g, #name, x, a, 0); \
    } \
    WEFT__ARITHMETIC(name, a, beta_unused, forward, y_is, backward, dx_is) \
    WEFT__ROW(name, particulars) \
    static weft_status name##_read(struct weft__onnx_node *n) \
    { \
        double a = weft__option_read(n, &name##_row.option[0]); \
        weft_value x = weft__onnx_value(n, 0); \
        weft__onnx_set(n, 0, weft_##name(weft__onnx_graph(n), x, a)); \
        return WEFT_OK; \
    } \
    static weft_value name##_sample(weft_graph *g, weft__rng *rng) \
    { \
        double a = weft__option_sample(rng, &name##_row.option[0]); \
        return weft_##name(g, weft__row_sample(g, rng, &name##_row), a); \
    } \
    WEFT__OPERATOR(name, forward, formula, onnx, .describe = weft__row_describe, \
                   __VA_ARGS__)

#define ACTIVATION2(name, a, b, valid, allowed, formula, forward, y_is, backward, dx_is, \
                    particulars, onnx, ...) \
    WEFT_API weft_value weft_##name(weft_graph *g, weft_value x, double a, double b) \
    { \
        if (!(valid)) return weft__unary_refuse(g, #name, #a, a, allowed); \
        return weft__unary_add_with(g, #name, x, a, b); \
    } \
    WEFT__ARITHMETIC(name, a, b, forward, y_is, backward, dx_is) \
    WEFT__ROW(name, particulars) \
    WEFT__UNUSED static weft_status name##_read(struct weft__onnx_node *n) \
    { \
        double a = weft__option_read(n, &name##_row.option[0]); \
        double b = weft__option_read(n, &name##_row.option[1]); \
        weft_value x = weft__onnx_value(n, 0); \
        weft__onnx_set(n, 0, weft_##name(weft__onnx_graph(n), x, a, b)); \
        return WEFT_OK; \
    } \
    static weft_value name##_sample(weft_graph *g, weft__rng *rng) \
    { \
        double a = weft__option_sample(rng, &name##_row.option[0]); \
        double b = weft__option_sample(rng, &name##_row.option[1]); \
        return weft_##name(g, weft__row_sample(g, rng, &name##_row), a, b); \
    } \
    WEFT__OPERATOR(name, forward, formula, onnx, .describe = weft__row_describe, \
                   __VA_ARGS__)

#endif
