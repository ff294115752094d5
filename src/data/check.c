/* check.c: weft_data_check: the same survey as weft_data_open, but it goes on and tells
 * all. */
#include "base/error.h"
#include "data/set.h"

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
    weft__labelled view = weft__data_view(d);
    s = weft__check_balance(&view, &sink);
    weft_data_close(d);
    return s;
}
