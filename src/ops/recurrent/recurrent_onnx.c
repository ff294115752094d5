/* recurrent_onnx.c: RNN, GRU and LSTM to and from ONNX. */
/* build: once */
#include "ops/recurrent/recurrent_onnx.h"

#include "ops/recurrent/recurrent.h"
#include "ops/shape/transpose.h"

#include <string.h>

static const int swap[] = {1, 0, 2};
static const char *const directions[] = {"forward", "reverse", "bidirectional"};

enum { INT32 = 6 }; /* ONNX's number of the type */

/* ---- out ---- */

/* Input i after a node of this type; "" when it is absent. */
static const char *aside(const weft__node *node, weft__onnx_writer *w, int i,
                         const char *type)
{
    const char *name = NULL;
    if (i >= node->nin || !node->in[i]) return "";
    weft__onnx_begin(w, type);
    weft__onnx_add_input(w, i);
    if (i == RNN_LENGTHS)
        weft__onnx_put_int(w, "to", INT32);
    else
        weft__onnx_put_ints(w, "perm", swap, 3);
    weft__onnx_end(w, &name, 1);
    return name;
}

WEFT_SHARED void weft__rnn_to_onnx(const weft__node *node, weft__onnx_writer *w,
                                   const char *type)
{
    const weft_rnn_opts *o = node->attr;
    const char *x = aside(node, w, RNN_X, "Transpose");
    const char *lengths = aside(node, w, RNN_LENGTHS, "Cast");
    const char *h = aside(node, w, RNN_H, "Transpose");
    const char *c = aside(node, w, RNN_C, "Transpose");
    weft__onnx_begin(w, type);
    weft__onnx_add_named(w, x);
    for (int i = RNN_W; i <= RNN_B; i++) weft__onnx_add_input(w, i);
    weft__onnx_add_named(w, lengths);
    weft__onnx_add_named(w, h);
    if (node->nin > RNN_C) {
        weft__onnx_add_named(w, c);
        weft__onnx_add_input(w, RNN_PEEP);
    }
    weft__onnx_put_text(w, "direction", directions[o->direction]);
    weft__onnx_put_int(w, "hidden_size", weft__onnx_in(w, RNN_R)->dim[2]);
}

/* [t, d, n, h] -> [n, t, d h] */
static void output_back(weft__onnx_writer *w, const char *from)
{
    const char *name = NULL;
    weft__onnx_begin(w, "Transpose");
    weft__onnx_add_named(w, from);
    weft__onnx_put_ints(w, "perm", (int[]){2, 0, 1, 3}, 4);
    weft__onnx_end(w, &name, 1);
    weft__onnx_begin(w, "Reshape");
    weft__onnx_add_named(w, name);
    weft__onnx_add_ints(w, "shape", (int[]){0, 0, -1}, 3);
    weft__onnx_give(w, 0);
}

WEFT_SHARED void weft__rnn_to_onnx_end(const weft__node *node, weft__onnx_writer *w)
{
    const char *name[3] = {NULL, NULL, NULL};
    for (int k = 0; k < node->nout; k++)
        if (!weft__onnx_wants(w, k)) name[k] = "";
    weft__onnx_end(w, name, node->nout);
    if (weft__onnx_wants(w, 0)) output_back(w, name[0]);
    for (int k = 1; k < node->nout; k++) {
        if (!weft__onnx_wants(w, k)) continue;
        weft__onnx_begin(w, "Transpose");
        weft__onnx_add_named(w, name[k]);
        weft__onnx_put_ints(w, "perm", swap, 3);
        weft__onnx_give(w, k);
    }
}

/* ---- in ---- */

static weft_status read_attributes(weft__onnx_node *n, weft__rnn_read *read,
                                   const char *const *activation, int activations)
{
    const char *direction = weft__onnx_get_text(n, "direction", "forward");
    int which = 0;
    while (which < 3 && strcmp(direction, directions[which])) which++;
    if (which == 3) return weft__onnx_fail(n, "direction \"%s\" is unknown", direction);
    read->opts.direction = (weft_direction)which;
    read->dirs = which == WEFT_RNN_BOTH ? 2 : 1;
    read->batch_first = weft__onnx_get_int(n, "layout", 0) != 0;
    for (int i = 0; weft__onnx_get_text_at(n, "activations", i); i++) {
        const char *name = weft__onnx_get_text_at(n, "activations", i);
        if (i >= activations * read->dirs || strcmp(name, activation[i % activations]))
            return weft__onnx_fail(n, "activation %d is %.50s, which is not supported",
                                   i + 1, name);
    }
    if (weft__onnx_has(n, "clip"))
        return weft__onnx_fail(n, "attribute clip is not supported");
    if (weft__onnx_has(n, "activation_alpha") || weft__onnx_has(n, "activation_beta"))
        return weft__onnx_fail(n, "parameters of activations are not supported");
    return WEFT_OK;
}

/* Input i, batch first. */
static weft_value first(weft__onnx_node *n, const weft__rnn_read *read, int i)
{
    weft_value v = weft__onnx_value(n, i);
    if (!v.id || read->batch_first || weft__onnx_shape(n, i).rank != 3) return v;
    return weft__transposed(weft__onnx_graph(n), v, swap);
}

WEFT_SHARED weft_status weft__rnn_from_onnx(weft__onnx_node *n, weft__rnn_read *read,
                                            const char *const *activation,
                                            int activations)
{
    weft_shape r = weft__onnx_shape(n, RNN_R);
    *read = (weft__rnn_read){.dirs = 1};
    weft_status s = read_attributes(n, read, activation, activations);
    if (s) return s;
    if (weft__onnx_shape(n, RNN_X).rank != 3 || r.rank != 3)
        return weft__onnx_fail(n, "X and R have rank %d and %d, must have 3",
                               weft__onnx_shape(n, RNN_X).rank, r.rank);
    read->hidden = r.dim[2];
    int64_t hidden = weft__onnx_get_int(n, "hidden_size", r.dim[2]);
    if (hidden != r.dim[2])
        return weft__onnx_fail(n, "hidden_size is %lld, R has %d columns",
                               (long long)hidden, r.dim[2]);
    read->x = first(n, read, RNN_X);
    read->in = (weft_rnn_in){.w = weft__onnx_value(n, RNN_W),
                             .r = weft__onnx_value(n, RNN_R),
                             .b = weft__onnx_value(n, RNN_B),
                             .lengths = weft__onnx_value(n, RNN_LENGTHS),
                             .h0 = first(n, read, RNN_H)};
    if (read->in.b.id) /* rank 2, and yet a bias; of what is no parameter, no matter */
        (void)weft_param_no_decay(weft__onnx_graph(n), read->in.b);
    if (activations == 3) {
        read->in.c0 = first(n, read, RNN_C);
        read->in.peep = weft__onnx_value(n, RNN_PEEP);
    }
    return WEFT_OK;
}

WEFT_SHARED weft_status weft__rnn_from_onnx_end(weft__onnx_node *n, weft__rnn_read *read)
{
    weft_graph *g = weft__onnx_graph(n);
    const weft_value state[] = {read->h, read->c};
    if (weft__onnx_outputs(n) > 0 && read->y.id) {
        weft_shape s = weft_shape_of(g, read->x);
        weft_value y =
            weft_reshape(g, read->y, WEFT_SHAPE(0, s.dim[1], read->dirs, read->hidden));
        if (!read->batch_first) y = weft_transpose(g, y, (int[]){1, 2, 0, 3});
        weft__onnx_set(n, 0, y);
    }
    for (int k = 1; k < weft__onnx_outputs(n) && k < 3; k++) {
        weft_value v = state[k - 1];
        if (v.id && !read->batch_first) v = weft_transpose(g, v, swap);
        weft__onnx_set(n, k, v);
    }
    return weft_graph_status(g);
}
