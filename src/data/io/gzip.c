/* gzip.c: .gz files through zlib; the only file that includes it. */
#include "data/image/picture.h"
#include "base/checked.h"
#include "base/error.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static bool sniff(const unsigned char *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static weft_status broken(const z_stream *z, int rc, size_t at, size_t size)
{
    if (rc == Z_MEM_ERROR) return weft__fail(WEFT_ENOMEM, "no memory to unpack gzip");
    if (rc == Z_DATA_ERROR || rc == Z_NEED_DICT)
        return weft__fail(WEFT_EDATA, "gzip data damaged near byte %zu: %s", at,
                          z->msg ? z->msg : "no such format");
    return weft__fail(WEFT_EDATA, "gzip data truncated at byte %zu", size);
}

/* Makes room for more output, at most max in all. */
static bool grow(unsigned char **out, size_t *room, size_t max)
{
    size_t more = *room < max / 2 ? *room * 2 : max;
    unsigned char *p = more > weft__max_memory() ? NULL : realloc(*out, more);
    if (!p) return false;
    *out = p;
    *room = more;
    return true;
}

/* Runs z over data[0..size) into *out; members that follow each other are one
 * content. */
static weft_status inflate_all(z_stream *z, const unsigned char *data, size_t size,
                               size_t max, unsigned char **out, size_t *used, bool *whole)
{
    size_t room = max < 1 << 16 ? max : 1 << 16, at = 0;
    *out = malloc(room ? room : 1);
    if (!*out) return weft__fail(WEFT_ENOMEM, "no memory to unpack gzip");
    *whole = false;
    for (;;) {
        size_t in = size - at < INT_MAX ? size - at : INT_MAX, space;
        int rc;
        if (*used == room && room == max) return WEFT_OK;
        if (*used == room && !grow(out, &room, max))
            return weft__fail(WEFT_ENOMEM, "no memory to unpack gzip");
        space = room - *used < INT_MAX ? room - *used : INT_MAX;
        z->next_in = (z_const Bytef *)(uintptr_t)(data + at);
        z->avail_in = (uInt)in;
        z->next_out = *out + *used;
        z->avail_out = (uInt)space;
        rc = inflate(z, Z_NO_FLUSH);
        at += in - z->avail_in;
        *used += space - z->avail_out;
        if (rc == Z_STREAM_END && !sniff(data + at, size - at)) {
            *whole = true;
            return WEFT_OK;
        }
        if (rc == Z_STREAM_END) rc = inflateReset(z);
        if (rc != Z_OK) return broken(z, rc, at, size);
    }
}

static weft_status unpack(const unsigned char *data, size_t size, size_t max,
                          unsigned char **out, size_t *bytes, bool *whole)
{
    z_stream z = {0};
    unsigned char *made = NULL;
    size_t used = 0;
    weft_status s;
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return weft__fail(WEFT_ENOMEM, "no memory to unpack gzip");
    s = inflate_all(&z, data, size, max, &made, &used, whole);
    inflateEnd(&z);
    if (s) {
        free(made);
        return s;
    }
    *out = made;
    *bytes = used;
    return WEFT_OK;
}

const weft__packing weft_packing_gzip = {
    .name = "gzip",
    .suffix = ".gz",
    .sniff = sniff,
    .unpack = unpack,
};
