/* Tests of segmented texts: once for all who want tokens, with the numbers that
 * weft_tokenize gives, from several threads. */
/* labels: threads */
#include "data/text/text_make.h"

#include "data/text/text.h"
#include "data/text/tokens.h"

#include <pthread.h>

/* Mixed scripts, marks, broken letters, nothing, one endless word, many words. */
static const char *odd_texts(void)
{
    static const char *const text[] = {
        "It's a Test, isn't it?",
        "\xe4\xb8\xad\xe6\x96\x87\xef\xbc\xa1 abc \xe3\x82\xab\xe3\x82\xbf",
        "caf\xc3\x89 na\xc3\xafve \xc3\x9c"
        "ber Stra\xc3\x9f"
        "e",
        "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80!!!!!",
        "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85",
        "$1,000.50 in v2.0, ok... --",
        "\xff\xfe broken \xc0\x80 letters",
        "one<br /><br/>two",
        "unknown here",
        "\xf0\x9f\x98\x80\xf0\x9f\x98\x80 smile",
        "a a a b b c"};
    bytes b = {0};
    const char *path = keep(test_path("odd.tsv"));
    char line[300];
    for (int i = 0; i < 300; i++) {
        snprintf(line, sizeof line, "%s %s\t%d\n", text[i % 11], text[i * 7 % 11], i % 2);
        put(&b, line, strlen(line));
    }
    put(&b, "\t0\n", 3); /* an empty one */
    for (int i = 0; i < 3000; i++) put(&b, "x", 1);
    put(&b, "\t1\n", 3);
    for (int i = 0; i < 3000; i++) put(&b, "w ", 2);
    put(&b, "end\t0\n", 6);
    save(path, &b);
    return path;
}

static const char *strange_texts(void)
{
    return make_file("strange.tsv",
                     "never seen words\t0\n\t1\n\xe6\x9c\xaa\xe7\x9f\xa5 Test\t1\n"
                     "it isn't new\t0\n");
}

/* Every text by the shared tokens against the same text as a string. */
static void check_subset(weft_dataset *d, weft_subset s, const weft_tokenizer *k)
{
    size_t length = (size_t)weft_tokenizer_length(k);
    int32_t *all = calloc(length * 6, sizeof *all);
    int32_t *const a[3] = {all, all + length, all + 2 * length};
    int32_t *const b[3] = {all + 3 * length, all + 4 * length, all + 5 * length};
    weft__numbered n;
    CHECK(all && weft__numbered_begin(&n, d->content, s, k) == WEFT_OK);
    CHECK(n.count == weft_dataset_count(d, s));
    for (int i = 0; i < n.count; i++) {
        size_t size;
        int unknown, strange, taken, odd;
        const char *text = weft_dataset_text(d, s, i, &size);
        int one = weft_tokenize(k, text, size, a, &unknown);
        int two = weft__numbered_text(&n, i, b, &strange);
        CHECK(one == two && one == weft__numbered_length(&n, i) && unknown == strange);
        for (int stream = 0; stream < weft_tokenizer_streams(k); stream++)
            CHECK(!memcmp(a[stream], b[stream], length * sizeof *all));
        CHECK(weft__tokens_count(d->content, s, i, k, &taken, &odd) == WEFT_OK);
        CHECK(taken == one && odd == unknown);
    }
    weft__numbered_end(&n);
    free(all);
}

static void shared_tokens_have_the_numbers_of_strings(void **state)
{
    static const weft_tokenizer_opts row[] = {
        {.ngrams = 3, .max_length = 40},
        {.ngrams = 2, .level = WEFT_LEVEL_WORD, .keep_case = true, .min_count = 3},
        {.level = WEFT_LEVEL_CHAR, .keep_width = true, .max_size = {20}},
        {.ngrams = 3, .level = WEFT_LEVEL_CHAR, .max_length = 1},
        {.ngrams = 2, .max_length = 5000},
        {.ngrams = 2, .level = WEFT_LEVEL_ICU, .max_length = 30}};
    weft_dataset_opts o = {.test = strange_texts()};
    (void)state;
    weft_dataset *d = open_texts(odd_texts(), &o);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        weft_tokenizer *k = NULL;
        if (row[i].level == WEFT_LEVEL_ICU && !weft__icu_version()) continue;
        CHECK(weft_tokenizer_learn(d, &row[i], &k) == WEFT_OK);
        for (weft_subset s = WEFT_SUBSET_TRAIN; s <= WEFT_SUBSET_TEST; s++)
            check_subset(d, s, k);
        weft_tokenizer_free(k);
    }
    weft_dataset_close(d);
}

/* ---- once ---- */

static void nothing(void *user, const char *key, const char *value)
{
    (void)user, (void)key, (void)value;
}

static void no_note(void *user, const char *text)
{
    (void)user, (void)text;
}

static void no_chart(void *user, const char *title, const char *x_title, int n,
                     const double *x, const double *y)
{
    (void)user, (void)title, (void)x_title, (void)n, (void)x, (void)y;
}

static void use_loader(weft_dataset *d, weft_subset s, bool training)
{
    weft_loader *l;
    weft_batch b;
    const weft_loader_opts o = {.subset = s, .batch = 32, .training = training};
    CHECK(!weft_loader_new(d, &o, &l) && !weft_loader_start(l, 0, 0));
    while (!weft_loader_next(l, &b) && b.n) continue;
    weft_loader_free(l);
}

/* All that a run does with texts: a vocabulary, batches, the linear model's features by
 * its own vocabulary, those of the wide part, what the report says. */
static void a_run_segments_every_text_once(void **state)
{
    const weft__fact_sink sink = {NULL, nothing, no_note, no_chart};
    weft_dataset_opts o = {.test = strange_texts(), .text.tokenizer.ngrams = 2};
    weft__features f = {0};
    weft__exhibit x;
    (void)state;
    weft_dataset *d = open_texts(odd_texts(), &o);
    const weft__texts *t = weft__texts_of(d);
    int train = d->count[0], val = d->count[1], test = d->count[2];
    CHECK(t->segmented == 0);
    CHECK(weft_dataset_fit(d) == WEFT_OK && t->segmented == train);
    use_loader(d, WEFT_SUBSET_TRAIN, true);
    CHECK(t->segmented == train);
    use_loader(d, WEFT_SUBSET_VAL, false);
    CHECK(t->segmented == train + val);
    use_loader(d, WEFT_SUBSET_TEST, false);
    for (int i = 0; i < 2; i++) {
        const weft__preprocess *p = i ? d->preprocess : NULL;
        CHECK(weft_modality_text.features(d, p, 2, &(weft__feature_opts){0},
                                          WEFT_SUBSET_TEST, &f) == WEFT_OK);
        weft__features_clear(&f);
    }
    CHECK(weft_modality_text.facts(d, d->preprocess, WEFT_SUBSET_TEST, &sink) == WEFT_OK);
    CHECK(weft_modality_text.show(d, d->preprocess, WEFT_SUBSET_TEST, 0, WEFT_SHOW_PNG,
                                  &x) == WEFT_OK);
    CHECK_TEXT(x.text, "never seen words");
    CHECK_TEXT(x.remark, "3 of 3 tokens unknown");
    CHECK(t->segmented == train + val + test);
    weft_dataset_close(d);
}

/* ---- features ---- */

/* Counts on paper: "a b a" has a twice, b, ab, ba. */
static void features_count_ngrams(void **state)
{
    weft_dataset *d =
        open_texts(make_file("f.tsv", "a b a\tx\nb b a b\ty\na b a\tx\n\ty\n"), NULL);
    weft__features f = {0};
    (void)state;
    CHECK(weft_modality_text.features(d, NULL, 0, &(weft__feature_opts){0},
                                      WEFT_SUBSET_TEST, &f) == WEFT_OK);
    CHECK_TEXT(f.name, "1-2-grams of words");
    CHECK(f.streams == 2 && !f.chars && f.base[0] == 0 && f.base[1] == 4);
    /* b 5, a 5: a first; ab 3, ba 3 (bb once only) */
    static const int32_t column[] = {2, 3, 6, 7, 2, 3, 6, 7, 2, 3, 6, 7};
    static const float count[] = {2, 1, 1, 1, 1, 3, 1, 1, 2, 1, 1, 1};
    static const size_t at[] = {0, 4, 8, 12, 12};
    CHECK(f.columns == 4 + 4 && !memcmp(f.at[0], at, sizeof at));
    for (int i = 0; i < 12; i++)
        CHECK(f.column[0][i] == column[i] && f.count[0][i] == count[i]);
    CHECK(f.tokens[0][1] == 4 &&
          f.tokens[0][3] == 1); /* an empty text is one unknown token */
    CHECK(f.at[1][0] == 0 && f.at[2][0] == 0);
    weft__features_clear(&f);
    CHECK(weft_modality_text.features(d, NULL, 0, &(weft__feature_opts){.ngrams = 1},
                                      WEFT_SUBSET_TRAIN, &f) == WEFT_OK);
    CHECK(f.streams == 1 && f.columns == 4 && !f.at[1]);
    weft__features_clear(&f);
    weft_dataset_close(d);
}

/* ---- threads ---- */

typedef struct job {
    weft_dataset *d;
    const weft_tokenizer *k;
    weft_subset s;
    int64_t sum;
} job;

static void *add_up(void *arg)
{
    job *j = arg;
    int32_t ids[3][64];
    int32_t *const to[3] = {ids[0], ids[1], ids[2]};
    weft__numbered n;
    if (weft__numbered_begin(&n, j->d->content, j->s, j->k)) return NULL;
    for (int i = 0; i < n.count; i++) {
        weft__numbered_text(&n, i, to, NULL);
        for (int p = 0; p < 64; p++) j->sum += ids[0][p] * (p + 1) + ids[1][p];
    }
    weft__numbered_end(&n);
    return NULL;
}

static void subsets_may_be_segmented_by_several_threads_at_once(void **state)
{
    int64_t want[3] = {0};
    weft_dataset_opts o = {.test = strange_texts()};
    (void)state;
    for (int round = 0; round < 6; round++) {
        weft_dataset *d = open_texts(odd_texts(), &o);
        const weft_tokenizer_opts how = {.ngrams = 2, .max_length = 64};
        weft_tokenizer *k;
        job jobs[6];
        pthread_t thread[6];
        CHECK(weft_tokenizer_learn(d, &how, &k) == WEFT_OK);
        for (int i = 0; i < 6; i++) {
            jobs[i] = (job){d, k, (weft_subset)(i % 3), 0};
            CHECK(!pthread_create(&thread[i], NULL, add_up, &jobs[i]));
        }
        for (int i = 0; i < 6; i++) CHECK(!pthread_join(thread[i], NULL));
        for (int i = 0; i < 6; i++) {
            if (!round && i < 3) want[i] = jobs[i].sum;
            CHECK(jobs[i].sum == want[i % 3] && want[i % 3] > 0);
        }
        weft_tokenizer_free(k);
        weft_dataset_close(d);
    }
}

RUN_TESTS(TEST(shared_tokens_have_the_numbers_of_strings),
          TEST(a_run_segments_every_text_once), TEST(features_count_ngrams),
          TEST(subsets_may_be_segmented_by_several_threads_at_once))
