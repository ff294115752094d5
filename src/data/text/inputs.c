/* inputs.c: the inputs of a network that texts go into. */
#include "base/error.h"
#include "data/text/text.h"

static const char *const stream_inputs[WEFT_MAX_STREAMS] = {"tokens", "pairs", "triples"};

static bool is_input(const weft_graph *g, weft_value v)
{
    for (int i = 0; i < weft_input_count(g); i++)
        if (weft_input_at(g, i).id == v.id) return true;
    return false;
}

static weft_value input_named(const weft_graph *g, const char *name)
{
    weft_value v = weft_find(g, name);
    return v.id && is_input(g, v) ? v : WEFT_NONE;
}

/* The streams first, then the lengths; each: tokens of a text. */
static weft_status find(const weft_graph *g, weft__inputs *out)
{
    weft__inputs in = {0};
    weft_value lengths = input_named(g, "lengths");
    for (int k = 0; k < WEFT_MAX_STREAMS; k++) {
        weft_value v = input_named(g, stream_inputs[k]);
        if (!v.id) break;
        weft_shape s = weft_shape_of(g, v);
        if (s.rank != 2 || (k && s.dim[1] != (int)in.each))
            return weft__fail(WEFT_ESHAPE, "the network's input %s is not [batch, %s]",
                              stream_inputs[k], k ? "length of tokens" : "length");
        in.value[in.n++] = v;
        in.each = (size_t)s.dim[1];
    }
    if (!in.n || !lengths.id)
        return weft__fail(WEFT_EUSAGE,
                          "the network has no inputs for texts (tokens and lengths)");
    in.value[in.n++] = lengths;
    *out = in;
    return WEFT_OK;
}

weft_status weft__text_inputs(const weft__preprocess *p, const weft_graph *g,
                              weft__inputs *out)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    weft_status s = find(g, out);
    if (s) return s;
    if (weft_tokenizer_streams(k) < out->n - 1)
        return weft__fail(WEFT_ESHAPE,
                          "the network reads %d streams, the tokenizer has %d",
                          out->n - 1, weft_tokenizer_streams(k));
    if (weft_tokenizer_length(k) != (int)out->each)
        return weft__fail(WEFT_ESHAPE,
                          "the network reads %d tokens of a text, the tokenizer gives %d",
                          (int)out->each, weft_tokenizer_length(k));
    return WEFT_OK;
}

weft_status weft__text_bind(const weft__inputs *in, weft_plan *p, const weft_batch *b)
{
    size_t n = (size_t)b->n;
    weft_status s = weft_plan_set_int(p, in->value[in->n - 1], b->lengths, n);
    for (int k = 0; k < in->n - 1 && !s; k++)
        s = weft_plan_set_int(p, in->value[k], b->tokens[k], n * in->each);
    return s;
}
