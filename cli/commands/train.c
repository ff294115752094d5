/* train.c: `weft train`: from a data set to a model, from one command. */
#include "option.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>

extern const command command_train;

typedef struct train_args {
    weft_fit_args *fit; /* first: see option.h */
    bool json, quiet;
    progress bar;
} train_args;

static const option_row options[] = {
    ONCE(train_args, WEFT_OPTION_FLAG, json, "json", NULL,
         "print one JSON object on stdout"),
    ONCE(train_args, WEFT_OPTION_FLAG, quiet, "quiet", NULL, "no progress"),
    END_OF_OPTIONS};

/* ---- what is said on the way ---- */

static void on_plan(void *user, const weft_fit_plan *p)
{
    const train_args *a = user;
    char dir[4200];
    if (a->quiet) return;
    fputs(p->notes, stderr);
    fprintf(stderr, "data     %s\n", p->data);
    if (p->details[0]) fprintf(stderr, "%s\n", p->details);
    fputs(p->network, stderr);
    fprintf(stderr, "train    %s\nrun      %s\n", p->training,
            weft_escape(dir, sizeof dir, p->run_dir));
}

static void on_start(void *user, const weft_train_estimate *e)
{
    const train_args *a = user;
    char each[32];
    if (a->quiet) return;
    snprintf(each, sizeof each, e->batch_seconds < 0.1 ? "%.1f ms" : "%.0f ms",
             1e3 * e->batch_seconds);
    fprintf(stderr, "expect   about ");
    progress_duration(stderr, e->seconds);
    fprintf(stderr, " (%s a batch), %.1f MB of memory\n", each,
            (double)e->plan_bytes / 1e6);
}

static void on_step(void *user, const weft_progress *p)
{
    progress_step(&((train_args *)user)->bar, p);
}

static void on_epoch(void *user, const weft_epoch_row *row, int epochs, bool best)
{
    progress_epoch(&((train_args *)user)->bar, row, epochs, best);
}

static bool stop(void *user)
{
    (void)user;
    return signals_caught() != 0;
}

/* "weft train --resume RUN", quoted for a shell, whatever the name is made of. */
static void print_resume(const char *run_dir)
{
    bool odd = false;
    for (const char *c = run_dir; *c; c++) odd |= (unsigned char)*c < 32 || *c == 127;
    fprintf(stderr, "weft: stopped and saved; go on with: weft train --resume %s'",
            odd ? "$" : "");
    for (const char *c = run_dir; *c; c++) {
        if (*c == '\'' || (odd && *c == '\\'))
            fprintf(stderr, odd ? "\\%c" : "'\\%c'", *c);
        else if ((unsigned char)*c < 32 || *c == 127)
            fprintf(stderr, "\\%03o", (unsigned)*c);
        else
            fputc(*c, stderr);
    }
    fputs("'\n", stderr);
}

static void print_result(const train_args *a, const weft_fit_result *r)
{
    if (a->json) {
        puts(r->json);
        return;
    }
    if (!a->quiet) fputs(r->text, stdout);
    fputs(r->summary, stdout);
}

static weft_status train(train_args *a, const char *data, weft_fit_result *r)
{
    const weft_fit_opts o = {.args = a->fit,
                             .on_plan = on_plan,
                             .stop = stop,
                             .on_start = a->quiet ? NULL : on_start,
                             .on_step = on_step,
                             .on_epoch = on_epoch,
                             .user = a};
    a->bar = progress_start(a->quiet);
    if (a->quiet) weft_set_quiet(1);
    signals_defer(true);
    weft_status s = weft_fit(data, &o, r);
    signals_defer(false);
    progress_end(&a->bar);
    return s;
}

static weft_status parse(train_args *a, int argc, char **argv, const char **data)
{
    int n = 0;
    weft_status s = options_parse(&command_train, argc, argv, a, &n);
    *data = n ? argv[1] : NULL;
    if (!s && n > 1)
        s = weft_fail(WEFT_EUSAGE, "train: takes one data set, found %d arguments", n);
    return s;
}

static int run(int argc, char **argv)
{
    train_args a = {.fit = weft_fit_args_new()};
    weft_fit_result r = {0};
    const char *data = NULL;
    int code = 0;
    weft_status s = a.fit ? parse(&a, argc, argv, &data)
                          : weft_fail(WEFT_ENOMEM, "train: out of memory");
    if (s == WEFT_ESTOPPED) {
        weft_fit_args_free(a.fit);
        return 0;
    }
    signals_catch();
    if (!s) s = train(&a, data, &r);
    if (!s)
        print_result(&a, &r);
    else if (s == WEFT_ESTOPPED && r.run_dir) {
        print_resume(r.run_dir);
        code = 128 + signals_caught();
    } else
        code = command_failed(s);
    weft_fit_result_free(&r);
    weft_fit_args_free(a.fit);
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
        "classification. --task regress learns numbers instead of classes. All of the "
        "data "
        "is checked before the first step. The run folder runs/TASK/NAME receives "
        "best.onnx "
        "(open it with any ONNX tool), last.ckpt (resume it after an interruption), "
        "results.csv, pictures and report.html.",
    .examples = "  weft train flowers/\n  weft train /usr/share/datasets/fashion-mnist "
                "epochs=12\n"
                "  weft train cifar10/ --model resnet20 --epochs 20 --threads 2\n"
                "  weft train reviews.tsv --model cnn-bigru --ngrams 2\n"
                "  weft train houses.csv --task regress\n"
                "  weft train --resume runs/classify/flowers\n",
    .options = options,
    .fit = FIT_ALL,
    .run = run,
};
