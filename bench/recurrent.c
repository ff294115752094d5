/* recurrent.c: how long recurrent layers take, forward and back, and what part of the
 * machine's peak that is. */
#include "weft/weft.h"

#include "base/checked.h"
#include "measure.h"

#include <getopt.h>
#include <math.h>

typedef struct settings {
    int threads, json;
    double seconds, peak;
    const char *shapes, *only; /* folder; part of the names to be timed */
} settings;

typedef struct layer {
    char name[64], cell[8], lengths[8];
    int dirs, t, n, i, h;
} layer;

typedef struct bench {
    const layer *l;
    weft_graph *g;
    weft_plan *plan;
    weft_val x, lengths, y, loss;
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

static weft_val build(bench *b)
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
    weft_param_init(b->g, in.w, WEFT_INIT_UNIFORM, -most, most);
    weft_param_init(b->g, in.r, WEFT_INIT_UNIFORM, -most, most);
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
    b->loss = weft_sum(b->g, b->y, 0, NULL, false);
    weft_plan_opts o = {.batch = b->l->n, .training = phase != INFER};
    if (phase != INFER) {
        o.loss = b->loss;
        o.input_gradients = true;
    }
    weft_status s = weft_graph_status(b->g);
    if (!s) s = weft_init(b->g, 1);
    if (!s) s = weft_plan_new(b->g, &o, &b->plan);
    if (!s) s = set_inputs(b);
    if (!s) weft_plan_trace(b->plan, on_trace, b);
    return s;
}

/* Times of the layer alone, without the sum behind it. */
static weft_status time_phase(const settings *s, const layer *l, int phase, double *out)
{
    static double t[MEASURE_MOST];
    bench b = {.l = l};
    int n = 0;
    weft_status failed = prepare(&b, phase);
    double start = weft__seconds();
    for (int i = 0; !failed && n < MEASURE_MOST; i++) {
        b.taken[0] = b.taken[1] = 0;
        failed = weft_forward(b.plan);
        if (!failed && phase == TRAIN) failed = weft_backward(b.plan);
        if (i >= 2) t[n++] = b.taken[0] + b.taken[1];
        if (n >= 5 && weft__seconds() - start > s->seconds) break;
    }
    weft_plan_free(b.plan);
    weft_graph_free(b.g);
    if (failed) return failed;
    qsort(t, (size_t)n, sizeof *t, measure_compare);
    out[0] = measure_quantile(t, n, 0.5);
    out[1] = t[0];
    return WEFT_OK;
}

static void tell(const settings *s, const layer *l, int phase, const double *t)
{
    double rate = flops(l, phase) / t[0] * 1e-9;
    if (s->json)
        printf("{\"who\": \"weft\", \"layer\": \"%s\", \"phase\": \"%s\", \"threads\": "
               "%d, \"median_ms\": %.5g, \"min_ms\": %.5g, \"gflops\": %.4g, "
               "\"percent_of_peak\": %.4g}\n",
               l->name, phase_names[phase], weft_threads(), t[0] * 1e3, t[1] * 1e3, rate,
               100 * rate / s->peak);
    else
        printf("%s%9.3f %9.3f %6.1f %4.0f%%%s", phase == INFER ? "" : " |", t[0] * 1e3,
               t[1] * 1e3, rate, 100 * rate / s->peak, phase == TRAIN ? "\n" : "");
    fflush(stdout);
}

static int time_layer(const settings *s, const layer *l)
{
    if (!s->json) printf("%-21s", l->name);
    for (int phase = 0; phase < PHASES; phase++) {
        double t[2];
        weft_status failed = time_phase(s, l, phase, t);
        if (failed) {
            fprintf(stderr, "recurrent: %s: %s\n", l->name, weft_last_error());
            return (int)failed;
        }
        tell(s, l, phase, t);
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

static int time_list(const settings *s)
{
    char path[1024], line[256];
    int number = 0, failed = 0;
    snprintf(path, sizeof path, "%s/rnn.txt", s->shapes);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "recurrent: %s: cannot open\n", path);
        return WEFT_EIO;
    }
    while (!failed && fgets(line, sizeof line, f)) {
        layer l;
        number++;
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0') continue;
        if (!read_line(line, &l)) {
            fprintf(stderr, "recurrent: %s:%d: not a shape\n", path, number);
            failed = WEFT_EUSAGE;
        } else if (!s->only || strstr(l.name, s->only)) {
            failed = time_layer(s, &l);
        }
    }
    fclose(f);
    return failed;
}

/* ---- the command ---- */

static const char usage[] =
    "usage: recurrent [--threads N] [--seconds S] [--json] [--only TEXT] [--shapes DIR]\n"
    "Times recurrent layers of the shapes in DIR/rnn.txt (bench/shapes): prediction, "
    "forward in\n"
    "training, forward and backward. --seconds is for one measurement (0.3). --only: "
    "names that\n"
    "contain TEXT. --json prints one object per line.\n";

static int misused(const char *what, const char *value)
{
    fprintf(stderr, "recurrent: %s: %s\n%s", what, value, usage);
    return 2;
}

static int parse(int argc, char **argv, settings *s)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"shapes", required_argument, NULL, 'd'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = NULL;
        double value = optarg ? strtod(optarg, &end) : 0;
        if (c == 'h') return fputs(usage, stdout), -1;
        if (c == '?') return fputs(usage, stderr), 2;
        if (c == 'j') s->json = 1;
        if (c == 'd') s->shapes = optarg;
        if (c == 'o') s->only = optarg;
        if ((c == 't' || c == 's') && (end == optarg || *end || !(value >= 0)))
            return misused("not a number", optarg);
        if (c == 't') s->threads = (int)value;
        if (c == 's') s->seconds = value;
    }
    return optind < argc ? misused("unexpected", argv[optind]) : 0;
}

static void tell_machine(const settings *s)
{
    if (s->json)
        printf("{\"who\": \"weft\", \"version\": \"%s\", \"cpu\": \"%s\", \"isa\": "
               "\"%s\", \"threads\": %d, \"compiler\": \"%s\", \"peak_gflops\": %.4g}\n",
               weft_version(), machine_name(), weft_isa(), weft_threads(),
               MACHINE_COMPILER, s->peak);
    else
        printf("weft %s, %s, %s, %d threads, %s; peak %.1f GF/s\n%-21s%31s |%31s |%31s\n",
               weft_version(), machine_name(), weft_isa(), weft_threads(),
               MACHINE_COMPILER, s->peak, "median, least ms, GF/s", "prediction",
               "forward in training", "forward and backward");
}

int main(int argc, char **argv)
{
    settings s = {.seconds = 0.3, .shapes = "bench/shapes"};
    int failed = parse(argc, argv, &s);
    if (failed) return failed < 0 ? 0 : failed;
    if (weft_set_threads(s.threads)) return misused("--threads", weft_last_error());
    s.peak = peak_gflops(weft_isa());
    tell_machine(&s);
    return weft_exit_code((weft_status)time_list(&s));
}
