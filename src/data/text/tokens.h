/* tokens.h: the texts of a data set as tokens, segmented once for all who want them:
 * vocabulary, loaders, linear model, report. */
#ifndef WEFT_SRC_DATA_TEXT_TOKENS_H
#define WEFT_SRC_DATA_TEXT_TOKENS_H

#include "data/text/text_dataset.h"
#include "data/text/tokenizer/tokenizer.h"

typedef struct weft__tokens {
    weft_token_level level; /* not WEFT_LEVEL_AUTO */
    bool keep_case, keep_width;
    weft__string_table words; /* every token that came up, in the order of arrival */
    /* By subset, NULL until that is segmented: the texts' tokens by their numbers in
     * words, one text after another, each at most WEFT_MOST_LENGTH; and where each text
     * begins, [count + 1]. */
    int32_t *id[3];
    size_t *at[3];
    struct weft__tokens *next; /* another way of segmenting */
} weft__tokens;

/* A subset's tokens, segmented now unless they have been. t->lock is held, and as
 * long as words are looked at; id and at never change. */
weft_status weft__tokens_get(weft__texts *t, weft_token_level level, bool keep_case,
                             bool keep_width, weft_subset s, const weft__tokens **out);
void weft__tokens_free(weft__tokens *k); /* and those after it */
/* WEFT_LEVEL_CHAR when more than a third of the letters in the training texts are
 * Chinese, Japanese or Korean, else WEFT_LEVEL_WORD. */
weft_token_level weft__texts_level(const weft__texts *t);

/* A subset by a tokenizer's numbers. Begun and ended by one thread; several may
 * read. */
typedef struct weft__numbered {
    const weft_tokenizer *k;
    const int32_t *id; /* the data set's */
    const size_t *at;
    int count;
    int32_t *number; /* that k gives to a token */
} weft__numbered;
weft_status weft__numbered_begin(weft__numbered *n, weft__texts *t, weft_subset s,
                                 const weft_tokenizer *k);
void weft__numbered_end(weft__numbered *n); /* takes one that is {0} */
/* The length of text i, as weft_tokenize returns it; and its numbers of stream 0 alone,
 * without what is past the end. */
int weft__numbered_length(const weft__numbered *n, int i);
void weft__numbered_tokens(const weft__numbered *n, int i, int32_t *ids);
/* What weft_tokenize makes of text i. */
int weft__numbered_text(const weft__numbered *n, int i,
                        int32_t *const ids[WEFT_MAX_STREAMS], int *unknown);

/* Of one text: its length, and how many of its tokens k does not know. */
weft_status weft__tokens_count(weft__texts *t, weft_subset s, int i,
                               const weft_tokenizer *k, int *taken, int *unknown);

#endif
