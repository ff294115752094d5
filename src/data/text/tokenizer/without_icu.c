/* without_icu.c: a build without ICU knows no word boundaries but its own. */
#include "base/error.h"
#include "data/text/tokenizer/tokenizer.h"

const char *weft__icu_version(void)
{
    return NULL;
}

weft_status weft__icu_new(weft__icu **out)
{
    (void)out;
    return weft__fail(WEFT_EUSAGE, "this build of weft has no ICU to find words with");
}

void weft__icu_free(weft__icu *i)
{
    (void)i;
}

bool weft__icu_begin(weft__icu *i, const char *text, size_t bytes)
{
    (void)i, (void)text, (void)bytes;
    return false;
}

size_t weft__icu_next(weft__icu *i)
{
    (void)i;
    return SIZE_MAX;
}
