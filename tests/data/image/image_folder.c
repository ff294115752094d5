/* Tests of folders of pictures: layouts, odd names and files, bad pictures, splits. */
#include "make.h"

#include <fcntl.h>

static weft_status open_it(const char *path, const weft_dataset_opts *o)
{
    weft_dataset *d;
    weft_status s = weft_dataset_open(path, o, &d);
    if (!s) weft_dataset_close(d);
    return s;
}

static const char *in(const char *folder, const char *name)
{
    char path[1400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return keep(path);
}

static void class_folders_are_classes_in_bytewise_order(void **state)
{
    const char *folder = make_folder("plain");
    char name[600];
    weft_dataset *d;
    int c, h, w;
    (void)state;
    make_class(folder, "zebra", 3, 4);
    make_class(folder, "Ant", 4, 4);
    make_class(folder, "\xc3\xa9tude", 2, 4);
    make_class(folder, "bee", 5, 4);
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK_TEXT(weft_dataset_format(d), "image-folder");
    CHECK(weft_dataset_classes(d) == 4);
    CHECK_TEXT(weft_dataset_class_name(d, 0), "Ant");
    CHECK_TEXT(weft_dataset_class_name(d, 1), "bee");
    CHECK_TEXT(weft_dataset_class_name(d, 2), "zebra");
    CHECK_TEXT(weft_dataset_class_name(d, 3), "\xc3\xa9tude");
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 14);
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == 1 && h == 4 && w == 4);
    weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, 5, name, sizeof name);
    CHECK_HAS(name, "plain/bee/01.pgm");
    CHECK(weft_dataset_label(d, WEFT_SUBSET_TRAIN, 5) == 1);
    weft_dataset_close(d);
}

static void train_val_and_test_folders_are_splits(void **state)
{
    const char *folder = make_folder("splits");
    weft_dataset *d;
    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *split = in(folder, i == 0 ? "train" : i == 1 ? "valid" : "test");
        make_class(split, "a", 4 - i, 3);
        make_class(split, "b", 4 - i, 3);
    }
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 8);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 6);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 4);
    weft_dataset_close(d);
    CHECK(weft_dataset_open(
              in(folder, "train"),
              &(weft_dataset_opts){.test = in(folder, "valid"), .no_val = true},
              &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 6 &&
          weft_dataset_count(d, WEFT_SUBSET_VAL) == 0);
    weft_dataset_close(d);
    make_class(in(folder, "test"), "c", 1, 3);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "class \"c\" is not in the training set");
}

static void what_is_missing_is_said_and_what_was_found(void **state)
{
    const char *empty = make_folder("empty"), *one = make_folder("one");
    const char *loose = make_folder("loose"), *only = make_folder("only");
    const char *hollow = make_folder("hollow"), *text = make_folder("text");
    (void)state;
    CHECK(open_it(test_path("nowhere"), NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "no such folder or file");
    CHECK(open_it(empty, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "looked for train-images-idx3-ubyte[.gz]");
    CHECK_HAS(weft_last_error(), "found 0 entries");
    test_write(in(text, "readme.txt"), "x", 1);
    CHECK(open_it(text, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "found 1 entries (readme.txt)");
    CHECK(open_it(in(text, "readme.txt"), NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "not a data set (a file");
    make_class(one, "cat", 4, 3);
    CHECK(open_it(one, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(),
              "looked for two class folders or more, found one: \"cat\"");
    write_pnm(in(loose, "a.pgm"), 1, 2, 2, 1, 2);
    CHECK(open_it(loose, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "found 1 pictures without a class");
    make_class(in(only, "test"), "cat", 1, 3);
    CHECK(open_it(only, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "looked for train/");
    CHECK(weft__make_folders(in(hollow, "a")) == WEFT_OK);
    CHECK(weft__make_folders(in(hollow, "b")) == WEFT_OK);
    CHECK(open_it(hollow, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "looked for pictures in 2 class folders, found none");
}

static void odd_names_and_files_are_skipped_without_blocking(void **state)
{
    const char *folder = make_folder("odd");
    weft_dataset *d;
    const char *codes;
    (void)state;
    make_class(folder, "a", 3, 3);
    make_class(folder, "b", 3, 3);
    make_class(folder, ".hidden", 3, 3);
    make_class(in(folder, "a"), "deeper", 2, 3);
    write_pnm(in(folder, "a/; rm -rf $(x) \n.pgm"), 1, 3, 3, 200, 9);
    write_pnm(in(folder, "a/.DS_Store.pgm"), 1, 3, 3, 201, 9);
    write_pnm(in(folder, "b/no-ending"), 1, 3, 3, 202, 9);
    test_write(in(folder, "b/notes.txt"), "x", 1);
    CHECK(!mkfifo(in(folder, "a/fifo.png"), 0600));
    CHECK(!symlink("..", in(folder, "a/loop")));
    CHECK(!symlink("/dev/zero", in(folder, "a/zero.png")));
    CHECK(!symlink("nowhere", in(folder, "a/dangling.png")));
    CHECK(!symlink("dangling.png/x", in(folder, "b/self")));
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK(weft_dataset_classes(d) == 2);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 3 + 2 + 1 + 3 + 1);
    weft_dataset_close(d);
    lint_wanted = "stray";
    codes = lint(folder, NULL);
    CHECK_HAS(codes, "loop");
    CHECK_HAS(codes, "not-a-file");
    CHECK_HAS(codes, "unreachable");
    CHECK_HAS(codes, "stray");
    CHECK_HAS(lint_text, "notes.txt");
}

static void folders_deeper_than_eight_are_left_out(void **state)
{
    const char *folder = make_folder("deep");
    char path[1200];
    weft_dataset *d;
    (void)state;
    make_class(folder, "a", 3, 3);
    make_class(folder, "b", 3, 3);
    snprintf(path, sizeof path, "%s/a", folder);
    for (int i = 0; i < 12; i++) {
        make_class(path, "d", 1, 3);
        strcat(path, "/d");
    }
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 6 + 7);
    weft_dataset_close(d);
    CHECK_HAS(lint(folder, NULL), "too-deep");
}

static void bad_pictures_stop_it_and_are_counted(void **state)
{
    const char *folder = make_folder("bad");
    weft_dataset *d;
    (void)state;
    make_class(folder, "a", 5, 3);
    make_class(folder, "b", 5, 3);
    test_write(in(folder, "a/02.pgm"), "", 0);
    test_write(in(folder, "a/text.jpg"), "hello", 5);
    test_write(in(folder, "b/03.pgm"), "P5 3 3 255 abc", 14);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "3 of 11 samples cannot be read");
    CHECK_HAS(weft_last_error(), "a/02.pgm: the file is empty (0 bytes)");
    /* Headers alone are good enough for the third. */
    CHECK(open_it(folder, &(weft_dataset_opts){.image.no_check = true}) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "2 of 11 samples cannot be read");
    CHECK(weft_dataset_open(folder,
                            &(weft_dataset_opts){.skip_bad = true, .no_val = true},
                            &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 8);
    weft_dataset_close(d);
}

static void skipped_samples_are_listed_and_may_not_be_too_many(void **state)
{
    const char *folder = make_folder("skip"), *list = test_path("bad.tsv");
    weft_dataset_opts o = {.skip_bad = true, .skip_bad_max = 10, .bad_list = list};
    unsigned char *text;
    size_t size;
    (void)state;
    make_class(folder, "a", 5, 3);
    make_class(folder, "b", 5, 3);
    test_write(in(folder, "a/x\ty\n.png"), "nonsense", 8);
    CHECK(open_it(folder, &o) == WEFT_OK);
    CHECK(weft__file_read(list, 10000, &text, &size) == WEFT_OK);
    CHECK_HAS((char *)text, "sample\tproblem\n");
    CHECK_HAS((char *)text, "a/x\\x09y\\x0a.png\t");
    CHECK_HAS((char *)text, "it begins with \"nonsense\"");
    free(text);
    o.skip_bad_max = 5;
    CHECK(open_it(folder, &o) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(),
              "1 of 11 samples (9.09 %) cannot be read, 5 % may be left");
}

static void skipping_leaves_the_other_samples_in_their_order(void **state)
{
    const char *folder = make_folder("order");
    weft_dataset_opts o = {.skip_bad = true, .seed = 7, .val_fraction = 0.3};
    char name[600], before[600] = "", hash[65];
    weft_dataset *d;
    (void)state;
    make_class(folder, "a", 20, 3);
    make_class(folder, "b", 20, 3);
    test_write(in(folder, "a/07.pgm"), "P5", 2);
    for (int threads = 1; threads <= 4; threads += 3) {
        o.image.threads = threads;
        CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
        CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) +
                  weft_dataset_count(d, WEFT_SUBSET_VAL) ==
              39);
        CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 12);
        *before = 0;
        for (int i = 0; i < weft_dataset_count(d, WEFT_SUBSET_TRAIN); i++) {
            weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, i, name, sizeof name);
            CHECK(strcmp(before, name) < 0);
            CHECK(!strstr(name, "a/07.pgm"));
            memcpy(before, name, sizeof name);
        }
        if (threads > 1) CHECK_TEXT(hash, weft_dataset_hash(d));
        memcpy(hash, weft_dataset_hash(d), sizeof hash);
        weft_dataset_close(d);
    }
}

static void unreadable_files_are_bad_samples(void **state)
{
    const char *folder = make_folder("locked");
    (void)state;
    if (!geteuid()) skip(); /* root reads everything */
    make_class(folder, "a", 3, 3);
    make_class(folder, "b", 3, 3);
    CHECK(!chmod(in(folder, "a/01.pgm"), 0));
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "a/01.pgm: cannot open: Permission denied");
}

static void a_file_that_vanishes_is_named_when_it_is_wanted(void **state)
{
    const char *folder = make_folder("vanish");
    weft_dataset_opts o = {.image.no_check = true, .no_val = true};
    unsigned char p[9];
    weft_dataset *d, *unfitted;
    weft_loader *l;
    weft_batch b;
    weft_status s;
    (void)state;
    make_class(folder, "a", 30, 3);
    make_class(folder, "b", 30, 3);
    CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
    CHECK(weft_dataset_open(folder, &o, &unfitted) == WEFT_OK);
    CHECK(weft_dataset_fit(d) == WEFT_OK);
    CHECK(!unlink(in(folder, "b/04.pgm")));
    CHECK(weft_dataset_fit(unfitted) == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "b/04.pgm: cannot open: No such file");
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 34, p) == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "b/04.pgm: cannot open: No such file");
    CHECK(weft_loader_new(d, &(weft_loader_opts){.batch = 8}, &l) == WEFT_OK);
    CHECK(weft_loader_start(l, 0, 0) == WEFT_OK);
    for (int i = 0; i < 4; i++) CHECK(weft_loader_next(l, &b) == WEFT_OK);
    s = weft_loader_next(l, &b);
    CHECK(s == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "b/04.pgm: cannot open: No such file");
    weft_loader_free(l);
    weft_dataset_close(d);
    weft_dataset_close(unfitted);
}

static void the_size_is_the_commonest_at_most_224(void **state)
{
    const char *folder = make_folder("sizes");
    weft_dataset *d;
    int c, h, w;
    (void)state;
    make_class(folder, "a", 2, 9);
    make_class(folder, "b", 3, 6);
    write_pnm(in(folder, "a/colour.ppm"), 3, 2, 2, 3, 4);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_OK);
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == 3 && h == 6 && w == 6);
    weft_dataset_close(d);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "a/large%d.pgm", i);
        write_pnm(in(folder, name), 1, 300, 100, i, 5);
    }
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.image.channels = 1}, &d) ==
          WEFT_OK);
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == 1 && h == 224 && w == 100);
    weft_dataset_close(d);
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.image.height = 12}, &d) ==
          WEFT_OK);
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(h == 12 && w == 12);
    weft_dataset_close(d);
}

static void decoded_ahead_or_not_gives_the_same_pixels(void **state)
{
    const char *folder = make_folder("cache");
    weft_dataset_opts o = {
        .image.height = 7, .image.width = 5, .no_val = true, .image.fit = WEFT_FIT_CROP};
    unsigned char p[35], q[35];
    weft_dataset *a, *b;
    (void)state;
    make_class(folder, "a", 4, 9);
    make_class(folder, "b", 4, 6);
    CHECK(weft_dataset_open(folder, &o, &a) == WEFT_OK);
    o.image.no_check = true;
    CHECK(weft_dataset_open(folder, &o, &b) == WEFT_OK);
    CHECK_TEXT(weft_dataset_hash(a), weft_dataset_hash(b));
    for (int i = 0; i < 8; i++) {
        CHECK(weft_dataset_image(a, WEFT_SUBSET_TRAIN, i, p) == WEFT_OK);
        CHECK(weft_dataset_image(b, WEFT_SUBSET_TRAIN, i, q) == WEFT_OK);
        CHECK(!memcmp(p, q, sizeof p));
    }
    weft_dataset_close(a);
    weft_dataset_close(b);
}

static void the_hash_does_not_depend_on_where_the_set_lies(void **state)
{
    const char *folder = make_folder("here");
    char hash[65];
    weft_dataset *d;
    (void)state;
    make_class(folder, "a", 3, 3);
    make_class(folder, "b", 3, 3);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_OK);
    memcpy(hash, weft_dataset_hash(d), sizeof hash);
    weft_dataset_close(d);
    CHECK(!rename(folder, test_path("there")));
    CHECK(weft_dataset_open(in(test_path("there"), ""), NULL, &d) == WEFT_OK);
    CHECK_TEXT(weft_dataset_hash(d), hash);
    weft_dataset_close(d);
    write_pnm(in(test_path("there"), "a/01.pgm"), 1, 3, 4, 3, 3);
    CHECK(weft_dataset_open(test_path("there"), NULL, &d) == WEFT_OK);
    CHECK(strcmp(weft_dataset_hash(d), hash));
    weft_dataset_close(d);
}

static void options_outside_their_range_are_usage(void **state)
{
    static const weft_dataset_opts row[] = {{.image.height = -1},
                                            {.image.width = 70000},
                                            {.image.channels = 2},
                                            {.val_fraction = 1},
                                            {.val_fraction = -0.1},
                                            {.skip_bad_max = 101},
                                            {.image.max_megapixels = -1},
                                            {.image.threads = -1},
                                            {.image.fit = (weft_image_fit)7}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        CHECK(open_it(test_folder(), &row[i]) == WEFT_EUSAGE);
    CHECK(open_it("", NULL) == WEFT_EUSAGE);
    CHECK(open_it(NULL, NULL) == WEFT_EUSAGE);
}

/* ---- the lint ---- */

static void a_clean_set_has_notes_only(void **state)
{
    const char *folder = make_folder("clean");
    (void)state;
    make_class(folder, "a", 24, 3);
    make_class(folder, "b", 24, 3);
    CHECK_TEXT(lint(folder, NULL), "summary ");
    write_pnm(in(folder, "a/other.pgm"), 1, 5, 5, 77, 78);
    CHECK_TEXT(lint(folder, NULL), "summary sizes ");
}

static void the_lint_goes_on_past_errors(void **state)
{
    const char *folder = make_folder("lint");
    const char *train = in(folder, "train"), *test = in(folder, "test");
    const char *codes;
    (void)state;
    make_class(train, "cat", 12, 3);
    make_class(train, "Cat", 12, 3);
    make_class(train, "dog", 1, 3);
    make_class(train, "empty", 0, 3);
    make_class(test, "cat", 12, 3);
    make_class(test, "fox", 2, 3);
    test_write(in(train, "cat/03.pgm"), "P5 3 3 255 abc", 14);
    test_write(in(train, "cat/04.pgm"), "x", 1);
    write_pnm(in(train, "cat/twin1.pgm"), 1, 3, 3, 99, 98);
    write_pnm(in(train, "cat/twin2.jpg"), 1, 3, 3, 99, 98);
    write_pnm(in(test, "dog.pgm"), 1, 3, 3, 99, 97);
    make_class(test, "dog", 0, 3);
    write_pnm(in(test, "dog/twin3.pgm"), 1, 3, 3, 99, 98);
    lint_wanted = "contrary-labels";
    codes = lint(folder, NULL);
    CHECK_HAS(codes, "alike ");
    CHECK_HAS(codes, "unknown-class ");
    CHECK_HAS(codes, "stray ");
    CHECK_HAS(codes, "unreadable unreadable ");
    CHECK_HAS(codes, "wrong-extension ");
    CHECK_HAS(codes, "empty-class ");
    CHECK_HAS(codes, "few-samples ");
    CHECK_HAS(codes, "duplicate ");
    CHECK_HAS(codes, "overlap ");
    CHECK_HAS(codes, "contrary-labels ");
    CHECK_HAS(codes, "imbalance ");
    CHECK_HAS(codes, "summary ");
    CHECK_HAS(lint_text, "dog/twin3.pgm and ");
    CHECK_HAS(lint_text, "cat/twin1.pgm");
}

static void the_lint_tells_what_stops_it(void **state)
{
    const char *one = make_folder("lint-one");
    (void)state;
    make_class(one, "cat", 12, 3);
    CHECK_HAS(lint(one, NULL), "one-class ");
    CHECK_TEXT(lint(test_path("nothing-here"), NULL), "unusable ");
}

RUN_TESTS(TEST(class_folders_are_classes_in_bytewise_order),
          TEST(train_val_and_test_folders_are_splits),
          TEST(what_is_missing_is_said_and_what_was_found),
          TEST(odd_names_and_files_are_skipped_without_blocking),
          TEST(folders_deeper_than_eight_are_left_out),
          TEST(bad_pictures_stop_it_and_are_counted),
          TEST(skipped_samples_are_listed_and_may_not_be_too_many),
          TEST(skipping_leaves_the_other_samples_in_their_order),
          TEST(unreadable_files_are_bad_samples),
          TEST(a_file_that_vanishes_is_named_when_it_is_wanted),
          TEST(the_size_is_the_commonest_at_most_224),
          TEST(decoded_ahead_or_not_gives_the_same_pixels),
          TEST(the_hash_does_not_depend_on_where_the_set_lies),
          TEST(options_outside_their_range_are_usage), TEST(a_clean_set_has_notes_only),
          TEST(the_lint_goes_on_past_errors), TEST(the_lint_tells_what_stops_it))
