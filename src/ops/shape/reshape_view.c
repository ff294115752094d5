/* reshape_view.c: what operators share that give the same elements another shape. */
#include "ops/shape/reshape_view.h"

#include "ops/common/strided.h"

#include <stdio.h>
#include <string.h>

/* Whether channels-last and plain storage of x are the same: one channel, or one
 * position. */
WEFT_SHARED bool weft__either_way(const weft__tensor *x)
{
    bool one = true;
    if (x->rank < 3 || x->dim[1] == 1) return true;
    for (int i = 2; i < x->rank; i++) one = one && x->dim[i] == 1;
    return one;
}

WEFT_SHARED void weft__reshape_view_layout(const weft__node *node, const weft__tensor *in,
                                           weft__layout *want, const weft__tensor *out,
                                           weft__layout *give)
{
    (void)node, (void)out;
    if (want[0] == WEFT_HWIO || !weft__either_way(&in[0])) want[0] = WEFT_ROW_MAJOR;
    give[0] = WEFT_ROW_MAJOR;
}

static void move(const weft__tensor *y, const weft__tensor *x)
{
    if (x->type != WEFT_I32)
        weft__copy_flat(y->data, x->data, x->count);
    else if (y->data != x->data)
        memcpy(y->data, x->data, x->count * sizeof(int32_t));
}

void weft__reshape_view_forward(const weft__op_args *r)
{
    move(&r->out[0], &r->in[0]);
}

void weft__reshape_view_backward(const weft__op_args *r)
{
    if (r->din[0].data) move(&r->din[0], &r->dout[0]);
}

WEFT_SHARED void weft__axes_describe(const weft__node *node, char *text, size_t size)
{
    const weft__axes_attr *a = node->attr;
    size_t used = (size_t)snprintf(text, size, "axes");
    for (int i = 0; i < a->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " %d", a->axis[i]);
}
