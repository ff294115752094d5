/* Tests of pretrained vectors: word2vec and GloVe text, .npz. */
#include "text_make.h"

#include "data/text/embeddings/vectors.h"

typedef struct bench {
    weft_dataset *texts;
    weft_tokenizer *k;
    float table[16][3];
    int found;
} bench;

static bench made(void)
{
    bench b = {0};
    b.texts = open_texts(make_file("w.tsv", "red red red\tx\ngreen green\ty\nblue\tx\n"
                                            "\xc3\xa4u\xc3\x9f \xc3\xa4u\xc3\x9f\ty\n"),
                         NULL);
    CHECK(weft_tokenizer_learn(b.texts, NULL, &b.k) == WEFT_OK);
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 3; j++) b.table[i][j] = -1;
    return b;
}

static void drop_bench(bench *b)
{
    weft_tokenizer_free(b->k);
    weft_dataset_close(b->texts);
}

/* Row of a token. */
static const float *row(const bench *b, const char *token)
{
    for (int i = 2; i < weft_tokenizer_size(b->k, 0); i++)
        if (!strcmp(weft_tokenizer_token(b->k, 0, i), token)) return b->table[i];
    FAIL("no such piece");
    return NULL;
}

static weft_status fill(bench *b, const char *path, const char *words_file)
{
    int width = 3;
    return weft_vectors_read(path, words_file, b->k, &width, b->table[0], &b->found);
}

static void word2vec_and_glove_texts_are_read(void **state)
{
    static const char *const text[] = {
        "5 3\nred 1 2.5 -3e-2\nGreen 4 5 6 \n</s> 0 0 0\ngreen 7 8 9\nblack 1 1 1\n",
        "red 1 2.5 -3e-2\nGREEN 4 5 6\n. . 0 0 0\ngreen 7 8 9\nGreen 0 0 0"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench b = made();
        int width = -1;
        const char *path = make_file("v.txt", text[i]);
        CHECK(weft_vectors_read(path, NULL, b.k, &width, NULL, NULL) == WEFT_OK);
        CHECK(width == 3);
        CHECK(fill(&b, path, NULL) == WEFT_OK);
        CHECK(b.found == 2);
        CHECK(row(&b, "red")[1] == 2.5f && row(&b, "red")[2] == -0.03f);
        CHECK(row(&b, "green")[0] == 7);
        CHECK(row(&b, "blue")[0] == -1 && b.table[0][0] == -1 && b.table[1][0] == -1);
        width = 4;
        CHECK(weft_vectors_read(path, NULL, b.k, &width, b.table[0], NULL) ==
              WEFT_EUSAGE);
        CHECK_HAS(weft_last_error(), "vectors of 3 numbers, wanted are 4");
        drop_bench(&b);
    }
}

static void damaged_texts_are_named_by_line(void **state)
{
    bench b = made();
    (void)state;
    CHECK(fill(&b, make_file("e.txt", ""), NULL) == WEFT_EDATA);
    CHECK(fill(&b, make_file("e.txt", "red 1 2 3\ngreen 1 x 3\n"), NULL) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(), "e.txt:2: looked for a word and 3 numbers; number 2");
    CHECK(fill(&b, make_file("e.txt", "red 1 2 3\ngreen 1 nan 3\n"), NULL) == WEFT_EDATA);
    CHECK(fill(&b, make_file("e.txt", "red 1 2 3\ngreen 1 1e999 3\n"), NULL) ==
          WEFT_EDATA);
    CHECK(fill(&b, make_file("e.txt", "red 1 2 3\n3 4\n"), NULL) == WEFT_EDATA);
    CHECK(fill(&b, test_path("nowhere"), NULL) == WEFT_EIO);
    CHECK(fill(&b, test_folder(), NULL) == WEFT_EIO);
    drop_bench(&b);
}

/* ---- .npz ---- */

static void put_le(bytes *b, uint64_t v, int n)
{
    for (int i = 0; i < n; i++) put_byte(b, i < 8 ? (int)(v >> (8 * i) & 255) : 0);
}

/* A zip of one member, stored, or deflated as one stored block. */
static void make_zip(bytes *zip, const char *name, const bytes *content, bool deflated)
{
    bytes data = {0};
    size_t at;
    if (deflated) {
        put_byte(&data, 1);
        put_le(&data, content->size, 2);
        put_le(&data, ~content->size, 2);
    }
    put(&data, content->data, content->size);
    put(zip, "PK\3\4", 4);
    put_le(zip, deflated ? 0x80014 : 0x14, 6);
    zip->size -= 2;
    put_le(zip, deflated ? 8 : 0, 2);
    put_le(zip, 0, 8);
    put_le(zip, data.size, 4);
    put_le(zip, content->size, 4);
    put_le(zip, strlen(name), 4);
    put(zip, name, strlen(name));
    put(zip, data.data, data.size);
    at = zip->size;
    put(zip, "PK\1\2", 4);
    put_le(zip, 0x140014, 6);
    put_le(zip, deflated ? 8 : 0, 2);
    put_le(zip, 0, 8);
    put_le(zip, data.size, 4);
    put_le(zip, content->size, 4);
    put_le(zip, strlen(name), 2);
    put_le(zip, 0, 16);
    put(zip, name, strlen(name));
    size_t directory = zip->size - at;
    put(zip, "PK\5\6", 4);
    put_le(zip, 0, 4);
    put_le(zip, 0x10001, 4);
    put_le(zip, directory, 4);
    put_le(zip, at, 4);
    put_le(zip, 0, 2);
    drop(&data);
}

/* An array of rows [n][3] that count up from 0. */
static void make_npy(bytes *b, const char *header, int n, bool wide)
{
    put(b, "\x93NUMPY\1\0", 8);
    put_le(b, strlen(header), 2);
    put(b, header, strlen(header));
    for (int i = 0; i < 3 * n; i++) {
        double d = i;
        float f = (float)i;
        uint64_t bits = 0;
        uint32_t small;
        memcpy(&bits, &d, 8);
        memcpy(&small, &f, 4);
        put_le(b, wide ? bits : small, wide ? 8 : 4);
    }
}

#define NPY(type, shape) \
    "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }   \n"

static const char *npz(const char *name, const char *member, const char *header, int n,
                       bool wide, bool deflated)
{
    bytes array = {0}, zip = {0};
    const char *path = keep(test_path(name));
    make_npy(&array, header, n, wide);
    make_zip(&zip, member, &array, deflated);
    drop(&array);
    save(path, &zip);
    return path;
}

static void npz_arrays_are_read_with_a_file_of_pieces(void **state)
{
    const char *tokens =
        make_file("v.words", " \t0\nblack\t1\nRED\t3\nred\t2\nBlue\t0\n");
    (void)state;
    for (int i = 0; i < 3; i++) {
        bench b = made();
        int width = -1;
        const char *path =
            npz("v.npz", "embeddings.npy",
                i ? NPY("<f8", "(4, 3)") : NPY("<f4", "(4, 3)"), 4, i, i == 2);
#ifndef WEFT_HAVE_ZLIB
        if (i == 2) {
            CHECK(fill(&b, path, tokens) == WEFT_EUSAGE);
            drop_bench(&b);
            continue;
        }
#endif
        CHECK(weft_vectors_read(path, NULL, b.k, &width, NULL, NULL) == WEFT_OK);
        CHECK(width == 3);
        CHECK(fill(&b, path, NULL) == WEFT_EUSAGE);
        CHECK_HAS(weft_last_error(), "a file with its pieces is needed");
        CHECK(fill(&b, path, tokens) == WEFT_OK);
        CHECK(b.found == 2);
        CHECK(row(&b, "red")[0] == 6 && row(&b, "red")[2] == 8);
        CHECK(row(&b, "blue")[1] == 1 && row(&b, "green")[0] == -1);
        drop_bench(&b);
    }
}

static void damaged_npz_files_are_refused(void **state)
{
    static const struct {
        const char *member, *header, *message;
        int rows;
    } cases[] = {
        {"other.npy", NPY("<f4", "(4, 3)"), "looked for embeddings.npy, found none", 4},
        {"embeddings.npy", NPY("<f2", "(4, 3)"), "not <f4 or <f8", 4},
        {"embeddings.npy", NPY("<f4", "(4,)"), "not (rows, width)", 4},
        {"embeddings.npy", NPY("<f4", "(-4, 3)"), "out of range", 4},
        {"embeddings.npy", NPY("<f4", "(4, 99999999)"), "out of range", 4},
        {"embeddings.npy", NPY("<f4", "(5, 3)"), "not that of its shape", 4},
        {"embeddings.npy", "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 3)}",
         "column by column", 4},
        {"embeddings.npy", "{}", "three facts", 4}};
    const char *tokens = make_file("d.words", "red\t0\n"), *path;
    bench b = made();
    unsigned char *data;
    size_t size;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        path =
            npz("d.npz", cases[i].member, cases[i].header, cases[i].rows, false, false);
        CHECK(fill(&b, path, tokens) == WEFT_EDATA);
        CHECK_HAS(weft_last_error(), cases[i].message);
    }
    path = npz("d.npz", "embeddings.npy", NPY("<f4", "(4, 3)"), 4, false, false);
    CHECK(fill(&b, path, make_file("d.words", "red\t4\n")) == WEFT_EDATA);
    CHECK_HAS(weft_last_error(),
              "d.words:1: looked for a piece, a tab and a row from 0 to 3");
    CHECK(fill(&b, path, make_file("d.words", "red 1\n")) == WEFT_EDATA);
    CHECK(weft__file_read(path, 1 << 20, &data, &size) == WEFT_OK);
    for (size_t n = 4; n < size; n += 3) {
        test_write(keep(test_path("cut.npz")), data, n);
        CHECK(fill(&b, test_path("cut.npz"), tokens) == WEFT_EDATA);
    }
    free(data);
    drop_bench(&b);
}

static void numbers_are_read_without_a_locale(void **state)
{
    static const char *const good[] = {"0",
                                       "-0.0",
                                       "1.5",
                                       "+2",
                                       ".25",
                                       "3.",
                                       "1e-3",
                                       "-1.25E+2",
                                       "1e-400",
                                       "123456789012345678901234567890",
                                       "0.000000000000000000000000012345"};
    static const char *const bad[] = {"",    "-",   ".",    "1e",    "1e+",   "nan",
                                      "inf", "1,5", "0x10", "1e999", "1.2.3", "1 "};
    double x;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double y = strtod(good[i], NULL);
        CHECK(weft__decimal(good[i], strlen(good[i]), &x));
        CHECK_NEAR(x, y, fabs(y) * 1e-15);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!weft__decimal(bad[i], strlen(bad[i]), &x));
}

RUN_TESTS(TEST(word2vec_and_glove_texts_are_read), TEST(damaged_texts_are_named_by_line),
          TEST(npz_arrays_are_read_with_a_file_of_pieces),
          TEST(damaged_npz_files_are_refused), TEST(numbers_are_read_without_a_locale))
