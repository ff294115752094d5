/* Tests of UTF-8 from outside: decoding, repair, classes of letters, folding. */
#include "test.h"

#include "base/rng.h"
#include "data/text/tokenizer/utf8.h"

static const char *repaired(const char *s, size_t n, int *count)
{
    static char to[256];
    *count = 0;
    to[weft__utf8_repair(s, n, to, sizeof to - 1, count, NULL)] = 0;
    return to;
}

#define FFFD "\xef\xbf\xbd"

/* The examples of the Unicode standard, 3.9, tables 3-8 to 3-11. */
static void what_is_not_well_formed_becomes_u_fffd_by_maximal_subparts(void **state)
{
    static const struct {
        const char *from, *to;
        int count;
    } cases[] = {{"plain \xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80",
                  "plain \xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80", 0},
                 {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
                  "A",
                  FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A", 8},
                 {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
                  "A",
                  FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A", 8},
                 {"\xf4\x91\x92\x93\xff"
                  "A\x80\xbf"
                  "B",
                  FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B", 7},
                 {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
                  "A",
                  FFFD FFFD FFFD FFFD "A", 4}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int count;
        CHECK_TEXT(repaired(cases[i].from, strlen(cases[i].from), &count), cases[i].to);
        CHECK(count == cases[i].count);
    }
    int count;
    CHECK_TEXT(repaired("a\0b", 3, &count), "a" FFFD "b");
}

static void repaired_text_is_well_formed_and_stays(void **state)
{
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_TEST, 0);
    (void)state;
    for (int k = 0; k < 20000; k++) {
        char raw[24], once[80], twice[80];
        size_t n = weft__rng_below(&r, sizeof raw), used, m, again;
        size_t room = weft__rng_below(&r, sizeof once);
        int count = 0, none = 0;
        for (size_t i = 0; i < n; i++)
            raw[i] = (char)(weft__rng_below(&r, 3) ? 0x80 + weft__rng_below(&r, 128)
                                                   : weft__rng_below(&r, 256));
        m = weft__utf8_repair(raw, n, once, room, &count, &used);
        CHECK(m <= room && used <= n && (used == n || room - m < 4));
        CHECK(weft__utf8_good(once, m) == m);
        again = weft__utf8_repair(once, m, twice, sizeof twice, &none, NULL);
        CHECK(again == m && !none && !memcmp(once, twice, m));
    }
}

static void every_letter_is_written_as_it_is_read(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        char bytes[4];
        uint32_t back;
        int n;
        if (c >= 0xd800 && c < 0xe000) continue;
        n = weft__utf8_put(bytes, c);
        CHECK(weft__utf8_step(bytes, (size_t)n, &back) == n && back == c);
        CHECK(weft__fold_case(weft__fold_case(c)) == weft__fold_case(c));
    }
}

static void letters_fold_by_case_and_width(void **state)
{
    static const uint32_t pairs[][2] = {
        {'A', 'a'},         {'z', 'z'},       {0xc4, 0xe4},    {0xd7, 0xd7},
        {0xdf, 0xdf},       {0x100, 0x101},   {0x101, 0x101},  {0x178, 0xff},
        {0x391, 0x3b1},     {0x3c2, 0x3c3},   {0x410, 0x430},  {0x401, 0x451},
        {0x1e9e, 0xdf},     {0x1f08, 0x1f00}, {0x2126, 0x3c9}, {0x212a, 'k'},
        {0x10400, 0x10428}, {0x4e2d, 0x4e2d}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        CHECK(weft__fold_case(pairs[i][0]) == pairs[i][1]);
    CHECK(weft__fold_width(0xff21) == 'A' && weft__fold_width(0x3000) == ' ');
    CHECK(weft__fold_width(0xff66) == 0xff66);
}

static void letters_have_classes(void **state)
{
    (void)state;
    CHECK(weft__letter_class_of('a') == WEFT_LETTER);
    CHECK(weft__letter_class_of(0xe4) == WEFT_LETTER);
    CHECK(weft__letter_class_of(0x301) == WEFT_LETTER); /* a mark */
    CHECK(weft__letter_class_of(0x663) == WEFT_LETTER); /* an Arabic digit */
    CHECK(weft__letter_class_of(0xac00) == WEFT_LETTER);
    CHECK(weft__letter_class_of(0x4e2d) == WEFT_IDEOGRAPH);
    CHECK(weft__letter_class_of(0x3042) == WEFT_IDEOGRAPH);
    CHECK(weft__letter_class_of(0x20000) == WEFT_IDEOGRAPH);
    CHECK(weft__letter_class_of(0x3000) == WEFT_SPACE);
    CHECK(weft__letter_class_of(0xa0) == WEFT_SPACE &&
          weft__letter_class_of(7) == WEFT_SPACE);
    CHECK(weft__letter_class_of('.') == WEFT_MARK &&
          weft__letter_class_of(0x3002) == WEFT_MARK);
    CHECK(weft__letter_class_of(0x1f600) == WEFT_MARK);
    CHECK(weft__letter_class_of(0x200d) == WEFT_IGNORABLE);
    CHECK(weft__is_cjk(0xac00) && weft__is_cjk(0x30a2) && !weft__is_cjk('x'));
}

RUN_TESTS(TEST(what_is_not_well_formed_becomes_u_fffd_by_maximal_subparts),
          TEST(repaired_text_is_well_formed_and_stays),
          TEST(every_letter_is_written_as_it_is_read),
          TEST(letters_fold_by_case_and_width), TEST(letters_have_classes))
