/* shape.c: shape inference of one node, and how values are asked to lie in memory. */
#include "graph/graph.h"

#include "base/checked.h"

#include <string.h>

weft__tensor weft__nominal(const weft_graph *g, int v, int batch)
{
    weft__tensor t = {.rank = -1};
    if (!v) return t;
    const weft__value *value = &g->value[v];
    t.rank = value->shape[batch].rank;
    memcpy(t.dim, value->shape[batch].dim, sizeof t.dim);
    t.type = value->type;
    t.layout = value->layout;
    t.count = weft__tensor_count(&t);
    return t;
}

weft_status weft__infer(const weft__node *node, const weft__tensor *in, weft__tensor *out)
{
    for (int i = 0; i < node->nin; i++)
        if (in[i].rank < 0 && node->in[i])
            return weft__fail(WEFT_EUSAGE, "%s: input %d is missing", node->name, i);
    for (int k = 0; k < node->nout; k++) out[k] = (weft__tensor){.type = WEFT_F32};
    weft_status s = node->op->shape(node, in, out);
    for (int k = 0; k < node->nout && !s; k++) {
        size_t count = 0;
        if (!weft__count(out[k].dim, out[k].rank, &count) || count > (size_t)1 << 40)
            s = weft__fail(WEFT_ENOMEM, "%s: its result would be too large", node->name);
        for (int d = 0; d < out[k].rank && !s; d++)
            if (out[k].dim[d] < 1)
                s = weft__fail(WEFT_ESHAPE, "%s: dimension %d of its result is %d",
                               node->name, d, out[k].dim[d]);
        out[k].count = count;
    }
    return s;
}

weft__layout weft__layout_of(int rank, weft__layout layout)
{
    if (layout == WEFT_CHANNELS_LAST && rank < 3) return WEFT_ROW_MAJOR;
    if (layout == WEFT_HWIO && rank < 2) return WEFT_ROW_MAJOR;
    return layout;
}

void weft__choose_layout(const weft__node *node, const weft__tensor *in,
                         const weft__tensor *out, weft__layout *want, weft__layout *give)
{
    for (int i = 0; i < node->nin; i++) want[i] = in[i].layout;
    for (int k = 0; k < node->nout; k++) give[k] = WEFT_ROW_MAJOR;
    if (node->op->layout)
        node->op->layout(node, in, want, out, give);
    else
        weft__layout_row_major(node, in, want, out, give);
    for (int i = 0; i < node->nin; i++) want[i] = weft__layout_of(in[i].rank, want[i]);
    for (int k = 0; k < node->nout; k++) give[k] = weft__layout_of(out[k].rank, give[k]);
}
