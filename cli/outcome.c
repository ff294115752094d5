/* outcome.c: what a training run came to: measured on validation and test sets, and
 * printed. */
#include "outcome.h"
#include "json_number.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/log.h"
#include "report/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static weft_status measure_test(outcome *o)
{
    int count = samples_count(o->set, WEFT_TEST), classes = samples_classes(o->set);
    int batch = count < 128 ? count : 128;
    if (count < 1) return WEFT_OK;
    o->test = weft_metrics_new(classes);
    o->test_scores = weft__alloc((size_t)count * (size_t)classes, sizeof(float));
    if (!o->test || !o->test_scores)
        return weft__fail(WEFT_ENOMEM, "train: out of memory");
    o->scores = o->test_scores;
    if (o->set.t)
        return weft_evaluate_texts(o->g, o->logits, o->set.t, o->tokenizer, NULL,
                                   WEFT_TEST, batch, o->test, o->test_scores);
    return weft_evaluate(o->g, o->logits, o->set.d, WEFT_TEST, batch, o->mean,
                         o->deviation, o->test, o->test_scores);
}

/* The linear model of n-grams. It is only there to compare with: a failure is told. */
static void measure_baseline(outcome *o)
{
    weft_linear_opts opts = {.unit = weft_tokenizer_unit(o->tokenizer),
                             .keep_case = o->args->keep_case,
                             .keep_width = o->args->keep_width,
                             .seed = o->args->seed};
    if (weft_linear_baseline(o->set.t, &opts, &o->linear))
        weft__warn("no baseline: %s", weft_last_error());
    else
        o->has_linear = true;
}

weft_status outcome_measure(outcome *o)
{
    int classes = samples_classes(o->set);
    weft_plan *p = NULL;
    o->names = calloc((size_t)classes, sizeof *o->names);
    if (!o->names) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    for (int i = 0; i < classes; i++) o->names[i] = samples_class(o->set, i);
    o->val = o->result->metrics;
    o->scores = o->result->scores;
    weft_status s = measure_test(o);
    if (!samples_count(o->set, WEFT_VAL) && o->test) o->val = NULL;
    if (!s) s = weft_plan_new(o->g, &(weft_plan_opts){.batch = 1}, &p);
    if (!s) o->infer_bytes = weft_plan_total_bytes(p);
    weft_plan_free(p);
    for (int i = 0; i < weft_param_count(o->g); i++)
        o->params += (double)weft_param_at(o->g, i).count;
    bool held = samples_count(o->set, WEFT_VAL) || samples_count(o->set, WEFT_TEST);
    if (!s && o->set.t && !o->args->no_baseline && held) measure_baseline(o);
    return s;
}

void outcome_free(outcome *o)
{
    weft_metrics_free(o->test);
    free(o->test_scores);
    free(o->names);
}

static json_t *metrics(const weft_metrics *m)
{
    return m ? json_pack("{s:f, s:f, s:o, s:I}", "accuracy_top1", weft_metrics_top1(m),
                         "accuracy_top5", weft_metrics_top5(m), "loss",
                         json_number(weft_metrics_loss(m)), "samples",
                         (json_int_t)weft_metrics_count(m))
             : json_null();
}

static void add_texts(const outcome *o, json_t *root)
{
    static const char *const key[] = {"vocabulary", "pairs", "triples"};
    const weft_tokenizer *k = o->tokenizer;
    json_object_set_new(
        root, "unit",
        json_string(weft_tokenizer_unit(k) == WEFT_UNIT_CHAR ? "char" : "word"));
    json_object_set_new(root, "max_length", json_integer(weft_tokenizer_length(k)));
    for (int i = 0; i < weft_tokenizer_streams(k); i++)
        json_object_set_new(root, key[i], json_integer(weft_tokenizer_size(k, i)));
    if (o->has_linear)
        json_object_set_new(root, "baseline",
                            json_pack("{s:s, s:o, s:o, s:i, s:f}", "model", "linear",
                                      "val_top1", json_number(o->linear.val_top1),
                                      "test_top1", json_number(o->linear.test_top1),
                                      "features", o->linear.features, "seconds",
                                      o->linear.seconds));
}

static void print_json(const outcome *o)
{
    const weft_train_result *r = o->result;
    char run_dir[4200]; /* a path may be anything, JSON is UTF-8 */
    weft__escape(run_dir, sizeof run_dir, o->run_dir);
    json_t *root =
        json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:s, s:s, s:f, s:i, s:s}", "task",
                  o->task, "model", o->model, "epochs", r->epochs, "best_epoch",
                  r->best_epoch, "val", metrics(o->val), "test", metrics(o->test),
                  "params_sha256", r->params_sha256, "run_dir", run_dir, "seconds",
                  r->seconds, "threads", weft_threads(), "isa", weft_isa());
    if (root && o->set.t) add_texts(o, root);
    if (root) {
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    json_decref(root);
}

void outcome_print_confusion(const weft_metrics *m, const char *const *names, int classes)
{
    size_t n = (size_t)classes;
    int64_t *count = weft__alloc(n * n, sizeof *count);
    for (int i = 0; i < classes && count; i++)
        for (int k = 0; k < classes; k++)
            count[(size_t)i * n + (size_t)k] = weft_metrics_confusion(m, i, k);
    char *text =
        count ? weft__confusion_text(&(weft__confusion){classes, names, count}) : NULL;
    if (text) printf("\n%s", text);
    free(text);
    free(count);
}

static void percent(char text[16], double part)
{
    if (isfinite(part))
        snprintf(text, 16, "%.2f %%", 100 * part);
    else
        snprintf(text, 16, "-");
}

/* The network beside the linear model. */
static void print_comparison(const outcome *o)
{
    static const weft__column column[] = {{"", false, 0},
                                          {"validation", true, 0},
                                          {"test", true, 0},
                                          {"parameters", true, 0},
                                          {"seconds", true, 0}};
    char text[2][4][16], title[48];
    const weft_linear_result *l = &o->linear;
    percent(text[0][0], o->val ? weft_metrics_top1(o->val) : (double)NAN);
    percent(text[0][1], o->test ? weft_metrics_top1(o->test) : (double)NAN);
    percent(text[1][0], l->val_top1);
    percent(text[1][1], l->test_top1);
    snprintf(text[0][2], 16, "%.0f", o->params);
    snprintf(text[1][2], 16, "%d", l->features);
    snprintf(text[0][3], 16, "%.1f", o->result->seconds);
    snprintf(text[1][3], 16, "%.1f", l->seconds);
    snprintf(title, sizeof title, "linear, 1-%d-grams of %s", l->ngrams,
             l->unit == WEFT_UNIT_CHAR ? "characters" : "words");
    const char *cell[] = {o->model, text[0][0], text[0][1], text[0][2], text[0][3],
                          title,    text[1][0], text[1][1], text[1][2], text[1][3]};
    char *table = weft__table(column, 5, cell, 2);
    if (table) printf("\n%s", table);
    free(table);
}

void outcome_print(const outcome *o, bool json, bool quiet)
{
    const weft_train_result *r = o->result;
    const weft_metrics *shown = outcome_shown(o);
    char dir[4200];
    weft__escape(dir, sizeof dir, o->run_dir);
    if (json) {
        print_json(o);
        return;
    }
    if (!quiet) {
        char *report = weft_metrics_report(shown, o->names);
        if (report) printf("\n%s set\n%s", o->test ? "test" : "validation", report);
        free(report);
        outcome_print_confusion(shown, o->names, samples_classes(o->set));
        if (o->has_linear) print_comparison(o);
    }
    printf("\n%s: best epoch %d of %d", o->model, r->best_epoch, r->epochs);
    if (o->val) printf(", validation %.2f %%", 100 * weft_metrics_top1(o->val));
    if (o->test) printf(", test %.2f %%", 100 * weft_metrics_top1(o->test));
    printf(", %.1f s\nmodel    %s/best.onnx\n", r->seconds, dir);
    if (!o->args->no_report) printf("report   %s/report.html\n", dir);
    printf("try      weft predict %s %s\n", dir, o->set.t ? "'A SENTENCE'" : "PICTURE");
}
