/* without_jansson.c: safetensors headers are JSON; a build without jansson reads and
 * writes none. Checkpoints then fail with this message, all else works. */
#include "store/meta_list.h"
#include "store/safetensors.h"

#include <stdlib.h>

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

weft_status weft__meta_set_texts(weft_meta *m, const char *key, const char *const *text,
                                 int n)
{
    (void)m, (void)key, (void)text, (void)n;
    return missing();
}

weft_status weft__meta_set_floats(weft_meta *m, const char *key, const float *x, int n)
{
    (void)m, (void)key, (void)x, (void)n;
    return missing();
}

char **weft__meta_get_texts(const weft_meta *m, const char *key, int n)
{
    (void)m, (void)key;
    return calloc((size_t)n + 1, sizeof(char *));
}

void weft__meta_get_floats(const weft_meta *m, const char *key, float *x, int n,
                           float otherwise)
{
    (void)m, (void)key;
    for (int i = 0; i < n; i++) x[i] = otherwise;
}
