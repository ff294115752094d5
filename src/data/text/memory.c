/* memory.c: texts in the caller's memory. */
#include "base/checked.h"
#include "base/error.h"
#include "data/text/text.h"
#include "data/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int place(const weft_arrays *a, int split, int i)
{
    for (int k = 0; k < split; k++) i += a->count[k];
    return i;
}

/* A label as a file would have it. */
static weft_status add(weft__texts *t, const weft__texts_opts *o, const weft_arrays *a, int split,
                       int file, int i)
{
    char number[40];
    const char *label = number;
    if (a->value[split]) /* its place among all samples, to find its values by again */
        snprintf(number, sizeof number, "%d", place(a, split, i));
    else if (a->class_name)
        label = a->class_name[a->label[split][i]];
    else
        snprintf(number, sizeof number, "%d", (int)a->label[split][i]);
    const char *text = a->text[split][i];
    return weft__texts_add(t, o, split, file, i + 1, label, strlen(label), text, strlen(text),
                           false);
}

weft_status weft__texts_from(const weft_arrays *a, const weft_dataset_opts *d, weft__texts **out)
{
    const weft__texts_opts o = {
        .val_fraction = d->val_fraction,
        .no_val = d->no_val,
        .seed = d->seed,
        .target = a->value[0] ? WEFT_TARGET_VALUES : WEFT_TARGET_CLASS,
        .strict = d->text.strict,
        .max_text_bytes = d->text.max_text_bytes ? d->text.max_text_bytes : 1 << 20};
    weft__texts *t = calloc(1, sizeof *t);
    if (t) t->path = strdup("arrays");
    if (!t || !t->path) {
        free(t);
        return weft__fail(WEFT_ENOMEM, "arrays: out of memory");
    }
    t->format = "arrays";
    t->most = o.max_text_bytes;
    t->target = o.target;
    weft_status s = WEFT_OK;
    for (int k = 0; k < 3 && !s; k++) {
        int file = weft__texts_file(t, weft_subset_name((weft_subset)k));
        if (file < 0) s = weft__fail(WEFT_ENOMEM, "arrays: out of memory");
        for (int i = 0; i < a->count[k] && !s; i++) s = add(t, &o, a, k, file, i);
    }
    const weft__sink sink = weft__sink_warn();
    if (!s) s = weft__texts_finish(t, &o, a->count[WEFT_SUBSET_VAL] > 0, NULL, &sink);
    if (s)
        weft__texts_close(t);
    else
        *out = t;
    return s;
}

static const float *values_at(const weft_arrays *a, int at)
{
    int k = 0;
    while (k < 2 && at >= a->count[k]) at -= a->count[k++];
    return a->value[k] + (size_t)at * (size_t)a->values;
}

weft_status weft__texts_values(const weft_arrays *a, const weft__texts *t, weft_dataset *d)
{
    size_t width = (size_t)a->values;
    weft_status s = weft__dataset_no_classes(d, a->values, a->value_name);
    for (int k = 0; k < 3 && !s; k++) {
        s = weft__dataset_values(d, (weft_subset)k);
        for (int i = 0; i < d->count[k] && !s; i++) {
            int label = weft__texts_label(t, (weft_subset)k, i);
            memcpy(d->value[k] + (size_t)i * width,
                   values_at(a, atoi(weft__texts_class_name(t, label))), width * sizeof(float));
        }
    }
    return s;
}
