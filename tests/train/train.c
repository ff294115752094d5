/* train.c: the loop learns, stops, resumes with the same bits, survives divergence. */
/* labels: threads */
#include "test.h"

#include "base/rng.h"
#include "data/dataset.h"
#include "weft/weft.h"

#include <pthread.h>

enum { SIDE = 8, CLASSES = 3, TRAIN = 150, TEST_COUNT = 60 };

static void put32(unsigned char *at, uint32_t x)
{
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(x >> (24 - 8 * i));
}

/* Pictures whose bright row tells the class, with noise: easy, but not at once. */
static void write_split(const char *stem, int count, uint64_t seed)
{
    static unsigned char images[16 + TRAIN * SIDE * SIDE], labels[8 + TRAIN];
    char name[80];
    put32(images, 0x803);
    put32(images + 4, (uint32_t)count);
    put32(images + 8, SIDE);
    put32(images + 12, SIDE);
    put32(labels, 0x801);
    put32(labels + 4, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        weft__rng r = weft__rng_at(seed, 1, (uint64_t)i);
        int label = i % CLASSES, row = 2 * label + weft__rng_between(&r, 0, 1);
        labels[8 + i] = (unsigned char)label;
        for (int k = 0; k < SIDE * SIDE; k++)
            images[16 + i * SIDE * SIDE + k] =
                (unsigned char)(weft__rng_below(&r, 90) + (k / SIDE == row ? 120 : 0));
    }
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", stem);
    test_write(test_path(name), images, 16 + (size_t)count * SIDE * SIDE);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", stem);
    test_write(test_path(name), labels, 8 + (size_t)count);
}

typedef struct fixture {
    weft_dataset *d;
    weft_graph *g;
    weft_value logits;
    weft_train_opts o;
} fixture;

static fixture start(void)
{
    fixture f = {.g = weft_graph_new()};
    write_split("train", TRAIN, 1);
    write_split("t10k", TEST_COUNT, 2);
    CHECK(weft_dataset_open(test_folder(),
                            &(weft_dataset_opts){.image.augment.translate = 1},
                            &f.d) == WEFT_OK);
    weft_value x = weft_input(f.g, "x", WEFT_SHAPE(0, 1, SIDE, SIDE));
    x = weft_layer_conv(f.g, "c", x, 6,
                        &(weft_layer_conv_opts){.kernel = {3}, .conv.pad = {1, 1}});
    x = weft_relu(f.g, weft_layer_batch_norm(f.g, "b", x, NULL));
    x = weft_dropout(f.g, weft_flatten(f.g, x, 1), 0.2);
    f.logits = weft_layer_dense(f.g, "fc", x, CLASSES, NULL);
    weft_output(f.g, f.logits, "logits");
    CHECK(weft_params_init(f.g, 1) == WEFT_OK);
    f.o = (weft_train_opts){.epochs = 6, .batch = 32, .seed = 5};
    f.o.optimizer = weft_optimizer_defaults("sgd");
    f.o.optimizer.lr = 0.05;
    f.o.output = f.logits;
    return f;
}

static void finish(fixture *f)
{
    weft_graph_free(f->g);
    weft_dataset_close(f->d);
}

static void train(fixture *f, char hash[65])
{
    weft_train_result r;
    CHECK(weft_train(f->g, f->d, &f->o, &r) == WEFT_OK);
    CHECK(r.rows == f->o.epochs && r.best_epoch >= 1);
    snprintf(hash, 65, "%s", r.params_sha256);
    weft_train_result_free(&r);
}

static void the_loop_learns(void **state)
{
    (void)state;
    char hash[65];
    fixture f = start();
    weft_evaluation *e = NULL;
    train(&f, hash);
    CHECK(!weft_evaluation_of(f.g, f.logits, f.d, WEFT_SUBSET_TEST, 25, &e));
    const weft_metrics *m = weft_evaluation_metrics(e);
    CHECK(weft_metrics_count(m) == TEST_COUNT);
    CHECK(weft_metrics_top1(m) > 0.8);
    weft_evaluation_free(e);
    finish(&f);
}

/* Options that each bring state of their own. */
static void vary(fixture *f, int variant)
{
    weft_train_opts *o = &f->o;
    if (variant == 1) o->optimizer = weft_optimizer_defaults("adamw");
    if (variant == 1) o->optimizer.ema = 0.9;
    if (variant == 2) o->accumulate = 3;
    if (variant == 2) o->schedule.name = "onecycle";
    if (variant == 3)
        weft_dataset_set_augment(f->d, &(weft_augment){.translate = 1, .mixup = 0.4});
    if (variant == 3) o->schedule.name = "plateau";
    if (variant == 3) o->optimizer = weft_optimizer_defaults("rmsprop");
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        char first[65], other[65];
        for (int threads = 1; threads < 4; threads++) {
            CHECK(weft_set_threads(threads) == WEFT_OK);
            fixture f = start();
            vary(&f, variant);
            f.o.epochs = 3;
            f.d->opts.loader_threads = threads;
            train(&f, threads == 1 ? first : other);
            finish(&f);
            if (threads > 1) CHECK_TEXT(first, other);
        }
    }
    CHECK(weft_set_threads(0) == WEFT_OK);
}

static int steps_left;

static void count_down(void *user, const weft_progress *p)
{
    (void)user;
    (void)p;
    steps_left--;
}

static bool at_zero(void *user)
{
    (void)user;
    return steps_left <= 0;
}

static void stopped_and_resumed_gives_the_same_bits(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        char whole[65], dir[64];
        fixture f = start();
        vary(&f, variant);
        train(&f, whole);
        finish(&f);
        snprintf(dir, sizeof dir, "run%d", variant);
        weft__rng r = weft__rng_at(test_seed(), 2, (uint64_t)variant);
        weft_train_result result;
        weft_status s = WEFT_ESTOPPED;
        for (int part = 0; part < 40 && s == WEFT_ESTOPPED; part++) {
            f = start();
            vary(&f, variant);
            f.o.run_dir = test_path(dir);
            f.o.resume = part > 0;
            f.o.stop = at_zero;
            f.o.on_step = count_down;
            steps_left = weft__rng_between(&r, 1, 9);
            s = weft_train(f.g, f.d, &f.o, &result);
            CHECK(s == WEFT_OK || s == WEFT_ESTOPPED);
            finish(&f);
        }
        CHECK(s == WEFT_OK);
        CHECK_TEXT(result.params_sha256, whole);
        CHECK(result.rows == 6);
        weft_train_result_free(&result);
    }
}

static struct {
    pthread_t thread;
    int asked, steps, true_at;
} asking;

static void count_step(void *user, const weft_progress *p)
{
    (void)user;
    asking.steps = p->batch;
}

/* True once only: that must be enough. */
static bool ask(void *user)
{
    CHECK(user == &asking);
    CHECK(pthread_equal(pthread_self(), asking.thread));
    /* of 7 batches 3 are an update, the last one alone */
    CHECK(asking.steps % 3 == 0 || asking.steps == 7);
    return ++asking.asked == asking.true_at;
}

static void stop_is_asked_after_each_update_by_the_calling_thread(void **state)
{
    (void)state;
    for (int true_at = 0; true_at < 3; true_at++) {
        weft_train_result r;
        fixture f = start();
        asking.thread = pthread_self();
        asking.asked = asking.steps = 0;
        asking.true_at = true_at;
        f.o.batch = (weft_dataset_count(f.d, WEFT_SUBSET_TRAIN) + 6) / 7;
        f.o.accumulate = 3;
        f.o.epochs = 2;
        f.d->opts.loader_threads = 2;
        f.o.stop = ask;
        f.o.on_step = count_step;
        f.o.user = &asking;
        weft_status s = weft_train(f.g, f.d, &f.o, &r);
        CHECK(s == (true_at ? WEFT_ESTOPPED : WEFT_OK));
        CHECK(asking.asked == (true_at ? true_at : 6));
        if (!s) weft_train_result_free(&r);
        finish(&f);
    }
}

static void divergence_is_told_with_layer_and_epoch(void **state)
{
    (void)state;
    weft_train_result r;
    fixture f = start();
    f.o.optimizer.lr = 1e38;
    f.o.run_dir = test_path("diverged");
    CHECK(weft_train(f.g, f.d, &f.o, &r) == WEFT_EDIVERGED);
    CHECK_HAS(weft_last_error(), "is not finite at epoch");
    CHECK_HAS(weft_last_error(), "first in b (forward)");
    finish(&f);
}

static void a_checkpoint_of_another_run_is_refused_with_the_differences(void **state)
{
    (void)state;
    char hash[65];
    weft_train_result r;
    fixture f = start();
    f.o.run_dir = test_path("other");
    f.o.epochs = 1;
    train(&f, hash);
    finish(&f);
    f = start();
    f.o.run_dir = test_path("other");
    f.o.epochs = 2;
    f.o.resume = true;
    f.o.optimizer = weft_optimizer_defaults("adam");
    CHECK(weft_train(f.g, f.d, &f.o, &r) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "epochs 2 here, 1 there");
    CHECK_HAS(weft_last_error(), "optimizer adam here, sgd there");
    finish(&f);
}

static void networks_that_do_not_fit_the_data_are_refused(void **state)
{
    (void)state;
    weft_train_result r;
    fixture f = start();
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3, SIDE, SIDE));
    weft_value y = weft_layer_dense(g, "fc", weft_flatten(g, x, 1), CLASSES, NULL);
    f.o.output = y;
    CHECK(weft_train(g, f.d, &f.o, &r) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "3x8x8 pictures (x), the data are 1x8x8");
    weft_graph_free(g);
    f.o.output = f.logits;
    f.o.epochs = -1;
    CHECK(weft_train(f.g, f.d, &f.o, &r) == WEFT_EUSAGE);
    finish(&f);
}

RUN_TESTS(TEST(the_loop_learns), TEST(threads_change_no_bit),
          TEST(stopped_and_resumed_gives_the_same_bits),
          TEST(stop_is_asked_after_each_update_by_the_calling_thread),
          TEST(divergence_is_told_with_layer_and_epoch),
          TEST(a_checkpoint_of_another_run_is_refused_with_the_differences),
          TEST(networks_that_do_not_fit_the_data_are_refused))
