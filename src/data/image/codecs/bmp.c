/* bmp.c: Windows bitmaps without compression: 1, 4 and 8 bit palettes, 24 and 32
 * bit. */
#include "data/image/picture.h"
#include "base/error.h"

#include <string.h>

/* The headers, decoded. */
typedef struct layout {
    size_t pixels_at, palette_at, row; /* bytes */
    uint32_t colours;
    int width, height, bits;
    int entry; /* bytes of a palette entry */
    bool top_down;
} layout;

static uint32_t le16(const unsigned char *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p + 2) << 16 | le16(p);
}

static bool sniff(const unsigned char *data, size_t size)
{
    /* Two letters alone are too weak a sign: the reserved words must be zero too. */
    return size >= 10 && data[0] == 'B' && data[1] == 'M' && !le32(data + 6);
}

/* Compression 0 is none; 3 is bit masks, taken when they are the usual ones. */
static weft_status check_coding(const unsigned char *data, size_t size, uint32_t head,
                                const layout *l)
{
    uint32_t coding = head >= 40 ? le32(data + 30) : 0;
    bool masks = coding == 3 && l->bits == 32 && size >= 66 &&
                 le32(data + 54) == 0xff0000 && le32(data + 58) == 0xff00 &&
                 le32(data + 62) == 0xff;
    if (coding && !masks)
        return weft__fail(WEFT_EDATA, "BMP with compression %lu is not supported",
                          (unsigned long)coding);
    if (l->bits != 1 && l->bits != 4 && l->bits != 8 && l->bits != 24 && l->bits != 32)
        return weft__fail(WEFT_EDATA, "BMP of %d bits (1, 4, 8, 24, 32 are supported)",
                          l->bits);
    return WEFT_OK;
}

static weft_status parse(const unsigned char *data, size_t size, layout *l)
{
    uint32_t head, height;
    weft_status s;
    *l = (layout){0};
    if (size < 26) return weft__fail(WEFT_EDATA, "BMP truncated at byte %zu", size);
    head = le32(data + 14);
    if (head != 12 && (head < 40 || head > 4096))
        return weft__fail(WEFT_EDATA, "BMP with a header of %lu bytes is not supported",
                          (unsigned long)head);
    if (size < 14 + (size_t)head)
        return weft__fail(WEFT_EDATA, "BMP truncated at byte %zu", size);
    l->pixels_at = le32(data + 10);
    l->palette_at = 14 + (size_t)head;
    l->entry = head == 12 ? 3 : 4;
    l->bits = (int)le16(data + (head == 12 ? 24 : 28));
    if (head == 12) {
        l->width = (int)le16(data + 18);
        height = le16(data + 20);
    } else {
        uint32_t width = le32(data + 18);
        height = le32(data + 22);
        l->top_down = height > INT32_MAX;
        if (l->top_down) height = 0u - height;
        l->width = width > INT32_MAX ? 0 : (int)width;
        l->colours = le32(data + 46);
    }
    l->height = height > INT32_MAX ? 0 : (int)height;
    s = check_coding(data, size, head, l);
    if (s) return s;
    if (l->bits <= 8 && (!l->colours || l->colours > 1u << l->bits))
        l->colours = 1u << l->bits;
    l->row = ((size_t)l->width * (size_t)l->bits + 31) / 32 * 4;
    return WEFT_OK;
}

static weft_status header(const unsigned char *data, size_t size, weft__picture *out)
{
    layout l;
    weft_status s = parse(data, size, &l);
    if (s) return s;
    out->width = l.width;
    out->height = l.height;
    out->channels = 3;
    return WEFT_OK;
}

/* The palette index of pixel x; bits is 1, 4 or 8. */
static uint32_t index_of(const unsigned char *row, int x, int bits)
{
    int each = 8 / bits;
    return (uint32_t)row[x / each] >> ((each - 1 - x % each) * bits) &
           ((1u << bits) - 1u);
}

static weft_status read_row(const unsigned char *data, const layout *l,
                            const unsigned char *row, unsigned char *to)
{
    for (int x = 0; x < l->width; x++, to += 3) {
        const unsigned char *bgr = row + (size_t)x * (size_t)(l->bits / 8);
        if (l->bits <= 8) {
            uint32_t i = index_of(row, x, l->bits);
            if (i >= l->colours)
                return weft__fail(
                    WEFT_EDATA, "BMP damaged near byte %zu: colour %lu of %lu",
                    (size_t)(row - data), (unsigned long)i, (unsigned long)l->colours);
            bgr = data + l->palette_at + (size_t)i * (size_t)l->entry;
        }
        to[0] = bgr[2];
        to[1] = bgr[1];
        to[2] = bgr[0];
    }
    return WEFT_OK;
}

static weft_status decode(const unsigned char *data, size_t size, size_t max_pixels,
                          weft__picture *p)
{
    layout l;
    size_t bytes;
    weft_status s = parse(data, size, &l);
    (void)max_pixels; /* the header was held to it */
    if (s) return s;
    bytes = l.row * (size_t)l.height;
    if (l.pixels_at > size || size - l.pixels_at < bytes)
        return weft__fail(WEFT_EDATA, "BMP truncated at byte %zu (needs %zu)", size,
                          l.pixels_at + bytes);
    if (l.bits <= 8 && size - l.palette_at < (size_t)l.colours * (size_t)l.entry)
        return weft__fail(WEFT_EDATA, "BMP truncated at byte %zu, in the palette", size);
    for (int y = 0; !s && y < l.height; y++) {
        size_t from = (size_t)(l.top_down ? y : l.height - 1 - y);
        s = read_row(data, &l, data + l.pixels_at + from * l.row,
                     p->pixels + (size_t)y * (size_t)p->width * 3);
    }
    return s;
}

const weft__decoder weft_decoder_bmp = {
    .name = "BMP",
    .suffixes = "bmp dib",
    .sniff = sniff,
    .header = header,
    .decode = decode,
};
