/* vocab.c: a tokenizer from the training texts: unit, vocabularies, length. */
#include "base/checked.h"
#include "data/modality.h"
#include "data/text/tokens.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOKENS = 50000, DEFAULT_NGRAMS = 200000, DEFAULT_LENGTH = 512 };

/* The training texts as tokens, of which the first `length` of each are used. */
typedef struct cuttings {
    const weft__tokens *tokens;
    const int32_t *id;
    const size_t *at;
    int texts, length;
    int32_t *number; /* of each token in the vocabulary, once that is chosen */
} cuttings;

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory to learn a vocabulary");
}

static weft_status check_opts(const weft_tokenizer_opts *o)
{
    if ((int)o->level < WEFT_LEVEL_AUTO || o->level > WEFT_LEVEL_ICU)
        return weft__fail(WEFT_EUSAGE, "there is no level %d of tokens", (int)o->level);
    if (o->ngrams < 0 || o->ngrams > WEFT_MAX_STREAMS)
        return weft__fail(WEFT_EUSAGE, "n-grams of %d pieces: 1 to %d", o->ngrams,
                          WEFT_MAX_STREAMS);
    if (o->min_count < 0)
        return weft__fail(WEFT_EUSAGE, "a minimum count of %d", o->min_count);
    if (o->max_length < 0 || o->max_length > WEFT_MOST_LENGTH)
        return weft__fail(WEFT_EUSAGE, "a length of %d: 1 to %d, or 0", o->max_length,
                          WEFT_MOST_LENGTH);
    for (int s = 0; s < WEFT_MAX_STREAMS; s++)
        if (o->max_size[s] && (o->max_size[s] < 3 || o->max_size[s] > WEFT_MOST_TOKENS))
            return weft__fail(WEFT_EUSAGE, "a vocabulary of %d: 3 to %d, or 0",
                              o->max_size[s], WEFT_MOST_TOKENS);
    return WEFT_OK;
}

static int by_size(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The 99th percentile of the lengths, 1 to DEFAULT_LENGTH. */
static weft_status usual_length(const cuttings *c, int *out)
{
    size_t n = (size_t)c->texts;
    int *sorted = weft__alloc(n + 1, sizeof *sorted), length = 1;
    if (!sorted) return no_memory();
    for (size_t i = 0; i < n; i++) sorted[i] = (int)(c->at[i + 1] - c->at[i]);
    if (n) {
        qsort(sorted, n, sizeof *sorted, by_size);
        length = sorted[(n * 99 + 99) / 100 - 1];
    }
    free(sorted);
    *out = length < 1 ? 1 : length > DEFAULT_LENGTH ? DEFAULT_LENGTH : length;
    return WEFT_OK;
}

/* The tokens of text i that are used. */
static const int32_t *text_at(const cuttings *c, int i, int *n)
{
    size_t all = c->at[i + 1] - c->at[i];
    *n = all < (size_t)c->length ? (int)all : c->length;
    return c->id + c->at[i];
}

typedef struct entry {
    uint64_t rank, key; /* rank orders bytewise */
    const weft__string *word;
    int32_t count;
} entry;

static int by_count(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    if (x->word) return strcmp(x->word->text, y->word->text);
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static int most_of(const weft_tokenizer_opts *o, int stream)
{
    int most = o->max_size[stream];
    if (!most) most = stream ? DEFAULT_NGRAMS : DEFAULT_TOKENS;
    return most - WEFT_FIRST_TOKEN;
}

static void count_tokens(const cuttings *c, entry *e)
{
    for (int i = 0; i < c->texts; i++) {
        int n;
        const int32_t *id = text_at(c, i, &n);
        for (int p = 0; p < n; p++)
            if (e[id[p]].count < INT32_MAX) e[id[p]].count++;
    }
}

/* The vocabulary of single tokens. */
static weft_status choose_tokens(cuttings *c, const weft_tokenizer_opts *o,
                                 weft_tokenizer *k)
{
    size_t all = (size_t)c->tokens->words.count;
    entry *e = weft__alloc(all + 1, sizeof *e);
    int least = o->min_count ? o->min_count : 1;
    c->number = weft__alloc(all + 1, sizeof *c->number);
    weft_status s = e && c->number ? WEFT_OK : no_memory();
    if (!s) {
        for (size_t i = 0; i < all; i++)
            e[i] = (entry){.key = i, .word = &c->tokens->words.word[i]};
        count_tokens(c, e);
        if (all) qsort(e, all, sizeof *e, by_count);
    }
    for (size_t i = 0; !s && i < all; i++) {
        bool known = e[i].count >= least && (int)i < most_of(o, 0);
        c->number[e[i].key] = known ? (int32_t)i + WEFT_FIRST_TOKEN : WEFT_UNKNOWN;
        if (known &&
            weft__string_table_add(&k->words, e[i].word->text, e[i].word->bytes) < 0)
            s = no_memory();
    }
    free(e);
    return s;
}

/* The key of the gram at id; 0 when a token of it is unknown. */
static uint64_t key_at(const cuttings *c, const int32_t *id, int parts)
{
    int32_t token[WEFT_MAX_STREAMS];
    for (int j = 0; j < parts; j++) {
        token[j] = c->number[id[j]];
        if (token[j] == WEFT_UNKNOWN) return 0;
    }
    return weft__ngram_key(token, parts);
}

static weft_status count_ngrams(const cuttings *c, int parts, weft__ngrams *g)
{
    for (int i = 0; i < c->texts; i++) {
        int n;
        const int32_t *id = text_at(c, i, &n);
        for (int p = 0; p + parts <= n; p++) {
            uint64_t key = key_at(c, id + p, parts);
            int32_t *count = key ? weft__ngrams_at(g, key) : NULL;
            if (key && !count) return no_memory();
            if (count && *count < INT32_MAX) ++*count;
        }
    }
    return WEFT_OK;
}

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return strcmp(x->word->text, y->word->text);
}

/* The place of each token in bytewise order. */
static weft_status bytewise(const weft_tokenizer *k, int32_t **out)
{
    size_t n = (size_t)k->words.count;
    entry *e = weft__alloc(n + 1, sizeof *e);
    int32_t *rank = weft__alloc(n + WEFT_FIRST_TOKEN + 1, sizeof *rank);
    if (!e || !rank) {
        free(e);
        free(rank);
        return no_memory();
    }
    for (size_t i = 0; i < n; i++) e[i] = (entry){.key = i, .word = &k->words.word[i]};
    if (n) qsort(e, n, sizeof *e, by_text);
    for (size_t i = 0; i < n; i++) rank[e[i].key + WEFT_FIRST_TOKEN] = (int32_t)i;
    free(e);
    *out = rank;
    return WEFT_OK;
}

/* The same key with ranks in the place of numbers. */
static uint64_t ranked(uint64_t key, int parts, const int32_t *rank)
{
    uint64_t out = 0;
    for (int i = parts - 1; i >= 0; i--)
        out = out << 21 | (uint32_t)rank[key >> (21 * i) & 0x1fffff];
    return out;
}

/* The commonest of the counted grams, in order, into k. */
static weft_status pick_ngrams(const weft__ngrams *g, int stream,
                               const weft_tokenizer_opts *o, const int32_t *rank,
                               weft_tokenizer *k)
{
    size_t n = 0, count;
    int32_t least = o->min_count ? o->min_count : 2;
    entry *e;
    for (size_t i = 0; i < g->slots; i++) n += g->key[i] && g->value[i] >= least;
    e = weft__alloc(n + 1, sizeof *e);
    if (!e) return no_memory();
    n = 0;
    for (size_t i = 0; i < g->slots; i++)
        if (g->key[i] && g->value[i] >= least)
            e[n++] = (entry){.key = g->key[i],
                             .rank = ranked(g->key[i], stream + 1, rank),
                             .count = g->value[i]};
    if (n) qsort(e, n, sizeof *e, by_count);
    count = n < (size_t)most_of(o, stream) ? n : (size_t)most_of(o, stream);
    k->ngram_key[stream - 1] = weft__alloc(count + 1, sizeof(uint64_t));
    if (k->ngram_key[stream - 1]) {
        for (size_t i = 0; i < count; i++) k->ngram_key[stream - 1][i] = e[i].key;
        k->ngram_count[stream - 1] = (int)count;
    }
    free(e);
    return k->ngram_key[stream - 1] ? WEFT_OK : no_memory();
}

static weft_status choose_ngrams(const cuttings *c, const weft_tokenizer_opts *o,
                                 bool texts, weft_tokenizer *k)
{
    int32_t *rank = NULL;
    weft_status s = k->streams > 1 ? bytewise(k, &rank) : WEFT_OK;
    for (int stream = 1; !s && stream < k->streams; stream++) {
        weft__ngrams g = {0};
        s = count_ngrams(c, stream + 1, &g);
        if (!s) s = pick_ngrams(&g, stream, o, rank, k);
        weft__ngrams_free(&g);
        if (!s) s = weft__tokenizer_index(k, stream, texts);
    }
    free(rank);
    return s;
}

/* t->lock is held: others may segment further subsets. */
static weft_status learn(weft__texts *t, const weft_tokenizer_opts *o, bool texts,
                         weft_tokenizer *k)
{
    cuttings c = {.texts = t->count[WEFT_SUBSET_TRAIN]};
    weft_status s = weft__tokens_get(t, k->granularity, k->keep_case, k->keep_width,
                                     WEFT_SUBSET_TRAIN, &c.tokens);
    if (s) return s;
    c.id = c.tokens->id[WEFT_SUBSET_TRAIN];
    c.at = c.tokens->at[WEFT_SUBSET_TRAIN];
    k->length = o->max_length;
    if (!k->length) s = usual_length(&c, &k->length);
    c.length = k->length;
    if (!s) s = choose_tokens(&c, o, k);
    if (!s) s = choose_ngrams(&c, o, texts, k);
    free(c.number);
    return s;
}

weft_status weft__tokenizer_learn(const weft_dataset *d, const weft_tokenizer_opts *opts,
                                  bool texts, weft_tokenizer **out)
{
    weft_tokenizer_opts o = opts ? *opts : (weft_tokenizer_opts){0};
    weft__texts *t = d->content;
    weft_status s = check_opts(&o);
    if (s) return s;
    weft_tokenizer *k = calloc(1, sizeof *k);
    if (!k) return no_memory();
    k->granularity = o.level ? o.level : weft__texts_level(t);
    k->keep_case = o.keep_case;
    k->keep_width = o.keep_width;
    k->streams = o.ngrams ? o.ngrams : 1;
    pthread_mutex_lock(&t->lock);
    s = learn(t, &o, texts, k);
    pthread_mutex_unlock(&t->lock);
    if (s)
        weft_tokenizer_free(k);
    else
        *out = k;
    return s;
}
