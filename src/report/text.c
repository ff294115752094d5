/* text.c: a text that grows, and what makes foreign text safe inside a page. */
#include "report/text.h"

#include "base/width.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void weft__text_bytes(weft__text *t, const void *data, size_t bytes)
{
    if (t->failed) return;
    if (bytes + 1 > t->room - t->used) {
        size_t room = (t->used + bytes + 1) * 2;
        char *more = bytes < SIZE_MAX / 4 - t->used ? realloc(t->data, room) : NULL;
        if (!more) {
            t->failed = true;
            return;
        }
        t->data = more;
        t->room = room;
    }
    memcpy(t->data + t->used, data, bytes);
    t->used += bytes;
    t->data[t->used] = 0;
}

void weft__text_add(weft__text *t, const char *text)
{
    weft__text_bytes(t, text, strlen(text));
}

void weft__text_printf(weft__text *t, const char *format, ...)
{
    char small[512], *text = small;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n >= (int)sizeof small && (text = malloc((size_t)n + 1))) {
        va_start(args, format);
        vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    if (!text || n < 0)
        t->failed = true;
    else
        weft__text_bytes(t, text, (size_t)n);
    if (text != small) free(text);
}

void weft__text_free(weft__text *t)
{
    free(t->data);
    *t = (weft__text){0};
}

/* ---- foreign text ---- */

/* Letters that reorder or hide what stands next to them, and ones that no document may
 * hold. */
static bool is_tricky(uint32_t c)
{
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff ||
           (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static const char *markup(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    }
    return NULL;
}

static void foreign_text(weft__text *t, const char *foreign, int letters, bool page)
{
    uint32_t c;
    int n, left = letters;
    for (; foreign && (n = weft__utf8_next(foreign, &c)) > 0; foreign += n) {
        const char *escaped = page ? markup(c) : NULL;
        if (letters && left-- == 0) {
            weft__text_add(t, "\xe2\x80\xa6");
            return;
        }
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c == 0xfffd && n == 1))
            weft__text_printf(t, "\\x%02x",
                              c == 0xfffd ? (unsigned char)*foreign : (unsigned)c);
        else if (is_tricky(c))
            weft__text_printf(t, "\\u{%04x}", (unsigned)c);
        else if (escaped)
            weft__text_add(t, escaped);
        else
            weft__text_bytes(t, foreign, (size_t)n);
    }
}

void weft__text_escaped(weft__text *t, const char *foreign, int letters)
{
    foreign_text(t, foreign, letters, true);
}

void weft__text_visible(weft__text *t, const char *foreign, int letters)
{
    foreign_text(t, foreign, letters, false);
}

/* ---- numbers and bytes ---- */

void weft__text_count(weft__text *t, double x)
{
    char digits[32];
    if (!isfinite(x) || fabs(x) >= 1e18) {
        weft__text_add(t, "\xe2\x80\x93");
        return;
    }
    int n = snprintf(digits, sizeof digits, "%.0f", fabs(x));
    if (x <= -0.5) weft__text_add(t, "\xe2\x88\x92");
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && n > 4) weft__text_add(t, "\xe2\x80\xaf");
        weft__text_bytes(t, digits + i, 1);
    }
}

void weft__text_base64(weft__text *t, const unsigned char *data, size_t bytes)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        size_t have = bytes - i < 3 ? bytes - i : 3;
        unsigned v = data[i] * 65536u;
        char four[4];
        if (have > 1) v += data[i + 1] * 256u;
        if (have > 2) v += data[i + 2];
        four[0] = digit[v >> 18];
        four[1] = digit[v >> 12 & 63];
        four[2] = have > 1 ? digit[v >> 6 & 63] : '=';
        four[3] = have > 2 ? digit[v & 63] : '=';
        weft__text_bytes(t, four, 4);
    }
}
