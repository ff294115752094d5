/* outcome_report.c: a run's page and pictures. */
#include "outcome.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MISTAKES = 24, TEXT = 100 };

/* A list of facts whose values are made here. */
typedef struct fact_list {
    weft__fact fact[16];
    char text[16][TEXT];
    int n;
} fact_list;

static void add(fact_list *l, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(fact_list *l, const char *key, const char *format, ...)
{
    va_list args;
    if (l->n == 16) return;
    va_start(args, format);
    vsnprintf(l->text[l->n], TEXT, format, args);
    va_end(args);
    l->fact[l->n] = (weft__fact){key, l->text[l->n]};
    l->n++;
}

/* One mistake: which sample, how sure the model was of the wrong class. */
typedef struct mistake {
    int sample, predicted;
    double probability, truth;
} mistake;

/* Everything that a report borrows. */
typedef struct page {
    const outcome *o;
    const weft_metrics *m; /* of the split that is shown */
    weft_split split;
    int classes;
    double *epoch, *train_loss, *val_loss, *top1, *top5, *lr;
    weft__series loss[2], accuracy[2], rate[1];
    weft__chart chart[3];
    int64_t *confusion;
    weft__class_row *rows;
    mistake mistake[MISTAKES];
    weft__picture picture[MISTAKES];
    char name[MISTAKES][200];
    int mistakes;
    weft_graph_row *graph_rows;
    weft__layer_row *layers;
    int layer_count;
    fact_list headline, training, data, resources;
    weft__fact_group group[3];
    char title[200], subtitle[200], summary[300];
} page;

static weft__class_row class_row(weft_class_metrics m)
{
    return (weft__class_row){m.precision, m.recall, m.f1, m.support};
}

static weft_status fill_curves(page *p)
{
    const weft_train_result *r = p->o->result;
    size_t n = (size_t)r->rows;
    double *all = weft__alloc(6 * n + 1, sizeof *all);
    if (!all) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    p->epoch = all;
    p->train_loss = all + n;
    p->val_loss = all + 2 * n;
    p->top1 = all + 3 * n;
    p->top5 = all + 4 * n;
    p->lr = all + 5 * n;
    for (size_t i = 0; i < n; i++) {
        const weft_epoch_row *row = &r->history[i];
        p->epoch[i] = row->epoch;
        p->train_loss[i] = row->train_loss;
        p->val_loss[i] = row->val_loss;
        p->top1[i] = row->top1;
        p->top5[i] = row->top5;
        p->lr[i] = row->lr;
    }
    p->loss[0] = (weft__series){"training", r->rows, p->epoch, p->train_loss};
    p->loss[1] = (weft__series){"validation", r->rows, p->epoch, p->val_loss};
    p->accuracy[0] = (weft__series){"top-1", r->rows, p->epoch, p->top1};
    p->accuracy[1] = (weft__series){"top-5", r->rows, p->epoch, p->top5};
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

/* The prediction for one sample's logits, and how probable it and the truth are. */
static mistake judge(const float *x, int n, int sample, int truth)
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
    for (int i = 0; i < weft_data_count(o->d, p->split); i++) {
        int truth = weft_data_label(o->d, p->split, i);
        mistake m =
            judge(o->scores + (size_t)i * (size_t)p->classes, p->classes, i, truth);
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

/* A small picture as PNG, enlarged so that a page shows its pixels. */
static weft_status encode(page *p, const mistake *m, weft__picture *out)
{
    int c, h, w;
    const outcome *o = p->o;
    weft_data_shape(o->d, &c, &h, &w);
    unsigned char *pixels = weft__alloc((size_t)c * (size_t)h * (size_t)w, 1),
                  *png = NULL;
    size_t bytes = 0;
    if (!pixels) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status s = weft_data_read(o->d, p->split, m->sample, pixels);
    if (!s) s = weft_picture_encode_png(c, h, w, pixels, &png, &bytes);
    free(pixels);
    *out = (weft__picture){.png = png,
                           .bytes = bytes,
                           .predicted = o->names[m->predicted],
                           .truth = o->names[weft_data_label(o->d, p->split, m->sample)],
                           .probability = m->probability,
                           .truth_probability = m->truth};
    return s;
}

static weft_status fill_mistakes(page *p)
{
    find_mistakes(p);
    for (int i = 0; i < p->mistakes; i++) {
        weft_status s = encode(p, &p->mistake[i], &p->picture[i]);
        if (s == WEFT_EUSAGE) { /* a build without PNG */
            p->mistakes = 0;
            return WEFT_OK;
        }
        if (s) return s;
        weft_data_sample_name(p->o->d, p->split, p->mistake[i].sample, p->name[i],
                              sizeof p->name[i]);
        p->picture[i].name = p->name[i];
    }
    return WEFT_OK;
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
    int c, h, w, train = weft_data_count(o->d, WEFT_TRAIN);
    weft_data_shape(o->d, &c, &h, &w);
    add(&p->headline, o->test ? "Test accuracy" : "Validation accuracy", "%.2f %%",
        100 * weft_metrics_top1(p->m));
    if (o->test && o->val)
        add(&p->headline, "Validation accuracy", "%.2f %%",
            100 * weft_metrics_top1(o->val));
    add(&p->headline, "Macro F1", "%.3f", weft_metrics_macro(p->m).f1);
    add(&p->headline, "Training time", "%.0f s", r->seconds);
    add(&p->training, "Model", "%s", o->model);
    add(&p->training, "Epochs", "%d, best %d", r->epochs, r->best_epoch);
    add(&p->training, "Batch", "%d", a->batch * a->accumulate);
    add(&p->training, "Optimizer", "%s, learning rate %g, weight decay %g", a->optimizer,
        a->lr, a->weight_decay);
    add(&p->training, "Schedule", "%s", a->schedule);
    add(&p->training, "Augmentation",
        "flip %g, shift %d px, rotate %g, cutout %d, mixup %g", a->flip, a->shift,
        a->rotate, a->cutout, a->mixup);
    add(&p->training, "Seed", "%llu", (unsigned long long)a->seed);
    add(&p->training, "Parameters (SHA-256)", "%s", r->params_sha256);
    add(&p->data, "Source", "%.90s", o->data_path);
    add(&p->data, "Format", "%s", weft_data_format(o->d));
    add(&p->data, "Pictures", "%d training, %d validation, %d test", train,
        weft_data_count(o->d, WEFT_VAL), weft_data_count(o->d, WEFT_TEST));
    add(&p->data, "Input", "%d x %d x %d", c, h, w);
    add(&p->data, "Classes", "%d", p->classes);
    add(&p->resources, "Training", "%.1f s, %.0f pictures/s", r->seconds,
        r->seconds > 0 ? (double)train * r->epochs / r->seconds : 0);
    add(&p->resources, "Memory planned for training", "%.1f MB",
        (double)r->plan_bytes / 1e6);
    add(&p->resources, "Memory planned for prediction", "%.2f MB",
        (double)o->infer_bytes / 1e6);
    add(&p->resources, "Peak resident memory", "%.0f MB",
        (double)weft__peak_resident() / 1e6);
    add(&p->resources, "Threads, instruction set", "%d, %s", weft_threads(), weft_isa());
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
        "%lld of %lld %s pictures are classified correctly; the best epoch was %d of %d.",
        (long long)llround(weft_metrics_top1(p->m) * (double)weft_metrics_count(p->m)),
        (long long)weft_metrics_count(p->m), p->o->test ? "test" : "validation",
        p->o->result->best_epoch, p->o->result->epochs);
}

static const char *fit_word(const char *fit)
{
    return !strcmp(fit, "crop")        ? "CROP"
           : !strcmp(fit, "letterbox") ? "LETTERBOX"
                                       : "STRETCH";
}

static weft__report report_of(const page *p)
{
    const outcome *o = p->o;
    int c, h, w;
    weft_data_shape(o->d, &c, &h, &w);
    weft__report r = {.title = p->title,
                      .subtitle = p->subtitle,
                      .headlines = p->headline.n,
                      .headline = p->headline.fact,
                      .summary = p->summary,
                      .charts = 3,
                      .chart = p->chart,
                      .confusion_title = o->test ? "Test set" : "Validation set",
                      .confusion = {p->classes, o->names, p->confusion},
                      .class_row = p->rows,
                      .macro = class_row(weft_metrics_macro(p->m)),
                      .weighted = class_row(weft_metrics_weighted(p->m)),
                      .pictures = p->mistakes,
                      .picture = p->picture,
                      .layers = p->layer_count,
                      .layer = p->layers,
                      .groups = 3,
                      .group = p->group,
                      .usage = {.model = "best.onnx",
                                .input = "x",
                                .channels = c,
                                .height = h,
                                .width = w,
                                .fit = fit_word(o->args->fit)}};
    memcpy(r.usage.mean, o->mean, sizeof r.usage.mean);
    memcpy(r.usage.deviation, o->deviation, sizeof r.usage.deviation);
    return r;
}

static weft_status write_all(const page *p)
{
    char path[4200];
    weft__report r = report_of(p);
    snprintf(path, sizeof path, "%s/report.html", p->o->run_dir);
    weft_status s = weft__report_write(&r, path);
    if (s || !weft__report_has_png()) return s;
    snprintf(path, sizeof path, "%s/results.png", p->o->run_dir);
    s = weft__report_charts_png(&r, path);
    snprintf(path, sizeof path, "%s/confusion_matrix.png", p->o->run_dir);
    return s ? s : weft__report_confusion_png(&r, path);
}

weft_status outcome_report(outcome *o)
{
    page *p = calloc(1, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    p->o = o;
    p->split = outcome_split(o);
    p->m = o->test ? o->test : o->val;
    p->classes = weft_data_classes(o->d);
    weft_status s = fill_curves(p);
    if (!s) s = fill_classes(p);
    if (!s) s = fill_mistakes(p);
    if (!s) s = fill_layers(p);
    if (!s) {
        fill_facts(p);
        fill_texts(p);
        s = write_all(p);
    }
    for (int i = 0; i < MISTAKES; i++) free((void *)(uintptr_t)p->picture[i].png);
    free(p->epoch);
    free(p->confusion);
    free(p->rows);
    free(p->graph_rows);
    free(p->layers);
    free(p);
    return s;
}
