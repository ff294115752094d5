/* check.c: what a lint of pictures says besides. */
#include "base/error.h"
#include "data/set.h"

/* Sizes and counts that a person wants to see at once. */
static void tell_summary(const weft__images *d, const weft__sink *sink)
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
                d->path, d->reader->name, d->source->classes, d->count[WEFT_SUBSET_TRAIN],
                d->count[WEFT_SUBSET_VAL], d->count[WEFT_SUBSET_TEST], d->width, d->height,
                d->channels == 1 ? "grey" : "RGB");
    if (other)
        weft__found(sink, WEFT_NOTE, "sizes",
                    "%d samples have another size (%d to %d wide, %d to %d high) and are "
                    "resized",
                    other, low_w, high_w, low_h, high_h);
}

weft_status weft__images_lint(const weft__images *d, const weft__sink *sink)
{
    tell_summary(d, sink);
    weft__labelled view = weft__images_view(d);
    return weft__check_balance(&view, sink);
}
