/* Tests of the IDX reader: shapes, names, packed files, damaged files. */
#include "make.h"

#include "data/image/formats/idx.h"
#include "data/image/picture.h"

/* A folder with `train` and t10k images of h x w whose values are the sample's
 * number. */
static const char *make_set(const char *name, int train, int test, int h, int w)
{
    const char *folder = make_folder(name);
    char path[1400];
    for (int k = 0; k < 2; k++) {
        int n = k ? test : train, images[] = {n, h, w};
        const char *split = k ? "t10k" : "train";
        bytes x = {0}, y = {0};
        make_idx(&x, 3, images, NULL);
        make_idx(&y, 1, images, NULL);
        for (int i = 0; i < n; i++) {
            memset(x.data + 16 + i * h * w, i + k * 128, (size_t)(h * w));
            y.data[8 + i] = (unsigned char)(i % 4);
        }
        snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, split);
        save(path, &x);
        snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, split);
        save(path, &y);
    }
    return folder;
}

/* Overwrites one file of a set. */
static void replace_file(const char *folder, const char *name, bytes *b)
{
    char path[1400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    save(path, b);
}

static weft_status open_it(const char *path, const weft_dataset_opts *o)
{
    weft_dataset *d;
    weft_status s = weft_dataset_open(path, o, &d);
    if (!s) weft_dataset_close(d);
    return s;
}

static void a_folder_gives_its_official_splits(void **state)
{
    const char *folder = make_set("official", 40, 8, 3, 5);
    weft_dataset_opts o = {.no_val = true};
    unsigned char p[15];
    char name[600], want[600];
    weft_dataset *d;
    int c, h, w;
    (void)state;
    CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
    CHECK_TEXT(weft_dataset_format(d), "idx");
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 40);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 0);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 8);
    CHECK(weft_dataset_classes(d) == 4);
    CHECK_TEXT(weft_dataset_class_name(d, 3), "3");
    CHECK_TEXT(weft_dataset_class_name(d, 4), "");
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == 1 && h == 3 && w == 5);
    CHECK(weft_dataset_label(d, WEFT_SUBSET_TEST, 5) == 1);
    CHECK(weft_dataset_label(d, WEFT_SUBSET_TEST, 8) == -1);
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TEST, 5, p) == WEFT_OK);
    CHECK(p[0] == 133 && p[14] == 133);
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TEST, 8, p) == WEFT_EUSAGE);
    weft_dataset_sample_name(d, WEFT_SUBSET_TEST, 5, name, sizeof name);
    snprintf(want, sizeof want, "%s/t10k-images-idx3-ubyte#5", folder);
    CHECK_TEXT(name, want);
    weft_dataset_close(d);
}

static void validation_is_a_stratified_share_by_seed(void **state)
{
    const char *folder = make_set("split", 100, 8, 3, 3);
    weft_dataset_opts o = {.val_fraction = 0.2, .seed = 3};
    weft_dataset *a, *b, *other;
    int of_class[4] = {0}, same = 0;
    char hash[65];
    (void)state;
    CHECK(weft_dataset_open(folder, &o, &a) == WEFT_OK);
    CHECK(weft_dataset_open(folder, &o, &b) == WEFT_OK);
    o.seed = 4;
    CHECK(weft_dataset_open(folder, &o, &other) == WEFT_OK);
    CHECK(weft_dataset_count(a, WEFT_SUBSET_TRAIN) == 80);
    CHECK(weft_dataset_count(a, WEFT_SUBSET_VAL) == 20);
    for (int i = 0; i < 20; i++) {
        char x[600], y[600], z[600];
        of_class[weft_dataset_label(a, WEFT_SUBSET_VAL, i)]++;
        weft_dataset_sample_name(a, WEFT_SUBSET_VAL, i, x, sizeof x);
        weft_dataset_sample_name(b, WEFT_SUBSET_VAL, i, y, sizeof y);
        weft_dataset_sample_name(other, WEFT_SUBSET_VAL, i, z, sizeof z);
        CHECK_TEXT(x, y);
        same += !strcmp(x, z);
    }
    for (int c = 0; c < 4; c++) CHECK(of_class[c] == 5);
    CHECK(same < 20);
    snprintf(hash, sizeof hash, "%s", weft_dataset_hash(a));
    CHECK(strlen(hash) == 64);
    CHECK_TEXT(hash, weft_dataset_hash(b));
    CHECK(strcmp(hash, weft_dataset_hash(other)));
    weft_dataset_close(a);
    weft_dataset_close(b);
    weft_dataset_close(other);
}

static void names_come_from_a_file_beside(void **state)
{
    const char *folder = make_set("named", 8, 4, 2, 2);
    weft_dataset *d;
    bytes b = {0};
    (void)state;
    put(&b,
        "\xef\xbb\xbf"
        "zero\r\none \ntwo\nthree\n\n",
        24);
    replace_file(folder, "labels.txt", &b);
    CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_OK);
    CHECK(weft_dataset_classes(d) == 4);
    CHECK_TEXT(weft_dataset_class_name(d, 0), "zero");
    CHECK_TEXT(weft_dataset_class_name(d, 1), "one");
    weft_dataset_close(d);
    put(&b, "zero\none\ntwo\n", 13);
    replace_file(folder, "labels.txt", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "label 3 of sample 3 (0 to 2 are known)");
    put(&b, "zero\none\n\ntwo", 13);
    replace_file(folder, "labels.txt", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "line 3: an empty name");
    put(&b, "a\nb\na\nc", 7);
    replace_file(folder, "labels.txt", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "class \"a\" is there twice");
}

static void one_file_finds_its_labels(void **state)
{
    const char *folder = make_set("single", 20, 8, 2, 2);
    char path[1400];
    weft_dataset *d;
    (void)state;
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte", folder);
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 8);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 0);
    weft_dataset_close(d);
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.val = path}, &d) == WEFT_OK);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 20);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 8);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 8);
    weft_dataset_close(d);
}

static void colour_images_may_be_in_planes_or_not(void **state)
{
    static const int last[] = {4, 2, 2, 3}, planes[] = {4, 3, 2, 2};
    static const int labels[] = {4};
    static const unsigned char label[] = {0, 1, 0, 1};
    const char *folder = make_folder("colour");
    unsigned char x[48], p[12];
    (void)state;
    for (int planar = 0; planar < 2; planar++) {
        bytes b = {0}, y = {0};
        weft_dataset *d;
        int c;
        for (int i = 0; i < 48; i++)
            x[i] = (unsigned char)(planar ? i % 12 / 4 + 10 * (i % 4)
                                          : i % 3 + i % 12 / 3 * 10);
        make_idx(&b, 4, planar ? planes : last, x);
        make_idx(&y, 1, labels, label);
        replace_file(folder, "train-images-idx4-ubyte", &b);
        replace_file(folder, "train-labels-idx1-ubyte", &y);
        CHECK(weft_dataset_open(folder, NULL, &d) == WEFT_OK);
        weft_dataset_image_shape(d, &c, NULL, NULL);
        CHECK(c == 3);
        CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 0, p) == WEFT_OK);
        for (int i = 0; i < 12; i++) CHECK(p[i] == i % 3 + 10 * (i / 3));
        weft_dataset_close(d);
    }
}

static void another_size_is_resized_once(void **state)
{
    const char *folder = make_set("resized", 12, 4, 4, 4);
    unsigned char p[6 * 5 * 3];
    (void)state;
    for (int check = 0; check < 2; check++) {
        weft_dataset_opts o = {.image.height = 6,
                               .image.width = 5,
                               .image.channels = 3,
                               .image.no_check = !check};
        weft_dataset *d;
        CHECK(weft_dataset_open(folder, &o, &d) == WEFT_OK);
        CHECK(weft_dataset_image(d, WEFT_SUBSET_TEST, 2, p) == WEFT_OK);
        for (size_t i = 0; i < sizeof p; i++) CHECK(p[i] == 130);
        weft_dataset_close(d);
    }
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
    const char *folder = make_set("cut", 6, 4, 3, 3);
    int dim[] = {6, 3, 3};
    (void)state;
    for (size_t n = 0; n < 16 + 54 + 2; n++) {
        bytes b = {0};
        char where[32];
        make_idx(&b, 3, dim, NULL);
        put(&b, "\0", 1);
        if (n == 16 + 54) { /* the whole file */
            drop(&b);
            continue;
        }
        b.size = n;
        replace_file(folder, "train-images-idx3-ubyte", &b);
        CHECK(open_it(folder, NULL) == WEFT_EDATA);
        snprintf(where, sizeof where,
                 n > 70 ? "@70: more bytes" : "truncated at byte %zu", n);
        CHECK_HAS(weft_last_error(), where);
        CHECK_HAS(weft_last_error(), "train-images-idx3-ubyte");
    }
}

static void bad_headers_are_named(void **state)
{
    static const struct {
        const char *head, *says;
    } row[] = {{"\0\0\x0d\3\0\0\0\6\0\0\0\3\0\0\0\3", "@2: IDX type 0x0d"},
               {"\0\0\x08\5\0\0\0\6\0\0\0\3\0\0\0\3", "@3: IDX with 5 dimensions"},
               {"\0\0\x08\0\0\0\0\6\0\0\0\3\0\0\0\3", "@3: IDX with 0 dimensions"},
               {"\0\0\x08\3\0\0\0\6\0\0\0\0\0\0\0\3", "@8: IDX dimension 1 is 0"},
               {"\0\0\x08\3\xff\0\0\6\0\0\0\1\0\0\0\3", "dimension 0 is"},
               {"\0\0\x08\3\x7f\0\0\6\x7f\0\0\1\x7f\0\0\3", "no file can hold"},
               {"abcd\0\0\0\6\0\0\0\3\0\0\0\3", "not an IDX file"},
               {"\0\0\x08\3\0\0\0\6\0\1\0\0\0\1\0\0", "truncated at byte 16"}};
    const char *folder = make_set("heads", 6, 4, 3, 3);
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes b = {0};
        put(&b, row[i].head, 16);
        replace_file(folder, "train-images-idx3-ubyte", &b);
        CHECK(open_it(folder, NULL) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), row[i].says);
    }
}

static void numbers_that_do_not_agree_are_refused(void **state)
{
    const char *folder = make_set("counts", 6, 4, 3, 3);
    int five[] = {5}, other[] = {4, 2, 3}, one[] = {6, 1};
    bytes b = {0};
    (void)state;
    make_idx(&b, 1, five, NULL);
    replace_file(folder, "train-labels-idx1-ubyte", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "5 labels for the 6 images");
    make_idx(&b, 2, one, NULL);
    replace_file(folder, "train-labels-idx1-ubyte", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "labels with 2 dimensions");
    folder = make_set("counts2", 6, 4, 3, 3);
    make_idx(&b, 3, other, NULL);
    replace_file(folder, "t10k-images-idx3-ubyte", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "images of 3 x 2 x 1, but those of train are 3 x 3 x 1");
}

static void labels_of_one_class_are_refused_and_unknown_ones_too(void **state)
{
    const char *folder = make_set("labels", 6, 4, 3, 3);
    int n[] = {6}, m[] = {4};
    bytes b = {0};
    (void)state;
    make_idx(&b, 1, n, NULL);
    replace_file(folder, "train-labels-idx1-ubyte", &b);
    make_idx(&b, 1, m, NULL);
    replace_file(folder, "t10k-labels-idx1-ubyte", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "looked for two classes or more, found one");
    folder = make_set("labels2", 6, 4, 3, 3);
    make_idx(&b, 1, m, (const unsigned char *)"\0\1\2\7");
    replace_file(folder, "t10k-labels-idx1-ubyte", &b);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "@11: label 7 of sample 3 (0 to 3 are known)");
}

static void a_missing_label_file_is_named(void **state)
{
    const char *folder = make_set("missing", 6, 4, 3, 3);
    char path[1400];
    (void)state;
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    CHECK(!unlink(path));
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "no label file next to it");
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", folder);
    CHECK(!unlink(path));
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "looked for train-images-idx3-ubyte[.gz]");
}

/* gzip with one stored block, so that no library is needed to make it. */
static bytes pack(const bytes *b)
{
    bytes z = {0};
    uint32_t crc = weft__crc32(0, b->data, b->size);
    put(&z, "\x1f\x8b\x08\0\0\0\0\0\0\x03\x01", 11);
    put_byte(&z, (int)(b->size & 255));
    put_byte(&z, (int)(b->size >> 8));
    put_byte(&z, (int)(~b->size & 255));
    put_byte(&z, (int)(~b->size >> 8 & 255));
    put(&z, b->data, b->size);
    for (int i = 0; i < 4; i++) put_byte(&z, (int)(crc >> 8 * i & 255));
    for (int i = 0; i < 4; i++) put_byte(&z, (int)(b->size >> 8 * i & 255));
    return z;
}

static bool can_unpack(void)
{
    return weft__packing_of((const unsigned char *)"\x1f\x8b", 2) != NULL;
}

/* A set whose training images are packed. */
static const char *packed_set(const char *name, bytes *images)
{
    const char *folder = make_set(name, 6, 4, 3, 3);
    char path[1400];
    int dim[] = {6, 3, 3};
    bytes b = {0};
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", folder);
    CHECK(!unlink(path));
    make_idx(&b, 3, dim, NULL);
    for (int i = 0; i < 54; i++) b.data[16 + i] = (unsigned char)i;
    *images = pack(&b);
    drop(&b);
    return folder;
}

static void packed_files_are_unpacked(void **state)
{
    bytes z;
    const char *folder = packed_set("packed", &z);
    unsigned char p[9];
    weft_dataset *d;
    (void)state;
    replace_file(folder, "train-images-idx3-ubyte.gz", &z);
    if (!can_unpack()) {
        CHECK(open_it(folder, NULL) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), "begins with 1f 8b");
        return;
    }
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 1, p) == WEFT_OK);
    CHECK(p[0] == 9 && p[8] == 17);
    weft_dataset_close(d);
}

static void packed_files_cut_or_changed_are_refused(void **state)
{
    bytes z;
    const char *folder = packed_set("packed2", &z);
    size_t whole = z.size;
    (void)state;
    if (!can_unpack()) {
        drop(&z);
        skip();
    }
    for (size_t n = 2; n < whole; n++) {
        bytes b = {0};
        put(&b, z.data, n);
        replace_file(folder, "train-images-idx3-ubyte.gz", &b);
        CHECK(open_it(folder, NULL) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), "truncated at byte");
    }
    z.data[40] ^= 1;
    replace_file(folder, "train-images-idx3-ubyte.gz", &z);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "damaged near byte");
}

static void a_packed_header_that_promises_too_much_is_refused(void **state)
{
    int dim[] = {1, 1, 1};
    const char *folder = make_set("bomb", 6, 4, 3, 3);
    bytes b = {0}, z;
    (void)state;
    if (!can_unpack()) skip();
    make_idx(&b, 3, dim, NULL);
    memset(b.data + 9, 0x7f, 3); /* 1 x 8355711 x 1 */
    memset(b.data + 14, 0x01, 1);
    z = pack(&b);
    drop(&b);
    replace_file(folder, "train-images-idx3-ubyte", &z);
    CHECK(open_it(folder, NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "too many for gzip");
}

RUN_TESTS(TEST(a_folder_gives_its_official_splits),
          TEST(validation_is_a_stratified_share_by_seed),
          TEST(names_come_from_a_file_beside), TEST(one_file_finds_its_labels),
          TEST(colour_images_may_be_in_planes_or_not), TEST(another_size_is_resized_once),
          TEST(every_cut_and_every_extra_byte_is_refused), TEST(bad_headers_are_named),
          TEST(numbers_that_do_not_agree_are_refused),
          TEST(labels_of_one_class_are_refused_and_unknown_ones_too),
          TEST(a_missing_label_file_is_named), TEST(packed_files_are_unpacked),
          TEST(packed_files_cut_or_changed_are_refused),
          TEST(a_packed_header_that_promises_too_much_is_refused))
