/* Tests of files of texts: TSV, CSV, JSONL, fastText, LABEL text; columns, bad rows. */
#include "text_make.h"

static void tsv_has_the_label_first_or_last(void **state)
{
    weft_dataset *t;
    (void)state;
    t = open_texts(make_file("last.tsv", "good film\tpos\nbad film\tneg\nfine\tpos\n"
                                         "awful\tneg"),
                   NULL);
    CHECK_TEXT(weft_dataset_format(t), "tsv");
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN),
               "pos:good film|neg:bad film|pos:fine|neg:awful|");
    CHECK_TEXT(weft_dataset_class_name(t, 0), "neg");
    weft_dataset_close(t);
    t = open_texts(make_file("first.tsv",
                             "1\tid7\t9\tgood \"film\"\r\n0\tid8\t2\tbad\r\n\r\n"
                             "1\tid9\t9\tfine\r\n0\tid10\t1\tawful\r\n"),
                   NULL);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "1:good \"film\"|0:bad|1:fine|0:awful|");
    weft_dataset_close(t);
}

static void csv_follows_rfc_4180(void **state)
{
    weft_dataset *t;
    char name[600];
    (void)state;
    t = open_texts(make_file("quoted.csv", "\xef\xbb\xbf"
                                           "cat,label,review\r\n"
                                           "a,1,\"one, \"\"two\"\"\r\nthree\"\r\n"
                                           "a,0,plain \"inside\" text\r\n"
                                           "a,1,\"\"\r\n"
                                           "b,0,last without line end"),
                   NULL);
    CHECK_TEXT(weft_dataset_format(t), "csv");
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN),
               "1:one, \"two\"\r\nthree|0:plain \"inside\" text|1:|"
               "0:last without line end|");
    weft_dataset_sample_name(t, WEFT_SUBSET_TRAIN, 1, name, sizeof name);
    CHECK_HAS(name, "quoted.csv:4");
    weft_dataset_close(t);
    t = open_texts(make_file("semicolon.csv", "text;label\nx, y;a\nz;b\nv;a\nw;b\n"),
                   NULL);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "a:x, y|b:z|a:v|b:w|");
    weft_dataset_close(t);
}

static void columns_go_by_name_or_number(void **state)
{
    const char *path =
        make_file("named.csv", "cat,label,review\nx,1,one\ny,0,two\nx,0,three\n"
                               "y,1,four\n");
    weft_dataset_opts o = all_train;
    weft_dataset *t;
    (void)state;
    o.text.label_column = "CAT";
    t = open_texts(path, &o);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "x:one|y:two|x:three|y:four|");
    weft_dataset_close(t);
    o.text.label_column = "2";
    o.text.text_column = "cat";
    t = open_texts(path, &o);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "1:x|0:y|0:x|1:y|");
    weft_dataset_close(t);
    o.text.text_column = "reveiw";
    CHECK_HAS(refused(path, &o, WEFT_EUSAGE),
              "no column \"reveiw\" (did you mean \"review\"?)");
    o.text.text_column = "4";
    CHECK_HAS(refused(path, &o, WEFT_EUSAGE), "no column \"4\": there are 1 to 3");
    o.text.text_column = "2";
    CHECK_HAS(refused(path, &o, WEFT_EUSAGE), "label and text at once");
}

static void a_header_is_seen_by_what_stands_below_it(void **state)
{
    weft_dataset *t;
    (void)state;
    t = open_texts(
        make_file("numbers.tsv", "phrase\tgrade\na b\t1\nc d\t2\ne f\t1\ng\t2\n"), NULL);
    CHECK(weft_dataset_count(t, WEFT_SUBSET_TRAIN) == 4);
    CHECK(weft_dataset_classes(t) == 2);
    weft_dataset_close(t);
    t = open_texts(make_file("none.tsv", "a b\tx\nc d\ty\ne f\tx\ng h\ty\n"), NULL);
    CHECK(weft_dataset_count(t, WEFT_SUBSET_TRAIN) == 4);
    weft_dataset_close(t);
}

static void no_label_column_is_said(void **state)
{
    (void)state;
    CHECK_HAS(refused(make_file("unique.tsv", "a\tb\nc\td\ne\tf\ng\th\ni\tj\nk\tl\nm\tn\n"
                                              "o\tp\nq\tr\n"),
                      NULL, WEFT_EDATA),
              "no column looks like a label: the first has 9 different values in 9 rows");
    CHECK_HAS(refused(make_file("one.csv", "text\na\nb\n"), NULL, WEFT_EDATA),
              "looked for two columns or more (a label and a text), found one (csv)");
}

static void jsonl_objects_have_label_and_text(void **state)
{
#ifdef WEFT_HAVE_JANSSON
    weft_dataset *t;
    t = open_texts(
        make_file("a.jsonl",
                  "{\"text\": \"gro\\u00df\\n\", \"label\": 1, \"x\": [1, 2]}\n\n"
                  "{\"label\": 0, \"text\": \"klein\"}\n"
                  "{\"label\": 1, \"text\": \"a\\u0000b\"}\n"
                  "{\"label\": 0, \"text\": \"\xff!\"}"),
        NULL);
    CHECK_TEXT(weft_dataset_format(t), "jsonl");
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "1:gro\xc3\x9f|0:klein|1:a\xef\xbf\xbd"
                                              "b|0:\xef\xbf\xbd!|");
    CHECK(weft_dataset_replaced(t) == 2);
    weft_dataset_close(t);
    CHECK_HAS(refused(make_file("bad.jsonl", "{\"text\": \"a\", \"label\": \"x\"}\n"
                                             "{\"text\": \"b\", \"label\": \"y\"}\n"
                                             "{\"text\": \"b\", \"label\": \"y\"\n"
                                             "[1]\n{\"label\": \"x\"}\n"
                                             "{\"text\": \"b\", \"label\": 1.5}\n"),
                      NULL, WEFT_EDATA),
              "4 of 6 samples cannot be read; the first: ");
    CHECK_HAS(weft_last_error(), "bad.jsonl:3: not JSON: ");
#else
    CHECK_HAS(refused(make_file("a.jsonl", "{\"text\": \"a\", \"label\": 1}\n"), NULL,
                      WEFT_EUSAGE),
              "has no JSONL");
#endif
    (void)state;
}

static void fasttext_and_label_first_lines_are_seen(void **state)
{
    weft_dataset *t;
    (void)state;
    t = open_texts(make_file("ft.train", "__label__a one two\n__label__b three\n"
                                         "__label__a\tfour\n__label__b\n"),
                   NULL);
    CHECK_TEXT(weft_dataset_format(t), "fasttext");
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "a:one two|b:three|a:four|b:|");
    weft_dataset_close(t);
    CHECK_HAS(refused(make_file("two.train", "__label__a x\n__label__a __label__b y\n"),
                      NULL, WEFT_EDATA),
              "two.train:2: has more than one label");
    t = open_texts(make_file("plain.all", "0 one two\n1 three\n\n0 four five\n1 six\n"),
                   NULL);
    CHECK_TEXT(weft_dataset_format(t), "space");
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "0:one two|1:three|0:four five|1:six|");
    weft_dataset_close(t);
    CHECK_HAS(refused(make_file("prose.txt", "It was a dark night.\nNo one saw it.\n"
                                             "Then came the dawn.\nWe all went home.\n"),
                      NULL, WEFT_EDATA),
              "looked for labelled texts (TSV, CSV, JSONL");
}

static void bad_rows_are_listed_by_line(void **state)
{
    const char *path =
        make_file("rows.tsv", "a b\tx\nc d\ty\ne\nf\tx\tmore\ng\t\nh\ty\ni\tx\n");
    const char *list = keep(test_path("bad.tsv"));
    weft_dataset_opts o = all_train;
    unsigned char *text;
    size_t size;
    weft_dataset *t;
    (void)state;
    CHECK_HAS(refused(path, &o, WEFT_EDATA),
              "3 of 7 samples cannot be read; the first: ");
    CHECK_HAS(weft_last_error(), "rows.tsv:3: 1 column, the first row has 2");
    o.skip_bad = true;
    o.bad_list = list;
    t = open_texts(path, &o);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "x:a b|y:c d|y:h|x:i|");
    weft_dataset_close(t);
    CHECK(weft__file_read(list, 10000, &text, &size) == WEFT_OK);
    CHECK_HAS((char *)text, "rows.tsv:4\t");
    CHECK_HAS((char *)text, "rows.tsv:5: no label\n");
    free(text);
    o.skip_bad_max = 10;
    CHECK_HAS(refused(path, &o, WEFT_EDATA), "(42.9 %) cannot be read, 10 % may be");
}

static void csv_quotes_that_go_wrong_are_bad_rows(void **state)
{
    weft_dataset_opts o = all_train;
    weft_dataset *t;
    (void)state;
    o.skip_bad = true;
    t = open_texts(make_file("quotes.csv", "label,text\na,one\nb,\"two\" three\nb,four\n"
                                           "a,five\nb,\"six\n"),
                   &o);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "a:one|b:four|a:five|");
    weft_dataset_close(t);
    CHECK_HAS(refused(keep(test_path("quotes.csv")), NULL, WEFT_EDATA),
              "quotes.csv:3: text after a closing quote");
}

static void nul_bytes_and_wrong_utf8_are_replaced_or_refused(void **state)
{
    static const char raw[] = "a\0b\tx\nc\xff\xc0\x80\ty\n\xed\xa0\x80\tx\nd\ty\n";
    const char *path = keep(test_path("nul.tsv"));
    weft_dataset_opts o = all_train;
    weft_dataset *t;
    (void)state;
    test_write(path, raw, sizeof raw - 1);
    t = open_texts(path, NULL);
    CHECK(weft_dataset_replaced(t) == 7);
    CHECK_TEXT(weft_dataset_text(t, WEFT_SUBSET_TRAIN, 0, NULL), "a\xef\xbf\xbd"
                                                                 "b");
    weft_dataset_close(t);
    o.text.strict = true;
    CHECK_HAS(refused(path, &o, WEFT_EDATA),
              "nul.tsv:1: not UTF-8 at byte 1 of the text (0x00)");
    CHECK_HAS(refused(make_file("utf16.tsv", "\xff\xfe"
                                             "a"),
                      NULL, WEFT_EDATA),
              "is UTF-16");
}

/* A line far longer than the limit is read within it. */
static void huge_lines_are_cut_in_bounded_memory(void **state)
{
    enum { MEGABYTES = 300 };
    const char *path = keep(test_path("huge.tsv"));
    char *block = malloc(1 << 20);
    weft_dataset_opts o = all_train;
    weft_dataset *t;
    size_t length;
    FILE *f = fopen(path, "wb");
    (void)state;
    CHECK(block && f);
    memset(block, 'x', 1 << 20);
    block[9] = ' ';
    fputs("x\tshort\ny\t\xc3\xa4", f);
    for (int i = 0; i < MEGABYTES; i++) fwrite(block, 1, 1 << 20, f);
    fputs("\ny\tend\nx\tend", f);
    CHECK(!fclose(f));
    free(block);
    limit_memory((size_t)256 << 20);
    o.text.max_text_bytes = 10 << 20;
    t = open_texts(path, &o);
    CHECK(weft_dataset_count(t, WEFT_SUBSET_TRAIN) == 4);
    CHECK(*weft_dataset_text(t, WEFT_SUBSET_TRAIN, 1, &length) == '\xc3' &&
          length == 10 << 20);
    weft_dataset_close(t);
    unlink(path);
}

static void a_cut_text_ends_at_a_whole_letter(void **state)
{
    weft_dataset_opts o = all_train;
    weft_dataset *t;
    size_t n;
    (void)state;
    o.text.max_text_bytes = 4;
    t = open_texts(make_file("cut.tsv",
                             "a\t\xe4\xb8\xad\xe6\x96\x87\nb\tabcdef\na\t\xff\xff\n"
                             "b\txyz\n"),
                   &o);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN),
               "a:\xe4\xb8\xad|b:abcd|a:\xef\xbf\xbd|b:xyz|");
    weft_dataset_text(t, WEFT_SUBSET_TRAIN, 0, &n);
    CHECK(n == 3 && weft_dataset_replaced(t) == 1);
    weft_dataset_close(t);
}

/* A gzip member that holds text as it is. */
static void put_gzip(bytes *b, const char *text)
{
    size_t n = strlen(text);
    uint32_t crc = weft__crc32(0, text, n);
    put(b, "\x1f\x8b\x08\0\0\0\0\0\0\x03\x01", 11);
    put_byte(b, (int)(n & 255));
    put_byte(b, (int)(n >> 8));
    put_byte(b, (int)(~n & 255));
    put_byte(b, (int)(~n >> 8 & 255));
    put(b, text, n);
    for (int i = 0; i < 32; i += 8) put_byte(b, (int)(crc >> i & 255));
    for (int i = 0; i < 32; i += 8) put_byte(b, (int)(n >> i & 255));
}

static void packed_files_are_read_or_named(void **state)
{
    const char *path = keep(test_path("t.tsv.gz")), *half = keep(test_path("h.tsv.gz"));
    const char *xz = keep(test_path("t.xz"));
    bytes b = {0};
    (void)state;
    put_gzip(&b, "a\tx\nb\ty\nc");
    put_gzip(&b, "\tx\nd\ty\n");
    test_write(path, b.data, b.size);
    test_write(half, b.data, b.size - 12);
    drop(&b);
    test_write(xz,
               "\xfd"
               "7zXZ\0x",
               7);
    CHECK_HAS(refused(xz, NULL, WEFT_EDATA), "packed with xz (unxz -k)");
#ifdef WEFT_HAVE_ZLIB
    weft_dataset *t = open_texts(path, NULL);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "x:a|y:b|x:c|y:d|");
    weft_dataset_close(t);
    CHECK_HAS(refused(half, NULL, WEFT_EDATA), "packed data truncated");
#else
    CHECK_HAS(refused(path, NULL, WEFT_EUSAGE), "zlib was missing");
#endif
}

static void nothing_to_read_is_said(void **state)
{
    (void)state;
    CHECK_HAS(refused(make_file("empty.tsv", ""), NULL, WEFT_EDATA), "no rows in it");
    CHECK_HAS(refused(make_file("blank.csv", " \n\n  \n"), NULL, WEFT_EDATA),
              "no rows in it");
    CHECK_HAS(refused(make_file("blank.txt", "\n"), NULL, WEFT_EDATA), "looked for");
    CHECK_HAS(
        refused(make_file("empties.tsv", "a\t\nb\t\na\t\nb\t \n"), NULL, WEFT_EDATA),
        "all 4 texts are empty");
    CHECK_HAS(refused(make_file("single.tsv", "x\ta\ny\ta\nz\ta\n"), NULL, WEFT_EDATA),
              "found one: all 3 training samples are \"a\"");
    CHECK_HAS(refused(make_file("f.tsv", "x\ta\ny\tb\n"),
                      &(weft_dataset_opts){.text.format = "xml"}, WEFT_EUSAGE),
              "format \"xml\" of texts: tsv, csv");
}

RUN_TESTS(TEST(tsv_has_the_label_first_or_last), TEST(csv_follows_rfc_4180),
          TEST(columns_go_by_name_or_number),
          TEST(a_header_is_seen_by_what_stands_below_it), TEST(no_label_column_is_said),
          TEST(jsonl_objects_have_label_and_text),
          TEST(fasttext_and_label_first_lines_are_seen),
          TEST(bad_rows_are_listed_by_line), TEST(csv_quotes_that_go_wrong_are_bad_rows),
          TEST(nul_bytes_and_wrong_utf8_are_replaced_or_refused),
          TEST(a_cut_text_ends_at_a_whole_letter), TEST(packed_files_are_read_or_named),
          TEST(nothing_to_read_is_said), TEST(huge_lines_are_cut_in_bounded_memory))
