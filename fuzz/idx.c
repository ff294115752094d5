/* idx.c: any bytes as an IDX file, plain or packed: the reader's header and
 * unpacking. */
#include "data/image/formats/idx.h"
#include "data/image/picture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weft__packing *packing = weft__packing_of(data, size);
    unsigned char *unpacked = NULL;
    bool whole, planar;
    int c, h, w;
    weft__idx x;
    if (packing) {
        if (packing->unpack(data, size, MOST, &unpacked, &size, &whole)) return 0;
        data = unpacked;
    }
    if (!weft__idx_parse(data, size, &x) && !weft__idx_images(&x, &c, &h, &w, &planar)) {
        size_t each = (size_t)c * (size_t)h * (size_t)w;
        if (each * (size_t)x.dim[0] != x.content || x.header > size) abort();
    }
    free(unpacked);
    return 0;
}
