/* cmd_train.c: `weft train`: from a data set to a model, from one command. */
#include "run_folder.h"
#include "train_job.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const command command_train;

static void on_start(void *user, const weft_run_plan *p)
{
    const train_job *j = user;
    char each[32];
    if (j->a.quiet) return;
    snprintf(each, sizeof each, p->batch_seconds < 0.1 ? "%.1f ms" : "%.0f ms",
             1e3 * p->batch_seconds);
    fprintf(stderr, "expect   about ");
    progress_duration(stderr, p->seconds);
    fprintf(stderr, " (%s a batch), %.1f MB of memory\n", each,
            (double)p->plan_bytes / 1e6);
}

static void on_step(void *user, const weft_progress *p)
{
    progress_step(&((train_job *)user)->bar, p);
}

static void on_epoch(void *user, const weft_epoch_row *row, bool best)
{
    train_job *j = user;
    progress_epoch(&j->bar, row, j->a.epochs, best);
}

/* The last part of the data set's path, of a file without its ending, as a name for the
 * run. */
static void default_name(const char *path, char *out, size_t size)
{
    char copy[300];
    snprintf(copy, sizeof copy, "%s", path);
    size_t n = strlen(copy);
    while (n > 1 && copy[n - 1] == '/') copy[--n] = '\0';
    char *slash = strrchr(copy, '/');
    char *base = slash && slash[1] ? slash + 1 : copy;
    char *dot = strrchr(base, '.');
    if (dot && dot > base && weft__is_file(path)) *dot = '\0';
    snprintf(out, size, "%.100s", *base == '.' || !*base || *base == '/' ? "run" : base);
}

static weft_status make_folder(train_job *j)
{
    char name[128];
    if (j->a.resume || j->run_dir[0]) return WEFT_OK;
    default_name(j->data_path, name, sizeof name);
    const char *wanted = j->a.name ? j->a.name : name;
    if (!*wanted || strchr(wanted, '/') || !strcmp(wanted, ".") || !strcmp(wanted, ".."))
        return weft__fail(WEFT_EUSAGE, "--name: must be a plain name without slashes");
    weft_status s =
        run_folder_make(j->a.project, j->a.task, wanted, j->a.name != NULL, j->a.force,
                        j->data_path, j->run_dir, sizeof j->run_dir, &j->fresh);
    if (s) j->run_dir[0] = '\0';
    return s;
}

/* With --skip-bad, the list of bad samples is written while the data are opened. */
static weft_status place_bad_list(train_job *j)
{
    if (!j->a.skip_bad) return WEFT_OK;
    if (j->a.bad_list)
        return run_folder_outside(j->a.bad_list, j->data_path, "--bad-list");
    weft_status s = make_folder(j);
    snprintf(j->bad_list, sizeof j->bad_list, "%s/bad.tsv", j->run_dir);
    return s;
}

static weft_status write_args(train_job *j)
{
    char path[4200];
    if (j->a.resume) return WEFT_OK;
    weft_status s = make_folder(j);
    if (!s) s = run_folder_clear(j->run_dir, j->bad_list[0] != '\0');
    snprintf(path, sizeof path, "%s/args.json", j->run_dir);
    return s ? s
             : args_write(path, &command_train, &j->a, j->data_path, j->kind->left_out);
}

/* Pictures or texts? */
static weft_status choose_kind(train_job *j)
{
    const char *task = j->a.task;
    bool text = task ? !strcmp(task, train_task_words[TRAIN_TEXT])
                     : weft_texts_probe(j->data_path);
    j->kind = text ? &train_texts : &train_pictures;
    return train_settle(&command_train, &j->a, j->kind->task);
}

static weft_status prepare(train_job *j)
{
    weft_status s = place_bad_list(j);
    if (!s) s = j->kind->open(j, j->bad_list[0] ? j->bad_list : j->a.bad_list);
    return s ? s : j->kind->prepare(j);
}

static void print_plan(train_job *j)
{
    if (j->a.quiet) return;
    char shown[4200];
    char *table = weft_graph_table(j->g, j->a.batch);
    j->kind->print_data(j);
    if (table) fputs(table, stderr);
    free(table);
    fprintf(stderr,
            "train    %s, %s lr %g, %s, %d epochs of %d batches, seed %llu, %d threads "
            "(%s)\nrun      %s\n",
            j->a.model, j->a.optimizer, j->opts.optimizer.lr, j->a.schedule, j->a.epochs,
            (samples_count(j->set, WEFT_TRAIN) + j->a.batch - 1) / j->a.batch,
            (unsigned long long)j->a.seed, weft_threads(), weft_isa(),
            weft__escape(shown, sizeof shown, j->run_dir));
}

/* "weft train --resume RUN", quoted for a shell, whatever the name is made of. */
static void print_resume(const train_job *j)
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

static weft_status report(train_job *j)
{
    outcome o = {.g = j->g,
                 .logits = j->logits,
                 .set = j->set,
                 .tokenizer = j->k,
                 .task = j->a.task,
                 .model = j->a.model,
                 .run_dir = j->run_dir,
                 .data_path = j->data_path,
                 .result = &j->result,
                 .batch = j->a.batch,
                 .args = &j->a};
    memcpy(o.mean, j->opts.mean, sizeof o.mean);
    memcpy(o.deviation, j->opts.deviation, sizeof o.deviation);
    weft_status s = outcome_measure(&o);
    if (!s) {
        if (!j->a.no_report) s = outcome_report(&o);
        outcome_print(&o, j->a.json, j->a.quiet);
    }
    outcome_free(&o);
    return s;
}

static bool stop_asked(void *user)
{
    (void)user;
    return signals_caught() != 0;
}

static weft_status fit_and_report(train_job *j)
{
    j->bar = progress_start(j->a.quiet);
    j->opts.run_dir = j->run_dir;
    j->opts.resume = j->a.resume != NULL;
    j->opts.exact_conv = j->a.exact_conv;
    j->opts.on_start = j->a.quiet ? NULL : on_start;
    j->opts.on_step = on_step;
    j->opts.on_epoch = on_epoch;
    j->opts.user = j;
    j->opts.stop = stop_asked;
    signals_defer(true);
    weft_status s = j->kind->fit(j);
    signals_defer(false);
    progress_end(&j->bar);
    if (!s && signals_caught()) s = WEFT_ESTOPPED; /* a resume will write the report */
    return s ? s : report(j);
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
static weft_status read_run(train_job *j, int argc, char **argv)
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

static weft_status read_arguments(train_job *j, int argc, char **argv)
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
    train_job j = {0};
    weft_status s = read_arguments(&j, argc, argv);
    signals_catch();
    if (!s && j.a.quiet) weft__log_quiet(1);
    if (!s && j.a.max_mem) weft__set_max_memory(j.a.max_mem);
    if (!s) s = weft_set_threads(j.a.threads);
    if (!s) s = choose_kind(&j);
    if (!s) s = prepare(&j);
    if (!s) s = write_args(&j);
    if (!s) {
        print_plan(&j);
        s = fit_and_report(&j);
    }
    int code = 0;
    if (s == WEFT_ESTOPPED && signals_caught()) {
        print_resume(&j);
        code = 128 + signals_caught();
    } else if (s && s != WEFT_ESTOPPED) {
        if (s == WEFT_ENOMEM && j.a.max_mem)
            weft__fail(s, "%.900s (--max-mem allows %zu bytes)", weft_last_error(),
                       j.a.max_mem);
        code = command_failed(s);
        if (j.fresh) run_folder_undo(j.run_dir);
    }
    train_job_free(&j);
    return code;
}

const command command_train = {
    .name = "train",
    .arguments = "DATA [--key value | key=value ...]",
    .about =
        "Looks at DATA and knows the task. A folder with IDX or CIFAR files, or of class "
        "folders of pictures (with train/, val/ and test/ or without), is image "
        "classification. A .tsv, .csv, .jsonl or fastText file, a folder with train, dev "
        "and test files of those, or of class folders of .txt files, is text "
        "classification. All of the data is checked before the first step. The run "
        "folder runs/classify/NAME or runs/text/NAME receives best.onnx (open it with "
        "any ONNX tool), last.ckpt (go on with it after an interruption), results.csv, "
        "pictures and report.html.",
    .examples = "  weft train flowers/\n  weft train /usr/share/datasets/fashion-mnist "
                "epochs=12\n"
                "  weft train cifar10/ --model resnet20 --epochs 20 --threads 2\n"
                "  weft train reviews.tsv --model cnn-bigru --ngrams 2\n"
                "  weft train --resume runs/classify/flowers\n",
    .options = train_options,
    .run = run,
};
