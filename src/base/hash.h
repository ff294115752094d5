/* hash.h: SHA-256 (FIPS 180-4) and CRC-32 (zlib's polynomial), for checksums. */
#ifndef WEFT_SRC_BASE_HASH_H
#define WEFT_SRC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct weft__sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
} weft__sha256;

void weft__sha256_start(weft__sha256 *s);
void weft__sha256_add(weft__sha256 *s, const void *data, size_t bytes);
void weft__sha256_end(weft__sha256 *s, unsigned char digest[32]);

/* Writes 2n digits and a NUL. */
void weft__hex(char *text, const unsigned char *bytes, size_t n);

/* crc is 0 at first, then the result so far. */
uint32_t weft__crc32(uint32_t crc, const void *data, size_t bytes);

#endif
