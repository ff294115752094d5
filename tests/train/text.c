/* text.c: the loop on texts: it learns, is the same for any number of threads, goes on
 * with the same bits; a classifier of texts reads back what it wrote. */
/* labels: threads */
#include "test.h"

#include "base/rng.h"
#include "weft/weft.h"

#include <math.h>

enum { COUNT = 240, CLASSES = 3 };

static const char *const sign[CLASSES][2] = {
    {"red", "crimson"}, {"green", "emerald"}, {"blue", "azure"}};
static const char *const filler[] = {"the", "house", "was", "very", "old", "and", "big"};

/* Sentences of 2 to 12 words, one of which tells the class. */
static void write_texts(const char *name, int count, uint64_t seed)
{
    static char text[COUNT * 160];
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        weft__rng r = weft__rng_at(seed, 1, (uint64_t)i);
        int n = weft__rng_between(&r, 2, 12), place = weft__rng_between(&r, 0, n - 1);
        at += (size_t)sprintf(text + at, "class%d\t", i % CLASSES);
        for (int k = 0; k < n; k++)
            at += (size_t)sprintf(text + at, "%s%s", k ? " " : "",
                                  k == place ? sign[i % CLASSES][weft__rng_below(&r, 2)]
                                             : filler[weft__rng_below(&r, 7)]);
        at += (size_t)sprintf(text + at, " %d\n", i);
    }
    test_write(test_path(name), text, at);
}

typedef struct fixture {
    weft_texts *t;
    weft_tokenizer *k;
    weft_graph *g;
    weft_value logits;
    weft_train_opts o;
} fixture;

static fixture start(const char *model)
{
    fixture f = {.g = weft_graph_new()};
    char test[300];
    write_texts("train.tsv", COUNT, 1);
    write_texts("test.tsv", 60, 2);
    snprintf(test, sizeof test, "%s", test_path("test.tsv"));
    CHECK(!weft_texts_open(test_path("train.tsv"),
                           &(weft_texts_opts){.test = test, .format = "tsv"}, &f.t));
    CHECK(!weft_tokenizer_learn(f.t, &(weft_tokenizer_opts){.ngrams = 2, .min_count = 2},
                                &f.k));
    weft_zoo_text_opts m = {.classes = CLASSES,
                            .length = weft_tokenizer_length(f.k),
                            .streams = weft_tokenizer_streams(f.k),
                            .embedding = 12};
    if (weft_zoo_text_takes(model, "filters")) m.filters = 8;
    if (weft_zoo_text_takes(model, "hidden")) m.hidden = 6;
    for (int k = 0; k < m.streams; k++) m.vocabulary[k] = weft_tokenizer_size(f.k, k);
    CHECK(!weft_zoo_build_text(f.g, model, &m, &f.logits));
    CHECK(!weft_params_init(f.g, 1));
    f.o = (weft_train_opts){.epochs = 6, .batch = 16, .seed = 5};
    f.o.optimizer = weft_optimizer_defaults("adam");
    f.o.optimizer.lr = 0.02;
    f.o.optimizer.clip_norm = 5;
    return f;
}

static void finish(fixture *f)
{
    weft_graph_free(f->g);
    weft_tokenizer_free(f->k);
    weft_texts_close(f->t);
}

static weft_status train(fixture *f, weft_train_result *r)
{
    return weft_train_texts(f->g, f->logits, f->t, f->k, &f->o, NULL, r);
}

static void the_loop_learns_and_keeps_the_best_epochs_evaluation(void **state)
{
    (void)state;
    fixture f = start("cnn-bigru");
    weft_train_result r;
    weft_metrics *m = weft_metrics_new(CLASSES);
    CHECK(!train(&f, &r));
    CHECK(r.rows == 6 && r.metrics && r.scores);
    CHECK(weft_metrics_count(r.metrics) == weft_texts_count(f.t, WEFT_SUBSET_VAL));
    CHECK(weft_metrics_top1(r.metrics) == r.best_top1);
    CHECK(!weft_evaluate_texts(f.g, f.logits, f.t, f.k, NULL, WEFT_SUBSET_VAL, 128, m,
                               NULL));
    CHECK(weft_metrics_top1(m) == r.best_top1);
    CHECK(weft_metrics_loss(m) == r.best_val_loss);
    CHECK(!weft_evaluate_texts(f.g, f.logits, f.t, f.k, NULL, WEFT_SUBSET_TEST, 7, m,
                               NULL));
    CHECK(weft_metrics_count(m) == 60 && weft_metrics_top1(m) > 0.8);
    weft_metrics_free(m);
    weft_train_result_free(&r);
    finish(&f);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static const char *const models[] = {"cnn-bigru", "textcnn", "bilstm"};
    static const int threads[] = {1, 2, 3, 7};
    for (int m = 0; m < 3; m++) {
        char first[65] = "";
        for (int i = 0; i < 4; i++) {
            CHECK(!weft_set_threads(threads[i]));
            fixture f = start(models[m]);
            weft_train_result r;
            f.o.epochs = 2;
            CHECK(!train(&f, &r));
            if (!i) snprintf(first, sizeof first, "%s", r.params_sha256);
            CHECK_TEXT(r.params_sha256, first);
            weft_train_result_free(&r);
            finish(&f);
        }
    }
    CHECK(!weft_set_threads(0));
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

static void note_plan(void *user, const weft_train_estimate *p)
{
    *(weft_train_estimate *)user = *p;
}

static void stopped_and_resumed_gives_the_same_bits(void **state)
{
    (void)state;
    fixture f = start("cnn-bigru");
    weft_train_result r;
    weft_train_estimate plan = {0};
    char whole[65];
    CHECK(!train(&f, &r));
    snprintf(whole, sizeof whole, "%s", r.params_sha256);
    weft_train_result_free(&r);
    finish(&f);
    weft__rng random = weft__rng_at(test_seed(), 2, 0);
    weft_status s = WEFT_ESTOPPED;
    for (int part = 0; part < 60 && s == WEFT_ESTOPPED; part++) {
        f = start("cnn-bigru");
        f.o.run_dir = test_path("run");
        f.o.resume = part > 0;
        f.o.stop = at_zero;
        f.o.on_step = count_down;
        f.o.on_start = note_plan; /* its trial steps leave no trace */
        f.o.user = &plan;
        steps_left = weft__rng_between(&random, 1, 25);
        s = train(&f, &r);
        CHECK(s == WEFT_OK || s == WEFT_ESTOPPED);
        CHECK(plan.epochs == 6 && plan.batch_seconds > 0);
        finish(&f);
    }
    CHECK(s == WEFT_OK);
    CHECK_TEXT(r.params_sha256, whole);
    CHECK(r.metrics && weft_metrics_top1(r.metrics) == r.best_top1);
    weft_train_result_free(&r);
}

static void another_tokenizer_is_another_run(void **state)
{
    (void)state;
    fixture f = start("bag");
    weft_train_result r;
    f.o.run_dir = test_path("other");
    f.o.epochs = 1;
    CHECK(!train(&f, &r));
    weft_train_result_free(&r);
    finish(&f);
    f = start("bag");
    f.o.run_dir = test_path("other");
    f.o.epochs = 1;
    f.o.resume = true;
    weft_tokenizer_free(f.k);
    weft_tokenizer_opts cased = {.ngrams = 2, .min_count = 2, .keep_case = true};
    CHECK(!weft_tokenizer_learn(f.t, &cased, &f.k));
    CHECK(train(&f, &r) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "tokenizer ");
    finish(&f);
}

static void a_classifier_reads_back_what_it_wrote(void **state)
{
    (void)state;
    fixture f = start("cnn-bigru");
    weft_train_result r;
    weft_meta *m = weft_meta_new();
    weft_text_classifier *c = NULL;
    CHECK(!weft_text_classifier_describe(m, f.t, f.k, "cnn-bigru", 5));
    f.o.run_dir = test_path("model");
    CHECK(!weft_train_texts(f.g, f.logits, f.t, f.k, &f.o, m, &r));
    CHECK(!weft_text_classifier_open(f.o.run_dir, &c));
    CHECK(weft_text_classifier_classes(c) == CLASSES);
    CHECK_TEXT(weft_text_classifier_name(c, 2), "class2");
    const char *text[] = {"the house was azure", "crimson", "", "zzz qqq"};
    float all[4 * CLASSES], one[CLASSES];
    int length[4], unknown[4];
    CHECK(!weft_classify_texts(c, text, 4, all, length, unknown));
    CHECK(all[2] > 0.5f && all[CLASSES] > 0.5f);
    CHECK(length[0] == 4 && length[2] == 1 && unknown[2] == 1);
    CHECK(length[3] == 2 && unknown[3] == 2);
    for (int i = 0; i < 4; i++) { /* alone or in a batch */
        CHECK(!weft_classify_texts(c, text + i, 1, one, NULL, NULL));
        CHECK(!memcmp(one, all + i * CLASSES, sizeof one));
        CHECK(fabs(one[0] + one[1] + one[2] - 1) < 1e-5);
    }
    weft_text_classifier_free(c);
    weft_meta_free(m);
    weft_train_result_free(&r);
    finish(&f);
}

static void classes_of_a_test_file_are_found_by_name(void **state)
{
    (void)state;
    fixture f = start("bag");
    static const char lines[] = "class2\tvery azure\nclass1\temerald and old\n"
                                "class2\tblue blue\n";
    static const char odd[] = "class9\tvery azure\nclass1\temerald and old\n";
    weft_texts_opts plain = {.no_val = true, .format = "tsv"};
    weft_meta *m = weft_meta_new();
    weft_text_classifier *c = NULL;
    weft_texts *t = NULL;
    weft_train_result r;
    int32_t class_of[2] = {-1, -1};
    CHECK(!weft_text_classifier_describe(m, f.t, f.k, "bag", 5));
    f.o.run_dir = test_path("bag");
    CHECK(!weft_train_texts(f.g, f.logits, f.t, f.k, &f.o, m, &r));
    CHECK(!weft_text_classifier_open(f.o.run_dir, &c));
    test_write(test_path("few.tsv"), lines, sizeof lines - 1);
    test_write(test_path("odd.tsv"), odd, sizeof odd - 1);
    CHECK(!weft_texts_open(test_path("few.tsv"), &plain, &t));
    CHECK(!weft_text_classifier_match(c, t, class_of));
    CHECK(class_of[0] == 1 && class_of[1] == 2);
    weft_metrics *got = weft_metrics_new(CLASSES);
    CHECK(!weft_text_classifier_evaluate(c, t, WEFT_SUBSET_TRAIN, 2, got, NULL));
    CHECK(weft_metrics_top1(got) == 1 && weft_metrics_class(got, 2).support == 2);
    weft_texts_close(t);
    CHECK(!weft_texts_open(test_path("odd.tsv"), &plain, &t));
    CHECK(weft_text_classifier_evaluate(c, t, WEFT_SUBSET_TRAIN, 2, got, NULL) ==
          WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "class9");
    weft_texts_close(t);
    weft_metrics_free(got);
    weft_text_classifier_free(c);
    weft_meta_free(m);
    weft_train_result_free(&r);
    finish(&f);
}

static void the_linear_model_learns_and_is_the_same_for_any_threads(void **state)
{
    (void)state;
    fixture f = start("bag");
    weft_linear_result one, many;
    CHECK(!weft_set_threads(1));
    CHECK(!weft_linear_baseline(f.t, NULL, &one));
    CHECK(!weft_set_threads(5));
    CHECK(!weft_linear_baseline(f.t, NULL, &many));
    CHECK(!weft_set_threads(0));
    CHECK(one.test_top1 > 0.9 && one.test_top1 == many.test_top1);
    CHECK(one.val_top1 == many.val_top1 && one.ngrams == 2);
    finish(&f);
}

/* A network whose own scores are all 0 answers as the linear model. */
static void a_wide_part_starts_as_the_linear_model(void **state)
{
    (void)state;
    fixture f = start("bag");
    weft_zoo_text_opts m = {.classes = CLASSES,
                            .length = weft_tokenizer_length(f.k),
                            .embedding = 1,
                            .wide = 2};
    for (int k = 0; k < 2; k++) m.vocabulary[k] = weft_tokenizer_size(f.k, k);
    weft_graph *g = weft_graph_new();
    weft_value y;
    int32_t class_of[CLASSES] = {0, 1, 2};
    float none[3 * CLASSES] = {0};
    CHECK(!weft_zoo_build_text(g, "bag", &m, &y));
    CHECK(!weft_params_init(g, 1));
    CHECK(weft_text_wide_start(f.g, f.t, f.k, NULL) ==
          WEFT_EUSAGE); /* has no such part */
    CHECK(!weft_text_wide_start(g, f.t, f.k, NULL));
    CHECK(!weft_param_set(g, weft_find(g, "fc.weight"), none, CLASSES));
    weft_metrics *got = weft_metrics_new(CLASSES);
    weft_linear_result linear;
    CHECK(!weft_linear_baseline(f.t, NULL, &linear));
    CHECK(
        !weft_evaluate_texts(g, y, f.t, f.k, class_of, WEFT_SUBSET_TEST, 16, got, NULL));
    CHECK(weft_metrics_top1(got) > 0.9);
    CHECK_NEAR(weft_metrics_top1(got), linear.test_top1,
               0.04); /* singletons are unknown here */
    weft_metrics_free(got);
    weft_graph_free(g);
    /* another tokenizer */
    g = weft_graph_new();
    m.vocabulary[1]++;
    CHECK(!weft_zoo_build_text(g, "bag", &m, &y));
    CHECK(!weft_params_init(g, 1));
    CHECK(weft_text_wide_start(g, f.t, f.k, NULL) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "wide_pairs.weight is [");
    weft_graph_free(g);
    finish(&f);
}

static void networks_that_read_no_texts_are_refused(void **state)
{
    (void)state;
    fixture f = start("bag");
    weft_train_result r;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 8, 8));
    weft_value y = weft_layer_dense(g, "fc", weft_flatten(g, x, 1), CLASSES, NULL);
    CHECK(weft_train_texts(g, y, f.t, f.k, &f.o, NULL, &r) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "no inputs for texts");
    weft_graph_free(g);
    g = weft_graph_new();
    CHECK(!weft_zoo_build_text(g, "bag", &(weft_zoo_text_opts){.length = 3}, &y));
    CHECK(weft_train_texts(g, y, f.t, f.k, &f.o, NULL, &r) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "reads 3 tokens");
    weft_graph_free(g);
    finish(&f);
}

/* A bag of words and pairs over the vocabulary of these lines. */
typedef struct bag {
    weft_texts *t;
    weft_tokenizer *k;
    weft_graph *g;
} bag;

static bag make_bag(const char *lines, uint64_t seed)
{
    bag b = {.g = weft_graph_new()};
    weft_value y;
    weft_tokenizer_opts pairs = {.ngrams = 2, .min_count = 1};
    test_write(test_path("lines.tsv"), lines, strlen(lines));
    CHECK(!weft_texts_open(test_path("lines.tsv"), &(weft_texts_opts){.no_val = true},
                           &b.t));
    CHECK(!weft_tokenizer_learn(b.t, &pairs, &b.k));
    weft_zoo_text_opts m = {
        .classes = 3, .streams = 2, .length = 4, .embedding = 3, .wide = 1};
    for (int s = 0; s < 2; s++) m.vocabulary[s] = weft_tokenizer_size(b.k, s);
    CHECK(!weft_zoo_build_text(b.g, "bag", &m, &y));
    CHECK(!weft_params_init(b.g, seed));
    return b;
}

static void drop_bag(bag *b)
{
    weft_graph_free(b->g);
    weft_tokenizer_free(b->k);
    weft_texts_close(b->t);
}

enum { WIDE = 2 }; /* behind the tables of tokens and pairs */

static const char *const table_name[] = {"embed_tokens.weight", "embed_pairs.weight",
                                         "wide_tokens.weight"};

/* No row of any table is what a fresh one may hold. */
static void mark_tables(bag *b)
{
    for (int table = 0; table < 3; table++) {
        weft_param_info p;
        float all[64];
        CHECK(weft_param_find(b->g, table_name[table], &p) && p.count <= 64);
        for (size_t i = 0; i < p.count; i++) all[i] = 10 + (float)i + 100 * (float)table;
        CHECK(!weft_param_set(b->g, p.value, all, p.count));
    }
}

static void row_at(const bag *b, int table, int at, float row[3])
{
    weft_param_info p;
    float all[64];
    CHECK(weft_param_find(b->g, table_name[table], &p));
    CHECK(p.count <= 64 && !weft_param_get(b->g, p.value, all, p.count));
    memcpy(row, all + (size_t)at * 3, 3 * sizeof *row);
}

static bool same_row_at(const bag *a, const bag *b, int table, int at)
{
    float x[3] = {0}, y[3] = {0};
    row_at(a, table, at, x);
    row_at(b, table, at, y);
    return !memcmp(x, y, sizeof x);
}

/* The vector of a piece. */
static void row_of(const bag *b, int table, const char *piece, float row[3])
{
    int stream = table % WIDE, at = weft_tokenizer_find(b->k, stream, piece);
    CHECK(at >= 2 && !strcmp(weft_tokenizer_token(b->k, stream, at), piece));
    row_at(b, table, at, row);
}

static bool same_row(const bag *a, const bag *b, int table, const char *piece)
{
    float x[3] = {0}, y[3] = {0};
    row_of(a, table, piece, x);
    row_of(b, table, piece, y);
    return !memcmp(x, y, sizeof x);
}

static void vectors_are_taken_over_by_piece(void **state)
{
    (void)state;
    bag from = make_bag("x\ta b a c\ny\ta b a\n", 1);
    bag to = make_bag("x\tc d c a\ny\tc d a b\n", 2),
        own = make_bag("x\tc d c a\ny\tc d a b\n", 2);
    weft_meta *m = weft_meta_new();
    int copied, left, pieces;
    mark_tables(&from);
    CHECK(!weft_tokenizer_describe(from.k, m));
    CHECK(weft_tokenizer_find(from.k, 0, "d") < 0 &&
          weft_tokenizer_find(from.k, 2, "a") < 0);
    CHECK(weft_tokenizer_find(from.k, 1, "a") < 0);
    CHECK(weft_tokenizer_find(from.k, 1, "a\1b\1a") < 0);
    CHECK(!weft_text_params_copy(to.g, to.k, from.g, m, &copied, &left, &pieces));
    CHECK(same_row(&to, &from, 0, "a") && same_row(&to, &from, 0, "b"));
    CHECK(same_row(&to, &from, 0, "c") && same_row(&to, &from, 1, "a\1b"));
    CHECK(same_row(&to, &own, 0, "d") && same_row(&to, &own, 1, "c\1d"));
    CHECK(same_row(&to, &from, WIDE, "a") && same_row(&to, &own, WIDE, "d"));
    for (int table = 0; table < 3; table++) /* padding and what is unknown */
        for (int row = 0; row < 2; row++)
            CHECK(same_row_at(&to, &from, table, row) &&
                  !same_row_at(&own, &from, table, row));
    CHECK(pieces == 4);
    CHECK(!weft_text_params_copy(to.g, to.k, from.g, NULL, NULL, NULL, &pieces));
    CHECK(pieces == -1);
    weft_meta_free(m);
    drop_bag(&from);
    drop_bag(&to);
    drop_bag(&own);
}

RUN_TESTS(TEST(the_loop_learns_and_keeps_the_best_epochs_evaluation),
          TEST(threads_change_no_bit), TEST(stopped_and_resumed_gives_the_same_bits),
          TEST(another_tokenizer_is_another_run),
          TEST(a_classifier_reads_back_what_it_wrote),
          TEST(classes_of_a_test_file_are_found_by_name),
          TEST(the_linear_model_learns_and_is_the_same_for_any_threads),
          TEST(a_wide_part_starts_as_the_linear_model),
          TEST(networks_that_read_no_texts_are_refused),
          TEST(vectors_are_taken_over_by_piece))
