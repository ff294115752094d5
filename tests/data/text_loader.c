/* Tests of batches of texts: order, lengths, resuming, threads. */
/* labels: threads */
#include "text_make.h"

/* n texts, text i of 1 + i % 11 pieces, labels 0 and 1. */
static weft_texts *sample_texts(int n)
{
    bytes b = {0};
    char name[32], line[64];
    weft_texts *t;
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

static weft_tokenizer *learnt(const weft_texts *t)
{
    weft_tokenizer *k = NULL;
    CHECK(weft_tokenizer_learn(t, &(weft_tokenizer_opts){.ngrams = 2, .max_length = 9},
                               &k) == WEFT_OK);
    return k;
}

static weft_text_loader *loader(const weft_texts *t, const weft_tokenizer *k,
                                weft_text_loader_opts o)
{
    weft_text_loader *l = NULL;
    CHECK(weft_text_loader_new(t, k, &o, &l) == WEFT_OK);
    return l;
}

/* Numbers of the samples of an epoch from batch `first` on; returns how many. */
static int epoch(weft_text_loader *l, int number, int first, int *index)
{
    const weft_text_batch *b;
    int n = 0;
    CHECK(weft_text_loader_start(l, number, first) == WEFT_OK);
    for (;;) {
        CHECK(weft_text_loader_next(l, &b) == WEFT_OK);
        if (!b) return n;
        for (int i = 0; i < b->n; i++) index[n++] = b->index[i];
    }
}

static void a_batch_is_what_tokenize_says(void **state)
{
    weft_texts *t = sample_texts(150);
    weft_tokenizer *k = learnt(t);
    weft_text_loader *l =
        loader(t, k, (weft_text_loader_opts){.batch = 8, .shuffle = true});
    const weft_text_batch *b;
    (void)state;
    CHECK(weft_text_loader_batches(l) == 19);
    CHECK(weft_text_loader_next(l, &b) == WEFT_OK && !b); /* not started */
    CHECK(weft_text_loader_start(l, 2, 0) == WEFT_OK);
    for (int batch = 0; batch < 19; batch++) {
        int longest = 0;
        CHECK(weft_text_loader_next(l, &b) == WEFT_OK && b);
        CHECK(b->n == (batch < 18 ? 8 : 6) && b->streams == 2 && b->length == 9);
        for (int i = 0; i < b->n; i++) {
            int32_t one[9], two[9];
            int32_t *const at[3] = {one, two, NULL};
            size_t size;
            const char *text = weft_texts_get(t, WEFT_TRAIN, b->index[i], &size);
            int n = weft_tokenize(k, text, size, at, NULL);
            CHECK(b->lengths[i] == n);
            CHECK(b->label[i] == weft_texts_label(t, WEFT_TRAIN, b->index[i]));
            CHECK(!memcmp(b->tokens[0] + i * 9, one, sizeof one));
            CHECK(!memcmp(b->tokens[1] + i * 9, two, sizeof two));
            if (n > longest) longest = n;
        }
        CHECK(b->longest == longest);
    }
    CHECK(weft_text_loader_next(l, &b) == WEFT_OK && !b);
    weft_text_loader_free(l);
    weft_tokenizer_free(k);
    weft_texts_close(t);
}

static void every_sample_is_there_once_in_an_order_of_seed_and_epoch(void **state)
{
    weft_texts *t = sample_texts(150);
    weft_tokenizer *k = learnt(t);
    (void)state;
    for (int similar = 0; similar < 2; similar++) {
        weft_text_loader_opts o = {
            .batch = 8, .shuffle = true, .similar = similar, .seed = 5};
        weft_text_loader *l = loader(t, k, o), *other;
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
        weft_text_loader_free(other);
        o.drop_last = true;
        other = loader(t, k, o);
        CHECK(weft_text_loader_batches(other) == 18 && epoch(other, 0, 0, b) == 144);
        weft_text_loader_free(other);
        CHECK(weft_text_loader_start(l, 0, 20) == WEFT_EUSAGE);
        CHECK(weft_text_loader_start(l, -1, 0) == WEFT_EUSAGE);
        weft_text_loader_free(l);
    }
    weft_tokenizer_free(k);
    weft_texts_close(t);
}

static void similar_lengths_share_a_batch(void **state)
{
    weft_texts *t = sample_texts(1000);
    weft_tokenizer *k = learnt(t);
    const weft_text_batch *b;
    (void)state;
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        weft_text_loader_opts o = {.batch = 10, .similar = true, .shuffle = shuffle};
        weft_text_loader *l = loader(t, k, o);
        int padding = 0, falls = 0, before = 0;
        CHECK(weft_text_loader_start(l, 0, 0) == WEFT_OK);
        while (!weft_text_loader_next(l, &b) && b) {
            for (int i = 0; i < b->n; i++) padding += b->longest - b->lengths[i];
            falls += b->longest < before;
            before = b->longest;
        }
        CHECK(padding < 120);
        CHECK(shuffle ? falls > 20 : !falls);
        weft_text_loader_free(l);
    }
    weft_tokenizer_free(k);
    weft_texts_close(t);
}

static void threads_change_nothing(void **state)
{
    weft_texts *t = sample_texts(1000);
    weft_tokenizer *k = learnt(t);
    weft_text_loader_opts o = {.batch = 1000};
    const weft_text_batch *a, *b;
    weft_text_loader *l, *m;
    (void)state;
    CHECK(weft_set_threads(1) == WEFT_OK);
    l = loader(t, k, o);
    CHECK(weft_set_threads(3) == WEFT_OK);
    m = loader(t, k, o);
    CHECK(!weft_text_loader_start(l, 0, 0) && !weft_text_loader_start(m, 0, 0));
    CHECK(!weft_text_loader_next(l, &a) && !weft_text_loader_next(m, &b));
    for (int s = 0; s < 2; s++)
        CHECK(!memcmp(a->tokens[s], b->tokens[s], 1000 * 9 * sizeof(int32_t)));
    weft_text_loader_free(l);
    weft_text_loader_free(m);
    weft_tokenizer_free(k);
    weft_texts_close(t);
}

static void statistics_count_the_split(void **state)
{
    weft_texts *t;
    weft_tokenizer *k;
    weft_text_loader *l;
    int64_t tokens, unknown;
    int shortest, longest;
    double mean;
    weft_texts_opts o = all_train;
    (void)state;
    o.test = make_file("test.tsv", "a new word\ty\n\tx\nb a\tx\n");
    t = open_texts(make_file("train.tsv", "a b\tx\nb\ty\na a a a\tx\nb b\ty\n"), &o);
    CHECK(weft_tokenizer_learn(t, NULL, &k) == WEFT_OK);
    l = loader(t, k, (weft_text_loader_opts){.split = WEFT_TEST});
    weft_text_loader_statistics(l, &tokens, &unknown, &shortest, &longest, &mean);
    CHECK(tokens == 6 && unknown == 3 && shortest == 1 && longest == 3 && mean == 2);
    weft_text_loader_free(l);
    l = loader(t, k, (weft_text_loader_opts){.split = WEFT_VAL});
    CHECK(weft_text_loader_batches(l) == 0);
    CHECK(weft_text_loader_start(l, 0, 0) == WEFT_OK);
    weft_text_loader_free(l);
    CHECK(weft_text_loader_new(t, k, &(weft_text_loader_opts){.batch = -1}, &l) ==
          WEFT_EUSAGE);
    weft_tokenizer_free(k);
    weft_texts_close(t);
}

RUN_TESTS(TEST(a_batch_is_what_tokenize_says),
          TEST(every_sample_is_there_once_in_an_order_of_seed_and_epoch),
          TEST(similar_lengths_share_a_batch), TEST(threads_change_nothing),
          TEST(statistics_count_the_split))
