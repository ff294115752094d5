/* classify_report.c: what the report of a classifier has of its own: confusion,
 * classes, mistakes. */
#include "task/classify_report.h"

#include "base/checked.h"
#include "task/class_names.h"
#include "task/exhibits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHEET = 32 };

/* One sample's answer: how sure the model was of it, and of the truth. */
typedef struct prediction {
    int sample, truth, predicted;
    double probability, truth_probability;
} prediction;

static prediction judge(const float *x, int n, int sample, int truth)
{
    int top = 0;
    double sum = 0;
    for (int k = 1; k < n; k++)
        if (x[k] > x[top]) top = k;
    for (int k = 0; k < n; k++) sum += exp((double)x[k] - (double)x[top]);
    double of_truth =
        truth < 0 ? (double)NAN : exp((double)x[truth] - (double)x[top]) / sum;
    return (prediction){sample, truth, top, 1 / sum, of_truth};
}

/* Sample i, as the evaluation has it. */
static prediction judge_sample(const weft_evaluation *e, const weft_dataset *d, int i)
{
    return judge(e->outputs + (size_t)i * (size_t)e->width, e->width, i,
                 weft__evaluation_label(e, d, i));
}

static weft__shown show(const weft__classes *c, const prediction *v)
{
    return (weft__shown){.sample = v->sample,
                         .predicted = c->name[v->predicted],
                         .truth = v->truth < 0 ? "?" : c->name[v->truth],
                         .probability = v->probability,
                         .truth_probability = v->truth_probability};
}

/* The mistakes that the model was surest of. */
static weft_status show_mistakes(const weft_evaluation *e, const weft_dataset *d,
                                 weft__arena *a, weft__report *r)
{
    weft__ranking worst = {0};
    weft__shown shown[WEFT_MOST_EXHIBITS];
    for (int i = 0; i < e->count && e->outputs; i++) {
        prediction v = judge_sample(e, d, i);
        if (v.predicted != v.truth && isfinite(v.probability))
            weft__ranking_add(&worst, v.probability, i);
    }
    for (int i = 0; i < worst.n; i++) {
        prediction v = judge_sample(e, d, worst.sample[i]);
        shown[i] = show((const weft__classes *)e->codec, &v);
    }
    return weft__exhibits_fill(d, e->subset, shown, worst.n, a, r);
}

static weft__class_row class_row(weft_class_metrics m)
{
    return (weft__class_row){m.precision, m.recall, m.f1, m.support};
}

static weft_status show_classes(const weft_evaluation *e, weft__arena *a, weft__report *r)
{
    const weft__classes *c = (const weft__classes *)e->codec;
    const weft_metrics *m = e->meter;
    size_t n = (size_t)e->width, cells = 0;
    if (!weft__mul(n, n * sizeof(int64_t), &cells))
        return weft__fail(WEFT_ENOMEM, "report: out of memory");
    int64_t *count = weft__arena_alloc(a, cells);
    weft__class_row *row = weft__arena_alloc(a, n * sizeof *row);
    if (!count || !row) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    for (int i = 0; i < e->width; i++) {
        row[i] = class_row(weft_metrics_class(m, i));
        for (int k = 0; k < e->width; k++)
            count[(size_t)i * n + (size_t)k] = weft_metrics_confusion(m, i, k);
    }
    r->confusion_title = weft__arena_printf(a, "%s set", weft__part_title(e));
    r->confusion = (weft__confusion){e->width, (const char *const *)c->name, count};
    r->class_row = row;
    r->macro = class_row(weft_metrics_macro(m));
    r->weighted = class_row(weft_metrics_weighted(m));
    return WEFT_OK;
}

weft_status weft__classify_report(const weft_evaluation *e, const weft_dataset *d,
                                  weft__fact_list *headline, weft__report *r)
{
    const weft_metrics *m = e->meter;
    weft__arena *a = headline->arena;
    double count = (double)weft_metrics_count(m);
    weft__fact_add(headline, "Macro F1", "%.3f", weft_metrics_macro(m).f1);
    r->summary =
        weft__arena_printf(a, "%lld of %lld %s %s are classified correctly",
                           (long long)llround(weft_metrics_top1(m) * count),
                           (long long)count, weft__part_word(e), weft_dataset_noun(d));
    weft_status s = show_classes(e, a, r);
    return s ? s : show_mistakes(e, d, a, r);
}

/* ---- pictures next to the page ---- */

static weft_status sheet(const weft_evaluation *e, const weft_dataset *d,
                         const char *path)
{
    weft__shown shown[SHEET];
    int n = e->outputs ? e->count < SHEET ? e->count : SHEET : 0;
    for (int i = 0; i < n; i++) {
        prediction v = judge_sample(e, d, i);
        shown[i] = show((const weft__classes *)e->codec, &v);
    }
    return n ? weft__exhibits_sheet(d, e->subset, shown, n, path) : WEFT_OK;
}

weft_status weft__classify_pictures(const weft_evaluation *e, const weft_evaluation *val,
                                    const weft_dataset *d, const weft__report *r,
                                    const char *dir)
{
    char path[4200];
    (void)e;
    snprintf(path, sizeof path, "%s/confusion_matrix.png", dir);
    weft_status s = weft__report_confusion_png(r, path);
    snprintf(path, sizeof path, "%s/val_batch0_pred.png", dir);
    return s ? s : sheet(val, d, path);
}
