/* outcome_report.c: a run's page and pictures. */
#include "outcome_page.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fact_add(fact_list *l, const char *key, const char *format, ...)
{
    va_list args;
    if (l->n == FACTS) return;
    va_start(args, format);
    vsnprintf(l->text[l->n], FACT_TEXT, format, args);
    va_end(args);
    l->fact[l->n] = (weft__fact){key, l->text[l->n]};
    l->n++;
}

static weft__class_row class_row(weft_class_metrics m)
{
    return (weft__class_row){m.precision, m.recall, m.f1, m.support};
}

static weft_status fill_curves(page *p)
{
    const weft_train_result *r = p->o->result;
    size_t n = (size_t)r->rows;
    double *all = weft__alloc(8 * n + 1, sizeof *all);
    if (!all) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    p->epoch = all;
    p->train_loss = all + n;
    p->val_loss = all + 2 * n;
    p->top1 = all + 3 * n;
    p->top5 = all + 4 * n;
    p->lr = all + 5 * n;
    p->norm = all + 6 * n;
    p->norm_most = all + 7 * n;
    for (size_t i = 0; i < n; i++) {
        const weft_epoch_row *row = &r->history[i];
        p->epoch[i] = row->epoch;
        p->train_loss[i] = row->train_loss;
        p->val_loss[i] = row->val_loss;
        p->top1[i] = row->top1;
        p->top5[i] = row->top5;
        p->lr[i] = row->lr;
        p->norm[i] = row->gradient;
        p->norm_most[i] = row->gradient_most;
    }
    p->loss[0] = (weft__series){"training", r->rows, p->epoch, p->train_loss};
    p->loss[1] = (weft__series){"validation", r->rows, p->epoch, p->val_loss};
    p->accuracy[0] = (weft__series){"top-1", r->rows, p->epoch, p->top1};
    p->accuracy[1] = (weft__series){"top-5", r->rows, p->epoch, p->top5};
    p->gradient[0] = (weft__series){"mean", r->rows, p->epoch, p->norm};
    p->gradient[1] = (weft__series){"largest", r->rows, p->epoch, p->norm_most};
    p->rate[0] = (weft__series){"learning rate", r->rows, p->epoch, p->lr};
    p->chart[0] = (weft__chart){.title = "Loss",
                                .n = 2,
                                .series = p->loss,
                                .mark = r->best_epoch,
                                .mark_text = "best"};
    p->chart[1] = (weft__chart){.title = "Validation accuracy",
                                .n = p->classes > 5 ? 2 : 1,
                                .series = p->accuracy,
                                .percent = true,
                                .mark = r->best_epoch,
                                .mark_text = "best"};
    p->chart[2] = (weft__chart){.title = "Learning rate", .n = 1, .series = p->rate};
    p->chart[3] = (weft__chart){.title = "Gradient norm before clipping",
                                .n = 2,
                                .series = p->gradient,
                                .log = true};
    return WEFT_OK;
}

static weft_status fill_classes(page *p)
{
    size_t n = (size_t)p->classes;
    p->confusion = weft__alloc(n * n, sizeof *p->confusion);
    p->rows = weft__alloc(n, sizeof *p->rows);
    if (!p->confusion || !p->rows)
        return weft__fail(WEFT_ENOMEM, "report: out of memory");
    for (int i = 0; i < p->classes; i++) {
        p->rows[i] = class_row(weft_metrics_class(p->m, i));
        for (int k = 0; k < p->classes; k++)
            p->confusion[(size_t)i * n + (size_t)k] = weft_metrics_confusion(p->m, i, k);
    }
    return WEFT_OK;
}

mistake mistake_judge(const float *x, int n, int sample, int truth)
{
    int top = 0;
    double sum = 0;
    for (int k = 1; k < n; k++)
        if (x[k] > x[top]) top = k;
    for (int k = 0; k < n; k++) sum += exp((double)x[k] - x[top]);
    return (mistake){sample, top, 1 / sum, exp((double)x[truth] - x[top]) / sum};
}

static void find_mistakes(page *p)
{
    const outcome *o = p->o;
    for (int i = 0; i < samples_count(o->set, p->split); i++) {
        int truth = samples_label(o->set, p->split, i);
        mistake m = mistake_judge(o->scores + (size_t)i * (size_t)p->classes, p->classes,
                                  i, truth);
        if (m.predicted == truth || !isfinite(m.probability)) continue;
        int at = p->mistakes < MISTAKES ? p->mistakes++ : MISTAKES;
        if (at == MISTAKES) {
            if (p->mistake[MISTAKES - 1].probability >= m.probability) continue;
            at = MISTAKES - 1;
        }
        for (; at > 0 && p->mistake[at - 1].probability < m.probability; at--)
            p->mistake[at] = p->mistake[at - 1];
        p->mistake[at] = m;
    }
}

static weft_status fill_layers(page *p)
{
    weft_status s = weft_graph_rows(p->o->g, 1, &p->graph_rows, &p->layer_count);
    if (s) return s;
    p->layers = weft__alloc((size_t)p->layer_count + 1, sizeof *p->layers);
    if (!p->layers) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    for (int i = 0; i < p->layer_count; i++) {
        const weft_graph_row *r = &p->graph_rows[i];
        p->layers[i] = (weft__layer_row){r->name, r->op, r->shape,
                                         (int64_t)(r->params + r->frozen), r->mult_adds};
    }
    return WEFT_OK;
}

static void fill_facts(page *p)
{
    const outcome *o = p->o;
    const train_args *a = o->args;
    const weft_train_result *r = o->result;
    int train = samples_count(o->set, WEFT_TRAIN);
    fact_add(&p->headline, o->test ? "Test accuracy" : "Validation accuracy", "%.2f %%",
             100 * weft_metrics_top1(p->m));
    if (o->test && o->val)
        fact_add(&p->headline, "Validation accuracy", "%.2f %%",
                 100 * weft_metrics_top1(o->val));
    fact_add(&p->headline, "Macro F1", "%.3f", weft_metrics_macro(p->m).f1);
    fact_add(&p->headline, "Training time", "%.0f s", r->seconds);
    fact_add(&p->training, "Model", "%s", o->model);
    fact_add(&p->training, "Epochs", "%d, best %d", r->epochs, r->best_epoch);
    fact_add(&p->training, "Batch", "%d", a->batch * a->accumulate);
    fact_add(&p->training, "Optimizer", "%s, learning rate %g, weight decay %g",
             a->optimizer, a->lr, a->weight_decay);
    fact_add(&p->training, "Schedule", "%s", a->schedule);
    fact_add(&p->training, "Seed", "%llu", (unsigned long long)a->seed);
    fact_add(&p->training, "Parameters (SHA-256)", "%s", r->params_sha256);
    fact_add(&p->data, "Source", "%.90s", o->data_path);
    fact_add(&p->data, "Format", "%s", samples_format(o->set));
    fact_add(&p->data, o->set.t ? "Texts" : "Pictures",
             "%d training, %d validation, %d test", train,
             samples_count(o->set, WEFT_VAL), samples_count(o->set, WEFT_TEST));
    fact_add(&p->data, "Classes", "%d", p->classes);
    fact_add(&p->resources, "Training", "%.1f s, %.0f %s/s", r->seconds,
             r->seconds > 0 ? (double)train * r->epochs / r->seconds : 0,
             samples_word(o->set));
    fact_add(&p->resources, "Memory planned for training", "%.1f MB",
             (double)r->plan_bytes / 1e6);
    fact_add(&p->resources, "Memory planned for prediction", "%.2f MB",
             (double)o->infer_bytes / 1e6);
    fact_add(&p->resources, "Peak resident memory", "%.0f MB",
             (double)weft__peak_resident() / 1e6);
    fact_add(&p->resources, "Threads, instruction set", "%d, %s", weft_threads(),
             weft_isa());
}

static void fill_groups(page *p)
{
    p->group[0] = (weft__fact_group){"Training", p->training.n, p->training.fact};
    p->group[1] = (weft__fact_group){"Data", p->data.n, p->data.fact};
    p->group[2] =
        (weft__fact_group){"Time and memory", p->resources.n, p->resources.fact};
}

static void fill_texts(page *p)
{
    char date[64] = "";
    time_t now = time(NULL);
    struct tm tm;
    const char *base = strrchr(p->o->run_dir, '/');
    if (localtime_r(&now, &tm)) strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
    snprintf(p->title, sizeof p->title, "%s on %s", p->o->model,
             base ? base + 1 : p->o->run_dir);
    snprintf(p->subtitle, sizeof p->subtitle, "%s, weft %s", date, weft_version());
    snprintf(
        p->summary, sizeof p->summary,
        "%lld of %lld %s %s are classified correctly; the best epoch was %d of %d.",
        (long long)llround(weft_metrics_top1(p->m) * (double)weft_metrics_count(p->m)),
        (long long)weft_metrics_count(p->m), p->o->test ? "test" : "validation",
        samples_word(p->o->set), p->o->result->best_epoch, p->o->result->epochs);
}

static weft__report report_of(const page *p)
{
    const outcome *o = p->o;
    weft__report r = {.title = p->title,
                      .subtitle = p->subtitle,
                      .headlines = p->headline.n,
                      .headline = p->headline.fact,
                      .summary = p->summary,
                      .charts = 4,
                      .chart = p->chart,
                      .confusion_title = o->test ? "Test set" : "Validation set",
                      .confusion = {p->classes, o->names, p->confusion},
                      .class_row = p->rows,
                      .macro = class_row(weft_metrics_macro(p->m)),
                      .weighted = class_row(weft_metrics_weighted(p->m)),
                      .layers = p->layer_count,
                      .layer = p->layers,
                      .groups = 3,
                      .group = p->group,
                      .usage = {.model = "best.onnx"}};
    if (o->set.t)
        page_text_usage(p, &r);
    else
        page_picture_usage(p, &r);
    return r;
}

static weft_status write_all(const page *p)
{
    char path[4200];
    const char *dir = p->o->run_dir;
    weft__report r = report_of(p);
    snprintf(path, sizeof path, "%s/report.html", dir);
    weft_status s = weft__report_write(&r, path);
    if (s || !weft__report_has_png()) return s;
    snprintf(path, sizeof path, "%s/results.png", dir);
    s = weft__report_charts_png(&r, path);
    snprintf(path, sizeof path, "%s/confusion_matrix.png", dir);
    if (!s) s = weft__report_confusion_png(&r, path);
    snprintf(path, sizeof path, "%s/val_batch0_pred.png", dir);
    return s || p->o->set.t ? s : page_picture_tiles(p, path);
}

weft_status outcome_report(outcome *o)
{
    page *p = calloc(1, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    p->o = o;
    p->split = samples_shown(o->set);
    p->m = outcome_shown(o);
    p->classes = samples_classes(o->set);
    weft_status s = fill_curves(p);
    if (!s) s = fill_classes(p);
    if (!s) find_mistakes(p);
    if (!s) s = o->set.t ? page_text_mistakes(p) : page_picture_mistakes(p);
    if (!s) s = fill_layers(p);
    if (!s) {
        fill_facts(p);
        fill_texts(p);
        if (o->set.t)
            s = page_text_facts(p);
        else
            page_picture_facts(p);
        fill_groups(p);
    }
    if (!s) s = write_all(p);
    for (int i = 0; i < MISTAKES; i++) free((void *)(uintptr_t)p->picture[i].png);
    free(p->epoch);
    free(p->confusion);
    free(p->rows);
    free(p->graph_rows);
    free(p->layers);
    free(p->histogram);
    free(p);
    return s;
}
