/* hash.c: SHA-256 (FIPS 180-4) and CRC-32 (the polynomial of zlib, PNG and gzip). */
#include "base/hash.h"

#include <pthread.h>
#include <string.h>

static const uint32_t sha_word[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static uint32_t turn(uint32_t v, int by)
{
    return v >> by | v << (32 - by);
}

/* One round. The caller turns the letters round by one from call to call, which costs
 * nothing, where moving the values would. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
    do { \
        uint32_t t = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + \
                     ((e & f) ^ (~e & g)) + sha_word[i] + w[i]; \
        d += t; \
        h = t + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + \
            ((a & b) ^ (a & c) ^ (b & c)); \
    } while (0)

static void sha_block(uint32_t state[8], const unsigned char *p)
{
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ x >> 3) +
               (turn(y, 17) ^ turn(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 64; i += 8) {
        ROUND(a, b, c, d, e, f, g, h, i);
        ROUND(h, a, b, c, d, e, f, g, i + 1);
        ROUND(g, h, a, b, c, d, e, f, i + 2);
        ROUND(f, g, h, a, b, c, d, e, i + 3);
        ROUND(e, f, g, h, a, b, c, d, i + 4);
        ROUND(d, e, f, g, h, a, b, c, i + 5);
        ROUND(c, d, e, f, g, h, a, b, i + 6);
        ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void weft__sha256_start(weft__sha256 *s)
{
    *s = (weft__sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void weft__sha256_add(weft__sha256 *s, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    size_t held = s->bytes % 64;
    s->bytes += bytes;
    if (held && bytes) {
        size_t more = 64 - held < bytes ? 64 - held : bytes;
        memcpy(s->block + held, p, more);
        p += more;
        bytes -= more;
        if (held + more < 64) return;
        sha_block(s->state, s->block);
    }
    for (; bytes >= 64; p += 64, bytes -= 64) sha_block(s->state, p);
    if (bytes) memcpy(s->block, p, bytes);
}

void weft__sha256_end(weft__sha256 *s, unsigned char digest[32])
{
    unsigned char pad[72] = {0x80};
    uint64_t bits = s->bytes * 8;
    size_t zeros = 64 - (s->bytes + 8) % 64; /* with the 0x80: 1 to 64 */
    for (int i = 0; i < 8; i++)
        pad[zeros + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
    weft__sha256_add(s, pad, zeros + 8);
    for (int i = 0; i < 32; i++)
        digest[i] = (unsigned char)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

void weft__hex(char *text, const unsigned char *bytes, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *text++ = digit[bytes[i] >> 4];
        *text++ = digit[bytes[i] & 15];
    }
    *text = 0;
}

/* crc_table[k][b] is the checksum of byte b followed by k zero bytes, so that eight
 * bytes are taken at a time. */
static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void make_crc_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int bit = 0; bit < 8; bit++) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
        crc_table[0][b] = c;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) {
            uint32_t c = crc_table[k - 1][b];
            crc_table[k][b] = c >> 8 ^ crc_table[0][c & 255];
        }
}

uint32_t weft__crc32(uint32_t crc, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    uint32_t c = ~crc;
    pthread_once(&crc_once, make_crc_table);
    for (; bytes >= 8; p += 8, bytes -= 8) {
        c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
             (uint32_t)p[3] << 24;
        c = crc_table[7][c & 255] ^ crc_table[6][c >> 8 & 255] ^
            crc_table[5][c >> 16 & 255] ^ crc_table[4][c >> 24] ^ crc_table[3][p[4]] ^
            crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
    }
    while (bytes--) c = c >> 8 ^ crc_table[0][(c ^ *p++) & 255];
    return ~c;
}
