/* png.c: PNG through libpng; the only file that includes it.
 *
 * Palettes become RGB; 16 bits become 8 (rounded); transparency, from an alpha
 * channel or a tRNS chunk, is put on white; gamma and colour profiles are not
 * applied. */
#include "data/image/picture.h"
#include "base/checked.h"
#include "base/error.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* A cursor over the file in memory, or a growing buffer; and what went wrong. */
typedef struct stream {
    const unsigned char *data;
    unsigned char *grown;
    size_t size, at, room;
    char what[160];
} stream;

static bool sniff(const unsigned char *data, size_t size)
{
    return size >= 4 && !memcmp(data, magic, size < sizeof magic ? size : sizeof magic);
}

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static weft_status header(const unsigned char *data, size_t size, weft__picture *out)
{
    uint32_t w, h;
    if (size < 33) return weft__fail(WEFT_EDATA, "PNG truncated at byte %zu", size);
    if (memcmp(data + 12, "IHDR", 4) || be32(data + 8) != 13)
        return weft__fail(WEFT_EDATA, "PNG without a header (IHDR) at byte 8");
    w = be32(data + 16);
    h = be32(data + 20);
    if (w > INT32_MAX || h > INT32_MAX)
        return weft__fail(WEFT_EDATA, "PNG header says %lu x %lu pixels",
                          (unsigned long)w, (unsigned long)h);
    out->width = (int)w;
    out->height = (int)h;
    out->channels = data[25] == 0 || data[25] == 4 ? 1 : 3;
    return WEFT_OK;
}

static void failed(png_structp png, png_const_charp text)
{
    stream *in = png_get_error_ptr(png);
    if (!*in->what)
        snprintf(in->what, sizeof in->what, "PNG damaged near byte %zu: %s", in->at,
                 text);
    longjmp(png_jmpbuf(png), 1);
}

static void ignored(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void pull(png_structp png, png_bytep to, size_t bytes)
{
    stream *in = png_get_io_ptr(png);
    if (bytes > in->size - in->at) {
        snprintf(in->what, sizeof in->what, "PNG truncated at byte %zu", in->size);
        png_error(png, "truncated");
    }
    memcpy(to, in->data + in->at, bytes);
    in->at += bytes;
}

static void push(png_structp png, png_bytep from, size_t bytes)
{
    stream *out = png_get_io_ptr(png);
    if (bytes > out->room - out->at) {
        size_t room = (out->at + bytes) * 2;
        unsigned char *grown = realloc(out->grown, room);
        if (!grown) png_error(png, "no memory");
        out->grown = grown;
        out->room = room;
    }
    memcpy(out->grown + out->at, from, bytes);
    out->at += bytes;
}

static void flush(png_structp png)
{
    (void)png;
}

/* Asks for 8 bit grey, grey+alpha, RGB or RGBA; returns how many channels come. */
static int transform(png_structp png, png_infop info)
{
    int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    if (depth == 16) png_set_scale_16(png);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
    (void)png_set_interlace_handling(png);
    png_read_update_info(png, info);
    return png_get_channels(png, info);
}

/* p[pixels][colours + alpha] on white, to to[pixels][colours]. */
static void on_white(const unsigned char *p, size_t pixels, int colours,
                     unsigned char *to)
{
    for (size_t i = 0; i < pixels; i++) {
        unsigned alpha = p[colours];
        for (int c = 0; c < colours; c++)
            *to++ = (unsigned char)((p[c] * alpha + 255u * (255u - alpha) + 127u) / 255u);
        p += colours + 1;
    }
}

/* Everything between setjmp and the end; *image is freed by the caller. false: `what`
 * says. */
static bool read_all(png_structp png, png_infop info, stream *in, weft__picture *p,
                     unsigned char **image)
{
    int channels, passes;
    size_t row;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_user_limits(png, (png_uint_32)p->width, (png_uint_32)p->height);
    png_set_chunk_cache_max(png, 256);
    png_set_chunk_malloc_max(png, 8u << 20);
    png_set_read_fn(png, in, pull);
    png_read_info(png, info);
    passes = png_get_interlace_type(png, info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
    channels = transform(png, info);
    row = (size_t)p->width * (size_t)channels;
    if ((channels != p->channels && channels != p->channels + 1) ||
        png_get_rowbytes(png, info) != row)
        png_error(png, "unexpected layout of the pixels");
    if (channels != p->channels) *image = weft__alloc((size_t)p->height, row);
    if (channels != p->channels && !*image) png_error(png, "no memory for the pixels");
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < p->height; y++)
            png_read_row(png, (*image ? *image : p->pixels) + (size_t)y * row, NULL);
    png_read_end(png, NULL);
    if (*image)
        on_white(*image, (size_t)p->height * (size_t)p->width, p->channels, p->pixels);
    return true;
}

static weft_status decode(const unsigned char *data, size_t size, size_t max_pixels,
                          weft__picture *p)
{
    stream in = {.data = data, .size = size};
    unsigned char *image = NULL;
    png_infop info = NULL;
    bool good = false;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &in, failed, ignored);
    (void)max_pixels; /* the header was held to it */
    if (png) info = png_create_info_struct(png);
    if (png && info) good = read_all(png, info, &in, p, &image);
    free(image);
    if (png) png_destroy_read_struct(&png, &info, NULL);
    if (good) return WEFT_OK;
    if (!*in.what) return weft__fail(WEFT_ENOMEM, "no memory to decode a PNG");
    return weft__fail(WEFT_EDATA, "%s", in.what);
}

static bool write_all(png_structp png, png_infop info, stream *out,
                      const weft__picture *p)
{
    size_t row = (size_t)p->width * (size_t)p->channels;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, out, push, flush);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, 8,
                 p->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < p->height; y++) png_write_row(png, p->pixels + (size_t)y * row);
    png_write_end(png, info);
    return true;
}

static weft_status encode(const weft__picture *p, unsigned char **data, size_t *bytes)
{
    stream out = {0};
    png_infop info = NULL;
    bool good = false;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &out, failed, ignored);
    if (png) info = png_create_info_struct(png);
    if (png && info) good = write_all(png, info, &out, p);
    if (png) png_destroy_write_struct(&png, &info);
    if (!good) {
        free(out.grown);
        return weft__fail(WEFT_ENOMEM, "no memory to encode a PNG of %d x %d pixels",
                          p->width, p->height);
    }
    *data = out.grown;
    *bytes = out.at;
    return WEFT_OK;
}

const weft__decoder weft_decoder_png = {
    .name = "PNG",
    .suffixes = "png apng",
    .sniff = sniff,
    .header = header,
    .decode = decode,
    .encode = encode,
};
