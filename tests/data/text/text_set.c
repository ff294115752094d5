/* Tests of sets of texts: where the splits are, classes, twins, the lint. */
#include "text_make.h"

#include <sys/stat.h>

static const char *four = "a b\t0\nc d\t1\ne f\t0\ng h\t1\n";

static void a_folder_has_train_dev_and_test_files(void **state)
{
    const char *folder = make_folder("splits");
    weft_dataset *t;
    (void)state;
    put_file(folder, "train45k.txt", four);
    put_file(folder, "dev.txt", "x y\t1\n");
    put_file(folder, "test.txt", "z\t0\nv\t1\n");
    put_file(folder, "README.md", "train\n");
    put_file(folder, "vocab.txt", "a\t0\n");
    CHECK(is_texts(folder));
    CHECK(weft_dataset_open(folder, NULL, &t) == WEFT_OK);
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN), "0:a b|1:c d|0:e f|1:g h|");
    CHECK_TEXT(content(t, WEFT_SUBSET_VAL), "1:x y|");
    CHECK_TEXT(content(t, WEFT_SUBSET_TEST), "0:z|1:v|");
    weft_dataset_close(t);
    put_file(folder, "train2.txt", four);
    CHECK_HAS(refused(folder, NULL, WEFT_EDATA),
              "2 files could be the texts for train (train2.txt, train45k.txt)");
    put_file(folder, "train.txt", four);
    CHECK(weft_dataset_open(folder, NULL, &t) == WEFT_OK);
    weft_dataset_close(t);
    folder = make_folder("middle");
    put_file(folder, "stsa.fine.train", "0 a b\n1 c\n0 d\n1 e\n");
    put_file(folder, "stsa.fine.test", "1 f\n");
    CHECK(weft_dataset_open(folder, NULL, &t) == WEFT_OK);
    CHECK(weft_dataset_count(t, WEFT_SUBSET_TEST) == 1 &&
          weft_dataset_count(t, WEFT_SUBSET_VAL) == 2);
    weft_dataset_close(t);
}

static void class_folders_hold_one_text_a_file(void **state)
{
    const char *folder = make_folder("aclImdb");
    char name[600];
    weft_dataset *t;
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int c = 0; c < 2; c++) {
            char path[64];
            snprintf(path, sizeof path, "aclImdb/%s/%s", k ? "test" : "train",
                     c ? "pos" : "neg");
            const char *class = make_folder(path);
            put_file(class, "0_9.txt", c ? "fine\nfilm\n" : "awful");
            put_file(class, "10_1.txt", c ? "good" : "bad");
            put_file(class, ".hidden.txt", "x");
            CHECK(!mkfifo(keep(test_path(strcat(path, "/pipe.txt"))), 0600));
        }
    put_file(make_folder("aclImdb/train/unsup"), "0_0.txt", "unknown");
    CHECK(is_texts(folder));
    t = open_texts(folder, NULL);
    CHECK_TEXT(weft_dataset_format(t), "text-folder");
    CHECK_TEXT(content(t, WEFT_SUBSET_TRAIN),
               "neg:awful|neg:bad|pos:fine\nfilm|pos:good|");
    CHECK(weft_dataset_count(t, WEFT_SUBSET_TEST) == 4);
    weft_dataset_sample_name(t, WEFT_SUBSET_TEST, 3, name, sizeof name);
    CHECK_HAS(name, "aclImdb/test/pos/10_1.txt");
    weft_dataset_close(t);
    make_folder("aclImdb/train/none");
    CHECK_HAS(lint_texts(folder, &all_train), "empty-class");
}

static void what_is_missing_is_said_and_what_was_found(void **state)
{
    const char *folder = make_folder("nothing");
    (void)state;
    CHECK_HAS(refused(test_path("nowhere"), NULL, WEFT_EDATA), "no such folder or file");
    CHECK(!is_texts(test_path("nowhere")) && !is_texts(folder));
    CHECK_HAS(refused(folder, NULL, WEFT_EDATA), "found 0 entries");
    put_file(folder, "photo.txt.png", "x");
    CHECK_HAS(refused(folder, NULL, WEFT_EDATA), "found 1 entries (photo.txt.png)");
    CHECK(!is_texts(folder));
    CHECK_HAS(refused(make_file("v.tsv", four),
                      &(weft_dataset_opts){.val = test_path("nowhere")}, WEFT_EDATA),
              "looked for a file of texts for val, found nothing");
    CHECK_HAS(refused(make_file("v.tsv", four),
                      &(weft_dataset_opts){.test = make_file("v.csv", "a,0\n")},
                      WEFT_EDATA),
              "v.csv: is csv, the training texts are tsv");
}

static void other_data_sets_are_not_taken_for_texts(void **state)
{
    const char *idx = make_folder("idx"), *pictures = make_folder("pictures");
    const char *yolo = make_folder("yolo");
    bytes b = {0};
    char name[64];
    (void)state;
    make_idx(&b, 3, (int[]){4, 3, 3}, NULL);
    save(put_file(idx, "train-images-idx3-ubyte", ""), &b);
    make_idx(&b, 1, (int[]){4}, NULL);
    save(put_file(idx, "train-labels-idx1-ubyte", ""), &b);
    CHECK(!is_texts(idx));
    CHECK(!is_texts(put_file(idx, "x.bin", "\x89PNG\r\n\x1a\n\0\0\0\t\t")));
    make_class(pictures, "a", 3, 4);
    make_class(pictures, "b", 3, 4);
    put_file(pictures, "labels.txt", "a\nb\n");
    put_file(pictures, "a/notes.txt", "x");
    CHECK(!is_texts(pictures));
    make_class(yolo, "train/images", 3, 4);
    make_folder("yolo/train/labels");
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "train/labels/%02d.txt", i);
        put_file(yolo, name, "0 0.5 0.5 1 1\n");
    }
    CHECK(!is_texts(yolo));
}

static void classes_are_numbers_in_order_or_names(void **state)
{
    const char *folder = make_folder("names");
    weft_dataset *t;
    (void)state;
    t = open_texts(make_file("n.tsv", "a\t10\nb\t9\nc\t10\nd\t9\ne\t-1\nf\t-1\n"), NULL);
    CHECK_TEXT(weft_dataset_class_name(t, 0), "-1");
    CHECK_TEXT(weft_dataset_class_name(t, 1), "9");
    CHECK_TEXT(weft_dataset_class_name(t, 2), "10");
    weft_dataset_close(t);
    t = open_texts(
        make_file("b.tsv", "a\tb\nb\tB\nc\t\xc3\xa4\nd\tb\ne\tB\nf\t\xc3\xa4\n"), NULL);
    CHECK_TEXT(weft_dataset_class_name(t, 0), "B");
    CHECK_TEXT(weft_dataset_class_name(t, 1), "b");
    CHECK_TEXT(weft_dataset_class_name(t, 2), "\xc3\xa4");
    weft_dataset_close(t);
    put_file(folder, "train.tsv", four);
    put_file(folder, "class.txt", "bad\ngood\n");
    t = open_texts(folder, NULL);
    CHECK_TEXT(weft_dataset_class_name(t, 1), "good");
    weft_dataset_close(t);
    put_file(folder, "class.txt", "bad\ngood\nugly\n");
    CHECK_HAS(lint_texts(folder, &all_train), "names");
    t = open_texts(folder, NULL);
    CHECK_TEXT(weft_dataset_class_name(t, 1), "1");
    weft_dataset_close(t);
}

static void a_class_that_train_does_not_have_is_named_with_the_nearest(void **state)
{
    weft_dataset_opts o = {.test = make_file("t.tsv", "x\tpositive\ny\tnegativ\n")};
    (void)state;
    CHECK_HAS(refused(make_file("p.tsv", "a\tpositive\nb\tnegative\nc\tpositive\n"
                                         "d\tnegative\n"),
                      &o, WEFT_EDATA),
              "t.tsv:2: class \"negativ\" is not in the training set (did you mean "
              "\"negative\"?)");
}

static void validation_is_drawn_by_class_and_seed(void **state)
{
    bytes b = {0};
    const char *path = keep(test_path("draw.tsv"));
    weft_dataset *t, *u;
    char line[64];
    int rare = 0;
    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "text %d\t%s\n", i, i % 20 ? "often" : "rare");
        put(&b, line, strlen(line));
    }
    save(path, &b);
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.seed = 3}, &t) == WEFT_OK);
    CHECK(weft_dataset_count(t, WEFT_SUBSET_VAL) == 20 &&
          weft_dataset_count(t, WEFT_SUBSET_TRAIN) == 180);
    for (int i = 0; i < 20; i++) rare += weft_dataset_label(t, WEFT_SUBSET_VAL, i) == 1;
    CHECK(rare == 1);
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.seed = 3}, &u) == WEFT_OK);
    CHECK_TEXT(weft_dataset_hash(t), weft_dataset_hash(u));
    weft_dataset_close(u);
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.seed = 4}, &u) == WEFT_OK);
    CHECK(strcmp(weft_dataset_hash(t), weft_dataset_hash(u)));
    weft_dataset_close(u);
    weft_dataset_close(t);
}

/* round(n * fraction), but at least one of every class with two, and never all of
 * it. */
static void every_class_keeps_a_sample_and_gives_one(void **state)
{
    static const int size[] = {1, 2, 3, 10, 16};
    static const double fraction[] = {0.001, 0.5, 0.9, 0};
    static const int wanted[][5] = {
        {0, 1, 1, 1, 1}, {0, 1, 2, 5, 8}, {0, 1, 2, 9, 14}, {0, 1, 1, 1, 2}};
    bytes b = {0};
    char line[64];
    const char *path = keep(test_path("share.tsv"));
    (void)state;
    for (int c = 0; c < 5; c++)
        for (int i = 0; i < size[c]; i++) {
            snprintf(line, sizeof line, "text %d of %d\tk%d\n", i, c, c);
            put(&b, line, strlen(line));
        }
    save(path, &b);
    for (int f = 0; f < 4; f++) {
        weft_dataset *t =
            open_texts(path, &(weft_dataset_opts){.val_fraction = fraction[f]});
        int got[5] = {0}, left[5] = {0};
        for (int i = 0; i < weft_dataset_count(t, WEFT_SUBSET_VAL); i++)
            got[weft_dataset_label(t, WEFT_SUBSET_VAL, i)]++;
        for (int i = 0; i < weft_dataset_count(t, WEFT_SUBSET_TRAIN); i++)
            left[weft_dataset_label(t, WEFT_SUBSET_TRAIN, i)]++;
        for (int c = 0; c < 5; c++) {
            CHECK(got[c] == wanted[f][c]);
            CHECK(left[c] == size[c] - got[c]);
        }
        weft_dataset_close(t);
    }
}

static void what_is_in_train_too_is_told_of_each_split(void **state)
{
    const char *folder = make_folder("leak");
    (void)state;
    put_file(folder, "train.tsv", "one\ta\ntwo\tb\nthree\ta\nfour\tb\n");
    put_file(folder, "dev.tsv", "five\ta\ntwo\tb\nthree\ta\n");
    put_file(folder, "test.tsv", "six\ta\nseven\tb\n");
    lint_wanted = "overlap";
    lint_texts(folder, &all_train);
    CHECK_HAS(lint_text, "2 samples of val are in train too");
    put_file(folder, "dev.tsv", "five\ta\n");
    put_file(folder, "test.tsv", "six\ta\nfour\tb\n");
    lint_texts(folder, &all_train);
    CHECK_HAS(lint_text, "1 samples of test are in train too");
}

static void the_lint_tells_all(void **state)
{
    const char *folder = make_folder("lint");
    bytes b = {0};
    char line[64];
    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(line, sizeof line, "text %d\t%s\n", i, i % 60 ? "a" : "b");
        put(&b, line, strlen(line));
    }
    put(&b, "text 1\ta\ntext 2\tb\n\ta\nx\xff\ta\nbroken\n", 33);
    save(put_file(folder, "train.tsv", ""), &b);
    put_file(folder, "test.tsv", "text 3\ta\nnew\tc\n");
    lint_wanted = "imbalance";
    lint_texts(folder, &all_train);
    CHECK_HAS(lint_codes, "unreadable unreadable ");
    CHECK_HAS(lint_codes, "empty-text ");
    CHECK_HAS(lint_codes, "not-utf8 ");
    CHECK_HAS(lint_codes, "few-samples ");
    CHECK_HAS(lint_codes, "duplicate ");
    CHECK_HAS(lint_codes, "overlap ");
    CHECK_HAS(lint_codes, "contrary-labels ");
    CHECK_HAS(lint_codes, "summary ");
    CHECK_HAS(lint_text, "class \"a\" has 298 training samples, \"b\" has 6");
    CHECK_HAS(lint_texts(make_file("e.tsv", ""), NULL), "unusable");
    CHECK_HAS(lint_texts(make_file("o.tsv", "a\tx\nb\tx\nc\tx\n"), &all_train),
              "one-class");
}

RUN_TESTS(TEST(a_folder_has_train_dev_and_test_files),
          TEST(class_folders_hold_one_text_a_file),
          TEST(what_is_missing_is_said_and_what_was_found),
          TEST(other_data_sets_are_not_taken_for_texts),
          TEST(classes_are_numbers_in_order_or_names),
          TEST(a_class_that_train_does_not_have_is_named_with_the_nearest),
          TEST(validation_is_drawn_by_class_and_seed),
          TEST(every_class_keeps_a_sample_and_gives_one),
          TEST(what_is_in_train_too_is_told_of_each_split), TEST(the_lint_tells_all))
