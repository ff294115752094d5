/* Tests of base/nearest.h and base/width.h. */
#include "test.h"

#include "base/nearest.h"
#include "base/width.h"

static const char *const words[] = {"sgd", "adam", NULL, "adamw", "rmsprop", "resnet20"};
enum { WORDS = sizeof words / sizeof *words };

static void a_slip_of_the_finger_is_understood(void **state)
{
    (void)state;
    CHECK_TEXT(weft__nearest("adma", words, WORDS), "adam");
    CHECK_TEXT(weft__nearest("ADAM", words, WORDS), "adam");
    CHECK_TEXT(weft__nearest("adamww", words, WORDS), "adamw");
    CHECK_TEXT(weft__nearest("sg", words, WORDS), "sgd");
    CHECK_TEXT(weft__nearest("rms", words, WORDS), "rmsprop"); /* its beginning */
    CHECK_TEXT(weft__nearest("resnet-20", words, WORDS), "resnet20");
    CHECK_TEXT(weft__nearest("rsenet20", words, WORDS), "resnet20");
}

static void an_equal_word_wins_and_of_equals_the_first(void **state)
{
    (void)state;
    const char *const two[] = {"cat", "bat", "hat"};
    CHECK_TEXT(weft__nearest("adamw", words, WORDS), "adamw");
    CHECK(weft__nearest("rat", two, 3) == two[0]);
}

static void what_resembles_nothing_has_no_answer(void **state)
{
    (void)state;
    char *huge = malloc(100001);
    CHECK(huge != NULL);
    memset(huge, 'a', 100000);
    huge[100000] = 0;
    CHECK(weft__nearest("lion", words, WORDS) == NULL);
    CHECK(weft__nearest("x", words, WORDS) == NULL);
    CHECK(weft__nearest("", words, WORDS) == NULL);
    CHECK(weft__nearest(NULL, words, WORDS) == NULL);
    CHECK(weft__nearest(huge, words, WORDS) == NULL);
    CHECK(weft__nearest("adam", words, 0) == NULL);
    free(huge);
}

static void letters_are_decoded_and_bad_bytes_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int bytes;
        uint32_t letter;
    } row[] = {{"", 0, 0},
               {"a", 1, 'a'},
               {"\xc3\xa9", 2, 0xe9},
               {"\xe7\x8c\xab", 3, 0x732b},
               {"\xf0\x9f\x98\x80", 4, 0x1f600},
               {"\xff", 1, 0xfffd},
               {"\xc3", 1, 0xfffd},
               {"\xc0\xaf", 1, 0xfffd},
               {"\xe0\x80\xaf", 1, 0xfffd},
               {"\xed\xa0\x80", 1, 0xfffd},
               {"\xf4\x90\x80\x80", 1, 0xfffd},
               {"\xf0\x9f\x98", 1, 0xfffd},
               {"\x80", 1, 0xfffd}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint32_t letter;
        CHECK(weft__utf8_next(row[i].text, &letter) == row[i].bytes);
        CHECK(letter == row[i].letter);
    }
}

static void columns_are_those_of_a_terminal(void **state)
{
    (void)state;
    int width;
    CHECK(weft__text_width("") == 0);
    CHECK(weft__text_width("caf\xc3\xa9") == 4);
    CHECK(weft__text_width("cafe\xcc\x81") == 4); /* a combining accent */
    CHECK(weft__text_width("\xe7\x8c\xab\xe7\x8c\xab") == 4);
    CHECK(weft__text_width("\xf0\x9f\x98\x80") == 2);
    CHECK(weft__text_fit("\xe7\x8c\xab\xe7\x8c\xab", 3, &width) == 3 && width == 2);
    CHECK(weft__text_fit("abc", 9, &width) == 3 && width == 3);
    CHECK(weft__text_fit("abc", 0, NULL) == 0);
}

RUN_TESTS(TEST(a_slip_of_the_finger_is_understood),
          TEST(an_equal_word_wins_and_of_equals_the_first),
          TEST(what_resembles_nothing_has_no_answer),
          TEST(letters_are_decoded_and_bad_bytes_replaced),
          TEST(columns_are_those_of_a_terminal))
