/* outcome.c: what a training run came to: measured on validation and test sets, and
 * printed. */
#include "outcome.h"
#include "json_number.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

static weft_status measure(outcome *o, weft_split split, weft_metrics **m)
{
    int count = weft_data_count(o->d, split), classes = weft_data_classes(o->d);
    int batch = count < 256 ? count : 256;
    if (count < 1) return WEFT_OK;
    *m = weft_metrics_new(classes);
    free(o->scores);
    o->scores = weft__alloc((size_t)count * (size_t)classes, sizeof *o->scores);
    if (!*m || !o->scores) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    return weft_evaluate(o->g, o->logits, o->d, split, batch, o->mean, o->deviation, *m,
                         o->scores);
}

weft_status outcome_measure(outcome *o)
{
    int classes = weft_data_classes(o->d);
    weft_plan *p = NULL;
    o->names = calloc((size_t)classes, sizeof *o->names);
    if (!o->names) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    for (int i = 0; i < classes; i++) o->names[i] = weft_data_class_name(o->d, i);
    weft_status s = measure(o, WEFT_VAL, &o->val);
    if (!s) s = measure(o, WEFT_TEST, &o->test);
    if (!s && !o->val && !o->test) s = measure(o, WEFT_TRAIN, &o->val);
    if (!s) s = weft_plan_new(o->g, &(weft_plan_opts){.batch = 1}, &p);
    if (!s) o->infer_bytes = weft_plan_total_bytes(p);
    weft_plan_free(p);
    return s;
}

void outcome_free(outcome *o)
{
    weft_metrics_free(o->val);
    weft_metrics_free(o->test);
    free(o->scores);
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

static void print_json(const outcome *o)
{
    const weft_train_result *r = o->result;
    char run_dir[4200]; /* a path may be anything, JSON is UTF-8 */
    weft__escape(run_dir, sizeof run_dir, o->run_dir);
    json_t *root =
        json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:s, s:s, s:f, s:i, s:s}", "task",
                  "classify", "model", o->model, "epochs", r->epochs, "best_epoch",
                  r->best_epoch, "val", metrics(o->val), "test", metrics(o->test),
                  "params_sha256", r->params_sha256, "run_dir", run_dir, "seconds",
                  r->seconds, "threads", weft_threads(), "isa", weft_isa());
    if (root) {
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    json_decref(root);
}

void outcome_print(const outcome *o, bool json, bool quiet)
{
    const weft_train_result *r = o->result;
    const weft_metrics *shown = o->test ? o->test : o->val;
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
    }
    printf("\n%s: best epoch %d of %d", o->model, r->best_epoch, r->epochs);
    if (o->val) printf(", validation %.2f %%", 100 * weft_metrics_top1(o->val));
    if (o->test) printf(", test %.2f %%", 100 * weft_metrics_top1(o->test));
    printf(", %.1f s\nmodel    %s/best.onnx\n", r->seconds, dir);
    if (!o->args->no_report) printf("report   %s/report.html\n", dir);
    printf("try      weft predict %s PICTURE\n", dir);
}
