/* utf8.c: decodes, checks and repairs UTF-8. */
#include "data/text/tokenizer/utf8.h"

#include <string.h>

static bool follows(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

/* What the byte after the first may be, by the first (Unicode, table 3-7). */
static int shape_of(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) return 1;
    if (first == 0xe0) *low = 0xa0;
    if (first == 0xed) *high = 0x9f;
    if (first >= 0xe0 && first <= 0xef) return 2;
    if (first == 0xf0) *low = 0x90;
    if (first == 0xf4) *high = 0x8f;
    if (first >= 0xf0 && first <= 0xf4) return 3;
    return 0;
}

int weft__utf8_step(const char *text, size_t n, uint32_t *letter)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char low, high;
    int more, i;
    *letter = s[0];
    if (s[0] && s[0] < 0x80) return 1;
    more = shape_of(s[0], &low, &high);
    *letter = WEFT_NOT_UTF8;
    if (!more) return 1;
    for (i = 1; i <= more; i++, low = 0x80, high = 0xbf)
        if ((size_t)i >= n || !follows(s[i], low, high)) return i;
    *letter = s[0] & (0x3fu >> more);
    for (i = 1; i <= more; i++) *letter = *letter << 6 | (s[i] & 0x3fu);
    return more + 1;
}

int weft__utf8_put(char to[4], uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t weft__utf8_good(const char *s, size_t n)
{
    size_t at = 0;
    while (at < n) {
        uint32_t letter;
        int bytes = weft__utf8_step(s + at, n - at, &letter);
        if (letter == WEFT_NOT_UTF8) break;
        at += (size_t)bytes;
    }
    return at;
}

size_t weft__utf8_repair(const char *s, size_t n, char *to, size_t room, int *replaced,
                         size_t *used)
{
    size_t from = 0, out = 0;
    while (from < n) {
        uint32_t letter;
        int bytes = weft__utf8_step(s + from, n - from, &letter);
        bool bad = letter == WEFT_NOT_UTF8;
        size_t need = bad ? 3 : (size_t)bytes;
        if (need > room - out) break;
        memcpy(to + out, bad ? "\xef\xbf\xbd" : s + from, need);
        if (bad && replaced) ++*replaced;
        out += need;
        from += (size_t)bytes;
    }
    if (used) *used = from;
    return out;
}
