/* lstm.c: long short-term memory over whole sequences, with peepholes. */
#include "ops/recurrent/recurrent.h"

#include "ops/recurrent/recurrent_onnx.h"

enum { GATES = 4 }; /* i o f g */

WEFT_API weft_value weft_lstm(weft_graph *g, weft_value x, const weft_rnn_in *in,
                              const weft_rnn_opts *opts, weft_value *h_n, weft_value *c_n)
{
    return weft__rnn_add(g, "lstm", x, in, opts, h_n, c_n);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    return weft__rnn_shape(node, in, out, GATES, true);
}

/* ---- the cell; inner: the cells before each step ---- */

static void step(const weft__rnn_part *p, weft__cell *s)
{
    p->job->k->lstm_step(s);
}

static void back(const weft__rnn_job *j, const weft__rnn_back *b)
{
    j->k->lstm_step_bwd(b->gate, b->peep, b->dpeep, b->inner, b->dh, b->dc, b->n);
}

static const weft__rnn_cell cell = {
    .gates = GATES, .cells = true, .step = step, .back = back};

static weft_status prepare(const weft__setup *s)
{
    return weft__rnn_prepare(s, &cell);
}

/* ---- the rest ---- */

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    weft__rnn_to_onnx(node, w, "LSTM");
    weft__rnn_to_onnx_end(node, w);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft__rnn_read read;
    weft_status s =
        weft__rnn_from_onnx(n, &read, (const char *[]){"Sigmoid", "Tanh", "Tanh"}, 3);
    if (s) return s;
    if (weft__onnx_get_int(n, "input_forget", 0))
        return weft__onnx_fail(n, "input_forget is not supported");
    read.y =
        weft_lstm(weft__onnx_graph(n), read.x, &read.in, &read.opts, &read.h, &read.c);
    return weft__rnn_from_onnx_end(n, &read);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_rnn_in in;
    weft_rnn_opts o = {0};
    weft_value x = weft__rnn_sample(g, rng, &in, &o, GATES, true), h, c;
    weft_value y = weft_lstm(g, x, &in, &o, &h, &c);
    return weft__rnn_sample_out(g, rng, y, h, c);
}

const weft_op WEFT_OP(lstm) = {
    .name = "lstm",
    .onnx = WEFT_ONNX("LSTM", 14, .read = from_onnx, .write = to_onnx),
    .arity = RNN_INPUTS,
    .summary = "c' = f c + i g, h' = o tanh(c'), over the steps of a sequence",
    .shape = shape,
    .prepare = prepare,
    .prepared = sizeof(weft__rnn_plan),
    .memory = weft__rnn_memory,
    .forward = weft__rnn_forward,
    .backward = weft__rnn_backward,
    .saves_in = 1u << RNN_X | 1u << RNN_W | 1u << RNN_R | 1u << RNN_LENGTHS |
                1u << RNN_PEEP,
    .unit_axis = WEFT_UNITS_LAST,
    .lengths_input = RNN_LENGTHS,
    .states = weft__rnn_states,
    .flops = weft__rnn_flops,
    .describe = weft__rnn_describe,
    .sample = sample,
};
