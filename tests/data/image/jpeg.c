/* Tests of JPEG: cut, progressive, CMYK, turned and hostile files. */
#include "encode.h"

#include "data/image/picture.h"

static unsigned char loaded[H * W * 3];
static int c, h, w;

static weft_status load_bytes(const bytes *b)
{
    const char *path = test_path("picture.jpg");
    unsigned char *p;
    weft_status s;
    test_write(path, b->data, b->size);
    s = weft_image_load(path, 0, &c, &h, &w, &p);
    if (s) return s;
    CHECK((size_t)(c * h * w) <= sizeof loaded);
    memcpy(loaded, p, (size_t)(c * h * w));
    free(p);
    return WEFT_OK;
}

static void colours_come_back(void **state)
{
    bytes b = make_jpeg(RGB_444, false);
    (void)state;
    CHECK(load_bytes(&b) == WEFT_OK);
    CHECK(c == 3 && h == H && w == W);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            CHECK_NEAR(loaded[(y * W + x) * 3], x * 6, 10);
            CHECK_NEAR(loaded[(y * W + x) * 3 + 1], y * 10, 10);
            CHECK_NEAR(loaded[(y * W + x) * 3 + 2], 80, 10);
        }
    drop(&b);
}

static void grey_stays_one_channel(void **state)
{
    bytes b = make_jpeg(GREY, true);
    (void)state;
    CHECK(load_bytes(&b) == WEFT_OK);
    CHECK(c == 1 && h == H && w == W);
    CHECK_NEAR(loaded[20], 120, 6);
    drop(&b);
}

static void cut_anywhere_is_truncated_baseline_and_progressive(void **state)
{
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        bytes b = make_jpeg(RGB_420, progressive);
        size_t whole = b.size;
        CHECK(load_bytes(&b) == WEFT_OK);
        for (int k = 0; k < 64; k++) {
            char where[64];
            b.size = whole * (size_t)k / 64;
            CHECK(load_bytes(&b) == WEFT_EDATA);
            snprintf(where, sizeof where, "truncated at byte %zu", b.size);
            if (b.size > 2) CHECK_HAS(weft_last_error(), where);
        }
        drop(&b);
    }
}

/* The picture's end is lost but a marker says all is well. */
static void a_cut_with_an_end_marker_is_not_filled_with_grey(void **state)
{
    bytes b = make_jpeg(RGB_444, false);
    (void)state;
    b.size -= b.size / 4;
    put(&b, "\xff\xd9", 2);
    CHECK(load_bytes(&b) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "JPEG damaged");
    drop(&b);
}

static void cmyk_is_taken_as_adobe_writes_it(void **state)
{
    bytes b = make_jpeg(CMYK, false);
    (void)state;
    CHECK(load_bytes(&b) == WEFT_OK);
    CHECK(c == 3 && h == H && w == W);
    CHECK_NEAR(loaded[20 * 3], 120, 10); /* K is 255: no black */
    CHECK_NEAR(loaded[20 * 3 + 2], 80, 10);
    drop(&b);
}

/* Puts an APP1 with EXIF's orientation behind the first two bytes. */
static void add_orientation(bytes *b, int o, bool little)
{
    static const unsigned char big[] =
        "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0?\0\0\0\0\0\0";
    static const unsigned char small[] =
        "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0?\0\0\0\0\0\0\0";
    bytes made = {0};
    put(&made,
        "\xff\xd8\xff\xe1\0\x22"
        "Exif\0\0",
        12);
    put(&made, little ? small : big, 26);
    made.data[12 + (little ? 18 : 19)] = (unsigned char)o;
    put(&made, b->data + 2, b->size - 2);
    drop(b);
    *b = made;
}

static void orientation_is_applied(void **state)
{
    /* x*6 is red and y*10 is green of what is stored: the top left corner's value. */
    static const int red[] = {0, 234, 234, 0, 0, 0, 234, 234};
    static const int green[] = {0, 0, 230, 230, 0, 230, 230, 0};
    (void)state;
    for (int o = 1; o <= 8; o++)
        for (int little = 0; little < 2; little++) {
            bytes b = make_jpeg(RGB_444, false);
            weft__picture p;
            add_orientation(&b, o, little);
            CHECK(load_bytes(&b) == WEFT_OK);
            CHECK(h == (o < 5 ? H : W) && w == (o < 5 ? W : H));
            CHECK_NEAR(loaded[0], red[o - 1], 12);
            CHECK_NEAR(loaded[1], green[o - 1], 12);
            CHECK(weft__picture_file(test_path("picture.jpg"), 10000, true, &p) ==
                  WEFT_OK);
            CHECK(p.height == h && p.width == w && p.channels == 3);
            drop(&b);
        }
}

static void odd_orientations_are_none(void **state)
{
    static const int odd[] = {0, 9, 255};
    (void)state;
    for (int i = 0; i < 3; i++) {
        bytes b = make_jpeg(RGB_444, false);
        add_orientation(&b, odd[i], false);
        CHECK(load_bytes(&b) == WEFT_OK);
        CHECK(h == H && w == W);
        drop(&b);
    }
}

/* Where marker m stands in b. */
static size_t find_marker(const bytes *b, int m)
{
    for (size_t i = 2; i + 1 < b->size; i++)
        if (b->data[i] == 0xff && b->data[i + 1] == m) return i;
    FAIL("the marker is there");
    return 0;
}

static void huge_headers_are_refused(void **state)
{
    bytes b = make_jpeg(RGB_444, false);
    size_t at = find_marker(&b, 0xc0);
    (void)state;
    memset(b.data + at + 5, 0xff, 4);
    CHECK(load_bytes(&b) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "65535 x 65535 pixels, 64 megapixels are allowed");
    memset(b.data + at + 5, 0, 2);
    CHECK(load_bytes(&b) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "65535 x 0 pixels");
    drop(&b);
}

static void thousands_of_scans_are_refused(void **state)
{
    bytes b = make_jpeg(RGB_444, true), bomb = {0};
    size_t scan = find_marker(&b, 0xda), next = scan + 2;
    (void)state;
    while (b.data[next] != 0xff || b.data[next + 1] == 0) next++;
    put(&bomb, b.data, scan);
    for (int i = 0; i < 3000; i++) put(&bomb, b.data + scan, next - scan);
    put(&bomb, b.data + next, b.size - next);
    CHECK(load_bytes(&bomb) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "scans (500 are allowed)");
    drop(&bomb);
    drop(&b);
}

static void no_changed_byte_crashes(void **state)
{
    bytes b = make_jpeg(RGB_420, true);
    int bad = 0;
    (void)state;
    for (size_t i = 2; i < b.size; i += 3) {
        unsigned char kept = b.data[i];
        weft__picture p;
        b.data[i] ^= (unsigned char)(1 << i % 8);
        if (weft__picture_decode(b.data, b.size, 1000000, &p))
            bad++;
        else
            free(p.pixels);
        b.data[i] = kept;
    }
    CHECK(bad > 0);
    drop(&b);
}

static void jpeg_is_refused_by_name_where_it_is_not_built(void **state)
{
    unsigned char p[4];
    (void)state;
    if (weft__decoder_named("JPEG")) skip();
    test_write(test_path("a.jpg"), "\xff\xd8\xff\xe0", 4);
    CHECK(weft_image_read(test_path("a.jpg"), 1, 2, 2, WEFT_FIT_STRETCH, 0, p) ==
          WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "JPEG is not supported in this build");
}

RUN_TESTS(TEST(colours_come_back), TEST(grey_stays_one_channel),
          TEST(cut_anywhere_is_truncated_baseline_and_progressive),
          TEST(a_cut_with_an_end_marker_is_not_filled_with_grey),
          TEST(cmyk_is_taken_as_adobe_writes_it), TEST(orientation_is_applied),
          TEST(odd_orientations_are_none), TEST(huge_headers_are_refused),
          TEST(thousands_of_scans_are_refused), TEST(no_changed_byte_crashes),
          TEST(jpeg_is_refused_by_name_where_it_is_not_built))
