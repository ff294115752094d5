/* segmented.c: all texts of a set cut into tokens, once for all who want them: vocabulary, loader, linear
 * model, report. */
#include "base/checked.h"
#include "base/error.h"
#include "data/texts.h"
#include "data/tokenizer.h"
#include "data/utf8.h"

#include <stdlib.h>

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory to cut the texts into tokens");
}

/* More than a third of the letters are Chinese, Japanese or Korean: characters. */
weft_token_level weft__texts_level(const weft__texts *t)
{
    size_t letters = 0, cjk = 0;
    for (int i = 0; i < weft__texts_count(t, WEFT_SUBSET_TRAIN); i++) {
        size_t n, at = 0;
        const char *text = weft__texts_get(t, WEFT_SUBSET_TRAIN, i, &n);
        while (at < n) {
            uint32_t letter;
            weft__letter_class class;
            at += (size_t)weft__utf8_step(text + at, n - at, &letter);
            if (letter == WEFT_NOT_UTF8 || weft__is_digit(letter)) continue;
            class = weft__letter_class_of(letter);
            letters += class == WEFT_LETTER || class == WEFT_IDEOGRAPH;
            cjk += weft__is_cjk(letter);
        }
    }
    return cjk * 3 > letters ? WEFT_LEVEL_CHAR : WEFT_LEVEL_WORD;
}

/* Room for one more token. */
static bool grow(int32_t **id, size_t *room, size_t used)
{
    if (used < *room) return true;
    size_t more = *room ? *room + *room / 2 : 1 << 14;
    int32_t *p =
        more > weft__max_memory() / sizeof *p ? NULL : realloc(*id, more * sizeof *p);
    if (!p) return false;
    *id = p;
    *room = more;
    return true;
}

static weft_status cut_subset(weft__segmented *s, weft__cutter *cutter, const weft__texts *t,
                              weft_subset subset)
{
    int n = s->count[subset] = weft__texts_count(t, subset);
    size_t used = 0, room = 0;
    s->at[subset] = weft__alloc((size_t)n + 1, sizeof *s->at[subset]);
    if (!s->at[subset]) return no_memory();
    for (int i = 0; i < n; i++) {
        size_t bytes;
        const char *text = weft__texts_get(t, subset, i, &bytes);
        weft__cutter_set(cutter, text, bytes);
        while (weft__cut_next(cutter)) {
            int id = weft__words_add(&s->words, cutter->piece, cutter->piece_bytes);
            if (id < 0 || !grow(&s->id[subset], &room, used)) return no_memory();
            s->id[subset][used++] = id;
        }
        s->at[subset][i + 1] = used;
    }
    return WEFT_OK;
}

static weft_status cut_all(weft__segmented *s, const weft__texts *t)
{
    weft__cutter cutter;
    weft_status status = weft__cutter_begin(&cutter, s->level, s->keep_case, s->keep_width);
    for (int k = 0; k < 3 && !status; k++) status = cut_subset(s, &cutter, t, (weft_subset)k);
    weft__cutter_end(&cutter);
    return status;
}

weft_status weft__texts_segment(weft__texts *t, weft_token_level level, bool keep_case,
                                bool keep_width, const weft__segmented **out)
{
    for (weft__segmented *s = t->segmented; s; s = s->next)
        if (s->level == level && s->keep_case == keep_case && s->keep_width == keep_width) {
            *out = s;
            return WEFT_OK;
        }
    weft__segmented *s = calloc(1, sizeof *s);
    if (!s) return no_memory();
    s->level = level;
    s->keep_case = keep_case;
    s->keep_width = keep_width;
    weft_status status = cut_all(s, t);
    if (status) {
        weft__segmented_free(s);
        return status;
    }
    s->next = t->segmented;
    t->segmented = s;
    t->segmentations++;
    *out = s;
    return WEFT_OK;
}

void weft__segmented_free(weft__segmented *s)
{
    while (s) {
        weft__segmented *next = s->next;
        weft__words_free(&s->words);
        for (int k = 0; k < 3; k++) {
            free(s->id[k]);
            free(s->at[k]);
        }
        free(s);
        s = next;
    }
}

int32_t *weft__segmented_numbers(const weft__segmented *s, const weft_tokenizer *k)
{
    int n = s->words.count;
    int32_t *number = weft__alloc((size_t)n + 1, sizeof *number);
    for (int i = 0; i < n && number; i++) {
        int at = weft__words_find(&k->words, s->words.word[i].text, s->words.word[i].bytes);
        number[i] = at < 0 ? WEFT_UNKNOWN : at + WEFT_FIRST_PIECE;
    }
    return number;
}

int weft__segmented_ids(const weft__segmented *s, const weft_tokenizer *k, const int32_t *number,
                        weft_subset subset, int i, int32_t *const ids[WEFT_MAX_STREAMS],
                        int *unknown)
{
    const size_t *at = s->at[subset] + i;
    size_t all = at[1] - at[0];
    int n = all < (size_t)k->length ? (int)all : k->length, strange = 0;
    for (int p = 0; p < n; p++) {
        ids[0][p] = number[s->id[subset][at[0] + (size_t)p]];
        strange += ids[0][p] == WEFT_UNKNOWN;
    }
    if (unknown) *unknown = strange + !n;
    return weft__tokenize_numbers(k, n, ids);
}
