/* error.c: the message of the last failure in each thread. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };

static _Thread_local char message[MESSAGE_BYTES];

const char *weft_last_error(void)
{
    return message;
}

/* How many bytes the well-formed UTF-8 sequence at s has (2 to 4), or 0. Refuses
 * overlong forms, surrogates, anything above U+10FFFF, and the C1 controls (U+0080
 * to U+009F, which terminals obey). */
static int utf8_length(const unsigned char *s)
{
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        if ((s[1] & 0xc0) != 0x80) return 0;
        return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : 2;
    }
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80) return 0;
        if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
        return s[0] == 0xed && s[1] >= 0xa0 ? 0 : 3;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 || (s[3] & 0xc0) != 0x80)
            return 0;
        if (s[0] == 0xf0 && s[1] < 0x90) return 0;
        return s[0] == 0xf4 && s[1] >= 0x90 ? 0 : 4;
    }
    return 0;
}

char *weft__escape(char *dst, size_t size, const char *src)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *s = (const unsigned char *)src;
    size_t at = 0;
    if (!size) return dst;
    while (*s) {
        int n = *s >= 0x20 && *s < 0x7f ? 1 : utf8_length(s);
        char hex[4] = {'\\', 'x', digit[*s >> 4], digit[*s & 15]};
        const void *from = n ? (const void *)s : hex;
        size_t bytes = n ? (size_t)n : sizeof hex;
        if (at + bytes >= size) break; /* never half a sequence */
        memcpy(dst + at, from, bytes);
        at += bytes;
        s += n ? n : 1;
    }
    dst[at] = 0;
    return dst;
}

weft_status weft__vfail(weft_status s, const char *format, va_list args)
{
    char raw[MESSAGE_BYTES]; /* an argument may be the message that stands */
    vsnprintf(raw, sizeof raw, format, args);
    weft__escape(message, sizeof message, raw);
    return s;
}

weft_status weft__fail(weft_status s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    weft__vfail(s, format, args);
    va_end(args);
    return s;
}

/* strerror_r is there in two incompatible forms; these two tell them apart by type. */
static const char *text_of_gnu(const char *result, const char *buffer)
{
    (void)buffer;
    return result;
}

static const char *text_of_posix(int result, const char *buffer)
{
    return result ? "unknown error" : buffer;
}

#define TEXT_OF(result, buffer) \
    _Generic((result), int : text_of_posix, default : text_of_gnu)(result, buffer)

weft_status weft__fail_errno(weft_status s, int err, const char *format, ...)
{
    char what[MESSAGE_BYTES], reason[128] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return weft__fail(s, "%s: %s", what,
                      TEXT_OF(strerror_r(err, reason, sizeof reason), reason));
}

weft_status weft__prefix(weft_status s, const char *format, ...)
{
    char before[MESSAGE_BYTES], stands[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(before, sizeof before, format, args);
    va_end(args);
    memcpy(stands, message, sizeof stands);
    return weft__fail(s, "%s: %s", before, stands);
}

WEFT_API weft_status weft_fail(weft_status s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    weft__vfail(s, format, args);
    va_end(args);
    return s;
}

WEFT_API char *weft_escape(char *dst, size_t size, const char *src)
{
    return weft__escape(dst, size, src);
}
