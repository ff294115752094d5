/* sample.c: random shapes and values for the operators' samples. */
/* build: once */
#include "ops/common/sample.h"

#include "ops/common/shared.h"

WEFT_SHARED weft_shape weft__sample_shape(weft__rng *rng, int low, int high, int most)
{
    weft_shape s = {.rank = weft__rng_between(rng, low, high)};
    size_t count = 1;
    for (int i = 0; i < s.rank; i++) {
        int room = count > 128 ? 1 : count > 32 ? 3 : most;
        if (weft__rng_below(rng, 6) == 0) room = 1;
        s.dim[i] = weft__rng_between(rng, 1, room < most ? room : most);
        count *= (size_t)s.dim[i];
    }
    return s;
}

static weft_value start(weft_graph *g, weft__rng *rng, const char *name, weft_shape s)
{
    return weft__rng_below(rng, 2) ? weft_param(g, name, s) : weft_input(g, name, s);
}

WEFT_SHARED weft_value weft__sample_value(weft_graph *g, weft__rng *rng, const char *name,
                                          weft_shape s)
{
    weft_value v = start(g, rng, name, s);
    if (s.rank < 3 || s.rank > 4 || weft__rng_below(rng, 3)) return v;
    return weft_avg_pool(g, v, &(weft_pool_opts){.kernel = {1, 1}});
}

WEFT_SHARED weft_value weft__sample_any(weft_graph *g, weft__rng *rng)
{
    return weft__sample_value(g, rng, "x", weft__sample_shape(rng, 1, 5, 6));
}

WEFT_SHARED weft_value weft__sample_within(weft_graph *g, weft__rng *rng,
                                           const char *name, weft_shape s, double low,
                                           double high)
{
    weft_value v = start(g, rng, name, s);
    weft__sample_range(g, v, low, high);
    return v;
}
