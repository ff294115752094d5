/* encode.h: JPEG files for tests, made with libturbojpeg where it is there. */
#ifndef WEFT_TEST_DATA_ENCODE_H
#define WEFT_TEST_DATA_ENCODE_H

#include "make.h"

enum { H = 24, W = 40 }; /* of every picture made here */
typedef enum jpeg_kind { RGB_444, RGB_420, GREY, CMYK } jpeg_kind;

#ifdef WEFT_HAVE_JPEG
#include <turbojpeg.h>

/* A smooth run of colours: 6x, 10y, 80, 255 in the four channels. */
static inline bytes make_jpeg(jpeg_kind kind, bool progressive)
{
    static const int format[] = {TJPF_RGB, TJPF_RGB, TJPF_GRAY, TJPF_CMYK};
    static const int sampling[] = {TJSAMP_444, TJSAMP_420, TJSAMP_GRAY, TJSAMP_444};
    unsigned char pixels[H * W * 4], *out = NULL;
    unsigned long size = 0;
    bytes b = {0};
    tjhandle tj = tjInitCompress();
    int n = tjPixelSize[format[kind]];
    CHECK(tj != NULL);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int k = 0; k < n; k++)
                pixels[(y * W + x) * n + k] = (unsigned char)(k == 0   ? x * 6
                                                              : k == 1 ? y * 10
                                                              : k == 2 ? 80
                                                                       : 255);
    CHECK(!tjCompress2(tj, pixels, W, 0, H, format[kind], &out, &size, sampling[kind], 95,
                       progressive ? TJFLAG_PROGRESSIVE : 0));
    put(&b, out, size);
    tjFree(out);
    tjDestroy(tj);
    return b;
}

#else

static inline bytes make_jpeg(jpeg_kind kind, bool progressive)
{
    (void)kind;
    (void)progressive;
    skip();
    return (bytes){0};
}

#endif
#endif
