/* cmd_eval.c: `weft eval`: a model measured on labelled data. */
#include "json_number.h"
#include "outcome.h"
#include "trained.h"

#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

extern const command command_eval;

typedef struct eval_args {
    const char *split, *val, *test;
    int batch, threads;
    uint64_t seed;
    double val_fraction;
    bool json, skip_bad, strict, exact_conv;
    const char *label_column, *text_column, *format;
} eval_args;

static const option_row options[] = {
    CHOICE(eval_args, split, "split", "train|val|test",
           "part of the data (test if there is one, else val; of a single file of texts "
           "all of it)"),
    TEXT(eval_args, val, "val", "PATH",
         "validation set, if it does not lie beside the rest"),
    TEXT(eval_args, test, "test", "PATH", "test set, if it does not lie beside the rest"),
    REAL(eval_args, val_fraction, "val-fraction", 0.001, 0.9,
         "as given to weft train (0.1)"),
    {.name = "seed",
     .kind = OPTION_SEED,
     .metavar = "N",
     .offset = offsetof(eval_args, seed),
     .help = "as given to weft train: of the validation split (0)"},
    INT(eval_args, batch, "batch", 1, 65536, "samples at a time (256)"),
    FLAG(eval_args, skip_bad, "skip-bad", "leave out samples that cannot be read"),
    TEXT(eval_args, label_column, "label-column", "COLUMN", "of texts, as weft train"),
    TEXT(eval_args, text_column, "text-column", "COLUMN", "of texts, as weft train"),
    CHOICE(eval_args, format, "format", "tsv|csv|jsonl|fasttext|space",
           "of texts; by default as they look"),
    FLAG(eval_args, strict, "strict", "text that is not UTF-8 is an error"),
    INT(eval_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(eval_args, exact_conv, "exact-conv",
         "convolutions without Winograd's transforms"),
    FLAG(eval_args, json, "json", "print one JSON object on stdout"),
    END_OF_OPTIONS};

/* The data's classes must be the model's, in the same order. */
static weft_status same_classes(const weft_classifier *c, const weft_data *d)
{
    if (weft_data_classes(d) != weft_classifier_classes(c))
        return weft__fail(WEFT_EUSAGE, "the model knows %d classes, the data have %d",
                          weft_classifier_classes(c), weft_data_classes(d));
    bool named = weft_classifier_named(c);
    for (int i = 0; i < weft_classifier_classes(c) && named; i++) {
        char name[1100]; /* as it stands in the metadata */
        weft__escape(name, sizeof name, weft_data_class_name(d, i));
        if (strcmp(weft_classifier_name(c, i), name))
            return weft__fail(WEFT_EUSAGE,
                              "class %d is %.60s in the model, %.60s in the data", i,
                              weft_classifier_name(c, i), name);
    }
    return WEFT_OK;
}

static weft_split split_of(const eval_args *a, samples set)
{
    if (!a->split) return samples_shown(set);
    return !strcmp(a->split, "train") ? WEFT_TRAIN
           : !strcmp(a->split, "val") ? WEFT_VAL
                                      : WEFT_TEST;
}

static json_t *class_row(const char *name, weft_class_metrics m)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:I}", "class", name, "precision", m.precision,
                     "recall", m.recall, "f1", m.f1, "support", (json_int_t)m.support);
}

static void print_json(const trained *t, const weft_metrics *m, const char *split)
{
    json_t *rows = json_array(), *matrix = json_array();
    int n = trained_classes(t);
    for (int i = 0; i < n; i++) {
        json_array_append_new(rows,
                              class_row(trained_name(t, i), weft_metrics_class(m, i)));
        json_t *line = json_array();
        for (int k = 0; k < n; k++)
            json_array_append_new(line, json_integer(weft_metrics_confusion(m, i, k)));
        json_array_append_new(matrix, line);
    }
    json_t *root = json_pack("{s:s, s:s, s:I, s:f, s:f, s:o, s:o, s:o, s:o}", "task",
                             trained_task(t), "split", split, "samples",
                             (json_int_t)weft_metrics_count(m), "accuracy_top1",
                             weft_metrics_top1(m), "accuracy_top5", weft_metrics_top5(m),
                             "loss", json_number(weft_metrics_loss(m)), "macro_avg",
                             class_row("macro avg", weft_metrics_macro(m)), "per_class",
                             rows, "confusion", matrix);
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}

static void print_text(const trained *t, const weft_metrics *m, const char *split)
{
    int n = trained_classes(t);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n && names; i++) names[i] = trained_name(t, i);
    char *report = names ? weft_metrics_report(m, names) : NULL;
    if (report) fputs(report, stdout);
    if (names) outcome_print_confusion(m, names, n);
    free(report);
    free(names);
    printf("\n%s: %lld samples, top1 %.2f %%, top5 %.2f %%, loss %.4f\n", split,
           (long long)weft_metrics_count(m), 100 * weft_metrics_top1(m),
           100 * weft_metrics_top5(m), weft_metrics_loss(m));
}

static const char *const split_names[] = {"train", "val", "test"};

static weft_status measure_pictures(const eval_args *a, weft_classifier *c,
                                    const char *data, weft_metrics *m,
                                    const char **split_name)
{
    weft_data *d = NULL;
    weft_data_opts o = weft_classifier_pictures(c);
    o.val = a->val;
    o.test = a->test;
    o.val_fraction = a->val_fraction;
    o.seed = a->seed;
    o.skip_bad = a->skip_bad;
    weft_status s = weft_data_open(data, &o, &d);
    if (!s) s = same_classes(c, d);
    if (!s) {
        weft_split split = split_of(a, (samples){.d = d});
        int count = weft_data_count(d, split);
        *split_name = split_names[split];
        s = weft_classifier_evaluate(c, d, split, a->batch < count ? a->batch : count, m,
                                     NULL);
    }
    weft_data_close(d);
    return s;
}

/* Of a single file all texts count, unless a split is asked for. */
static weft_status measure_texts(const eval_args *a, weft_text_classifier *c,
                                 const char *data, weft_metrics *m,
                                 const char **split_name)
{
    weft_texts *t = NULL;
    bool all = weft__is_file(data) && !a->split && !a->val && !a->test;
    weft_texts_opts o = {.val = a->val,
                         .test = a->test,
                         .val_fraction = a->val_fraction,
                         .no_val = all,
                         .seed = a->seed,
                         .label_column = a->label_column,
                         .text_column = a->text_column,
                         .format = a->format,
                         .strict = a->strict,
                         .skip_bad = a->skip_bad};
    weft_status s = weft_texts_open(data, &o, &t);
    if (!s) {
        weft_split split = split_of(a, (samples){.t = t});
        int count = weft_texts_count(t, split);
        *split_name = all ? "all" : split_names[split];
        s = weft_text_classifier_evaluate(c, t, split,
                                          a->batch < count ? a->batch : count, m, NULL);
    }
    weft_texts_close(t);
    return s;
}

static weft_status evaluate(const eval_args *a, const char *model, const char *data)
{
    static const char *const for_texts[] = {"label-column", "text-column", "format",
                                            "strict", NULL};
    trained t = {0};
    const char *split = "";
    weft_status s = trained_open(model, a->exact_conv, &t);
    if (s) return s;
    weft_metrics *m = weft_metrics_new(trained_classes(&t));
    if (!m) s = weft__fail(WEFT_ENOMEM, "eval: out of memory");
    if (!s && t.pictures) s = trained_refuse(&t, &command_eval, for_texts);
    if (!s)
        s = t.texts ? measure_texts(a, t.texts, data, m, &split)
                    : measure_pictures(a, t.pictures, data, m, &split);
    if (!s && a->json) print_json(&t, m, split);
    if (!s && !a->json) print_text(&t, m, split);
    weft_metrics_free(m);
    trained_close(&t);
    return s;
}

static int run(int argc, char **argv)
{
    eval_args a = {.batch = 256};
    int n;
    weft_status s = options_parse(&command_eval, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 2)
        return command_misused("eval: takes a model and a data set, found %d arguments",
                               n);
    if (!s) s = weft_set_threads(a.threads);
    if (!s) s = evaluate(&a, argv[1], argv[2]);
    return s ? command_failed(s) : 0;
}

const command command_eval = {
    .name = "eval",
    .arguments = "MODEL DATA [--key value ...]",
    .about = "Runs a model over labelled pictures or texts and prints accuracy, loss, "
             "precision, recall and F1 of each class, and what was taken for what. MODEL "
             "is an ONNX file or a run folder.",
    .examples = "  weft eval runs/classify/flowers flowers/ --split val\n"
                "  weft eval runs/text/reviews more-reviews.tsv\n"
                "  weft eval best.onnx flowers/ --json | jq .accuracy_top1\n",
    .options = options,
    .run = run,
};
