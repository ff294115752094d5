/* Tests of base/hash.h. */
#include "test.h"

#include "base/hash.h"
#include "base/rng.h"

static const char *sha256(const void *data, size_t bytes)
{
    static char text[65];
    unsigned char digest[32];
    weft__sha256 s;
    weft__sha256_start(&s);
    weft__sha256_add(&s, data, bytes);
    weft__sha256_end(&s, digest);
    weft__hex(text, digest, 32);
    return text;
}

static void sha256_gives_the_published_answers(void **state)
{
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *million = malloc(1000000);
    (void)state;
    CHECK(million != NULL);
    memset(million, 'a', 1000000);
    CHECK_TEXT(sha256("", 0),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_TEXT(sha256("abc", 3),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_TEXT(sha256(two_blocks, strlen(two_blocks)),
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK_TEXT(sha256(million, 1000000),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void sums_do_not_depend_on_how_the_data_comes(void **state)
{
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_TEST, 0);
    unsigned char data[700], digest[32];
    char text[65];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)weft__rng_u32(&r);
    for (size_t n = 0; n <= sizeof data; n++) {
        weft__sha256 s;
        uint32_t crc = 0;
        weft__sha256_start(&s);
        for (size_t at = 0; at < n;) {
            size_t more = weft__rng_below(&r, 130);
            if (more > n - at) more = n - at;
            weft__sha256_add(&s, data + at, more);
            crc = weft__crc32(crc, data + at, more);
            at += more;
        }
        weft__sha256_end(&s, digest);
        weft__hex(text, digest, 32);
        CHECK_TEXT(text, sha256(data, n));
        CHECK(crc == weft__crc32(0, data, n));
    }
}

static void crc32_gives_the_published_answers(void **state)
{
    const char *fox = "The quick brown fox jumps over the lazy dog";
    (void)state;
    CHECK(weft__crc32(0, "", 0) == 0);
    CHECK(weft__crc32(0, "123456789", 9) == 0xcbf43926);
    CHECK(weft__crc32(0, fox, strlen(fox)) == 0x414fa339);
}

static void every_flipped_bit_changes_the_sums(void **state)
{
    unsigned char data[96] = "a checksum that misses one bit is no checksum";
    uint32_t crc = weft__crc32(0, data, sizeof data);
    char before[65];
    (void)state;
    strcpy(before, sha256(data, sizeof data));
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(weft__crc32(0, data, sizeof data) != crc);
        CHECK(strcmp(sha256(data, sizeof data), before) != 0);
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

RUN_TESTS(TEST(sha256_gives_the_published_answers),
          TEST(sums_do_not_depend_on_how_the_data_comes),
          TEST(crc32_gives_the_published_answers),
          TEST(every_flipped_bit_changes_the_sums))
