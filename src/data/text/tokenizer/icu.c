/* icu.c: word boundaries by ICU, which knows the words of Chinese, Japanese and
 * Thai. */
#include "data/text/tokenizer/tokenizer.h"
#include "base/error.h"

#include <limits.h>
#include <stdlib.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

struct weft__icu {
    UBreakIterator *words;
    UText *text;
};

const char *weft__icu_version(void)
{
    return U_ICU_VERSION;
}

weft_status weft__icu_new(weft__icu **out)
{
    UErrorCode error = U_ZERO_ERROR;
    weft__icu *i = calloc(1, sizeof *i);
    if (i) i->words = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
    if (!i || U_FAILURE(error)) {
        weft__icu_free(i);
        return weft__fail(WEFT_ENOMEM, "ICU has no word boundaries: %s",
                          u_errorName(error));
    }
    *out = i;
    return WEFT_OK;
}

void weft__icu_free(weft__icu *i)
{
    if (!i) return;
    if (i->words) ubrk_close(i->words);
    utext_close(i->text);
    free(i);
}

bool weft__icu_begin(weft__icu *i, const char *text, size_t bytes)
{
    UErrorCode error = U_ZERO_ERROR;
    i->text = utext_openUTF8(i->text, text, (int64_t)bytes, &error);
    ubrk_setUText(i->words, i->text, &error);
    ubrk_first(i->words);
    return U_SUCCESS(error) && bytes < INT_MAX;
}

size_t weft__icu_next(weft__icu *i)
{
    int32_t end = ubrk_next(i->words);
    return end == UBRK_DONE ? SIZE_MAX : (size_t)end;
}
