/* tensor.c: shapes, storage orders and layout rules that all operators share. */
/* build: once */
#include "ops/op.h"

#include "base/checked.h"
#include "base/thread.h"
#include "ops/common/reorder.h"
#include "ops/common/shared.h"

#include <stdio.h>
#include <string.h>

/* A range of this many elementary operations takes some ten microseconds: enough to pay
 * for handing it to another thread. */
#define WORTH 32768.0

/* ---- shapes ---- */

WEFT_SHARED size_t weft__tensor_count(const weft__tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= (size_t)t->dim[i];
    return t->rank < 0 ? 0 : n;
}

WEFT_SHARED weft_status weft__check_axis(const weft__node *node, int *axis, int rank)
{
    if (*axis < -rank || *axis >= rank)
        return weft__fail(WEFT_ESHAPE, "%s: axis %d is outside a tensor of rank %d",
                          node->name, *axis, rank);
    if (*axis < 0) *axis += rank;
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__set_dims(weft__tensor *t, int rank, const int *dim)
{
    weft__tensor made = *t;
    char text[128];
    if (rank < 0 || rank > WEFT_MAX_RANK)
        return weft__fail(WEFT_ESHAPE, "rank %d is outside 0 to %d", rank, WEFT_MAX_RANK);
    made.rank = rank;
    for (int i = 0; i < rank; i++) made.dim[i] = dim[i];
    for (int i = 0; i < rank; i++)
        if (dim[i] < 1)
            return weft__fail(WEFT_ESHAPE, "shape %s has a dimension below 1",
                              weft__shape_text(text, sizeof text, &made));
    if (!weft__count(dim, rank, &made.count) || made.count > SIZE_MAX / sizeof(double))
        return weft__fail(WEFT_ENOMEM, "shape %s has too many elements",
                          weft__shape_text(text, sizeof text, &made));
    *t = made;
    return WEFT_OK;
}

WEFT_SHARED void weft__same_shape(weft__tensor *out, const weft__tensor *in)
{
    out->rank = in->rank;
    memcpy(out->dim, in->dim, sizeof out->dim);
    out->type = in->type;
    out->count = weft__tensor_count(in);
}

WEFT_SHARED bool weft__shapes_equal(const weft__tensor *a, const weft__tensor *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

WEFT_SHARED char *weft__shape_text(char *text, size_t size, const weft__tensor *t)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < t->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ", %d" : "%d", t->dim[i]);
    if (used < size) snprintf(text + used, size - used, "]");
    return text;
}

static weft_status unfit(const weft__node *node, const weft__tensor *a,
                         const weft__tensor *b, int axis)
{
    char one[128], two[128];
    if (b->rank == 1 && a->rank >= 1)
        return weft__fail(WEFT_ESHAPE, "%s: last dimension of a is %d, b has %d elements",
                          node->name, a->dim[a->rank - 1], b->dim[0]);
    return weft__fail(WEFT_ESHAPE, "%s: shapes %s and %s do not broadcast: axis %d",
                      node->name, weft__shape_text(one, sizeof one, a),
                      weft__shape_text(two, sizeof two, b), axis);
}

WEFT_SHARED weft_status weft__broadcast(const weft__node *node, const weft__tensor *a,
                                        const weft__tensor *b, weft__tensor *out)
{
    int rank = a->rank > b->rank ? a->rank : b->rank, dim[WEFT_MAX_RANK];
    weft_status s;
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        int da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1) return unfit(node, a, b, i);
        dim[i] = da == 1 ? db : da;
    }
    s = weft__set_dims(out, rank, dim);
    return s ? weft__prefix(s, "%s", node->name) : s;
}

/* ---- storage ---- */

WEFT_SHARED void weft__storage(const weft__tensor *t, int dim[WEFT_MAX_RANK],
                               int place[WEFT_MAX_RANK])
{
    for (int i = 0; i < t->rank; i++) {
        place[i] = i;
        if (t->layout == WEFT_CHANNELS_LAST && t->rank > 2 && i > 0)
            place[i] = i == 1 ? t->rank - 1 : i - 1;
        else if (t->layout == WEFT_HWIO && t->rank > 1)
            place[i] = i < 2 ? t->rank - 1 - i : i - 2;
        dim[place[i]] = t->dim[i];
    }
}

WEFT_SHARED void weft__strides(const weft__tensor *t, size_t stride[WEFT_MAX_RANK])
{
    int dim[WEFT_MAX_RANK], place[WEFT_MAX_RANK];
    size_t step[WEFT_MAX_RANK], n = 1;
    weft__storage(t, dim, place);
    for (int i = t->rank - 1; i >= 0; i--) {
        step[i] = n;
        n *= (size_t)dim[i];
    }
    for (int i = 0; i < t->rank; i++) stride[i] = step[place[i]];
}

WEFT_SHARED void weft__around(const weft__tensor *t, int axis, size_t *outer,
                              size_t *along, size_t *inner)
{
    int dim[WEFT_MAX_RANK], place[WEFT_MAX_RANK];
    weft__storage(t, dim, place);
    *outer = *inner = 1;
    *along = (size_t)t->dim[axis];
    for (int i = 0; i < place[axis]; i++) *outer *= (size_t)dim[i];
    for (int i = place[axis] + 1; i < t->rank; i++) *inner *= (size_t)dim[i];
}

/* Integers change their order rarely and are few: one by one. */
static void reorder_ints(const weft__tensor *y, const weft__tensor *x)
{
    size_t sx[WEFT_MAX_RANK], sy[WEFT_MAX_RANK];
    const int32_t *from = x->data;
    int32_t *to = y->data;
    weft__strides(x, sx);
    weft__strides(y, sy);
    for (size_t i = 0; i < x->count; i++) {
        size_t rest = i, at = 0, put = 0;
        for (int d = x->rank - 1; d >= 0; d--) {
            size_t k = rest % (size_t)x->dim[d];
            rest /= (size_t)x->dim[d];
            at += k * sx[d];
            put += k * sy[d];
        }
        to[put] = from[at];
    }
}

WEFT_SHARED void weft__reorder(const weft__tensor *y, const weft__tensor *x,
                               const void *kernels)
{
    if (x->type == WEFT_I32)
        reorder_ints(y, x);
    else if (kernels == weft__kernels_chosen(true))
        weft__reorder_f64(y, x, kernels);
    else
        weft__reorder_f32(y, x, kernels);
}

/* ---- layout rules ---- */

WEFT_SHARED void weft__layout_row_major(const weft__node *node, const weft__tensor *in,
                                        weft__layout *want, const weft__tensor *out,
                                        weft__layout *give)
{
    (void)in, (void)out;
    for (int i = 0; i < node->nin; i++) want[i] = WEFT_ROW_MAJOR;
    for (int i = 0; i < node->nout; i++) give[i] = WEFT_ROW_MAJOR;
}

/* The order of the first input as large as the result, or else of the first of its
 * rank. (A parameter that is broadcast can follow; it is stored once.) */
static weft__layout leading_layout(const weft__node *node, const weft__tensor *in,
                                   const weft__layout *want, const weft__tensor *out)
{
    int first = -1;
    if (out->rank < 3) return WEFT_ROW_MAJOR;
    for (int i = 0; i < node->nin; i++) {
        if (in[i].rank != out->rank) continue;
        if (first < 0) first = i;
        if (weft__tensor_count(&in[i]) >= weft__tensor_count(out) && want[i] != WEFT_HWIO)
            return want[i];
    }
    return first < 0 || want[first] == WEFT_HWIO ? WEFT_ROW_MAJOR : want[first];
}

WEFT_SHARED void weft__layout_same(const weft__node *node, const weft__tensor *in,
                                   weft__layout *want, const weft__tensor *out,
                                   weft__layout *give)
{
    weft__layout layout = leading_layout(node, in, want, out);
    for (int i = 0; i < node->nin; i++)
        want[i] = in[i].rank == out[0].rank ? layout : WEFT_ROW_MAJOR;
    for (int i = 0; i < node->nout; i++)
        give[i] = out[i].rank == out[0].rank ? layout : WEFT_ROW_MAJOR;
}

WEFT_SHARED void weft__layout_spatial(const weft__node *node, const weft__tensor *in,
                                      weft__layout *want, const weft__tensor *out,
                                      weft__layout *give)
{
    weft__layout_row_major(node, in, want, out, give);
    want[0] = give[0] = WEFT_CHANNELS_LAST;
    if (node->nin > 1 && in[1].rank >= 2) want[1] = WEFT_HWIO;
}

/* ---- threads ---- */

typedef struct spread {
    weft__range *f;
    void *arg;
    size_t n, size;
} spread;

/* Each piece is a call of its own, whoever makes it, so that the cut depends on n and
 * cost only. */
static void spread_task(void *arg, size_t begin, size_t end, int worker)
{
    const spread *s = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        size_t from = i * s->size, to = from + s->size;
        s->f(s->arg, from, to < s->n ? to : s->n);
    }
}

WEFT_SHARED void weft__spread(size_t n, double cost, weft__range *f, void *arg)
{
    double size = WORTH / (cost > 1 ? cost : 1);
    spread s = {f, arg, n,
                size > 16  ? (size_t)size / 16 * 16
                : size > 1 ? (size_t)size
                           : 1};
    if (n == 0) return;
    weft__parallel((n + s.size - 1) / s.size, 1, spread_task, &s);
}
