/* inflate.h: unpacks deflate data piece by piece (zlib; without it all calls fail). */
#ifndef WEFT_SRC_DATA_IO_INFLATE_H
#define WEFT_SRC_DATA_IO_INFLATE_H

#include "weft/base.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct weft__inflate weft__inflate;

/* raw: bare deflate data as in a zip file; otherwise gzip, members that follow one
 * another are one content. WEFT_ENOMEM; WEFT_EUSAGE in a build without zlib. */
weft_status weft__inflate_new(bool raw, weft__inflate **out);
void weft__inflate_free(weft__inflate *z);
/* Unpacks from in[0 .. *in_bytes) into out[0 .. *out_bytes); both then hold what was
 * taken and made. Does as much as it can. *ended: a member is complete. WEFT_EDATA. */
weft_status weft__inflate_run(weft__inflate *z, const unsigned char *in, size_t *in_bytes,
                              unsigned char *out, size_t *out_bytes, bool *ended);
#endif
