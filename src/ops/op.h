/* op.h: the contract between an operator and the rest of the library.
 *
 * An operator is one file with one `const weft_op WEFT_OP(name)` and one row OP(name)
 * in table.def; operators that differ by their arithmetic alone are rows of a family's
 * table (activation.def, function.def, binary.def, loss.def). All are built twice: with
 * real = float, and with real = double for gradient checks; WEFT_OP() gives the table
 * another name in the second build, where what is marked WEFT_API or WEFT_SHARED is left
 * out (shared.h). An operator's own code therefore says `real`, never float, and finds
 * its kernels with KERNELS(r). */
#ifndef WEFT_SRC_OPS_OP_H
#define WEFT_SRC_OPS_OP_H

#include "base/error.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include "weft/graph.h"

#ifdef WEFT_F64
#define WEFT_OP(name) weft_op_##name##_f64
#define WEFT_REAL WEFT_F64
#else
#define WEFT_OP(name) weft_op_##name
#endif

/* How a value lies in memory. row-major is row-major in logical order. channels-last
 * is channels-last: logical [n, c, d...] stored as [n][d...][c] (the same as
 * row-major below rank 3). HWIO is for weights: logical [o, i, k...] stored as
 * [k...][i][o]; for rank 2 [i][o]. */
typedef enum weft__layout { WEFT_ROW_MAJOR, WEFT_CHANNELS_LAST, WEFT_HWIO } weft__layout;

/* The rows of a table's gradient that are not 0: the price of a step then follows from
 * the batch, not from the table. */
typedef struct weft__row_set {
    int32_t *row; /* [rows], the first `count` count, each once, as they were added */
    int count, rows;
    size_t wide;         /* elements of a row */
    unsigned char *seen; /* [rows]: is it in the list? */
} weft__row_set;

static inline void weft__row_set_add(weft__row_set *t, int32_t row)
{
    if (t->seen[row]) return;
    t->seen[row] = 1;
    t->row[t->count++] = row;
}

typedef struct weft__tensor {
    void *data; /* real * or int32_t *; NULL: not there (an absent input, a gradient
                   nobody wants) */
    int rank;
    int dim[WEFT_MAX_RANK]; /* logical */
    weft_type type; /* WEFT_F32 for every real, also in the double build; or WEFT_I32 */
    weft__layout layout;
    size_t count; /* elements */
    weft__row_set
        *row_set; /* of a gradient whose rows are listed, see weft_op.writes_rows */
} weft__tensor;

typedef struct weft__node {
    const struct weft_op *op; /* of the float build */
    const char *name;         /* "conv2" or "add.3": for messages */
    const void *attr;         /* the operator's own options */
    int nin, nout;
    int *in, *out; /* value ids; 0 for an absent input */
    int number;    /* position in the graph, a key for random numbers */
} weft__node;

/* What forward and backward are given. All pointers are set when the plan is made. */
typedef struct weft__op_args {
    const weft__node *node;
    const void *attr;
    const weft__tensor *in, *out; /* values */
    const weft__tensor *din,
        *dout;            /* gradients; data NULL where not wanted or nothing comes */
    void *saved;          /* written by forward, read by backward */
    void *scratch;        /* working memory of this call, contents unknown */
    const void *prepared; /* what the operator's prepare filled in; NULL: it has none */
    void *
        prepacked; /* what prepack made of the weights; NULL: they are used as they are */
    const void *kernels;
    const weft__epilogue *epilogue; /* activation to apply to out[0]; NULL for none */
    /* added to out[0] before the epilogue, and where its gradient goes; NULL: none */
    const weft__tensor *residual, *dresidual;
    unsigned accumulate; /* bit i: backward adds to din[i], instead of writing it */
    bool training;
    uint64_t seed, step; /* for random numbers */
    void *step_gradient; /* NULL, or of out[0]'s shape: backward of a recurrent layer
                            leaves here the gradient of the loss for each step's state,
                            0 where a sample is over. For who looks on (weft flow) */
} weft__op_args;

#define KERNELS(r) ((const weft__kernels *)(r)->kernels)

struct weft__onnx_writer; /* ops/onnx.h */
struct weft__onnx_node;

/* ---- traits: what others may know of an operator without knowing its name ---- */

/* What the planner may make of a step and its neighbours (src/plan/fuse.c). More is
 * said by .epilogue, .fuses_epilogue, .fuses_residual and .affine. */
typedef enum weft__fusion {
    WEFT_FUSE_NOTHING,
    /* y = in[0] + in[1]. Where both have y's shape, the step that computes one of them
     * does the sum, too, if it .fuses_residual. */
    WEFT_FUSE_SUM,
    /* Each y is the largest of some elements of in[0], the first of equal ones. A
     * .monotone activation before it is applied after it, where there are fewer
     * elements: such an operator .fuses_epilogue. */
    WEFT_FUSE_LARGEST,
    /* y = in[0] times a weight in[1], stored as WEFT_HWIO, plus a bias in[2], which
     * may be absent; the weight's last storage axis and the bias count along
     * .unit_axis of y. When nothing is trained, an operator with .affine that
     * follows is folded into weight and bias. */
    WEFT_FUSE_PRODUCT
} weft__fusion;

/* One index of an affine map: y = (x - centre) * scale + shift. */
typedef struct weft__affine_map {
    double centre, scale, shift;
} weft__affine_map;

/* Which values of a unit say nothing: weft flow counts a unit as dead that has no other
 * ones. */
typedef enum weft__saturation {
    WEFT_SATURATES_AT_0,       /* 0 itself, as after relu */
    WEFT_SATURATES_AS_SIGMOID, /* within 0.01 of 0 or of 1 */
    WEFT_SATURATES_AS_TANH     /* within 0.01 of -1 or of 1 */
} weft__saturation;

/* The states of a recurrent layer: out[0] is [n, steps, directions * units]. */
typedef struct weft__states {
    int steps, directions;
    bool reverse[2]; /* whether the direction starts at a sample's last step */
    weft__saturation saturation;
} weft__states;

/* Where the units of out[0] lie, see weft_op.unit_axis. */
enum { WEFT_UNITS_KEPT = 0, WEFT_UNITS_LAST = -1 };

/* What prepare and memory are given, when a plan is made. */
typedef struct weft__setup {
    const weft__node *node;
    const weft__tensor *in, *out; /* shapes and orders are final; there is no data */
    const void *kernels;          /* as in weft__op_args, for KERNELS() */
    bool training;                /* a backward will follow */
    void *prepared; /* prepare's to fill, memory's to read: zeroed memory of the plan */
} weft__setup;

typedef struct weft__memory {
    size_t saved, scratch; /* bytes */
    /* where nothing is trained: what prepack makes, and scratch when that is there */
    size_t prepacked, scratch_prepacked;
} weft__memory;

/* How an operator looks in ONNX files, what reads it and what writes it. What these may
 * call is in ops/onnx.h; they call nothing else of store/. */
typedef struct weft__onnx_hooks {
    const char *name; /* op_type of the node that is this operator; NULL: there is none */
    int since;        /* the opset whose form is written; older ones are read, too */
    const char *also; /* a second op_type that read takes; NULL: none */
    /* Builds the operator from a node of one of these types. NULL: nothing is read. */
    weft_status (*read)(struct weft__onnx_node *n);
    /* Where another operator has one of these types, too: whether this node is for this
     * one. It is asked first. */
    bool (*claims)(struct weft__onnx_node *n);
    /* For an operator that files spell out as a group of nodes. last has been built as
     * what it is alone; if it ends such a group, adds the operator that all of them are
     * and returns what it gives, which takes last's place. WEFT_NONE: it does not. */
    weft_value (*whole)(weft_graph *g, const weft__node *last);
    /* For an operator of one input that is this function, and that files spell out by
     * arithmetic: nodes that compute it, in whatever form, are read as the operator. */
    double (*curve)(double x);
    /* Adds attributes, or writes several nodes. NULL: one node with the operator's
     * inputs and outputs is all. */
    void (*write)(const weft__node *node, struct weft__onnx_writer *w);
} weft__onnx_hooks;

#define WEFT_ONNX(...) (&(const weft__onnx_hooks){__VA_ARGS__})

typedef struct weft_op {
    const char *name;
    const weft__onnx_hooks *onnx; /* NULL: it has no ONNX form and is not read */
    int arity;                    /* inputs; -1 when it varies */
    const char *summary;          /* one line for `weft ops`: "y = max(x, 0)" */
    const void *family; /* of a row of a family: what the family's functions go by */

    /* Fills rank, dim and type of every output from the inputs (an absent input has
     * rank
     *   -1). A misfit is a weft__fail(WEFT_ESHAPE, "%s: ...", node->name, ...) that
     *     says
     * both shapes. */
    weft_status (*shape)(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out);

    /* Chooses layouts. want[i] arrives as the input's order and may be changed (the
     * planner then copies, or stores a parameter that way from the start); give[j]
     * arrives row-major. NULL means weft__layout_row_major. */
    void (*layout)(const weft__node *node, const weft__tensor *in, weft__layout *want,
                   const weft__tensor *out, weft__layout *give);

    /* Once for each step of a plan: works out of shapes and options what memory,
     * forward and backward want to know (geometry, strides, sizes) and leaves it in
     * s->prepared, from where these take it, as r->prepared, and check and derive
     * nothing again. The plan gives `prepared` bytes for it, and those that
     * prepared_more asks for after them. The shape rule has accepted these shapes;
     * gradients have the shapes and orders of their values. NULL: there is nothing
     * to prepare. */
    weft_status (*prepare)(const weft__setup *s);
    size_t prepared;
    size_t (*prepared_more)(const weft__setup *s);

    /* Working memory; NULL means none. Comes after prepare. */
    void (*memory)(const weft__setup *s, weft__memory *m);

    /* out = f(in). Shares work among threads itself. */
    void (*forward)(const weft__op_args *r);
    /* Writes all of every din[i] with data (the pass adds where a value has several
     * consumers, unless accumulates). NULL: no gradient flows through. */
    void (*backward)(const weft__op_args *r);

    /* Brings in[1], the weight, into the form in which forward reads it, in
     * r->prepacked. It is called where nothing is trained, once for each change of
     * the parameters; in[1] may be gone afterwards. NULL: there is no such form. */
    void (*prepack)(const weft__op_args *r);

    /* The inputs, as bits, of which backward can say what rows of the gradient it gives
     * something to. When all readers of a parameter can, din[i].touched is set: then
     * backward adds to those rows and adds them to the list, and leaves the others. */
    unsigned (*writes_rows)(const weft__node *node);

    /* What backward reads besides dout and saved: bit i for in[i], out[j]. */
    unsigned saves_in, saves_out;
    bool in_place;      /* forward may be called with out[0].data == in[0].data */
    bool grad_in_place; /* backward may be called with din[0].data == dout[0].data */
    bool view; /* out[0] is in[0] under another shape: in_place and grad_in_place, and
                * then nothing is to be done */
    bool fuses_epilogue;  /* forward applies r->epilogue to out[0] */
    bool fuses_residual;  /* forward adds r->residual, which may lie where out[0] does;
                          * backward writes dresidual, which may lie where dout[0] does,
                          * and which is dout[0] */
    bool fuses_relu_bwd;  /* backward takes the derivative of a relu in r->epilogue */
    unsigned accumulates; /* bit i: backward knows r->accumulate of din[i] */
    bool random;          /* uses seed and step; differs between training and inference */

    /* ---- traits that the planner merges steps by, see weft__fusion ---- */

    /* For an activation: fills e, so that it can be fused into what comes before it. */
    void (*epilogue)(const weft__node *node, weft__epilogue *e);
    /* With epilogue: the activation is non-decreasing and, where it makes unequal
     * inputs equal, its derivative is 0: it may change places with a maximum. */
    bool monotone;
    weft__fusion fuse;
    /* For an operator that, when nothing is trained, maps every index along
     * .unit_axis of in[0] by numbers that the other inputs hold: the map of one
     * index. The data of in[1], in[2] ... is there. */
    weft__affine_map (*affine)(const weft__node *node, const weft__tensor *in, int index);

    /* ---- traits that weft flow shows a network by ---- */

    /* The axis of out[0] along which its units lie (channels, features, hidden units);
     * negative ones count from the end. WEFT_UNITS_KEPT: that of in[0] where the shapes
     * are equal, or else axis 1. */
    int unit_axis;
    /* Instead of unit_axis: where axis `axis` of in[0] is in out[0]. */
    int (*moved_axis)(const weft__node *node, int axis);
    /* The input that says how many steps of out[0], [n, t, ...], count of each
     * sample. 0: as many as of in[0], where the shapes are equal, or else all. */
    int lengths_input;
    weft__saturation saturation; /* of out[0]; a recurrent layer's is in its states */
    /* For a recurrent layer, whose backward serves r->step_gradient. in has shapes. */
    void (*states)(const weft__node *node, const weft__tensor *in, weft__states *s);
    /* out[0] holds what was found at each place, a step or a pixel: weft flow follows
     * the gradient from step to step and shows the channels as maps. */
    bool features;
    bool pools; /* out[0] is a coarser in[0], with nothing new found */

    /* ---- for people and tests ---- */

    /* Floating-point operations of one forward; NULL counts none. backward counts twice
     * that. */
    double (*flops)(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out);

    /* Options as text for `weft show`: "3x3 s2 p1"; NULL: none. */
    void (*describe)(const weft__node *node, char *text, size_t size);

    /* Builds a small random case for the table-driven tests and returns its (float)
     * output: inputs of gradient are weft_param or weft_input of at most a few hundred
     * elements, shapes and options drawn from rng, edges included. The test fills every
     * float input with normal numbers (or calls for others with weft__sample_range). */
    weft_value (*sample)(weft_graph *g, weft__rng *rng);
} weft_op;

/* ---- for the public functions of ops/ ---- */

/* Adds a node with nout outputs and a copy of attr; returns its first output, or
 * WEFT_NONE after a failure (the graph remembers it). ids of absent inputs are 0. */
weft_value weft__node_add(weft_graph *g, const char *op, const void *attr,
                          size_t attr_bytes, const weft_value *in, int nin, int nout);
/* Output k of the node that computes first. */
weft_value weft__node_out(const weft_graph *g, weft_value first, int k);
/* Marks the graph as failed with the current message (weft__fail was called before). */
weft_value weft__graph_fail(weft_graph *g, weft_status s);
/* What the tests should fill an input with: uniform numbers in low..high, not normal
 * ones. */
void weft__sample_range(weft_graph *g, weft_value v, double low, double high);
weft_shape weft__nominal_shape(const weft_graph *g,
                               weft_value v); /* batch counted as 1 */
/* The node that computes v; NULL for none. */
const weft__node *weft__node_of(const weft_graph *g, weft_value v);
/* The data of a constant (logical order), or NULL when v is not one. */
const float *weft__const_data(const weft_graph *g, weft_value v);
const int32_t *weft__const_int_data(const weft_graph *g, weft_value v);

/* The axis of an output of that rank along which its units lie; for an operator that
 * says it by unit_axis. */
static inline int weft__unit_axis(const weft_op *op, int rank)
{
    return op->unit_axis < 0 ? op->unit_axis + rank : op->unit_axis;
}

/* ---- tensor.c: helpers for shapes and layouts ---- */
size_t weft__tensor_count(const weft__tensor *t);
/* The dimensions in the order of storage, and where each logical axis lies there. */
void weft__storage(const weft__tensor *t, int dim[WEFT_MAX_RANK],
                   int place[WEFT_MAX_RANK]);
/* Strides in elements, by logical axis. */
void weft__strides(const weft__tensor *t, size_t stride[WEFT_MAX_RANK]);
/* Around logical axis a: elements before, along and after it in storage. */
void weft__around(const weft__tensor *t, int axis, size_t *outer, size_t *along,
                  size_t *inner);
/* Negative axes count from the end; a bad one is WEFT_ESHAPE with the node's name. */
weft_status weft__check_axis(const weft__node *node, int *axis, int rank);
weft_status weft__set_dims(weft__tensor *t, int rank, const int *dim);
void weft__same_shape(weft__tensor *out, const weft__tensor *in);
bool weft__shapes_equal(const weft__tensor *a, const weft__tensor *b);
/* "[64, 3, 32, 32]" into text (at least 100 bytes); returns text. */
char *weft__shape_text(char *text, size_t size, const weft__tensor *t);
/* numpy's broadcasting of a and b into out; WEFT_ESHAPE names both. */
weft_status weft__broadcast(const weft__node *node, const weft__tensor *a,
                            const weft__tensor *b, weft__tensor *out);
/* y = x brought from x->order to y->order (logical shapes equal; real or int32). */
void weft__reorder(const weft__tensor *y, const weft__tensor *x, const void *kernels);

/* Layout rules for `layout`. */
void weft__layout_row_major(const weft__node *node, const weft__tensor *in,
                            weft__layout *want, const weft__tensor *out,
                            weft__layout *give);
/* All inputs of the output's rank take the order of the first one that is as large
 * as the output; lower ranks row-major; outputs the same. For elementwise operators
 * and all that go by weft__around. */
void weft__layout_same(const weft__node *node, const weft__tensor *in, weft__layout *want,
                       const weft__tensor *out, weft__layout *give);
/* in[0] and out[0] channels-last, the rest row-major; a weight in[1] of rank 2 or more
 * HWIO. */
void weft__layout_spatial(const weft__node *node, const weft__tensor *in,
                          weft__layout *want, const weft__tensor *out,
                          weft__layout *give);

/* Spreads n items of `cost` elementary operations each over the threads, as
 * weft__parallel does, in ranges large enough to be worth it. */
typedef void weft__range(void *arg, size_t begin, size_t end);
void weft__spread(size_t n, double cost, weft__range *f, void *arg);

/* ---- table.c ---- */
typedef struct weft__op_pair {
    const weft_op *f32, *f64;
} weft__op_pair;
int weft__op_count(void);
weft__op_pair weft__op_at(int i);
const weft__op_pair *weft__op_find(const char *name); /* NULL when unknown */
/* What the planner puts where two steps want a value in different orders. */
extern const weft_op weft_op_reorder;

#endif
