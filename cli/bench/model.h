/* model.h: a model with all that one step of it needs, to be timed. */
#ifndef WEFT_CLI_BENCH_MODEL_H
#define WEFT_CLI_BENCH_MODEL_H

#include "model_source.h"

typedef struct bench_opts {
    const char *input; /* "3x64x64" or "64" of a ready network, or NULL */
    int batch;
    bool training, exact_conv;
    weft_zoo_opts network; /* of a ready network; its classes serve pictures too */
} bench_opts;

enum { BENCH_INPUTS = 16, BENCH_BATCHES = 4 };

/* BENCH_BATCHES batches of one input: float or integer. */
typedef struct bench_input {
    weft_value value;
    int rank;
    size_t count; /* of one batch */
    float *real;
    int32_t *integer;
} bench_input;

typedef struct bench_model {
    model_source model;
    weft_plan *plan;
    weft_optimizer *optimizer; /* when training */
    bench_input input[BENCH_INPUTS];
    int inputs;
    double part
        [3]; /* seconds since they were cleared: input, forward, backward and update */
} bench_model;

/* Loads or builds the model, gives a training one a loss on its first output, plans it
 * and makes up its inputs. bench_model_free takes half-made ones too. */
weft_status bench_model_start(bench_model *b, const char *name, const bench_opts *o);
void bench_model_free(bench_model *b);

/* One step of a bench_model: a training step (input, forward, backward, SGD) or a
 * prediction (input, forward), on batch i. */
int bench_train_step(void *model, int i);
int bench_infer_step(void *model, int i);

#endif
