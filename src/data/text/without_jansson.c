/* without_jansson.c: a build without jansson reads no JSONL, no tokenizers of
 * models. */
#include "base/error.h"
#include "data/text/formats/rows.h"
#include "weft/dataset.h"

static weft_status missing(const char *what)
{
    return weft__fail(WEFT_EUSAGE, "this build of weft has no %s (jansson was missing)",
                      what);
}

static bool sniff(const char *head, size_t bytes)
{
    return bytes && *head == '{';
}

static weft_status next(weft__rows *r)
{
    (void)r;
    return missing("JSONL");
}

const weft__text_reader weft_text_reader_jsonl = {
    .name = "jsonl",
    .suffixes = "jsonl ndjson",
    .sniff = sniff,
    .named = true,
    .next = next,
};

weft_status weft_tokenizer_describe(const weft_tokenizer *k, weft_meta *m)
{
    (void)k, (void)m;
    return missing("tokenizers in models");
}

weft_status weft_tokenizer_from_meta(const weft_meta *m, weft_tokenizer **out)
{
    (void)m, (void)out;
    return missing("tokenizers in models");
}
