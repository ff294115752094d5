/* Tests of the loader: order, augmentation, mixup; the same batches however they are
 * made. */
/* labels: threads */
#include "make.h"

#include "data/image/image.h"

#include <fcntl.h>

enum { N = 103, SIDE = 6, CHANNELS = 3, VALUES = SIDE * SIDE * CHANNELS };

/* N colour pictures of three classes in an IDX folder; opened once. */
static weft_dataset *open_set(void)
{
    static bool made;
    const char *folder = make_folder("set");
    char path[1400];
    weft_dataset *d;
    if (!made) {
        int dim[] = {N, SIDE, SIDE, CHANNELS};
        bytes x = {0}, y = {0};
        make_idx(&x, 4, dim, NULL);
        make_idx(&y, 1, dim, NULL);
        for (size_t i = 0; i < N * VALUES; i++)
            x.data[20 + i] = (unsigned char)(i * 7 + i / VALUES * 31 + i % 11 * i % 13);
        for (int i = 0; i < N; i++) y.data[8 + i] = (unsigned char)(i % 3);
        snprintf(path, sizeof path, "%s/train-images-idx4-ubyte", folder);
        save(path, &x);
        snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
        save(path, &y);
        made = true;
    }
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    return d;
}

/* How a loader is to work: what is the data set's, the model's and the loader's own. */
typedef struct how {
    weft_loader_opts o;
    weft_augment augment;
    int threads;
    float mean[4], std[4];
} how;

/* One epoch, sample after sample in the order it came. */
typedef struct epoch {
    int n, batches;
    float x[N][VALUES], target[N][3]; /* target: shares of the classes */
    int32_t label[N], index[N];
} epoch;

/* A model that has seen other pictures. */
static weft__image_preprocess model_of(const how *h)
{
    weft__image_preprocess p = {.base = {&weft_modality_image},
                                .channels = CHANNELS,
                                .height = SIDE,
                                .width = SIDE};
    memcpy(p.mean, h->mean, sizeof p.mean);
    memcpy(p.std, h->std, sizeof p.std);
    return p;
}

static weft_status open_loader(weft_dataset *d, const weft__image_preprocess *p,
                               const how *h, weft_loader **l)
{
    weft_dataset_set_augment(d, &h->augment);
    d->opts.loader_threads = h->threads;
    return weft__loader_open(d, &p->base, &h->o, l);
}

static void take(const weft_dataset *d, const weft_batch *b, epoch *e)
{
    CHECK(e->n + b->n <= N && b->n > 0 && !b->value);
    memcpy(e->x[e->n], b->x, (size_t)b->n * sizeof e->x[0]);
    memcpy(e->label + e->n, b->label, (size_t)b->n * sizeof *b->label);
    memcpy(e->index + e->n, b->index, (size_t)b->n * sizeof *b->index);
    memset(e->target[e->n], 0, (size_t)b->n * sizeof e->target[0]);
    for (int i = 0; i < b->n; i++) {
        float share = b->share ? b->share[i] : 1;
        e->target[e->n + i][b->label[i]] += share;
        if (b->share)
            e->target[e->n + i][weft_dataset_label(d, WEFT_SUBSET_TRAIN,
                                                   b->partner[i])] += 1 - share;
    }
    e->n += b->n;
    e->batches++;
}

static void run_from(weft_dataset *d, const how *h, int number, int first, epoch *e)
{
    weft_loader *l;
    weft_batch b;
    const weft__image_preprocess p = model_of(h);
    CHECK(open_loader(d, &p, h, &l) == WEFT_OK);
    CHECK(weft_loader_start(l, number, first) == WEFT_OK);
    e->n = e->batches = 0;
    for (;;) {
        CHECK(weft_loader_next(l, &b) == WEFT_OK);
        if (!b.n) break;
        CHECK((b.share != NULL) == (h->o.training && h->augment.mixup > 0));
        CHECK((b.partner != NULL) == (b.share != NULL));
        take(d, &b, e);
    }
    CHECK(weft_loader_next(l, &b) == WEFT_OK && !b.n); /* stays over */
    weft_loader_free(l);
}

static void run(weft_dataset *d, const how *h, int number, epoch *e)
{
    run_from(d, h, number, 0, e);
}

/* The same, samples in the order of the set. */
static void run_sorted(weft_dataset *d, const how *h, int number, epoch *e)
{
    static epoch shuffled;
    run(d, h, number, &shuffled);
    CHECK(shuffled.n == N);
    *e = shuffled;
    for (int i = 0; i < N; i++) {
        int to = shuffled.index[i];
        memcpy(e->x[to], shuffled.x[i], sizeof e->x[0]);
        memcpy(e->target[to], shuffled.target[i], sizeof e->target[0]);
        e->label[to] = shuffled.label[i];
        e->index[to] = to;
    }
}

static epoch one, two;

static void plain_batches_are_the_pixels_in_order(void **state)
{
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 10}, .mean = {0.5f, 0.25f}, .std = {0.5f, 0, 2}};
    unsigned char p[VALUES];
    float x[VALUES];
    (void)state;
    run(d, &h, 0, &one);
    CHECK(one.n == N && one.batches == 11);
    for (int i = 0; i < N; i++) {
        CHECK(one.index[i] == i && one.label[i] == i % 3);
        CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, i, p) == WEFT_OK);
        weft_image_normalize(3, SIDE * SIDE, p, h.mean, h.std, x);
        CHECK(!memcmp(x, one.x[i], sizeof x));
        CHECK_NEAR(x[0], (p[0] / 255.0 - 0.5) / 0.5, 1e-6);
        CHECK_NEAR(x[1], p[1] / 255.0 - 0.25, 1e-6);
        CHECK_NEAR(x[2], p[2] / 255.0 / 2, 1e-6);
    }
    weft_dataset_close(d);
}

static void every_sample_comes_once_in_an_order_by_seed_and_epoch(void **state)
{
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 16, .shuffle = true, .seed = 5}};
    bool seen[N] = {false};
    int same = 0;
    (void)state;
    run(d, &h, 0, &one);
    CHECK(one.n == N);
    for (int i = 0; i < N; i++) {
        CHECK(!seen[one.index[i]]);
        seen[one.index[i]] = true;
        CHECK(one.label[i] == one.index[i] % 3);
    }
    run(d, &h, 1, &two);
    for (int i = 0; i < N; i++) same += one.index[i] == two.index[i];
    CHECK(same < N / 4);
    h.o.seed = 6;
    run(d, &h, 0, &two);
    for (same = 0; same < N && one.index[same] == two.index[same];) same++;
    CHECK(same < N);
    weft_dataset_close(d);
}

static const weft_augment everything = {.flip = 0.5,
                                        .flip_vertical = 0.5,
                                        .translate = 2,
                                        .rotate = 20,
                                        .brightness = 0.4,
                                        .contrast = 0.4,
                                        .saturation = 0.4,
                                        .hue = 0.1,
                                        .cutout = 2,
                                        .mixup = 0.4};
static const weft_augment moves = {.flip = 0.5, .translate = 2, .mixup = 1};

static void the_bits_do_not_depend_on_threads_or_on_what_is_ahead(void **state)
{
    static const int threads[] = {1, 2, 3, 7}, ahead[] = {1, 4, 2, 9};
    weft_dataset *d = open_set();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        how h = {.o = {.batch = 7, .training = true, .seed = 1},
                 .threads = -1,
                 .augment = kind ? moves : everything};
        run(d, &h, 3, &one);
        for (int i = 0; i < 4; i++) {
            h.threads = threads[i];
            h.o.ahead = ahead[i];
            memset(&two, 0, sizeof two);
            run(d, &h, 3, &two);
            CHECK(!memcmp(&one, &two, sizeof one));
        }
    }
    weft_dataset_close(d);
}

static void the_bits_do_not_depend_on_the_batch_size(void **state)
{
    static const int batch[] = {1, 2, 5, 64, N, 500};
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 7, .training = true, .seed = 1}, .augment = everything};
    (void)state;
    run(d, &h, 2, &one);
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
        h.o.batch = batch[i];
        run(d, &h, 2, &two);
        CHECK(two.n == N);
        CHECK(!memcmp(one.x, two.x, sizeof one.x));
        CHECK(!memcmp(one.target, two.target, sizeof one.target));
        CHECK(!memcmp(one.index, two.index, sizeof one.index));
    }
    weft_dataset_close(d);
}

static void an_epoch_goes_on_at_any_batch(void **state)
{
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 9, .training = true, .seed = 8}, .augment = everything};
    (void)state;
    run(d, &h, 4, &one);
    for (int first = 0; first <= one.batches; first += 3) {
        run_from(d, &h, 4, first, &two);
        CHECK(two.n == (first < one.batches ? N - 9 * first : 0));
        if (two.n)
            CHECK(!memcmp(one.x[9 * first], two.x, (size_t)two.n * sizeof one.x[0]));
    }
    weft_dataset_close(d);
}

static void a_loader_starts_again_in_the_middle_of_an_epoch(void **state)
{
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 9, .training = true}, .threads = 3};
    const weft__image_preprocess p = model_of(&h);
    weft_loader *l;
    weft_batch b;
    (void)state;
    run(d, &h, 1, &one);
    CHECK(open_loader(d, &p, &h, &l) == WEFT_OK);
    CHECK(weft_loader_next(l, &b) == WEFT_OK && !b.n); /* not started */
    for (int i = 0; i < 20; i++) {
        CHECK(weft_loader_start(l, 0, i % 5) == WEFT_OK);
        for (int k = 0; k < i % 4; k++) CHECK(weft_loader_next(l, &b) == WEFT_OK);
        CHECK(weft_loader_start(l, 1, i % 3) == WEFT_OK);
        CHECK(weft_loader_next(l, &b) == WEFT_OK);
        CHECK(!memcmp(b.x, one.x[9 * (i % 3)], 9 * sizeof one.x[0]));
    }
    CHECK(weft_loader_start(l, -1, 0) == WEFT_EUSAGE);
    CHECK(weft_loader_start(l, 0, 13) == WEFT_EUSAGE);
    weft_loader_free(l);
    weft_dataset_close(d);
}

static void the_last_batch_may_be_left_out(void **state)
{
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 10, .drop_last = true}};
    weft_loader *l;
    (void)state;
    run(d, &h, 0, &one);
    CHECK(one.n == 100 && one.batches == 10);
    h.o.batch = 200;
    CHECK(weft_loader_new(d, &h.o, &l) == WEFT_OK);
    CHECK(weft_loader_batches(l) == 0);
    weft_loader_free(l);
    weft_dataset_close(d);
}

static void an_empty_split_has_no_batches(void **state)
{
    weft_dataset *d = open_set();
    (void)state;
    run(d, &(how){.o = {.subset = WEFT_SUBSET_TEST}}, 0, &one);
    CHECK(one.n == 0);
    weft_dataset_close(d);
}

/* ---- augmentation; mean 0, std 1/255: x is the byte itself ---- */

static const float *pixel(const epoch *e, int sample, int y, int x)
{
    return e->x[sample] + (y * SIDE + x) * CHANNELS;
}

static how raw(weft_augment a)
{
    how h = {.o = {.batch = 8, .training = true}, .augment = a};
    for (int i = 0; i < 4; i++) h.std[i] = 1.0f / 255;
    return h;
}

static void a_sure_flip_mirrors_every_picture(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){0});
    (void)state;
    run_sorted(d, &h, 0, &one);
    h.augment.flip = 1;
    run_sorted(d, &h, 0, &two);
    for (int i = 0; i < N; i++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                CHECK(!memcmp(pixel(&one, i, y, x), pixel(&two, i, y, SIDE - 1 - x),
                              CHANNELS * sizeof(float)));
    h.augment = (weft_augment){.flip_vertical = 1};
    run_sorted(d, &h, 0, &two);
    CHECK(!memcmp(pixel(&one, 9, 0, 0), pixel(&two, 9, SIDE - 1, 0), 12));
    weft_dataset_close(d);
}

static void about_half_are_flipped_and_others_in_another_epoch(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){0});
    int flipped = 0, changed = 0;
    (void)state;
    run_sorted(d, &h, 0, &one);
    h.augment.flip = 0.5;
    run_sorted(d, &h, 0, &two);
    for (int i = 0; i < N; i++) flipped += !!memcmp(one.x[i], two.x[i], sizeof one.x[i]);
    CHECK(flipped > N / 4 && flipped < 3 * N / 4);
    run_sorted(d, &h, 1, &one);
    for (int i = 0; i < N; i++) changed += !!memcmp(one.x[i], two.x[i], sizeof one.x[i]);
    CHECK(changed > N / 4 && changed < 3 * N / 4);
    weft_dataset_close(d);
}

/* Is picture i of `two` that of `one` moved by (dy, dx), zero outside? */
static bool moved_by(int i, int dy, int dx)
{
    static const float zero[CHANNELS];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            bool in = y + dy >= 0 && y + dy < SIDE && x + dx >= 0 && x + dx < SIDE;
            if (memcmp(pixel(&two, i, y, x), in ? pixel(&one, i, y + dy, x + dx) : zero,
                       sizeof zero))
                return false;
        }
    return true;
}

static void shifts_stay_in_range_and_reach_all_of_it(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){0});
    bool seen[5][5] = {{false}};
    int kinds = 0;
    (void)state;
    run_sorted(d, &h, 0, &one);
    h.augment.translate = 2;
    run_sorted(d, &h, 0, &two);
    for (int i = 0; i < N; i++) {
        int found = 0;
        for (int dy = -2; dy <= 2; dy++)
            for (int dx = -2; dx <= 2; dx++)
                if (moved_by(i, dy, dx)) found++, seen[dy + 2][dx + 2] = true;
        CHECK(found == 1);
    }
    for (int k = 0; k < 25; k++) kinds += seen[k / 5][k % 5];
    CHECK(kinds > 20);
    h.augment.translate = 100; /* most pictures leave the frame */
    run_sorted(d, &h, 0, &two);
    weft_dataset_close(d);
}

static void rotation_by_nothing_and_a_move_are_the_same_as_without(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){.flip = 0.5, .flip_vertical = 0.5, .translate = 2});
    (void)state;
    run_sorted(d, &h, 0, &one);
    h.augment.rotate = 1e-300;
    /* The draws for flip and shift come first, so they are the same. */
    run_sorted(d, &h, 0, &two);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < VALUES; k++) CHECK_NEAR(one.x[i][k], two.x[i][k], 1e-4);
    weft_dataset_close(d);
}

static void rotation_turns_some_corners_away_and_stays_in_range(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){.rotate = 45});
    int away = 0;
    (void)state;
    run_sorted(d, &h, 0, &one);
    for (int i = 0; i < N; i++) away += pixel(&one, i, 0, 0)[0] == 0;
    CHECK(away > N / 20 && away < N / 2); /* those turned by 37 degrees or more */
    for (int i = 0; i < N; i++)
        for (int k = 0; k < VALUES; k++)
            CHECK(one.x[i][k] >= 0 && one.x[i][k] <= 255.01f);
    weft_dataset_close(d);
}

/* A point in the middle of 9x9 pixels stays there, whatever the angle. */
static void rotation_turns_about_the_middle(void **state)
{
    enum { COUNT = 30, PIXELS = 81, MIDDLE = 40 };
    const char *folder = make_folder("point");
    int dim[] = {COUNT, 9, 9}, turned = 0;
    char path[1400];
    bytes x = {0}, y = {0};
    weft_dataset *d;
    weft_loader *l;
    weft_batch b;
    const how h = {.o = {.batch = COUNT, .training = true}, .augment = {.rotate = 180}};
    weft__image_preprocess p = model_of(&h);
    (void)state;
    p.channels = 1;
    p.height = p.width = 9;
    make_idx(&x, 3, dim, NULL);
    make_idx(&y, 1, dim, NULL);
    for (int i = 0; i < COUNT; i++) {
        x.data[16 + i * PIXELS + MIDDLE] = 255;
        x.data[16 + i * PIXELS + 4] = 255; /* and one in the middle of the first row */
        y.data[8 + i] = (unsigned char)(i % 2);
    }
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", folder);
    save(path, &x);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    save(path, &y);
    CHECK(weft_dataset_open(folder, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK(!open_loader(d, &p, &h, &l) && !weft_loader_start(l, 0, 0));
    CHECK(!weft_loader_next(l, &b) && b.n == COUNT);
    for (int i = 0; i < COUNT; i++) {
        CHECK_NEAR(b.x[i * PIXELS + MIDDLE], 1, 1e-5);
        turned += b.x[i * PIXELS + 4] < 0.5f;
    }
    CHECK(turned > COUNT / 2);
    weft_loader_free(l);
    weft_dataset_close(d);
}

static void cutout_zeroes_a_square_of_its_side_or_less(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){0});
    (void)state;
    for (int k = 0; k < 4; k++) h.mean[k] = -1; /* no other zeros */
    run_sorted(d, &h, 0, &one);
    h.augment.cutout = 3;
    run_sorted(d, &h, 0, &two);
    for (int i = 0; i < N; i++) {
        int holes = 0;
        for (int k = 0; k < VALUES; k++) {
            if (two.x[i][k] == 0)
                holes++;
            else
                CHECK(two.x[i][k] == one.x[i][k]);
        }
        CHECK(holes >= 2 * 2 * CHANNELS && holes <= 9 * CHANNELS);
    }
    weft_dataset_close(d);
}

static void jitter_stays_in_range_and_changes_colours(void **state)
{
    weft_dataset *d = open_set();
    weft_augment all[] = {
        {.brightness = 0.5}, {.contrast = 0.5}, {.saturation = 0.9}, {.hue = 0.5}};
    (void)state;
    for (int a = 0; a < 4; a++) {
        how h = raw((weft_augment){0});
        int changed = 0;
        run_sorted(d, &h, 0, &one);
        h.augment = all[a];
        run_sorted(d, &h, 0, &two);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < VALUES; k++) {
                CHECK(two.x[i][k] >= 0 && two.x[i][k] <= 255.01f);
                changed += fabsf(one.x[i][k] - two.x[i][k]) > 1;
            }
        CHECK(changed > N * VALUES / 2);
    }
    weft_dataset_close(d);
}

static void hue_keeps_the_largest_and_smallest_value(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){0});
    (void)state;
    run_sorted(d, &h, 0, &one);
    h.augment.hue = 0.5;
    run_sorted(d, &h, 0, &two);
    for (int i = 0; i < N; i++)
        for (int p = 0; p < SIDE * SIDE; p++) {
            const float *a = pixel(&one, i, 0, p), *b = pixel(&two, i, 0, p);
            CHECK_NEAR(fmaxf(a[0], fmaxf(a[1], a[2])), fmaxf(b[0], fmaxf(b[1], b[2])),
                       0.01);
            CHECK_NEAR(fminf(a[0], fminf(a[1], a[2])), fminf(b[0], fminf(b[1], b[2])),
                       0.01);
        }
    weft_dataset_close(d);
}

static void mixup_mixes_pictures_and_targets_by_the_same_share(void **state)
{
    weft_dataset *d = open_set();
    how h = raw((weft_augment){0});
    double sum = 0;
    (void)state;
    run(d, &h, 0, &one);
    h.augment.mixup = 1;
    run(d, &h, 0, &two);
    for (int i = 0; i < N; i++) {
        int j = (i ^ 1) < N ? i ^ 1 : i, c = one.label[i], other = one.label[j];
        float share = two.target[i][c];
        CHECK(two.index[i] == one.index[i] && two.label[i] == c);
        CHECK_NEAR(two.target[i][0] + two.target[i][1] + two.target[i][2], 1, 1e-6);
        if (c == other) continue;
        CHECK_NEAR(two.target[i][other], 1 - share, 1e-6);
        sum += share;
        for (int k = 0; k < VALUES; k++)
            CHECK_NEAR(two.x[i][k], share * one.x[i][k] + (1 - share) * one.x[j][k],
                       1e-3);
    }
    CHECK(sum > 20 && sum < 50); /* about half of some 68 pairs' members */
    h.augment.mixup = 1e-9;      /* a coin */
    run(d, &h, 0, &two);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < 3; c++) CHECK(two.target[i][c] == 0 || two.target[i][c] == 1);
    weft_dataset_close(d);
}

static void normalization_is_mean_and_std_of_each_channel(void **state)
{
    weft_dataset *d = open_set();
    float mean[4], std[4];
    double sum[3] = {0}, square[3] = {0}, n = N * SIDE * SIDE;
    unsigned char p[VALUES];
    (void)state;
    weft_dataset_normalization(d, mean, std);
    for (int c = 0; c < 4; c++) CHECK(mean[c] == 0 && std[c] == 1); /* not fitted */
    CHECK(weft_dataset_fit(d) == WEFT_OK);
    weft_dataset_normalization(d, mean, std);
    for (int i = 0; i < N; i++) {
        CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, i, p) == WEFT_OK);
        for (int k = 0; k < VALUES; k++) {
            sum[k % 3] += p[k] / 255.0;
            square[k % 3] += p[k] / 255.0 * p[k] / 255.0;
        }
    }
    for (int c = 0; c < 3; c++) {
        double m = sum[c] / n;
        CHECK_NEAR(mean[c], m, 1e-6);
        CHECK_NEAR(std[c], sqrt(square[c] / n - m * m), 1e-6);
    }
    CHECK(mean[3] == 0 && std[3] == 1);
    weft_dataset_close(d);
}

/* The public loader measures by itself: over an epoch every channel has mean 0 and
 * std 1. */
static void a_loader_normalizes_by_what_it_measured(void **state)
{
    weft_dataset *d = open_set();
    double sum[3] = {0}, square[3] = {0}, n = N * SIDE * SIDE;
    weft_loader *l;
    weft_batch b;
    (void)state;
    CHECK(weft_loader_new(d, &(weft_loader_opts){.batch = 20, .training = true}, &l) ==
          WEFT_OK);
    CHECK(weft_loader_start(l, 0, 0) == WEFT_OK);
    while (!weft_loader_next(l, &b) && b.n)
        for (int i = 0; i < b.n * VALUES; i++) {
            sum[i % 3] += (double)b.x[i];
            square[i % 3] += (double)b.x[i] * (double)b.x[i];
        }
    for (int c = 0; c < 3; c++) {
        CHECK_NEAR(sum[c] / n, 0, 1e-5);
        CHECK_NEAR(square[c] / n, 1, 1e-5);
    }
    weft_loader_free(l);
    weft_dataset_close(d);
}

static void a_constant_channel_has_std_1(void **state)
{
    enum { SAMPLES = 8 };
    static unsigned char pixels[SAMPLES * 4 * 3];
    int32_t label[SAMPLES];
    float mean[4], std[4];
    weft_dataset *d;
    (void)state;
    for (int i = 0; i < SAMPLES * 4; i++) {
        pixels[3 * i] = 51;
        pixels[3 * i + 1] = (unsigned char)(i % 2 ? 255 : 0);
        pixels[3 * i + 2] = 255;
    }
    for (int i = 0; i < SAMPLES; i++) label[i] = i % 2;
    const weft_arrays a = {.count = {SAMPLES},
                           .channels = 3,
                           .height = 2,
                           .width = 2,
                           .pixels = {pixels},
                           .label = {label},
                           .classes = 2};
    CHECK(weft_dataset_from_arrays(&a, &(weft_dataset_opts){.no_val = true}, &d) ==
          WEFT_OK);
    CHECK(weft_dataset_fit(d) == WEFT_OK);
    weft_dataset_normalization(d, mean, std);
    CHECK_NEAR(mean[0], 0.2, 1e-6);
    CHECK_NEAR(mean[1], 0.5, 1e-6);
    CHECK_NEAR(mean[2], 1, 1e-6);
    CHECK(std[0] == 1 && std[2] == 1);
    CHECK_NEAR(std[1], 0.5, 1e-6);
    weft_dataset_close(d);
}

static void a_model_of_another_size_is_refused(void **state)
{
    weft_dataset *d = open_set();
    how h = {.o = {.batch = 8}};
    weft__image_preprocess p = model_of(&h);
    weft_loader *l;
    (void)state;
    p.width++;
    CHECK(open_loader(d, &p, &h, &l) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "3x6x7 pictures, the data are 3x6x6");
    weft_dataset_close(d);
}

static void options_outside_their_range_are_usage(void **state)
{
    static const how row[] = {{.o = {.batch = -1}},
                              {.o = {.batch = 1 << 21}},
                              {.o = {.subset = (weft_subset)3}},
                              {.threads = 1000},
                              {.o = {.ahead = -1}},
                              {.mean = {NAN}},
                              {.std = {-1}},
                              {.augment = {.flip = 1.1}},
                              {.augment = {.flip = NAN}},
                              {.augment = {.translate = -1}},
                              {.augment = {.rotate = 181}},
                              {.augment = {.hue = 0.6}},
                              {.augment = {.contrast = -1}},
                              {.augment = {.cutout = -1}},
                              {.augment = {.mixup = -0.1}}};
    weft_dataset *d = open_set();
    weft_loader *l;
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        how h = row[i];
        h.o.training = true;
        const weft__image_preprocess p = model_of(&h);
        CHECK(open_loader(d, &p, &h, &l) == WEFT_EUSAGE);
    }
    weft_loader_free(NULL);
    weft_dataset_close(NULL);
    weft_dataset_close(d);
}

RUN_TESTS(TEST(plain_batches_are_the_pixels_in_order),
          TEST(every_sample_comes_once_in_an_order_by_seed_and_epoch),
          TEST(the_bits_do_not_depend_on_threads_or_on_what_is_ahead),
          TEST(the_bits_do_not_depend_on_the_batch_size),
          TEST(an_epoch_goes_on_at_any_batch),
          TEST(a_loader_starts_again_in_the_middle_of_an_epoch),
          TEST(the_last_batch_may_be_left_out), TEST(an_empty_split_has_no_batches),
          TEST(a_sure_flip_mirrors_every_picture),
          TEST(about_half_are_flipped_and_others_in_another_epoch),
          TEST(shifts_stay_in_range_and_reach_all_of_it),
          TEST(rotation_by_nothing_and_a_move_are_the_same_as_without),
          TEST(rotation_turns_some_corners_away_and_stays_in_range),
          TEST(rotation_turns_about_the_middle),
          TEST(cutout_zeroes_a_square_of_its_side_or_less),
          TEST(jitter_stays_in_range_and_changes_colours),
          TEST(hue_keeps_the_largest_and_smallest_value),
          TEST(mixup_mixes_pictures_and_targets_by_the_same_share),
          TEST(normalization_is_mean_and_std_of_each_channel),
          TEST(a_loader_normalizes_by_what_it_measured),
          TEST(a_constant_channel_has_std_1), TEST(a_model_of_another_size_is_refused),
          TEST(options_outside_their_range_are_usage))
