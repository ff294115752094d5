/* Tests of data sets whose targets are numbers, from files: which column is meant, what
 * is no number, folders named by numbers. */
#include "data/text/text_make.h"

static const weft_dataset_opts numbers = {.target = WEFT_TARGET_VALUES, .no_val = true};

/* "12.5:text|..." of the training texts. */
static const char *values_of(const char *path, const weft_dataset_opts *o,
                             const char *columns, const char *name)
{
    static char all[1024];
    weft_dataset *d = open_texts(path, o ? o : &numbers);
    *all = 0;
    CHECK(weft_dataset_target(d) == WEFT_TARGET_VALUES);
    CHECK(weft_dataset_values(d) == 1 && weft_dataset_classes(d) == 0);
    CHECK_TEXT(weft_dataset_value_name(d, 0), name);
    CHECK_TEXT(weft_dataset_columns(d), columns);
    for (int i = 0; i < weft_dataset_count(d, WEFT_SUBSET_TRAIN); i++) {
        size_t n = strlen(all);
        CHECK(weft_dataset_label(d, WEFT_SUBSET_TRAIN, i) == -1);
        snprintf(all + n, sizeof all - n, "%g:%s|",
                 (double)*weft_dataset_value(d, WEFT_SUBSET_TRAIN, i),
                 weft_dataset_text(d, WEFT_SUBSET_TRAIN, i, NULL));
    }
    weft_dataset_close(d);
    return all;
}

static void a_column_with_a_name_for_values_goes_first(void **state)
{
    (void)state;
    CHECK_TEXT(values_of(make_file("houses.csv", "id,price,rooms,text\n"
                                                 "1,12.5,3,a small house\n"
                                                 "2,1e2,5,a large one\n"
                                                 "3,-0.25,4,a ruin\n"),
                         NULL, "label price, text text", "price"),
               "12.5:a small house|100:a large one|-0.25:a ruin|");
    CHECK_TEXT(
        values_of(make_file("both.csv", "target,Score,text\n1,7,one\n2,8,two\n3,9,x\n"),
                  NULL, "label Score, text text", "Score"),
        "7:one|8:two|9:x|");
}

static void else_it_is_the_last_of_numbers_that_does_not_number_the_rows(void **state)
{
    (void)state;
    /* kind has two different values only, line and user_id number rows and people */
    CHECK_TEXT(values_of(make_file("other.csv", "size,kind,line,user_id,words\n"
                                                "3,0,10,77,one\n"
                                                "1,1,11,5,two\n"
                                                "4,0,12,9,three\n"
                                                "1.5,1,13,2,four\n"),
                         NULL, "label size, text words", "size"),
               "3:one|1:two|4:three|1.5:four|");
    CHECK_TEXT(
        values_of(make_file("bare.tsv", "one\t3\t0.5\ntwo\t1\t0.25\nthree\t2\t0.75\n"
                                        "four\t9\t1\n"),
                  NULL, "label column 3, text column 1", "value"),
        "0.5:one|0.25:two|0.75:three|1:four|");
    CHECK_HAS(refused(make_file("none.csv", "id,kind,text\n1,0,a\n2,1,b\n3,0,c\n4,1,d\n"),
                      &numbers, WEFT_EDATA),
              "none of the 3 columns looks like a value");
}

static void a_user_names_the_column(void **state)
{
    weft_dataset_opts o = numbers;
    const char *path =
        make_file("named.csv", "price,rooms,text\n1.5,3,a b\n2.5,5,c\n9,4,d e\n");
    (void)state;
    o.text.label_column = "rooms";
    CHECK_TEXT(values_of(path, &o, "label rooms, text text", "rooms"),
               "3:a b|5:c|4:d e|");
    o.text.label_column = "2";
    CHECK_TEXT(values_of(path, &o, "label rooms, text text", "rooms"),
               "3:a b|5:c|4:d e|");
    o.text.label_column = "text";
    CHECK_HAS(refused(path, &o, WEFT_EUSAGE),
              "column 3 has 0 numbers in 3 rows: those are no values");
}

static void what_is_no_number_is_a_bad_row(void **state)
{
    weft_dataset_opts o = numbers;
    const char *path =
        make_file("bad.csv", "price,text\n1,a\n2,b\n3,c\ncheap,d\n5,e\n6,f\n7,g\n"
                             "1e999,h\nnan,i\n1e39,j\n,k\n12,l\n13,m\n14,n\n"
                             "1,o\n1,p\n1,q\n2,r\n1,s\n1,t\n 4 ,u\n"
                             "0x10,v\n1,w\n1,x\n1,y\n1,z\n1,a a\n1,a b\n1,a c\n"
                             "1,a d\n1,a e\n1,a f\n1,a g\n1,a h\n1,a i\n"
                             "1,a j\n1,a k\n1,a l\n1,a m\n1,a n\n1,a o\n1,a p\n"
                             "1,a q\n1,a r\n1,a s\n1,a t\n1,a u\n1,a v\n");
    (void)state;
    CHECK_HAS(refused(path, &o, WEFT_EDATA),
              "6 of 48 samples cannot be read; the first: ");
    CHECK_HAS(weft_last_error(), "bad.csv:5: \"cheap\" is no number");
    o.skip_bad = true;
    o.bad_list = keep(test_path("bad.tsv"));
    weft_dataset *d = open_texts(path, &o);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 42);
    weft_dataset_close(d);
    unsigned char *list;
    size_t size;
    CHECK(weft__file_read(o.bad_list, 10000, &list, &size) == WEFT_OK);
    CHECK_HAS((char *)list, "bad.csv:9: \"1e999\" is no number\n");
    CHECK_HAS((char *)list, "bad.csv:10: \"nan\" is no number\n");
    CHECK_HAS((char *)list, "bad.csv:11: \"1e39\" is no number\n"); /* no float */
    CHECK_HAS((char *)list, "bad.csv:12: no label\n");
    CHECK_HAS((char *)list, "bad.csv:23: \"0x10\" is no number\n");
    free(list);
}

static void jsonl_has_numbers_that_are_not_whole(void **state)
{
    (void)state;
#ifdef WEFT_HAVE_JANSSON
    CHECK_TEXT(
        values_of(make_file("a.jsonl", "{\"text\": \"one\", \"score\": 0.5}\n"
                                       "{\"text\": \"two\", \"score\": 3}\n"
                                       "{\"text\": \"six\", \"score\": \"-1.25\"}\n"
                                       "{\"text\": \"ten\", \"score\": 1e-3}\n"),
                  NULL, "label score, text text", "score"),
        "0.5:one|3:two|-1.25:six|0.001:ten|");
    CHECK_HAS(refused(make_file("b.jsonl", "{\"text\": \"one\", \"score\": 0.5}\n"
                                           "{\"text\": \"two\", \"score\": [3]}\n"
                                           "{\"text\": \"six\", \"score\": 2.5}\n"),
                      &numbers, WEFT_EDATA),
              "b.jsonl:2: no field \"score\" that is a number");
#endif
}

static void formats_without_columns_have_the_number_first(void **state)
{
    weft_dataset_opts o = numbers;
    (void)state;
    CHECK_TEXT(
        values_of(make_file("ft.train", "__label__1.5 one two\n__label__2 three\n"), NULL,
                  "", "value"),
        "1.5:one two|2:three|");
    o.text.format = "space";
    CHECK_TEXT(
        values_of(make_file("plain.txt", "3.5 one two\n-1 three\n"), &o, "", "value"),
        "3.5:one two|-1:three|");
}

static void there_may_be_any_number_of_different_values(void **state)
{
    enum { MANY = 70000 };
    const char *path = keep(test_path("many.tsv"));
    FILE *f = fopen(path, "w");
    (void)state;
    CHECK(f != NULL);
    for (int i = 0; i < MANY; i++) fprintf(f, "text %d\t%d.5\n", i, (i * 11) % MANY);
    CHECK(!fclose(f));
    weft_dataset *d = open_texts(path, &numbers);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == MANY);
    for (int i = 0; i < MANY; i++)
        CHECK(*weft_dataset_value(d, WEFT_SUBSET_TRAIN, i) ==
              (float)((i * 11) % MANY) + 0.5f);
    weft_dataset_close(d);
    CHECK_HAS(refused(path, NULL, WEFT_EDATA), "no column looks like a label");
}

/* Values need not be known from train; a share of all is split off, by seed. */
static void subsets_and_the_split(void **state)
{
    weft_dataset_opts o = {.target = WEFT_TARGET_VALUES, .seed = 5};
    bytes b = {0};
    const char *path = keep(test_path("split.tsv"));
    char line[64], hash[65];
    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "text %d\t%d.25\n", i, i * i % 100);
        put(&b, line, strlen(line));
    }
    save(path, &b);
    o.test = make_file("test.tsv", "a\t-1000.5\nb\t7\n");
    weft_dataset *d = open_texts(path, &o);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 90);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 10);
    CHECK(*weft_dataset_value(d, WEFT_SUBSET_TEST, 0) == -1000.5f);
    memcpy(hash, weft_dataset_hash(d), sizeof hash);
    int first = atoi(weft_dataset_text(d, WEFT_SUBSET_VAL, 0, NULL) + 5), same = 0;
    for (int i = 0; i < 10; i++) {
        int number = atoi(weft_dataset_text(d, WEFT_SUBSET_VAL, i, NULL) + 5);
        CHECK(*weft_dataset_value(d, WEFT_SUBSET_VAL, i) ==
              (float)(number * number % 100) + 0.25f);
        same += number == first + i;
    }
    CHECK(same < 10); /* drawn, not cut off */
    weft_dataset_close(d);
    o.seed = 6;
    d = open_texts(path, &o);
    CHECK(strcmp(hash, weft_dataset_hash(d)));
    weft_dataset_close(d);
}

static void one_value_only_is_refused(void **state)
{
    const char *path = make_file("same.csv", "price,text\n2.5,a\n2.50,b\n25e-1,c\n");
    (void)state;
    CHECK_HAS(refused(path, &numbers, WEFT_EDATA),
              "found one: all 3 training samples have the price 2.5");
    CHECK_HAS(lint_texts(path, &numbers), "one-value ");
    CHECK_HAS(lint_texts(make_file("few.csv", "price,text\n2.5,a\n3.5,b\n1,a\n2,c\n"),
                         &numbers),
              "contrary-labels ");
}

/* ---- folders ---- */

static void folders_of_texts_are_named_by_numbers(void **state)
{
    const char *folder = make_folder("stars");
    (void)state;
    put_file(make_folder("stars/1.5"), "a.txt", "poor");
    put_file(make_folder("stars/1.5"), "b.txt", "bad");
    put_file(make_folder("stars/4"), "a.txt", "good");
    CHECK_TEXT(values_of(folder, NULL, "", "value"), "1.5:poor|1.5:bad|4:good|");
    put_file(make_folder("stars/best"), "a.txt", "fine");
    CHECK_HAS(refused(folder, &numbers, WEFT_EDATA),
              "stars/best/a.txt: \"best\" is no number");
}

static void folders_of_pictures_are_named_by_numbers(void **state)
{
    const char *folder = make_folder("ages");
    const char *train = make_folder("ages/train"), *test = make_folder("ages/test");
    weft_dataset_opts o = {.target = WEFT_TARGET_VALUES};
    weft_dataset *d = NULL;
    char name[600];
    (void)state;
    make_class(train, "3", 10, 4);
    make_class(train, "12.5", 10, 4);
    make_class(train, "-1", 10, 4);
    make_class(test, "99", 2, 4); /* not in train */
    CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
    CHECK(weft_dataset_target(d) == WEFT_TARGET_VALUES && weft_dataset_classes(d) == 0);
    CHECK_TEXT(weft_dataset_value_name(d, 0), "value");
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 3);
    CHECK(*weft_dataset_value(d, WEFT_SUBSET_TEST, 1) == 99);
    for (int i = 0; i < weft_dataset_count(d, WEFT_SUBSET_TRAIN); i++) {
        weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, i, name, sizeof name);
        CHECK((float)atof(strstr(name, "train/") + 6) ==
              *weft_dataset_value(d, WEFT_SUBSET_TRAIN, i));
    }
    weft_dataset_close(d);
    make_class(train, "old", 3, 4);
    CHECK(weft_dataset_open(folder, &o, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "3 of 35 samples cannot be read");
    CHECK_HAS(weft_last_error(), "train/old/00.pgm: \"old\" is no number");
    o.skip_bad = true;
    CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 27);
    weft_dataset_close(d);
    CHECK_HAS(lint(folder, &(weft_dataset_opts){.target = WEFT_TARGET_VALUES}),
              "unreadable unreadable unreadable ");
}

static void labels_of_idx_files_are_numbers_too(void **state)
{
    const char *folder = make_folder("idx");
    const unsigned char label[] = {3, 0, 7, 3, 9, 1};
    bytes b = {0};
    weft_dataset *d = NULL;
    (void)state;
    make_idx(&b, 3, (int[]){6, 2, 2}, NULL);
    save(put_file(folder, "train-images-idx3-ubyte", ""), &b);
    make_idx(&b, 1, (int[]){6}, label);
    save(put_file(folder, "train-labels-idx1-ubyte", ""), &b);
    CHECK(weft_dataset_open(folder, &numbers, &d) == WEFT_OK);
    for (int i = 0; i < 6; i++)
        CHECK(*weft_dataset_value(d, WEFT_SUBSET_TRAIN, i) == (float)label[i]);
    weft_dataset_close(d);
}

RUN_TESTS(TEST(a_column_with_a_name_for_values_goes_first),
          TEST(else_it_is_the_last_of_numbers_that_does_not_number_the_rows),
          TEST(a_user_names_the_column), TEST(what_is_no_number_is_a_bad_row),
          TEST(jsonl_has_numbers_that_are_not_whole),
          TEST(formats_without_columns_have_the_number_first),
          TEST(there_may_be_any_number_of_different_values), TEST(subsets_and_the_split),
          TEST(one_value_only_is_refused), TEST(folders_of_texts_are_named_by_numbers),
          TEST(folders_of_pictures_are_named_by_numbers),
          TEST(labels_of_idx_files_are_numbers_too))
