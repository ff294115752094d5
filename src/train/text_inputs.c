/* text_inputs.c: the inputs of a network that texts go into. */
#include "train/feed.h"

#include "base/error.h"

const char *const weft__stream_inputs[WEFT_MAX_STREAMS] = {"tokens", "pairs", "triples"};

static bool is_input(const weft_graph *g, weft_val v)
{
    for (int i = 0; i < weft_input_count(g); i++)
        if (weft_input_at(g, i).id == v.id) return true;
    return false;
}

static weft_val input_named(const weft_graph *g, const char *name)
{
    weft_val v = weft_find(g, name);
    return v.id && is_input(g, v) ? v : WEFT_NONE;
}

weft_status weft__text_inputs_find(const weft_graph *g, weft__text_inputs *out)
{
    weft__text_inputs in = {.lengths = input_named(g, "lengths")};
    for (int k = 0; k < WEFT_MAX_STREAMS; k++) {
        weft_val v = input_named(g, weft__stream_inputs[k]);
        if (!v.id) break;
        weft_shape s = weft_shape_of(g, v);
        if (s.rank != 2 || (k && s.dim[1] != in.length))
            return weft__fail(WEFT_ESHAPE, "the network's input %s is not [batch, %s]",
                              weft__stream_inputs[k], k ? "length of tokens" : "length");
        in.stream[in.streams++] = v;
        in.length = s.dim[1];
    }
    if (!in.streams || !in.lengths.id)
        return weft__fail(WEFT_EUSAGE,
                          "the network has no inputs for texts (tokens and lengths)");
    *out = in;
    return WEFT_OK;
}

weft_status weft__text_inputs_fit(const weft__text_inputs *in, const weft_tokenizer *k)
{
    if (weft_tokenizer_streams(k) < in->streams)
        return weft__fail(WEFT_ESHAPE,
                          "the network reads %d streams, the tokenizer has %d",
                          in->streams, weft_tokenizer_streams(k));
    if (weft_tokenizer_length(k) != in->length)
        return weft__fail(WEFT_ESHAPE,
                          "the network reads %d tokens of a text, the tokenizer gives %d",
                          in->length, weft_tokenizer_length(k));
    return WEFT_OK;
}

weft_status weft__text_inputs_put(const weft__text_inputs *in, weft_plan *p, int n,
                                  const int32_t *const *tokens, const int32_t *lengths)
{
    size_t count = (size_t)n * (size_t)in->length;
    weft_status s = weft_plan_set_int(p, in->lengths, lengths, (size_t)n);
    for (int k = 0; k < in->streams && !s; k++)
        s = weft_plan_set_int(p, in->stream[k], tokens[k], count);
    return s;
}
