/* fuse.c: activations that other tools, and our own writer, spell out in several
 * nodes.
 *
 * Whether a group of nodes is, say, GELU is not decided by its form, of which there
 * are many: the group is a function of one value and some constants, so it is
 * evaluated at a few points and compared with the curves that operators say to be
 * (ops/op.h). */
#include "store/onnx/read.h"

#include "weft/ops.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { DEEPEST = 12 };

typedef struct group {
    weft__onnx_reader *r;
    int root; /* the entry that stands for x */
    double x;
    bool failed; /* not a function of x alone */
    bool mark;   /* the nodes passed are inside the pattern */
} group;

static double scalar(group *g, const weft__onnx_entry *e)
{
    float value = 0;
    if (!e->tensor.given || !e->tensor.floats || e->tensor.count != 1 ||
        e->tensor.shape.rank > 1)
        g->failed = true;
    else
        weft__onnx_tensor_floats(&e->tensor, 0, &value);
    return value;
}

static double evaluate(group *g, int entry, int depth);

static double apply(group *g, const weft__onnx_item *item, int depth)
{
    const char *type = item->p->op_type;
    size_t inputs = item->p->n_input;
    if (inputs < 1 || inputs > 2 || item->p->n_attribute) {
        g->failed = true;
        return 0;
    }
    double a = evaluate(g, item->in[0], depth + 1);
    if (inputs == 1) {
        if (!strcmp(type, "Sigmoid")) return 1 / (1 + exp(-a));
        if (!strcmp(type, "Erf")) return erf(a);
        if (!strcmp(type, "Tanh")) return tanh(a);
        if (!strcmp(type, "Softplus")) return fmax(a, 0) + log1p(exp(-fabs(a)));
    } else {
        double b = evaluate(g, item->in[1], depth + 1);
        if (!strcmp(type, "Mul")) return a * b;
        if (!strcmp(type, "Add")) return a + b;
        if (!strcmp(type, "Div")) return a / b;
        if (!strcmp(type, "Pow")) return pow(a, b);
    }
    g->failed = true;
    return 0;
}

static double evaluate(group *g, int entry, int depth)
{
    if (entry == g->root) return g->x;
    if (entry < 0 || depth > DEEPEST) g->failed = true;
    if (g->failed) return 0;
    const weft__onnx_entry *e = &g->r->entry[entry];
    if (e->node < 0 || e->tensor.given) return scalar(g, e);
    weft__onnx_item *item = &g->r->item[e->node];
    /* What is inside must be of no use to others. */
    if (depth && (e->users != 1 || item->pattern)) g->failed = true;
    if (g->failed) return 0;
    if (g->mark && depth) item->pattern = WEFT_ONNX_INSIDE;
    return apply(g, item, depth);
}

/* The two forms of GELU differ by up to 5e-4; the files' constants are exact to
 * 1e-6. */
static bool agrees(group *g, int top, double (*f)(double))
{
    static const double points[] = {-4.1, -2.3, -1.1, -0.4, 0.3, 0.9, 1.7, 2.6, 3.9};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        g->x = points[i];
        double y = evaluate(g, top, 0);
        if (g->failed || !(fabs(y - f(g->x)) < 2e-6)) return false;
    }
    return true;
}

static void try_root(weft__onnx_reader *r, weft__onnx_item *item, int root)
{
    group g = {.r = r, .root = root};
    if (root < 0 || item->pattern || r->entry[root].tensor.given) return;
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        if (!op->onnx || !op->onnx->curve) continue;
        g.failed = g.mark = false;
        if (!agrees(&g, item->out[0], op->onnx->curve)) continue;
        g.mark = true;
        evaluate(&g, item->out[0], 0);
        item->pattern = WEFT_ONNX_CURVE;
        item->curve = op;
        item->root = root;
        return;
    }
}

/* All curves end in one of these. */
static bool is_product(const weft__onnx_item *item)
{
    return (!strcmp(item->p->op_type, "Mul") || !strcmp(item->p->op_type, "Pow")) &&
           item->p->n_input == 2 && item->p->n_output == 1 && item->out[0] >= 0 &&
           !item->p->n_attribute;
}

/* ---- dense over more than two axes: Reshape to rows, Gemm, Reshape back ---- */

/* The node that gives input k of item, if it is a `type` of no use to others. */
static weft__onnx_item *only_before(weft__onnx_reader *r, const weft__onnx_item *item,
                                    int k, const char *type)
{
    int e = k < (int)item->p->n_input ? item->in[k] : -1;
    if (e < 0 || r->entry[e].node < 0 || r->entry[e].users != 1) return NULL;
    weft__onnx_item *from = &r->item[r->entry[e].node];
    return strcmp(from->p->op_type, type) || from->pattern ? NULL : from;
}

/* The target of a Reshape that is written in the file; its rank, or -1. */
static int target(const weft__onnx_reader *r, const weft__onnx_item *item,
                  int64_t dim[WEFT_MAX_RANK])
{
    int e = item->p->n_input == 2 ? item->in[1] : -1;
    const weft__onnx_tensor *t = e < 0 ? NULL : &r->entry[e].tensor;
    if (!t || !t->given || t->floats || t->shape.rank != 1 || t->count > WEFT_MAX_RANK)
        return -1;
    weft__onnx_tensor_ints(t, 0, dim);
    return (int)t->count;
}

static void try_dense(weft__onnx_reader *r, weft__onnx_item *item)
{
    int64_t rows[WEFT_MAX_RANK], back[WEFT_MAX_RANK];
    weft__onnx_item *gemm = only_before(r, item, 0, "Gemm");
    weft__onnx_item *first = gemm ? only_before(r, gemm, 0, "Reshape") : NULL;
    if (!first || item->p->n_attribute || first->p->n_attribute || item->out[0] < 0)
        return;
    const pb_node *p = gemm->p;
    bool plain = p->n_attribute == 1 && !strcmp(p->attribute[0]->name, "transB") &&
                 p->attribute[0]->i == 1 && p->n_input >= 2 && gemm->in[1] >= 0;
    if (!plain || first->in[0] < 0 || target(r, item, back) < 1 ||
        target(r, first, rows) != 2 || rows[0] != -1 || rows[1] < 1)
        return;
    first->pattern = gemm->pattern = WEFT_ONNX_INSIDE;
    item->pattern = WEFT_ONNX_DENSE;
    item->root = first->in[0];
    item->inner = (int)(gemm - r->item);
}

/* Whether the last Reshape only gives y the leading axes of x back. */
static bool gives_back(weft_shape x, weft_shape w, const int64_t *back, int rank)
{
    if (rank != x.rank || w.rank != 2 || back[rank - 1] != w.dim[0]) return false;
    if (x.dim[rank - 1] != w.dim[1]) return false;
    for (int i = 0; i + 1 < rank; i++)
        if (back[i] != x.dim[i] && back[i] != -1) return false;
    return true;
}

static weft_value build_dense(weft__onnx_reader *r, const weft__onnx_item *item)
{
    const weft__onnx_item *gemm = &r->item[item->inner];
    int64_t back[WEFT_MAX_RANK];
    int rank = target(r, item, back), bias = gemm->p->n_input > 2 ? gemm->in[2] : -1;
    weft_value x = weft__onnx_entry_value(r, item->root);
    weft_value w = weft__onnx_entry_value(r, gemm->in[1]);
    weft_value b = bias < 0 ? WEFT_NONE : weft__onnx_entry_value(r, bias);
    if (!x.id || !w.id) return WEFT_NONE;
    weft_shape xs = weft__nominal_shape(r->g, x), ws = weft__nominal_shape(r->g, w);
    if (gives_back(xs, ws, back, rank)) return weft_dense(r->g, x, w, b);
    weft_shape to = {.rank = rank};
    for (int i = 0; i < rank; i++)
        to.dim[i] = back[i] > INT_MAX || back[i] < -1 ? -2 : (int)back[i];
    weft_value rows = weft_reshape(r->g, x, WEFT_SHAPE(-1, ws.rank == 2 ? ws.dim[1] : 1));
    return weft_reshape(r->g, weft_dense(r->g, rows, w, b), to);
}

static void try_curves(weft__onnx_reader *r, weft__onnx_item *item)
{
    for (int k = 0; k < 2; k++) {
        try_root(r, item, item->in[k]);
        int from = item->in[k] < 0 ? -1 : r->entry[item->in[k]].node;
        for (int j = 0; from >= 0 && is_product(&r->item[from]) && j < 2; j++)
            try_root(r, item, r->item[from].in[j]);
    }
}

void weft__onnx_fuse(weft__onnx_reader *r)
{
    for (int i = 0; i < r->ordered; i++)
        if (!strcmp(r->item[r->order[i]].p->op_type, "Reshape"))
            try_dense(r, &r->item[r->order[i]]);
    /* From the end: what looks like a curve may be inside a larger one. */
    for (int i = r->ordered - 1; i >= 0; i--)
        if (is_product(&r->item[r->order[i]])) try_curves(r, &r->item[r->order[i]]);
}

weft_value weft__onnx_build_pattern(weft__onnx_reader *r, const weft__onnx_item *item)
{
    if (item->pattern == WEFT_ONNX_DENSE) return build_dense(r, item);
    weft_value x = weft__onnx_entry_value(r, item->root);
    return weft__node_add(r->g, item->curve->name, NULL, 0, &x, 1, 1);
}
