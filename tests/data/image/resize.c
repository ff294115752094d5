/* Tests of weft__picture_fit: sizes, channels, the three ways to fit. */
#include "make.h"

#include "data/image/picture.h"

static unsigned char pattern[7 * 9];

static weft__picture grey(void)
{
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 9; j++)
            pattern[i * 9 + j] = (unsigned char)(i * 37 + j * 91 + i * j * 5);
    return (weft__picture){1, 7, 9, pattern, NULL, false};
}

/* torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True) of
 * PyTorch 1.13 on the pattern as floats; ours is 8 bit in between, so it may be off by
 * one. */
static void sizes_agree_with_pytorch_within_one(void **state)
{
    static const double small[] = {99.69,  116.31, 106.42, 118.41, 118.37, 122.6,
                                   129.09, 117.8,  126.08, 119.28, 148.26, 125.02};
    static const double narrow[] = {94.1,   121.9,  123.99, 101.45, 110.61,
                                    109.85, 126.07, 143.48, 116.3,  108.61,
                                    117.34, 156.66, 147.23, 121.79};
    static const double large[] = {0,     49,     112,    175, 80.46, 45,    108,
                                   171,   135.54, 41,     104, 167,   216,   20.35,
                                   70.83, 135.73, 200.64, 108, 74.45, 139.35};
    weft__picture p = grey();
    unsigned char out[200];
    (void)state;
    CHECK(weft__picture_fit(&p, 1, 3, 4, WEFT_FIT_STRETCH, out) == WEFT_OK);
    for (int i = 0; i < 12; i++) CHECK_NEAR(out[i], small[i], 1.0);
    CHECK(weft__picture_fit(&p, 1, 7, 2, WEFT_FIT_STRETCH, out) == WEFT_OK);
    for (int i = 0; i < 14; i++) CHECK_NEAR(out[i], narrow[i], 1.0);
    CHECK(weft__picture_fit(&p, 1, 10, 13, WEFT_FIT_STRETCH, out) == WEFT_OK);
    for (int i = 0; i < 20; i++) CHECK_NEAR(out[i], large[i], 1.0);
    CHECK(weft__picture_fit(&p, 1, 1, 1, WEFT_FIT_STRETCH, out) == WEFT_OK);
    CHECK_NEAR(out[0], 121.45, 1.0);
}

/* Image.resize(size, Image.BILINEAR) of Pillow 9.4: two sizes of the pattern, and lines
 * whose weights, cut off at 22 bits instead of rounded, give other bytes. */
static void bytes_are_pillows(void **state)
{
    static const unsigned char small[] = {100, 116, 106, 119, 118, 123,
                                          129, 118, 126, 119, 148, 125};
    static const unsigned char large[] = {
        0,   49,  112, 175, 80,  45,  108, 171, 136, 41,  104, 167, 216, 20,
        71,  136, 201, 108, 75,  139, 107, 84,  78,  143, 143, 118, 46,  99,
        151, 175, 119, 112, 179, 69,  58,  120, 144, 107, 56,  72};
    static unsigned char line[][4] = {
        {34, 241, 226, 109}, {128, 191, 194, 23}, {55, 190, 112, 103}};
    static const unsigned char longer[][9] = {
        {34, 69, 161, 240, 234, 227, 181, 129, 109},
        {128, 139, 167, 191, 193, 194, 128, 52, 23},
        {55, 78, 138, 186, 151, 116, 109, 105, 103}};
    weft__picture p = grey();
    unsigned char out[200];
    (void)state;
    CHECK(weft__picture_fit(&p, 1, 3, 4, WEFT_FIT_STRETCH, out) == WEFT_OK);
    CHECK(!memcmp(out, small, sizeof small));
    CHECK(weft__picture_fit(&p, 1, 10, 13, WEFT_FIT_STRETCH, out) == WEFT_OK);
    CHECK(!memcmp(out, large, sizeof large));
    for (int i = 0; i < 3; i++) {
        weft__picture row = {1, 1, 4, line[i], NULL, false};
        weft__picture column = {1, 4, 1, line[i], NULL, false};
        CHECK(weft__picture_fit(&row, 1, 1, 9, WEFT_FIT_STRETCH, out) == WEFT_OK);
        CHECK(!memcmp(out, longer[i], 9));
        CHECK(weft__picture_fit(&column, 1, 9, 1, WEFT_FIT_STRETCH, out) == WEFT_OK);
        CHECK(!memcmp(out, longer[i], 9));
    }
}

static void the_same_size_changes_nothing(void **state)
{
    weft__picture p = grey();
    unsigned char out[63];
    (void)state;
    for (int fit = 0; fit < 3; fit++) {
        CHECK(weft__picture_fit(&p, 1, 7, 9, (weft_image_fit)fit, out) == WEFT_OK);
        CHECK(!memcmp(out, pattern, sizeof out));
    }
}

static void one_colour_stays_one_colour(void **state)
{
    static unsigned char flat[50 * 33 * 3], out[64 * 64 * 3];
    weft__picture p = {3, 50, 33, flat, NULL, false};
    (void)state;
    memset(flat, 201, sizeof flat);
    for (int side = 1; side <= 64; side += 9) {
        CHECK(weft__picture_fit(&p, 3, side, 65 - side, WEFT_FIT_STRETCH, out) ==
              WEFT_OK);
        for (int i = 0; i < side * (65 - side) * 3; i++) CHECK(out[i] == 201);
    }
}

static void letterbox_pads_with_grey_114(void **state)
{
    unsigned char wide[2 * 8], out[8 * 8];
    weft__picture p = {1, 2, 8, wide, NULL, false};
    (void)state;
    memset(wide, 50, sizeof wide);
    CHECK(weft__picture_fit(&p, 1, 8, 8, WEFT_FIT_LETTERBOX, out) == WEFT_OK);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            CHECK(out[y * 8 + x] == (y == 3 || y == 4 ? 50 : 114));
}

static void letterbox_never_loses_a_thin_picture(void **state)
{
    static unsigned char line[5000], out[3 * 8 * 8];
    weft__picture p = {1, 1, 5000, line, NULL, false};
    int seen = 0;
    (void)state;
    CHECK(weft__picture_fit(&p, 3, 8, 8, WEFT_FIT_LETTERBOX, out) == WEFT_OK);
    for (size_t i = 0; i < sizeof out; i++) seen += out[i] == 0;
    CHECK(seen == 8 * 3);
}

static void crop_keeps_the_middle(void **state)
{
    unsigned char wide[2 * 8], out[4];
    weft__picture p = {1, 2, 8, wide, NULL, false};
    (void)state;
    for (int i = 0; i < 16; i++) wide[i] = i % 8 == 3 || i % 8 == 4 ? 200 : 10;
    CHECK(weft__picture_fit(&p, 1, 2, 2, WEFT_FIT_CROP, out) == WEFT_OK);
    for (int i = 0; i < 4; i++) CHECK(out[i] == 200);
}

static void colours_become_grey_by_itu_601_and_grey_becomes_rgb(void **state)
{
    unsigned char rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}, g[4],
                  three[12];
    weft__picture p = {3, 2, 2, rgb, NULL, false}, q = {1, 2, 2, g, NULL, false};
    (void)state;
    CHECK(weft__picture_fit(&p, 1, 2, 2, WEFT_FIT_STRETCH, g) == WEFT_OK);
    CHECK(g[0] == 76 && g[1] == 150 && g[2] == 29 && g[3] == 255);
    CHECK(weft__picture_fit(&q, 3, 2, 2, WEFT_FIT_STRETCH, three) == WEFT_OK);
    for (int i = 0; i < 12; i++) CHECK(three[i] == g[i / 3]);
}

static void orientations_turn_the_picture_upright(void **state)
{
    /* Of the picture "ab / cd / ef" as stored, what is seen. */
    static const char *const seen[] = {"abcdef", "badcfe", "fedcba", "efcdab",
                                       "acebdf", "ecafdb", "fdbeca", "bdface"};
    (void)state;
    for (int o = 1; o <= 8; o++) {
        weft__picture p = {1, 3, 2, NULL, NULL, false};
        p.pixels = malloc(6);
        CHECK(p.pixels != NULL);
        memcpy(p.pixels, "abcdef", 6);
        CHECK(weft__picture_turn(&p, o) == WEFT_OK);
        CHECK(p.height == (o < 5 ? 3 : 2) && p.width == (o < 5 ? 2 : 3));
        CHECK(!memcmp(p.pixels, seen[o - 1], 6));
        free(p.pixels);
    }
}

RUN_TESTS(TEST(sizes_agree_with_pytorch_within_one), TEST(bytes_are_pillows),
          TEST(the_same_size_changes_nothing), TEST(one_colour_stays_one_colour),
          TEST(letterbox_pads_with_grey_114), TEST(letterbox_never_loses_a_thin_picture),
          TEST(crop_keeps_the_middle),
          TEST(colours_become_grey_by_itu_601_and_grey_becomes_rgb),
          TEST(orientations_turn_the_picture_upright))
