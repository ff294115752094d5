/* text.c: the loop on texts: it learns, is the same for any number of threads, goes on
 * with the same bits; a predictor of texts reads back what it wrote. */
/* labels: threads */
#include "test.h"

#include "base/rng.h"
#include "data/text/text.h"
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
    weft_dataset *d;
    weft_graph *g;
    weft_value logits;
    weft_train_opts o;
} fixture;

static fixture start_cased(const char *model, bool keep_case)
{
    fixture f = {.g = weft_graph_new()};
    char test[300];
    write_texts("train.tsv", COUNT, 1);
    write_texts("test.tsv", 60, 2);
    snprintf(test, sizeof test, "%s", test_path("test.tsv"));
    weft_dataset_opts o = {.modality = "text", .test = test};
    o.text.format = "tsv";
    o.text.tokenizer =
        (weft_tokenizer_opts){.ngrams = 2, .min_count = 2, .keep_case = keep_case};
    CHECK(!weft_dataset_open(test_path("train.tsv"), &o, &f.d));
    weft_zoo_opts m = {.embedding = 12};
    CHECK(!weft_dataset_network(f.d, &m));
    CHECK(m.outputs == CLASSES && m.streams == 2);
    if (weft_zoo_takes(model, "filters")) m.filters = 8;
    if (weft_zoo_takes(model, "hidden")) m.hidden = 6;
    CHECK(!weft_zoo_build(f.g, model, &m, &f.logits));
    CHECK(!weft_params_init(f.g, 1));
    f.o = (weft_train_opts){.epochs = 6, .batch = 16, .seed = 5};
    f.o.optimizer = weft_optimizer_defaults("adam");
    f.o.optimizer.lr = 0.02;
    f.o.optimizer.clip_norm = 5;
    return f;
}

static fixture start(const char *model)
{
    return start_cased(model, false);
}

static void finish(fixture *f)
{
    weft_graph_free(f->g);
    weft_dataset_close(f->d);
}

static weft_status train(fixture *f, weft_train_result *r)
{
    return weft_train(f->g, f->d, &f->o, r);
}

static double top1(const weft_scores *s)
{
    return weft_scores_get(s, "accuracy_top1");
}

static void the_loop_learns_and_keeps_the_best_epochs_evaluation(void **state)
{
    (void)state;
    fixture f = start("cnn-bigru");
    weft_train_result r;
    weft_evaluation *e = NULL;
    int width = 0;
    CHECK(!train(&f, &r));
    CHECK(r.rows == 6 && r.evaluation && weft_evaluation_outputs(r.evaluation, &width));
    CHECK(width == CLASSES);
    weft_scores there = weft_evaluation_scores(r.evaluation), here;
    CHECK(there.samples == weft_dataset_count(f.d, WEFT_SUBSET_VAL));
    CHECK(top1(&there) == top1(&r.best));
    CHECK(!weft_evaluation_of(f.g, f.logits, f.d, WEFT_SUBSET_VAL, 128, &e));
    here = weft_evaluation_scores(e);
    CHECK(top1(&here) == top1(&r.best));
    CHECK(weft_scores_get(&here, "loss") == weft_scores_get(&r.best, "loss"));
    weft_evaluation_free(e);
    CHECK(!weft_evaluation_of(f.g, f.logits, f.d, WEFT_SUBSET_TEST, 7, &e));
    here = weft_evaluation_scores(e);
    CHECK(here.samples == 60 && top1(&here) > 0.8);
    weft_evaluation_free(e);
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
    CHECK(r.evaluation);
    weft_scores scores = weft_evaluation_scores(r.evaluation);
    CHECK(top1(&scores) == top1(&r.best));
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
    f = start_cased("bag", true);
    f.o.run_dir = test_path("other");
    f.o.epochs = 1;
    f.o.resume = true;
    CHECK(train(&f, &r) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "tokenizer ");
    finish(&f);
}

static void a_predictor_reads_back_what_it_wrote(void **state)
{
    (void)state;
    fixture f = start("cnn-bigru");
    weft_train_result r;
    weft_predictor *p = NULL;
    f.o.model = "cnn-bigru";
    f.o.run_dir = test_path("model");
    CHECK(!train(&f, &r));
    CHECK(!weft_predictor_open(f.o.run_dir, &p));
    CHECK_TEXT(weft_predictor_modality(p), "text");
    CHECK(weft_predictor_classes(p) == CLASSES);
    CHECK_TEXT(weft_predictor_class_name(p, 2), "class2");
    const weft_item item[] = {{.text = "the house was azure"},
                              {.text = "crimson"},
                              {.text = ""},
                              {.text = "zzz qqq"}};
    weft_answer all[4] = {{0}}, one = {0};
    CHECK(!weft_predict(p, item, 4, all));
    CHECK(all[0].probability[2] > 0.5f && all[1].probability[0] > 0.5f);
    CHECK(all[0].best == 2 && all[1].best == 0);
    CHECK(all[0].tokens == 4 && all[2].tokens == 1 && all[2].unknown == 1);
    CHECK(all[3].tokens == 2 && all[3].unknown == 2);
    for (int i = 0; i < 4; i++) { /* alone or in a batch */
        CHECK(!weft_predict(p, item + i, 1, &one));
        const float *x = one.probability;
        CHECK(one.classes == CLASSES && all[i].classes == CLASSES);
        CHECK(!memcmp(x, all[i].probability, CLASSES * sizeof *x));
        CHECK(fabs(x[0] + x[1] + x[2] - 1) < 1e-5);
        weft_answer_clear(&all[i]);
    }
    weft_answer_clear(&one);
    weft_predictor_free(p);
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
    weft_predictor *p = NULL;
    weft_evaluation *e = NULL;
    weft_dataset *d = NULL;
    weft_train_result r;
    f.o.run_dir = test_path("bag");
    CHECK(!train(&f, &r));
    CHECK(!weft_predictor_open(f.o.run_dir, &p));
    weft_dataset_opts plain = weft_predictor_dataset_opts(p);
    plain.no_val = true;
    plain.text.format = "tsv";
    test_write(test_path("few.tsv"), lines, sizeof lines - 1);
    test_write(test_path("odd.tsv"), odd, sizeof odd - 1);
    CHECK(!weft_dataset_open(test_path("few.tsv"), &plain, &d));
    CHECK(weft_dataset_classes(d) == 2);
    CHECK(!weft_predictor_evaluate(p, d, WEFT_SUBSET_TRAIN, 2, &e));
    const weft_metrics *got = weft_evaluation_metrics(e);
    CHECK(weft_metrics_top1(got) == 1 && weft_metrics_class(got, 2).support == 2);
    CHECK(weft_metrics_class(got, 1).support == 1);
    weft_evaluation_free(e);
    weft_dataset_close(d);
    CHECK(!weft_dataset_open(test_path("odd.tsv"), &plain, &d));
    CHECK(weft_predictor_evaluate(p, d, WEFT_SUBSET_TRAIN, 2, &e) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "class9");
    weft_dataset_close(d);
    weft_predictor_free(p);
    weft_train_result_free(&r);
    finish(&f);
}

static void the_linear_model_learns_and_is_the_same_for_any_threads(void **state)
{
    (void)state;
    fixture f = start("bag");
    weft_linear_result one, many;
    CHECK(!weft_set_threads(1));
    CHECK(!weft_linear_baseline(f.d, NULL, &one));
    CHECK(!weft_set_threads(5));
    CHECK(!weft_linear_baseline(f.d, NULL, &many));
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
    weft_zoo_opts m = {.embedding = 1, .wide = 2};
    CHECK(!weft_dataset_network(f.d, &m));
    m.streams = 0;
    weft_graph *g = weft_graph_new();
    weft_value y;
    float none[3 * CLASSES] = {0};
    CHECK(!weft_zoo_build(g, "bag", &m, &y));
    CHECK(!weft_params_init(g, 1));
    CHECK(weft_wide_start(f.g, f.d, NULL) == WEFT_EUSAGE); /* has no such part */
    CHECK(!weft_wide_start(g, f.d, NULL));
    CHECK(!weft_param_set(g, weft_find(g, "fc.weight"), none, CLASSES));
    weft_evaluation *e = NULL;
    weft_linear_result linear;
    CHECK(!weft_linear_baseline(f.d, NULL, &linear));
    CHECK(!weft_evaluation_of(g, y, f.d, WEFT_SUBSET_TEST, 16, &e));
    weft_scores got = weft_evaluation_scores(e);
    CHECK(top1(&got) > 0.9);
    CHECK_NEAR(top1(&got), linear.test_top1, 0.04); /* singletons are unknown here */
    weft_evaluation_free(e);
    weft_graph_free(g);
    /* another tokenizer */
    g = weft_graph_new();
    m.vocabulary[1]++;
    CHECK(!weft_zoo_build(g, "bag", &m, &y));
    CHECK(!weft_params_init(g, 1));
    CHECK(weft_wide_start(g, f.d, NULL) == WEFT_ESHAPE);
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
    f.o.output = y;
    CHECK(weft_train(g, f.d, &f.o, &r) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "no inputs for texts");
    weft_graph_free(g);
    g = weft_graph_new();
    CHECK(!weft_zoo_build(g, "bag", &(weft_zoo_opts){.length = 3}, &y));
    f.o.output = y;
    CHECK(weft_train(g, f.d, &f.o, &r) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "reads 3 tokens");
    weft_graph_free(g);
    finish(&f);
}

/* A bag of words and pairs over the vocabulary of these lines. */
typedef struct bag {
    weft_dataset *d;
    const weft_tokenizer *k;
    weft_graph *g;
} bag;

static bag make_bag(const char *lines, uint64_t seed)
{
    bag b = {.g = weft_graph_new()};
    weft_value y;
    weft_dataset_opts o = {.modality = "text", .no_val = true};
    o.text.tokenizer =
        (weft_tokenizer_opts){.ngrams = 2, .min_count = 1, .max_length = 4};
    test_write(test_path("lines.tsv"), lines, strlen(lines));
    CHECK(!weft_dataset_open(test_path("lines.tsv"), &o, &b.d));
    weft_zoo_opts m = {.embedding = 3, .wide = 1};
    CHECK(!weft_dataset_network(b.d, &m));
    m.outputs = 3;
    b.k = weft_dataset_tokenizer(b.d);
    CHECK(!weft_zoo_build(b.g, "bag", &m, &y));
    CHECK(!weft_params_init(b.g, seed));
    return b;
}

static void drop_bag(bag *b)
{
    weft_graph_free(b->g);
    weft_dataset_close(b->d);
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

/* The vector of a token. */
static void row_of(const bag *b, int table, const char *token, float row[3])
{
    int stream = table % WIDE, at = weft_tokenizer_find(b->k, stream, token);
    CHECK(at >= 2 && !strcmp(weft_tokenizer_token(b->k, stream, at), token));
    row_at(b, table, at, row);
}

static bool same_row(const bag *a, const bag *b, int table, const char *token)
{
    float x[3] = {0}, y[3] = {0};
    row_of(a, table, token, x);
    row_of(b, table, token, y);
    return !memcmp(x, y, sizeof x);
}

static void vectors_are_taken_over_by_token(void **state)
{
    (void)state;
    bag from = make_bag("x\ta b a c\ny\ta b a\n", 1);
    bag to = make_bag("x\tc d c a\ny\tc d a b\n", 2),
        own = make_bag("x\tc d c a\ny\tc d a b\n", 2);
    weft_meta *m = weft_meta_new();
    char note[100] = "";
    int copied, left;
    mark_tables(&from);
    CHECK(!weft_tokenizer_describe(from.k, m));
    CHECK(weft_tokenizer_find(from.k, 0, "d") < 0 &&
          weft_tokenizer_find(from.k, 2, "a") < 0);
    CHECK(weft_tokenizer_find(from.k, 1, "a") < 0);
    CHECK(weft_tokenizer_find(from.k, 1, "a\1b\1a") < 0);
    CHECK(!weft__text_copy_params(to.d->preprocess, to.g, from.g, m, &copied, &left, note,
                                  sizeof note));
    CHECK(same_row(&to, &from, 0, "a") && same_row(&to, &from, 0, "b"));
    CHECK(same_row(&to, &from, 0, "c") && same_row(&to, &from, 1, "a\1b"));
    CHECK(same_row(&to, &own, 0, "d") && same_row(&to, &own, 1, "c\1d"));
    CHECK(same_row(&to, &from, WIDE, "a") && same_row(&to, &own, WIDE, "d"));
    for (int table = 0; table < 3; table++) /* padding and what is unknown */
        for (int row = 0; row < 2; row++)
            CHECK(same_row_at(&to, &from, table, row) &&
                  !same_row_at(&own, &from, table, row));
    CHECK_HAS(note, "knows 4 of the ");
    *note = 0;
    CHECK(!weft__text_copy_params(to.d->preprocess, to.g, from.g, NULL, NULL, NULL, note,
                                  sizeof note));
    CHECK_TEXT(note, "");
    weft_meta_free(m);
    drop_bag(&from);
    drop_bag(&to);
    drop_bag(&own);
}

RUN_TESTS(TEST(the_loop_learns_and_keeps_the_best_epochs_evaluation),
          TEST(threads_change_no_bit), TEST(stopped_and_resumed_gives_the_same_bits),
          TEST(another_tokenizer_is_another_run),
          TEST(a_predictor_reads_back_what_it_wrote),
          TEST(classes_of_a_test_file_are_found_by_name),
          TEST(the_linear_model_learns_and_is_the_same_for_any_threads),
          TEST(a_wide_part_starts_as_the_linear_model),
          TEST(networks_that_read_no_texts_are_refused),
          TEST(vectors_are_taken_over_by_token))
