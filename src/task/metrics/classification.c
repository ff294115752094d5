/* classification.c: counts of a classifier's answers, and what is computed from
 * them. */
#include "weft/task.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/width.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weft_metrics {
    int classes;
    int64_t *confusion; /* [truth][predicted] */
    int64_t
        *support; /* [truth]; with samples whose scores were NaN, which predict nothing */
    int64_t count, top1, top5, losses;
    double loss; /* their sum */
};

weft_metrics *weft_metrics_new(int classes)
{
    weft_metrics *m = classes > 0 ? calloc(1, sizeof *m) : NULL;
    size_t cells;
    if (!m) return NULL;
    m->classes = classes;
    if (weft__mul((size_t)classes, (size_t)classes, &cells)) {
        m->confusion = weft__alloc(cells, sizeof *m->confusion);
        m->support = weft__alloc((size_t)classes, sizeof *m->support);
    }
    if (m->confusion && m->support) return m;
    weft_metrics_free(m);
    return NULL;
}

void weft_metrics_free(weft_metrics *m)
{
    if (!m) return;
    free(m->confusion);
    free(m->support);
    free(m);
}

void weft_metrics_clear(weft_metrics *m)
{
    size_t classes = (size_t)m->classes;
    memset(m->confusion, 0, classes * classes * sizeof *m->confusion);
    memset(m->support, 0, classes * sizeof *m->support);
    m->count = m->top1 = m->top5 = m->losses = 0;
    m->loss = 0;
}

/* How many classes stand before `truth`, and which is the first of all; -1 with a
 * NaN. */
static int rank(const float *score, int classes, int truth, int *first)
{
    int before = 0, best = 0;
    for (int c = 0; c < classes; c++) {
        if (isnan(score[c])) return -1;
        if (score[c] > score[best]) best = c;
        before += score[c] > score[truth] || (score[c] == score[truth] && c < truth);
    }
    *first = best;
    return before;
}

void weft_metrics_add(weft_metrics *m, const float *scores, const int32_t *labels,
                      const float *losses, int n)
{
    for (int i = 0; i < n; i++) {
        int truth = labels[i], predicted = 0;
        if (truth < 0 || truth >= m->classes) continue; /* ignored, as the loss does */
        const float *score = scores + (size_t)i * (size_t)m->classes;
        int place = rank(score, m->classes, truth, &predicted);
        m->count++;
        m->support[truth]++;
        if (place >= 0)
            m->confusion[(size_t)truth * (size_t)m->classes + (size_t)predicted]++;
        m->top1 += place == 0;
        m->top5 += place >= 0 && place < 5;
        if (losses) {
            m->loss += losses[i];
            m->losses++;
        }
    }
}

/* ---- asking ---- */

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

int64_t weft_metrics_count(const weft_metrics *m)
{
    return m->count;
}

double weft_metrics_top1(const weft_metrics *m)
{
    return ratio((double)m->top1, (double)m->count);
}

double weft_metrics_top5(const weft_metrics *m)
{
    return ratio((double)m->top5, (double)m->count);
}

double weft_metrics_loss(const weft_metrics *m)
{
    return m->losses ? m->loss / (double)m->losses : NAN;
}

int64_t weft_metrics_confusion(const weft_metrics *m, int truth, int predicted)
{
    if (truth < 0 || truth >= m->classes || predicted < 0 || predicted >= m->classes)
        return 0;
    return m->confusion[(size_t)truth * (size_t)m->classes + (size_t)predicted];
}

weft_class_metrics weft_metrics_class(const weft_metrics *m, int c)
{
    weft_class_metrics r = {0};
    if (c < 0 || c >= m->classes) return r;
    double right = (double)weft_metrics_confusion(m, c, c);
    for (int t = 0; t < m->classes; t++) r.predicted += weft_metrics_confusion(m, t, c);
    r.support = m->support[c];
    r.precision = ratio(right, (double)r.predicted);
    r.recall = ratio(right, (double)r.support);
    r.f1 = ratio(2 * right, (double)(r.predicted + r.support));
    return r;
}

/* Over the classes that occur as truth or prediction; weights are 1 or the support. */
static weft_class_metrics mean(const weft_metrics *m, bool weighted)
{
    weft_class_metrics sum = {0};
    double weights = 0;
    for (int c = 0; c < m->classes; c++) {
        weft_class_metrics r = weft_metrics_class(m, c);
        double w = weighted ? (double)r.support : r.support || r.predicted ? 1 : 0;
        sum.precision += w * r.precision;
        sum.recall += w * r.recall;
        sum.f1 += w * r.f1;
        sum.support += r.support;
        sum.predicted += r.predicted;
        weights += w;
    }
    sum.precision = ratio(sum.precision, weights);
    sum.recall = ratio(sum.recall, weights);
    sum.f1 = ratio(sum.f1, weights);
    return sum;
}

weft_class_metrics weft_metrics_macro(const weft_metrics *m)
{
    return mean(m, false);
}

weft_class_metrics weft_metrics_weighted(const weft_metrics *m)
{
    return mean(m, true);
}

/* ---- the table ---- */

enum { NAME_BYTES = 512, NAME_COLUMNS = 48, ROW_BYTES = NAME_BYTES + 64 };

/* A class's name as it may stand in a terminal: escaped, at most NAME_COLUMNS wide. */
static int class_name(const char *const *names, int c, char text[NAME_BYTES])
{
    int width;
    if (names && names[c])
        weft__escape(text, NAME_BYTES, names[c]);
    else
        snprintf(text, NAME_BYTES, "%d", c);
    text[weft__text_fit(text, NAME_COLUMNS, &width)] = 0;
    return width;
}

/* "      NAME       0.50      0.25      0.33         8"; by is the digits of precision
 * ... */
static size_t row(char *at, int indent, const char *name, weft_class_metrics r)
{
    return (size_t)snprintf(at, ROW_BYTES, "%*s%s  %9.2f %9.2f %9.2f %9lld\n", indent, "",
                            name, r.precision, r.recall, r.f1, (long long)r.support);
}

char *weft_metrics_report(const weft_metrics *m, const char *const *names)
{
    char name[NAME_BYTES];
    int width = (int)strlen("weighted avg");
    for (int c = 0; c < m->classes; c++) {
        int w = class_name(names, c, name);
        if (w > width) width = w;
    }
    char *text = weft__alloc((size_t)m->classes + 6, ROW_BYTES), *at = text;
    if (!text) return NULL;
    at += sprintf(at, "%*s  %9s %9s %9s %9s\n\n", width, "", "precision", "recall",
                  "f1-score", "support");
    for (int c = 0; c < m->classes; c++) {
        int w = class_name(names, c, name);
        at += row(at, width - w, name, weft_metrics_class(m, c));
    }
    at += sprintf(at, "\n%*s  %9s %9s %9.2f %9lld\n", width, "accuracy", "", "",
                  weft_metrics_top1(m), (long long)m->count);
    at += row(at, width - (int)strlen("macro avg"), "macro avg", weft_metrics_macro(m));
    row(at, width - (int)strlen("weighted avg"), "weighted avg",
        weft_metrics_weighted(m));
    return text;
}
