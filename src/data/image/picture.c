/* picture.c: pictures: which format, how large, decoded, rotated upright. */
#include "data/image/picture.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DECODER(name) &weft_decoder_##name,
#define PACKING(name)
static const weft__decoder *const decoders[] = {
#include "data/image/codecs/table.def"
    NULL};
#undef DECODER
#undef PACKING

#define DECODER(name)
#define PACKING(name) &weft_packing_##name,
static const weft__packing *const packings[] = {
#include "data/image/codecs/table.def"
    NULL};
#undef DECODER
#undef PACKING

/* Formats that people have and weft does not read (or not in this build): for the
 * message. */
static const struct foreign {
    const char *name, *suffixes, *hint;
    int at; /* where the magic stands */
    const char *magic;
    int length;
} foreign[] = {
    {"GIF", "gif", "", 0, "GIF8", 4},
    {"WebP", "webp", "", 8, "WEBP", 4},
    {"AVIF", "avif avifs", "", 4, "ftypavi", 7},
    {"HEIC", "heic heif hif", "", 4, "ftyphei", 7},
    {"HEIC", "", "", 4, "ftyphev", 7},
    {"HEIC", "", "", 4, "ftypmif1", 8},
    {"TIFF", "tif tiff", "", 0, "II*\0", 4},
    {"TIFF", "", "", 0, "MM\0*", 4},
    {"JPEG XL", "jxl", "", 0, "\0\0\0\x0cJXL ", 8},
    {"JPEG XL", "", "", 0, "\xff\x0a", 2},
    {"JPEG 2000", "jp2 j2k", "", 0, "\0\0\0\x0cjP  ", 8},
    {"PSD", "psd", "", 0, "8BPS", 4},
    {"PDF", "", "", 0, "%PDF", 4},
    {"PNG", "png", " in this build", 0, "\x89PNG", 4},
    {"JPEG", "jpg jpeg jpe jfif", " in this build", 0, "\xff\xd8\xff", 3},
};
enum {
    FOREIGN = sizeof foreign / sizeof *foreign,
    PREFIX_BYTES = 1 << 16,
    MAX_SIDE = 1 << 20
};

const weft__decoder *weft__decoder_of(const unsigned char *data, size_t size)
{
    for (size_t i = 0; decoders[i]; i++)
        if (decoders[i]->sniff(data, size)) return decoders[i];
    return NULL;
}

const weft__packing *weft__packing_of(const unsigned char *data, size_t size)
{
    for (size_t i = 0; packings[i]; i++)
        if (packings[i]->sniff(data, size)) return packings[i];
    return NULL;
}

const weft__decoder *weft__decoder_named(const char *name)
{
    for (size_t i = 0; decoders[i]; i++)
        if (!strcmp(decoders[i]->name, name)) return decoders[i];
    return NULL;
}

/* Is the ending of name one of `suffixes` (separated by spaces), in any case? */
static bool ends_like(const char *name, const char *suffixes)
{
    const char *dot = strrchr(name, '.');
    if (!dot || !dot[1] || strchr(dot, '/')) return false;
    for (const char *s = suffixes; *s;) {
        size_t n = strcspn(s, " ");
        if (strlen(dot + 1) == n && !strncasecmp(dot + 1, s, n)) return true;
        s += n + (s[n] == ' ');
    }
    return false;
}

bool weft__picture_suffix(const char *name)
{
    for (size_t i = 0; decoders[i]; i++)
        if (ends_like(name, decoders[i]->suffixes)) return true;
    for (size_t i = 0; i < FOREIGN; i++)
        if (ends_like(name, foreign[i].suffixes)) return true;
    return false;
}

size_t weft__max_pixels(double megapixels)
{
    if (!(megapixels > 0)) megapixels = 64;
    return megapixels >= 2147 ? (size_t)2147000000 : (size_t)(megapixels * 1e6);
}

/* "PNG, JPEG, PNM, BMP" */
static void supported(char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; decoders[i] && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "",
                               decoders[i]->name);
}

static weft_status not_a_picture(const unsigned char *data, size_t size)
{
    char list[64], start[17];
    supported(list, sizeof list);
    if (!size) return weft__fail(WEFT_EDATA, "the file is empty (0 bytes)");
    for (size_t i = 0; i < FOREIGN; i++) {
        const struct foreign *f = &foreign[i];
        if (size >= (size_t)f->at + (size_t)f->length &&
            !memcmp(data + f->at, f->magic, (size_t)f->length))
            return weft__fail(WEFT_EDATA, "%s is not supported%s (supported: %s)",
                              f->name, f->hint, list);
    }
    size = size < sizeof start - 1 ? size : sizeof start - 1;
    for (size_t i = 0; i < size; i++)
        start[i] = data[i] >= 32 && data[i] < 127 ? (char)data[i] : '.';
    start[size] = 0;
    return weft__fail(WEFT_EDATA, "not a picture: it begins with \"%s\" (supported: %s)",
                      start, list);
}

/* Reads the header and holds it to the limits. */
static weft_status header_within(const weft__decoder *dec, const unsigned char *data,
                                 size_t size, size_t max_pixels, weft__picture *p)
{
    weft_status s;
    *p = (weft__picture){.format = dec->name};
    s = dec->header(data, size, p);
    if (s) return s;
    if (p->height < 1 || p->width < 1)
        return weft__fail(WEFT_EDATA, "%s header says %d x %d pixels", dec->name,
                          p->width, p->height);
    if (p->height > MAX_SIDE || p->width > MAX_SIDE)
        return weft__fail(WEFT_EDATA, "%s header says %d x %d pixels, a side may have %d",
                          dec->name, p->width, p->height, MAX_SIDE);
    if ((uint64_t)p->height * (uint64_t)p->width > max_pixels)
        return weft__fail(WEFT_EDATA,
                          "%s header says %d x %d pixels, %.4g megapixels are allowed",
                          dec->name, p->width, p->height, (double)max_pixels / 1e6);
    return WEFT_OK;
}

weft_status weft__picture_decode(const unsigned char *data, size_t size,
                                 size_t max_pixels, weft__picture *p)
{
    const weft__decoder *dec = weft__decoder_of(data, size);
    weft__picture made;
    weft_status s;
    if (!dec) return not_a_picture(data, size);
    s = header_within(dec, data, size, max_pixels, &made);
    if (s) return s;
    made.pixels =
        weft__alloc((size_t)made.height * (size_t)made.width, (size_t)made.channels);
    if (!made.pixels)
        return weft__fail(WEFT_ENOMEM, "no memory for %d x %d pixels", made.width,
                          made.height);
    s = dec->decode(data, size, max_pixels, &made);
    if (s)
        free(made.pixels);
    else
        *p = made;
    return s;
}

/* Reads at most `limit` bytes of a regular file; *whole tells if that is all of it. */
static weft_status read_some(const char *path, size_t limit, size_t most,
                             unsigned char **data, size_t *size, bool *whole)
{
    FILE *f;
    uint64_t bytes;
    unsigned char *p;
    weft_status s = weft__file_open(path, &f, &bytes);
    if (s) return s;
    if (bytes > most) {
        fclose(f);
        return weft__fail(WEFT_EDATA, "%s: a picture of %llu bytes (%zu are allowed)",
                          path, (unsigned long long)bytes, most);
    }
    *whole = bytes <= limit;
    *size = *whole ? (size_t)bytes : limit;
    p = malloc(*size + 1);
    if (!p) {
        s = weft__fail(WEFT_ENOMEM, "%s: no memory for %zu bytes", path, *size);
    } else {
        errno = 0;
        *size = fread(p, 1, *size, f);
        if (ferror(f)) s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot read", path);
    }
    fclose(f);
    if (s)
        free(p);
    else
        *data = p;
    return s;
}

/* weft__picture_file on the first `limit` bytes. */
static weft_status try_file(const char *path, size_t limit, size_t max_pixels,
                            bool header_only, weft__picture *p, bool *whole)
{
    size_t most = max_pixels * 4 + (1 << 20), size = 0;
    const weft__decoder *dec;
    unsigned char *data = NULL;
    weft_status s =
        read_some(path, limit < most ? limit : most, most, &data, &size, whole);
    if (s) return s;
    dec = weft__decoder_of(data, size);
    if (header_only && dec)
        s = header_within(dec, data, size, max_pixels, p);
    else if (header_only)
        s = not_a_picture(data, size);
    else
        s = weft__picture_decode(data, size, max_pixels, p);
    if (!s) p->misnamed = !ends_like(path, dec->suffixes);
    free(data);
    return s ? weft__prefix(s, "%s", path) : WEFT_OK;
}

weft_status weft__picture_file(const char *path, size_t max_pixels, bool header_only,
                               weft__picture *p)
{
    bool whole = true;
    weft_status s = try_file(path, header_only ? PREFIX_BYTES : SIZE_MAX, max_pixels,
                             header_only, p, &whole);
    if (s == WEFT_EDATA && !whole) /* the header is perhaps further on */
        s = try_file(path, SIZE_MAX, max_pixels, header_only, p, &whole);
    return s;
}

weft_status weft__picture_turn(weft__picture *p, int orientation)
{
    int h = p->height, w = p->width, c = p->channels;
    bool swap = orientation >= 5, right, down;
    int nh = swap ? w : h, nw = swap ? h : w;
    unsigned char *to;
    if (orientation < 2 || orientation > 8) return WEFT_OK;
    /* Does the new picture run against the old columns (right) or rows (down)? */
    right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    down = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    to = weft__alloc((size_t)h * (size_t)w, (size_t)c);
    if (!to) return weft__fail(WEFT_ENOMEM, "no memory for %d x %d pixels", w, h);
    for (int y = 0; y < nh; y++)
        for (int x = 0; x < nw; x++) {
            int oy = swap ? x : y, ox = swap ? y : x;
            size_t from, at = ((size_t)y * (size_t)nw + (size_t)x) * (size_t)c;
            if (down) oy = h - 1 - oy;
            if (right) ox = w - 1 - ox;
            from = ((size_t)oy * (size_t)w + (size_t)ox) * (size_t)c;
            for (int k = 0; k < c; k++) to[at + (size_t)k] = p->pixels[from + (size_t)k];
        }
    free(p->pixels);
    p->pixels = to;
    p->height = nh;
    p->width = nw;
    return WEFT_OK;
}

static weft_status check_size(const char *path, int channels, int height, int width)
{
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > 1 << 16 ||
        width > 1 << 16)
        return weft__fail(WEFT_EUSAGE,
                          "%s: a picture of %d x %d pixels, %d channels is not possible",
                          path, width, height, channels);
    return WEFT_OK;
}

static void warn_misnamed(const char *path, const weft__picture *p)
{
    if (p->misnamed)
        weft__warn("%s: the content is %s, whatever the name says", path, p->format);
}

weft_status weft_image_read(const char *path, int channels, int height, int width,
                            weft_image_fit fit, double max_megapixels,
                            unsigned char *pixels)
{
    weft__picture p;
    weft_status s = check_size(path, channels, height, width);
    if (!s) s = weft__picture_file(path, weft__max_pixels(max_megapixels), false, &p);
    if (s) return s;
    warn_misnamed(path, &p);
    s = weft__picture_fit(&p, channels, height, width, fit, pixels);
    free(p.pixels);
    return s ? weft__prefix(s, "%s", path) : WEFT_OK;
}

weft_status weft__image_decode(const void *bytes, size_t size, int channels, int height,
                               int width, weft_image_fit fit, unsigned char *pixels)
{
    weft__picture p;
    weft_status s = check_size("picture", channels, height, width);
    if (!s) s = weft__picture_decode(bytes, size, weft__max_pixels(0), &p);
    if (s) return s;
    s = weft__picture_fit(&p, channels, height, width, fit, pixels);
    free(p.pixels);
    return s;
}

weft_status weft_image_load(const char *path, double max_megapixels, int *channels,
                            int *height, int *width, unsigned char **pixels)
{
    weft__picture p;
    weft_status s = weft__picture_file(path, weft__max_pixels(max_megapixels), false, &p);
    if (s) return s;
    warn_misnamed(path, &p);
    *channels = p.channels;
    *height = p.height;
    *width = p.width;
    *pixels = p.pixels;
    return WEFT_OK;
}

weft_status weft_image_encode_png(int channels, int height, int width,
                                  const unsigned char *pixels, unsigned char **png,
                                  size_t *bytes)
{
    const weft__decoder *dec = weft__decoder_named("PNG");
    weft__picture p = {.channels = channels, .height = height, .width = width};
    weft_status s = check_size("PNG", channels, height, width);
    if (s) return s;
    if (!dec) return weft__fail(WEFT_EUSAGE, "this build of weft cannot write PNG");
    p.pixels = (unsigned char *)(uintptr_t)pixels; /* only read by encode */
    return dec->encode(&p, png, bytes);
}

weft_status weft_image_write_png(const char *path, int channels, int height, int width,
                                 const unsigned char *pixels)
{
    unsigned char *png;
    size_t bytes;
    weft_status s = weft_image_encode_png(channels, height, width, pixels, &png, &bytes);
    if (s) return weft__prefix(s, "%s", path);
    s = weft__file_replace(path, png, bytes);
    free(png);
    return s;
}

void weft__norm_factors(int channels, const float mean[4], const float std[4],
                        float scale[4], float offset[4])
{
    for (int c = 0; c < channels; c++) {
        double dev = std[c] > 0 ? (double)std[c] : 1.0;
        scale[c] = (float)(1.0 / (255.0 * dev));
        offset[c] = (float)(-(double)mean[c] / dev);
    }
}

void weft_image_normalize(int channels, size_t pixels, const unsigned char *from,
                          const float mean[4], const float std[4], float *x)
{
    float scale[4] = {0}, offset[4] = {0};
    weft__norm_factors(channels, mean, std, scale, offset);
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++, from++, x++)
            *x = (float)*from * scale[c] + offset[c];
}
