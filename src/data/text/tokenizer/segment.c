/* segment.c: cuts a text into words or letters, folded.
 *
 * Words: letters, marks and digits that stand together, with apostrophes between
 * letters and points or commas between digits; 's, 'd, 'm, 're, 've, 'll at the end
 * of a word are words of their own. Han and Kana stand alone, letter by letter. Of
 * everything else a run of equal letters is a word (at most three are kept). "<br>"
 * is a blank. */
#include "base/error.h"
#include "data/text/tokenizer/tokenizer.h"
#include "data/text/tokenizer/utf8.h"

#include <string.h>

enum { APOSTROPHE = 0x2019, RUN = 3 };

/* The letter at the segmenter's place, folded; *bytes that it takes. */
static uint32_t look(const weft__segmenter *c, size_t at, int *bytes)
{
    uint32_t letter = (unsigned char)c->text[at];
    if (letter && letter < 0x80) { /* most letters, in a hurry */
        *bytes = 1;
        return !c->keep_case && letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
    }
    *bytes = weft__utf8_step(c->text + at, c->bytes - at, &letter);
    if (letter == WEFT_NOT_UTF8) return WEFT_REPLACEMENT;
    if (!c->keep_width) letter = weft__fold_width(letter);
    if (!c->keep_case) letter = weft__fold_case(letter);
    return letter == APOSTROPHE ? '\'' : letter;
}

static void put(weft__segmenter *c, uint32_t letter)
{
    char bytes[4];
    int n = weft__utf8_put(bytes, letter);
    if (c->token_bytes + (size_t)n > sizeof c->token) return;
    memcpy(c->token + c->token_bytes, bytes, (size_t)n);
    c->token_bytes += (size_t)n;
}

static weft__letter_class class_at(const weft__segmenter *c, size_t at)
{
    int bytes;
    if (at >= c->bytes) return WEFT_SPACE;
    return weft__letter_class_of(look(c, at, &bytes));
}

/* Bytes of an ending like "re" (after the apostrophe) at `at`; 0 when there is none. */
static size_t ending_at(const weft__segmenter *c, size_t at)
{
    static const char *const endings[] = {"s", "d", "m", "re", "ve", "ll",
                                          "S", "D", "M", "RE", "VE", "LL"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (n <= c->bytes - at && !memcmp(c->text + at, endings[i], n) &&
            class_at(c, at + n) != WEFT_LETTER)
            return n;
    }
    return 0;
}

/* Bytes of "<br>", "<br/>" or "<br />" at `at`; 0 when there is none. */
static size_t break_at(const weft__segmenter *c, size_t at)
{
    const char *p = c->text + at, *end = c->text + c->bytes;
    if (end - p < 4 || *p != '<' || (p[1] | 32) != 'b' || (p[2] | 32) != 'r') return 0;
    p += 3;
    while (p < end && *p == ' ') p++;
    if (p < end && *p == '/') p++;
    return p < end && *p == '>' ? (size_t)(p - c->text) - at + 1 : 0;
}

/* Goes on to what is neither blank nor ignored; false at the end. */
static bool skip(weft__segmenter *c)
{
    while (c->at < c->bytes) {
        int bytes;
        weft__letter_class class = weft__letter_class_of(look(c, c->at, &bytes));
        size_t br = c->text[c->at] == '<' ? break_at(c, c->at) : 0;
        if (!br && class != WEFT_SPACE && class != WEFT_IGNORABLE) return true;
        c->at += br ? br : (size_t)bytes;
    }
    return false;
}

/* What may stand between two letters or two digits of a word. */
static bool joins(const weft__segmenter *c, uint32_t before, uint32_t letter, size_t next)
{
    int bytes;
    if (next >= c->bytes) return false;
    if (letter == '\'') return class_at(c, next) == WEFT_LETTER && !ending_at(c, next);
    return (letter == '.' || letter == ',') && weft__is_digit(before) &&
           weft__is_digit(look(c, next, &bytes));
}

/* The rest of a word after its first letter. */
static void word(weft__segmenter *c, uint32_t before)
{
    while (c->at < c->bytes) {
        int bytes;
        uint32_t letter = look(c, c->at, &bytes);
        weft__letter_class class = weft__letter_class_of(letter);
        if (class == WEFT_LETTER ||
            (class == WEFT_MARK && joins(c, before, letter, c->at + (size_t)bytes)))
            put(c, letter);
        else if (class != WEFT_IGNORABLE)
            break;
        c->at += (size_t)bytes;
        before = letter;
    }
}

/* Equal marks that follow one another. */
static void run(weft__segmenter *c, uint32_t mark)
{
    for (int n = 1; c->at < c->bytes; n++) {
        int bytes;
        if (look(c, c->at, &bytes) != mark) break;
        if (n < RUN) put(c, mark);
        c->at += (size_t)bytes;
    }
}

static void mark(weft__segmenter *c, uint32_t letter)
{
    size_t ending = letter == '\'' ? ending_at(c, c->at) : 0;
    for (size_t i = 0; i < ending; i++) {
        int bytes;
        put(c, look(c, c->at, &bytes));
        c->at++;
    }
    if (!ending) run(c, letter);
}

/* One segment of ICU's that is not blank. */
static bool segment(weft__segmenter *c)
{
    while (c->at < c->bytes) {
        size_t end = weft__icu_next(c->icu);
        if (end <= c->at || end > c->bytes) end = c->bytes;
        while (c->at < end) {
            int bytes;
            uint32_t letter = look(c, c->at, &bytes);
            weft__letter_class class = weft__letter_class_of(letter);
            if (class != WEFT_SPACE && class != WEFT_IGNORABLE) put(c, letter);
            c->at += (size_t)bytes;
        }
        if (c->token_bytes) return true;
    }
    return false;
}

bool weft__segment_next(weft__segmenter *c)
{
    int bytes;
    uint32_t letter;
    weft__letter_class class;
    c->token_bytes = 0;
    if (c->icu) return segment(c);
    if (!skip(c)) return false;
    letter = look(c, c->at, &bytes);
    class = weft__letter_class_of(letter);
    c->at += (size_t)bytes;
    put(c, letter);
    if (c->granularity == WEFT_LEVEL_CHAR) return true;
    if (class == WEFT_LETTER) word(c, letter);
    if (class == WEFT_MARK) mark(c, letter);
    return true;
}

weft_status weft__segmenter_begin(weft__segmenter *c, weft_token_level granularity,
                                  bool keep_case, bool keep_width)
{
    *c = (weft__segmenter){
        .granularity = granularity, .keep_case = keep_case, .keep_width = keep_width};
    return granularity == WEFT_LEVEL_ICU ? weft__icu_new(&c->icu) : WEFT_OK;
}

void weft__segmenter_set(weft__segmenter *c, const char *text, size_t bytes)
{
    c->text = text;
    c->bytes = bytes;
    c->at = 0;
    if (c->icu && !weft__icu_begin(c->icu, text, bytes)) c->bytes = 0;
}

void weft__segmenter_end(weft__segmenter *c)
{
    weft__icu_free(c->icu);
    c->icu = NULL;
}
