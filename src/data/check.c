/* check.c: weft_data_check: the same survey as weft_data_open, but it goes on and tells
 * all. */
#include "base/error.h"
#include "data/set.h"

#include <stdlib.h>

/* Sizes and counts that a person wants to see at once. */
static void tell_summary(const weft_data *d, const weft__sink *sink)
{
    int32_t low_h = INT32_MAX, low_w = INT32_MAX, high_h = 0, high_w = 0;
    int other = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < d->source->count[s]; i++) {
            const weft__sample *it = &d->sample[s][i];
            if (it->bad) continue;
            if (it->height < low_h) low_h = it->height;
            if (it->width < low_w) low_w = it->width;
            if (it->height > high_h) high_h = it->height;
            if (it->width > high_w) high_w = it->width;
            other += it->height != d->height || it->width != d->width;
        }
    weft__found(sink, WEFT_NOTE, "summary",
                "%s: %s, %d classes; %d samples to train, %d to validate, %d to test; "
                "%d x %d pixels, %s",
                d->path, d->reader->name, d->source->classes, d->count[WEFT_TRAIN],
                d->count[WEFT_VAL], d->count[WEFT_TEST], d->width, d->height,
                d->channels == 1 ? "grey" : "RGB");
    if (other)
        weft__found(sink, WEFT_NOTE, "sizes",
                    "%d samples have another size (%d to %d wide, %d to %d high) and are "
                    "resized",
                    other, low_w, high_w, low_h, high_h);
}

/* The largest class of train has much more samples than the smallest. */
static weft_status tell_balance(const weft_data *d, const weft__sink *sink)
{
    int classes = d->source->classes, least = -1, most = 0;
    int *count = calloc((size_t)classes + 1, sizeof *count);
    if (!count) return weft__fail(WEFT_ENOMEM, "no memory for %d classes", classes);
    for (int i = 0; i < d->count[WEFT_TRAIN]; i++) count[d->label[WEFT_TRAIN][i]]++;
    for (int c = 0; c < classes; c++) {
        if (count[c] && (least < 0 || count[c] < count[least])) least = c;
        if (count[c] > count[most]) most = c;
    }
    if (least >= 0 && count[most] >= 10 * count[least])
        weft__found(sink, WEFT_WARNING, "imbalance",
                    "class \"%s\" has %d training samples, \"%s\" has %d",
                    d->source->class_name[most], count[most],
                    d->source->class_name[least], count[least]);
    free(count);
    return WEFT_OK;
}

weft_status weft_data_check(const char *path, const weft_data_opts *opts,
                            void (*found)(void *user, const weft_data_finding *f),
                            void *user)
{
    const weft__sink sink = {found, user, true};
    weft_data_opts o = opts ? *opts : (weft_data_opts){0};
    weft_data *d = NULL;
    weft_status s;
    o.skip_bad = false;
    s = weft__data_survey(path, &o, &sink, &d);
    if (s == WEFT_EDATA || s == WEFT_EIO) {
        weft_data_finding f = {WEFT_ERROR, "unusable", weft_last_error()};
        found(user, &f);
        return WEFT_OK;
    }
    if (s) return s;
    tell_summary(d, &sink);
    s = tell_balance(d, &sink);
    weft_data_close(d);
    return s;
}
