/* safetensors.h: the layout of safetensors files: 8 bytes of header length
 * (little-endian), a JSON header, then the tensors without gaps. */
#ifndef WEFT_SRC_STORE_SAFETENSORS_H
#define WEFT_SRC_STORE_SAFETENSORS_H

#include "base/arena.h"
#include "base/error.h"
#include "weft/store.h"

enum { WEFT_ST_HEADER_MAX = 100 << 20 }; /* bytes, as other readers have it */

/* One tensor. begin and end count bytes from the start of the data. */
typedef struct weft__st_entry {
    const char *name, *type; /* type: "F32", "U8" ... */
    int rank;
    int64_t dim[WEFT_MAX_RANK];
    uint64_t begin, end;
} weft__st_entry;

typedef struct weft__st_file {
    weft__arena arena;
    weft_meta *meta;       /* __metadata__; never NULL after success */
    weft__st_entry *entry; /* in the order of their data */
    int count;
    size_t data; /* where the data begin in the file */
} weft__st_file;

/* Reads and checks a header against a file of `bytes` bytes, of which the first `have`
 * are at data: names unique, types and shapes fit the sizes, no gaps, no overlaps,
 * nothing left over. Free with weft__st_free, also after a failure. WEFT_EMODEL. */
weft_status weft__st_parse(const void *data, size_t have, uint64_t bytes,
                           weft__st_file *out);
void weft__st_free(weft__st_file *f);

/* Length and header as they stand in a file; begin and end of the entries are filled
 * in from their shapes. Padded with spaces so that the data begin at a multiple of
 * 64. *text is yours to free. meta may be NULL. WEFT_EUSAGE for names that are not
 * UTF-8. */
weft_status weft__st_header(const weft_meta *meta, weft__st_entry *entry, int count,
                            unsigned char **text, size_t *bytes);

/* Bytes of an element; 0 for an unknown type. */
size_t weft__st_type_bytes(const char *type);

#endif
