/* cmd_eval.c: `weft eval`: a model measured on labelled data. */
#include "json_number.h"
#include "option.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

extern const command command_eval;

typedef struct eval_args {
    const char *split, *val, *test;
    int batch, threads;
    uint64_t seed;
    double val_fraction;
    bool json, skip_bad;
} eval_args;

static const option_row options[] = {
    CHOICE(eval_args, split, "split", "train|val|test",
           "part of the data (test if there is one, "
           "else val)"),
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
    INT(eval_args, batch, "batch", 1, 65536, "pictures at a time (256)"),
    FLAG(eval_args, skip_bad, "skip-bad", "leave out pictures that cannot be read"),
    INT(eval_args, threads, "threads", 0, 256, "that compute; by default all cores"),
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

static weft_split split_of(const eval_args *a, const weft_data *d)
{
    if (!a->split)
        return weft_data_count(d, WEFT_TEST)  ? WEFT_TEST
               : weft_data_count(d, WEFT_VAL) ? WEFT_VAL
                                              : WEFT_TRAIN;
    return !strcmp(a->split, "train") ? WEFT_TRAIN
           : !strcmp(a->split, "val") ? WEFT_VAL
                                      : WEFT_TEST;
}

static json_t *class_row(const char *name, weft_class_metrics m)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:I}", "class", name, "precision", m.precision,
                     "recall", m.recall, "f1", m.f1, "support", (json_int_t)m.support);
}

static void print_json(const weft_classifier *c, const weft_metrics *m, const char *split)
{
    json_t *rows = json_array(), *matrix = json_array();
    for (int i = 0; i < weft_classifier_classes(c); i++) {
        json_array_append_new(
            rows, class_row(weft_classifier_name(c, i), weft_metrics_class(m, i)));
        json_t *line = json_array();
        for (int k = 0; k < weft_classifier_classes(c); k++)
            json_array_append_new(line, json_integer(weft_metrics_confusion(m, i, k)));
        json_array_append_new(matrix, line);
    }
    json_t *root =
        json_pack("{s:s, s:s, s:I, s:f, s:f, s:o, s:o, s:o, s:o}", "task", "classify",
                  "split", split, "samples", (json_int_t)weft_metrics_count(m),
                  "accuracy_top1", weft_metrics_top1(m), "accuracy_top5",
                  weft_metrics_top5(m), "loss", json_number(weft_metrics_loss(m)),
                  "macro_avg", class_row("macro avg", weft_metrics_macro(m)), "per_class",
                  rows, "confusion", matrix);
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}

static void print_text(const weft_classifier *c, const weft_metrics *m, const char *split)
{
    int n = weft_classifier_classes(c);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n && names; i++) names[i] = weft_classifier_name(c, i);
    char *report = names ? weft_metrics_report(m, names) : NULL;
    if (report) fputs(report, stdout);
    free(report);
    free(names);
    printf("\n%s: %lld samples, top1 %.2f %%, top5 %.2f %%, loss %.4f\n", split,
           (long long)weft_metrics_count(m), 100 * weft_metrics_top1(m),
           100 * weft_metrics_top5(m), weft_metrics_loss(m));
}

static weft_status evaluate(const eval_args *a, const char *model, const char *data)
{
    static const char *const names[] = {"train", "val", "test"};
    weft_classifier *c = NULL;
    weft_data *d = NULL;
    weft_status s = weft_classifier_open(model, &c);
    if (s) return s;
    weft_data_opts o = weft_classifier_pictures(c);
    o.val = a->val;
    o.test = a->test;
    o.val_fraction = a->val_fraction;
    o.seed = a->seed;
    o.skip_bad = a->skip_bad;
    weft_metrics *m = weft_metrics_new(weft_classifier_classes(c));
    s = m ? weft_data_open(data, &o, &d) : weft__fail(WEFT_ENOMEM, "eval: out of memory");
    if (!s) s = same_classes(c, d);
    if (!s) {
        weft_split split = split_of(a, d);
        int count = weft_data_count(d, split);
        s = weft_classifier_evaluate(c, d, split, a->batch < count ? a->batch : count, m,
                                     NULL);
        if (!s && a->json)
            print_json(c, m, names[split]);
        else if (!s)
            print_text(c, m, names[split]);
    }
    weft_metrics_free(m);
    weft_data_close(d);
    weft_classifier_free(c);
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
    .about = "Runs a model over labelled pictures and prints accuracy, loss, and "
             "precision, recall "
             "and F1 of each class. MODEL is an ONNX file or a run folder.",
    .examples = "  weft eval runs/classify/flowers flowers/ --split val\n"
                "  weft eval best.onnx flowers/ --json | jq .accuracy_top1\n",
    .options = options,
    .run = run,
};
