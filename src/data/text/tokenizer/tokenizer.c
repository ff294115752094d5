/* tokenizer.c: a text as numbers, by a vocabulary that was learnt or a model
 * brought. */
#include "data/text/tokenizer/tokenizer.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

const char *weft__level_name(weft_token_level u)
{
    static const char *const name[] = {"auto", "word", "char", "icu"};
    return name[u];
}

void weft_tokenizer_free(weft_tokenizer *k)
{
    if (!k) return;
    weft__string_table_free(&k->words);
    for (int i = 0; i < WEFT_MAX_STREAMS - 1; i++) {
        weft__ngrams_free(&k->ngrams[i]);
        free(k->ngram_key[i]);
        free(k->ngram_text[i]);
    }
    weft__arena_free(&k->arena);
    free(k);
}

int weft_tokenizer_streams(const weft_tokenizer *k)
{
    return k->streams;
}

int weft_tokenizer_length(const weft_tokenizer *k)
{
    return k->length;
}

weft_token_level weft_tokenizer_level(const weft_tokenizer *k)
{
    return k->granularity;
}

int weft_tokenizer_size(const weft_tokenizer *k, int stream)
{
    if (stream < 0 || stream >= k->streams) return 0;
    return WEFT_FIRST_TOKEN + (stream ? k->ngram_count[stream - 1] : k->words.count);
}

const char *weft_tokenizer_token(const weft_tokenizer *k, int stream, int i)
{
    if (i < 0 || i >= weft_tokenizer_size(k, stream)) return NULL;
    if (i < WEFT_FIRST_TOKEN) return i == WEFT_PADDING ? "" : "<unk>";
    i -= WEFT_FIRST_TOKEN;
    if (!stream) return k->words.word[i].text;
    return k->ngram_text[stream - 1] ? k->ngram_text[stream - 1][i] : "";
}

int weft_tokenizer_find(const weft_tokenizer *k, int stream, const char *token)
{
    int32_t part[WEFT_MAX_STREAMS];
    if (stream < 0 || stream >= k->streams || !token) return -1;
    for (int i = 0; i <= stream; i++) {
        size_t bytes = strcspn(token, "\1");
        int at = weft__string_table_find(&k->words, token, bytes);
        token += bytes;
        if (at < 0 || (*token == '\1') != (i < stream)) return -1;
        token += i < stream;
        part[i] = at + WEFT_FIRST_TOKEN;
    }
    if (!stream) return part[0];
    int number =
        weft__ngrams_get(&k->ngrams[stream - 1], weft__ngram_key(part, stream + 1));
    return number ? number : -1;
}

/* "a\1b" of a key's tokens; NULL when there is no memory. */
static const char *ngram_text(weft_tokenizer *k, uint64_t key, int parts)
{
    const weft__string *part[WEFT_MAX_STREAMS];
    size_t bytes = 0;
    char *text, *to;
    for (int i = parts - 1; i >= 0; i--, key >>= 21) {
        part[i] = &k->words.word[(key & 0x1fffff) - WEFT_FIRST_TOKEN];
        bytes += part[i]->bytes + 1;
    }
    to = text = weft__arena_alloc(&k->arena, bytes);
    for (int i = 0; text && i < parts; i++) {
        memcpy(to, part[i]->text, part[i]->bytes);
        to += part[i]->bytes;
        *to++ = (char)(i + 1 < parts); /* U+0001, at last NUL */
    }
    return text;
}

static bool names_tokens(const weft_tokenizer *k, uint64_t key, int parts)
{
    for (int i = 0; i < parts; i++, key >>= 21) {
        uint64_t token = key & 0x1fffff;
        if (token < WEFT_FIRST_TOKEN ||
            token >= (uint64_t)k->words.count + WEFT_FIRST_TOKEN)
            return false;
    }
    return key == 0;
}

weft_status weft__tokenizer_index(weft_tokenizer *k, int stream, bool texts)
{
    int n = k->ngram_count[stream - 1], parts = stream + 1;
    const uint64_t *key = k->ngram_key[stream - 1];
    const char **text = texts ? weft__alloc((size_t)n + 1, sizeof *text) : NULL;
    k->ngram_text[stream - 1] = text;
    if (texts && !text) return weft__fail(WEFT_ENOMEM, "no memory for a vocabulary");
    for (int i = 0; i < n; i++) {
        int32_t *value;
        if (!names_tokens(k, key[i], parts))
            return weft__fail(WEFT_EMODEL, "entry %d of stream %d names no pieces", i,
                              stream);
        value = weft__ngrams_at(&k->ngrams[stream - 1], key[i]);
        if (value && *value)
            return weft__fail(WEFT_EMODEL, "entry %d of stream %d is there twice", i,
                              stream);
        if (texts) text[i] = ngram_text(k, key[i], parts);
        if (!value || (texts && !text[i]))
            return weft__fail(WEFT_ENOMEM, "no memory for a vocabulary");
        *value = i + WEFT_FIRST_TOKEN;
    }
    return WEFT_OK;
}

void weft__tokenize_grams(const weft_tokenizer *k, int stream, const int32_t *token,
                          int n, int32_t *id)
{
    int parts = stream + 1, whole = n >= parts ? n - parts + 1 : 0;
    for (int p = 0; p < whole; p++) {
        bool known = true;
        int32_t number = 0;
        for (int i = 0; i < parts; i++) known &= token[p + i] != WEFT_UNKNOWN;
        if (known)
            number = weft__ngrams_get(&k->ngrams[stream - 1],
                                      weft__ngram_key(token + p, parts));
        id[p] = number ? number : WEFT_UNKNOWN;
    }
    memset(id + whole, 0, (size_t)(n - whole) * sizeof *id);
}

void weft__tokenize_rest(const weft_tokenizer *k, int n,
                         int32_t *const ids[WEFT_MAX_STREAMS])
{
    for (int s = 1; s < k->streams; s++)
        if (ids[s]) weft__tokenize_grams(k, s, ids[0], n, ids[s]);
    for (int s = 0; s < k->streams; s++)
        if (ids[s]) memset(ids[s] + n, 0, (size_t)(k->length - n) * sizeof *ids[s]);
}

int weft__tokenize(const weft_tokenizer *k, weft__segmenter *c, const char *text,
                   size_t bytes, int32_t *const ids[WEFT_MAX_STREAMS], int *unknown)
{
    int n = 0, strange = 0;
    weft__segmenter_set(c, text, bytes);
    while (n < k->length && weft__segment_next(c)) {
        int i = weft__string_table_find(&k->words, c->token, c->token_bytes);
        strange += i < 0;
        ids[0][n++] = i < 0 ? WEFT_UNKNOWN : i + WEFT_FIRST_TOKEN;
    }
    if (!n) {
        ids[0][n++] = WEFT_UNKNOWN;
        strange++;
    }
    if (unknown) *unknown = strange;
    weft__tokenize_rest(k, n, ids);
    return n;
}

int weft_tokenize(const weft_tokenizer *k, const char *text, size_t bytes,
                  int32_t *const ids[WEFT_MAX_STREAMS], int *unknown)
{
    weft__segmenter c;
    int n;
    /* Without memory for ICU's iterator the text is as an empty one. */
    if (weft__segmenter_begin(&c, k->granularity, k->keep_case, k->keep_width)) bytes = 0;
    n = weft__tokenize(k, &c, text, bytes, ids, unknown);
    weft__segmenter_end(&c);
    return n;
}

void weft__tokenizer_digest(const weft_tokenizer *k, char hex[65])
{
    weft_meta *m = weft_meta_new();
    const char *json = NULL;
    unsigned char digest[32];
    weft__sha256 sha;
    if (m && !weft_tokenizer_describe(k, m)) json = weft_meta_get(m, "weft.tokenizer");
    if (json) {
        weft__sha256_start(&sha);
        weft__sha256_add(&sha, json, strlen(json));
        weft__sha256_end(&sha, digest);
        weft__hex(hex, digest, sizeof digest);
    }
    weft_meta_free(m);
}
