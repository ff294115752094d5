/* image_check.c: what a lint of pictures says besides. */
#include "data/image/image_dataset.h"

#include <stdio.h>

/* Sizes and counts that a person wants to see at once. */
void weft__images_summary(const weft_dataset *d, const weft__sink *sink)
{
    const weft__images *m = weft__images_of(d);
    int32_t low_h = INT32_MAX, low_w = INT32_MAX, high_h = 0, high_w = 0;
    char targets[32];
    int other = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < m->source->count[s]; i++) {
            const weft__sample *it = &m->sample[s][i];
            if (it->bad) continue;
            if (it->height < low_h) low_h = it->height;
            if (it->width < low_w) low_w = it->width;
            if (it->height > high_h) high_h = it->height;
            if (it->width > high_w) high_w = it->width;
            other += it->height != m->height || it->width != m->width;
        }
    weft__targets_text(d, targets, sizeof targets);
    weft__found(sink, WEFT_NOTE, "summary",
                "%s: %s, %s; %d samples to train, %d to validate, %d to test; "
                "%d x %d pixels, %s",
                d->path, m->reader->name, targets, d->count[WEFT_SUBSET_TRAIN],
                d->count[WEFT_SUBSET_VAL], d->count[WEFT_SUBSET_TEST], m->width,
                m->height, m->channels == 1 ? "grey" : "RGB");
    if (other)
        weft__found(sink, WEFT_NOTE, "sizes",
                    "%d samples have another size (%d to %d wide, %d to %d high) and are "
                    "resized",
                    other, low_w, high_w, low_h, high_h);
}
