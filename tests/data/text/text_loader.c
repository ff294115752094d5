/* Tests of batches of texts: order, lengths, resuming, threads. */
/* labels: threads */
#include "text_make.h"

#include "data/text/text.h"

/* n texts, text i of 1 + i % 11 tokens, labels 0 and 1. */
static weft_dataset *sample_texts(int n)
{
    bytes b = {0};
    char name[32], line[64];
    weft_dataset *t;
    snprintf(name, sizeof name, "s%d.tsv", n);
    const char *path = keep(test_path(name));
    for (int i = 0; i < n; i++) {
        for (int k = 0; k <= i % 11; k++) {
            snprintf(line, sizeof line, "w%d ", (i * 7 + k * k) % 40);
            put(&b, line, strlen(line));
        }
        snprintf(line, sizeof line, "n%d\t%d\n", i, i % 2);
        put(&b, line, strlen(line));
    }
    save(path, &b);
    t = open_texts(path, NULL);
    return t;
}

/* What a model that reads 9 tokens and their pairs knows of t; free it with forget. */
static weft__preprocess *learnt(const weft_dataset *t)
{
    weft__text_preprocess *p = calloc(1, sizeof *p);
    CHECK(p != NULL);
    p->base.modality = &weft_modality_text;
    CHECK(weft_tokenizer_learn(t, &(weft_tokenizer_opts){.ngrams = 2, .max_length = 9},
                               &p->k) == WEFT_OK);
    return &p->base;
}

static void forget(weft__preprocess *p)
{
    p->modality->free(p);
}

static weft_loader *loader(weft_dataset *t, const weft__preprocess *p, weft_loader_opts o)
{
    weft_loader *l = NULL;
    CHECK(weft__loader_open(t, p, &o, &l) == WEFT_OK);
    return l;
}

/* Numbers of the samples of an epoch from batch `first` on; returns how many. */
static int epoch(weft_loader *l, int number, int first, int *index)
{
    weft_batch b;
    int n = 0;
    CHECK(weft_loader_start(l, number, first) == WEFT_OK);
    for (;;) {
        CHECK(weft_loader_next(l, &b) == WEFT_OK);
        if (!b.n) return n;
        for (int i = 0; i < b.n; i++) index[n++] = b.index[i];
    }
}

static void a_batch_is_what_tokenize_says(void **state)
{
    weft_dataset *t = sample_texts(150);
    weft__preprocess *k = learnt(t);
    weft_loader *l = loader(t, k, (weft_loader_opts){.batch = 8, .shuffle = true});
    weft_batch b;
    (void)state;
    CHECK(weft_loader_batches(l) == 19);
    CHECK(weft_loader_next(l, &b) == WEFT_OK && !b.n); /* not started */
    CHECK(weft_loader_start(l, 2, 0) == WEFT_OK);
    for (int batch = 0; batch < 19; batch++) {
        int longest = 0;
        CHECK(weft_loader_next(l, &b) == WEFT_OK && b.n);
        CHECK(b.n == (batch < 18 ? 8 : 6) && b.streams == 2 && b.length == 9);
        for (int i = 0; i < b.n; i++) {
            int32_t one[9], two[9];
            int32_t *const at[3] = {one, two, NULL};
            size_t size;
            const char *text = weft_dataset_text(t, WEFT_SUBSET_TRAIN, b.index[i], &size);
            int n = weft_tokenize(weft__tokenizer_of(k), text, size, at, NULL);
            CHECK(b.lengths[i] == n);
            CHECK(b.label[i] == weft_dataset_label(t, WEFT_SUBSET_TRAIN, b.index[i]));
            CHECK(!memcmp(b.tokens[0] + i * 9, one, sizeof one));
            CHECK(!memcmp(b.tokens[1] + i * 9, two, sizeof two));
            if (n > longest) longest = n;
        }
        CHECK(b.longest == longest);
    }
    CHECK(weft_loader_next(l, &b) == WEFT_OK && !b.n);
    weft_loader_free(l);
    forget(k);
    weft_dataset_close(t);
}

static void every_sample_is_there_once_in_an_order_of_seed_and_epoch(void **state)
{
    weft_dataset *t = sample_texts(150);
    weft__preprocess *k = learnt(t);
    (void)state;
    for (int similar = 0; similar < 2; similar++) {
        weft_loader_opts o = {
            .batch = 8, .shuffle = !similar, .training = similar, .seed = 5};
        weft_loader *l = loader(t, k, o), *other;
        int a[150], b[150], c[150], seen[150] = {0};
        CHECK(epoch(l, 0, 0, a) == 150);
        for (int i = 0; i < 150; i++) CHECK(!seen[a[i]]++);
        CHECK(epoch(l, 1, 0, b) == 150 && memcmp(a, b, sizeof a));
        CHECK(epoch(l, 1, 7, c) == 150 - 56); /* resumed */
        CHECK(!memcmp(b + 56, c, (150 - 56) * sizeof *c));
        CHECK(epoch(l, 0, 0, c) == 150 && !memcmp(a, c, sizeof a));
        o.seed = 6;
        other = loader(t, k, o);
        CHECK(epoch(other, 0, 0, b) == 150 && memcmp(a, b, sizeof a));
        weft_loader_free(other);
        o.drop_last = true;
        other = loader(t, k, o);
        CHECK(weft_loader_batches(other) == 18 && epoch(other, 0, 0, b) == 144);
        weft_loader_free(other);
        CHECK(weft_loader_start(l, 0, 20) == WEFT_EUSAGE);
        CHECK(weft_loader_start(l, -1, 0) == WEFT_EUSAGE);
        weft_loader_free(l);
    }
    forget(k);
    weft_dataset_close(t);
}

static void similar_lengths_share_a_batch(void **state)
{
    weft_dataset *t = sample_texts(1000);
    weft__preprocess *k = learnt(t);
    weft_batch b;
    (void)state;
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        weft_loader_opts o = {.batch = 10, .training = shuffle};
        weft_loader *l = loader(t, k, o);
        int padding = 0, falls = 0, before = 0;
        CHECK(weft_loader_start(l, 0, 0) == WEFT_OK);
        while (!weft_loader_next(l, &b) && b.n) {
            for (int i = 0; i < b.n; i++) padding += b.longest - b.lengths[i];
            falls += b.longest < before;
            before = b.longest;
        }
        CHECK(padding < 120);
        CHECK(shuffle ? falls > 20 : !falls);
        weft_loader_free(l);
    }
    forget(k);
    weft_dataset_close(t);
}

static void threads_change_nothing(void **state)
{
    weft_dataset *t = sample_texts(1000);
    weft__preprocess *k = learnt(t);
    weft_loader_opts o = {.batch = 1000};
    weft_batch a, b;
    weft_loader *l, *m;
    (void)state;
    CHECK(weft_set_threads(1) == WEFT_OK);
    l = loader(t, k, o);
    CHECK(weft_set_threads(3) == WEFT_OK);
    m = loader(t, k, o);
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_start(m, 0, 0));
    CHECK(!weft_loader_next(l, &a) && !weft_loader_next(m, &b));
    for (int s = 0; s < 2; s++)
        CHECK(!memcmp(a.tokens[s], b.tokens[s], 1000 * 9 * sizeof(int32_t)));
    weft_loader_free(l);
    weft_loader_free(m);
    forget(k);
    weft_dataset_close(t);
}

/* With mixed_lengths, training batches take texts as they come. */
static void lengths_may_be_mixed(void **state)
{
    weft_dataset_opts o = as_texts(NULL);
    weft_dataset *t;
    int a[150], b[150];
    (void)state;
    weft_dataset_close(sample_texts(150));
    o.text.mixed_lengths = true;
    CHECK(weft_dataset_open(test_path("s150.tsv"), &o, &t) == WEFT_OK);
    weft__preprocess *k = learnt(t);
    weft_loader *train = loader(t, k, (weft_loader_opts){.batch = 8, .training = true});
    weft_loader *plain = loader(t, k, (weft_loader_opts){.batch = 8, .shuffle = true});
    CHECK(epoch(train, 3, 0, a) == 150 && epoch(plain, 3, 0, b) == 150);
    CHECK(!memcmp(a, b, sizeof a));
    weft_loader_free(train);
    weft_loader_free(plain);
    forget(k);
    weft_dataset_close(t);
}

/* ---- what a report says of a subset ---- */

static char said[4000];

static void fact(void *user, const char *key, const char *value)
{
    size_t n = strlen(said);
    (void)user;
    snprintf(said + n, sizeof said - n, "%s: %s\n", key, value);
}

static void note(void *user, const char *text)
{
    fact(user, "note", text);
}

static double texts_counted;

static void histogram(void *user, const char *title, const char *x_title, int n,
                      const double *x, const double *y)
{
    (void)user, (void)x;
    fact(NULL, title, x_title);
    for (int i = 0; i < n; i++) texts_counted += y[i];
}

static void statistics_count_the_subset(void **state)
{
    weft_dataset_opts o = as_texts(NULL);
    const weft__fact_sink sink = {NULL, fact, note, histogram};
    weft_dataset *t;
    weft_loader *l;
    (void)state;
    o.test = make_file("test.tsv", "a new word\ty\n\tx\nb a\tx\n");
    t = open_texts(make_file("train.tsv", "a b\tx\nb\ty\na a a a\tx\nb b\ty\n"), &o);
    CHECK(weft_dataset_fit(t) == WEFT_OK);
    *said = 0;
    texts_counted = 0;
    CHECK(weft_modality_text.facts(t, t->preprocess, WEFT_SUBSET_TEST, &sink) == WEFT_OK);
    CHECK_HAS(said, "Vocabulary: 4\n");
    CHECK_HAS(said, "Length, mean and longest: 2.2, 4 tokens\n"); /* 9 of 4 texts */
    CHECK_HAS(said, "Unknown tokens: 0.00 % in training, 50.00 % in the test set\n");
    CHECK_HAS(said, "the vocabulary knows 2. Of the test set's 6 tokens 50.00 %");
    CHECK(texts_counted == 4);
    l = loader(t, t->preprocess, (weft_loader_opts){.subset = WEFT_SUBSET_VAL});
    CHECK(weft_loader_batches(l) == 0);
    CHECK(weft_loader_start(l, 0, 0) == WEFT_OK);
    weft_loader_free(l);
    CHECK(weft_loader_new(t, &(weft_loader_opts){.batch = -1}, &l) == WEFT_EUSAGE);
    weft_dataset_close(t);
}

RUN_TESTS(TEST(a_batch_is_what_tokenize_says),
          TEST(every_sample_is_there_once_in_an_order_of_seed_and_epoch),
          TEST(similar_lengths_share_a_batch), TEST(lengths_may_be_mixed),
          TEST(threads_change_nothing), TEST(statistics_count_the_subset))
