/* dataset.c: a data set, whatever its samples are: made, filled by its modality, asked,
 * fitted. */
#include "data/modality.h"

#include "base/checked.h"
#include "data/text/embeddings/vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

WEFT_API const char *weft_subset_name(weft_subset s)
{
    static const char *const name[] = {"train", "val", "test"};
    return s >= WEFT_SUBSET_TRAIN && s <= WEFT_SUBSET_TEST ? name[s] : "";
}

static weft_status no_memory(const weft_dataset *d)
{
    return weft__fail(WEFT_ENOMEM, "%s: out of memory", d->path);
}

/* ---- making ---- */

weft_status weft__dataset_new(const char *path, const weft_dataset_opts *o,
                              const weft__modality *m, weft_dataset **out)
{
    weft_dataset *d = calloc(1, sizeof *d);
    if (d) d->path = strdup(path);
    if (!d || !d->path) {
        free(d);
        return weft__fail(WEFT_ENOMEM, "no memory to open %s", path);
    }
    d->modality = m;
    d->opts = *o;
    d->opts.modality = d->opts.val = d->opts.test = d->opts.bad_list = NULL;
    d->opts.text.label_column = d->opts.text.text_column = d->opts.text.format = NULL;
    d->target = o->target;
    *out = d;
    return WEFT_OK;
}

WEFT_API void weft_dataset_close(weft_dataset *d)
{
    if (!d) return;
    if (d->preprocess) d->modality->free(d->preprocess);
    if (d->content) d->modality->close(d);
    for (int c = 0; c < d->classes; c++) free(d->class_name[c]);
    for (int k = 0; k < d->values; k++) free(d->value_name[k]);
    for (int k = 0; k < 3; k++) {
        free(d->label[k]);
        free(d->value[k]);
    }
    free(d->class_name);
    free(d->value_name);
    free(d->path);
    free(d);
}

weft_status weft__dataset_add_class(weft_dataset *d, const char *name)
{
    if (d->classes % 64 == 0) {
        char **all = realloc(d->class_name, ((size_t)d->classes + 64) * sizeof *all);
        if (!all) return no_memory(d);
        d->class_name = all;
    }
    char *copy = strdup(name);
    if (!copy) return no_memory(d);
    d->class_name[d->classes++] = copy;
    return WEFT_OK;
}

weft_status weft__dataset_array_classes(weft_dataset *d, const weft_arrays *a)
{
    weft_status s = WEFT_OK;
    for (int c = 0; c < a->classes && !s; c++) {
        char number[16];
        snprintf(number, sizeof number, "%d", c);
        s = weft__dataset_add_class(d, a->class_name ? a->class_name[c] : number);
    }
    return s;
}

weft_status weft__dataset_set_values(weft_dataset *d, int values, const char *const *name)
{
    d->value_name = weft__alloc((size_t)values, sizeof *d->value_name);
    if (!d->value_name) return no_memory(d);
    for (int k = 0; k < values; k++) {
        char number[16];
        snprintf(number, sizeof number, values == 1 ? "y" : "y%d", k);
        d->value_name[k] = strdup(name ? name[k] : number);
        if (!d->value_name[k]) return no_memory(d);
        d->values++;
    }
    return WEFT_OK;
}

weft_status weft__dataset_room(weft_dataset *d, weft_subset s)
{
    size_t n = (size_t)d->count[s] + 1;
    if (d->target == WEFT_TARGET_CLASS)
        d->label[s] = weft__alloc(n, sizeof *d->label[s]);
    else if (weft__mul(n, (size_t)d->values, &n))
        d->value[s] = weft__alloc(n, sizeof *d->value[s]);
    return d->label[s] || d->value[s] ? WEFT_OK : no_memory(d);
}

void weft__dataset_array_target(weft_dataset *d, weft_subset s, int i,
                                const weft_arrays *a, int of, int from)
{
    size_t width = (size_t)d->values;
    if (d->target == WEFT_TARGET_CLASS)
        d->label[s][i] = a->label[of][from];
    else
        memcpy(d->value[s] + (size_t)i * width, a->value[of] + (size_t)from * width,
               width * sizeof(float));
}

void weft__dataset_array_name(weft_subset s, int i, char *text, size_t size)
{
    snprintf(text, size, "sample %d of %s", i, weft_subset_name(s));
}

weft_status weft__dataset_call(const weft_arrays *a, weft_subset s, int i, void *sample)
{
    char before[200];
    snprintf(before, sizeof before, "%s", weft_last_error());
    weft_status status = a->read(a->user, s, i, sample);
    if (status && !strncmp(before, weft_last_error(), sizeof before - 1))
        weft__fail(status, "sample %d of %s cannot be read", i, weft_subset_name(s));
    return status;
}

void weft__targets_text(const weft_dataset *d, char *text, size_t size)
{
    int n = d->target == WEFT_TARGET_CLASS ? d->classes : d->values;
    snprintf(text, size, "%d %s%s", n, d->target == WEFT_TARGET_CLASS ? "class" : "value",
             n == 1                           ? ""
             : d->target == WEFT_TARGET_CLASS ? "es"
                                              : "s");
}

bool weft__dataset_number(const char *text, size_t bytes, float *out)
{
    double x;
    if (!weft__decimal(text, bytes, &x) || !isfinite((float)x)) return false;
    *out = (float)x;
    return true;
}

void weft__dataset_hash_target(const weft_dataset *d, weft_subset s, int i,
                               weft__sha256 *h)
{
    size_t width = (size_t)d->values;
    if (d->target == WEFT_TARGET_CLASS) {
        int32_t label = d->label[s][i];
        const unsigned char bytes[2] = {(unsigned char)label,
                                        (unsigned char)(label >> 8)};
        weft__sha256_add(h, bytes, sizeof bytes);
    } else {
        weft__sha256_add(h, d->value[s] + (size_t)i * width, width * sizeof(float));
    }
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

WEFT_API void weft_dataset_sample_name(const weft_dataset *d, weft_subset s, int i,
                                       char *text, size_t size)
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
    return d->modality->mixes && d->modality->mixes(d);
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
