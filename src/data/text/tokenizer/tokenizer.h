/* tokenizer.h: texts as numbers from the inside. */
#ifndef WEFT_SRC_DATA_TEXT_TOKENIZER_TOKENIZER_H
#define WEFT_SRC_DATA_TEXT_TOKENIZER_TOKENIZER_H

#include "base/error.h"
#include "data/text/tokenizer/string_table.h"
#include "weft/dataset.h"

enum {
    WEFT_PIECE_BYTES = 96,      /* of one piece; the rest of a longer one is dropped */
    WEFT_MOST_PIECES = 1 << 21, /* so that three numbers fit in 63 bits */
    WEFT_MOST_LENGTH = 65536,
    WEFT_PADDING = 0,
    WEFT_UNKNOWN = 1,
    WEFT_FIRST_PIECE = 2
};

/* segment.c: cuts a text into pieces, one after another. */
typedef struct weft__cutter {
    const char *text;
    size_t bytes, at;
    weft_token_level unit;
    bool keep_case, keep_width;
    struct weft__icu *icu; /* word boundaries, with WEFT_LEVEL_ICU */
    char piece[WEFT_PIECE_BYTES];
    size_t piece_bytes;
} weft__cutter;
/* The next piece into c->piece; false at the end. */
bool weft__cut_next(weft__cutter *c);

/* icu.c: word boundaries by ICU; without_icu.c where it is missing. */
typedef struct weft__icu weft__icu;
const char *weft__icu_version(void); /* "72.1"; NULL in a build without ICU */
weft_status weft__icu_new(weft__icu **out);
void weft__icu_free(weft__icu *i);
/* Sets it upon a text, which stays where it is until the next call; false: no memory. */
bool weft__icu_begin(weft__icu *i, const char *text, size_t bytes);
/* The end of the segment that begins where the last one ended. */
size_t weft__icu_next(weft__icu *i);

/* ngrams.c: pairs or triples of pieces by number. A key is the numbers of its pieces, 21
 * bits each, the first one highest. */
typedef struct weft__grams { /* begins as {0} */
    uint64_t *key;           /* slots; 0: free */
    int32_t *value;
    size_t slots, count;
} weft__grams;
int32_t weft__grams_get(const weft__grams *g, uint64_t key); /* 0 when not there */
/* The place of its value, 0 when new; NULL: no memory. */
int32_t *weft__grams_at(weft__grams *g, uint64_t key);
void weft__grams_free(weft__grams *g);

struct weft_tokenizer {
    weft_token_level unit;
    bool keep_case, keep_width;
    int streams, length;
    weft__words words; /* word i is piece i + 2 */
    weft__grams grams[WEFT_MAX_STREAMS - 1];
    uint64_t *gram_key[WEFT_MAX_STREAMS - 1]; /* by number - 2 */
    const char **gram_text[WEFT_MAX_STREAMS - 1];
    int gram_count[WEFT_MAX_STREAMS - 1];
    weft__arena arena;
};

static inline uint64_t weft__gram_key(const int32_t *piece, int n)
{
    uint64_t key = 0;
    for (int i = 0; i < n; i++) key = key << 21 | (uint32_t)piece[i];
    return key;
}

/* A cutter for texts of this tokenizer. WEFT_ENOMEM. End it with weft__cutter_end. */
weft_status weft__cutter_begin(weft__cutter *c, weft_token_level unit, bool keep_case,
                               bool keep_width);
void weft__cutter_set(weft__cutter *c, const char *text, size_t bytes);
void weft__cutter_end(weft__cutter *c);

/* As weft_tokenize, with a cutter that is used again. */
int weft__tokenize(const weft_tokenizer *k, weft__cutter *c, const char *text,
                   size_t bytes, int32_t *const ids[WEFT_MAX_STREAMS], int *unknown);

/* Numbers of a stream of pairs or triples, n of them, from those of stream 0; after the
 * last whole one is padding. */
void weft__tokenize_grams(const weft_tokenizer *k, int stream, const int32_t *piece, int n,
                          int32_t *id);
/* The rest of it once the n numbers of stream 0 stand in ids[0]: padding, and the other
 * streams where ids has a place for them. */
void weft__tokenize_rest(const weft_tokenizer *k, int n, int32_t *const ids[WEFT_MAX_STREAMS]);

/* Makes tables of the grams of stream 1 or 2 from gram_key, gram_count, and with texts
 * what weft_tokenizer_token says of them. WEFT_EMODEL when a key is there twice or names
 * no piece; WEFT_ENOMEM. */
weft_status weft__tokenizer_index(weft_tokenizer *k, int stream, bool texts);

/* vocab.c: weft_tokenizer_learn; without texts the n-grams of *out have no
 * weft_tokenizer_token. */
weft_status weft__tokenizer_learn(const weft_dataset *d, const weft_tokenizer_opts *opts,
                                  bool texts, weft_tokenizer **out);

/* A name for a tokenizer: another numbers the same texts otherwise. */
void weft__tokenizer_digest(const weft_tokenizer *k, char hex[65]);
const char *weft__level_name(weft_token_level u); /* "word" */

#endif
