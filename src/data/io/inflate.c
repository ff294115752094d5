/* inflate.c: unpacks deflate data piece by piece, through zlib. */
#include "data/io/inflate.h"
#include "base/error.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

struct weft__inflate {
    z_stream z;
    bool raw, ended;
};

weft_status weft__inflate_new(bool raw, weft__inflate **out)
{
    weft__inflate *z = calloc(1, sizeof *z);
    if (!z || inflateInit2(&z->z, raw ? -15 : 15 + 16) != Z_OK) {
        free(z);
        return weft__fail(WEFT_ENOMEM, "no memory to unpack");
    }
    z->raw = raw;
    *out = z;
    return WEFT_OK;
}

void weft__inflate_free(weft__inflate *z)
{
    if (!z) return;
    inflateEnd(&z->z);
    free(z);
}

weft_status weft__inflate_run(weft__inflate *z, const unsigned char *in, size_t *in_bytes,
                              unsigned char *out, size_t *out_bytes, bool *ended)
{
    size_t have = *in_bytes < INT_MAX ? *in_bytes : INT_MAX;
    size_t room = *out_bytes < INT_MAX ? *out_bytes : INT_MAX;
    int rc;
    if (z->ended && !z->raw) inflateReset(&z->z);
    z->ended = false;
    z->z.next_in = (z_const Bytef *)(uintptr_t)in;
    z->z.avail_in = (uInt)have;
    z->z.next_out = out;
    z->z.avail_out = (uInt)room;
    rc = inflate(&z->z, Z_NO_FLUSH);
    *in_bytes = have - z->z.avail_in;
    *out_bytes = room - z->z.avail_out;
    *ended = z->ended = rc == Z_STREAM_END;
    if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR) return WEFT_OK;
    if (rc == Z_MEM_ERROR) return weft__fail(WEFT_ENOMEM, "no memory to unpack");
    return weft__fail(WEFT_EDATA, "packed data damaged: %s",
                      z->z.msg ? z->z.msg : "no such format");
}
