/* idx.h: the header of an IDX file. */
#ifndef WEFT_SRC_DATA_IMAGE_FORMATS_IDX_H
#define WEFT_SRC_DATA_IMAGE_FORMATS_IDX_H

#include "weft/dataset.h"

typedef struct weft__idx {
    int dims, dim[4];
    size_t header, content; /* bytes */
} weft__idx;

/* Reads a header from the first size bytes of a file. WEFT_EDATA. */
weft_status weft__idx_parse(const unsigned char *data, size_t size, weft__idx *out);
/* How the content is pictures; *planar: [n][c][h][w], else [n][h][w][c]. WEFT_EDATA. */
weft_status weft__idx_images(const weft__idx *x, int *channels, int *height, int *width,
                             bool *planar);

#endif
