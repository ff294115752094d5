/* zip.h: one member of a zip archive, read from front to back in bounded memory. */
#ifndef WEFT_SRC_DATA_IO_ZIP_H
#define WEFT_SRC_DATA_IO_ZIP_H

#include "data/io/inflate.h"

#include <stdint.h>
#include <stdio.h>

typedef struct weft__zip {
    const char *path; /* the caller's */
    FILE *file;
    weft__inflate *z; /* NULL: stored as it is */
    unsigned char *in;
    size_t at, end;
    uint64_t packed; /* bytes that are still in the file */
    uint64_t left;   /* of the content */
} weft__zip;

/* Opens the member of that name. WEFT_EDATA when there is none, or the archive is
 * damaged or of more than 4 GB. */
weft_status weft__zip_open(weft__zip *z, const char *path, const char *member);
/* Exactly n bytes. WEFT_EDATA when there are fewer. */
weft_status weft__zip_read(weft__zip *z, void *to, size_t n);
void weft__zip_close(weft__zip *z);

#endif
