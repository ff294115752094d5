/* sample.h: random shapes and values for the operators' samples, which the table tests
 * run. */
#ifndef WEFT_SRC_OPS_COMMON_SAMPLE_H
#define WEFT_SRC_OPS_COMMON_SAMPLE_H

#include "ops/op.h"

/* A shape of rank low .. high with dimensions 1 .. most, ones oftener than by
 * chance. */
weft_shape weft__sample_shape(weft__rng *rng, int low, int high, int most);
/* A float value of this shape: a parameter or an input, plain or, of rank 3 and 4,
 * sometimes after a node that stores it channels-last. */
weft_value weft__sample_value(weft_graph *g, weft__rng *rng, const char *name,
                              weft_shape s);
/* weft__sample_value of a small shape of rank 1 to 5. */
weft_value weft__sample_any(weft_graph *g, weft__rng *rng);
/* The same with uniform values in low .. high, of an input or a parameter. */
weft_value weft__sample_within(weft_graph *g, weft__rng *rng, const char *name,
                               weft_shape s, double low, double high);

#endif
