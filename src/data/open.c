/* open.c: data sets from paths and from arrays: the modality is found, options are
 * checked, targets looked at. */
#include "data/checks.h"
#include "data/modality.h"

#include "base/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 16, MOST_CLASSES = 65535, MOST_VALUES = 4096 };

static const weft_dataset_opts defaults;

/* ---- what holds for all ---- */

static weft_status no_modality(const char *name, bool known)
{
    const char *names[MOST_NAMES];
    int n = 0;
    for (; n < MOST_NAMES && weft__modality_at(n); n++)
        names[n] = weft__modality_at(n)->name;
    const char *near = known ? NULL : weft__nearest(name, names, n);
    return weft__fail(WEFT_EUSAGE, "modality %.60s: %s%s%s%s", name,
                      known ? "its samples are not of this kind" : "is unknown",
                      near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static weft_status check_opts(const weft_dataset_opts *o)
{
    if (o->target != WEFT_TARGET_CLASS && o->target != WEFT_TARGET_VALUES)
        return weft__fail(WEFT_EUSAGE, "there is no kind of target %d", (int)o->target);
    if (!(o->val_fraction >= 0 && o->val_fraction < 1))
        return weft__fail(WEFT_EUSAGE, "validation fraction %g: 0 to below 1",
                          o->val_fraction);
    if (!(o->skip_bad_max >= 0 && o->skip_bad_max <= 100))
        return weft__fail(WEFT_EUSAGE, "%g %% of bad samples: 0 to 100", o->skip_bad_max);
    if (o->modality && !weft__modality_named(o->modality))
        return no_modality(o->modality, false);
    return WEFT_OK;
}

/* ---- from a path ---- */

static weft_status find_modality(const char *path, const weft_dataset_opts *o,
                                 const weft__modality **out)
{
    if (!path || !*path) return weft__fail(WEFT_EUSAGE, "no data set given");
    *out = o->modality ? weft__modality_named(o->modality) : weft__modality_probe(path);
    if (!*out) *out = weft__modality_at(0); /* says what it looked for */
    return (*out)->open ? WEFT_OK : no_modality(o->modality, true);
}

static weft_status survey(const char *path, const weft_dataset_opts *o,
                          const weft__sink *sink, weft_dataset **out)
{
    const weft__modality *m = NULL;
    weft_dataset *d = NULL;
    weft_status s = check_opts(o);
    if (!s) s = find_modality(path, o, &m);
    if (!s) s = weft__dataset_new(path, o, m, &d);
    if (!s) s = m->open(path, o, sink, d);
    if (!s) s = weft__check_alike(d, sink);
    if (!s && sink->lint) s = weft__check_balance(d, sink);
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
    return survey(path, opts ? opts : &defaults, &sink, out);
}

WEFT_API weft_status weft_dataset_check(const char *path, const weft_dataset_opts *opts,
                                        void (*found)(void *user, const weft_finding *f),
                                        void *user)
{
    const weft__sink sink = {found, user, true};
    weft_dataset_opts o = opts ? *opts : defaults;
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

/* ---- from arrays ---- */

static weft_status check_inputs(const weft_arrays *a)
{
    bool pixels = false, x = false, text = false;
    for (int k = 0; k < 3; k++) {
        if (a->count[k] < 0)
            return weft__fail(WEFT_EUSAGE, "arrays: %d samples", a->count[k]);
        pixels |= a->pixels[k] != NULL;
        x |= a->x[k] != NULL;
        text |= a->text[k] != NULL;
    }
    int ways = pixels + x + text + (a->read != NULL);
    if (ways != 1)
        return weft__fail(
            WEFT_EUSAGE,
            "arrays: exactly one of pixels, x, text and read is wanted, found %d", ways);
    for (int k = 0; k < 3; k++)
        if (a->count[k] && !a->read && !a->pixels[k] && !a->x[k] && !a->text[k])
            return weft__fail(WEFT_EUSAGE, "arrays: %d %s samples, but no inputs",
                              a->count[k], weft_subset_name((weft_subset)k));
    return WEFT_OK;
}

static weft_status check_labels(const weft_arrays *a, int k)
{
    for (int i = 0; i < a->count[k]; i++)
        if (a->label[k][i] < 0 || a->label[k][i] >= a->classes)
            return weft__fail(
                WEFT_EDATA, "arrays: sample %d of %s has the label %d, allowed 0 to %d",
                i, weft_subset_name((weft_subset)k), (int)a->label[k][i], a->classes - 1);
    return WEFT_OK;
}

static weft_status check_numbers(const weft_arrays *a, int k)
{
    for (int64_t i = 0; i < (int64_t)a->count[k] * a->values; i++)
        if (!isfinite(a->value[k][i]))
            return weft__fail(
                WEFT_EDATA, "arrays: sample %lld of %s has a value that is not finite",
                (long long)(i / a->values), weft_subset_name((weft_subset)k));
    return WEFT_OK;
}

static weft_status check_targets(const weft_arrays *a)
{
    bool labels = a->label[0] || a->label[1] || a->label[2];
    bool values = a->value[0] || a->value[1] || a->value[2];
    if (labels == values)
        return weft__fail(WEFT_EUSAGE,
                          "arrays: exactly one of label and value is wanted");
    if (labels && (a->classes < 2 || a->classes > MOST_CLASSES))
        return weft__fail(WEFT_EUSAGE, "arrays: %d classes, allowed 2 to %d", a->classes,
                          MOST_CLASSES);
    if (values && (a->values < 1 || a->values > MOST_VALUES))
        return weft__fail(WEFT_EUSAGE, "arrays: %d values, allowed 1 to %d", a->values,
                          MOST_VALUES);
    for (int k = 0; k < 3; k++) {
        if (a->count[k] && !a->label[k] && !a->value[k])
            return weft__fail(WEFT_EUSAGE, "arrays: %d %s samples, but no targets",
                              a->count[k], weft_subset_name((weft_subset)k));
        weft_status s = labels ? check_labels(a, k) : check_numbers(a, k);
        if (s) return s;
    }
    return WEFT_OK;
}

static const weft__modality *taker(const weft_arrays *a)
{
    const weft__modality *m = NULL;
    for (int i = 0; (m = weft__modality_at(i)); i++)
        if (m->takes && m->takes(a)) break;
    return m;
}

/* Names of targets and what is in them, into d. */
static weft_status describe_targets(const weft_arrays *a, weft_dataset *d)
{
    return d->target == WEFT_TARGET_CLASS
               ? weft__dataset_array_classes(d, a)
               : weft__dataset_set_values(d, a->values, a->value_name);
}

WEFT_API weft_status weft_dataset_from_arrays(const weft_arrays *a,
                                              const weft_dataset_opts *opts,
                                              weft_dataset **out)
{
    weft_dataset_opts o = opts ? *opts : defaults;
    const weft__sink sink = weft__sink_warn();
    weft_dataset *d = NULL;
    o.target = WEFT_TARGET_CLASS;
    weft_status s = check_opts(&o);
    if (!s) s = check_inputs(a);
    if (!s) s = check_targets(a);
    if (s) return s;
    if (!a->label[0] && !a->label[1] && !a->label[2]) o.target = WEFT_TARGET_VALUES;
    const weft__modality *m = taker(a);
    if (!m || (o.modality && strcmp(o.modality, m->name)))
        return m ? no_modality(o.modality, true)
                 : weft__fail(WEFT_EUSAGE, "arrays: no modality takes them");
    s = weft__dataset_new("arrays", &o, m, &d);
    if (!s) s = describe_targets(a, d);
    if (!s) s = m->from(a, &o, &sink, d);
    if (s)
        weft_dataset_close(d);
    else
        *out = d;
    return s;
}
