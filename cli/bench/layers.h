/* layers.h: where a step's time goes: a row for every step of the plan. */
#ifndef WEFT_CLI_BENCH_LAYERS_H
#define WEFT_CLI_BENCH_LAYERS_H

#include "bench/model.h"

#include <jansson.h>

typedef struct layer_row {
    const char *name, *op;                 /* of the graph */
    double seconds[2], flops[2], bytes[2]; /* forward, backward; summed over the steps */
} layer_row;

typedef struct layer_table {
    layer_row *row;
    int rows, room;
    int steps;   /* that were traced */
    double peak; /* FLOP/s */
    double rate; /* of memory, bytes/s; 0: unknown */
} layer_table;

/* Traces steps of the model for about `seconds`, at least 3. row is fresh memory, also
 * after a failure: layers_free. */
weft_status layers_trace(bench_model *b, bool training, double seconds, layer_table *out);
void layers_free(layer_table *t);

void layers_print(const layer_table *t, bool training);
json_t *layers_json(const layer_table *t); /* an array */

#endif
