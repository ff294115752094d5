/* fold.c: computes what is known while reading: the shape arithmetic that exporters
 * put before Reshape, Resize and Slice. Numbers are kept twice, for a batch of 1 and of
 * 2, so that what depends on the batch shows. */
#include "store/onnx/read.h"

#include "base/error.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum {
    MOST = 1 << 12,       /* elements of a computed tensor */
    MOST_BYTES = 64 << 20 /* of all of them */
};

typedef weft__onnx_cell cell;

/* An input decoded: cells for both batches. */
typedef struct operand {
    weft_shape shape;
    int count;
    bool floats;
    cell *v[2];
} operand;

static cell *cells(weft__onnx_reader *r, int count)
{
    size_t bytes = ((size_t)count + 1) * sizeof(cell);
    r->computed += bytes;
    return r->computed <= MOST_BYTES ? weft__arena_alloc(&r->arena, bytes) : NULL;
}

/* False: the input is not known, or too large to compute with. */
static bool decode(weft__onnx_node *n, int i, operand *out)
{
    const weft__onnx_tensor *t = weft__onnx_known(n, i);
    if (!t || t->count > MOST) return false;
    *out = (operand){.shape = t->shape, .count = (int)t->count, .floats = t->floats};
    for (int b = 0; b < 2; b++) {
        if (!(out->v[b] = cells(n->r, out->count))) return false;
        if (t->folded[b]) {
            memcpy(out->v[b], t->folded[b], t->count * sizeof(cell));
        } else if (t->floats) {
            float f[MOST];
            weft__onnx_tensor_floats(t, b, f);
            for (int k = 0; k < out->count; k++) out->v[b][k].d = f[k];
        } else {
            int64_t wide[MOST];
            weft__onnx_tensor_ints(t, b, wide);
            for (int k = 0; k < out->count; k++) out->v[b][k].i = wide[k];
        }
    }
    return true;
}

static bool make(weft__onnx_reader *r, operand *y, weft_shape shape, bool floats)
{
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        count *= shape.dim[i];
        if (count < 0 || count > MOST) return false;
    }
    *y = (operand){.shape = shape, .count = (int)count, .floats = floats};
    y->v[0] = cells(r, y->count);
    y->v[1] = cells(r, y->count);
    return y->v[0] && y->v[1];
}

static bool give(weft__onnx_node *n, const operand *y)
{
    weft__onnx_tensor t = {.shape = y->shape,
                           .count = (size_t)y->count,
                           .floats = y->floats,
                           .given = true,
                           .folded = {y->v[0], y->v[1]}};
    weft__onnx_set_known(n, 0, &t);
    return true;
}

static weft_shape vector(int count)
{
    return (weft_shape){.rank = 1, .dim = {count}};
}

/* An axis in 0 .. rank-1, or -1. */
static int axis_of(int64_t axis, int rank)
{
    if (axis < 0) axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

/* ---- Shape, Size ---- */

static int cut_axis(int64_t axis, int rank)
{
    if (axis < 0) axis += rank;
    return axis < 0 ? 0 : axis > rank ? rank : (int)axis;
}

static bool fold_shape(weft__onnx_node *n)
{
    weft_shape s = weft__onnx_entry_shape(n->r, n->item->in[0], 0);
    operand y;
    if (s.rank < 0) return false;
    int from = cut_axis(weft__onnx_get_int(n, "start", 0), s.rank);
    int to = cut_axis(weft__onnx_get_int(n, "end", INT_MAX), s.rank);
    if (!make(n->r, &y, vector(to > from ? to - from : 0), false)) return false;
    for (int b = 0; b < 2; b++) {
        s = weft__onnx_entry_shape(n->r, n->item->in[0], b);
        for (int i = 0; i < y.count; i++) y.v[b][i].i = s.dim[from + i];
    }
    return give(n, &y);
}

static bool fold_size(weft__onnx_node *n)
{
    operand y;
    if (!make(n->r, &y, (weft_shape){0}, false)) return false;
    for (int b = 0; b < 2; b++) {
        weft_shape s = weft__onnx_entry_shape(n->r, n->item->in[0], b);
        if (s.rank < 0) return false;
        y.v[b][0].i = 1;
        for (int i = 0; i < s.rank; i++) y.v[b][0].i *= s.dim[i];
    }
    return give(n, &y);
}

/* ---- moving numbers ---- */

static void around(const operand *x, int axis, int *outer, int *inner)
{
    *outer = *inner = 1;
    for (int i = 0; i < x->shape.rank; i++) {
        if (i < axis) *outer *= x->shape.dim[i];
        if (i > axis) *inner *= x->shape.dim[i];
    }
}

static bool fold_gather(weft__onnx_node *n)
{
    operand x, index, y;
    int outer, inner;
    if (!decode(n, 0, &x) || !decode(n, 1, &index) || index.floats) return false;
    int axis = axis_of(weft__onnx_get_int(n, "axis", 0), x.shape.rank);
    if (axis < 0 || x.shape.rank - 1 + index.shape.rank > WEFT_MAX_RANK) return false;
    int along = x.shape.dim[axis], rank = 0;
    weft_shape s = {0};
    for (int i = 0; i < axis; i++) s.dim[rank++] = x.shape.dim[i];
    for (int i = 0; i < index.shape.rank; i++) s.dim[rank++] = index.shape.dim[i];
    for (int i = axis + 1; i < x.shape.rank; i++) s.dim[rank++] = x.shape.dim[i];
    s.rank = rank;
    if (!make(n->r, &y, s, x.floats)) return false;
    around(&x, axis, &outer, &inner);
    for (int b = 0; b < 2; b++)
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < index.count; i++) {
                int at = axis_of(index.v[b][i].i, along);
                if (at < 0) return false;
                memcpy(y.v[b] + (o * index.count + i) * inner,
                       x.v[b] + (o * along + at) * inner, (size_t)inner * sizeof(cell));
            }
    return give(n, &y);
}

static bool fold_concat(weft__onnx_node *n)
{
    operand x[64], y;
    int inputs = weft__onnx_inputs(n), at = 0, outer, inner;
    if (inputs < 1 || inputs > 64) return false;
    for (int i = 0; i < inputs; i++)
        if (!decode(n, i, &x[i]) || x[i].floats != x[0].floats ||
            x[i].shape.rank != x[0].shape.rank)
            return false;
    int axis = axis_of(weft__onnx_get_int(n, "axis", 0), x[0].shape.rank);
    if (axis < 0) return false;
    weft_shape s = x[0].shape;
    for (int i = 1; i < inputs; i++)
        for (int k = 0; k < s.rank; k++) {
            if (k != axis && x[i].shape.dim[k] != s.dim[k]) return false;
            if (k == axis) s.dim[k] += x[i].shape.dim[k];
        }
    if (!make(n->r, &y, s, x[0].floats)) return false;
    around(&x[0], axis, &outer, &inner);
    for (int o = 0; o < outer; o++)
        for (int i = 0; i < inputs; i++) {
            int piece = x[i].shape.dim[axis] * inner;
            for (int b = 0; b < 2; b++)
                memcpy(y.v[b] + at, x[i].v[b] + o * piece, (size_t)piece * sizeof(cell));
            at += piece;
        }
    return give(n, &y);
}

/* The axes of Squeeze and Unsqueeze: an attribute, or from opset 13 an input. */
static int axes(weft__onnx_node *n, int64_t *out)
{
    int narrow[WEFT_MAX_RANK], count;
    if (weft__onnx_opset(n) >= 13) {
        return weft__onnx_inputs(n) > 1 && n->item->in[1] >= 0
                   ? weft__onnx_const_ints(n, 1, out, WEFT_MAX_RANK)
                   : 0;
    }
    count = weft__onnx_get_ints(n, "axes", narrow, WEFT_MAX_RANK);
    for (int i = 0; i < count && i < WEFT_MAX_RANK; i++) out[i] = narrow[i];
    return count < 0 ? 0 : count <= WEFT_MAX_RANK ? count : -1;
}

static bool fold_squeeze(weft__onnx_node *n)
{
    operand x;
    int64_t axis[WEFT_MAX_RANK];
    bool drop[WEFT_MAX_RANK] = {false};
    int count = axes(n, axis);
    if (count < 0 || !decode(n, 0, &x)) return false;
    for (int i = 0; i < count; i++) {
        int a = axis_of(axis[i], x.shape.rank);
        if (a < 0 || x.shape.dim[a] != 1) return false;
        drop[a] = true;
    }
    weft_shape s = {0};
    for (int i = 0; i < x.shape.rank; i++)
        if (!(count ? drop[i] : x.shape.dim[i] == 1)) s.dim[s.rank++] = x.shape.dim[i];
    x.shape = s;
    return give(n, &x);
}

static bool fold_unsqueeze(weft__onnx_node *n)
{
    operand x;
    int64_t axis[WEFT_MAX_RANK];
    bool fresh[WEFT_MAX_RANK] = {false};
    int count = axes(n, axis), from = 0;
    if (count < 1 || !decode(n, 0, &x) || x.shape.rank + count > WEFT_MAX_RANK)
        return false;
    weft_shape s = {.rank = x.shape.rank + count};
    for (int i = 0; i < count; i++) {
        int a = axis_of(axis[i], s.rank);
        if (a < 0 || fresh[a]) return false;
        fresh[a] = true;
    }
    for (int i = 0; i < s.rank; i++) s.dim[i] = fresh[i] ? 1 : x.shape.dim[from++];
    x.shape = s;
    return give(n, &x);
}

static bool fold_reshape(weft__onnx_node *n)
{
    operand x;
    int64_t target[WEFT_MAX_RANK], rest = 1;
    int count = weft__onnx_const_ints(n, 1, target, WEFT_MAX_RANK), open = -1;
    if (count < 0 || weft__onnx_get_int(n, "allowzero", 0) || !decode(n, 0, &x))
        return false;
    weft_shape s = {.rank = count};
    for (int i = 0; i < count; i++) {
        int64_t d = target[i] == 0 && i < x.shape.rank ? x.shape.dim[i] : target[i];
        if (d < -1 || d > MOST || (d == -1 && open >= 0)) return false;
        if (d == -1)
            open = i;
        else
            rest *= d;
        if (rest > MOST) return false;
        s.dim[i] = (int)d;
    }
    if (open >= 0 && (!rest || x.count % rest)) return false;
    if (open >= 0) s.dim[open] = (int)(x.count / rest);
    if ((open < 0 ? rest : rest * s.dim[open]) != x.count) return false;
    x.shape = s;
    return give(n, &x);
}

/* Only vectors: that is what shapes are. */
static bool fold_slice(weft__onnx_node *n)
{
    operand x, y;
    int64_t start, end, step = 1, axis = 0;
    int narrow[2];
    if (!decode(n, 0, &x) || x.shape.rank != 1) return false;
    if (weft__onnx_opset(n) < 10) {
        if (weft__onnx_get_ints(n, "axes", narrow, 1) == 1) axis = narrow[0];
        if (weft__onnx_get_ints(n, "starts", narrow, 1) != 1 ||
            weft__onnx_get_ints(n, "ends", narrow + 1, 1) != 1)
            return false;
        start = narrow[0];
        end = narrow[1];
    } else {
        if (weft__onnx_const_ints(n, 1, &start, 1) != 1 ||
            weft__onnx_const_ints(n, 2, &end, 1) != 1)
            return false;
        if (weft__onnx_known(n, 3) && weft__onnx_const_ints(n, 3, &axis, 1) != 1)
            return false;
        if (weft__onnx_known(n, 4) && weft__onnx_const_ints(n, 4, &step, 1) != 1)
            return false;
    }
    if (axis_of(axis, 1) < 0 || step < 1 || step > MOST) return false;
    int from = cut_axis(start < -MOST ? -MOST : start, x.count);
    int to = cut_axis(end < -MOST ? -MOST : end, x.count);
    int count = to > from ? (int)((to - from + step - 1) / step) : 0;
    if (!make(n->r, &y, vector(count), x.floats)) return false;
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < count; i++) y.v[b][i] = x.v[b][from + i * (int)step];
    return give(n, &y);
}

/* ---- computing with them ---- */

static bool fold_cast(weft__onnx_node *n)
{
    operand x;
    int64_t to = weft__onnx_get_int(n, "to", 0);
    bool floats = to == PB_FLOAT || to == PB_DOUBLE || to == PB_FLOAT16;
    if (!decode(n, 0, &x) || !(floats || to == PB_INT64 || to == PB_INT32)) return false;
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < x.count; i++) {
            cell *c = &x.v[b][i];
            if (floats && !x.floats) {
                c->d = (double)c->i;
            } else if (!floats && x.floats) {
                if (!(fabs(c->d) < 9e15)) return false;
                c->i = (int64_t)c->d;
            }
        }
    x.floats = floats;
    return give(n, &x);
}

static bool compute_int(char op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case 'A':
        return !__builtin_add_overflow(a, b, out);
    case 'S':
        return !__builtin_sub_overflow(a, b, out);
    case 'M':
        return !__builtin_mul_overflow(a, b, out);
    default: /* rounds towards zero, as ONNX has it */
        if (!b || (a == INT64_MIN && b == -1)) return false;
        *out = a / b;
        return true;
    }
}

static double compute_real(char op, double a, double b)
{
    return op == 'A' ? a + b : op == 'S' ? a - b : op == 'M' ? a * b : a / b;
}

/* Add, Sub, Mul, Div of equal shapes, or with one number. */
static bool fold_arithmetic(weft__onnx_node *n)
{
    operand p, q, y;
    char op = *weft__onnx_op_type(n);
    if (!decode(n, 0, &p) || !decode(n, 1, &q) || p.floats != q.floats) return false;
    bool same = p.shape.rank == q.shape.rank &&
                !memcmp(p.shape.dim, q.shape.dim, (size_t)p.shape.rank * sizeof(int));
    bool many = q.count == 1 && q.shape.rank <= p.shape.rank;
    if (!same && !many && !(p.count == 1 && p.shape.rank <= q.shape.rank)) return false;
    if (!make(n->r, &y, same || many ? p.shape : q.shape, p.floats)) return false;
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < y.count; i++) {
            cell u = p.v[b][p.count == 1 ? 0 : i], v = q.v[b][q.count == 1 ? 0 : i];
            if (p.floats)
                y.v[b][i].d = compute_real(op, u.d, v.d);
            else if (!compute_int(op, u.i, v.i, &y.v[b][i].i))
                return false;
        }
    return give(n, &y);
}

static bool fold_round(weft__onnx_node *n)
{
    operand x;
    bool down = !strcmp(weft__onnx_op_type(n), "Floor");
    if (!decode(n, 0, &x) || !x.floats) return false;
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < x.count; i++)
            x.v[b][i].d = down ? floor(x.v[b][i].d) : ceil(x.v[b][i].d);
    return give(n, &x);
}

/* ---- the table ---- */

static const struct fold {
    const char *op_type;
    bool (*f)(weft__onnx_node *n);
} folds[] = {
    {"Shape", fold_shape},     {"Size", fold_size},       {"Gather", fold_gather},
    {"Concat", fold_concat},   {"Squeeze", fold_squeeze}, {"Unsqueeze", fold_unsqueeze},
    {"Reshape", fold_reshape}, {"Slice", fold_slice},     {"Cast", fold_cast},
    {"Add", fold_arithmetic},  {"Sub", fold_arithmetic},  {"Mul", fold_arithmetic},
    {"Div", fold_arithmetic},  {"Floor", fold_round},     {"Ceil", fold_round},
};

bool weft__onnx_folds(const char *op_type)
{
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
        if (!strcmp(folds[i].op_type, op_type)) return true;
    return !strcmp(op_type, "ConstantOfShape") || !strcmp(op_type, "Range") ||
           !strcmp(op_type, "Identity");
}

weft_status weft__onnx_fold(weft__onnx_node *n, bool *done)
{
    const char *type = weft__onnx_op_type(n);
    *done = false;
    if (!strcmp(type, "ConstantOfShape")) return weft__onnx_fill(n, done);
    if (!strcmp(type, "Range")) return weft__onnx_range(n, done);
    for (size_t i = 0; i < sizeof folds / sizeof *folds && !*done; i++)
        if (!strcmp(folds[i].op_type, type)) *done = folds[i].f(n);
    return WEFT_OK;
}
