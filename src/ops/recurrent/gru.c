/* gru.c: gated recurrent units over whole sequences. */
#include "ops/recurrent/recurrent.h"

#include "ops/recurrent/recurrent_onnx.h"

enum { GATES = 3 }; /* z r n */

WEFT_API weft_value weft_gru(weft_graph *g, weft_value x, const weft_rnn_in *in,
                             const weft_rnn_opts *opts, weft_value *h_n)
{
    return weft__rnn_add(g, "gru", x, in, opts, h_n, NULL);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    return weft__rnn_shape(node, in, out, GATES, false);
}

/* ---- the cell; inner: Rn h + cn, then its delta; reset before: r h ---- */

static void step(const weft__rnn_part *p, weft__cell *s)
{
    p->job->k->gru_step(s);
}

static void back(const weft__rnn_job *j, const weft__rnn_back *b)
{
    j->k->gru_step_bwd(b->gate, b->inner, b->dh, b->old, b->n);
}

static void half_step(const weft__rnn_part *p, weft__cell *s)
{
    const weft__kernels *k = p->job->k;
    const size_t packed = k->cell_blocks(s->units) * k->cell_size(s->units, 2);
    real *next = s->out;
    s->out = p->mid;
    k->gru_reset_gate(s);
    s->weights += packed;
    s->state = p->mid;
    s->out = next;
    k->gru_candidate(s);
}

static void half_back(const weft__rnn_job *j, const weft__rnn_back *b)
{
    j->k->gru_candidate_bwd(b->gate, b->dh, b->old, b->n);
}

static void half_back_before(const weft__rnn_job *j, const weft__rnn_back *b)
{
    j->k->gru_reset_gate_bwd(b->gate, b->dh, b->mid, b->old, b->n);
}

static weft_status prepare(const weft__setup *s)
{
    const weft_rnn_opts *o = s->node->attr;
    static const weft__rnn_cell after = {
        .gates = GATES, .apart = true, .direct = true, .step = step, .back = back};
    static const weft__rnn_cell before = {.gates = GATES,
                                          .half = true,
                                          .direct = true,
                                          .step = half_step,
                                          .back = half_back,
                                          .back_before = half_back_before};
    return weft__rnn_prepare(s, o->reset_before ? &before : &after);
}

/* ---- the rest ---- */

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft_rnn_opts *o = node->attr;
    weft__rnn_to_onnx(node, w, "GRU");
    weft__onnx_put_int(w, "linear_before_reset", !o->reset_before);
    weft__rnn_to_onnx_end(node, w);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft__rnn_read read;
    weft_status s = weft__rnn_from_onnx(n, &read, (const char *[]){"Sigmoid", "Tanh"}, 2);
    if (s) return s;
    read.opts.reset_before = weft__onnx_get_int(n, "linear_before_reset", 0) == 0;
    read.y = weft_gru(weft__onnx_graph(n), read.x, &read.in, &read.opts, &read.h);
    return weft__rnn_from_onnx_end(n, &read);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft_rnn_opts o = {.reset_before = weft__rng_below(rng, 2)};
    return weft__rnn_sample_plain(g, rng, weft_gru, o, GATES);
}

const weft_op WEFT_OP(gru) = {
    .name = "gru",
    .onnx = WEFT_ONNX("GRU", 14, .read = from_onnx, .write = to_onnx),
    .arity = RNN_C,
    .summary = "h' = (1 - z) n + z h, over the steps of a sequence",
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
