/* Tests of names of subsets: which words say one, and what is done with folders in any
 * usual spelling. */
#include "data/image/make.h"

#include "data/subset_names.h"

static int named(const char *name)
{
    int others, subset = weft__subset_named(name, strlen(name), &others);
    return others ? -2 : subset;
}

static void words_in_any_spelling(void **state)
{
    static const char *const word[3][12] = {
        {"train", "TRAIN", "Train", "training", "Training", "seg_train", "training_set",
         "train_images", "TrainingSet", "trainset", "train2017", "images-train"},
        {"val", "Val", "VALID", "valid", "Validation", "validation_set", "dev", "DEV",
         "devset", "seg_val", "val2017", "ValidationData"},
        {"test", "TEST", "Testing", "test_set", "testset", "seg_test", "Test Images",
         "test-data", "TestSet", "testing", "tst", "test1"}};
    static const char *const none[] = {"latest", "contest", "trainer",   "restest",
                                       "valley", "device",  "trains",    "a",
                                       "",       "__",      "train_test"};
    static const char *const other[] = {"test_tube", "train_station", "dev_a"};
    (void)state;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 12; i++) {
            if (named(word[k][i]) != k) print_error("%s\n", word[k][i]);
            CHECK(named(word[k][i]) == k);
        }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) CHECK(named(none[i]) < 0);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        CHECK(named(other[i]) == -2);
}

static const char *in(const char *folder, const char *name)
{
    char path[1400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return keep(path);
}

static void two_classes(const char *folder, const char *split, int count)
{
    const char *path = *split ? in(folder, split) : folder;
    make_class(path, "a", count, 3);
    make_class(path, "b", count, 3);
}

static weft_dataset *opened(const char *folder, const weft_dataset_opts *o)
{
    weft_dataset *d = NULL;
    CHECK(weft_dataset_open(folder, o, &d) == WEFT_OK);
    return d;
}

/* 4, 3 and 2 pictures of each of two classes */
static void folders_of_that_name_are_splits(void **state)
{
    static const char *const spelled[][3] = {
        {"Train", "Valid", "TEST"},
        {"Training", "Validation", "Testing"},
        {"training_set", "dev_set", "test_set"},
        {"seg_train/seg_train", "seg_dev/seg_dev", "seg_test/seg_test"}};
    (void)state;
    for (int i = 0; i < 4; i++) {
        char name[20];
        snprintf(name, sizeof name, "spelled%d", i);
        const char *folder = make_folder(name);
        for (int k = 0; k < 3; k++) two_classes(folder, spelled[i][k], 4 - k);
        weft_dataset *d = opened(folder, NULL);
        CHECK(weft_dataset_classes(d) == 2);
        CHECK_TEXT(weft_dataset_class_name(d, 0), "a");
        for (int k = 0; k < 3; k++)
            CHECK(weft_dataset_count(d, (weft_subset)k) == 2 * (4 - k));
        weft_dataset_close(d);
    }
}

static void classes_of_such_names_stay_classes(void **state)
{
    const char *folder = make_folder("vehicles");
    (void)state;
    make_class(folder, "train", 4, 3);
    make_class(folder, "bus", 4, 3);
    make_class(folder, "test_car", 4, 3);
    weft_dataset *d = opened(folder, NULL);
    CHECK(weft_dataset_classes(d) == 3);
    CHECK_TEXT(weft_dataset_class_name(d, 2), "train");
    weft_dataset_close(d);
}

static void pictures_without_classes_are_no_test_set(void **state)
{
    const char *folder = make_folder("competition");
    weft_dataset *d;
    (void)state;
    two_classes(folder, "train", 4);
    make_class(folder, "test", 5, 3);
    d = opened(folder, NULL);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 0);
    CHECK(weft_dataset_classes(d) == 2);
    weft_dataset_close(d);
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.test = in(folder, "test")},
                            &d) == WEFT_EDATA);
    /* splits that hold no classes at all are not two classes */
    folder = make_folder("flat");
    make_class(folder, "Train", 4, 3);
    make_class(folder, "Test", 4, 3);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(),
              "Train: looked for a folder per class, found 4 pictures");
}

static void two_for_one_subset_are_refused_by_name(void **state)
{
    const char *folder = make_folder("twice");
    weft_dataset *d;
    (void)state;
    two_classes(folder, "train", 4);
    two_classes(folder, "val", 3);
    two_classes(folder, "dev", 2);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "twice/dev and ");
    CHECK_HAS(weft_last_error(), "twice/val could both be the subset val");
    d = opened(folder, &(weft_dataset_opts){.val = in(folder, "dev")});
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 4);
    weft_dataset_close(d);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    CHECK(weft__make_folders(folder) == WEFT_OK);
    CHECK(weft__file_replace(in(folder, name), text, strlen(text)) == WEFT_OK);
}

static void texts_go_by_the_same_words(void **state)
{
    const char *folder = make_folder("words");
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int c = 0; c < 2; c++)
            for (int i = 0; i < 4 - k; i++) {
                char name[20], split[40];
                snprintf(split, sizeof split, "%s/%s", k ? "Test" : "Train",
                         c ? "pos" : "neg");
                snprintf(name, sizeof name, "%d.txt", i);
                write_text(in(folder, split), name, "a text of its own");
            }
    weft_dataset *d = opened(folder, &(weft_dataset_opts){.no_val = true});
    CHECK_TEXT(weft_dataset_modality(d), "text");
    CHECK(weft_dataset_classes(d) == 2);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 8);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 6);
    weft_dataset_close(d);
    folder = make_folder("tables");
    const char rows[] = "text,label\none,a\ntwo,b\nthree,a\nfour,b\n";
    write_text(folder, "TrainingSet.csv", rows);
    write_text(folder, "reviews_TEST.csv", rows);
    write_text(folder, "Valid.csv", rows);
    d = opened(folder, NULL);
    for (int k = 0; k < 3; k++) CHECK(weft_dataset_count(d, (weft_subset)k) == 4);
    weft_dataset_close(d);
}

RUN_TESTS(TEST(words_in_any_spelling), TEST(folders_of_that_name_are_splits),
          TEST(classes_of_such_names_stay_classes),
          TEST(pictures_without_classes_are_no_test_set),
          TEST(two_for_one_subset_are_refused_by_name), TEST(texts_go_by_the_same_words))
