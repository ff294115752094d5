/* pixels.h: tiny sets of grey pictures as IDX files, for tests of the loop whose
 * numbers are worked out by hand. */
#ifndef WEFT_TEST_TRAIN_PIXELS_H
#define WEFT_TEST_TRAIN_PIXELS_H

#include "test.h"

#include "weft/base.h"

/* These sets are small on purpose: no warnings in the test's output. */
__attribute__((constructor)) static inline void be_quiet(void)
{
    weft_set_quiet(2);
}

static inline void pixels_head(FILE *f, const uint32_t *word, int words)
{
    for (int i = 0; i < words; i++)
        for (int k = 24; k >= 0; k -= 8) CHECK(fputc((int)(word[i] >> k & 255), f) >= 0);
}

/* Writes FOLDER/train-images-idx3-ubyte and its labels: count pictures of one row of
 * `wide` pixels. Returns the folder. */
static inline const char *pixels_write(const char *folder, int count, int wide,
                                       const unsigned char *pixel,
                                       const unsigned char *label)
{
    uint32_t images[] = {0x803, (uint32_t)count, 1, (uint32_t)wide};
    uint32_t labels[] = {0x801, (uint32_t)count};
    static char path[1024];
    char name[1100];
    snprintf(path, sizeof path, "%s", test_path(folder));
    CHECK(!mkdir(path, 0700) || !access(path, W_OK));
    snprintf(name, sizeof name, "%s/train-images-idx3-ubyte", path);
    FILE *f = fopen(name, "wb");
    CHECK(f != NULL);
    pixels_head(f, images, 4);
    CHECK(fwrite(pixel, (size_t)wide, (size_t)count, f) == (size_t)count && !fclose(f));
    snprintf(name, sizeof name, "%s/train-labels-idx1-ubyte", path);
    f = fopen(name, "wb");
    CHECK(f != NULL);
    pixels_head(f, labels, 2);
    CHECK(fwrite(label, 1, (size_t)count, f) == (size_t)count && !fclose(f));
    return path;
}

#endif
