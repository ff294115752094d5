/* picture.c: any bytes as a picture: header, pixels, and the three ways to fit them. */
#include "data/image/picture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_PIXELS = 1 << 16, SIDE = 13 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weft__decoder *decoder = weft__decoder_of(data, size);
    weft__picture head = {0}, p = {0};
    unsigned char fitted[SIDE * (SIDE + 4) * 3];
    weft_status s = decoder ? decoder->header(data, size, &head) : WEFT_EDATA;
    if (weft__picture_decode(data, size, MOST_PIXELS, &p)) return 0;
    if (s || head.channels != p.channels || head.height != p.height ||
        head.width != p.width)
        abort(); /* the header's word is what was allocated for */
    for (int fit = WEFT_FIT_STRETCH; fit <= WEFT_FIT_LETTERBOX; fit++)
        for (int channels = 1; channels <= 3; channels += 2)
            if (weft__picture_fit(&p, channels, SIDE, SIDE + 4, (weft_image_fit)fit,
                                  fitted))
                abort();
    free(p.pixels);
    return 0;
}
