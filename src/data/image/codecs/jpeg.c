/* jpeg.c: JPEG through libturbojpeg; the only file that includes it.
 *
 * Any warning of the decoder is an error, so that nothing is filled with grey
 * silently. CMYK and YCCK are taken as Adobe writes them (inverted), as PIL does: R
 * = C * K / 255. EXIF's orientation is applied, colour profiles are not. */
#include "data/image/picture.h"
#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { MAX_SCANS = 500, SCANS_OF_LARGEST = 16 };

/* What a walk over the markers found. */
typedef struct outline {
    int width, height, components, bits;
    int orientation; /* EXIF's, 1 when not said */
    size_t scans;
    bool frame, ended;
} outline;

static unsigned be16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static unsigned half(const unsigned char *p, bool little)
{
    return little ? (unsigned)p[1] << 8 | p[0] : be16(p);
}

static uint32_t word(const unsigned char *p, bool little)
{
    return little ? (uint32_t)half(p + 2, true) << 16 | half(p, true)
                  : (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* The orientation in an APP1 segment's content; 1 when there is none or it is odd. */
static int exif_orientation(const unsigned char *p, size_t size)
{
    bool little;
    uint32_t at, n;
    if (size < 14 || memcmp(p, "Exif\0", 6)) return 1;
    p += 6;
    size -= 6;
    little = p[0] == 'I';
    if (half(p + 2, little) != 42) return 1;
    at = word(p + 4, little);
    if (at > size - 2) return 1;
    n = half(p + at, little);
    at += 2;
    for (uint32_t i = 0; i < n && at + 12 <= size; i++, at += 12) {
        const unsigned char *e = p + at;
        unsigned value;
        if (half(e, little) != 0x0112) continue;
        value = half(e + 8, little);
        return half(e + 2, little) == 3 && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* The frame header (SOFn) at p. */
static weft_status frame(const unsigned char *p, size_t length, size_t at, outline *o)
{
    if (length < 6)
        return weft__fail(WEFT_EDATA, "JPEG damaged at byte %zu: short frame header", at);
    o->bits = p[0];
    o->height = (int)be16(p + 1);
    o->width = (int)be16(p + 3);
    o->components = p[5];
    o->frame = true;
    return WEFT_OK;
}

/* Where the coded pixels that begin at `at` end: at a marker that is not RST. */
static size_t skip_coded(const unsigned char *data, size_t size, size_t at)
{
    while (at < size) {
        const unsigned char *ff = memchr(data + at, 0xff, size - at);
        if (!ff) return size;
        at = (size_t)(ff - data);
        if (at + 1 >= size) return size;
        if (data[at + 1] == 0xff)
            at++;
        else if (data[at + 1] == 0 || (data[at + 1] >= 0xd0 && data[at + 1] <= 0xd7))
            at += 2;
        else
            return at;
    }
    return size;
}

static bool is_frame(unsigned marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
           marker != 0xcc;
}

static bool stands_alone(unsigned marker)
{
    return marker <= 1 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Walks over the markers: to the frame header, or to the end. */
static weft_status walk(const unsigned char *data, size_t size, bool to_end, outline *o)
{
    size_t at = 2;
    *o = (outline){.orientation = 1};
    while (to_end || !o->frame) {
        const unsigned char *ff = at < size ? memchr(data + at, 0xff, size - at) : NULL;
        unsigned marker, length;
        weft_status s = WEFT_OK;
        at = ff ? (size_t)(ff - data) : size;
        while (at < size && data[at] == 0xff) at++;
        if (at >= size) return weft__fail(WEFT_EDATA, "JPEG truncated at byte %zu", size);
        marker = data[at++];
        if (marker == 0xd9) {
            o->ended = true;
            break;
        }
        if (stands_alone(marker)) continue;
        if (size - at < 2 || size - at < be16(data + at))
            return weft__fail(WEFT_EDATA, "JPEG truncated at byte %zu", size);
        length = be16(data + at);
        if (length < 2)
            return weft__fail(WEFT_EDATA, "JPEG damaged at byte %zu: segment of %u bytes",
                              at, length);
        if (is_frame(marker) && !o->frame) s = frame(data + at + 2, length - 2, at, o);
        if (s) return s;
        if (marker == 0xe1 && o->orientation == 1 && !o->frame)
            o->orientation = exif_orientation(data + at + 2, length - 2);
        at += length;
        if (marker == 0xda) {
            o->scans++;
            at = skip_coded(data, size, at);
        }
    }
    return WEFT_OK;
}

static bool sniff(const unsigned char *data, size_t size)
{
    return size >= 2 && data[0] == 0xff && data[1] == 0xd8 &&
           (size == 2 || data[2] == 0xff);
}

static weft_status header(const unsigned char *data, size_t size, weft__picture *out)
{
    outline o;
    weft_status s = walk(data, size, false, &o);
    bool swap = o.orientation >= 5;
    if (s) return s;
    if (!o.frame) return weft__fail(WEFT_EDATA, "JPEG without a picture in it");
    if (o.bits != 8)
        return weft__fail(WEFT_EDATA, "JPEG of %d bits is not supported (only 8)",
                          o.bits);
    if (o.components != 1 && o.components != 3 && o.components != 4)
        return weft__fail(WEFT_EDATA, "JPEG with %d components (1, 3, 4 are supported)",
                          o.components);
    out->channels = o.components == 1 ? 1 : 3;
    out->width = swap ? o.height : o.width;
    out->height = swap ? o.width : o.height;
    return WEFT_OK;
}

/* Refuses what would take very long: each scan of a progressive file is a whole
 * pass. */
static weft_status check_scans(const outline *o, size_t max_pixels)
{
    uint64_t pixels = (uint64_t)o->width * (uint64_t)o->height;
    if (o->scans > MAX_SCANS)
        return weft__fail(WEFT_EDATA, "JPEG with %zu scans (%d are allowed)", o->scans,
                          MAX_SCANS);
    if (o->scans * pixels > (uint64_t)max_pixels * SCANS_OF_LARGEST)
        return weft__fail(WEFT_EDATA,
                          "JPEG with %zu scans of %d x %d pixels (%llu are allowed)",
                          o->scans, o->width, o->height,
                          (unsigned long long)(max_pixels * SCANS_OF_LARGEST / pixels));
    return WEFT_OK;
}

static void from_cmyk(const unsigned char *p, size_t pixels, unsigned char *rgb)
{
    for (size_t i = 0; i < pixels; i++, p += 4)
        for (int c = 0; c < 3; c++)
            *rgb++ = (unsigned char)((p[c] * (unsigned)p[3] + 127u) / 255u);
}

static weft_status decompress(tjhandle tj, const unsigned char *data, size_t size,
                              const outline *o, weft__picture *p)
{
    int format = o->components == 1   ? TJPF_GRAY
                 : o->components == 3 ? TJPF_RGB
                                      : TJPF_CMYK;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    unsigned char *to = p->pixels;
    weft_status s = WEFT_OK;
    if (o->components == 4) to = weft__alloc(pixels, 4);
    if (!to) return weft__fail(WEFT_ENOMEM, "no memory for %zu pixels", pixels);
    if (tjDecompress2(tj, data, (unsigned long)size, to, o->width, 0, o->height, format,
                      TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING))
        s = weft__fail(WEFT_EDATA, "JPEG damaged: %s", tjGetErrorStr2(tj));
    else if (o->components == 4)
        from_cmyk(to, pixels, p->pixels);
    if (to != p->pixels) free(to);
    return s;
}

static weft_status decode(const unsigned char *data, size_t size, size_t max_pixels,
                          weft__picture *p)
{
    outline o;
    int w, h, sampling, space;
    tjhandle tj;
    weft_status s = walk(data, size, true, &o);
    if (!s) s = check_scans(&o, max_pixels);
    if (s) return s;
    tj = tjInitDecompress();
    if (!tj) return weft__fail(WEFT_ENOMEM, "no memory to decode a JPEG");
    if (tjDecompressHeader3(tj, data, (unsigned long)size, &w, &h, &sampling, &space))
        s = weft__fail(WEFT_EDATA, "JPEG damaged: %s", tjGetErrorStr2(tj));
    else if (w != o.width || h != o.height || (space == TJCS_GRAY) != (o.components == 1))
        s = weft__fail(WEFT_EDATA, "JPEG damaged: two different frame headers");
    else
        s = decompress(tj, data, size, &o, p);
    tjDestroy(tj);
    if (s) return s;
    p->width = w;
    p->height = h;
    return weft__picture_turn(p, o.orientation);
}

const weft__decoder weft_decoder_jpeg = {
    .name = "JPEG",
    .suffixes = "jpg jpeg jpe jfif",
    .sniff = sniff,
    .header = header,
    .decode = decode,
};
