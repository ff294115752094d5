/* tokenizer.c: any bytes as a tokenizer in a model's metadata, and as a text for it. */
#include "base/log.h"
#include "data/text/tokenizer/tokenizer.h"
#include "data/text/tokenizer/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts a text with every unit; tokens are bounded and well-formed. */
static void cut(const char *text, size_t size)
{
    for (int keep = 0; keep < 2; keep++)
        for (int granularity = WEFT_LEVEL_WORD; granularity <= WEFT_LEVEL_ICU;
             granularity++) {
            weft__segmenter c;
            if (weft__segmenter_begin(&c, (weft_token_level)granularity, keep, keep))
                continue;
            weft__segmenter_set(&c, text, size);
            while (weft__segment_next(&c))
                if (!c.token_bytes || c.token_bytes > WEFT_TOKEN_BYTES ||
                    weft__utf8_good(c.token, c.token_bytes) < c.token_bytes)
                    abort();
            weft__segmenter_end(&c);
        }
}

static void use(const weft_tokenizer *k, const char *text, size_t size)
{
    size_t length = (size_t)weft_tokenizer_length(k);
    int32_t *all = calloc(length * WEFT_MAX_STREAMS, sizeof *all);
    int32_t *const at[3] = {all, all + length, all + 2 * length};
    int n = weft_tokenize(k, text, size, at, NULL);
    if (n < 1 || n > weft_tokenizer_length(k)) abort();
    for (int s = 0; s < weft_tokenizer_streams(k); s++)
        for (size_t i = 0; i < length; i++)
            if (at[s][i] < 0 || !weft_tokenizer_token(k, s, at[s][i])) abort();
    free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    weft_meta *m = weft_meta_new();
    weft_tokenizer *k;
    weft_set_quiet(2);
    if (!text || !m) abort();
    memcpy(text, data, size);
    text[size] = 0;
    cut((const char *)data, size);
    if (!weft_meta_set(m, "weft.tokenizer", text) && !weft_tokenizer_from_meta(m, &k)) {
        use(k, (const char *)data, size);
        if (weft_tokenizer_describe(k, m)) abort();
        weft_tokenizer_free(k);
        if (weft_tokenizer_from_meta(m, &k)) abort();
        weft_tokenizer_free(k);
    }
    weft_meta_free(m);
    free(text);
    return 0;
}
