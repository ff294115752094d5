/* learn.c: a tokenizer from the training texts: unit, vocabularies, length. */
#include "base/checked.h"
#include "base/error.h"
#include "data/tokenizer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PIECES = 50000, DEFAULT_GRAMS = 200000, DEFAULT_LENGTH = 512 };

/* The training texts, as numbers of a segmented set's tokens, then of the vocabulary's. */
typedef struct cuttings {
    const weft__segmented *seg;
    int32_t *id; /* the texts' tokens, one text after another */
    size_t used;
    int *length; /* of each text */
    int texts;
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
        if (o->max_size[s] && (o->max_size[s] < 3 || o->max_size[s] > WEFT_MOST_PIECES))
            return weft__fail(WEFT_EUSAGE, "a vocabulary of %d: 3 to %d, or 0",
                              o->max_size[s], WEFT_MOST_PIECES);
    return WEFT_OK;
}

static weft_status take_training(cuttings *c)
{
    const weft__segmented *seg = c->seg;
    int n = seg->count[WEFT_SUBSET_TRAIN];
    const size_t *at = seg->at[WEFT_SUBSET_TRAIN];
    c->length = weft__alloc((size_t)n + 1, sizeof *c->length);
    c->id = weft__alloc(at[n] + 1, sizeof *c->id);
    if (!c->length || !c->id) return no_memory();
    c->texts = n;
    c->used = at[n];
    memcpy(c->id, seg->id[WEFT_SUBSET_TRAIN], at[n] * sizeof *c->id);
    for (int i = 0; i < n; i++) {
        if (at[i + 1] - at[i] > INT_MAX) return no_memory();
        c->length[i] = (int)(at[i + 1] - at[i]);
    }
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
    memcpy(sorted, c->length, n * sizeof *sorted);
    if (n) {
        qsort(sorted, n, sizeof *sorted, by_size);
        length = sorted[(n * 99 + 99) / 100 - 1];
    }
    free(sorted);
    *out = length < 1 ? 1 : length > DEFAULT_LENGTH ? DEFAULT_LENGTH : length;
    return WEFT_OK;
}

/* Only the beginnings of the texts that will be used. */
static void shorten(cuttings *c, int length)
{
    size_t from = 0, to = 0;
    for (int i = 0; i < c->texts; i++) {
        int n = c->length[i] < length ? c->length[i] : length;
        memmove(c->id + to, c->id + from, (size_t)n * sizeof *c->id);
        from += (size_t)c->length[i];
        to += (size_t)n;
        c->length[i] = n;
    }
    c->used = to;
}

typedef struct entry {
    uint64_t rank, key; /* rank orders bytewise */
    const weft__word *word;
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
    if (!most) most = stream ? DEFAULT_GRAMS : DEFAULT_PIECES;
    return most - WEFT_FIRST_PIECE;
}

/* The vocabulary of single pieces, and the new numbers into all texts. */
static weft_status choose_pieces(cuttings *c, const weft_tokenizer_opts *o,
                                 weft_tokenizer *k)
{
    size_t all = (size_t)c->seg->words.count;
    entry *e = weft__alloc(all + 1, sizeof *e);
    int32_t *number = weft__alloc(all + 1, sizeof *number);
    int least = o->min_count ? o->min_count : 1;
    weft_status s = e && number ? WEFT_OK : no_memory();
    if (!s) {
        for (size_t i = 0; i < all; i++)
            e[i] = (entry){.key = i, .word = &c->seg->words.word[i]};
        for (size_t i = 0; i < c->used; i++)
            if (e[c->id[i]].count < INT32_MAX) e[c->id[i]].count++;
        if (all) qsort(e, all, sizeof *e, by_count);
    }
    for (size_t i = 0; !s && i < all; i++) {
        bool kept = e[i].count >= least && (int)i < most_of(o, 0);
        number[e[i].key] = kept ? (int32_t)i + WEFT_FIRST_PIECE : WEFT_UNKNOWN;
        if (kept && weft__words_add(&k->words, e[i].word->text, e[i].word->bytes) < 0)
            s = no_memory();
    }
    for (size_t i = 0; !s && i < c->used; i++) c->id[i] = number[c->id[i]];
    free(e);
    free(number);
    return s;
}

static weft_status count_grams(const cuttings *c, int parts, weft__grams *g)
{
    const int32_t *id = c->id;
    for (int i = 0; i < c->texts; id += c->length[i++])
        for (int p = 0; p + parts <= c->length[i]; p++) {
            bool known = true;
            int32_t *count;
            for (int j = 0; j < parts; j++) known &= id[p + j] != WEFT_UNKNOWN;
            if (!known) continue;
            count = weft__grams_at(g, weft__gram_key(id + p, parts));
            if (!count) return no_memory();
            if (*count < INT32_MAX) ++*count;
        }
    return WEFT_OK;
}

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return strcmp(x->word->text, y->word->text);
}

/* The place of each piece in bytewise order. */
static weft_status bytewise(const weft_tokenizer *k, int32_t **out)
{
    size_t n = (size_t)k->words.count;
    entry *e = weft__alloc(n + 1, sizeof *e);
    int32_t *rank = weft__alloc(n + WEFT_FIRST_PIECE + 1, sizeof *rank);
    if (!e || !rank) {
        free(e);
        free(rank);
        return no_memory();
    }
    for (size_t i = 0; i < n; i++) e[i] = (entry){.key = i, .word = &k->words.word[i]};
    if (n) qsort(e, n, sizeof *e, by_text);
    for (size_t i = 0; i < n; i++) rank[e[i].key + WEFT_FIRST_PIECE] = (int32_t)i;
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
static weft_status pick_grams(const weft__grams *g, int stream,
                              const weft_tokenizer_opts *o, const int32_t *rank,
                              weft_tokenizer *k)
{
    size_t n = 0, kept;
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
    kept = n < (size_t)most_of(o, stream) ? n : (size_t)most_of(o, stream);
    k->gram_key[stream - 1] = weft__alloc(kept + 1, sizeof(uint64_t));
    if (k->gram_key[stream - 1]) {
        for (size_t i = 0; i < kept; i++) k->gram_key[stream - 1][i] = e[i].key;
        k->gram_count[stream - 1] = (int)kept;
    }
    free(e);
    return k->gram_key[stream - 1] ? WEFT_OK : no_memory();
}

static weft_status choose_grams(const cuttings *c, const weft_tokenizer_opts *o,
                                weft_tokenizer *k)
{
    int32_t *rank = NULL;
    weft_status s = k->streams > 1 ? bytewise(k, &rank) : WEFT_OK;
    for (int stream = 1; !s && stream < k->streams; stream++) {
        weft__grams g = {0};
        s = count_grams(c, stream + 1, &g);
        if (!s) s = pick_grams(&g, stream, o, rank, k);
        weft__grams_free(&g);
        if (!s) s = weft__tokenizer_index(k, stream);
    }
    free(rank);
    return s;
}

weft_status weft__tokenizer_learn(weft__texts *t, const weft_tokenizer_opts *opts,
                                  weft_tokenizer **out)
{
    weft_tokenizer_opts o = opts ? *opts : (weft_tokenizer_opts){0};
    cuttings c = {0};
    weft_tokenizer *k;
    weft_status s = check_opts(&o);
    if (s) return s;
    k = calloc(1, sizeof *k);
    if (!k) return no_memory();
    k->unit = o.level ? o.level : weft__texts_level(t);
    k->keep_case = o.keep_case;
    k->keep_width = o.keep_width;
    k->streams = o.ngrams ? o.ngrams : 1;
    s = weft__texts_segment(t, k->unit, k->keep_case, k->keep_width, &c.seg);
    if (!s) s = take_training(&c);
    k->length = o.max_length;
    if (!s && !k->length) s = usual_length(&c, &k->length);
    if (!s) {
        shorten(&c, k->length);
        s = choose_pieces(&c, &o, k);
    }
    if (!s) s = choose_grams(&c, &o, k);
    free(c.id);
    free(c.length);
    if (s)
        weft_tokenizer_free(k);
    else
        *out = k;
    return s;
}
