/* Tests of tables that are not quite in order: delimiters, headers, labels glued to
 * their texts, encodings, subsets without labels. The right values are those that a
 * person sees in the files. */
#include "data/text/text_make.h"

#include "data/text/encoding.h"

static const weft_dataset_opts all = {.no_val = true};

/* head and 30 rows: row with a label in place of "%s" and a number in place of "%d". */
static const char *table(const char *name, const char *head, const char *row,
                         const char *const label[2])
{
    static char text[20000];
    const char *first = strstr(row, "%s"), *second = strstr(row, "%d");
    size_t at = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int i = 0; i < 30; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%.*s%s%.*s%d%s",
                               (int)(first - row), row, label[i % 3 == 1],
                               (int)(second - first - 2), first + 2, i, second + 2);
    return make_file(name, text);
}

static const char *const pos_neg[2] = {"pos", "neg"};

static weft_dataset *two_classes(const char *path, const weft_dataset_opts *o, int rows)
{
    weft_dataset *d = open_texts(path, o);
    CHECK(weft_dataset_classes(d) == 2);
    CHECK_TEXT(weft_dataset_class_name(d, 0), "neg");
    CHECK_TEXT(weft_dataset_class_name(d, 1), "pos");
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == rows);
    return d;
}

static void the_delimiter_is_the_one_of_equal_counts(void **state)
{
    static const struct {
        const char *head, *format, *told;
    } of[] = {{"", "%s;The film, said %d times\n", "separated by \";\""},
              {"", "%s|a; b, and %d\n", "separated by \"|\""},
              {"", "%s\tone, two; three %d\n", "separated by tabs"},
              {"sep=;\n", "%s;The film %d\n", "separated by \";\""},
              {"", "%s,plain %d\n", "text column 2"}};
    (void)state;
    for (int i = 0; i < 5; i++) {
        weft_dataset *d =
            two_classes(table("d.csv", of[i].head, of[i].format, pos_neg), &all, 30);
        CHECK_HAS(weft_dataset_columns(d), of[i].told);
        weft_dataset_close(d);
    }
    weft_dataset_opts o = all;
    o.text.delimiter = '#';
    weft_dataset_close(
        two_classes(table("d.txt", "", "%s#a, b; c %d\n", pos_neg), &o, 30));
}

static void a_header_is_no_sample(void **state)
{
    (void)state;
    weft_dataset_close(two_classes(
        table("h.csv", "v1,v2,,,\n", "%s,a text %d,,,\n", pos_neg), &all, 30));
    weft_dataset_close(two_classes(
        table("again.csv", "label,text\npos,x\nlabel,text\n\xef\xbb\xbflabel,text\n",
              "%s,a text %d\n", pos_neg),
        &all, 31));
}

static void a_number_is_a_column_whatever_the_first_row_says(void **state)
{
    weft_dataset_opts o = all;
    (void)state;
    o.text.label_column = "2";
    weft_dataset *d = two_classes(
        table("n.csv", "2,pos,first row\n", "1,%s,a text of words %d\n", pos_neg), &o,
        31);
    CHECK_HAS(weft_dataset_columns(d), "label column 2");
    weft_dataset_close(d);
}

static void a_rating_between_beats_a_date(void **state)
{
    static const char *const stars[2] = {"1", "5"};
    (void)state;
    weft_dataset *d =
        open_texts(table("r.csv", "when,n,words\n2024-01-01,5,first one\n",
                         "2024-01-01,%s,a text of several words %d\n", stars),
                   &all);
    CHECK(weft_dataset_classes(d) == 2);
    CHECK_TEXT(weft_dataset_class_name(d, 1), "5");
    weft_dataset_close(d);
}

static void a_test_set_without_labels_is_left_out(void **state)
{
    const char *folder = make_folder("competition");
    (void)state;
    put_file(folder, "train.csv", "text,label\none,a\ntwo,b\nthree,a\nfour,b\n");
    put_file(folder, "test.csv", "id,text\n1,five\n2,six\n");
    weft_dataset *d = open_texts(folder, &all);
    CHECK(weft_dataset_classes(d) == 2);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 4);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 0);
    weft_dataset_close(d);
    weft_dataset_opts o = all;
    char path[600];
    snprintf(path, sizeof path, "%s/test.csv", folder);
    o.test = path;
    CHECK_HAS(refused(folder, &o, WEFT_EDATA), "has no column \"label\"");
}

static void encodings_are_told_apart(void **state)
{
    static const struct {
        const char *name, *bytes;
    } of[] = {
        /* "the film is good", "very good", in each */
        {"GB18030", "\xb5\xe7\xd3\xb0\xba\xdc\xba\xc3 \xb7\xc7\xb3\xa3\xba\xc3\xbf\xb4"},
        {"BIG5", "\xb9\x71\xbc\x76\xab\xdc\xa6\x6e \xab\x44\xb1\x60\xa6\x6e\xac\xdd"},
        {"SHIFT_JIS", "\x82\xb1\x82\xcc\x89\x66\x89\xe6\x82\xcd\x82\xc6\x82\xc4\x82\xe0"},
        {"EUC-JP", "\xa4\xb3\xa4\xce\xb1\xc7\xb2\xe8\xa4\xcf\xa4\xc8\xa4\xc6\xa4\xe2"},
        {"EUC-KR", "\xc0\xcc \xbf\xb5\xc8\xad\xb4\xc2 \xc1\xa4\xb8\xbb \xc1\xc1\xb4\xd9"},
        {"WINDOWS-1251", "\xd4\xe8\xeb\xfc\xec \xf5\xee\xf0\xee\xf8\xe8\xe9"},
        {"WINDOWS-1252", "Der Film war sch\xf6n, gro\xdf"
                         "artig; caf\xe9"}};
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        CHECK_TEXT(
            weft__encoding_guess((const unsigned char *)of[i].bytes, strlen(of[i].bytes)),
            of[i].name);
    const char *path =
        table("gbk.csv", "", "%s,\xb5\xe7\xd3\xb0\xba\xdc\xba\xc3 %d\n", pos_neg);
    CHECK_HAS(refused(path, &all, WEFT_EDATA), "30 of 30 texts are not UTF-8");
    CHECK_HAS(weft_last_error(), "iconv -f GB18030 -t UTF-8");
}

static char findings[4000];

static void note_finding(void *user, const weft_finding *f)
{
    size_t at = strlen(findings);
    (void)user;
    snprintf(findings + at, sizeof findings - at, "%s: %s\n", f->code, f->text);
}

static const char *checked(const char *path)
{
    const weft_dataset_opts o = as_texts(&all);
    *findings = 0;
    CHECK(weft_dataset_check(path, &o, note_finding, NULL) == WEFT_OK);
    return findings;
}

static void labels_that_look_alike_are_told(void **state)
{
    static const char *const pair[][2] = {
        {"pos", "Pos"}, {"1", "1.0"}, {"01", "1"}, {"a b", "a\xc2\xa0 b"}};
    static const char *const missing[2] = {"good", "NaN"}, *const apart[2] = {"1", "11"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        checked(table("alike.csv", "", "%s,a text %d\n", pair[i]));
        CHECK_HAS(findings, "alike: classes \"");
        CHECK_HAS(findings, pair[i][0]);
        CHECK_HAS(findings, pair[i][1]);
    }
    CHECK_HAS(checked(table("miss.csv", "", "%s,a text %d\n", missing)),
              "missing-label: class \"NaN\"");
    CHECK(!strstr(checked(table("apart.csv", "", "%s,a text %d\n", apart)), "alike"));
}

RUN_TESTS(TEST(the_delimiter_is_the_one_of_equal_counts), TEST(a_header_is_no_sample),
          TEST(a_number_is_a_column_whatever_the_first_row_says),
          TEST(a_rating_between_beats_a_date),
          TEST(a_test_set_without_labels_is_left_out), TEST(encodings_are_told_apart),
          TEST(labels_that_look_alike_are_told))
