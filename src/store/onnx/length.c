/* length.c: masks and indices that a file makes from lengths of sequences, which
 * operators here take as they are.
 *
 * Such a value is remembered as what it is, (lengths + add) / stride in one of a few
 * forms, until an operator takes it. */
#include "store/onnx/read.h"

#include "graph/graph.h"

#include <string.h>

typedef weft__onnx_lengths length;

enum { LIMIT = 1 << 30 }; /* what operators take as an offset or a stride */

/* ---- asking ---- */

static weft__onnx_entry *entry_of(weft__onnx_node *n, int i)
{
    if (i < 0 || i >= weft__onnx_inputs(n)) return NULL;
    return weft__onnx_entry_at(n->r, n->item->in[i]);
}

/* Also any vector of integers that is computed. */
bool weft__onnx_length_of(weft__onnx_node *n, int i, length *out)
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

static bool plain(const length *l, weft__onnx_form f)
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
    int at = weft__onnx_length_of(n, 0, &l)   ? 0
             : minus                          ? -1
             : weft__onnx_length_of(n, 1, &l) ? 1
                                              : -1;
    if (at < 0 || l.form != WEFT_ONNX_NUMBER || l.stride != 1 ||
        !known_int(n, 1 - at, &c))
        return WEFT_OK;
    c = minus ? -c : c;
    if (c < -LIMIT || c > LIMIT) return WEFT_OK;
    if (l.add + c < -LIMIT || l.add + c > LIMIT) return WEFT_OK;
    l.add += (int)c;
    return keep(n, &l, done);
}

static weft_status quotient(weft__onnx_node *n, bool *done)
{
    length l;
    int64_t c;
    if (!weft__onnx_length_of(n, 0, &l) || l.form != WEFT_ONNX_NUMBER || l.stride != 1)
        return WEFT_OK;
    if (!known_int(n, 1, &c) || c < 1 || c > LIMIT) return WEFT_OK;
    l.stride = (int)c;
    return keep(n, &l, done);
}

/* ---- forms ---- */

/* More ones at the end. Of a value that is there, the operator makes another one,
 * too. */
static weft_status unsqueeze(weft__onnx_node *n, bool *done)
{
    int64_t axis[WEFT_MAX_RANK];
    length l;
    if (!weft__onnx_length_of(n, 0, &l) || weft__onnx_inputs(n) != 2) return WEFT_OK;
    int count = weft__onnx_const_ints(n, 1, axis, WEFT_MAX_RANK);
    int rank = l.form == WEFT_ONNX_NUMBER ? 1 : l.form == WEFT_ONNX_MASK ? l.rank : 2;
    if (count < 1 || rank + count > WEFT_MAX_RANK) return WEFT_OK;
    for (int i = 0; i < count; i++)
        if (axis[i] != rank + i && axis[i] != i - count) return WEFT_OK;
    if (l.form == WEFT_ONNX_NUMBER && count == 1)
        l.form = WEFT_ONNX_COLUMN;
    else if (l.form == WEFT_ONNX_MASK)
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
    if (!weft__onnx_length_of(n, 0, &l)) return WEFT_OK;
    int64_t to = weft__onnx_get_int(n, "to", 0);
    if (to == PB_FLOAT && plain(&l, WEFT_ONNX_COLUMN))
        l.form = WEFT_ONNX_REAL;
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
    if (!weft__onnx_length_of(n, 1, &l) || !plain(&l, WEFT_ONNX_COLUMN)) return WEFT_OK;
    if (!t || t->floats || t->shape.rank < 1 || t->shape.rank > 2 || !t->count ||
        t->count > LIMIT || !weft__onnx_tensor_steady(t) ||
        (size_t)t->shape.dim[t->shape.rank - 1] != t->count)
        return WEFT_OK;
    int64_t *step = weft__arena_alloc(&n->r->arena, t->count * sizeof *step);
    if (!step) return weft__fail(WEFT_ENOMEM, "no memory for the nodes");
    weft__onnx_tensor_ints(t, 0, step);
    for (size_t i = 0; i < t->count; i++)
        if (step[i] != (int64_t)i) return WEFT_OK;
    l.form = WEFT_ONNX_MASK;
    l.rank = 2;
    l.steps = (int)t->count;
    return keep(n, &l, done);
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
    } row[] = {{"Add", add},   {"Sub", subtract}, {"Div", quotient},
               {"Cast", cast}, {"Less", less},    {"Unsqueeze", unsqueeze}};
    *done = false;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (!strcmp(row[i].type, n->item->p->op_type)) return row[i].f(n, done);
    return WEFT_OK;
}
