/* pnm.c: the netpbm formats P1 to P6: bitmaps, grey and colour, in text and binary. */
#include "data/image/picture.h"
#include "base/error.h"

#include <string.h>

/* A cursor over the file; `failed` once a number was not there. */
typedef struct cursor {
    const unsigned char *data;
    size_t size, at;
    bool failed;
} cursor;

static bool blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool sniff(const unsigned char *data, size_t size)
{
    return size >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' &&
           (blank(data[2]) || data[2] == '#');
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->size && (blank(c->data[c->at]) || c->data[c->at] == '#')) {
        if (c->data[c->at] == '#')
            while (c->at < c->size && c->data[c->at] != '\n') c->at++;
        else
            c->at++;
    }
}

/* A decimal number of at most nine digits, after blanks and comments. */
static uint32_t number(cursor *c)
{
    uint32_t v = 0;
    int digits = 0;
    skip_blanks(c);
    while (c->at < c->size && c->data[c->at] >= '0' && c->data[c->at] <= '9') {
        if (++digits > 9) break;
        v = v * 10 + (uint32_t)(c->data[c->at++] - '0');
    }
    if (!digits || digits > 9) c->failed = true;
    return v;
}

static weft_status stopped(const cursor *c)
{
    if (c->at >= c->size)
        return weft__fail(WEFT_EDATA, "PNM truncated at byte %zu", c->size);
    return weft__fail(WEFT_EDATA, "PNM damaged at byte %zu: no number", c->at);
}

/* Reads the header; c stands after it, before the blank that ends it. */
static weft_status parse(cursor *c, weft__picture *out, uint32_t *most)
{
    int kind = c->data[1] - '0';
    uint32_t w, h, m = 1;
    c->at = 2;
    w = number(c);
    h = number(c);
    if (kind != 1 && kind != 4) m = number(c);
    if (c->failed) return stopped(c);
    if (m < 1 || m > 65535)
        return weft__fail(WEFT_EDATA, "PNM header says a maximum of %lu (1 to 65535)",
                          (unsigned long)m);
    out->width = (int)w;
    out->height = (int)h;
    out->channels = kind == 3 || kind == 6 ? 3 : 1;
    *most = m;
    return WEFT_OK;
}

static weft_status header(const unsigned char *data, size_t size, weft__picture *out)
{
    cursor c = {data, size, 0, false};
    uint32_t most;
    return parse(&c, out, &most);
}

static unsigned char to_byte(uint32_t v, uint32_t most)
{
    return (unsigned char)((v * 255u + most / 2) / most);
}

static weft_status too_bright(uint32_t v, uint32_t most, size_t at)
{
    return weft__fail(WEFT_EDATA, "PNM damaged at byte %zu: value %lu above %lu", at,
                      (unsigned long)v, (unsigned long)most);
}

/* P1, P2, P3. The digits of P1 need no blanks between them; 1 is black. */
static weft_status read_text(cursor *c, uint32_t most, bool bits, weft__picture *p)
{
    size_t n = (size_t)p->width * (size_t)p->height * (size_t)p->channels;
    for (size_t i = 0; i < n; i++) {
        uint32_t v;
        if (bits) {
            skip_blanks(c);
            c->failed = c->at >= c->size || (c->data[c->at] | 1) != '1';
            v = c->failed ? 0 : (uint32_t)('1' - c->data[c->at++]);
        } else {
            v = number(c);
        }
        if (c->failed) return stopped(c);
        if (v > most) return too_bright(v, most, c->at);
        p->pixels[i] = to_byte(v, most);
    }
    return WEFT_OK;
}

/* P4: rows of bits, each row padded to a byte; 1 is black. */
static void read_bits(const unsigned char *from, weft__picture *p)
{
    size_t row = ((size_t)p->width + 7) / 8;
    unsigned char *to = p->pixels;
    for (int y = 0; y < p->height; y++, from += row)
        for (int x = 0; x < p->width; x++)
            *to++ = from[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

/* P5, P6: one byte a value, or two (high first) when the maximum is above 255. */
static weft_status read_values(const unsigned char *from, size_t n, uint32_t most,
                               size_t at, weft__picture *p)
{
    size_t bytes = most > 255 ? 2 : 1;
    for (size_t i = 0; i < n; i++, from += bytes) {
        uint32_t v = bytes == 2 ? (uint32_t)from[0] << 8 | from[1] : from[0];
        if (v > most) return too_bright(v, most, at + i * bytes);
        p->pixels[i] = to_byte(v, most);
    }
    return WEFT_OK;
}

static weft_status decode(const unsigned char *data, size_t size, size_t max_pixels,
                          weft__picture *p)
{
    cursor c = {data, size, 0, false};
    weft__picture again = {0};
    size_t n = (size_t)p->width * (size_t)p->height * (size_t)p->channels, need;
    uint32_t most = 1;
    int kind = data[1] - '0';
    weft_status s = parse(&c, &again, &most);
    (void)max_pixels; /* the header was held to it */
    if (s) return s;
    if (kind <= 3) return read_text(&c, most, kind == 1, p);
    need = kind == 4 ? ((size_t)p->width + 7) / 8 * (size_t)p->height
                     : n * (most > 255 ? 2 : 1);
    if (c.at >= size || size - c.at - 1 < need)
        return weft__fail(WEFT_EDATA, "PNM truncated at byte %zu (needs %zu)", size,
                          c.at + 1 + need);
    if (!blank(data[c.at]))
        return weft__fail(WEFT_EDATA, "PNM damaged at byte %zu: no blank", c.at);
    c.at++;
    if (kind == 4) {
        read_bits(data + c.at, p);
        return WEFT_OK;
    }
    return read_values(data + c.at, n, most, c.at, p);
}

const weft__decoder weft_decoder_pnm = {
    .name = "PNM",
    .suffixes = "ppm pgm pbm pnm",
    .sniff = sniff,
    .header = header,
    .decode = decode,
};
