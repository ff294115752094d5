/* Tests of the CIFAR reader. */
#include "make.h"

/* n records with `labels` label bytes; the pixels tell the record, row and plane. */
static bytes records(int n, int labels, int classes)
{
    bytes b = {0};
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < labels; k++) put_byte(&b, k == labels - 1 ? i % classes : 7);
        for (int plane = 0; plane < 3; plane++)
            for (int p = 0; p < 1024; p++) put_byte(&b, i + 50 * plane + p % 32);
    }
    return b;
}

static void add(const char *folder, const char *name, bytes b)
{
    char path[1400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    save(path, &b);
}

static void cifar10_is_read_batch_after_batch(void **state)
{
    const char *folder = make_folder("c10");
    weft_dataset_opts o = {.no_val = true};
    unsigned char p[3072];
    char name[1400];
    weft_dataset *d;
    bytes names = {0};
    int c, h, w;
    (void)state;
    add(folder, "data_batch_2.bin", records(6, 1, 10));
    add(folder, "data_batch_1.bin", records(20, 1, 10));
    add(folder, "test_batch.bin", records(4, 1, 10));
    put(&names, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n", 21);
    add(folder, "batches.meta.txt", names);
    CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
    CHECK_TEXT(weft_dataset_format(d), "cifar");
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == 3 && h == 32 && w == 32);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 26 &&
          weft_dataset_count(d, WEFT_SUBSET_TEST) == 4);
    CHECK(weft_dataset_classes(d) == 10);
    CHECK_TEXT(weft_dataset_class_name(d, 9), "j");
    CHECK(weft_dataset_label(d, WEFT_SUBSET_TRAIN, 13) == 3);
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 13, p) == WEFT_OK);
    CHECK(p[0] == 13 && p[1] == 63 && p[2] == 113 && p[3] == 14);
    weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, 22, name, sizeof name);
    CHECK_HAS(name, "data_batch_2.bin#2");
    weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, 19, name, sizeof name);
    CHECK_HAS(name, "data_batch_1.bin#19");
    weft_dataset_close(d);
}

static void cifar100_is_found_in_the_folder_of_its_archive(void **state)
{
    const char *top = make_folder("c100");
    const char *folder = make_folder("c100/cifar-100-binary");
    weft_dataset *d;
    (void)state;
    add(folder, "train.bin", records(120, 2, 100));
    add(folder, "test.bin", records(10, 2, 100));
    CHECK(weft_dataset_open(top, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK(weft_dataset_classes(d) == 100);
    CHECK_TEXT(weft_dataset_class_name(d, 42), "42");
    CHECK(weft_dataset_label(d, WEFT_SUBSET_TRAIN, 99) == 99);
    weft_dataset_close(d);
}

static void cuts_and_wrong_labels_are_named(void **state)
{
    const char *folder = make_folder("bad");
    weft_dataset *d;
    bytes b = records(12, 1, 10);
    (void)state;
    b.size -= 1000;
    add(folder, "data_batch_1.bin", b);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "truncated at byte 35876");
    CHECK_HAS(weft_last_error(), "data_batch_1.bin");
    b = records(12, 1, 10);
    b.data[3073 * 5] = 10;
    add(folder, "data_batch_1.bin", b);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "@15365: label 10 of record 5");
    add(folder, "data_batch_1.bin", (bytes){0});
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "empty (0 bytes)");
    add(folder, "data_batch_1.bin", records(12, 1, 10));
    b = (bytes){0};
    put(&b, "only\nthree\nnames\n", 17);
    add(folder, "batches.meta.txt", b);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "3 names, not 10");
}

RUN_TESTS(TEST(cifar10_is_read_batch_after_batch),
          TEST(cifar100_is_found_in_the_folder_of_its_archive),
          TEST(cuts_and_wrong_labels_are_named))
