/* cmd_train.c: `weft train`: from a data set to a model, from one command. */
#include "args_file.h"
#include "outcome.h"
#include "progress.h"
#include "run_folder.h"
#include "train_args.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const command command_train;

typedef struct job {
    train_args a;
    args_texts texts; /* of a, read from a run's args.json */
    char *data_path;
    char run_dir[4096];
    weft_data *d;
    weft_graph *g;
    weft_val logits;
    weft_meta *meta;
    weft_fit fit;
    weft_train_opts opts;
    weft_train_result result;
    progress bar;
    float *weights; /* of classes, with --balance */
    bool fresh;     /* this run made run_dir */
    char bad_list[4200];
} job;

static void on_step(void *user, const weft_progress *p)
{
    progress_step(&((job *)user)->bar, p);
}

static void on_epoch(void *user, const weft_epoch_row *row, bool best)
{
    job *j = user;
    progress_epoch(&j->bar, row, j->a.epochs, best);
}

static weft_status copy_from(job *j)
{
    weft_graph *from = NULL;
    int copied = 0, left = 0;
    weft_status s = weft_model_load(j->a.from, NULL, &from, NULL);
    if (!s) s = weft_params_copy(j->g, from, &copied, &left);
    if (!s && !copied)
        s = weft__fail(WEFT_EUSAGE, "%s: has no parameter that fits %s", j->a.from,
                       j->a.model);
    if (!s && !j->a.quiet)
        fprintf(stderr, "%s: %d tensors taken over, %d start afresh\n", j->a.from, copied,
                left);
    weft_graph_free(from);
    return s;
}

static weft_status build_model(job *j)
{
    int c, h, w;
    weft_data_shape(j->d, &c, &h, &w);
    weft_model_opts o = {.classes = weft_data_classes(j->d),
                         .channels = c,
                         .height = h,
                         .width = w,
                         .dropout = j->a.dropout};
    j->g = weft_graph_new();
    if (!j->g) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    weft_status s = weft_model_build(j->g, j->a.model, &o, &j->logits);
    if (!s) s = weft_init(j->g, j->a.seed);
    return s || !j->a.from || j->a.resume ? s : copy_from(j);
}

/* n / (classes * n_c), as scikit-learn's "balanced". */
static weft_status balance(job *j)
{
    int classes = weft_data_classes(j->d), n = weft_data_count(j->d, WEFT_TRAIN);
    if (!j->a.balance) return WEFT_OK;
    j->weights = calloc((size_t)classes, sizeof *j->weights);
    if (!j->weights) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    for (int i = 0; i < n; i++) j->weights[weft_data_label(j->d, WEFT_TRAIN, i)] += 1;
    for (int c = 0; c < classes; c++)
        if (j->weights[c] > 0)
            j->weights[c] = (float)n / ((float)classes * j->weights[c]);
    j->opts.class_weights = j->weights;
    return WEFT_OK;
}

/* The last folder of the data set's path, as a name for the run. */
static void default_name(const char *path, char *out, size_t size)
{
    char copy[300];
    snprintf(copy, sizeof copy, "%s", path);
    size_t n = strlen(copy);
    while (n > 1 && copy[n - 1] == '/') copy[--n] = '\0';
    const char *slash = strrchr(copy, '/');
    const char *base = slash && slash[1] ? slash + 1 : copy;
    snprintf(out, size, "%.100s", *base == '.' || !*base || *base == '/' ? "run" : base);
}

static weft_status make_folder(job *j)
{
    char name[128];
    if (j->a.resume || j->run_dir[0]) return WEFT_OK;
    default_name(j->data_path, name, sizeof name);
    const char *wanted = j->a.name ? j->a.name : name;
    if (!*wanted || strchr(wanted, '/') || !strcmp(wanted, ".") || !strcmp(wanted, ".."))
        return weft__fail(WEFT_EUSAGE, "--name: must be a plain name without slashes");
    weft_status s =
        run_folder_make(j->a.project, "classify", wanted, j->a.name != NULL, j->a.force,
                        j->data_path, j->run_dir, sizeof j->run_dir, &j->fresh);
    if (s) j->run_dir[0] = '\0';
    return s;
}

/* With --skip-bad, the list of bad pictures is written while the data are opened. */
static weft_status place_bad_list(job *j)
{
    if (!j->a.skip_bad) return WEFT_OK;
    if (j->a.bad_list)
        return run_folder_outside(j->a.bad_list, j->data_path, "--bad-list");
    weft_status s = make_folder(j);
    snprintf(j->bad_list, sizeof j->bad_list, "%s/bad.tsv", j->run_dir);
    return s;
}

static weft_status write_args(job *j)
{
    char path[4200];
    if (j->a.resume) return WEFT_OK;
    weft_status s = make_folder(j);
    if (!s) s = run_folder_clear(j->run_dir, j->bad_list[0] != '\0');
    snprintf(path, sizeof path, "%s/args.json", j->run_dir);
    return s ? s : args_write(path, &command_train, &j->a, j->data_path);
}

static weft_status open_data(job *j)
{
    weft_data_opts o = {0};
    weft_status s = train_data_opts(&j->a, &o);
    if (!s) s = place_bad_list(j);
    if (j->bad_list[0]) o.bad_list = j->bad_list;
    j->fit = o.fit;
    return s ? s : weft_data_open(j->data_path, &o, &j->d);
}

static weft_status prepare(job *j)
{
    weft_status s = open_data(j);
    if (s) return s;
    train_choose(&j->a, j->d);
    s = train_fit_opts(&j->a, &j->opts);
    if (!s) s = build_model(j);
    if (!s) s = weft_data_moments(j->d, j->opts.mean, j->opts.deviation);
    for (int k = 0; k < 4; k++)
        if (!(j->opts.deviation[k] > 1e-6f)) j->opts.deviation[k] = 1;
    if (!s) s = balance(j);
    j->meta = weft_meta_new();
    if (!s && !j->meta) s = weft__fail(WEFT_ENOMEM, "train: out of memory");
    if (!s)
        s = weft_classifier_describe(j->meta, j->d, j->opts.mean, j->opts.deviation,
                                     j->fit, j->a.model, j->a.seed);
    return s;
}

static void print_data(const job *j)
{
    int c, h, w;
    char shown[4200];
    weft_data_shape(j->d, &c, &h, &w);
    fprintf(stderr,
            "data     %s (%s): %d training, %d validation, %d test pictures %dx%dx%d, "
            "%d classes\n",
            weft__escape(shown, sizeof shown, j->data_path), weft_data_format(j->d),
            weft_data_count(j->d, WEFT_TRAIN), weft_data_count(j->d, WEFT_VAL),
            weft_data_count(j->d, WEFT_TEST), c, h, w, weft_data_classes(j->d));
}

static void print_plan(job *j)
{
    char *table = weft_graph_table(j->g, j->a.batch);
    if (j->a.quiet) {
        free(table);
        return;
    }
    char shown[4200];
    print_data(j);
    if (table) fputs(table, stderr);
    free(table);
    fprintf(stderr,
            "train    %s, %s lr %g, %s, %d epochs of %d batches, seed %llu, %d threads "
            "(%s)\nrun      %s\n",
            j->a.model, j->a.optimizer, j->opts.optimizer.lr, j->a.schedule, j->a.epochs,
            (weft_data_count(j->d, WEFT_TRAIN) + j->a.batch - 1) / j->a.batch,
            (unsigned long long)j->a.seed, weft_threads(), weft_isa(),
            weft__escape(shown, sizeof shown, j->run_dir));
}

/* "weft train --resume RUN", quoted for a shell, whatever the name is made of. */
static void print_resume(const job *j)
{
    bool odd = false;
    for (const char *c = j->run_dir; *c; c++) odd |= (unsigned char)*c < 32 || *c == 127;
    fprintf(stderr, "weft: stopped and saved; go on with: weft train --resume %s'",
            odd ? "$" : "");
    for (const char *c = j->run_dir; *c; c++) {
        if (*c == '\'' || (odd && *c == '\\'))
            fprintf(stderr, odd ? "\\%c" : "'\\%c'", *c);
        else if ((unsigned char)*c < 32 || *c == 127)
            fprintf(stderr, "\\%03o", (unsigned)*c);
        else
            fputc(*c, stderr);
    }
    fputs("'\n", stderr);
}

static weft_status fit_and_report(job *j)
{
    j->bar = progress_start(j->a.quiet);
    j->opts.run_dir = j->run_dir;
    j->opts.resume = j->a.resume != NULL;
    j->opts.on_step = on_step;
    j->opts.on_epoch = on_epoch;
    j->opts.user = j;
    j->opts.stop = &stop_signal;
    signals_defer(true);
    weft_status s = weft_train(j->g, j->logits, j->d, &j->opts, j->meta, &j->result);
    signals_defer(false);
    progress_end(&j->bar);
    if (!s && stop_signal) s = WEFT_ESTOPPED; /* a resume will write the report */
    if (s) return s;
    outcome o = {.g = j->g,
                 .logits = j->logits,
                 .d = j->d,
                 .model = j->a.model,
                 .run_dir = j->run_dir,
                 .data_path = j->data_path,
                 .result = &j->result,
                 .batch = j->a.batch,
                 .args = &j->a};
    memcpy(o.mean, j->opts.mean, sizeof o.mean);
    memcpy(o.deviation, j->opts.deviation, sizeof o.deviation);
    s = outcome_measure(&o);
    if (!s) {
        if (!j->a.no_report) s = outcome_report(&o);
        outcome_print(&o, j->a.json, j->a.quiet);
    }
    outcome_free(&o);
    return s;
}

static void job_free(job *j)
{
    free(j->result.history);
    free(j->weights);
    free(j->data_path);
    args_texts_free(&j->texts);
    weft_meta_free(j->meta);
    weft_graph_free(j->g);
    weft_data_close(j->d);
}

static weft_status check_resume(const train_args *a)
{
    const char *other = a->name    ? "--name"
                        : a->force ? "--force"
                        : a->from  ? "--from"
                                   : NULL;
    if (other)
        return weft__fail(WEFT_EUSAGE, "train: --resume and %s exclude each other",
                          other);
    return WEFT_OK;
}

/* The run's own options first, then those of this command line again. */
static weft_status read_run(job *j, int argc, char **argv)
{
    int n;
    char path[4200];
    size_t length = strlen(j->a.resume);
    weft_status s = check_resume(&j->a);
    if (s) return s;
    while (length > 1 && j->a.resume[length - 1] == '/') length--;
    if (length > 4000) return weft__fail(WEFT_EUSAGE, "train: the path is too long");
    snprintf(j->run_dir, sizeof j->run_dir, "%.*s", (int)length, j->a.resume);
    snprintf(path, sizeof path, "%s/args.json", j->run_dir);
    if (!weft__is_file(path))
        return weft__fail(WEFT_EUSAGE, "%s: is no run folder: it has no args.json",
                          j->run_dir);
    s = args_read(path, &command_train, &j->a, &j->texts, &j->data_path);
    return s ? s : options_parse(&command_train, argc, argv, &j->a, &n);
}

static weft_status read_arguments(job *j, int argc, char **argv)
{
    int n = 0;
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    if (!copy) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    j->a = train_defaults();
    weft_status s = options_parse(&command_train, argc, argv, &j->a, &n);
    const char *data = n ? argv[1] : NULL;
    if (!s && (n > 1 || (!n && !j->a.resume)))
        s = weft__fail(WEFT_EUSAGE,
                       n ? "train: takes one data set, found %d arguments"
                         : "train: which data set? See weft help train",
                       n);
    if (!s && j->a.resume) s = read_run(j, argc, copy);
    if (!s) s = train_check(&j->a);
    if (!s && data) { /* with --resume: the data have moved */
        free(j->data_path);
        j->data_path = strdup(data);
        if (!j->data_path) s = weft__fail(WEFT_ENOMEM, "train: out of memory");
    }
    free(copy);
    return s;
}

static int run(int argc, char **argv)
{
    job j = {0};
    weft_status s = read_arguments(&j, argc, argv);
    signals_catch();
    if (!s && j.a.quiet) weft__log_quiet(1);
    if (!s && j.a.max_mem) weft__set_max_memory(j.a.max_mem);
    if (!s) s = weft_set_threads(j.a.threads);
    if (!s) s = prepare(&j);
    if (!s) s = write_args(&j);
    if (!s) {
        print_plan(&j);
        s = fit_and_report(&j);
    }
    int code = 0;
    if (s == WEFT_ESTOPPED && stop_signal) {
        print_resume(&j);
        code = 128 + stop_signal;
    } else if (s && s != WEFT_ESTOPPED) {
        if (s == WEFT_ENOMEM && j.a.max_mem)
            weft__fail(s, "%.900s (--max-mem allows %zu bytes)", weft_last_error(),
                       j.a.max_mem);
        code = command_failed(s);
        if (j.fresh) run_folder_undo(j.run_dir);
    }
    job_free(&j);
    return code;
}

const command command_train = {
    .name = "train",
    .arguments = "DATA [--key value | key=value ...]",
    .about =
        "Looks at DATA and knows the task. A folder with IDX or CIFAR files, or of class "
        "folders of pictures (with train/, val/ and test/ or without), is image "
        "classification. All of the data is checked before the first step. The run "
        "folder "
        "runs/classify/NAME receives best.onnx (open it with any ONNX tool), last.ckpt "
        "(go on "
        "with it after an interruption), results.csv, pictures and report.html.",
    .examples = "  weft train flowers/\n  weft train /usr/share/datasets/fashion-mnist "
                "epochs=12\n"
                "  weft train cifar10/ --model resnet20 --epochs 20 --threads 2\n"
                "  weft train --resume runs/classify/flowers\n",
    .options = train_options,
    .run = run,
};
