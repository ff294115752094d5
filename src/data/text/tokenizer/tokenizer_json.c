/* tokenizer_json.c: a tokenizer as one JSON object in a model's metadata.
 *
 * Tokens are an array of texts. A pair or triple is the numbers of its tokens, each in
 * `digits` letters of base 64, highest first; all of a stream are one text: a
 * vocabulary of 200000 triples takes 1.8 MB. */
#include "base/checked.h"
#include "base/error.h"
#include "base/log.h"
#include "data/text/tokenizer/tokenizer.h"
#include "data/text/tokenizer/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char key_name[] = "weft.tokenizer";
static const char digit[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char *const stream_name[] = {"pieces", "pairs", "triples"};

enum { VERSION = 1 };

/* Letters that every token number fits into. */
static int digits_for(int tokens)
{
    int n = 1;
    for (int most = 64; most < tokens + WEFT_FIRST_TOKEN; most *= 64) n++;
    return n;
}

/* ---- writing ---- */

static json_t *tokens_of(const weft_tokenizer *k)
{
    json_t *list = json_array();
    for (int i = 0; list && i < k->words.count; i++) {
        const weft__string *w = &k->words.word[i];
        if (json_array_append_new(list, json_stringn(w->text, w->bytes))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *ngrams_of(const weft_tokenizer *k, int stream)
{
    int digits = digits_for(k->words.count), parts = stream + 1;
    size_t n = (size_t)k->ngram_count[stream - 1], at = 0;
    char *text = weft__alloc(n * (size_t)parts * (size_t)digits + 1, 1);
    json_t *out;
    if (!text) return NULL;
    for (size_t i = 0; i < n; i++)
        for (int p = parts - 1; p >= 0; p--) {
            uint64_t number = k->ngram_key[stream - 1][i] >> (21 * p) & 0x1fffff;
            for (int d = digits - 1; d >= 0; d--)
                text[at++] = digit[number >> (6 * d) & 63];
        }
    out = json_stringn(text, at);
    free(text);
    return out;
}

weft_status weft_tokenizer_describe(const weft_tokenizer *k, weft_meta *m)
{
    json_t *root = json_object();
    char *text = NULL;
    weft_status s;
    bool ok = root && !json_object_set_new(root, "version", json_integer(VERSION)) &&
              !json_object_set_new(root, "unit",
                                   json_string(weft__level_name(k->granularity))) &&
              !json_object_set_new(root, "keep_case", json_boolean(k->keep_case)) &&
              !json_object_set_new(root, "keep_width", json_boolean(k->keep_width)) &&
              !json_object_set_new(root, "length", json_integer(k->length)) &&
              !json_object_set_new(root, "pieces", tokens_of(k));
    if (ok && k->granularity == WEFT_LEVEL_ICU)
        ok = !json_object_set_new(root, "icu", json_string(weft__icu_version()));
    for (int i = 1; ok && i < k->streams; i++)
        ok = !json_object_set_new(root, stream_name[i], ngrams_of(k, i));
    if (ok) text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    s = text ? weft_meta_set(m, key_name, text)
             : weft__fail(WEFT_ENOMEM, "no memory to describe a tokenizer");
    free(text);
    return s;
}

/* ---- reading ---- */

static weft_status damaged(const char *what)
{
    return weft__fail(WEFT_EMODEL, "%s: %s", key_name, what);
}

static weft_status read_granularity(weft_tokenizer *k, const json_t *root)
{
    const char *granularity = json_string_value(json_object_get(root, "unit"));
    const char *made = json_string_value(json_object_get(root, "icu"));
    const char *here = weft__icu_version();
    if (!granularity) return damaged("no unit");
    for (int u = WEFT_LEVEL_WORD; u <= WEFT_LEVEL_ICU; u++)
        if (!strcmp(granularity, weft__level_name((weft_token_level)u)))
            k->granularity = (weft_token_level)u;
    if (!k->granularity)
        return weft__fail(WEFT_EMODEL, "%s: unknown unit \"%.40s\"", key_name,
                          granularity);
    if (k->granularity != WEFT_LEVEL_ICU) return WEFT_OK;
    if (!made) made = "unknown";
    if (!here)
        return weft__fail(
            WEFT_EMODEL,
            "%s: words are found by ICU %.40s, and this build of weft has no "
            "ICU",
            key_name, made);
    if (strcmp(made, here))
        weft__warn(
            "the model's words were found by ICU %.40s, here is %s: some texts may "
            "be cut otherwise",
            made, here);
    return WEFT_OK;
}

static weft_status read_tokens(weft_tokenizer *k, const json_t *list)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list)) return damaged("no list of pieces");
    if (n > WEFT_MOST_TOKENS - WEFT_FIRST_TOKEN) return damaged("too many pieces");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = json_string_value(item);
        size_t bytes = text ? json_string_length(item) : 0;
        if (!bytes || bytes > WEFT_TOKEN_BYTES || memchr(text, 1, bytes) ||
            memchr(text, 0, bytes))
            return weft__fail(WEFT_EMODEL, "%s: piece %zu is no text of 1 to %d bytes",
                              key_name, i, WEFT_TOKEN_BYTES);
        int number = weft__string_table_add(&k->words, text, bytes);
        if (number < 0) return weft__fail(WEFT_ENOMEM, "no memory for a vocabulary");
        if ((size_t)number != i)
            return weft__fail(WEFT_EMODEL, "%s: piece %zu is there twice", key_name, i);
    }
    return WEFT_OK;
}

/* The number that n letters say; -1 when they are none. */
static int64_t number_at(const char *text, int n)
{
    int64_t number = 0;
    for (int i = 0; i < n; i++) {
        const char *at = text[i] ? strchr(digit, text[i]) : NULL;
        if (!at) return -1;
        number = number * 64 + (at - digit);
    }
    return number;
}

static weft_status read_ngrams(weft_tokenizer *k, int stream, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t bytes = text ? json_string_length(value) : 0, n;
    int digits = digits_for(k->words.count), parts = stream + 1;
    size_t each = (size_t)digits * (size_t)parts;
    uint64_t *key;
    weft_status s;
    if (!text || bytes % each) return damaged("pairs or triples of odd length");
    n = bytes / each;
    if (n > WEFT_MOST_TOKENS - WEFT_FIRST_TOKEN) return damaged("too many pieces");
    key = weft__alloc(n + 1, sizeof *key);
    if (!key) return weft__fail(WEFT_ENOMEM, "no memory for a vocabulary");
    k->ngram_key[stream - 1] = key;
    k->ngram_count[stream - 1] = (int)n;
    for (size_t i = 0; i < n; i++)
        for (int p = 0; p < parts; p++, text += digits) {
            int64_t number = number_at(text, digits);
            if (number < 0 || number >= WEFT_MOST_TOKENS)
                return damaged("pairs or triples that are no numbers");
            key[i] = key[i] << 21 | (uint64_t)number;
        }
    s = weft__tokenizer_index(k, stream, true);
    return s ? weft__prefix(s, "%s", key_name) : WEFT_OK;
}

static weft_status read_all(weft_tokenizer *k, const json_t *root)
{
    const json_t *version = json_object_get(root, "version");
    const json_t *length = json_object_get(root, "length");
    weft_status s;
    if (!json_is_object(root)) return damaged("not an object");
    if (!json_is_integer(version) || json_integer_value(version) != VERSION)
        return weft__fail(WEFT_EMODEL, "%s: version %lld, known is %d", key_name,
                          (long long)json_integer_value(version), VERSION);
    if (!json_is_integer(length) || json_integer_value(length) < 1 ||
        json_integer_value(length) > WEFT_MOST_LENGTH)
        return damaged("no length, or one out of range");
    k->length = (int)json_integer_value(length);
    k->keep_case = json_is_true(json_object_get(root, "keep_case"));
    k->keep_width = json_is_true(json_object_get(root, "keep_width"));
    k->streams = 1;
    s = read_granularity(k, root);
    if (!s) s = read_tokens(k, json_object_get(root, stream_name[0]));
    for (int i = 1; !s && i < WEFT_MAX_STREAMS; i++) {
        const json_t *ngrams = json_object_get(root, stream_name[i]);
        if (!ngrams) break;
        k->streams = i + 1;
        s = read_ngrams(k, i, ngrams);
    }
    return s;
}

weft_status weft_tokenizer_from_meta(const weft_meta *m, weft_tokenizer **out)
{
    const char *text = weft_meta_get(m, key_name);
    json_error_t error;
    json_t *root;
    weft_tokenizer *k;
    weft_status s;
    if (!text)
        return weft__fail(WEFT_EMODEL, "the model has no tokenizer (%s)", key_name);
    root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root) return weft__fail(WEFT_EMODEL, "%s: %s", key_name, error.text);
    k = calloc(1, sizeof *k);
    s = k ? read_all(k, root) : weft__fail(WEFT_ENOMEM, "no memory for a tokenizer");
    json_decref(root);
    if (s)
        weft_tokenizer_free(k);
    else
        *out = k;
    return s;
}
