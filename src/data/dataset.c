/* dataset.c: a data set, whatever its samples are: opened by its modality, asked, fitted. */
#include "data/modality.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/nearest.h"
#include "data/vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODALITY(name) &weft_modality_##name,
static const weft__modality *const table[] = {
#include "data/modality.def"
};
#undef MODALITY

enum { MODALITIES = sizeof table / sizeof *table, MOST_VALUES = 4096 };

const weft__modality *weft__modality_at(int i)
{
    return i >= 0 && i < MODALITIES ? table[i] : NULL;
}

const weft__modality *weft__modality_named(const char *name)
{
    for (int i = 0; i < MODALITIES; i++)
        if (!strcmp(table[i]->name, name)) return table[i];
    return NULL;
}

const weft__modality *weft__modality_probe(const char *path)
{
    for (int i = MODALITIES - 1; i >= 0; i--)
        if (table[i]->probe && table[i]->probe(path)) return table[i];
    return NULL;
}

WEFT_API const char *weft_subset_name(weft_subset s)
{
    static const char *const name[] = {"train", "val", "test"};
    return s >= WEFT_SUBSET_TRAIN && s <= WEFT_SUBSET_TEST ? name[s] : "";
}

/* ---- what modalities say ---- */

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "data set: out of memory");
}

weft_status weft__dataset_add_class(weft_dataset *d, const char *name)
{
    char **all = realloc(d->class_name, ((size_t)d->classes + 1) * sizeof *all);
    if (!all) return no_memory();
    d->class_name = all;
    all[d->classes] = strdup(name);
    return all[d->classes] ? (d->classes++, WEFT_OK) : no_memory();
}

weft_status weft__dataset_labels(weft_dataset *d, weft_subset s)
{
    d->label[s] = weft__alloc((size_t)d->count[s] + 1, sizeof *d->label[s]);
    return d->label[s] ? WEFT_OK : no_memory();
}

weft_status weft__dataset_values(weft_dataset *d, weft_subset s)
{
    size_t n;
    if (weft__mul((size_t)d->count[s] + 1, (size_t)d->values, &n))
        d->value[s] = weft__alloc(n, sizeof *d->value[s]);
    return d->value[s] ? WEFT_OK : no_memory();
}

static void forget_classes(weft_dataset *d)
{
    for (int c = 0; c < d->classes; c++) free(d->class_name[c]);
    free(d->class_name);
    d->class_name = NULL;
    d->classes = 0;
    for (int k = 0; k < 3; k++) {
        free(d->label[k]);
        d->label[k] = NULL;
    }
}

weft_status weft__dataset_no_classes(weft_dataset *d, int values, const char *const *name)
{
    forget_classes(d);
    d->target = WEFT_TARGET_VALUES;
    d->values = values;
    d->value_name = weft__alloc((size_t)values, sizeof *d->value_name);
    if (!d->value_name) return no_memory();
    for (int k = 0; k < values; k++) {
        char number[16];
        snprintf(number, sizeof number, values == 1 ? "y" : "y%d", k);
        d->value_name[k] = strdup(name ? name[k] : number);
        if (!d->value_name[k]) return no_memory();
    }
    return WEFT_OK;
}

weft_status weft__dataset_value_named(weft_dataset *d, const char *name)
{
    free(d->named);
    d->named = strdup(name);
    return d->named ? WEFT_OK : no_memory();
}

/* ---- targets that are numbers ---- */

/* The number that a class's name is. */
static weft_status number_of(const weft_dataset *d, int c, float *out)
{
    double x;
    const char *name = d->class_name[c];
    if (weft__decimal(name, strlen(name), &x) && isfinite((float)x)) {
        *out = (float)x;
        return WEFT_OK;
    }
    return weft__fail(WEFT_EDATA, "%s: \"%.80s\" is no number, so it cannot be learnt as one",
                      d->path, name);
}

static weft_status fill_values(weft_dataset *d, const float *of_class)
{
    weft_status s = WEFT_OK;
    for (int k = 0; k < 3 && !s; k++) {
        s = weft__dataset_values(d, (weft_subset)k);
        for (int i = 0; i < d->count[k] && !s; i++) d->value[k][i] = of_class[d->label[k][i]];
    }
    return s;
}

/* Labels as numbers, in the place of classes. */
static weft_status understand_numbers(weft_dataset *d)
{
    float *of_class = weft__alloc((size_t)d->classes + 1, sizeof *of_class);
    weft_status s = of_class ? WEFT_OK : no_memory();
    for (int c = 0; c < d->classes && !s; c++) s = number_of(d, c, &of_class[c]);
    d->values = 1;
    if (!s) s = fill_values(d, of_class);
    free(of_class);
    if (s) return s;
    const char *name = d->named ? d->named : "value";
    return weft__dataset_no_classes(d, 1, &name);
}

static weft_status check_values(const weft_dataset *d, const weft__sink *sink)
{
    const float *v = d->value[WEFT_SUBSET_TRAIN];
    int n = d->count[WEFT_SUBSET_TRAIN];
    if (!n) return weft__reject(sink, "empty", "%s: no samples to train on", d->path);
    for (int k = 0; k < d->values; k++) {
        bool varies = false;
        for (int i = 1; i < n && !varies; i++) varies = v[i * d->values + k] != v[k];
        if (!varies)
            return weft__reject(sink, "one-value",
                                "%s: all %d training samples have the %s %g: there is nothing to "
                                "learn",
                                d->path, n, d->value_name[k], (double)v[k]);
    }
    return WEFT_OK;
}

static weft_status finish(weft_dataset *d, const weft__sink *sink)
{
    weft_status s = WEFT_OK;
    if (d->opts.target == WEFT_TARGET_VALUES && d->target == WEFT_TARGET_CLASS)
        s = understand_numbers(d);
    return s || d->target == WEFT_TARGET_CLASS ? s : check_values(d, sink);
}

/* ---- opening ---- */

static weft_status make(const char *path, const weft_dataset_opts *o, const weft__modality *m,
                        weft_dataset **out)
{
    weft_dataset *d = calloc(1, sizeof *d);
    if (d) d->path = strdup(path);
    if (!d || !d->path) {
        free(d);
        return no_memory();
    }
    d->modality = m;
    if (o) d->opts = *o;
    *out = d;
    return WEFT_OK;
}

static weft_status find_modality(const char *path, const weft_dataset_opts *o,
                                 const weft__modality **out)
{
    const char *name[MODALITIES];
    if (!path || !*path) return weft__fail(WEFT_EUSAGE, "no data set given");
    *out = o->modality ? weft__modality_named(o->modality) : weft__modality_probe(path);
    if (!*out && !o->modality) *out = table[0]; /* says what it looked for */
    if (*out && (*out)->open) return WEFT_OK;
    for (int i = 0; i < MODALITIES; i++) name[i] = table[i]->name;
    const char *near = weft__nearest(o->modality, name, MODALITIES);
    return weft__fail(WEFT_EUSAGE, "%.60s: no data set of a path is of this modality%s%s%s",
                      o->modality, near && !*out ? " (did you mean " : "", near && !*out ? near : "",
                      near && !*out ? "?)" : "");
}

static weft_status survey(const char *path, const weft_dataset_opts *opts, const weft__sink *sink,
                          weft_dataset **out)
{
    static const weft_dataset_opts none;
    const weft_dataset_opts *o = opts ? opts : &none;
    const weft__modality *m = NULL;
    weft_dataset *d = NULL;
    weft_status s = find_modality(path, o, &m);
    if (!s) s = make(path, o, m, &d);
    if (!s) s = m->open(path, o, sink, d);
    if (!s) s = finish(d, sink);
    if (s)
        weft_dataset_close(d);
    else
        *out = d;
    return s;
}

WEFT_API weft_status weft_dataset_open(const char *path, const weft_dataset_opts *opts,
                                       weft_dataset **out)
{
    const weft__sink sink = weft__sink_warn();
    return survey(path, opts, &sink, out);
}

WEFT_API weft_status weft_dataset_check(const char *path, const weft_dataset_opts *opts,
                                        void (*found)(void *user, const weft_finding *f),
                                        void *user)
{
    const weft__sink sink = {found, user, true};
    weft_dataset_opts o = opts ? *opts : (weft_dataset_opts){0};
    weft_dataset *d = NULL;
    o.skip_bad = false;
    weft_status s = survey(path, &o, &sink, &d);
    if (s == WEFT_EDATA || s == WEFT_EIO) {
        const weft_finding f = {WEFT_ERROR, "unusable", weft_last_error()};
        found(user, &f);
        return WEFT_OK;
    }
    weft_dataset_close(d);
    return s;
}

WEFT_API void weft_dataset_close(weft_dataset *d)
{
    if (!d) return;
    if (d->preprocess) d->modality->free(d->preprocess);
    if (d->content) d->modality->close(d);
    forget_classes(d);
    for (int k = 0; k < d->values && d->value_name; k++) free(d->value_name[k]);
    free(d->value_name);
    for (int k = 0; k < 3; k++) free(d->value[k]);
    free(d->named);
    free(d->path);
    free(d);
}

/* ---- arrays ---- */

static weft_status check_inputs(const weft_arrays *a)
{
    int ways = (a->pixels[0] != NULL) + (a->x[0] != NULL) + (a->text[0] != NULL) +
               (a->read != NULL);
    if (ways != 1)
        return weft__fail(WEFT_EUSAGE,
                          "arrays: exactly one of pixels, x, text and read is wanted, found %d",
                          ways);
    for (int k = 0; k < 3; k++) {
        if (a->count[k] < 0) return weft__fail(WEFT_EUSAGE, "arrays: %d samples", a->count[k]);
        bool there = a->read || a->pixels[k] || a->x[k] || a->text[k];
        if (a->count[k] && !there)
            return weft__fail(WEFT_EUSAGE, "arrays: %d %s samples, but no inputs", a->count[k],
                              weft_subset_name((weft_subset)k));
    }
    return WEFT_OK;
}

static weft_status check_labels(const weft_arrays *a, int k)
{
    for (int i = 0; i < a->count[k]; i++)
        if (a->label[k][i] < 0 || a->label[k][i] >= a->classes)
            return weft__fail(WEFT_EDATA, "arrays: sample %d of %s has the label %d, allowed 0 to %d",
                              i, weft_subset_name((weft_subset)k), (int)a->label[k][i],
                              a->classes - 1);
    return WEFT_OK;
}

static weft_status check_numbers(const weft_arrays *a, int k)
{
    for (int64_t i = 0; i < (int64_t)a->count[k] * a->values; i++)
        if (!isfinite(a->value[k][i]))
            return weft__fail(WEFT_EDATA, "arrays: sample %lld of %s has a value that is not finite",
                              (long long)(i / a->values), weft_subset_name((weft_subset)k));
    return WEFT_OK;
}

static weft_status check_targets(const weft_arrays *a)
{
    bool labels = a->label[0] != NULL, values = a->value[0] != NULL;
    if (labels == values)
        return weft__fail(WEFT_EUSAGE, "arrays: exactly one of label and value is wanted");
    if (labels && (a->classes < 2 || a->classes > 65535))
        return weft__fail(WEFT_EUSAGE, "arrays: %d classes, allowed 2 to 65535", a->classes);
    if (values && (a->values < 1 || a->values > MOST_VALUES))
        return weft__fail(WEFT_EUSAGE, "arrays: %d values, allowed 1 to %d", a->values,
                          MOST_VALUES);
    for (int k = 0; k < 3; k++) {
        if (a->count[k] && !(labels ? (const void *)a->label[k] : (const void *)a->value[k]))
            return weft__fail(WEFT_EUSAGE, "arrays: %d %s samples, but no targets", a->count[k],
                              weft_subset_name((weft_subset)k));
        weft_status s = labels ? check_labels(a, k) : check_numbers(a, k);
        if (s) return s;
    }
    return WEFT_OK;
}

WEFT_API weft_status weft_dataset_from_arrays(const weft_arrays *a, const weft_dataset_opts *opts,
                                              weft_dataset **out)
{
    const weft__modality *m = NULL;
    const weft__sink sink = weft__sink_warn();
    weft_dataset *d = NULL;
    weft_status s = check_inputs(a);
    if (!s) s = check_targets(a);
    for (int i = 0; i < MODALITIES && !m; i++)
        if (table[i]->takes && table[i]->takes(a)) m = table[i];
    if (!s && !m) s = weft__fail(WEFT_EUSAGE, "arrays: no modality takes them");
    if (!s) s = make("arrays", opts, m, &d);
    if (!s) {
        d->opts.target = a->value[0] ? WEFT_TARGET_VALUES : WEFT_TARGET_CLASS;
        if (a->value[0] && a->values == 1 && a->value_name)
            s = weft__dataset_value_named(d, a->value_name[0]);
    }
    if (!s) s = m->from(a, &d->opts, d);
    if (!s) s = finish(d, &sink);
    if (s)
        weft_dataset_close(d);
    else
        *out = d;
    return s;
}

/* ---- asking ---- */

WEFT_API const char *weft_dataset_modality(const weft_dataset *d)
{
    return d->modality->name;
}

WEFT_API const char *weft_dataset_format(const weft_dataset *d)
{
    return d->modality->format(d);
}

WEFT_API const char *weft_dataset_noun(const weft_dataset *d)
{
    return d->modality->noun;
}

WEFT_API const char *weft_dataset_columns(const weft_dataset *d)
{
    return d->modality->columns(d);
}

static bool is_subset(weft_subset s)
{
    return s == WEFT_SUBSET_TRAIN || s == WEFT_SUBSET_VAL || s == WEFT_SUBSET_TEST;
}

static bool is_sample(const weft_dataset *d, weft_subset s, int i)
{
    return is_subset(s) && i >= 0 && i < d->count[s];
}

WEFT_API int weft_dataset_count(const weft_dataset *d, weft_subset s)
{
    return is_subset(s) ? d->count[s] : 0;
}

WEFT_API weft_target_kind weft_dataset_target(const weft_dataset *d)
{
    return d->target;
}

WEFT_API int weft_dataset_classes(const weft_dataset *d)
{
    return d->classes;
}

WEFT_API const char *weft_dataset_class_name(const weft_dataset *d, int c)
{
    return c >= 0 && c < d->classes ? d->class_name[c] : "";
}

WEFT_API int weft_dataset_label(const weft_dataset *d, weft_subset s, int i)
{
    return is_sample(d, s, i) && d->label[s] ? d->label[s][i] : -1;
}

WEFT_API int weft_dataset_values(const weft_dataset *d)
{
    return d->values;
}

WEFT_API const char *weft_dataset_value_name(const weft_dataset *d, int k)
{
    return k >= 0 && k < d->values ? d->value_name[k] : "";
}

WEFT_API const float *weft_dataset_value(const weft_dataset *d, weft_subset s, int i)
{
    return is_sample(d, s, i) && d->value[s] ? d->value[s] + (size_t)i * (size_t)d->values
                                             : NULL;
}

WEFT_API void weft_dataset_sample_name(const weft_dataset *d, weft_subset s, int i, char *text,
                                       size_t size)
{
    if (!size) return;
    text[0] = '\0';
    if (is_sample(d, s, i)) d->modality->sample_name(d, s, i, text, size);
}

WEFT_API const char *weft_dataset_hash(const weft_dataset *d)
{
    return d->hash;
}

/* ---- before training ---- */

WEFT_API weft_status weft_dataset_fit(weft_dataset *d)
{
    return d->preprocess ? WEFT_OK : d->modality->fit(d, &d->preprocess);
}

WEFT_API weft_status weft_dataset_network(weft_dataset *d, weft_zoo_opts *o)
{
    weft_status s = weft_dataset_fit(d);
    if (s) return s;
    d->modality->network(d->preprocess, o);
    o->outputs = d->target == WEFT_TARGET_CLASS ? d->classes : d->values;
    return WEFT_OK;
}

WEFT_API void weft_dataset_set_augment(weft_dataset *d, const weft_augment *a)
{
    d->opts.image.augment = *a;
}

bool weft__dataset_mixes(const weft_dataset *d)
{
    return d->modality == &weft_modality_image && d->opts.image.augment.mixup > 0;
}

void weft__features_clear(weft__features *f)
{
    for (int k = 0; k < 3; k++) {
        free(f->at[k]);
        free(f->column[k]);
        free(f->count[k]);
        free(f->tokens[k]);
    }
    *f = (weft__features){0};
}
