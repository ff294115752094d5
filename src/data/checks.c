/* checks.c: labelled samples, whatever they are: which go to validation, and whether
 * every class has some. */
#include "data/checks.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/option.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 10 };

/* How many of n samples of a class go to validation: at least one, never all. */
static uint32_t val_share(uint32_t n, double fraction)
{
    uint32_t k = (uint32_t)((double)n * fraction + 0.5);
    if (n < 2) return 0;
    if (k < 1) k = 1;
    return k > n - 1 ? n - 1 : k;
}

weft_status weft__stratify(const int32_t *label, int n, int classes, double fraction,
                           uint64_t seed, bool *chosen)
{
    size_t *start = weft__alloc((size_t)classes + 2, sizeof *start);
    uint32_t *of_class = weft__alloc((size_t)n + 1, sizeof *of_class);
    if (!start || !of_class) {
        free(start);
        free(of_class);
        return weft__fail(WEFT_ENOMEM, "no memory to split the data");
    }
    for (int i = 0; i < n; i++)
        if (label[i] >= 0) start[label[i] + 2]++;
    for (int c = 2; c < classes + 2; c++) start[c] += start[c - 1];
    for (int i = 0; i < n; i++)
        if (label[i] >= 0) of_class[start[label[i] + 1]++] = (uint32_t)i;
    for (int c = 0; c < classes; c++) { /* start[c + 1] is the end of class c by now */
        weft__rng r = weft__rng_at(seed, WEFT_RNG_KEY(WEFT_RNG_SPLIT, 0), (uint64_t)c);
        uint32_t *mine = of_class + start[c], k;
        uint32_t count = (uint32_t)(start[c + 1] - start[c]);
        weft__rng_shuffle(&r, mine, count);
        k = val_share(count, fraction > 0 ? fraction : 0.1);
        for (uint32_t j = 0; j < k; j++) chosen[mine[j]] = true;
    }
    free(start);
    free(of_class);
    return WEFT_OK;
}

/* Adds ", NAME" to a list that may get too long. */
static void add_name(char *list, size_t size, const char *name)
{
    size_t at = strlen(list);
    if (at + strlen(name) + 8 < size)
        snprintf(list + at, size - at, "%s%s", at ? ", " : "", name);
    else if (at >= 3 && strcmp(list + at - 3, "..."))
        snprintf(list + at, size - at, ", ...");
}

/* Classes without samples or with few, of one subset. */
static void tell_counts(const weft_dataset *d, weft_subset subset, const int *count,
                        const weft__sink *sink)
{
    char none[256] = "", few[256] = "";
    int n_none = 0, n_few = 0;
    const char *name = weft_subset_name(subset);
    for (int c = 0; c < d->classes; c++) {
        if (!count[c]) n_none++, add_name(none, sizeof none, d->class_name[c]);
        if (count[c] && count[c] < FEW)
            n_few++, add_name(few, sizeof few, d->class_name[c]);
    }
    if (n_none)
        weft__found(sink, WEFT_WARNING, "empty-class",
                    "%s: %d of %d classes have no samples in %s: %s", d->path, n_none,
                    d->classes, name, none);
    if (n_few && sink->lint && subset == WEFT_SUBSET_TRAIN)
        weft__found(sink, WEFT_WARNING, "few-samples",
                    "%s: %d classes have fewer than %d samples in %s: %s", d->path, n_few,
                    FEW, name, few);
}

/* Samples of each class, fresh memory; NULL with a message. */
static int *counts(const weft_dataset *d, weft_subset s)
{
    int *count = calloc((size_t)d->classes + 1, sizeof *count);
    if (!count) weft__fail(WEFT_ENOMEM, "no memory for %d classes", d->classes);
    for (int i = 0; i < d->count[s] && count; i++) count[d->label[s][i]]++;
    return count;
}

static weft_status check_classes(const weft_dataset *d, weft_subset subset,
                                 const weft__sink *sink)
{
    int used = 0, last = 0, *count = counts(d, subset);
    weft_status s = WEFT_OK;
    if (!count) return WEFT_ENOMEM;
    for (int c = 0; c < d->classes; c++)
        if (count[c]) used++, last = c;
    if (subset == WEFT_SUBSET_TRAIN && used < 2)
        s = weft__reject(sink, "one-class",
                         "%s: looked for two classes or more, found one: all %d training "
                         "samples are \"%s\"",
                         d->path, d->count[0], d->class_name[last]);
    if (!s) tell_counts(d, subset, count, sink);
    free(count);
    return s;
}

static weft_status check_values(const weft_dataset *d, const weft__sink *sink)
{
    const float *v = d->value[WEFT_SUBSET_TRAIN];
    int n = d->count[WEFT_SUBSET_TRAIN];
    size_t width = (size_t)d->values;
    weft_status s = WEFT_OK;
    for (size_t k = 0; k < width && !s; k++) {
        bool varies = false;
        for (size_t i = 1; i < (size_t)n && !varies; i++)
            varies = v[i * width + k] != v[k];
        if (!varies)
            s = weft__reject(
                sink, "one-value",
                "%s: looked for different values, found one: all %d training "
                "samples have the %s %g",
                d->path, n, d->value_name[k], (double)v[k]);
    }
    return s;
}

weft_status weft__check_targets(const weft_dataset *d, const weft__sink *sink)
{
    weft_status s = WEFT_OK;
    if (!d->count[0])
        return weft__reject(sink, "empty", "%s: no samples to train on", d->path);
    if (d->target == WEFT_TARGET_VALUES) return check_values(d, sink);
    for (int k = 0; k < 3 && !s; k++)
        if (d->count[k]) s = check_classes(d, (weft_subset)k, sink);
    return s;
}

weft_status weft__check_balance(const weft_dataset *d, const weft__sink *sink)
{
    int least = -1, most = 0, *count;
    if (d->target != WEFT_TARGET_CLASS) return WEFT_OK;
    count = counts(d, WEFT_SUBSET_TRAIN);
    if (!count) return WEFT_ENOMEM;
    for (int c = 0; c < d->classes; c++) {
        if (count[c] && (least < 0 || count[c] < count[least])) least = c;
        if (count[c] > count[most]) most = c;
    }
    if (least >= 0 && count[most] >= 10 * count[least])
        weft__found(sink, WEFT_WARNING, "imbalance",
                    "class \"%s\" has %d training samples, \"%s\" has %d",
                    d->class_name[most], count[most], d->class_name[least], count[least]);
    free(count);
    return WEFT_OK;
}

/* ---- names that look alike ---- */

/* A class's name as the eye sees it. */
typedef struct seen {
    char text[80];
    int class;
} seen;

static void see(const char *name, int class, seen *out)
{
    size_t n = 0;
    bool blank = false;
    double x;
    *out = (seen){.class = class};
    for (const char *p = name; *p && n + 2 < sizeof out->text; p++) {
        if (!strncmp(p, "\xc2\xa0", 2) || !strncmp(p, "\xe3\x80\x80", 3)) {
            p += (unsigned char)*p == 0xc2 ? 1 : 2;
            blank = true;
        } else if (*p == ' ' || *p == '\t' || *p == '\r') {
            blank = true;
        } else {
            if (blank && n) out->text[n++] = ' ';
            blank = false;
            out->text[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        }
    }
    if (*out->text >= '0' && *out->text <= '9' &&
        weft__number_parse(out->text, 0, 1e300, &x))
        snprintf(out->text, sizeof out->text, "%.17g", x);
}

static int by_sight(const void *a, const void *b)
{
    const seen *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : x->class - y->class;
}

static bool means_missing(const char *text)
{
    static const char *const word[] = {"nan", "na", "n/a", "null", "none", "?", "-"};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (!strcmp(word[i], text)) return true;
    return false;
}

weft_status weft__check_alike(const weft_dataset *d, const weft__sink *sink)
{
    enum { MOST = 10 };
    int n = d->target == WEFT_TARGET_CLASS ? d->classes : 0, told = 0;
    seen *name = weft__alloc((size_t)n + 1, sizeof *name);
    if (!name) return weft__fail(WEFT_ENOMEM, "no memory to look at the classes");
    for (int c = 0; c < n; c++) see(d->class_name[c], c, &name[c]);
    qsort(name, (size_t)n, sizeof *name, by_sight);
    for (int i = 0; i < n && told < MOST; i++) {
        const char *here = d->class_name[name[i].class];
        if (means_missing(name[i].text)) {
            weft__found(
                sink, WEFT_WARNING, "missing-label",
                "class \"%s\" looks like a label that is missing; it stays a class",
                here);
            told++;
        }
        if (!i || strcmp(name[i].text, name[i - 1].text)) continue;
        weft__found(
            sink, WEFT_WARNING, "alike",
            "classes \"%s\" and \"%s\" differ only by case, blanks or how a number "
            "is written; they stay two",
            d->class_name[name[i - 1].class], here);
        told++;
    }
    free(name);
    return WEFT_OK;
}
