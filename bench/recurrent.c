/* recurrent.c: how long recurrent layers take, forward and back, and what part of the
 * machine's peak that is. */
#include "weft/weft.h"

#include "options.h"

#include "base/checked.h"
#include "base/cpu.h"

#include <math.h>

typedef struct layer {
    char name[64], cell[8], lengths[8];
    int dirs, t, n, i, h;
} layer;

typedef struct bench {
    const layer *l;
    weft_graph *g;
    weft_plan *plan;
    weft_value x, lengths, y, loss;
    double taken[2]; /* by the layer: forward, backward, of the last run */
} bench;

enum { LAYERS_MOST = 100, INFER = 0, FORWARD, TRAIN, PHASES };

static const char *const phase_names[] = {"infer", "forward", "train"};

static int gates_of(const layer *l)
{
    return !strcmp(l->cell, "lstm") ? 4 : !strcmp(l->cell, "gru") ? 3 : 1;
}

/* Of a training step: forward, and twice that back. */
static double flops(const layer *l, int phase)
{
    double rows = (double)l->t * l->n * l->dirs;
    if (!strcmp(l->lengths, "mixed")) {
        rows = 0;
        for (int s = 0; s < l->n; s++)
            rows += l->dirs * (1.0 + s * 37 % l->n * l->t / l->n);
    }
    return (phase == TRAIN ? 6 : 2) * rows * gates_of(l) * l->h * ((double)l->i + l->h);
}

/* ---- one layer ---- */

static float element(uint32_t i)
{
    i = (i ^ i >> 16) * 0x7feb352du;
    i = (i ^ i >> 15) * 0x846ca68bu;
    return (float)(int32_t)(i ^ i >> 16) * 0x1p-31f;
}

static weft_value build(bench *b)
{
    const layer *l = b->l;
    const int wide = gates_of(l) * l->h;
    const weft_rnn_opts o = {.direction =
                                 l->dirs == 2 ? WEFT_RNN_BOTH : WEFT_RNN_FORWARD};
    b->x = weft_input(b->g, "x", WEFT_SHAPE(0, l->t, l->i));
    weft_rnn_in in = {.w = weft_param(b->g, "w", WEFT_SHAPE(l->dirs, wide, l->i)),
                      .r = weft_param(b->g, "r", WEFT_SHAPE(l->dirs, wide, l->h)),
                      .b = weft_param(b->g, "b", WEFT_SHAPE(l->dirs, 2 * wide))};
    double most = 1 / sqrt(l->h);
    weft_init_opts small = {.kind = WEFT_INIT_UNIFORM, .low = -most, .high = most};
    weft_param_init(b->g, in.w, &small);
    weft_param_init(b->g, in.r, &small);
    if (!strcmp(l->lengths, "mixed"))
        in.lengths = b->lengths =
            weft_input_int(b->g, "lengths", WEFT_SHAPE(0), l->t + 1);
    if (!strcmp(l->cell, "lstm")) return weft_lstm(b->g, b->x, &in, &o, NULL, NULL);
    if (!strcmp(l->cell, "gru")) return weft_gru(b->g, b->x, &in, &o, NULL);
    return weft_rnn(b->g, b->x, &in, &o, NULL);
}

static weft_status set_inputs(bench *b)
{
    const layer *l = b->l;
    const size_t count = (size_t)l->n * (size_t)l->t * (size_t)l->i;
    float *x = weft__alloc(count, sizeof *x);
    int32_t *length = weft__alloc((size_t)l->n, sizeof *length);
    weft_status s = x && length ? WEFT_OK : WEFT_ENOMEM;
    for (size_t i = 0; i < count && !s; i++) x[i] = element((uint32_t)i);
    for (int i = 0; i < l->n && !s; i++) length[i] = 1 + i * 37 % l->n * l->t / l->n;
    if (!s) s = weft_plan_set(b->plan, b->x, x, count);
    if (!s && b->lengths.id)
        s = weft_plan_set_int(b->plan, b->lengths, length, (size_t)l->n);
    free(x);
    free(length);
    return s;
}

static void on_trace(void *user, const weft_trace *t)
{
    bench *b = user;
    if (!t->slot && !strcmp(t->op, b->l->cell)) b->taken[t->phase] += t->seconds;
}

static weft_status prepare(bench *b, int phase)
{
    b->g = weft_graph_new();
    if (!b->g) return WEFT_ENOMEM;
    b->y = build(b);
    weft_output(b->g, b->y, "y");
    b->loss = weft_reduce_sum(b->g, b->y, 0, NULL, false);
    weft_plan_opts o = {.batch = b->l->n, .training = phase != INFER};
    if (phase != INFER) {
        o.loss = b->loss;
        o.input_gradients = true;
    }
    weft_status s = weft_graph_status(b->g);
    if (!s) s = weft_params_init(b->g, 1);
    if (!s) s = weft_plan_new(b->g, &o, &b->plan);
    if (!s) s = set_inputs(b);
    if (!s) weft_plan_trace(b->plan, on_trace, b);
    return s;
}

/* Times of the layer alone, without the sum behind it. */
static weft_status time_phase(const settings *s, const layer *l, int phase,
                              weft__measured *out)
{
    static double t[4000];
    bench b = {.l = l};
    int n = 0;
    weft_status failed = prepare(&b, phase);
    double start = weft__seconds();
    for (int i = 0; !failed && n < (int)(sizeof t / sizeof *t); i++) {
        b.taken[0] = b.taken[1] = 0;
        failed = weft_plan_forward(b.plan);
        if (!failed && phase == TRAIN) failed = weft_plan_backward(b.plan);
        if (i >= 2) t[n++] = b.taken[0] + b.taken[1];
        if (n >= 5 && weft__seconds() - start > s->seconds) break;
    }
    weft_plan_free(b.plan);
    weft_graph_free(b.g);
    if (failed) return failed;
    *out = weft__summary(t, n);
    return WEFT_OK;
}

static void tell(const settings *s, const layer *l, int phase, const weft__measured *t)
{
    double rate = flops(l, phase) / t->median * 1e-9;
    if (s->json)
        printf("{\"who\": \"weft\", \"layer\": \"%s\", \"phase\": \"%s\", \"threads\": "
               "%d, \"med_ms\": %.5g, \"min_ms\": %.5g, \"gflops\": %.4g, "
               "\"peak_percent\": %.4g}\n",
               l->name, phase_names[phase], weft_threads(), t->median * 1e3, t->min * 1e3,
               rate, 100 * rate / s->peak);
    else
        printf("%s%9.3f %9.3f %6.1f %4.0f%%%s", phase == INFER ? "" : " |",
               t->median * 1e3, t->min * 1e3, rate, 100 * rate / s->peak,
               phase == TRAIN ? "\n" : "");
    fflush(stdout);
}

static int time_layer(const settings *s, const layer *l)
{
    if (!s->json) printf("%-21s", l->name);
    for (int phase = 0; phase < PHASES; phase++) {
        weft__measured t;
        weft_status failed = time_phase(s, l, phase, &t);
        if (failed) {
            fprintf(stderr, "recurrent: %s: %s\n", l->name, weft_last_error());
            return (int)failed;
        }
        tell(s, l, phase, &t);
    }
    return 0;
}

/* ---- the list of shapes ---- */

static int read_line(const char *line, layer *l)
{
    return sscanf(line, "%63s %7s %d %d %d %d %d %7s", l->name, l->cell, &l->dirs, &l->t,
                  &l->n, &l->i, &l->h, l->lengths) == 8 &&
           l->dirs >= 1 && l->dirs <= 2 && l->t > 0 && l->n > 0 && l->i > 0 && l->h > 0;
}

static int row(const settings *s, const char *line)
{
    layer l;
    if (!read_line(line, &l)) return -1;
    return wanted(s, l.name) ? time_layer(s, &l) : 0;
}

int main(int argc, char **argv)
{
    settings s = {.program = "recurrent", .seconds = 0.3, .shapes = "bench/shapes"};
    int failed = options_read(argc, argv, &s,
                              "Times recurrent layers of the shapes in DIR/rnn.txt "
                              "(bench/shapes): prediction, forward in\ntraining, forward "
                              "and backward.");
    if (failed) return failed < 0 ? 0 : failed;
    tell_machine(&s);
    if (!s.json)
        printf("%-21s%31s |%31s |%31s\n", "median, least ms, GF/s", "prediction",
               "forward in training", "forward and backward");
    return weft_exit_code((weft_status)shapes_each(&s, "rnn.txt", row));
}
