/* Tests of data sets in memory: arrays and callbacks of pictures, texts and tensors,
 * with classes and with values. */
/* labels: threads */
#include "data/image/make.h"

#include "data/modality.h"
#include "weft/layers.h"
#include "weft/ops.h"

#include <stdatomic.h>

enum { N = 60, C = 3, H = 4, W = 5, EACH = C * H * W };

static unsigned char pixels[N * EACH];
static int32_t label[N];
static float value[2 * N];

static void make_arrays(void)
{
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 13 + i / EACH * 29 + i % 7 * i % 11);
    for (int i = 0; i < N; i++) {
        label[i] = i % 4 == 3;
        value[2 * i] = (float)(i * i) / 10;
        value[2 * i + 1] = (float)-i;
    }
}

static weft_arrays pictures(void)
{
    make_arrays();
    return (weft_arrays){.count = {N},
                         .channels = C,
                         .height = H,
                         .width = W,
                         .pixels = {pixels},
                         .label = {label},
                         .classes = 2};
}

static weft_dataset *from(const weft_arrays *a, const weft_dataset_opts *o)
{
    weft_dataset *d = NULL;
    CHECK(weft_dataset_from_arrays(a, o, &d) == WEFT_OK);
    return d;
}

static const char *refused(const weft_arrays *a, weft_status status)
{
    weft_dataset *d = NULL;
    CHECK(weft_dataset_from_arrays(a, NULL, &d) == status && !d);
    return weft_last_error();
}

/* "sample 12 of train" is 12 */
static int place(const weft_dataset *d, weft_subset s, int i)
{
    char name[100];
    weft_dataset_sample_name(d, s, i, name, sizeof name);
    CHECK_HAS(name, " of train");
    return atoi(strpbrk(name, "0123456789"));
}

static void pictures_are_the_callers_in_two_parts(void **state)
{
    const weft_arrays a = pictures();
    weft_dataset *d = from(&a, &(weft_dataset_opts){.seed = 2, .val_fraction = 0.2});
    bool seen[N] = {false};
    unsigned char p[EACH];
    int c, h, w, ones = 0;
    (void)state;
    CHECK_TEXT(weft_dataset_modality(d), "image");
    CHECK_TEXT(weft_dataset_format(d), "arrays");
    CHECK_TEXT(weft_dataset_noun(d), "pictures");
    CHECK_TEXT(weft_dataset_columns(d), "");
    CHECK_TEXT(weft_dataset_class_name(d, 1), "1");
    CHECK(weft_dataset_classes(d) == 2 && weft_dataset_values(d) == 0);
    CHECK(weft_dataset_target(d) == WEFT_TARGET_CLASS);
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == C && h == H && w == W);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == 48);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 12);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 0);
    for (weft_subset s = WEFT_SUBSET_TRAIN; s <= WEFT_SUBSET_VAL; s++)
        for (int i = 0; i < weft_dataset_count(d, s); i++) {
            int at = place(d, s, i);
            CHECK(!seen[at]);
            seen[at] = true;
            CHECK(weft_dataset_label(d, s, i) == label[at]);
            CHECK(!weft_dataset_value(d, s, i));
            CHECK(weft_dataset_image(d, s, i, p) == WEFT_OK);
            CHECK(!memcmp(p, pixels + (size_t)at * EACH, EACH));
            ones += s == WEFT_SUBSET_VAL && label[at];
        }
    CHECK(ones == 3); /* stratified: 20 % of 15 */
    weft_dataset_close(d);
}

static void subsets_that_are_given_stay_as_they_are(void **state)
{
    weft_arrays a = pictures();
    weft_dataset *d;
    (void)state;
    for (int k = 1; k < 3; k++) {
        a.count[k] = 10 * k;
        a.pixels[k] = pixels + 100 * k;
        a.label[k] = label + 2 * k;
    }
    d = from(&a, NULL);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == N);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 10);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TEST) == 20);
    for (int i = 0; i < 20; i++)
        CHECK(weft_dataset_label(d, WEFT_SUBSET_TEST, i) == label[i + 4]);
    weft_dataset_close(d);
    a.count[1] = 0;
    d = from(&a, &(weft_dataset_opts){.no_val = true});
    CHECK(weft_dataset_count(d, WEFT_SUBSET_TRAIN) == N);
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 0);
    weft_dataset_close(d);
}

static void the_size_of_the_options_goes_before_that_of_the_arrays(void **state)
{
    const weft_arrays a = pictures();
    weft_dataset_opts o = {.image = {.height = 2, .width = 3, .channels = 1},
                           .no_val = true};
    weft_dataset *d = from(&a, &o);
    unsigned char p[6], q[6];
    int c, h, w;
    (void)state;
    weft_dataset_image_shape(d, &c, &h, &w);
    CHECK(c == 1 && h == 2 && w == 3);
    write_pnm(test_path("one.ppm"), C, H, W, 0, 0);
    FILE *f = fopen(test_path("one.ppm"), "r+b");
    CHECK(f && !fseek(f, -(long)EACH, SEEK_END));
    CHECK(fwrite(pixels + 7 * EACH, 1, EACH, f) == EACH && !fclose(f));
    CHECK(weft_image_read(test_path("one.ppm"), 1, 2, 3, WEFT_FIT_STRETCH, 0, q) ==
          WEFT_OK);
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 7, p) == WEFT_OK);
    CHECK(!memcmp(p, q, sizeof p));
    weft_dataset_close(d);
}

static void classes_keep_the_callers_numbers_and_names(void **state)
{
    static const char *const name[] = {"zebra", "10", "ant", "2", "never"};
    static const char *text[N];
    weft_arrays a = pictures();
    (void)state;
    for (int i = 0; i < N; i++) {
        label[i] = i % 4;
        text[i] = i % 2 ? "one two" : "three";
    }
    for (int kind = 0; kind < 2; kind++) {
        if (kind) a = (weft_arrays){.count = {N}, .text = {text}, .label = {label}};
        a.classes = 5;
        a.class_name = name;
        weft_dataset *d = from(&a, &(weft_dataset_opts){.no_val = true});
        CHECK(weft_dataset_classes(d) == 5);
        for (int c = 0; c < 5; c++) CHECK_TEXT(weft_dataset_class_name(d, c), name[c]);
        for (int i = 0; i < N; i++)
            CHECK(weft_dataset_label(d, WEFT_SUBSET_TRAIN, i) == i % 4);
        weft_dataset_close(d);
    }
}

/* ---- values ---- */

static void values_go_with_their_samples(void **state)
{
    static const char *const name[] = {"price", "age"};
    static const char *text[N];
    static float x[N * 3];
    static char words[N][20];
    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(words[i], sizeof words[i], "text %d", i);
        text[i] = words[i];
        for (int k = 0; k < 3; k++) x[3 * i + k] = (float)(i + k);
    }
    for (int kind = 0; kind < 3; kind++) {
        weft_arrays a = pictures();
        if (kind == 1) a = (weft_arrays){.count = {N}, .text = {text}};
        if (kind == 2) a = (weft_arrays){.count = {N}, .x = {x}, .shape = WEFT_SHAPE(3)};
        a.label[0] = NULL;
        a.classes = 0;
        a.value[0] = value;
        a.values = 2;
        a.value_name = name;
        weft_dataset *d = from(&a, &(weft_dataset_opts){.seed = 7});
        CHECK(weft_dataset_target(d) == WEFT_TARGET_VALUES);
        CHECK(weft_dataset_classes(d) == 0 && weft_dataset_values(d) == 2);
        CHECK_TEXT(weft_dataset_value_name(d, 0), "price");
        CHECK_TEXT(weft_dataset_value_name(d, 1), "age");
        CHECK_TEXT(weft_dataset_value_name(d, 2), "");
        CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 6);
        for (weft_subset s = WEFT_SUBSET_TRAIN; s <= WEFT_SUBSET_VAL; s++)
            for (int i = 0; i < weft_dataset_count(d, s); i++) {
                int at = place(d, s, i);
                CHECK(weft_dataset_label(d, s, i) == -1);
                CHECK(!memcmp(weft_dataset_value(d, s, i), value + 2 * at,
                              2 * sizeof *value));
            }
        weft_dataset_close(d);
        a.value_name = NULL;
        d = from(&a, NULL);
        CHECK_TEXT(weft_dataset_value_name(d, 0), "y0");
        CHECK_TEXT(weft_dataset_value_name(d, 1), "y1");
        weft_dataset_close(d);
        a.values = 1;
        d = from(&a, NULL);
        CHECK_TEXT(weft_dataset_value_name(d, 0), "y");
        weft_dataset_close(d);
    }
}

static void a_batch_has_the_values_of_its_samples(void **state)
{
    weft_arrays a = pictures();
    weft_loader *l;
    weft_batch b;
    (void)state;
    a.label[0] = NULL;
    a.value[0] = value;
    a.values = 2;
    weft_dataset *d = from(&a, &(weft_dataset_opts){.no_val = true});
    CHECK(weft_loader_new(d, &(weft_loader_opts){.batch = 7, .training = true}, &l) ==
          WEFT_OK);
    CHECK(weft_loader_start(l, 1, 0) == WEFT_OK);
    int n = 0;
    while (!weft_loader_next(l, &b) && b.n) {
        CHECK(!b.label && b.value);
        for (int i = 0; i < b.n; i++)
            CHECK(!memcmp(b.value + 2 * i, value + 2 * b.index[i], 2 * sizeof *value));
        n += b.n;
    }
    CHECK(n == N);
    weft_loader_free(l);
    weft_dataset_close(d);
}

/* ---- callbacks ---- */

typedef struct camera {
    atomic_int calls, at_once, most_at_once;
    int fails_at;
} camera;

static weft_status shoot(void *user, weft_subset s, int i, void *sample)
{
    camera *c = user;
    int now = atomic_fetch_add(&c->at_once, 1) + 1;
    if (now > atomic_load(&c->most_at_once)) atomic_store(&c->most_at_once, now);
    atomic_fetch_add(&c->calls, 1);
    memcpy(sample, pixels + (size_t)(i + (s ? 3 : 0)) * EACH, EACH);
    if (now < 2) usleep(50);
    atomic_fetch_sub(&c->at_once, 1);
    return i == c->fails_at ? WEFT_EIO : WEFT_OK;
}

static weft_arrays filmed(camera *c)
{
    weft_arrays a = pictures();
    *c = (camera){.fails_at = -1};
    a.pixels[0] = NULL;
    a.read = shoot;
    a.user = c;
    return a;
}

static void a_callback_gives_what_an_array_would(void **state)
{
    static camera c;
    const weft_arrays a = pictures(), b = filmed(&c);
    const weft_loader_opts lo = {.batch = 9, .training = true, .seed = 4};
    const weft_augment how = {.flip = 0.5, .translate = 1};
    (void)state;
    for (int threads = -1; threads < 5; threads += 2) {
        const weft_dataset_opts o = {.no_val = true, .loader_threads = threads};
        weft_dataset *d = from(&a, &o), *e = from(&b, &o);
        weft_loader *l, *m;
        weft_batch x, y;
        weft_dataset_set_augment(d, &how);
        weft_dataset_set_augment(e, &how);
        CHECK(!weft_loader_new(d, &lo, &l) && !weft_loader_new(e, &lo, &m));
        for (int epoch = 0; epoch < 2; epoch++) {
            CHECK(!weft_loader_start(l, epoch, 0) && !weft_loader_start(m, epoch, 0));
            do {
                CHECK(!weft_loader_next(l, &x) && !weft_loader_next(m, &y));
                CHECK(x.n == y.n);
                if (!x.n) break;
                CHECK(!memcmp(x.x, y.x, (size_t)x.n * EACH * sizeof *x.x));
                CHECK(!memcmp(x.label, y.label, (size_t)x.n * sizeof *x.label));
            } while (x.n);
        }
        weft_loader_free(l);
        weft_loader_free(m);
        weft_dataset_close(d);
        weft_dataset_close(e);
        CHECK(atomic_load(&c.calls) > 0);
        if (threads < 0) CHECK(atomic_load(&c.most_at_once) == 1);
    }
}

static void a_callback_that_fails_ends_the_epoch(void **state)
{
    static camera c;
    const weft_arrays a = filmed(&c);
    weft_dataset *d = from(&a, &(weft_dataset_opts){.no_val = true});
    unsigned char p[EACH];
    weft_loader *l;
    weft_batch b;
    (void)state;
    CHECK(weft_dataset_fit(d) == WEFT_OK);
    c.fails_at = 20;
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 20, p) == WEFT_EIO);
    CHECK(weft_loader_new(d, &(weft_loader_opts){.batch = 8}, &l) == WEFT_OK);
    CHECK(weft_loader_start(l, 0, 0) == WEFT_OK);
    CHECK(!weft_loader_next(l, &b) && !weft_loader_next(l, &b));
    CHECK(weft_loader_next(l, &b) == WEFT_EIO);
    weft_loader_free(l);
    weft_dataset_close(d);
    d = from(&a, &(weft_dataset_opts){.no_val = true});
    CHECK(weft_dataset_fit(d) == WEFT_EIO);
    weft_dataset_close(d);
}

/* A run that is resumed must see the same data. */
static void the_hash_sees_inputs_and_targets(void **state)
{
    static const char *text[N];
    static float x[N * 2];
    char hash[65];
    (void)state;
    for (int i = 0; i < N; i++) text[i] = i % 2 ? "a" : "b";
    for (int kind = 0; kind < 6; kind++) {
        weft_arrays a = pictures();
        if (kind % 3 == 1) a = (weft_arrays){.count = {N}, .text = {text}};
        if (kind % 3 == 2)
            a = (weft_arrays){.count = {N}, .x = {x}, .shape = WEFT_SHAPE(2)};
        a.label[0] = kind < 3 ? label : NULL;
        a.classes = 2;
        a.value[0] = kind < 3 ? NULL : value;
        a.values = 2;
        weft_dataset *d = from(&a, NULL);
        memcpy(hash, weft_dataset_hash(d), sizeof hash);
        CHECK(strlen(hash) == 64);
        weft_dataset_close(d);
        d = from(&a, NULL);
        CHECK_TEXT(hash, weft_dataset_hash(d));
        weft_dataset_close(d);
        if (kind < 3)
            label[9] ^= 1;
        else
            value[19] += 1;
        d = from(&a, NULL);
        CHECK(strcmp(hash, weft_dataset_hash(d)));
        weft_dataset_close(d);
        if (kind < 3)
            label[9] ^= 1;
        else
            value[19] -= 1;
        pixels[100] ^= 1;
        x[50] += 1;
        text[N - 1] = "c";
        d = from(&a, NULL);
        CHECK(strcmp(hash, weft_dataset_hash(d)));
        weft_dataset_close(d);
        text[N - 1] = "a";
    }
}

/* ---- texts ---- */

static void texts_stay_where_they_are_unless_they_must_be_repaired(void **state)
{
    static const char *const text[] = {"good film", "bad\xff", "  blanks ",
                                       "",          "fine",    "long"};
    static const int32_t own[] = {1, 0, 1, 0, 1, 0};
    const weft_arrays a = {.count = {6}, .text = {text}, .label = {own}, .classes = 2};
    weft_dataset *d = from(&a, &(weft_dataset_opts){.no_val = true});
    size_t size;
    (void)state;
    CHECK_TEXT(weft_dataset_modality(d), "text");
    CHECK(weft_dataset_text(d, WEFT_SUBSET_TRAIN, 0, &size) == text[0] && size == 9);
    CHECK_TEXT(weft_dataset_text(d, WEFT_SUBSET_TRAIN, 1, &size), "bad\xef\xbf\xbd");
    CHECK_TEXT(weft_dataset_text(d, WEFT_SUBSET_TRAIN, 3, &size), "");
    CHECK(size == 0 && weft_dataset_replaced(d) == 1);
    CHECK(!weft_dataset_text(d, WEFT_SUBSET_TRAIN, 6, &size));
    weft_dataset_close(d);
    weft_dataset_opts o = {.no_val = true, .text.strict = true};
    CHECK(weft_dataset_from_arrays(&a, &o, &d) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "sample 1 of train: not UTF-8 at byte 3");
    o = (weft_dataset_opts){.no_val = true, .text.max_text_bytes = 4};
    d = from(&a, &o);
    CHECK_TEXT(weft_dataset_text(d, WEFT_SUBSET_TRAIN, 0, NULL), "good");
    weft_dataset_close(d);
}

/* ---- what cannot be ---- */

static void arrays_that_do_not_go_together_are_refused(void **state)
{
    static const float x[2 * N];
    static const char *text[N];
    const weft_arrays good = pictures();
    weft_arrays a = good;
    (void)state;
    a.x[0] = x;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "exactly one of pixels, x, text and read");
    a = good;
    a.pixels[0] = NULL;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "exactly one of pixels, x, text and read");
    a = good;
    a.value[0] = value;
    a.values = 1;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "exactly one of label and value");
    a = good;
    a.label[0] = NULL;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "exactly one of label and value");
    a = good;
    a.count[0] = -1;
    refused(&a, WEFT_EUSAGE);
    a = good;
    a.count[0] = 0;
    CHECK_HAS(refused(&a, WEFT_EDATA), "no samples to train on");
    a = good;
    a.count[2] = 5;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "5 test samples, but no inputs");
    a.pixels[2] = pixels;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "5 test samples, but no targets");
    a = good;
    a.classes = 1;
    refused(&a, WEFT_EUSAGE);
    a = good;
    a.channels = 2;
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "2 channels");
    a = good;
    a.height = 0;
    refused(&a, WEFT_EUSAGE);
    a = (weft_arrays){.count = {N}, .x = {x}, .label = {label}, .classes = 2};
    refused(&a, WEFT_EUSAGE);
    a.shape = WEFT_SHAPE(2, 0);
    refused(&a, WEFT_EUSAGE);
    a = (weft_arrays){.count = {N}, .text = {text}, .label = {label}, .classes = 2};
    CHECK_HAS(refused(&a, WEFT_EUSAGE), "text 0 of train is NULL");
    weft_dataset *d = NULL;
    CHECK(weft_dataset_from_arrays(&good, &(weft_dataset_opts){.val_fraction = 2}, &d) ==
          WEFT_EUSAGE);
    CHECK(weft_dataset_from_arrays(&good, &(weft_dataset_opts){.modality = "text"}, &d) ==
          WEFT_EUSAGE);
    CHECK(!d);
}

static void targets_out_of_range_are_named(void **state)
{
    weft_arrays a = pictures();
    (void)state;
    label[17] = 2;
    CHECK_HAS(refused(&a, WEFT_EDATA),
              "sample 17 of train has the label 2, allowed 0 to 1");
    label[17] = -1;
    CHECK_HAS(refused(&a, WEFT_EDATA), "sample 17 of train has the label -1");
    for (int i = 0; i < N; i++) label[i] = 1;
    CHECK_HAS(refused(&a, WEFT_EDATA), "all 54 training samples are \"1\"");
    a.label[0] = NULL;
    a.value[0] = value;
    a.values = 2;
    value[31] = INFINITY;
    CHECK_HAS(refused(&a, WEFT_EDATA), "sample 15 of train");
    value[31] = NAN;
    CHECK_HAS(refused(&a, WEFT_EDATA), "sample 15 of train");
    for (int i = 0; i < N; i++) value[2 * i + 1] = 4;
    CHECK_HAS(refused(&a, WEFT_EDATA), "all 54 training samples have the y1 4");
}

RUN_TESTS(TEST(pictures_are_the_callers_in_two_parts),
          TEST(subsets_that_are_given_stay_as_they_are),
          TEST(the_size_of_the_options_goes_before_that_of_the_arrays),
          TEST(classes_keep_the_callers_numbers_and_names),
          TEST(values_go_with_their_samples), TEST(a_batch_has_the_values_of_its_samples),
          TEST(a_callback_gives_what_an_array_would),
          TEST(a_callback_that_fails_ends_the_epoch),
          TEST(the_hash_sees_inputs_and_targets),
          TEST(texts_stay_where_they_are_unless_they_must_be_repaired),
          TEST(arrays_that_do_not_go_together_are_refused),
          TEST(targets_out_of_range_are_named))
