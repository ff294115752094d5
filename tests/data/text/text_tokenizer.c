/* Tests of tokenizers: tokens, vocabularies, n-grams, length, metadata. */
#include "text_make.h"

#include "data/text/tokenizer/tokenizer.h"

/* The tokens of a text, "|" between. */
static const char *cut(const char *text, weft_token_level granularity, bool keep_case,
                       bool keep_width)
{
    static char all[1024];
    weft__segmenter c;
    *all = 0;
    CHECK(weft__segmenter_begin(&c, granularity, keep_case, keep_width) == WEFT_OK);
    weft__segmenter_set(&c, text, strlen(text));
    while (weft__segment_next(&c)) {
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%.*s", n ? "|" : "", (int)c.token_bytes,
                 c.token);
    }
    weft__segmenter_end(&c);
    return all;
}

static const char *words(const char *text)
{
    return cut(text, WEFT_LEVEL_WORD, false, false);
}

static void words_are_cut_by_fixed_rules(void **state)
{
    (void)state;
    CHECK_TEXT(words("It's a Test, isn't it?"), "it|'s|a|test|,|isn't|it|?");
    CHECK_TEXT(words("you 've the dogs' 'own'"), "you|'ve|the|dogs|'|'|own|'");
    CHECK_TEXT(words("caf\xc3\x89 r\xc3\xa9sum\xc3\xa9 na\xcc\x88ive"),
               "caf\xc3\xa9|r\xc3\xa9sum\xc3\xa9|na\xcc\x88ive");
    CHECK_TEXT(words("$1,000.50 in v2.0, ok."), "$|1,000.50|in|v2.0|,|ok|.");
    CHECK_TEXT(words("wow!!!!! ... --"), "wow|!!!|...|--");
    CHECK_TEXT(words("one<br /><br/>two <b>"), "one|two|<|b|>");
    CHECK_TEXT(words("don\xe2\x80\x99t"), "don't");
    CHECK_TEXT(words("\xe4\xb8\xad\xe6\x96\x87\xef\xbc\xa1"
                     "bc\xef\xbc\x8c\xe3\x82\xab"),
               "\xe4\xb8\xad|\xe6\x96\x87|abc|,|\xe3\x82\xab");
    CHECK_TEXT(words("\xed\x95\x9c\xea\xb5\xad \xec\x96\xb4"),
               "\xed\x95\x9c\xea\xb5\xad|\xec\x96\xb4");
    CHECK_TEXT(words("a\x01"
                     "b \xff"),
               "a|b|\xef\xbf\xbd");
    CHECK_TEXT(words(" \t\n"), "");
    CHECK_TEXT(cut("It's \xef\xbc\xa1", WEFT_LEVEL_WORD, true, true),
               "It|'s|\xef\xbc\xa1");
}

static void characters_stand_alone(void **state)
{
    (void)state;
    CHECK_TEXT(cut("Ab 1\xef\xbc\x9a\xe4\xb8\xad", WEFT_LEVEL_CHAR, false, false),
               "a|b|1|:|\xe4\xb8\xad");
}

static void a_piece_has_a_bounded_length(void **state)
{
    char text[4096];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    CHECK(strlen(words(text)) == WEFT_TOKEN_BYTES);
}

static const char *corpus(void)
{
    return make_file("corpus.tsv", "b a a c\tx\na b c\ty\nb a\tx\na b c d\ty\n");
}

static void the_vocabulary_is_in_falling_order(void **state)
{
    weft_dataset *t = open_texts(corpus(), NULL);
    weft_tokenizer *k;
    int32_t ids[3][8];
    int32_t *const at[3] = {ids[0], ids[1], ids[2]};
    int unknown;
    (void)state;
    CHECK(weft_tokenizer_learn(t, &(weft_tokenizer_opts){.ngrams = 3, .max_length = 8},
                               &k) == WEFT_OK);
    CHECK(weft_tokenizer_streams(k) == 3 && weft_tokenizer_length(k) == 8);
    CHECK(weft_tokenizer_level(k) == WEFT_LEVEL_WORD);
    CHECK(weft_tokenizer_size(k, 0) == 6);
    CHECK_TEXT(weft_tokenizer_token(k, 0, 0), "");
    CHECK_TEXT(weft_tokenizer_token(k, 0, 1), "<unk>");
    CHECK_TEXT(weft_tokenizer_token(k, 0, 2), "a"); /* 5 */
    CHECK_TEXT(weft_tokenizer_token(k, 0, 3), "b"); /* 4 */
    CHECK_TEXT(weft_tokenizer_token(k, 0, 4), "c");
    CHECK_TEXT(weft_tokenizer_token(k, 0, 5), "d");
    CHECK(weft_tokenizer_token(k, 0, 6) == NULL && weft_tokenizer_token(k, 3, 0) == NULL);
    CHECK(weft_tokenizer_size(k, 1) == 5); /* pairs that are there twice */
    CHECK_TEXT(weft_tokenizer_token(k, 1, 2), "a\1b");
    CHECK_TEXT(weft_tokenizer_token(k, 1, 3), "b\1a");
    CHECK_TEXT(weft_tokenizer_token(k, 1, 4), "b\1c");
    CHECK(weft_tokenizer_size(k, 2) == 3);
    CHECK_TEXT(weft_tokenizer_token(k, 2, 2), "a\1b\1c");
    CHECK(weft_tokenize(k, "A b c new a", 11, at, &unknown) == 5 && unknown == 1);
    CHECK(!memcmp(ids[0], (int32_t[8]){2, 3, 4, 1, 2}, sizeof ids[0]));
    CHECK(!memcmp(ids[1], (int32_t[8]){2, 4, 1, 1}, sizeof ids[1]));
    CHECK(!memcmp(ids[2], (int32_t[8]){2, 1, 1}, sizeof ids[2]));
    CHECK(weft_tokenize(k, " ", 1, at, &unknown) == 1 && unknown == 1);
    CHECK(!memcmp(ids[0], (int32_t[8]){1}, sizeof ids[0]));
    CHECK(weft_tokenize(k, "a a a a a a a a a a a", 21, at, NULL) == 8);
    weft_tokenizer_free(k);
    weft_dataset_close(t);
}

static void counts_and_sizes_limit_it(void **state)
{
    weft_dataset *t = open_texts(corpus(), NULL);
    weft_tokenizer_opts o = {.min_count = 4, .max_size = {4}};
    weft_tokenizer *k;
    (void)state;
    CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_OK);
    CHECK(weft_tokenizer_size(k, 0) == 4 && weft_tokenizer_length(k) == 4);
    weft_tokenizer_free(k);
    o.max_size[0] = 3;
    CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_OK);
    CHECK(weft_tokenizer_size(k, 0) == 3);
    weft_tokenizer_free(k);
    o.max_size[0] = 2;
    CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_EUSAGE);
    o = (weft_tokenizer_opts){.ngrams = 4};
    CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_EUSAGE);
    o = (weft_tokenizer_opts){.max_length = -1};
    CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_EUSAGE);
    weft_dataset_close(t);
}

static void rare_pieces_are_unknown(void **state)
{
    static const int size[] = {5, 5, 4, 3, 2}; /* by min_count; 0 means 1 */
    weft_dataset *t = open_texts(
        make_file("rare.tsv", "three once two three\t0\ntwo three\t1\n"), NULL);
    weft_tokenizer *k;
    (void)state;
    for (int least = 0; least < 5; least++) {
        CHECK(weft_tokenizer_learn(t, &(weft_tokenizer_opts){.min_count = least}, &k) ==
              WEFT_OK);
        CHECK(weft_tokenizer_size(k, 0) == size[least]);
        CHECK((weft_tokenizer_find(k, 0, "once") >= 0) == (least < 2));
        CHECK((weft_tokenizer_find(k, 0, "two") >= 0) == (least < 3));
        CHECK((weft_tokenizer_find(k, 0, "three") >= 0) == (least < 4));
        weft_tokenizer_free(k);
    }
    weft_dataset_close(t);
}

static void chinese_texts_are_cut_into_characters(void **state)
{
    weft_dataset *t =
        open_texts(make_file("zh.tsv", "\xe4\xb8\xad\xe6\x96\x87 ok\t0\n"
                                       "\xe5\xa5\xbd\t1\n\xe5\xa5\xbd\t0\n"),
                   NULL);
    weft_tokenizer *k;
    (void)state;
    CHECK(weft_tokenizer_learn(t, NULL, &k) == WEFT_OK);
    CHECK(weft_tokenizer_level(k) == WEFT_LEVEL_CHAR);
    weft_tokenizer_free(k);
    weft_dataset_close(t);
}

static void icu_words_are_there_or_refused(void **state)
{
    weft_dataset *t = open_texts(corpus(), NULL);
    weft_tokenizer *k;
    weft_tokenizer_opts o = {.level = WEFT_LEVEL_ICU};
    (void)state;
    if (!weft__icu_version()) {
        CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_EUSAGE);
    } else {
        CHECK_TEXT(cut("It's  \xe4\xb8\xad\xe5\x9b\xbd\xe4\xba\xba\xe6\xb0\x91.",
                       WEFT_LEVEL_ICU, false, false),
                   "it's|\xe4\xb8\xad\xe5\x9b\xbd|\xe4\xba\xba\xe6\xb0\x91|.");
        CHECK(weft_tokenizer_learn(t, &o, &k) == WEFT_OK);
        CHECK(weft_tokenizer_size(k, 0) == 6);
        weft_tokenizer_free(k);
    }
    weft_dataset_close(t);
}

#ifdef WEFT_HAVE_JANSSON

static void a_tokenizer_travels_in_metadata(void **state)
{
    weft_dataset *t = open_texts(corpus(), NULL);
    weft_meta *m = weft_meta_new(), *n = weft_meta_new();
    weft_tokenizer *k, *again;
    (void)state;
    CHECK(weft_tokenizer_learn(
              t, &(weft_tokenizer_opts){.ngrams = 3, .max_length = 5, .keep_case = true},
              &k) == WEFT_OK);
    CHECK(weft_tokenizer_describe(k, m) == WEFT_OK);
    CHECK_TEXT(weft_meta_get(m, "weft.tokenizer"),
               "{\"version\":1,\"unit\":\"word\",\"keep_case\":true,\"keep_width\":false,"
               "\"length\":5,\"pieces\":[\"a\",\"b\",\"c\",\"d\"],\"pairs\":\"CDDCDE\","
               "\"triples\":\"CDE\"}");
    CHECK(weft_tokenizer_from_meta(m, &again) == WEFT_OK);
    CHECK(weft_tokenizer_describe(again, n) == WEFT_OK);
    CHECK_TEXT(weft_meta_get(n, "weft.tokenizer"), weft_meta_get(m, "weft.tokenizer"));
    for (int s = 0; s < 3; s++) {
        CHECK(weft_tokenizer_size(again, s) == weft_tokenizer_size(k, s));
        for (int i = 0; i < weft_tokenizer_size(k, s); i++)
            CHECK_TEXT(weft_tokenizer_token(again, s, i), weft_tokenizer_token(k, s, i));
    }
    weft_tokenizer_free(k);
    weft_tokenizer_free(again);
    weft_meta_free(m);
    weft_meta_free(n);
    weft_dataset_close(t);
}

static void damaged_metadata_are_refused(void **state)
{
#define HEAD "{\"version\":1,\"unit\":\"word\",\"length\":5,"
    static const char *const bad[][2] = {
        {"", "end of file"},
        {"[]", "not an object"},
        {"{\"version\":2}", "version 2, known is 1"},
        {"{\"version\":1,\"unit\":\"word\",\"length\":0}", "length"},
        {"{\"version\":1,\"unit\":\"word\",\"length\":100000000}", "length"},
        {"{\"version\":1,\"unit\":\"syllable\",\"length\":5}", "unknown unit"},
        {"{\"version\":1,\"length\":5}", "no unit"},
        {HEAD "\"pieces\":5}", "no list of pieces"},
        {HEAD "\"pieces\":[\"a\",\"a\"]}", "piece 1 is there twice"},
        {HEAD "\"pieces\":[\"a\",\"\"]}", "piece 1 is no text"},
        {HEAD "\"pieces\":[\"a\",3]}", "piece 1 is no text"},
        {HEAD "\"pieces\":[\"a\\u0001b\"]}", "piece 0 is no text"},
        {HEAD "\"pieces\":[\"a\"],\"pairs\":\"CCC\"}", "odd length"},
        {HEAD "\"pieces\":[\"a\"],\"pairs\":\"CD\"}", "names no pieces"},
        {HEAD "\"pieces\":[\"a\"],\"pairs\":\"BC\"}", "names no pieces"},
        {HEAD "\"pieces\":[\"a\"],\"pairs\":\"C!\"}", "are no numbers"},
        {HEAD "\"pieces\":[\"a\"],\"pairs\":\"CCCC\"}", "is there twice"},
        {HEAD "\"pieces\":[\"a\"],\"pairs\":7}", "odd length"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        weft_meta *m = weft_meta_new();
        weft_tokenizer *k = NULL;
        CHECK(weft_tokenizer_from_meta(m, &k) == WEFT_EMODEL);
        CHECK(weft_meta_set(m, "weft.tokenizer", bad[i][0]) == WEFT_OK);
        CHECK(weft_tokenizer_from_meta(m, &k) == WEFT_EMODEL && !k);
        CHECK_HAS(weft_last_error(), bad[i][1]);
        weft_meta_free(m);
    }
}

#else

static void a_tokenizer_travels_in_metadata(void **state)
{
    weft_dataset *t = open_texts(corpus(), NULL);
    weft_meta *m = weft_meta_new();
    weft_tokenizer *k;
    (void)state;
    CHECK(weft_tokenizer_learn(t, NULL, &k) == WEFT_OK);
    CHECK(weft_tokenizer_describe(k, m) == WEFT_EUSAGE);
    weft_tokenizer_free(k);
    weft_meta_free(m);
    weft_dataset_close(t);
}

static void damaged_metadata_are_refused(void **state)
{
    (void)state;
}

#endif

RUN_TESTS(TEST(words_are_cut_by_fixed_rules), TEST(characters_stand_alone),
          TEST(a_piece_has_a_bounded_length), TEST(the_vocabulary_is_in_falling_order),
          TEST(counts_and_sizes_limit_it), TEST(rare_pieces_are_unknown),
          TEST(chinese_texts_are_cut_into_characters),
          TEST(icu_words_are_there_or_refused), TEST(a_tokenizer_travels_in_metadata),
          TEST(damaged_metadata_are_refused))
