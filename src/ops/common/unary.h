/* unary.h: what operators of one input and one output of its shape have in common. */
#ifndef WEFT_SRC_OPS_COMMON_UNARY_H
#define WEFT_SRC_OPS_COMMON_UNARY_H

#include "ops/onnx.h"
#include "ops/common/sample.h"
#include "ops/common/shared.h"

/* The options of an activation; what they mean, the operator says. */
typedef struct weft__act_attr {
    double alpha, beta;
} weft__act_attr;

weft_value weft__unary_add(weft_graph *g, const char *op,
                           weft_value x); /* without options */
weft_value weft__unary_add_with(weft_graph *g, const char *op, weft_value x, double alpha,
                                double beta);

/* WEFT_EUSAGE with the operator's name: "OP: WHAT is VALUE, must be ALLOWED". */
weft_value weft__unary_refuse(weft_graph *g, const char *op, const char *what,
                              double value, const char *allowed);

/* y has the shape of x, which must be of real numbers. */
weft_status weft__unary_shape(const weft__node *node, const weft__tensor *in,
                              weft__tensor *out);
weft_status weft__want_real(const weft__node *node, const weft__tensor *t);

/* Forward and backward of an activation, by the kernel that op->epilogue names. Backward
 * goes by y alone, unless the operator keeps its input. */
#define weft__activation_forward WEFT_TWICE(activation_forward)
#define weft__activation_backward WEFT_TWICE(activation_backward)
void weft__activation_forward(const weft__op_args *r);
void weft__activation_backward(const weft__op_args *r);

/* out[0] = f(in[0]) and din[0] = f'(..) dout[0] piece by piece on the threads. x or
 * y is NULL when backward does not keep it. */
#define weft__map_fn WEFT_TWICE(map_fn)
typedef void weft__map_fn(const weft__op_args *r, real *y, const real *x, size_t n);
#define weft__slope_fn WEFT_TWICE(slope_fn)
typedef void weft__slope_fn(const weft__op_args *r, real *dx, const real *dy,
                            const real *x, const real *y, size_t n);
#define weft__map_forward WEFT_TWICE(map_forward)
#define weft__map_backward WEFT_TWICE(map_backward)
void weft__map_forward(const weft__op_args *r, weft__map_fn *f);
void weft__map_backward(const weft__op_args *r, weft__slope_fn *f);

/* from_onnx of a node without attributes. */
weft_status weft__onnx_unary(struct weft__onnx_node *n,
                             weft_value (*build)(weft_graph *g, weft_value x));

/* ---- rows: activation.def, function.def ---- */

/* A number that a row's public function takes after x. */
typedef struct weft__option {
    const char *name; /* for weft show */
    const char *onnx; /* the attribute that holds it; NULL: none */
    double standard;  /* where a file does not say */
    double tried[4];  /* in samples */
} weft__option;

/* One of the ONNX nodes that spell a row out: each reads the result of the one before
 * it, the first x. Its second input: x where name is "x", a constant of that name
 * otherwise; NULL: it has none. */
typedef struct weft__onnx_step {
    const char *type, *name;
    double number;
} weft__onnx_step;

enum { WEFT_ROW_OPTIONS = 2, WEFT_ROW_STEPS = 9 };

/* What is particular about a row; weft_op.family of its operator. */
typedef struct weft__unary_row {
    /* y, and dx for a dy of 1: the arithmetic. What forward and backward compute is
     * held to it by tests; see .curve, too */
    void (*at)(double x, weft__act_attr options, double *y, double *dx);
    weft__act act;      /* the kernel that computes it, as an epilogue, too; or NONE */
    double alpha, beta; /* of that kernel, where the row has no options */
    weft__option option[WEFT_ROW_OPTIONS];
    weft__onnx_step written[WEFT_ROW_STEPS]; /* none: a node of the row's ONNX name */
    double low, high; /* what samples fill x with; both 0: anything */
    bool flat;        /* the slope is 0 everywhere; samples add x */
} weft__unary_row;

/* A node's numbers: its options, or where its row has none those of the kernel. */
weft__act_attr weft__row_numbers(const weft__node *node);

/* The hooks that all rows share; they find the row in node->op->family. */
void weft__row_epilogue(const weft__node *node, weft__epilogue *e);
void weft__row_describe(const weft__node *node, char *text, size_t size);
void weft__row_write(const weft__node *node, struct weft__onnx_writer *w);
/* For the hooks that each row has. */
double weft__option_read(struct weft__onnx_node *n, const weft__option *o);
double weft__option_sample(weft__rng *rng, const weft__option *o);
weft_value weft__row_sample(weft_graph *g, weft__rng *rng, const weft__unary_row *row);

#endif
