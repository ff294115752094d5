/* without_zlib.c: a build without zlib unpacks nothing. */
#include "base/error.h"
#include "data/io/inflate.h"

weft_status weft__inflate_new(bool raw, weft__inflate **out)
{
    (void)raw, (void)out;
    return weft__fail(
        WEFT_EUSAGE,
        "is packed, and this build of weft cannot unpack (zlib was missing)");
}

void weft__inflate_free(weft__inflate *z)
{
    (void)z;
}

weft_status weft__inflate_run(weft__inflate *z, const unsigned char *in, size_t *in_bytes,
                              unsigned char *out, size_t *out_bytes, bool *ended)
{
    (void)z, (void)in, (void)in_bytes, (void)out, (void)out_bytes, (void)ended;
    return weft__fail(WEFT_EUSAGE, "this build of weft cannot unpack");
}
