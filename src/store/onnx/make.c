/* make.c: nodes that make tensors from nothing: Constant, ConstantOfShape, Range. */
#include "store/onnx/read.h"

#include "base/checked.h"
#include "base/error.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST = 1 << 12 /* elements of a computed tensor */ };

static weft_status too_large(weft__onnx_node *n, double count)
{
    weft__fail(WEFT_ENOMEM, "needs %.0f bytes, the limit is %zu", count * 8,
               (size_t)MOST * 8);
    return weft__prefix(WEFT_ENOMEM, "node %s (%s)", n->item->label, n->item->p->op_type);
}

/* ConstantOfShape: a tensor of the shape that the input says, all elements alike. */
weft_status weft__onnx_fill(weft__onnx_node *n, bool *done)
{
    const weft__onnx_tensor *t = weft__onnx_known(n, 0);
    const pb_attribute *a = weft__onnx_attribute(n, "value");
    weft__onnx_tensor value = {.floats = true, .count = 1};
    int64_t dim[WEFT_MAX_RANK];
    size_t count;
    if (!t || t->floats || t->count > WEFT_MAX_RANK || !weft__onnx_tensor_steady(t))
        return weft__onnx_fail(n, "its shape is not known or depends on the batch");
    weft_status s = WEFT_OK;
    if (a && a->t)
        s = weft__onnx_tensor_read(&n->r->source, a->t, n->item->label, &value);
    if (s) return s;
    if (value.count != 1)
        return weft__onnx_fail(n, "attribute value has %zu elements", value.count);
    weft__onnx_tensor_ints(t, 0, dim);
    weft__onnx_tensor y = {.floats = value.floats, .given = true};
    y.shape.rank = (int)t->count;
    double size = 1;
    for (size_t i = 0; i < t->count; i++) {
        if (dim[i] < 0 || dim[i] > INT_MAX)
            return weft__onnx_fail(n, "dimension %zu is %lld", i, (long long)dim[i]);
        y.shape.dim[i] = (int)dim[i];
        size *= (double)dim[i];
    }
    if (!weft__count64(dim, (int)t->count, &count) || count > MOST)
        return too_large(n, size);
    weft__onnx_cell one = {.d = 0}, *cell;
    float f = 0;
    if (value.given && value.floats) weft__onnx_tensor_floats(&value, 0, &f);
    if (value.floats)
        one.d = f;
    else
        weft__onnx_tensor_ints(&value, 0, &one.i);
    if (!(cell = weft__arena_alloc(&n->r->arena, (count + 1) * sizeof *cell)))
        return weft__fail(WEFT_ENOMEM, "no memory for a constant");
    for (size_t i = 0; i < count; i++) cell[i] = one;
    y.count = count;
    y.folded[0] = y.folded[1] = cell;
    weft__onnx_set_known(n, 0, &y);
    *done = true;
    return WEFT_OK;
}

/* Range: start, start + delta, ... before limit; integers. */
weft_status weft__onnx_range(weft__onnx_node *n, bool *done)
{
    int64_t start, limit, delta;
    if (weft__onnx_const_ints(n, 0, &start, 1) != 1 ||
        weft__onnx_const_ints(n, 1, &limit, 1) != 1 ||
        weft__onnx_const_ints(n, 2, &delta, 1) != 1)
        return weft__onnx_fail(n, "its bounds are not integers known while reading");
    if (!delta) return weft__onnx_fail(n, "delta is 0");
    double size = ceil(((double)limit - (double)start) / (double)delta);
    if (size > MOST) return too_large(n, size);
    int count = size > 0 ? (int)size : 0;
    weft__onnx_tensor y = {
        .shape = {.rank = 1, .dim = {count}}, .count = (size_t)count, .given = true};
    weft__onnx_cell *cell =
        weft__arena_alloc(&n->r->arena, ((size_t)count + 1) * sizeof *cell);
    if (!cell) return weft__fail(WEFT_ENOMEM, "no memory for a constant");
    for (int i = 0; i < count; i++)
        if (__builtin_mul_overflow(delta, (int64_t)i, &cell[i].i) ||
            __builtin_add_overflow(cell[i].i, start, &cell[i].i))
            return weft__onnx_fail(n, "its numbers do not fit in 64 bits");
    y.folded[0] = y.folded[1] = cell;
    weft__onnx_set_known(n, 0, &y);
    *done = true;
    return WEFT_OK;
}

/* ---- Constant ---- */

static weft_status listed(weft__onnx_reader *r, const pb_attribute *a,
                          weft__onnx_tensor *t)
{
    bool list = (int)a->type == PB_ATTR_INTS || (int)a->type == PB_ATTR_FLOATS;
    t->floats = (int)a->type == PB_ATTR_FLOAT || (int)a->type == PB_ATTR_FLOATS;
    t->given = true;
    t->count = !list ? 1 : t->floats ? a->n_floats : a->n_ints;
    if (t->count > INT_MAX) return weft__fail(WEFT_ENOMEM, "a constant is too large");
    t->shape.rank = list;
    t->shape.dim[0] = list ? (int)t->count : 0;
    weft__onnx_cell *cell = weft__arena_alloc(&r->arena, (t->count + 1) * sizeof *cell);
    if (!cell) return weft__fail(WEFT_ENOMEM, "no memory for a constant");
    for (size_t i = 0; i < t->count; i++)
        if (t->floats)
            cell[i].d = list ? a->floats[i] : a->f;
        else
            cell[i].i = list ? a->ints[i] : a->i;
    t->folded[0] = t->folded[1] = cell;
    return WEFT_OK;
}

weft_status weft__onnx_constant(weft__onnx_reader *r, const weft__onnx_item *item)
{
    const pb_node *p = item->p;
    const pb_attribute *a = p->n_attribute == 1 ? p->attribute[0] : NULL;
    weft__onnx_tensor t = {0};
    weft_status s;
    if (!a || p->n_input || strncmp(a->name, "value", 5))
        return weft__fail(WEFT_EMODEL,
                          "node %s (Constant): must have one value and no input",
                          item->label);
    if ((int)a->type == PB_ATTR_TENSOR)
        s = weft__onnx_tensor_read(&r->source, a->t, item->label, &t);
    else if ((int)a->type == PB_ATTR_INT || (int)a->type == PB_ATTR_INTS ||
             (int)a->type == PB_ATTR_FLOAT || (int)a->type == PB_ATTR_FLOATS)
        s = listed(r, a, &t);
    else
        s = weft__fail(WEFT_EMODEL, "node %s (Constant): attribute %s is not supported",
                       item->label, a->name);
    if (!s && item->out[0] >= 0) {
        r->entry[item->out[0]].tensor = t;
        r->entry[item->out[0]].constant = true;
    }
    return s;
}
