/* onnx_sequence.c: operators on sequences that are several nodes in a file. What stands
 * before the last of them has been built as it is; where the whole is known, one operator
 * takes its place, and the parts, which nobody reads then, are never run. */
#include "store/onnx_read.h"

#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/pooling.h"
#include "ops/reduce.h"
#include "ops/sequence.h"
#include "ops/soft.h"
#include "ops/transpose.h"
#include "ops/unary.h"
#include "ops/view.h"

#include <math.h>
#include <string.h>

/* The node that gives input i of node (the value v itself without a node), if it is of
 * that operator. */
static const weft__node *giver(const weft_graph *g, int v, const char *op)
{
    const weft__node *node = v > 0 ? weft__node_of(g, (weft_val){v}) : NULL;
    return node && !strcmp(node->op->name, op) ? node : NULL;
}

/* A mask with that value. */
static const weft__node *masked(const weft_graph *g, int v, double value)
{
    const weft__node *node = giver(g, v, "seq_mask");
    return node && ((const weft__act_attr *)node->attr)->alpha == value ? node : NULL;
}

/* [n, t, c] <-> [n, c, t] */
static const weft__node *turned(const weft_graph *g, int v)
{
    const weft__node *node = giver(g, v, "transpose");
    const weft__transpose_attr *a = node ? node->attr : NULL;
    return a && a->rank == 3 && a->perm[0] == 0 && a->perm[1] == 2 ? node : NULL;
}

/* What the lengths `to` add to `from` before they divide by stride. */
static bool lengths_between(const weft_graph *g, int from, int to, int stride, int *add)
{
    const weft__node *node = giver(g, to, "seq_length");
    *add = -1;
    if (from == to) return stride == 1;
    if (!node || node->in[0] != from) return false;
    const weft__seq_length_attr *a = node->attr;
    *add = a->add;
    return a->stride == stride;
}

/* The window in the middle, as it slides over each sample; steps: of x and y. */
static bool window(const weft_graph *g, const weft__node *first, const weft__node *last,
                   const weft__slide *s, weft__seq_slide *out)
{
    int add, t = weft__nominal_shape(g, (weft_val){first->in[0]}).dim[1];
    int behind = weft__nominal_shape(g, (weft_val){last->in[0]}).dim[1];
    weft__axis a;
    if (s->axes != 1 || s->mode != WEFT_PAD_GIVEN || s->ceil ||
        !lengths_between(g, first->in[1], last->in[1], s->stride[0], &add))
        return false;
    out->slide = *s;
    int64_t end = (int64_t)add + (int64_t)s->dilate[0] * (s->kernel[0] - 1) + 1;
    end -= s->pad[0];
    if (end < 0 || end > WEFT_WINDOW_LIMIT) return false;
    out->slide.pad_end[0] = (int)end;
    if (weft__seq_settle(last, &out->slide, t, &a)) return false;
    return a.out == behind && weft__seq_stretched(&a).after == s->pad_end[0];
}

static weft_val convolution(weft_graph *g, const weft__node *last,
                            const weft__node *middle)
{
    const weft__node *before = turned(g, middle->in[0]);
    const weft__node *first = before ? masked(g, before->in[0], 0) : NULL;
    const weft__conv_attr *a = middle->attr;
    weft__seq_slide slide = {.groups = a->groups};
    if (!first || !window(g, first, last, &a->slide, &slide)) return WEFT_NONE;
    return weft__seq_conv_add(g, &slide, (weft_val){first->in[0]},
                              (weft_val){middle->in[1]}, (weft_val){middle->in[2]},
                              (weft_val){first->in[1]}, (weft_val){last->in[1]});
}

static weft_val pooling(weft_graph *g, const weft__node *last, const weft__node *middle)
{
    const weft__node *before = turned(g, middle->in[0]);
    const weft__node *first = before ? masked(g, before->in[0], -INFINITY) : NULL;
    const weft__pooling *a = middle->attr;
    weft__seq_slide slide = {.groups = 0};
    if (!first || !window(g, first, last, &a->slide, &slide)) return WEFT_NONE;
    return weft__seq_max_pool_add(g, &slide, (weft_val){first->in[0]},
                                  (weft_val){first->in[1]}, (weft_val){last->in[1]});
}

/* mask, turn, slide, turn back, mask */
static weft_val slid(weft_graph *g, const weft__node *last)
{
    const weft__node *back = turned(g, last->in[0]), *middle;
    if (!back || ((const weft__act_attr *)last->attr)->alpha != 0) return WEFT_NONE;
    if ((middle = giver(g, back->in[0], "conv"))) return convolution(g, last, middle);
    if ((middle = giver(g, back->in[0], "max_pool"))) return pooling(g, last, middle);
    return WEFT_NONE;
}

static weft_val largest(weft_graph *g, const weft__node *last)
{
    const weft__node *mask = masked(g, last->in[0], -INFINITY);
    const weft__reduce_attr *a = last->attr;
    if (!mask || a->n != 1 || a->axis[0] != 1 || a->keep ||
        weft__nominal_shape(g, (weft_val){mask->in[0]}).rank != 3)
        return WEFT_NONE;
    return weft_seq_max(g, (weft_val){mask->in[0]}, (weft_val){mask->in[1]});
}

static weft_val softmax(weft_graph *g, const weft__node *last)
{
    const weft__node *mask = masked(g, last->in[0], -INFINITY);
    int axis = ((const weft__axis_attr *)last->attr)->axis;
    if (!mask || (axis != 1 && axis != -1) ||
        weft__nominal_shape(g, (weft_val){mask->in[0]}).rank != 2)
        return WEFT_NONE;
    return weft_seq_softmax(g, (weft_val){mask->in[0]}, (weft_val){mask->in[1]});
}

/* weights as a row, times masked x, and no row again */
static weft_val attention(weft_graph *g, const weft__node *last)
{
    const weft__node *product = giver(g, last->in[0], "matmul");
    const weft__node *row = product ? giver(g, product->in[0], "unsqueeze") : NULL;
    const weft__node *mask = product ? masked(g, product->in[1], 0) : NULL;
    const weft__axes_attr *a = last->attr, *b = row ? row->attr : NULL;
    if (!row || !mask || a->n != 1 || a->axis[0] != 1 || b->n != 1 || b->axis[0] != 1 ||
        weft__nominal_shape(g, (weft_val){row->in[0]}).rank != 2 ||
        weft__nominal_shape(g, (weft_val){mask->in[0]}).rank != 3)
        return WEFT_NONE;
    return weft__seq_weigh(g, (weft_val){mask->in[0]}, (weft_val){row->in[0]},
                           (weft_val){mask->in[1]});
}

void weft__onnx_sequence(weft__onnx_node *n)
{
    static const struct {
        const char *op;
        weft_val (*f)(weft_graph *g, const weft__node *last);
    } row[] = {{"seq_mask", slid},
               {"max", largest},
               {"softmax", softmax},
               {"squeeze", attention}};
    int e = n->item->p->n_output == 1 ? n->item->out[0] : -1;
    weft_val v = e < 0 ? WEFT_NONE : n->r->entry[e].value, y = WEFT_NONE;
    if (weft_graph_status(n->r->g) || !v.id) return;
    for (size_t i = 0; i < sizeof row / sizeof *row && !y.id; i++) {
        const weft__node *last = giver(n->r->g, v.id, row[i].op);
        if (last) y = row[i].f(n->r->g, last);
    }
    if (y.id) n->r->entry[e].value = y;
}
