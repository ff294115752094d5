/* onnx_length.c: masks and indices that a file makes from lengths of sequences, which
 * operators here take as they are.
 *
 * Such a value is remembered as what it is, (lengths + add) / stride in one of a few
 * forms, until an operator takes it. */
#include "store/onnx_read.h"

#include "graph/graph.h"
#include "ops/reduce.h"
#include "ops/sequence.h"
#include "ops/unary.h"

#include <limits.h>
#include <string.h>

typedef enum form {
    NUMBER, /* [n] */
    COLUMN, /* [n, 1] */
    REAL,   /* [n, 1], floats */
    MASK    /* [n, steps, 1 ...]: whether a step is before the length */
} form;

typedef struct weft__onnx_length {
    form form;
    weft_val lengths; /* [n] */
    int add, stride, steps, rank;
} length;

/* ---- asking ---- */

static weft__onnx_entry *entry_of(weft__onnx_node *n, int i)
{
    if (i < 0 || i >= weft__onnx_inputs(n)) return NULL;
    return weft__onnx_entry_at(n->r, n->item->in[i]);
}

/* What input i is made from lengths as: also any vector of integers that is computed. */
static bool length_of(weft__onnx_node *n, int i, length *out)
{
    const weft__onnx_entry *e = entry_of(n, i);
    if (!e) return false;
    if (e->length) {
        *out = *e->length;
        return true;
    }
    if (!e->value.id || e->tensor.given) return false;
    const weft__value *v = &n->r->g->value[e->value.id];
    *out = (length){.lengths = e->value, .stride = 1};
    return v->type == WEFT_I32 && v->shape[0].rank == 1;
}

static bool plain(const length *l, form f)
{
    return l->form == f && !l->add && l->stride == 1;
}

/* Input i as one known integer. */
static bool known_int(weft__onnx_node *n, int i, int64_t *value)
{
    return weft__onnx_known(n, i) && weft__onnx_const_ints(n, i, value, 1) == 1;
}

static weft_status keep(weft__onnx_node *n, const length *l, bool *done)
{
    length *copy = weft__arena_alloc(&n->r->arena, sizeof *copy);
    if (!copy) return weft__fail(WEFT_ENOMEM, "no memory for the nodes");
    *copy = *l;
    n->set[0] = true;
    if (n->item->out[0] >= 0) n->r->entry[n->item->out[0]].length = copy;
    *done = true;
    return WEFT_OK;
}

/* ---- arithmetic ---- */

/* lengths + c, c + lengths, lengths - c */
static weft_status sum(weft__onnx_node *n, bool minus, bool *done)
{
    length l;
    int64_t c;
    int at = length_of(n, 0, &l) ? 0 : minus ? -1 : length_of(n, 1, &l) ? 1 : -1;
    if (at < 0 || l.form != NUMBER || l.stride != 1 || !known_int(n, 1 - at, &c))
        return WEFT_OK;
    c = minus ? -c : c;
    if (c < -WEFT_WINDOW_LIMIT || c > WEFT_WINDOW_LIMIT) return WEFT_OK;
    if (l.add + c < -WEFT_WINDOW_LIMIT || l.add + c > WEFT_WINDOW_LIMIT) return WEFT_OK;
    l.add += (int)c;
    return keep(n, &l, done);
}

static weft_status quotient(weft__onnx_node *n, bool *done)
{
    length l;
    int64_t c;
    if (!length_of(n, 0, &l) || l.form != NUMBER || l.stride != 1) return WEFT_OK;
    if (!known_int(n, 1, &c) || c < 1 || c > WEFT_WINDOW_LIMIT) return WEFT_OK;
    l.stride = (int)c;
    return keep(n, &l, done);
}

/* max((lengths + add) / stride, 1): lengths again. */
static weft_status at_least_one(weft__onnx_node *n, bool *done)
{
    length l;
    int64_t c;
    if (weft__onnx_inputs(n) != 2) return WEFT_OK;
    int at = length_of(n, 0, &l) ? 0 : length_of(n, 1, &l) ? 1 : -1;
    if (at < 0 || l.form != NUMBER || !known_int(n, 1 - at, &c) || c != 1) return WEFT_OK;
    weft__onnx_set(n, 0,
                   weft__seq_length(n->r->g, l.lengths, l.add - l.stride, l.stride));
    *done = true;
    return weft_graph_status(n->r->g);
}

/* ---- forms ---- */

/* More ones at the end. Of a value that is there, the operator makes another one, too. */
static weft_status unsqueeze(weft__onnx_node *n, bool *done)
{
    int64_t axis[WEFT_MAX_RANK];
    length l;
    if (!length_of(n, 0, &l) || weft__onnx_inputs(n) != 2) return WEFT_OK;
    int count = weft__onnx_const_ints(n, 1, axis, WEFT_MAX_RANK);
    int rank = l.form == NUMBER ? 1 : l.form == MASK ? l.rank : 2;
    if (count < 1 || rank + count > WEFT_MAX_RANK) return WEFT_OK;
    for (int i = 0; i < count; i++)
        if (axis[i] != rank + i && axis[i] != i - count) return WEFT_OK;
    if (l.form == NUMBER && count == 1)
        l.form = COLUMN;
    else if (l.form == MASK)
        l.rank += count;
    else
        return WEFT_OK;
    weft_status s = keep(n, &l, done);
    *done = *done && !entry_of(n, 0)->value.id;
    return s;
}

static weft_status cast(weft__onnx_node *n, bool *done)
{
    length l;
    if (!length_of(n, 0, &l)) return WEFT_OK;
    int64_t to = weft__onnx_get_int(n, "to", 0);
    if (to == PB_FLOAT && plain(&l, COLUMN))
        l.form = REAL;
    else if (entry_of(n, 0)->value.id || (to != PB_INT64 && to != PB_INT32))
        return WEFT_OK;
    weft__onnx_has(n, "saturate");
    return keep(n, &l, done);
}

/* 0, 1, 2, ... < lengths */
static weft_status less(weft__onnx_node *n, bool *done)
{
    const weft__onnx_tensor *t = weft__onnx_known(n, 0);
    length l;
    if (!length_of(n, 1, &l) || !plain(&l, COLUMN)) return WEFT_OK;
    if (!t || t->floats || t->shape.rank < 1 || t->shape.rank > 2 || !t->count ||
        t->count > WEFT_WINDOW_LIMIT || !weft__onnx_tensor_steady(t) ||
        (size_t)t->shape.dim[t->shape.rank - 1] != t->count)
        return WEFT_OK;
    int64_t *step = weft__arena_alloc(&n->r->arena, t->count * sizeof *step);
    if (!step) return weft__fail(WEFT_ENOMEM, "no memory for the nodes");
    weft__onnx_tensor_ints(t, 0, step);
    for (size_t i = 0; i < t->count; i++)
        if (step[i] != (int64_t)i) return WEFT_OK;
    l.form = MASK;
    l.rank = 2;
    l.steps = (int)t->count;
    return keep(n, &l, done);
}

/* ---- what takes them ---- */

static weft_status where(weft__onnx_node *n, bool *done)
{
    length l;
    double value;
    weft_shape x = weft__onnx_shape(n, 1);
    if (!length_of(n, 0, &l) || l.form != MASK || weft__onnx_inputs(n) != 3)
        return WEFT_OK;
    if (x.rank != l.rank || x.dim[1] != l.steps) return WEFT_OK;
    if (weft__onnx_const_floats(n, 2, &value, 1) != 1) return WEFT_OK;
    weft__onnx_set(n, 0,
                   weft_seq_mask(n->r->g, weft__onnx_value(n, 1), l.lengths, value));
    weft__onnx_sequence(n);
    *done = true;
    return weft_graph_status(n->r->g);
}

static weft_status last(weft__onnx_node *n, bool *done)
{
    length l;
    if (weft__onnx_get_int(n, "batch_dims", 0) != 1 || !length_of(n, 1, &l) ||
        l.form != COLUMN || l.add != -1 || l.stride != 1 ||
        weft__onnx_shape(n, 0).rank != 3)
        return WEFT_OK;
    weft__onnx_set(n, 0, weft_seq_last(n->r->g, weft__onnx_value(n, 0), l.lengths));
    *done = true;
    return weft_graph_status(n->r->g);
}

/* The sum over the valid steps, divided by how many there are. */
static weft_status mean(weft__onnx_node *n, bool *done)
{
    length l;
    weft_graph *g = n->r->g;
    if (!length_of(n, 1, &l) || l.form != REAL) return WEFT_OK;
    const weft__node *sum = weft__node_of(g, weft__onnx_value(n, 0)), *mask;
    const weft__reduce_attr *a = sum ? sum->attr : NULL;
    if (!sum || strcmp(sum->op->name, "sum") || a->n != 1 || a->axis[0] != 1 || a->keep)
        return WEFT_OK;
    mask = weft__node_of(g, (weft_val){sum->in[0]});
    if (!mask || strcmp(mask->op->name, "seq_mask") || mask->in[1] != l.lengths.id ||
        ((const weft__act_attr *)mask->attr)->alpha != 0 ||
        weft__nominal_shape(g, (weft_val){mask->in[0]}).rank != 3)
        return WEFT_OK;
    weft__onnx_set(n, 0, weft_seq_mean(g, (weft_val){mask->in[0]}, l.lengths));
    *done = true;
    return weft_graph_status(g);
}

static weft_status divide(weft__onnx_node *n, bool *done)
{
    weft_status s = quotient(n, done);
    return s || *done ? s : mean(n, done);
}

static weft_status add(weft__onnx_node *n, bool *done)
{
    return sum(n, false, done);
}

static weft_status subtract(weft__onnx_node *n, bool *done)
{
    return sum(n, true, done);
}

weft_status weft__onnx_length(weft__onnx_node *n, bool *done)
{
    static const struct {
        const char *type;
        weft_status (*f)(weft__onnx_node *n, bool *done);
    } row[] = {{"Add", add},
               {"Sub", subtract},
               {"Div", divide},
               {"Max", at_least_one},
               {"Cast", cast},
               {"Less", less},
               {"Unsqueeze", unsqueeze},
               {"Where", where},
               {"GatherND", last}};
    *done = false;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (!strcmp(row[i].type, n->item->p->op_type)) return row[i].f(n, done);
    return WEFT_OK;
}
