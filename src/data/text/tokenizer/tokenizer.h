/* tokenizer.h: texts as numbers from the inside. */
#ifndef WEFT_SRC_DATA_TEXT_TOKENIZER_TOKENIZER_H
#define WEFT_SRC_DATA_TEXT_TOKENIZER_TOKENIZER_H

#include "base/error.h"
#include "data/text/tokenizer/string_table.h"
#include "weft/dataset.h"

enum {
    WEFT_TOKEN_BYTES = 96,      /* of one token; the rest of a longer one is dropped */
    WEFT_MOST_TOKENS = 1 << 21, /* so that three numbers fit in 63 bits */
    WEFT_MOST_LENGTH = 65536,
    WEFT_PADDING = 0,
    WEFT_UNKNOWN = 1,
    WEFT_FIRST_TOKEN = 2
};

/* segment.c: cuts a text into tokens, one after another. */
typedef struct weft__segmenter {
    const char *text;
    size_t bytes, at;
    weft_token_level granularity;
    bool keep_case, keep_width;
    struct weft__icu *icu; /* word boundaries, with WEFT_LEVEL_ICU */
    char token[WEFT_TOKEN_BYTES];
    size_t token_bytes;
} weft__segmenter;
/* The next token into c->token; false at the end. */
bool weft__segment_next(weft__segmenter *c);

/* icu.c: word boundaries by ICU; without_icu.c where it is missing. */
typedef struct weft__icu weft__icu;
const char *weft__icu_version(void); /* "72.1"; NULL in a build without ICU */
weft_status weft__icu_new(weft__icu **out);
void weft__icu_free(weft__icu *i);
/* Sets it upon a text, which stays where it is until the next call; false: no
 * memory. */
bool weft__icu_begin(weft__icu *i, const char *text, size_t bytes);
/* The end of the segment that begins where the last one ended. */
size_t weft__icu_next(weft__icu *i);

/* ngrams.c: pairs or triples of tokens by number. A key is the numbers of its
 * tokens, 21 bits each, the first one highest. */
typedef struct weft__ngrams { /* begins as {0} */
    uint64_t *key;            /* slots; 0: free */
    int32_t *value;
    size_t slots, count;
} weft__ngrams;
int32_t weft__ngrams_get(const weft__ngrams *g, uint64_t key); /* 0 when not there */
/* The place of its value, 0 when new; NULL: no memory. */
int32_t *weft__ngrams_at(weft__ngrams *g, uint64_t key);
void weft__ngrams_free(weft__ngrams *g);

struct weft_tokenizer {
    weft_token_level granularity;
    bool keep_case, keep_width;
    int streams, length;
    weft__string_table words; /* word i is token i + 2 */
    weft__ngrams ngrams[WEFT_MAX_STREAMS - 1];
    uint64_t *ngram_key[WEFT_MAX_STREAMS - 1]; /* by number - 2 */
    const char **ngram_text[WEFT_MAX_STREAMS - 1];
    int ngram_count[WEFT_MAX_STREAMS - 1];
    weft__arena arena;
};

static inline uint64_t weft__ngram_key(const int32_t *token, int n)
{
    uint64_t key = 0;
    for (int i = 0; i < n; i++) key = key << 21 | (uint32_t)token[i];
    return key;
}

/* A segmenter for texts of this tokenizer. WEFT_ENOMEM. End it with
 * weft__segmenter_end. */
weft_status weft__segmenter_begin(weft__segmenter *c, weft_token_level granularity,
                                  bool keep_case, bool keep_width);
void weft__segmenter_set(weft__segmenter *c, const char *text, size_t bytes);
void weft__segmenter_end(weft__segmenter *c);

/* As weft_tokenize, with a segmenter that is used again. */
int weft__tokenize(const weft_tokenizer *k, weft__segmenter *c, const char *text,
                   size_t bytes, int32_t *const ids[WEFT_MAX_STREAMS], int *unknown);

/* Numbers of a stream of pairs or triples, n of them, from those of stream 0; after the
 * last whole one is padding. */
void weft__tokenize_grams(const weft_tokenizer *k, int stream, const int32_t *token,
                          int n, int32_t *id);
/* The rest of it once the n numbers of stream 0 stand in ids[0]: padding, and the other
 * streams where ids has a place for them. */
void weft__tokenize_rest(const weft_tokenizer *k, int n,
                         int32_t *const ids[WEFT_MAX_STREAMS]);

/* Makes tables of the grams of stream 1 or 2 from gram_key, gram_count, and with
 * texts what weft_tokenizer_token says of them. WEFT_EMODEL when a key is there
 * twice or names no token; WEFT_ENOMEM. */
weft_status weft__tokenizer_index(weft_tokenizer *k, int stream, bool texts);

/* vocab.c: weft_tokenizer_learn; without texts the n-grams of *out have no
 * weft_tokenizer_token. */
weft_status weft__tokenizer_learn(const weft_dataset *d, const weft_tokenizer_opts *opts,
                                  bool texts, weft_tokenizer **out);

/* A name for a tokenizer: another numbers the same texts otherwise. */
void weft__tokenizer_digest(const weft_tokenizer *k, char hex[65]);
const char *weft__level_name(weft_token_level u); /* "word" */

#endif
