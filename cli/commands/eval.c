/* eval.c: `weft eval`: a model measured on labelled data. */
#include "option.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const command command_eval;

typedef struct eval_args {
    weft_fit_args *fit; /* first: see option.h */
    const char *split;
    int batch;
    bool json;
} eval_args;

static const option_row options[] = {
    HEADING("evaluation"),
    CHOICE(
        eval_args, split, "split", "train|val|test",
        "part of the data (test if there is one, else val; of a single file all of it)"),
    INT(eval_args, batch, "batch", 1, 65536, "samples at a time (256)"),
    FLAG(eval_args, json, "json", "print one JSON object on stdout"), END_OF_OPTIONS};

static weft_subset subset_of(const eval_args *a, const weft_dataset *d)
{
    if (a->split)
        return !strcmp(a->split, "train") ? WEFT_SUBSET_TRAIN
               : !strcmp(a->split, "val") ? WEFT_SUBSET_VAL
                                          : WEFT_SUBSET_TEST;
    return weft_dataset_count(d, WEFT_SUBSET_TEST)  ? WEFT_SUBSET_TEST
           : weft_dataset_count(d, WEFT_SUBSET_VAL) ? WEFT_SUBSET_VAL
                                                    : WEFT_SUBSET_TRAIN;
}

/* Of a single file all rows count, unless a part is asked for. */
static bool takes_all(const eval_args *a, const weft_predictor *p, const char *data)
{
    struct stat info;
    bool file = !stat(data, &info) && S_ISREG(info.st_mode);
    return file && weft_predictor_reads(p) == WEFT_ITEM_LINES && !a->split &&
           !option_given("val") && !option_given("test");
}

static weft_status measure(const eval_args *a, weft_predictor *p, const char *data)
{
    weft_dataset *d = NULL;
    weft_evaluation *e = NULL;
    char *text = NULL;
    bool all = takes_all(a, p, data);
    weft_status s = all ? weft_fit_args_set(a->fit, "no-val", NULL) : WEFT_OK;
    if (!s) s = weft_fit_open(data, a->fit, p, &d);
    if (!s) s = weft_predictor_evaluate(p, d, subset_of(a, d), a->batch, &e);
    if (!s && all) weft_evaluation_set_part(e, "all");
    if (!s) text = a->json ? weft_evaluation_json(e) : weft_evaluation_text(e);
    if (!s && !text) s = weft_fail(WEFT_ENOMEM, "eval: out of memory");
    if (!s) printf(a->json ? "%s\n" : "%s", text);
    free(text);
    weft_evaluation_free(e);
    weft_dataset_close(d);
    return s;
}

static weft_status evaluate(const eval_args *a, const char *model, const char *data)
{
    weft_predictor *p = NULL;
    weft_status s = weft_fit_args_apply(a->fit);
    if (!s) s = weft_predictor_open(model, &p);
    if (!s) {
        weft_predictor_set_exact_conv(p, option_given("exact-conv"));
        s = measure(a, p, data);
    }
    weft_predictor_free(p);
    return s;
}

static int run(int argc, char **argv)
{
    eval_args a = {.fit = weft_fit_args_new(), .batch = 256};
    int n = 0, code = 0;
    weft_status s = a.fit ? options_parse(&command_eval, argc, argv, &a, &n)
                          : weft_fail(WEFT_ENOMEM, "eval: out of memory");
    if (!s && n != 2)
        s = weft_fail(WEFT_EUSAGE,
                      "eval: takes a model and a data set, found %d arguments", n);
    if (!s) s = evaluate(&a, argv[1], argv[2]);
    if (s && s != WEFT_ESTOPPED) code = command_failed(s);
    weft_fit_args_free(a.fit);
    return code;
}

const command command_eval = {
    .name = "eval",
    .arguments = "MODEL DATA [--key value ...]",
    .about =
        "Runs a model over labelled samples and prints how well it answers: of a "
        "classification accuracy, loss, precision, recall and F1 of each class, and what "
        "was taken for what. MODEL is an ONNX file or a run folder.",
    .examples = "  weft eval runs/classify/flowers flowers/ --split val\n"
                "  weft eval runs/text/reviews more-reviews.tsv\n"
                "  weft eval best.onnx flowers/ --json | jq .accuracy_top1\n",
    .options = options,
    .fit = FIT_OPENING,
    .run = run,
};
