/* recurrent_shape.c: recurrent layers: nodes, shapes, and samples for the tests. */
/* build: once */
#include "ops/recurrent/recurrent.h"

#include <stdio.h>
#include <string.h>

/* ---- building ---- */

WEFT_SHARED weft_status weft__rnn_check(const char *op, const weft_rnn_opts *o)
{
    if (o->direction >= WEFT_RNN_FORWARD && o->direction <= WEFT_RNN_BOTH) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "%s: direction %d is unknown", op, (int)o->direction);
}

WEFT_SHARED weft_value weft__rnn_add(weft_graph *g, const char *op, weft_value x,
                                     const weft_rnn_in *in, const weft_rnn_opts *opts,
                                     weft_value *h_n, weft_value *c_n)
{
    weft_rnn_opts o = opts ? *opts : (weft_rnn_opts){0};
    weft_value y = WEFT_NONE;
    bool lstm = !strcmp(op, "lstm");
    o.relu = o.relu && !strcmp(op, "rnn");
    o.reset_before = o.reset_before && !strcmp(op, "gru");
    weft_status s = weft__rnn_check(op, &o);
    if (!s && !in) s = weft__fail(WEFT_EUSAGE, "%s: there are no weights", op);
    if (!s && !lstm && (in->c0.id || in->peep.id))
        s = weft__fail(WEFT_EUSAGE, "%s: c0 and peep are of lstm only", op);
    if (s)
        y = weft__graph_fail(g, s);
    else
        y = weft__node_add(
            g, op, &o, sizeof o,
            (weft_value[]){x, in->w, in->r, in->b, in->lengths, in->h0, in->c0, in->peep},
            lstm ? RNN_INPUTS : RNN_C, lstm ? 3 : 2);
    if (h_n) *h_n = y.id ? weft__node_out(g, y, 1) : WEFT_NONE;
    if (c_n) *c_n = y.id && lstm ? weft__node_out(g, y, 2) : WEFT_NONE;
    return y;
}

/* ---- shapes ---- */

/* in[i] must have exactly these dimensions. */
static weft_status fits(const weft__node *node, const weft__tensor *in, int i,
                        const char *what, const char *letters, int rank, const int *dim)
{
    const weft__tensor *x = &in[i];
    weft__tensor want = {.rank = rank};
    bool same = x->rank == rank && (x->type == WEFT_I32) == (i == RNN_LENGTHS);
    char one[128], two[128];
    for (int k = 0; k < rank; k++) {
        want.dim[k] = dim[k];
        same = same && x->dim[k] == dim[k];
    }
    if (same) return WEFT_OK;
    return weft__fail(WEFT_ESHAPE, "%s: %s is %s%s, must be %s%s = %s", node->name, what,
                      x->rank < 0 ? "absent" : weft__shape_text(one, sizeof one, x),
                      x->rank >= 0 && x->type == WEFT_I32 ? " of integers" : "", letters,
                      i == RNN_LENGTHS ? " of integers" : "",
                      weft__shape_text(two, sizeof two, &want));
}

static weft_status check_states(const weft__node *node, const weft__tensor *in, int n,
                                int dirs, int h, bool lstm)
{
    const int state[] = {n, dirs, h}, peep[] = {dirs, 3 * h};
    weft_status s = WEFT_OK;
    if (in[RNN_LENGTHS].rank >= 0)
        s = fits(node, in, RNN_LENGTHS, "lengths", "[n]", 1, state);
    if (!s && in[RNN_H].rank >= 0)
        s = fits(node, in, RNN_H, "h0", "[n, directions, hidden]", 3, state);
    if (!s && lstm && in[RNN_C].rank >= 0)
        s = fits(node, in, RNN_C, "c0", "[n, directions, hidden]", 3, state);
    if (!s && lstm && in[RNN_PEEP].rank >= 0)
        s = fits(node, in, RNN_PEEP, "peep", "[directions, 3 hidden]", 2, peep);
    return s;
}

WEFT_SHARED weft_status weft__rnn_shape(const weft__node *node, const weft__tensor *in,
                                        weft__tensor *out, int gates, bool lstm)
{
    const weft_rnn_opts *o = node->attr;
    int dirs = o->direction == WEFT_RNN_BOTH ? 2 : 1;
    char text[128];
    weft_status s = weft__need(node, in, RNN_X, "x", 3, 3);
    if (!s) s = weft__need(node, in, RNN_R, "r", 3, 3);
    if (s) return s;
    int n = in[RNN_X].dim[0], t = in[RNN_X].dim[1], h = in[RNN_R].dim[2];
    if (n < 1 || t < 1 || in[RNN_X].dim[2] < 1 || h < 1 ||
        (double)n * t * dirs * gates * h > INT32_MAX ||
        (double)n * t * in[RNN_X].dim[2] > INT32_MAX || 2.0 * gates * h > INT32_MAX)
        return weft__fail(WEFT_ESHAPE, "%s: x %s with %d units is empty or too large",
                          node->name, weft__shape_text(text, sizeof text, &in[RNN_X]), h);
    const int w[] = {dirs, gates * h, in[RNN_X].dim[2]}, r[] = {dirs, gates * h, h};
    const int b[] = {dirs, 2 * gates * h};
    const int y[] = {n, t, dirs * h}, state[] = {n, dirs, h};
    s = fits(node, in, RNN_W, "w", "[directions, gates hidden, features]", 3, w);
    if (!s) s = fits(node, in, RNN_R, "r", "[directions, gates hidden, hidden]", 3, r);
    if (!s && in[RNN_B].rank >= 0)
        s = fits(node, in, RNN_B, "b", "[directions, 2 gates hidden]", 2, b);
    if (!s) s = check_states(node, in, n, dirs, h, lstm);
    for (int k = 0; k < (lstm ? 3 : 2) && !s; k++)
        s = weft__set_result(node, &out[k], 3, k ? state : y);
    return s;
}

WEFT_SHARED void weft__rnn_describe(const weft__node *node, char *text, size_t size)
{
    static const char *const name[] = {"forward", "reverse", "bidirectional"};
    const weft_rnn_opts *o = node->attr;
    snprintf(text, size, "%s%s%s", name[o->direction], o->relu ? " relu" : "",
             o->reset_before ? " reset before" : "");
}

WEFT_SHARED double weft__rnn_flops(const weft__node *node, const weft__tensor *in,
                                   const weft__tensor *out)
{
    (void)node, (void)out;
    double rows = (double)in[RNN_X].dim[0] * in[RNN_X].dim[1];
    return 2 * rows *
           (double)(weft__tensor_count(&in[RNN_W]) + weft__tensor_count(&in[RNN_R]));
}

WEFT_SHARED void weft__rnn_states(const weft__node *node, const weft__tensor *in,
                                  weft__states *s)
{
    const weft_rnn_opts *o = node->attr;
    *s = (weft__states){.steps = in[RNN_X].dim[1],
                        .directions = in[RNN_W].dim[0],
                        .reverse = {o->direction == WEFT_RNN_REVERSE, true},
                        .saturation =
                            o->relu ? WEFT_SATURATES_AT_0 : WEFT_SATURATES_AS_TANH};
}

/* ---- samples for the tests ---- */

static weft_value maybe(weft_graph *g, weft__rng *rng, const char *name, weft_shape s)
{
    weft_value none = WEFT_NONE;
    return weft__rng_below(rng, 2) ? weft__sample_value(g, rng, name, s) : none;
}

WEFT_SHARED weft_value weft__rnn_sample(weft_graph *g, weft__rng *rng, weft_rnn_in *in,
                                        weft_rnn_opts *o, int gates, bool lstm)
{
    int n = weft__rng_below(rng, 12) ? weft__rng_between(rng, 1, 4) : 35;
    int t = n > 4 ? 2 : weft__rng_between(rng, 1, 5);
    int i = weft__rng_between(rng, 1, 5), h = weft__rng_between(rng, 1, 5), dirs;
    o->direction = (weft_direction)weft__rng_below(rng, 3);
    dirs = o->direction == WEFT_RNN_BOTH ? 2 : 1;
    weft_value x = weft__sample_value(g, rng, "x", WEFT_SHAPE(n, t, i));
    *in = (weft_rnn_in){0};
    in->w = weft_param(g, "w", WEFT_SHAPE(dirs, gates * h, i));
    in->r = weft_param(g, "r", WEFT_SHAPE(dirs, gates * h, h));
    weft__sample_range(g, in->r, -1, 1);
    in->b = maybe(g, rng, "b", WEFT_SHAPE(dirs, 2 * gates * h));
    if (weft__rng_below(rng, 2))
        in->lengths = weft_input_int(g, "lengths", WEFT_SHAPE(n), t + 1);
    in->h0 = maybe(g, rng, "h0", WEFT_SHAPE(n, dirs, h));
    if (!lstm) return x;
    in->c0 = maybe(g, rng, "c0", WEFT_SHAPE(n, dirs, h));
    in->peep = maybe(g, rng, "peep", WEFT_SHAPE(dirs, 3 * h));
    return x;
}

WEFT_SHARED weft_value weft__rnn_sample_plain(weft_graph *g, weft__rng *rng,
                                              weft__rnn_maker *make, weft_rnn_opts o,
                                              int gates)
{
    weft_rnn_in in;
    weft_value h, x = weft__rnn_sample(g, rng, &in, &o, gates, false);
    weft_value y = make(g, x, &in, &o, &h);
    return weft__rnn_sample_out(g, rng, y, h, WEFT_NONE);
}

WEFT_SHARED weft_value weft__rnn_sample_out(weft_graph *g, weft__rng *rng, weft_value y,
                                            weft_value h, weft_value c)
{
    weft_value states = c.id ? weft_add(g, h, c) : h;
    switch (weft__rng_below(rng, 3)) {
    case 0:
        return y;
    case 1:
        return states;
    default:
        states = weft_reshape(g, states, WEFT_SHAPE(0, 1, -1));
        return weft_add(g, y, states);
    }
}
