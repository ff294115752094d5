/* without_jansson.c: safetensors headers are JSON; a build without jansson reads and
 * writes none. Checkpoints then fail with this message, all else works. */
#include "store/safetensors.h"

static weft_status missing(void)
{
    return weft__fail(WEFT_EUSAGE,
                      "this build of weft has no checkpoints (jansson was missing)");
}

size_t weft__st_type_bytes(const char *type)
{
    (void)type;
    return 0;
}

void weft__st_free(weft__st_file *f)
{
    *f = (weft__st_file){0};
}

weft_status weft__st_parse(const void *data, size_t have, uint64_t bytes,
                           weft__st_file *out)
{
    (void)data, (void)have, (void)bytes;
    *out = (weft__st_file){0};
    return missing();
}

weft_status weft__st_header(const weft_meta *meta, weft__st_entry *entry, int count,
                            unsigned char **text, size_t *bytes)
{
    (void)meta, (void)entry, (void)count, (void)text, (void)bytes;
    return missing();
}
