/* tokens.c: the texts of a data set as tokens, segmented once for all who want them. */
#include "data/text/tokens.h"

#include "base/checked.h"
#include "data/text/tokenizer/utf8.h"

#include <stdlib.h>
#include <string.h>

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory to cut the texts into tokens");
}

weft_token_level weft__texts_level(const weft__texts *t)
{
    size_t letters = 0, cjk = 0;
    for (int i = 0; i < t->count[WEFT_SUBSET_TRAIN]; i++) {
        const weft__text_item *item = &t->item[WEFT_SUBSET_TRAIN][i];
        for (size_t at = 0; at < item->bytes;) {
            uint32_t letter;
            at += (size_t)weft__utf8_step(item->text + at, item->bytes - at, &letter);
            if (letter == WEFT_NOT_UTF8 || weft__is_digit(letter)) continue;
            weft__letter_class class = weft__letter_class_of(letter);
            letters += class == WEFT_LETTER || class == WEFT_IDEOGRAPH;
            cjk += weft__is_cjk(letter);
        }
    }
    return cjk * 3 > letters ? WEFT_LEVEL_CHAR : WEFT_LEVEL_WORD;
}

/* ---- segmenting ---- */

/* Tokens by number, one text after another. */
typedef struct ids {
    int32_t *id;
    size_t used, room;
} ids;

static bool resize(ids *to, size_t room)
{
    int32_t *p =
        room > weft__max_memory() / sizeof *p ? NULL : realloc(to->id, room * sizeof *p);
    if (!p) return false;
    to->id = p;
    to->room = room;
    return true;
}

static bool segment(weft__tokens *k, weft__segmenter *segmenter,
                    const weft__text_item *item, ids *to)
{
    size_t most = to->used + WEFT_MOST_LENGTH;
    weft__segmenter_set(segmenter, item->text, item->bytes);
    while (to->used < most && weft__segment_next(segmenter)) {
        int id =
            weft__string_table_add(&k->words, segmenter->token, segmenter->token_bytes);
        if (id < 0 || (to->used == to->room &&
                       !resize(to, to->room ? to->room + to->room / 2 : 1 << 14)))
            return false;
        to->id[to->used++] = id;
    }
    return true;
}

static weft_status segment_subset(weft__tokens *k, weft__texts *t, weft_subset s)
{
    int n = t->count[s];
    size_t *at = weft__alloc((size_t)n + 1, sizeof *at);
    ids to = {0};
    weft__segmenter segmenter;
    if (!at) return no_memory();
    weft_status status =
        weft__segmenter_begin(&segmenter, k->level, k->keep_case, k->keep_width);
    for (int i = 0; i < n && !status; i++) {
        if (!segment(k, &segmenter, &t->item[s][i], &to)) status = no_memory();
        at[i + 1] = to.used;
    }
    weft__segmenter_end(&segmenter);
    if (status) {
        free(at);
        free(to.id);
        return status;
    }
    resize(&to, to.used + 1); /* gives back what is not needed */
    k->id[s] = to.id;
    k->at[s] = at;
    t->segmented += n;
    return WEFT_OK;
}

static weft__tokens *find(weft__texts *t, weft_token_level level, bool keep_case,
                          bool keep_width)
{
    weft__tokens *k = t->tokens;
    while (k && (k->level != level || k->keep_case != keep_case ||
                 k->keep_width != keep_width))
        k = k->next;
    if (k || !(k = calloc(1, sizeof *k))) return k;
    k->level = level;
    k->keep_case = keep_case;
    k->keep_width = keep_width;
    k->next = t->tokens;
    t->tokens = k;
    return k;
}

weft_status weft__tokens_get(weft__texts *t, weft_token_level level, bool keep_case,
                             bool keep_width, weft_subset s, const weft__tokens **out)
{
    weft__tokens *k = find(t, level, keep_case, keep_width);
    weft_status status = k ? WEFT_OK : no_memory();
    if (!status && !k->at[s]) status = segment_subset(k, t, s);
    if (!status) *out = k;
    return status;
}

void weft__tokens_free(weft__tokens *k)
{
    while (k) {
        weft__tokens *next = k->next;
        weft__string_table_free(&k->words);
        for (int s = 0; s < 3; s++) {
            free(k->id[s]);
            free(k->at[s]);
        }
        free(k);
        k = next;
    }
}

/* ---- by a tokenizer's numbers ---- */

weft_status weft__numbered_begin(weft__numbered *n, weft__texts *t, weft_subset s,
                                 const weft_tokenizer *k)
{
    const weft__tokens *own = NULL;
    *n = (weft__numbered){.k = k, .count = t->count[s]};
    pthread_mutex_lock(&t->lock);
    weft_status status =
        weft__tokens_get(t, k->granularity, k->keep_case, k->keep_width, s, &own);
    if (!status) {
        n->id = own->id[s];
        n->at = own->at[s];
        n->number = weft__alloc((size_t)own->words.count + 1, sizeof *n->number);
        if (!n->number) status = no_memory();
    }
    for (int i = 0; !status && i < own->words.count; i++) {
        const weft__string *w = &own->words.word[i];
        int at = weft__string_table_find(&k->words, w->text, w->bytes);
        n->number[i] = at < 0 ? WEFT_UNKNOWN : at + WEFT_FIRST_TOKEN;
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

void weft__numbered_end(weft__numbered *n)
{
    free(n->number);
    *n = (weft__numbered){0};
}

/* Tokens of text i that are used; an empty text has none. */
static int used(const weft__numbered *n, int i)
{
    size_t all = n->at[i + 1] - n->at[i];
    return all < (size_t)n->k->length ? (int)all : n->k->length;
}

int weft__numbered_length(const weft__numbered *n, int i)
{
    int tokens = used(n, i);
    return tokens ? tokens : 1;
}

void weft__numbered_tokens(const weft__numbered *n, int i, int32_t *to)
{
    const int32_t *id = n->id + n->at[i];
    int tokens = used(n, i);
    if (!tokens) to[0] = WEFT_UNKNOWN; /* as weft_tokenize has it */
    for (int p = 0; p < tokens; p++) to[p] = n->number[id[p]];
}

int weft__numbered_text(const weft__numbered *n, int i,
                        int32_t *const to[WEFT_MAX_STREAMS], int *unknown)
{
    int length = weft__numbered_length(n, i), strange = 0;
    weft__numbered_tokens(n, i, to[0]);
    for (int p = 0; p < length; p++) strange += to[0][p] == WEFT_UNKNOWN;
    if (unknown) *unknown = strange;
    weft__tokenize_rest(n->k, length, to);
    return length;
}

weft_status weft__tokens_count(weft__texts *t, weft_subset s, int i,
                               const weft_tokenizer *k, int *taken, int *unknown)
{
    const weft__tokens *own = NULL;
    pthread_mutex_lock(&t->lock);
    weft_status status =
        weft__tokens_get(t, k->granularity, k->keep_case, k->keep_width, s, &own);
    if (!status) {
        const weft__numbered n = {.k = k, .at = own->at[s]};
        *taken = weft__numbered_length(&n, i);
        *unknown = !used(&n, i);
        for (int p = 0; p < used(&n, i); p++) {
            const weft__string *w =
                &own->words.word[own->id[s][own->at[s][i] + (size_t)p]];
            *unknown += weft__string_table_find(&k->words, w->text, w->bytes) < 0;
        }
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}
