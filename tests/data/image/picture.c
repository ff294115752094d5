/* Tests of pictures from files: PNG, PNM and BMP, odd, cut and hostile ones. */
#include "make.h"

#include "data/image/picture.h"

#include <sys/wait.h>

/* The picture that was loaded last. */
static unsigned char pixels[4096];
static int c, h, w;

static weft_status load_file(const char *path)
{
    unsigned char *p;
    weft_status s = weft_image_load(path, 0, &c, &h, &w, &p);
    if (s) return s;
    CHECK((size_t)(c * h * w) <= sizeof pixels);
    memcpy(pixels, p, (size_t)(c * h * w));
    free(p);
    return WEFT_OK;
}

static weft_status load_bytes(const bytes *b)
{
    const char *path = test_path("picture.pgm");
    test_write(path, b->data, b->size);
    return load_file(path);
}

static void shape_is(int channels, int height, int width)
{
    CHECK(c == channels);
    CHECK(h == height);
    CHECK(w == width);
}

/* Every cut of a good file is refused, with the byte where it ends. */
static void cuts_are_refused(bytes *b)
{
    size_t whole = b->size;
    CHECK(load_bytes(b) == WEFT_OK);
    for (int k = 0; k < 16; k++) {
        char where[64];
        b->size = whole * (size_t)k / 16;
        CHECK(load_bytes(b) == WEFT_EDATA);
        if (b->size < 10) continue; /* too short to know a BMP by */
        snprintf(where, sizeof where, "truncated at byte %zu", b->size);
        CHECK_HAS(weft_last_error(), where);
    }
    drop(b);
}

static void png_that_was_written_reads_back_the_same(void **state)
{
    unsigned char p[5 * 7 * 3];
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    for (int channels = 1; channels <= 3; channels += 2) {
        const char *path = test_path("written.png");
        size_t n = (size_t)(5 * 7 * channels);
        for (size_t i = 0; i < n; i++) p[i] = (unsigned char)(i * 37);
        CHECK(weft_image_write_png(path, channels, 5, 7, p) == WEFT_OK);
        CHECK(load_file(path) == WEFT_OK);
        shape_is(channels, 5, 7);
        CHECK(!memcmp(p, pixels, n));
    }
}

static void png_of_16_bits_is_rounded_to_8(void **state)
{
    static const unsigned char row[] = {0, 0, 0x80, 0x7f, 0x80, 0x81, 0xff, 0xff};
    bytes b = {0};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    png_header(&b, 4, 1, 16, 0);
    png_rows(&b, row, sizeof row, 1);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(1, 1, 4);
    CHECK(pixels[0] == 0 && pixels[3] == 255);
    CHECK(pixels[1] == 128); /* 0x807f / 257 = 127.99 */
    CHECK(pixels[2] == 128);
    drop(&b);
}

static void png_grey_of_1_bit_is_black_and_white(void **state)
{
    bytes b = {0};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    png_header(&b, 5, 1, 1, 0);
    png_rows(&b, "\xa8", 1, 1);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(1, 1, 5);
    CHECK(!memcmp(pixels, "\xff\0\xff\0\xff", 5));
    drop(&b);
}

static void png_palette_becomes_rgb_and_its_transparency_white(void **state)
{
    bytes b = {0};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    png_header(&b, 3, 1, 8, 3);
    png_chunk(&b, "PLTE", "\x0a\x14\x1e\xc8\x64\x32\x01\x02\x03", 9);
    png_chunk(&b, "tRNS", "\xff\x00\x80", 3);
    png_rows(&b, "\0\1\2", 3, 1);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(3, 1, 3);
    CHECK(!memcmp(pixels, "\x0a\x14\x1e\xff\xff\xff", 6));
    CHECK(pixels[6] == (1 * 128 + 255 * 127 + 127) / 255);
    drop(&b);
}

static void png_alpha_is_put_on_white(void **state)
{
    static const unsigned char rgba[] = {100, 150, 200, 255, 100, 150, 200, 0};
    static const unsigned char ga[] = {100, 255, 100, 51};
    bytes b = {0};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    png_header(&b, 2, 1, 8, 6);
    png_rows(&b, rgba, 8, 1);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(3, 1, 2);
    CHECK(!memcmp(pixels, "\x64\x96\xc8\xff\xff\xff", 6));
    drop(&b);
    png_header(&b, 2, 1, 8, 4);
    png_rows(&b, ga, 4, 1);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(1, 1, 2);
    CHECK(pixels[0] == 100 && pixels[1] == 224); /* 0.2 * 100 + 0.8 * 255 */
    drop(&b);
}

static void png_cut_anywhere_is_truncated(void **state)
{
    unsigned char rows[16 * 16 * 3];
    bytes b = {0};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (unsigned char)(i * 7);
    png_header(&b, 16, 16, 8, 2);
    png_rows(&b, rows, 48, 16);
    cuts_are_refused(&b);
}

static void png_with_a_flipped_bit_is_damaged(void **state)
{
    bytes b = {0};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    png_header(&b, 4, 4, 8, 0);
    png_rows(&b, "abcdefghijklmnop", 4, 4);
    b.data[60] ^= 4;
    CHECK(load_bytes(&b) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "damaged near byte");
    drop(&b);
}

/* In a child with 600 MB of address space. */
static int in_little_memory(weft_status (*call)(const bytes *b), const bytes *b)
{
    int status;
    pid_t child;
    fflush(NULL);
    child = fork();
    if (!child) {
        limit_memory((size_t)600 << 20);
        _exit((int)call(b));
    }
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void huge_headers_are_refused_before_memory_is_taken(void **state)
{
    static const struct {
        uint32_t w, h;
        const char *says;
    } row[] = {{65535, 65535, "65535 x 65535"},
               {0x7fffffff, 1, "a side may have"},
               {0x80000000u, 0x80000000u, "2147483648"},
               {9000, 9000, "megapixels"}};
    (void)state;
    if (!weft__decoder_named("PNG")) skip();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes b = {0};
        png_header(&b, row[i].w, row[i].h, 8, 2);
        png_rows(&b, "abc", 3, 1);
        CHECK(load_bytes(&b) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), row[i].says);
        CHECK(in_little_memory(load_bytes, &b) == WEFT_EDATA);
        drop(&b);
    }
}

static void sides_of_zero_are_refused_and_of_one_are_fine(void **state)
{
    bytes b = {0};
    (void)state;
    put(&b, "P5 0 5 255 abcdef", 17);
    CHECK(load_bytes(&b) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "0 x 5");
    drop(&b);
    put(&b, "P5 1 1 255 a", 12);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(1, 1, 1);
    CHECK(*pixels == 'a');
    drop(&b);
    put(&b, "P5 7 1 255 abcdefg", 18);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(1, 1, 7);
    drop(&b);
    if (!weft__decoder_named("PNG")) return;
    png_header(&b, 0, 3, 8, 0);
    png_rows(&b, "", 0, 3);
    CHECK(load_bytes(&b) == WEFT_EDATA);
    drop(&b);
}

static void empty_text_and_foreign_files_are_named(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        const char *says;
    } row[] = {{"", 0, "empty (0 bytes)"},
               {"hello\nworld", 11, "it begins with \"hello.world\""},
               {"GIF89a\1\0\1\0", 10, "GIF is not supported"},
               {"RIFF\0\0\0\0WEBPVP8 ", 16, "WebP is not supported"},
               {"\0\0\0\x18"
                "ftypheic",
                12, "HEIC is not supported"},
               {"\0\0\0\x18"
                "ftypavif",
                12, "AVIF is not supported"},
               {"II*\0abcd", 8, "TIFF is not supported"}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes b = {0};
        put(&b, row[i].data, row[i].size);
        CHECK(load_bytes(&b) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), row[i].says);
        CHECK_HAS(weft_last_error(), test_path("picture.pgm"));
        if (i > 0) CHECK_HAS(weft_last_error(), "PNM");
        drop(&b);
    }
}

static void pnm_of_every_kind_is_read(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        int channels;
        const char *pixels;
    } row[] = {{"P1\n# a comment\n2 2\n1 0 01", 25, 1, "\0\xff\xff\0"},
               {"P2 2 2 15 0 15 5 3", 18, 1, "\0\xff\x55\x33"},
               {"P3 1 2 255 1 2 3\n4 5 6\n", 23, 3, "\1\2\3\4\5\6"},
               {"P4 2 2 \x40\x80", 9, 1, "\xff\0\0\xff"},
               {"P5 2 2 255 abcd", 15, 1, "abcd"},
               {"P5 2 2 65535 \0\0\xff\xff\x80\x80\0\xff", 21, 1, "\0\xff\x80\1"},
               {"P6 1 2 255 abcdef", 17, 3, "abcdef"}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes b = {0};
        put(&b, row[i].data, row[i].size);
        CHECK(load_bytes(&b) == WEFT_OK);
        CHECK(c == row[i].channels);
        CHECK(!memcmp(pixels, row[i].pixels, (size_t)(c * h * w)));
        drop(&b);
    }
}

static void pnm_damage_is_named(void **state)
{
    static const struct {
        const char *data, *says;
    } row[] = {{"P2 2 2 255 1 2 3", "truncated at byte 16"},
               {"P2 2 2 255 1 2 3 x", "damaged at byte 17"},
               {"P2 2 2 100 1 2 3 101", "value 101 above 100"},
               {"P5 4 4 255 abc", "truncated at byte 14"},
               {"P5 4 4 70000 abc", "maximum of 70000"},
               {"P5 99999999999 4 255 abc", "damaged at byte"},
               {"P5 -1 4 255 abc", "damaged at byte"},
               {"P6 60000 60000 255 abc", "megapixels"}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes b = {0};
        put(&b, row[i].data, strlen(row[i].data));
        CHECK(load_bytes(&b) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), row[i].says);
        drop(&b);
    }
}

static void put_le(bytes *b, uint32_t v, int n)
{
    for (int i = 0; i < n; i++) put_byte(b, i < 4 ? (int)(v >> 8 * i & 255) : 0);
}

static void bmp_head(bytes *b, int bits, int width, int height, int colours)
{
    put(b, "BM", 2);
    put_le(b, 0, 4);
    put_le(b, 0, 4);
    put_le(b, (uint32_t)(54 + 4 * colours), 4);
    put_le(b, 40, 4);
    put_le(b, (uint32_t)width, 4);
    put_le(b, (uint32_t)height, 4);
    put_le(b, 1, 2);
    put_le(b, (uint32_t)bits, 2);
    put_le(b, 0, 16);
    put_le(b, (uint32_t)colours, 4);
    put_le(b, 0, 4);
}

static void bmp_is_read_from_below_or_from_the_top(void **state)
{
    static const unsigned char want[] = {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10};
    bytes b = {0};
    (void)state;
    bmp_head(&b, 24, 2, -2, 0);
    put(&b, "\1\2\3\4\5\6\0\0\7\10\11\12\13\14\0\0", 16);
    CHECK(load_bytes(&b) == WEFT_OK);
    shape_is(3, 2, 2);
    CHECK(!memcmp(pixels, want, 12));
    drop(&b);
    bmp_head(&b, 24, 2, 2, 0);
    put(&b, "\7\10\11\12\13\14\0\0\1\2\3\4\5\6\0\0", 16);
    CHECK(load_bytes(&b) == WEFT_OK);
    CHECK(!memcmp(pixels, want, 12));
    cuts_are_refused(&b);
}

static void bmp_palette_is_held_to_its_size(void **state)
{
    bytes b = {0};
    (void)state;
    bmp_head(&b, 4, 3, 1, 2);
    put(&b, "\1\2\3\0\4\5\6\0\x01\x00\0\0", 12);
    CHECK(load_bytes(&b) == WEFT_OK);
    CHECK(!memcmp(pixels, "\3\2\1\6\5\4\3\2\1", 9));
    b.data[b.size - 4] = 0x21; /* colour 2 of 2 */
    CHECK(load_bytes(&b) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "colour 2 of 2");
    drop(&b);
}

static void a_picture_is_known_by_content_not_by_name(void **state)
{
    unsigned char p[4];
    const char *path = test_path("really-a-pgm.jpg");
    (void)state;
    write_pnm(path, 1, 2, 2, 9, 9);
    CHECK(weft_image_read(path, 1, 2, 2, WEFT_FIT_STRETCH, 0, p) == WEFT_OK);
    CHECK(p[3] == 9);
}

static void devices_pipes_and_folders_are_refused_at_once(void **state)
{
    unsigned char p[4];
    const char *fifo = test_path("fifo.png");
    const char *row[] = {fifo, "/dev/zero", test_folder(), test_path("missing.png")};
    (void)state;
    CHECK(!mkfifo(fifo, 0600));
    for (size_t i = 0; i < 4; i++) {
        CHECK(weft_image_read(row[i], 1, 2, 2, WEFT_FIT_STRETCH, 0, p) == WEFT_EIO);
        CHECK_HAS(weft_last_error(), row[i]);
    }
}

static void the_limit_of_megapixels_can_be_moved(void **state)
{
    const char *path = test_path("large.pgm");
    unsigned char p[4];
    (void)state;
    write_pnm(path, 1, 1000, 2000, 1, 1);
    CHECK(weft_image_read(path, 1, 2, 2, WEFT_FIT_STRETCH, 1.9, p) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "1.9 megapixels");
    CHECK(weft_image_read(path, 1, 2, 2, WEFT_FIT_STRETCH, 2, p) == WEFT_OK);
}

static void a_header_behind_a_long_comment_is_found(void **state)
{
    bytes b = {0};
    weft__picture p;
    (void)state;
    put(&b, "P5 #", 4);
    for (int i = 0; i < 100000; i++) put_byte(&b, 'x');
    put(&b, "\n2 2 255 abcd", 13);
    CHECK(load_bytes(&b) == WEFT_OK);
    CHECK(weft__picture_file(test_path("picture.pgm"), 1000, true, &p) == WEFT_OK);
    CHECK(p.height == 2 && p.width == 2 && p.channels == 1 && !p.pixels);
    drop(&b);
}

static void sizes_that_are_not_possible_are_usage(void **state)
{
    unsigned char p[16], *png;
    size_t n;
    (void)state;
    CHECK(weft_image_read("x", 2, 2, 2, WEFT_FIT_STRETCH, 0, p) == WEFT_EUSAGE);
    CHECK(weft_image_read("x", 1, 0, 2, WEFT_FIT_STRETCH, 0, p) == WEFT_EUSAGE);
    CHECK(weft_image_encode_png(4, 2, 2, p, &png, &n) == WEFT_EUSAGE);
}

RUN_TESTS(TEST(png_that_was_written_reads_back_the_same),
          TEST(png_of_16_bits_is_rounded_to_8),
          TEST(png_grey_of_1_bit_is_black_and_white),
          TEST(png_palette_becomes_rgb_and_its_transparency_white),
          TEST(png_alpha_is_put_on_white), TEST(png_cut_anywhere_is_truncated),
          TEST(png_with_a_flipped_bit_is_damaged),
          TEST(huge_headers_are_refused_before_memory_is_taken),
          TEST(sides_of_zero_are_refused_and_of_one_are_fine),
          TEST(empty_text_and_foreign_files_are_named), TEST(pnm_of_every_kind_is_read),
          TEST(pnm_damage_is_named), TEST(bmp_is_read_from_below_or_from_the_top),
          TEST(bmp_palette_is_held_to_its_size),
          TEST(a_picture_is_known_by_content_not_by_name),
          TEST(devices_pipes_and_folders_are_refused_at_once),
          TEST(the_limit_of_megapixels_can_be_moved),
          TEST(a_header_behind_a_long_comment_is_found),
          TEST(sizes_that_are_not_possible_are_usage))
