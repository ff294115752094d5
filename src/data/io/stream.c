/* stream.c: a text file byte by byte, packed or not, in bounded memory. */
#include "data/io/stream.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 1 << 16 };

static bool failed(weft__stream *s, weft_status status)
{
    s->status = status;
    return false;
}

static bool fetch(weft__stream *s, unsigned char *to, size_t *got)
{
    errno = 0;
    *got = fread(to, 1, BUFFER, s->file);
    if (*got || !ferror(s->file)) return true;
    return failed(s, weft__fail_errno(WEFT_EIO, errno, "%s: cannot read", s->path));
}

static bool unpack(weft__stream *s)
{
    size_t made = 0;
    while (!made) {
        size_t used;
        bool ended;
        if (s->packed_at == s->packed_end) {
            s->packed_at = 0;
            if (!fetch(s, s->packed, &s->packed_end)) return false;
            if (!s->packed_end && !s->open_member) return false;
            if (!s->packed_end)
                return failed(
                    s, weft__fail(WEFT_EDATA, "%s: packed data truncated", s->path));
        }
        used = s->packed_end - s->packed_at;
        made = BUFFER;
        weft_status status = weft__inflate_run(s->z, s->packed + s->packed_at, &used,
                                               s->buffer, &made, &ended);
        if (status) return failed(s, weft__prefix(status, "%s", s->path));
        s->open_member = !ended;
        s->packed_at += used;
    }
    s->end = made;
    return true;
}

bool weft__stream_fill(weft__stream *s)
{
    if (s->status || !s->file) return false;
    if (s->line > INT_MAX / 2)
        return failed(
            s, weft__fail(WEFT_EDATA, "%s: more than %d lines", s->path, INT_MAX / 2));
    s->at = s->end = 0;
    if (s->z) return unpack(s);
    return fetch(s, s->buffer, &s->end) && s->end;
}

/* UTF-16 as iconv calls it: by its mark, or, of Latin letters, since every second byte is
 * 0. NULL: it is not. */
static const char *utf16(const unsigned char *p, size_t n)
{
    size_t zeros[2] = {0, 0};
    if (n >= 2 && (!memcmp(p, "\xff\xfe", 2) || !memcmp(p, "\xfe\xff", 2)))
        return "UTF-16";
    if (n > 256) n = 256;
    for (size_t i = 0; i < n; i++) zeros[i % 2] += !p[i];
    if (n < 8 || (zeros[0] && zeros[1])) return NULL;
    return zeros[1] * 10 > n * 4 ? "UTF-16LE" : zeros[0] * 10 > n * 4 ? "UTF-16BE" : NULL;
}

/* Looks at the first bytes of the content. */
static weft_status begin(weft__stream *s)
{
    const unsigned char *p = s->data + s->at;
    size_t n = s->end - s->at;
    if (s->status) return s->status;
    if (n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) s->at += 3;
    const char *encoding = utf16(p, n);
    if (encoding)
        return s->status = weft__fail(WEFT_EDATA,
                                      "%s: is UTF-16; UTF-8 is needed (iconv -f %s "
                                      "-t UTF-8)",
                                      s->path, encoding);
    return WEFT_OK;
}

weft_status weft__stream_memory(weft__stream *s, const char *path, const void *data,
                                size_t bytes)
{
    *s = (weft__stream){.path = path, .data = data, .end = bytes, .line = 1};
    return begin(s);
}

static weft_status start_unpacking(weft__stream *s)
{
    weft_status status = weft__inflate_new(false, &s->z);
    if (status) return weft__prefix(status, "%s", s->path);
    s->packed = s->buffer;
    s->packed_end = s->end;
    s->open_member = true;
    s->buffer = weft__alloc(BUFFER, 1);
    s->end = 0;
    if (!s->buffer) return weft__fail(WEFT_ENOMEM, "%s: no memory to read it", s->path);
    s->data = s->buffer;
    weft__stream_fill(s);
    return s->status;
}

weft_status weft__stream_open(weft__stream *s, const char *path)
{
    weft_status status;
    *s = (weft__stream){.path = path, .line = 1};
    status = weft__file_open(path, &s->file, NULL);
    if (!status && !(s->buffer = weft__alloc(BUFFER, 1)))
        status = weft__fail(WEFT_ENOMEM, "%s: no memory to read it", path);
    if (!status) {
        s->data = s->buffer;
        weft__stream_fill(s);
        status = s->status;
    }
    if (!status && s->end >= 2 && s->data[0] == 0x1f && s->data[1] == 0x8b)
        status = start_unpacking(s);
    if (!status) status = begin(s);
    if (status) weft__stream_close(s);
    return status;
}

void weft__stream_close(weft__stream *s)
{
    if (s->file) fclose(s->file);
    weft__inflate_free(s->z);
    free(s->packed);
    free(s->buffer);
    *s = (weft__stream){.status = s->status};
}

void weft__stream_skip_line(weft__stream *s)
{
    while (s->at < s->end || weft__stream_fill(s)) {
        const unsigned char *p = memchr(s->data + s->at, '\n', s->end - s->at);
        if (p) {
            s->at = (size_t)(p - s->data) + 1;
            s->line++;
            return;
        }
        s->at = s->end;
    }
}
