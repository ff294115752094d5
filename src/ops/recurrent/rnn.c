/* rnn.c: plain recurrent layers, h' = tanh(W x + b + R h + c), over whole sequences. */
#include "ops/recurrent/recurrent.h"

#include "ops/recurrent/recurrent_onnx.h"

#include <string.h>

enum { GATES = 1 };

WEFT_API weft_value weft_rnn(weft_graph *g, weft_value x, const weft_rnn_in *in,
                             const weft_rnn_opts *opts, weft_value *h_n)
{
    return weft__rnn_add(g, "rnn", x, in, opts, h_n, NULL);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    return weft__rnn_shape(node, in, out, GATES, false);
}

/* ---- the cell ---- */

static weft__act activation(const weft__rnn_job *j)
{
    return ((const weft_rnn_opts *)j->r->attr)->relu ? WEFT_ACT_RELU : WEFT_ACT_TANH;
}

static void step(const weft__rnn_part *p, weft__cell *s)
{
    s->act = activation(p->job);
    p->job->k->rnn_step(s);
}

static void back(const weft__rnn_job *j, const weft__rnn_back *b)
{
    weft__epilogue e = {.act = activation(j)};
    /* both look at y only */
    j->k->activate_backward(b->gate, b->dh, b->gate, b->gate, b->n, &e);
}

static const weft__rnn_cell cell = {.gates = GATES, .step = step, .back = back};

static weft_status prepare(const weft__setup *s)
{
    return weft__rnn_prepare(s, &cell);
}

/* ---- the rest ---- */

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft_rnn_opts *o = node->attr;
    const char *const relu[] = {"Relu", "Relu"};
    weft__rnn_to_onnx(node, w, "RNN");
    if (o->relu)
        weft__onnx_put_texts(w, "activations", relu,
                             o->direction == WEFT_RNN_BOTH ? 2 : 1);
    weft__rnn_to_onnx_end(node, w);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft__rnn_read read;
    const char *first = weft__onnx_get_text_at(n, "activations", 0);
    bool relu = first && !strcmp(first, "Relu");
    weft_status s =
        weft__rnn_from_onnx(n, &read, (const char *[]){relu ? "Relu" : "Tanh"}, 1);
    if (s) return s;
    read.opts.relu = relu;
    read.y = weft_rnn(weft__onnx_graph(n), read.x, &read.in, &read.opts, &read.h);
    return weft__rnn_from_onnx_end(n, &read);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_rnn_opts o = {.relu = weft__rng_below(rng, 2)};
    return weft__rnn_sample_plain(g, rng, weft_rnn, o, GATES);
}

const weft_op WEFT_OP(rnn) = {
    .name = "rnn",
    .onnx = WEFT_ONNX("RNN", 14, .read = from_onnx, .write = to_onnx),
    .arity = RNN_C,
    .summary = "h' = tanh(W x + b + R h + c), over the steps of a sequence",
    .shape = shape,
    .prepare = prepare,
    .prepared = sizeof(weft__rnn_plan),
    .memory = weft__rnn_memory,
    .forward = weft__rnn_forward,
    .backward = weft__rnn_backward,
    .saves_in = 1u << RNN_X | 1u << RNN_W | 1u << RNN_R | 1u << RNN_LENGTHS,
    .unit_axis = WEFT_UNITS_LAST,
    .lengths_input = RNN_LENGTHS,
    .states = weft__rnn_states,
    .flops = weft__rnn_flops,
    .describe = weft__rnn_describe,
    .sample = sample,
};
