/* text_check.c: what a lint of texts says besides. */
#include "data/text/text_dataset.h"
#include "base/error.h"
#include "data/text/tokenizer/utf8.h"

/* Counts, and lengths in bytes, that a person wants to see at once. */
static void tell_summary(const weft_dataset *d, const weft__texts *t,
                         const weft__sink *sink)
{
    char targets[32];
    uint32_t shortest = UINT32_MAX, longest = 0;
    double sum = 0;
    size_t n = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < t->count[s]; i++, n++) {
            uint32_t bytes = t->item[s][i].bytes;
            if (bytes < shortest) shortest = bytes;
            if (bytes > longest) longest = bytes;
            sum += bytes;
        }
    weft__targets_text(d, targets, sizeof targets);
    weft__found(sink, WEFT_NOTE, "summary",
                "%s: %s, %s; %d texts to train, %d to validate, %d to test; %u to "
                "%u bytes, %.0f on average",
                t->path, t->format, targets, t->count[WEFT_SUBSET_TRAIN],
                t->count[WEFT_SUBSET_VAL], t->count[WEFT_SUBSET_TEST], n ? shortest : 0,
                longest, n ? sum / (double)n : 0);
}

/* Texts that are replacement characters for a good part were read in a wrong
 * encoding. */
static void tell_mangled(const weft__texts *t, const weft__sink *sink)
{
    size_t mangled = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < t->count[s]; i++) {
            const weft__text_item *item = &t->item[s][i];
            size_t odd = 0;
            for (size_t at = 0; at + 2 < item->bytes; at++)
                odd += (unsigned char)item->text[at] == 0xef &&
                       (unsigned char)item->text[at + 1] == 0xbf &&
                       (unsigned char)item->text[at + 2] == 0xbd;
            mangled += odd * 3 * 4 > item->bytes;
        }
    if (mangled)
        weft__found(sink, WEFT_WARNING, "mangled",
                    "%s: %zu texts are replacement characters (U+FFFD) for a quarter or "
                    "more: another encoding?",
                    t->path, mangled);
}

void weft__texts_summary(const weft_dataset *d, const weft__sink *sink)
{
    tell_summary(d, weft__texts_of(d), sink);
    tell_mangled(weft__texts_of(d), sink);
}
