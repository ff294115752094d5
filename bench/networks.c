/* networks.c: how long a training step and a prediction take with the ready networks. */
#include "weft/weft.h"

#include "base/checked.h"
#include "measure.h"

#include <getopt.h>
#include <math.h>

/* The sizes that bench/peers/networks.py has too. */
typedef struct network {
    const char *name, *model;
    int batch, channels, side, classes;
} network;

static const network networks[] = {
    {"lenet5", "lenet5", 64, 1, 28, 10},
    {"small-cnn", "small-cnn", 128, 1, 28, 10},
    {"resnet20", "resnet20", 128, 3, 32, 10},
    {"vgg11-64", "vgg11", 16, 3, 64, 200},
    {"resnet18-64", "resnet18", 16, 3, 64, 1000},
    {"resnet18-224", "resnet18", 16, 3, 224, 1000},
};

enum { NETWORKS = sizeof networks / sizeof *networks, BATCHES = 4, INFER_MOST = 64 };

typedef struct settings {
    int threads, training, inference, trace, json;
    double seconds, peak;
} settings;

/* A network with all that one step of it needs. */
typedef struct bench {
    const settings *set;
    const network *net;
    weft_graph *g;
    weft_val x, target, logits, loss;
    weft_plan *plan;
    weft_optimizer *optimizer;
    float
        *pictures; /* enough for BATCHES training batches or a large one for inference */
    int32_t *labels;
    int batch;      /* of plan */
    double gflop;   /* of a step */
    double part[4]; /* seconds: input, forward, backward, update */
} bench;

/* The same pictures on every machine and in bench/peers: element i is a hash of i, made a
 * float of mean 0 and deviation 1; labels go round. */
static float picture_element(uint32_t i)
{
    i ^= i >> 16;
    i *= 0x7feb352du;
    i ^= i >> 15;
    i *= 0x846ca68bu;
    i ^= i >> 16;
    return ((float)(i >> 8) * 0x1p-23f - 1.0f) * 1.7320508f;
}

static size_t sample_size(const network *n)
{
    return (size_t)n->channels * (size_t)n->side * (size_t)n->side;
}

static int fill(bench *b)
{
    int most =
        b->net->batch * BATCHES > INFER_MOST ? b->net->batch * BATCHES : INFER_MOST;
    size_t samples = (size_t)most, count = samples * sample_size(b->net);
    b->pictures = weft__alloc(count, sizeof *b->pictures);
    b->labels = weft__alloc(samples, sizeof *b->labels);
    if (!b->pictures || !b->labels) return WEFT_ENOMEM;
    for (size_t i = 0; i < count; i++) b->pictures[i] = picture_element((uint32_t)i);
    for (size_t i = 0; i < samples; i++)
        b->labels[i] = (int32_t)(i * 7) % b->net->classes;
    return WEFT_OK;
}

static weft_status build(bench *b)
{
    const network *n = b->net;
    weft_model_opts o = {.classes = n->classes,
                         .channels = n->channels,
                         .height = n->side,
                         .width = n->side};
    weft_optimizer_opts sgd = weft_optimizer_defaults("sgd");
    sgd.lr = 1e-3;
    sgd.momentum = 0;
    b->g = weft_graph_new();
    if (!b->g) return WEFT_ENOMEM;
    weft_status s = weft_model_build(b->g, n->model, &o, &b->logits);
    if (s) return s;
    b->x = weft_find(b->g, "x");
    b->target = weft_input_int(b->g, "target", WEFT_SHAPE(0), n->classes);
    b->loss = weft_cross_entropy(b->g, b->logits, b->target, WEFT_NONE, NULL, NULL);
    s = weft_init(b->g, 1234);
    if (!s) s = weft_optimizer_new(b->g, &sgd, &b->optimizer);
    return s;
}

static void bench_end(bench *b)
{
    weft_plan_free(b->plan);
    weft_optimizer_free(b->optimizer);
    weft_graph_free(b->g);
    free(b->pictures);
    free(b->labels);
}

static weft_status plan_for(bench *b, int batch, int training)
{
    weft_plan_opts o = {.batch = batch, .training = training};
    if (training) o.loss = b->loss;
    weft_plan_free(b->plan);
    b->plan = NULL;
    b->batch = batch;
    return weft_plan_new(b->g, &o, &b->plan);
}

static weft_status set_input(bench *b, int i)
{
    size_t n = (size_t)b->batch * sample_size(b->net);
    return weft_plan_set_last(b->plan, b->x, b->pictures + (size_t)(i % BATCHES) * n, n);
}

static int train_step(void *arg, int i)
{
    bench *b = arg;
    const int32_t *labels = b->labels + (size_t)(i % BATCHES) * (size_t)b->batch;
    double t0 = weft__seconds();
    weft_status s = set_input(b, i);
    if (!s) s = weft_plan_set_int(b->plan, b->target, labels, (size_t)b->batch);
    double t1 = weft__seconds();
    if (!s) s = weft_forward(b->plan);
    double t2 = weft__seconds();
    if (!s) s = weft_backward(b->plan);
    double t3 = weft__seconds();
    if (!s) s = weft_step(b->optimizer, 1e-3);
    b->part[0] += t1 - t0;
    b->part[1] += t2 - t1;
    b->part[2] += t3 - t2;
    b->part[3] += weft__seconds() - t3;
    return (int)s;
}

static int infer_step(void *arg, int i)
{
    bench *b = arg;
    weft_status s = set_input(b, b->batch * BATCHES > INFER_MOST ? 0 : i);
    if (!s) s = weft_forward(b->plan);
    return (int)s;
}

/* Of one trace; a layer that sees the network's input has no data gradient to compute. */
static double traced_flops(const weft_trace *t)
{
    return t->slot ? 0 : t->phase && !t->count ? t->flops / 2 : t->flops;
}

static void add_flops(void *user, const weft_trace *t)
{
    *(double *)user += traced_flops(t);
}

/* GFLOP that a step really takes: weft_plan_flops counts all data gradients. */
static int count_gflop(bench *b, measure_fn *step)
{
    double sum = 0;
    weft_plan_trace(b->plan, add_flops, &sum);
    int failed = step(b, 0);
    weft_plan_trace(b->plan, NULL, NULL);
    b->gflop = sum * 1e-9;
    return failed;
}

static void tell(const bench *b, const char *phase, const measured *m)
{
    double percent = 100 * b->gflop / m->median / b->set->peak;
    double mib = (double)weft_plan_total_bytes(b->plan) / (1 << 20);
    if (b->set->json)
        printf(
            "{\"who\": \"weft\", \"network\": \"%s\", \"phase\": \"%s\", \"batch\": %d, "
            "\"threads\": %d, \"steps\": %d, \"median_ms\": %.5g, \"min_ms\": %.5g, "
            "\"p10_ms\": %.5g, \"p90_ms\": %.5g, \"gflop\": %.5g, \"percent_of_peak\": "
            "%.4g, "
            "\"plan_mib\": %.4g}\n",
            b->net->name, phase, b->batch, weft_threads(), m->n, m->median * 1e3,
            m->min * 1e3, m->p10 * 1e3, m->p90 * 1e3, b->gflop, percent, mib);
    else
        printf("%-13s %-6s %5d %9.3f %9.3f %9.3f %9.3f %6d %9.0f %7.1f %8.1f\n",
               b->net->name, phase, b->batch, m->median * 1e3, m->min * 1e3, m->p10 * 1e3,
               m->p90 * 1e3, m->n, b->batch / m->median, percent, mib);
    fflush(stdout);
}

/* ---- --trace: where the time of a step goes ---- */

typedef struct trace_row {
    char node[64], op[24];
    double seconds[2], flops[2]; /* forward, backward */
} trace_row;

typedef struct trace_table {
    trace_row row[256];
    int rows;
} trace_table;

static void on_trace(void *user, const weft_trace *t)
{
    trace_table *table = user;
    int i = 0;
    if (t->slot) return;
    while (i < table->rows && strcmp(table->row[i].node, t->node)) i++;
    if (i == (int)(sizeof table->row / sizeof *table->row)) return;
    trace_row *r = &table->row[i];
    if (i == table->rows) {
        table->rows++;
        snprintf(r->node, sizeof r->node, "%s", t->node);
        snprintf(r->op, sizeof r->op, "%s", t->op);
    }
    r->seconds[t->phase] += t->seconds;
    r->flops[t->phase] += traced_flops(t);
}

static double rate(double flops, double seconds)
{
    return seconds > 0 ? flops / seconds * 1e-9 : 0;
}

static void print_trace(const bench *b, const trace_table *t, int steps)
{
    double sum[2] = {0, 0};
    printf("  %-34s %-14s %9s %7s %9s %7s\n", "node", "operator", "fwd ms", "GF/s",
           "bwd ms", "GF/s");
    for (int i = 0; i < t->rows; i++) {
        const trace_row *r = &t->row[i];
        printf("  %-34s %-14s %9.3f %7.1f %9.3f %7.1f\n", r->node, r->op,
               r->seconds[0] / steps * 1e3, rate(r->flops[0], r->seconds[0]),
               r->seconds[1] / steps * 1e3, rate(r->flops[1], r->seconds[1]));
        sum[0] += r->seconds[0];
        sum[1] += r->seconds[1];
    }
    printf("  %-34s %-14s %9.3f %7s %9.3f\n", "all nodes", "", sum[0] / steps * 1e3, "",
           sum[1] / steps * 1e3);
    printf("  input %.3f ms, forward %.3f, backward %.3f, update %.3f\n",
           b->part[0] / steps * 1e3, b->part[1] / steps * 1e3, b->part[2] / steps * 1e3,
           b->part[3] / steps * 1e3);
}

static int trace_training(bench *b, double seconds)
{
    static trace_table table;
    int failed = 0, steps = 0;
    double start = weft__seconds();
    table = (trace_table){.rows = 0};
    memset(b->part, 0, sizeof b->part);
    weft_plan_trace(b->plan, on_trace, &table);
    for (; !failed && (steps < 3 || weft__seconds() - start < seconds); steps++)
        failed = train_step(b, steps);
    weft_plan_trace(b->plan, NULL, NULL);
    if (!failed) print_trace(b, &table, steps);
    return failed;
}

static int time_training(bench *b)
{
    measured m;
    int failed = (int)plan_for(b, b->net->batch, 1);
    if (!failed) failed = count_gflop(b, train_step);
    if (!failed) failed = measure(train_step, b, b->set->seconds, 5, &m);
    if (failed) return failed;
    float loss = weft_plan_scalar(b->plan, b->loss);
    if (!isfinite(loss)) {
        fprintf(stderr, "networks: %s: the loss is not finite\n", b->net->name);
        return WEFT_EDIVERGED;
    }
    tell(b, "train", &m);
    return b->set->trace ? trace_training(b, b->set->seconds) : 0;
}

static int time_inference(bench *b, int batch)
{
    measured m;
    int failed = (int)plan_for(b, batch, 0);
    if (!failed) failed = count_gflop(b, infer_step);
    if (!failed) failed = measure(infer_step, b, b->set->seconds / 2, 5, &m);
    if (!failed) tell(b, "infer", &m);
    return failed;
}

static int run(const settings *set, const network *net)
{
    bench b = {.set = set, .net = net};
    int failed = fill(&b);
    if (!failed) failed = (int)build(&b);
    if (!failed && set->training) failed = time_training(&b);
    if (!failed && set->inference) failed = time_inference(&b, 1);
    if (!failed && set->inference) failed = time_inference(&b, INFER_MOST);
    if (failed) fprintf(stderr, "networks: %s: %s\n", net->name, weft_last_error());
    bench_end(&b);
    return failed;
}

static void tell_machine(const settings *s)
{
    if (s->json)
        printf(
            "{\"who\": \"weft\", \"version\": \"%s\", \"cpu\": \"%s\", \"isa\": \"%s\", "
            "\"threads\": %d, \"compiler\": \"%s\", \"peak_gflops\": %.4g}\n",
            weft_version(), machine_name(), weft_isa(), weft_threads(), MACHINE_COMPILER,
            s->peak);
    else
        printf("weft %s, %s, %s, %d threads, %s; peak %.1f GF/s\n%-13s %-6s %5s %9s %9s "
               "%9s %9s "
               "%6s %9s %7s %8s\n",
               weft_version(), machine_name(), weft_isa(), weft_threads(),
               MACHINE_COMPILER, s->peak, "network", "phase", "batch", "median ms", "min",
               "p10", "p90", "steps", "samples/s", "% peak", "MiB");
}

static const char usage[] = "usage: networks [NETWORK ...] [--threads N] [--seconds S] "
                            "[--phase train|infer|both]\n"
                            "                [--trace] [--json] [--peak GFLOPS]\n"
                            "Times a training step (input, forward, backward, SGD) and "
                            "predictions of batches of 1 and 64\n"
                            "of each network; without names, of all. --seconds is for "
                            "one measurement (2). --trace shows\n"
                            "where the time of a training step goes. --json prints one "
                            "object per line. --peak: the\n"
                            "machine's peak where it is known already.\n";

static int misused(const char *what, const char *value)
{
    fprintf(stderr, "networks: %s: %s\n%s", what, value, usage);
    return 2;
}

static int parse(int argc, char **argv, settings *s)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"phase", required_argument, NULL, 'p'},
                                            {"trace", no_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"peak", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = NULL;
        double value = optarg ? strtod(optarg, &end) : 0;
        int number = optarg && end != optarg && !*end && value >= 0;
        if (c == 'h') return fputs(usage, stdout), -1;
        if (c == '?') return fputs(usage, stderr), 2;
        if (c == 'r') s->trace = 1;
        if (c == 'j') s->json = 1;
        if (c == 'p') {
            if (strcmp(optarg, "train") && strcmp(optarg, "infer") &&
                strcmp(optarg, "both"))
                return misused("--phase", optarg);
            s->training = strcmp(optarg, "infer") != 0;
            s->inference = strcmp(optarg, "train") != 0;
        }
        if (strchr("tsk", c) && !number) return misused("not a number", optarg);
        if (c == 't') s->threads = (int)value;
        if (c == 's') s->seconds = value;
        if (c == 'k') s->peak = value;
    }
    return 0;
}

static const network *find(const char *name)
{
    for (int i = 0; i < NETWORKS; i++)
        if (!strcmp(networks[i].name, name)) return &networks[i];
    return NULL;
}

int main(int argc, char **argv)
{
    settings s = {.training = 1, .inference = 1, .seconds = 2};
    int failed = parse(argc, argv, &s);
    if (failed) return failed < 0 ? 0 : failed;
    for (int i = optind; i < argc; i++)
        if (!find(argv[i])) return misused("no such network", argv[i]);
    if (weft_set_threads(s.threads)) return misused("--threads", weft_last_error());
    if (s.peak <= 0) s.peak = peak_gflops(weft_isa());
    tell_machine(&s);
    for (int i = optind; i < argc && !failed; i++) failed = run(&s, find(argv[i]));
    for (int i = 0; i < NETWORKS && optind == argc && !failed; i++)
        failed = run(&s, &networks[i]);
    return weft_exit_code((weft_status)failed);
}
