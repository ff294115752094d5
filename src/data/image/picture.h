/* picture.h: pictures in memory: decoders, sizes, orientation, fitting to the network's
 * input. */
#ifndef WEFT_SRC_DATA_IMAGE_PICTURE_H
#define WEFT_SRC_DATA_IMAGE_PICTURE_H

#include "data/image/formats/reader.h"

/* A picture format. Functions take the whole file in memory; messages do not name
 * it. */
typedef struct weft__decoder {
    const char *name;     /* "PNG" */
    const char *suffixes; /* "png", or several, separated by spaces */
    bool (*sniff)(const unsigned char *data, size_t size);
    /* channels (1 or 3), height, width as decode will give them, from as many bytes as
     * there are: size may be cut. No limits are applied. WEFT_EDATA. */
    weft_status (*header)(const unsigned char *data, size_t size, weft__picture *out);
    /* p has what header said, already within the limits, and pixels of that size to be
     * filled. max_pixels bounds the work. WEFT_EDATA, WEFT_ENOMEM. */
    weft_status (*decode)(const unsigned char *data, size_t size, size_t max_pixels,
                          weft__picture *p);
    /* NULL where there is none. *out is malloc()ed. */
    weft_status (*encode)(const weft__picture *p, unsigned char **out, size_t *bytes);
} weft__decoder;

/* A compression of whole files. */
typedef struct weft__packing {
    const char *name;   /* "gzip" */
    const char *suffix; /* ".gz" */
    bool (*sniff)(const unsigned char *data, size_t size);
    /* The first max bytes of the content, or less when it ends before; malloc()ed.
     * *whole tells whether the content ended there. WEFT_EDATA, WEFT_ENOMEM. */
    weft_status (*unpack)(const unsigned char *data, size_t size, size_t max,
                          unsigned char **out, size_t *bytes, bool *whole);
} weft__packing;

#define DECODER(name) extern const weft__decoder weft_decoder_##name;
#define PACKING(name) extern const weft__packing weft_packing_##name;
#include "data/image/codecs/table.def"
#undef DECODER
#undef PACKING

/* The decoder whose format the content is, or NULL; by content, not by name. */
const weft__decoder *weft__decoder_of(const unsigned char *data, size_t size);
const weft__packing *weft__packing_of(const unsigned char *data, size_t size);
const weft__decoder *weft__decoder_named(const char *name); /* "PNG"; NULL if not built */
/* Does a file name end like a picture's (supported here or not)? */
bool weft__picture_suffix(const char *name);

/* Decodes a whole picture in memory, EXIF orientation applied; p->pixels is yours. The
 * header is held to max_pixels before anything is allocated. */
weft_status weft__picture_decode(const unsigned char *data, size_t size,
                                 size_t max_pixels, weft__picture *p);
/* The same from a file; messages name it. With header_only no pixels are made, and
 * usually only the file's beginning is read. */
weft_status weft__picture_file(const char *path, size_t max_pixels, bool header_only,
                               weft__picture *p);
size_t weft__max_pixels(double megapixels); /* 0 means 64 */

/* Turns p as EXIF's orientation 1..8 asks. */
weft_status weft__picture_turn(weft__picture *p, int orientation);

/* Brings p to [height][width][channels] (resize.c). Bilinear; when shrinking the
 * filter covers the whole area of each new pixel. Integer arithmetic: the same bits
 * anywhere. */
weft_status weft__picture_fit(const weft__picture *p, int channels, int height, int width,
                              weft_image_fit fit, unsigned char *out);

/* An encoded picture in memory, brought to size. */
weft_status weft__image_decode(const void *bytes, size_t size, int channels, int height,
                               int width, weft_image_fit fit, unsigned char *pixels);

/* x = u8 * scale + offset is (u8/255 - mean) / std; std 0 means 1. */
void weft__norm_factors(int channels, const float mean[4], const float std[4],
                        float scale[4], float offset[4]);

#endif
