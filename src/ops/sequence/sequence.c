/* sequence.c: what operators on sequences of different lengths share. */
/* build: once */
#include "ops/sequence/sequence.h"

#include "ops/shape/transpose.h"

#include <stdio.h>
#include <string.h>

WEFT_SHARED weft_status weft__seq_check(const weft__node *node, const weft__tensor *in,
                                        int i, int n)
{
    const weft__tensor *l = &in[i];
    char text[128];
    if (i >= node->nin || l->rank < 0) return WEFT_OK;
    if (l->type == WEFT_I32 && l->rank == 1 && l->dim[0] == n) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: lengths are %s%s, must be [%d] of integers",
                      node->name, weft__shape_text(text, sizeof text, l),
                      l->type == WEFT_I32 ? "" : " of floats", n);
}

/* ---- sliding ---- */

WEFT_SHARED weft__window weft__seq_window_of(int kernel, int stride, int dilate, int pad,
                                             int pad_end, weft_pad_mode mode)
{
    weft__window s = {.axes = 1,
                      .kernel = {kernel, 1},
                      .stride = {stride ? stride : 1, 1},
                      .dilate = {dilate ? dilate : 1, 1},
                      .pad = {pad},
                      .pad_end = {pad_end}};
    /* As much for every length, so that length' is length / stride, rounded up. */
    int64_t total = (int64_t)s.dilate[0] * ((int64_t)kernel - 1);
    if (mode == WEFT_PAD_GIVEN || total < 0 || total > WEFT_WINDOW_LIMIT) return s;
    s.pad[0] = (int)(mode == WEFT_PAD_SAME_LOWER ? total - total / 2 : total / 2);
    s.pad_end[0] = (int)total - s.pad[0];
    return s;
}

WEFT_SHARED weft_status weft__seq_window_resolve(const weft__node *node,
                                                 const weft__window *s, int t,
                                                 weft__window_axis *axis)
{
    int64_t span = (int64_t)s->dilate[0] * ((int64_t)s->kernel[0] - 1) + 1;
    int64_t least = span - s->pad[0] - s->pad_end[0];
    weft__tensor x = {.rank = 3, .dim = {1, 1, t}};
    weft__window_axis both[2];
    /* a sequence shorter than the window gives one step */
    if (least > t && least <= WEFT_WINDOW_LIMIT) x.dim[2] = (int)least;
    weft_status status = weft__window_resolve(node, s, &x, both);
    *axis = both[1];
    axis->size = t;
    return status;
}

WEFT_SHARED weft_value weft__seq_lengths_after(weft_graph *g, const weft__window *s,
                                               weft_value lengths)
{
    int64_t span = (int64_t)s->dilate[0] * ((int64_t)s->kernel[0] - 1) + 1;
    int64_t add = (int64_t)s->pad[0] + s->pad_end[0] - span;
    bool odd = add < -WEFT_WINDOW_LIMIT || add > WEFT_WINDOW_LIMIT || s->stride[0] < 1;
    if (!lengths.id || odd || (s->stride[0] == 1 && add == -1)) return lengths;
    return weft__seq_length(g, lengths, (int)add, s->stride[0]);
}

/* ---- samples ---- */

WEFT_SHARED weft_value weft__seq_sample(weft_graph *g, weft__rng *rng, int low, int high,
                                        weft_value *lengths)
{
    weft_shape s = weft__sample_shape(rng, low, high, 6);
    if (s.rank > 1 && weft__rng_below(rng, 4)) s.dim[1] = weft__rng_between(rng, 2, 9);
    *lengths = WEFT_NONE;
    if (weft__rng_below(rng, 4))
        *lengths = weft_input_int(g, "lengths", WEFT_SHAPE(s.dim[0]), s.dim[1] + 1);
    return weft__sample_value(g, rng, "x", s);
}

/* ---- ONNX ---- */

WEFT_SHARED const char *weft__seq_masked(const weft__node *node, weft__onnx_writer *w,
                                         int x, int i, double value)
{
    const weft__tensor *t = weft__onnx_in(w, x);
    const char *name = NULL, *mask = NULL;
    weft__onnx_keep_inputs(w, 0);
    if (i >= node->nin || !node->in[i]) return weft__onnx_input_name(w, x);
    mask = weft__onnx_steps(w, node->in[i], WEFT_ONNX_MASK, t->dim[1], t->rank);
    weft__onnx_begin(w, "Where");
    weft__onnx_add_named(w, mask);
    weft__onnx_add_input(w, x);
    weft__onnx_add_float(w, value != 0 ? "low" : "zero", value);
    weft__onnx_end(w, &name, 1);
    return name;
}

static void turn(weft__onnx_writer *w, const char *from)
{
    weft__onnx_begin(w, "Transpose");
    weft__onnx_add_named(w, from);
    weft__onnx_put_ints(w, "perm", (int[]){0, 2, 1}, 3);
}

WEFT_SHARED weft__window_axis weft__seq_stretched(const weft__window_axis *a)
{
    weft__window_axis b = *a;
    int need = (a->out - 1) * a->stride + a->dilate * (a->kernel - 1) + 1;
    if (need - a->size - a->before > b.after) b.after = need - a->size - a->before;
    return b;
}

WEFT_SHARED void weft__seq_window_to_onnx(const weft__node *node, weft__onnx_writer *w,
                                          const char *type, int more, int i, double value)
{
    const weft__seq_window *o = node->attr;
    weft__window_axis a;
    const char *name[3] = {NULL}, *mask = NULL;
    int lengths_out = node->in[i + 1];
    if (weft__seq_window_resolve(node, &o->window, weft__onnx_in(w, 0)->dim[1], &a))
        return;
    const char *x = weft__seq_masked(node, w, 0, i, value);
    if (lengths_out) mask = weft__onnx_steps(w, lengths_out, WEFT_ONNX_MASK, a.out, 3);
    turn(w, x);
    weft__onnx_end(w, &name[0], 1);
    weft__window_axis both[2] = {a, weft__seq_stretched(&a)};
    weft__onnx_begin(w, type);
    weft__onnx_add_named(w, name[0]);
    for (int k = 1; k <= more; k++) weft__onnx_add_input(w, k);
    weft__window_to_onnx(w, &o->window, both, true);
    if (o->groups) weft__onnx_put_int(w, "group", o->groups);
    weft__onnx_end(w, &name[1], 1);
    turn(w, name[1]);
    if (mask) {
        weft__onnx_end(w, &name[2], 1);
        weft__onnx_begin(w, "Where");
        weft__onnx_add_named(w, mask);
        weft__onnx_add_named(w, name[2]);
        weft__onnx_add_float(w, "zero", 0);
    }
    weft__onnx_give(w, 0);
}

WEFT_SHARED const weft__node *weft__seq_middle(const weft_graph *g,
                                               const weft__node *last, const char *middle,
                                               double value, const weft__node **first)
{
    const weft__node *mask = weft__seq_mask_of(g, last->out[0], 0);
    const weft__node *back = mask ? weft__transpose_of_steps(g, mask->in[0]) : NULL;
    const weft__node *node = back ? weft__giver(g, back->in[0], middle) : NULL;
    const weft__node *before = node ? weft__transpose_of_steps(g, node->in[0]) : NULL;
    *first = before ? weft__seq_mask_of(g, before->in[0], value) : NULL;
    return *first ? node : NULL;
}

WEFT_SHARED bool weft__seq_window_alone(const weft_graph *g, const weft__node *first,
                                        const weft__node *last, const weft__window *s,
                                        weft__seq_window *out)
{
    int add, t = weft__nominal_shape(g, (weft_value){first->in[0]}).dim[1];
    int lengths_out = weft__nominal_shape(g, (weft_value){last->in[0]}).dim[1];
    weft__window_axis a;
    if (s->axes != 1 || s->mode != WEFT_PAD_GIVEN || s->ceil ||
        !weft__seq_length_between(g, first->in[1], last->in[1], s->stride[0], &add))
        return false;
    out->window = *s;
    int64_t end = (int64_t)add + (int64_t)s->dilate[0] * (s->kernel[0] - 1) + 1;
    end -= s->pad[0];
    if (end < 0 || end > WEFT_WINDOW_LIMIT) return false;
    out->window.pad_end[0] = (int)end;
    if (weft__seq_window_resolve(last, &out->window, t, &a)) return false;
    return a.out == lengths_out && weft__seq_stretched(&a).after == s->pad_end[0];
}
