/* bench.c: `weft bench`: how long a step of a model takes, and why. */
#include "bench/layers.h"
#include "option.h"

#include "base/cpu.h"
#include "base/error.h"
#include "base/measure.h"

#include <stdio.h>

extern const command command_bench;

typedef struct bench_args {
    const char *input;
    int batch, threads;
    double seconds, peak, dropout, embedding_dropout;
    weft_zoo_opts network;
    bool train, infer, json, layers, exact_conv;
} bench_args;

static const option_row options[] = {
    FLAG(bench_args, train, "train", "time a training step: forward, backward, SGD"),
    FLAG(bench_args, infer, "infer", "time a prediction"),
    TEXT(bench_args, input, "input", "SIZE",
         "of a ready network: 3x64x64 for channels, height and width; 64 for tokens"),
    INT(bench_args, batch, "batch", 1, 65536, "samples in a step (64 or 1)"),
    INT(bench_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(bench_args, exact_conv, "exact-conv",
         "convolutions without Winograd's transforms"),
    REAL(bench_args, seconds, "seconds", 0.001, 3600, "to measure for (2)"),
    REAL(bench_args, peak, "peak", 0, 1e9,
         "the machine's peak in GFLOP/s, where it is known; 0 measures it"),
    FLAG(bench_args, layers, "layers", "with --json: also a row for every layer"),
    FLAG(bench_args, json, "json", "print one JSON object on stdout"),
    HEADING("ready networks for texts and pictures; by default as they are made"),
    INT(bench_args, network.outputs, "classes", 1, 1000000, "10; of texts 2"),
    INT(bench_args, network.embedding, "embedding", 1, 4096, "of texts: its width"),
    INT(bench_args, network.vocabulary[0], "vocabulary", 1, 1 << 24, "of texts (20000)"),
    INT(bench_args, network.filters, "filters", 1, 65536, "of the convolution"),
    INT(bench_args, network.kernel, "kernel", 1, 1024,
        "its length; of textcnn the shortest of three"),
    INT(bench_args, network.pool, "pool", 1, 1024, "max pooling after it; 1 none"),
    INT(bench_args, network.hidden, "hidden", 1, 16384, "recurrent units of a direction"),
    CHOICE(bench_args, network.readout, "readout", "last|max|mean|max+mean|attention",
           "how a text's states become one"),
    REAL(bench_args, dropout, "dropout", 0, 0.99, "before the classifier"),
    REAL(bench_args, embedding_dropout, "embedding-dropout", 0, 0.99,
         "of whole channels of the embedding"),
    END_OF_OPTIONS};

/* What is found out about one model. */
typedef struct findings {
    weft__measured time;
    double gflop; /* of a step */
    double peak;  /* GFLOP/s */
    size_t resident, planned;
    layer_table layers;
} findings;

static json_t *to_json(const bench_args *a, const char *name, const findings *f)
{
    const weft__measured *m = &f->time;
    double speed = f->gflop / m->median;
    char shown[400];
    json_t *root = json_pack(
        "{s:s, s:s, s:i, s:i, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, "
        "s:I}",
        "name", weft__escape(shown, sizeof shown, name), "phase",
        a->infer ? "infer" : "train", "batch", a->batch, "threads", weft_threads(), "isa",
        weft_isa(), "steps", m->n, "med_ms", m->median * 1e3, "min_ms", m->min * 1e3,
        "p10_ms", m->p10 * 1e3, "p90_ms", m->p90 * 1e3, "gflop", f->gflop, "gflops",
        speed, "peak_gflops", f->peak, "peak_percent", 100 * speed / f->peak,
        "resident_bytes", (json_int_t)f->resident, "planned_bytes",
        (json_int_t)f->planned);
    json_object_set_new(root, "version", json_string(weft_version()));
    json_object_set_new(root, "cpu", json_string(weft__cpu_name()));
    json_object_set_new(root, "compiler", json_string(weft__compiler()));
    if (a->layers) json_object_set_new(root, "layers", layers_json(&f->layers));
    return root;
}

static void print_text(const bench_args *a, const char *name, const findings *f,
                       const bench_model *b)
{
    const weft__measured *m = &f->time;
    double ms = 1e3 / f->layers.steps, sum = 0;
    char shown[400];
    printf("%s, %s, batch %d, %d threads, %s; %s\n",
           weft__escape(shown, sizeof shown, name),
           a->infer ? "prediction" : "training step", a->batch, weft_threads(),
           weft_isa(), weft__cpu_name());
    printf("%.4g ms (median of %d; fastest %.4g, slowest tenth from %.4g), %.4g "
           "samples/s\n",
           m->median * 1e3, m->n, m->min * 1e3, m->p90 * 1e3, a->batch / m->median);
    printf("%.4g GFLOP: %.4g GFLOP/s, %.1f %% of the multiply-add peak of %.4g; memory "
           "%.3g GB/s\n",
           f->gflop, f->gflop / m->median, 100 * f->gflop / m->median / f->peak, f->peak,
           f->layers.rate * 1e-9);
    printf("%.1f MB planned, %.1f MB resident\n", (double)f->planned / 1e6,
           (double)f->resident / 1e6);
    layers_print(&f->layers, !a->infer);
    for (int i = 0; i < 3; i++) sum += b->part[i];
    printf("A traced step of %.4f ms: input %.4f, forward %.4f", sum * ms,
           b->part[0] * ms, b->part[1] * ms);
    if (!a->infer) printf(", backward and update %.4f", b->part[2] * ms);
    putchar('\n');
}

static weft_status find_out(const bench_args *a, bench_model *b, findings *f)
{
    weft__measure_fn *step = a->infer ? bench_infer_step : bench_train_step;
    weft_status s = (weft_status)weft__measure(step, b, a->seconds, 3, &f->time);
    if (s) return s;
    f->gflop = weft_plan_flops(b->plan) * 1e-9;
    f->planned = weft_plan_total_bytes(b->plan);
    f->resident = weft__peak_resident();
    if (a->json && !a->layers) return WEFT_OK;
    s = layers_trace(b, !a->infer, a->seconds / 2, &f->layers);
    f->layers.peak = f->peak * 1e9;
    f->layers.rate = weft__memory_rate();
    return s;
}

/* Not told: the model's own; told as 0: none, which the library says with -1. */
static double dropout_of(double told)
{
    return told < 0 ? 0 : told > 0 ? told : -1;
}

static weft_status bench(const bench_args *a, const char *name)
{
    bench_model b = {.inputs = 0};
    findings f = {.peak = a->peak};
    bench_opts o = {.input = a->input,
                    .batch = a->batch,
                    .training = !a->infer,
                    .exact_conv = a->exact_conv,
                    .network = a->network};
    o.network.dropout = dropout_of(a->dropout);
    o.network.embedding_dropout = dropout_of(a->embedding_dropout);
    weft_status s = bench_model_start(&b, name, &o);
    if (!s && f.peak <= 0) f.peak = weft__peak_gflops(weft_isa());
    if (!s) s = find_out(a, &b, &f);
    if (!s && a->json) {
        json_t *root = to_json(a, name, &f);
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
        putchar('\n');
        json_decref(root);
    } else if (!s) {
        print_text(a, name, &f, &b);
    }
    layers_free(&f.layers);
    bench_model_free(&b);
    return s;
}

static int run(int argc, char **argv)
{
    bench_args a = {.seconds = 2, .dropout = -1, .embedding_dropout = -1};
    int n;
    weft_status s = options_parse(&command_bench, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 1)
        return command_misused("bench: takes one model, found %d arguments", n);
    if (!s && a.train && a.infer)
        return command_misused("bench: --train and --infer exclude each other");
    if (!s && a.layers && !a.json)
        return command_misused("bench: --layers goes with --json");
    if (!a.batch) a.batch = a.infer ? 1 : 64;
    if (!s) s = model_source_options(&command_bench, (const char *const[]){argv[1]}, 1);
    if (!s) s = weft_set_threads(a.threads);
    if (!s) s = bench(&a, argv[1]);
    return s ? command_failed(s) : 0;
}

const command command_bench = {
    .name = "bench",
    .arguments = "MODEL [--key value ...]",
    .about =
        "Times a training step (the default) or a prediction of a model on made-up data, "
        "and says "
        "for every layer how long it takes forward and backward, what part of the "
        "machine's "
        "multiply-add peak that is, how many bytes it touches, and what bounds it: "
        "compute, memory, "
        "or overhead where neither explains the time. MODEL is an ONNX file, a run "
        "folder, or the "
        "name of a ready network. Peak and memory rate are measured on the spot.",
    .examples = "  weft bench lenet5 --train --batch 64\n"
                "  weft bench resnet18 --input 3x64x64 --infer --batch 1 --threads 2\n"
                "  weft bench cnn-bigru --input 64 --train --batch 64\n"
                "  weft bench best.onnx --train --batch 32 --json\n",
    .options = options,
    .run = run,
};
