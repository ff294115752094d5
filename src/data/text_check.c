/* text_check.c: weft_texts_check: the same survey as weft_texts_open, but it goes on and
 * tells all. */
#include "data/texts.h"
#include "base/error.h"
#include "data/utf8.h"

/* Counts, and lengths in bytes, that a person wants to see at once. */
static void tell_summary(const weft_texts *t, const weft__sink *sink)
{
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
    weft__found(
        sink, WEFT_NOTE, "summary",
        "%s: %s, %d classes; %d texts to train, %d to validate, %d to test; %u to "
        "%u bytes, %.0f on average",
        t->path, t->format, t->classes, t->count[WEFT_TRAIN], t->count[WEFT_VAL],
        t->count[WEFT_TEST], n ? shortest : 0, longest, n ? sum / (double)n : 0);
}

/* Texts that are replacement characters for a good part were read in a wrong encoding. */
static void tell_mangled(const weft_texts *t, const weft__sink *sink)
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

weft_status weft_texts_check(const char *path, const weft_texts_opts *opts,
                             void (*found)(void *user, const weft_data_finding *f),
                             void *user)
{
    const weft__sink sink = {found, user, true};
    weft_texts_opts o = opts ? *opts : (weft_texts_opts){0};
    weft_texts *t = NULL;
    weft_status s;
    o.skip_bad = false;
    s = weft__texts_survey(path, &o, &sink, &t);
    if (s == WEFT_EDATA || s == WEFT_EIO) {
        weft_data_finding f = {WEFT_ERROR, "unusable", weft_last_error()};
        found(user, &f);
        return WEFT_OK;
    }
    if (s) return s;
    tell_summary(t, &sink);
    tell_mangled(t, &sink);
    weft__labelled view = weft__texts_view(t);
    s = weft__check_balance(&view, &sink);
    weft_texts_close(t);
    return s;
}
