/* linear.c: the linear model of n-grams, held to scikit-learn's on six texts.
 *
 * The numbers are those of scikit-learn 1.2.1:
 *
 *   v = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, N), sublinear_tf=True,
 *   norm=None)          # idf = log((1 + n) / (1 + df)) + 1
 *   x = v.fit_transform(texts).toarray()    # (1 + log count) * idf
 *   norm = numpy.linalg.norm(x, axis=1)
 *   m = LinearSVC(C=1, tol=1e-10, max_iter=2000000).fit(x / norm[:, None], classes)
 *   stretch = mean(number of words / norm)
 *   row[word, c] = stretch * m.coef_[c] * v.idf_ + m.intercept_[c]
 *   row[pair, c] = stretch * m.coef_[c] * v.idf_
 *
 * The last two are what the wide part of a network adds to a class for each word and
 * pair at a mean over the words, before its scale. */
#include "test.h"

#include "weft/weft.h"

/* ---- the library's calls, all of them here ---- */

static weft_dataset *open_texts(const char *train, const char *test, int ngrams)
{
    weft_dataset *t = NULL;
    weft_dataset_opts o = {.modality = "text", .no_val = true, .test = test};
    o.text.format = "tsv";
    o.text.tokenizer = (weft_tokenizer_opts){.ngrams = ngrams, .min_count = 1};
    weft_set_quiet(2); /* few texts on purpose */
    CHECK(!weft_dataset_open(train, &o, &t));
    return t;
}

/* Answers of the test split that are right, by a machine of words alone. */
static double baseline_right(const weft_dataset *t)
{
    weft_linear_result r;
    CHECK(!weft_linear_baseline(t, &(weft_linear_opts){.ngrams = 1}, &r));
    CHECK(r.ngrams == 1 && isnan(r.val_top1));
    CHECK_HAS(r.name, "of words");
    return r.test_top1 * weft_dataset_count(t, WEFT_SUBSET_TEST);
}

/* A network with a wide part for words, or for words and pairs, that has its start. */
typedef struct wide {
    const weft_tokenizer *k;
    weft_graph *g;
    int classes;
} wide;

static wide start_wide(weft_dataset *t, int ngrams, const weft_linear_opts *o)
{
    wide w = {.g = weft_graph_new(), .classes = weft_dataset_classes(t)};
    weft_value y;
    weft_zoo_opts m = {.embedding = 1, .wide = ngrams};
    CHECK(!weft_dataset_network(t, &m));
    w.k = weft_dataset_tokenizer(t);
    m.streams = 0;
    CHECK(!weft_zoo_build(w.g, "bag", &m, &y) && !weft_params_init(w.g, 1));
    CHECK(!weft_wide_start(w.g, t, o));
    return w;
}

/* The row of a word ("salt"), a pair ("salt pepper"), padding ("") or "<unk>". */
static void row_of(const wide *w, const char *piece, float *row)
{
    float table[64 * 3];
    char joined[64];
    weft_param_info p;
    int stream = strchr(piece, ' ') != NULL;
    snprintf(joined, sizeof joined, "%s", piece);
    if (stream) *strchr(joined, ' ') = 1;
    int at = !*piece                   ? 0
             : !strcmp(piece, "<unk>") ? 1
                                       : weft_tokenizer_find(w->k, stream, joined);
    CHECK(weft_param_find(w->g, stream ? "wide_pairs.weight" : "wide_tokens.weight", &p));
    CHECK(at >= 0 && p.count <= 64 * 3 && !weft_param_get(w->g, p.value, table, p.count));
    memcpy(row, table + at * w->classes, (size_t)w->classes * sizeof *row);
}

static void drop_wide(wide *w)
{
    weft_graph_free(w->g);
}

/* ---- six texts ---- */

static const char six[] = "a\tsugar cumin basil basil\n"
                          "a\tsalt pepper lemon salt\n"
                          "b\tthyme basil sugar sugar thyme\n"
                          "b\tcumin lemon thyme pepper pepper salt\n"
                          "c\tsugar sugar thyme\n"
                          "c\tthyme basil\n";

static weft_dataset *six_texts(const char *test, int ngrams)
{
    char path[300] = "";
    test_write(test_path("six.tsv"), six, sizeof six - 1);
    if (test) {
        test_write(test_path("test.tsv"), test, strlen(test));
        snprintf(path, sizeof path, "%s", test_path("test.tsv"));
    }
    return open_texts(test_path("six.tsv"), test ? path : NULL, ngrams);
}

typedef struct row {
    const char *piece;
    double of[3];
} row;

/* The machine ends its descent when no text is further than 0.01 from where it should
 * be: its numbers are as near as that. */
static void check_rows(const wide *w, double scale, const row *wanted, int n)
{
    float got[3];
    for (int i = 0; i < n; i++) {
        row_of(w, wanted[i].piece, got);
        for (int c = 0; c < w->classes; c++)
            CHECK_NEAR((double)got[c] / scale, wanted[i].of[c], 0.01);
    }
}

/* ---- tests ---- */

/* scikit-learn's answers; without + 1 in the idf it says a, b, b, c, with counts
 * instead of their logarithm c, b, b, c, without length 1 c, a, c, c, without the
 * constant c, b, b, a. */
static void it_answers_as_scikit_learns(void **state)
{
    (void)state;
    weft_dataset *t =
        six_texts("c\tthyme salt\na\tpepper pepper salt\nb\tpepper\na\tsugar\n"
                  "a\tlemon salt\nc\tthyme thyme basil\n",
                  1);
    CHECK_NEAR(baseline_right(t), 6, 1e-9);
    weft_dataset_close(t);
}

static const row of_words[] = {
    {"basil", {0.5786, -1.1703, -0.4099}},  {"cumin", {0.3414, 0.1152, -1.3142}},
    {"lemon", {0.1367, -0.2361, -0.8017}},  {"pepper", {-0.6521, 0.7461, -1.0404}},
    {"salt", {1.0768, -1.0522, -1.0409}},   {"sugar", {-0.2411, -0.4297, -0.3357}},
    {"thyme", {-2.0563, 0.3497, 0.7623}},   {"", {0, 0, 0}},
    {"<unk>", {-0.0816, -0.4757, -0.1122}}, /* the constant alone */
};

static void its_weights_are_scikit_learns(void **state)
{
    (void)state;
    weft_dataset *t = six_texts(NULL, 1);
    wide w = start_wide(t, 1, &(weft_linear_opts){.scale = 1});
    check_rows(&w, 1, of_words, sizeof of_words / sizeof *of_words);
    drop_wide(&w);
    weft_dataset_close(t);
}

/* A unit of margin is 4 logits unless told otherwise. */
static void a_wide_part_starts_at_four_times_the_margin(void **state)
{
    (void)state;
    weft_dataset *t = six_texts(NULL, 1);
    wide w = start_wide(t, 1, NULL);
    check_rows(&w, 4, of_words, sizeof of_words / sizeof *of_words);
    drop_wide(&w);
    w = start_wide(t, 1, &(weft_linear_opts){.scale = 2.5});
    check_rows(&w, 2.5, of_words, sizeof of_words / sizeof *of_words);
    drop_wide(&w);
    weft_dataset_close(t);
}

static void pairs_have_weights_of_their_own(void **state)
{
    (void)state;
    static const row wanted[] = {
        {"basil", {0.0128, -0.6951, -0.2169}},
        {"pepper", {-0.2163, 0.0410, -0.6982}},
        {"thyme", {-0.8743, -0.2656, 0.2697}},
        {"<unk>", {-0.1329, -0.3871, -0.1951}},
        {"basil basil", {0.7753, -0.3774, -0.4988}},
        {"basil sugar", {-0.1880, 1.5232, -1.3638}},
        {"lemon thyme", {-0.4787, 0.6718, -0.2660}},
        {"sugar sugar", {-0.4550, 0.0969, 0.2483}},
        {"thyme basil", {-0.6783, -0.0024, 0.5373}},
    };
    weft_dataset *t = six_texts(NULL, 2);
    wide w = start_wide(t, 2, &(weft_linear_opts){.scale = 1});
    check_rows(&w, 1, wanted, sizeof wanted / sizeof *wanted);
    drop_wide(&w);
    weft_dataset_close(t);
}

/* One machine decides between two classes: b against a. Half of its margin goes to b,
 * half is taken from a. */
static void two_classes_share_one_machine(void **state)
{
    (void)state;
    static const char lines[] = "a\tsugar cumin basil basil\n"
                                "a\tsalt pepper lemon salt\n"
                                "b\tthyme basil sugar sugar thyme\n"
                                "b\tcumin lemon thyme pepper pepper salt\n"
                                "b\tsugar sugar thyme\n"
                                "b\tthyme basil\n";
    static const row wanted[] = {
        {"basil", {0.2893, -0.2893}},  {"cumin", {0.1707, -0.1707}},
        {"pepper", {-0.3261, 0.3261}}, {"salt", {0.5384, -0.5384}},
        {"thyme", {-1.0282, 1.0282}},  {"<unk>", {-0.0408, 0.0408}},
    };
    test_write(test_path("two.tsv"), lines, sizeof lines - 1);
    weft_dataset *t = open_texts(test_path("two.tsv"), NULL, 1);
    wide w = start_wide(t, 1, &(weft_linear_opts){.scale = 1});
    check_rows(&w, 1, wanted, sizeof wanted / sizeof *wanted);
    drop_wide(&w);
    weft_dataset_close(t);
}

RUN_TESTS(TEST(it_answers_as_scikit_learns), TEST(its_weights_are_scikit_learns),
          TEST(a_wide_part_starts_at_four_times_the_margin),
          TEST(pairs_have_weights_of_their_own), TEST(two_classes_share_one_machine))
