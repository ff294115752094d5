/* model.c: a model with made-up inputs, a loss and an optimizer, step by step. */
#include "bench/model.h"
#include "option.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static weft_status input_misuse(const char *text, const char *allowed)
{
    char shown[80];
    return weft__fail(WEFT_EUSAGE, "--input: found %s, allowed %s",
                      weft__escape(shown, sizeof shown, text), allowed);
}

/* "3x64x64" into up to three numbers; how many, 0 when it is something else. */
static int parse_sizes(const char *text, int size[3])
{
    int n = 0;
    while (n < 3) {
        char word[8];
        char *end;
        size_t length = strcspn(text, "x");
        if (length >= sizeof word) return 0;
        memcpy(word, text, length);
        word[length] = '\0';
        long x = strtol(word, &end, 10);
        if (word[0] < '0' || word[0] > '9' || *end || x < 1 || x > 65536) return 0;
        size[n++] = (int)x;
        if (!text[length]) return n;
        text += length + 1;
    }
    return 0;
}

static weft_status build(bench_model *b, const char *name, const bench_opts *o)
{
    weft_zoo_opts z = o->network;
    const char *reads = weft_zoo_modality(name);
    int size[3] = {0}, wanted = reads && !strcmp(reads, "text") ? 1 : 3;
    if (o->input && parse_sizes(o->input, size) != wanted)
        return input_misuse(o->input, wanted == 1
                                          ? "a number of tokens such as 64"
                                          : "channels x height x width such as 3x64x64");
    z.length = z.channels = size[0];
    z.height = size[1];
    z.width = size[2];
    return model_source_build(name, &z, false, &b->model);
}

static weft_status load(bench_model *b, const char *name, const bench_opts *o)
{
    if (model_source_is_ready(name)) return build(b, name, o);
    return model_source_load(name, NULL, false, &b->model);
}

/* Cross entropy on logits [batch, classes]; for any other output its mean square. */
static weft_value add_loss(const model_source *m)
{
    weft_shape s = weft_shape_of(m->g, m->output);
    if (s.rank == 2) {
        weft_value target = weft_input_int(m->g, "bench.target", WEFT_SHAPE(0), s.dim[1]);
        return weft_cross_entropy(m->g, m->output, target, WEFT_NONE, NULL, NULL);
    }
    return weft_reduce_mean(m->g, weft_mul(m->g, m->output, m->output), 0, NULL, false);
}

/* The rate is small, so that made-up data do not lead a model astray. */
static weft_status add_optimizer(bench_model *b)
{
    weft_optimizer_opts sgd = weft_optimizer_defaults("sgd");
    sgd.lr = 1e-6;
    sgd.momentum = 0;
    return weft_optimizer_new(b->model.g, &sgd, &b->optimizer);
}

/* A hash of i: the same data everywhere. */
static uint32_t scramble(uint32_t i)
{
    i ^= i >> 16;
    i *= 0x7feb352du;
    i ^= i >> 15;
    i *= 0x846ca68bu;
    return i ^ i >> 16;
}

/* Floats of mean 0 and standard deviation 1; integers over their whole range, but
 * lengths at their largest. */
static weft_status make_up(bench_model *b, bench_input *in)
{
    weft_graph *g = b->model.g;
    int limit = weft_input_limit(g, in->value);
    bool longest = !strcmp(weft_name_of(g, in->value), "lengths");
    size_t count;
    if (!weft__mul(in->count, BENCH_BATCHES, &count)) count = SIZE_MAX;
    if (limit > 0)
        in->integer = weft__alloc(count, sizeof *in->integer);
    else
        in->real = weft__alloc(count, sizeof *in->real);
    if (!in->integer && !in->real) return weft__fail(WEFT_ENOMEM, "bench: out of memory");
    for (size_t i = 0; i < count; i++) {
        uint32_t x = scramble((uint32_t)i);
        if (in->real)
            in->real[i] = ((float)(x >> 8) * 0x1p-23f - 1.0f) * 1.7320508f;
        else
            in->integer[i] = longest ? limit - 1 : (int32_t)(x % (uint32_t)limit);
    }
    return WEFT_OK;
}

static weft_status add_inputs(bench_model *b, int batch)
{
    weft_graph *g = b->model.g;
    weft_status s = WEFT_OK;
    if (weft_input_count(g) > BENCH_INPUTS)
        return weft__fail(WEFT_EUSAGE, "bench: the model has %d inputs, allowed are %d",
                          weft_input_count(g), BENCH_INPUTS);
    for (int i = 0; i < weft_input_count(g) && !s; i++) {
        bench_input *in = &b->input[b->inputs++];
        in->value = weft_input_at(g, i);
        weft_shape shape = weft_plan_shape(b->plan, in->value);
        in->rank = shape.rank;
        if (!weft__count(shape.dim, shape.rank, &in->count)) in->count = SIZE_MAX;
        if (shape.rank && shape.dim[0] != batch && !i)
            return weft__fail(WEFT_EUSAGE, "bench: the model takes batches of %d only",
                              shape.dim[0]);
        s = make_up(b, in);
    }
    return s;
}

weft_status bench_model_start(bench_model *b, const char *name, const bench_opts *o)
{
    weft_plan_opts plan = {
        .batch = o->batch, .training = o->training, .exact_conv = o->exact_conv};
    weft_status s = load(b, name, o);
    if (!s && o->training) plan.loss = add_loss(&b->model);
    if (!s) s = weft_graph_status(b->model.g);
    if (!s && o->training) s = add_optimizer(b);
    if (!s) s = weft_plan_new(b->model.g, &plan, &b->plan);
    if (!s) s = add_inputs(b, o->batch);
    return s;
}

void bench_model_free(bench_model *b)
{
    for (int i = 0; i < b->inputs; i++) {
        free(b->input[i].real);
        free(b->input[i].integer);
    }
    weft_plan_free(b->plan);
    weft_optimizer_free(b->optimizer);
    model_source_free(&b->model);
}

static weft_status set_inputs(bench_model *b, int i)
{
    weft_status s = WEFT_OK;
    for (int k = 0; k < b->inputs && !s; k++) {
        const bench_input *in = &b->input[k];
        size_t from = (size_t)(i % BENCH_BATCHES) * in->count;
        if (in->integer)
            s = weft_plan_set_int(b->plan, in->value, in->integer + from, in->count);
        else if (in->rank > 2)
            s = weft_plan_set_nhwc(b->plan, in->value, in->real + from, in->count);
        else
            s = weft_plan_set(b->plan, in->value, in->real + from, in->count);
    }
    return s;
}

int bench_train_step(void *model, int i)
{
    bench_model *b = model;
    double t0 = weft__seconds();
    weft_status s = set_inputs(b, i);
    double t1 = weft__seconds();
    if (!s) s = weft_plan_forward(b->plan);
    double t2 = weft__seconds();
    if (!s) s = weft_optimizer_backward_step(b->plan, b->optimizer, 1e-6);
    b->part[0] += t1 - t0;
    b->part[1] += t2 - t1;
    b->part[2] += weft__seconds() - t2;
    return (int)s;
}

int bench_infer_step(void *model, int i)
{
    bench_model *b = model;
    double t0 = weft__seconds();
    weft_status s = set_inputs(b, i);
    double t1 = weft__seconds();
    if (!s) s = weft_plan_forward(b->plan);
    b->part[0] += t1 - t0;
    b->part[1] += weft__seconds() - t1;
    return (int)s;
}
