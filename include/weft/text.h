/* weft/text.h: a set of labelled texts from files, and texts as numbers: file -> text ->
 * tokens -> batch. The text part of the room data. */
#ifndef WEFT_TEXT_H
#define WEFT_TEXT_H

#include "weft/data.h"
#include "weft/store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_MAX_STREAMS 3 /* tokens, pairs of tokens, triples of tokens */

/* ---- a set of labelled texts ---- */

typedef struct weft_texts weft_texts; /* an opened and checked set */

typedef struct weft_texts_opts {
    const char *val, *test; /* files or folders of these splits */
    double val_fraction;    /* of train, stratified, where no val is given; 0 means 0.1 */
    bool no_val;            /* do not split off a validation set */
    uint64_t seed;          /* of that split */
    /* Which column is what, by name in a header or by number from 1; NULL: the label is
     * the column (first or last) with few distinct values, the text the longest other. */
    const char *label_column, *text_column;
    const char *format; /* "tsv", "csv", "jsonl", "fasttext", "space"; NULL: seen */
    bool strict;        /* text that is not UTF-8 is an error, not replaced and counted */
    bool skip_bad;      /* leave out rows that cannot be read, and go on */
    double skip_bad_max;   /* at most this percentage; 0 means 100 */
    const char *bad_list;  /* with skip_bad: a TSV file that names them; NULL: none */
    size_t max_text_bytes; /* of one text, what is beyond is cut; 0 means 1 MiB */
} weft_texts_opts;

/* Opens and checks a set. path is
 *   - a .tsv or .csv file (with or without a header), a .jsonl file (objects with a label
 *     and a text), a file of lines `__label__NAME text` (fastText) or `LABEL text`,
 *   - a folder with train.*, [dev.* or val.* or valid.*], [test.*] of those,
 *   - a folder of class folders of .txt files, or with train/ [val/] [test/] of those.
 * Class order is numeric when all labels are whole numbers, else bytewise. The set is
 * yours: weft_texts_close. opts may be NULL. Fails as weft_data_open does. */
WEFT_API weft_status weft_texts_open(const char *path, const weft_texts_opts *opts,
                                     weft_texts **out);
WEFT_API void weft_texts_close(weft_texts *t);
/* Does path look like a set of texts? Cheap; no messages. */
WEFT_API bool weft_texts_probe(const char *path);

WEFT_API const char *weft_texts_format(const weft_texts *t); /* "tsv", "csv", ... */
/* Which columns were taken: "label stars, text review", "label column 1, text column 2";
 * "" where the format has none. */
WEFT_API const char *weft_texts_columns(const weft_texts *t);
WEFT_API int weft_texts_count(const weft_texts *t, weft_split s);
WEFT_API int weft_texts_classes(const weft_texts *t);
WEFT_API const char *weft_texts_class_name(const weft_texts *t, int c);
WEFT_API int weft_texts_label(const weft_texts *t, weft_split s, int i);
/* Sample i: UTF-8, ended by 0, *bytes (may be NULL) its length. Belongs to the set. */
WEFT_API const char *weft_texts_get(const weft_texts *t, weft_split s, int i,
                                    size_t *bytes);
/* Where sample i comes from, for messages: "FILE:LINE" or a path. Written to text. */
WEFT_API void weft_texts_sample_name(const weft_texts *t, weft_split s, int i, char *text,
                                     size_t size);
/* Lower-case hex SHA-256 of names, labels and texts. */
WEFT_API const char *weft_texts_hash(const weft_texts *t);
/* Invalid UTF-8 sequences that were replaced by U+FFFD. */
WEFT_API int64_t weft_texts_replaced(const weft_texts *t);
/* A lint of the whole set, as weft_data_check. */
WEFT_API weft_status weft_texts_check(const char *path, const weft_texts_opts *opts,
                                      void (*found)(void *user,
                                                    const weft_data_finding *f),
                                      void *user);

/* ---- texts as numbers ---- */

typedef enum weft_unit {
    WEFT_UNIT_AUTO, /* characters when more than a third of the letters are Chinese,
                     * Japanese or Korean, else words */
    WEFT_UNIT_WORD, /* runs of letters and digits, Han and Kana one by one, marks; the
                     * same on every machine */
    WEFT_UNIT_CHAR,
    WEFT_UNIT_ICU /* ICU's words, which follow its version; WEFT_EUSAGE in a build without
                   * ICU. A model that uses it is refused (WEFT_EMODEL) where ICU is
                   * missing, and warned of where its version is another */
} weft_unit;

typedef struct weft_tokenizer_opts {
    weft_unit unit;
    int ngrams;    /* streams: 1 units; 2 also pairs; 3 also triples, as numbers of
                        * their own at each position. 0 means 1 */
    int min_count; /* rarer ones are unknown; 0 means 1 (pairs, triples: 2) */
    int max_size
        [WEFT_MAX_STREAMS]; /* of a stream's vocabulary; 0: 50000, 200000, 200000 */
    int max_length;  /* tokens of a text that are used; 0: the 99th percentile of the
                        * training texts, at most 512 */
    bool keep_case;  /* otherwise case is folded */
    bool keep_width; /* otherwise full-width forms are folded to ASCII */
} weft_tokenizer_opts;

/* Splits texts and numbers the pieces: 0 is padding, 1 an unknown piece, 2 and up the
 * pieces by falling count in the training texts (equals bytewise). */
typedef struct weft_tokenizer weft_tokenizer;
/* From the training split of t. Yours: weft_tokenizer_free. */
WEFT_API weft_status weft_tokenizer_learn(const weft_texts *t,
                                          const weft_tokenizer_opts *opts,
                                          weft_tokenizer **out);
WEFT_API void weft_tokenizer_free(weft_tokenizer *k);
WEFT_API int weft_tokenizer_streams(const weft_tokenizer *k);
WEFT_API int weft_tokenizer_length(const weft_tokenizer *k); /* max_length */
WEFT_API weft_unit weft_tokenizer_unit(const weft_tokenizer *k);
/* Entries of a stream's vocabulary, padding and unknown included. */
WEFT_API int weft_tokenizer_size(const weft_tokenizer *k, int stream);
/* Piece i of a stream as UTF-8 ("" padding, "<unk>" unknown; the parts of a pair joined
 * by U+0001). Belongs to k. */
WEFT_API const char *weft_tokenizer_piece(const weft_tokenizer *k, int stream, int i);
/* The number of that piece, or -1. */
WEFT_API int weft_tokenizer_find(const weft_tokenizer *k, int stream, const char *piece);
/* ids[s] receives max_length numbers of stream s (position p of pairs: the pieces p and
 * p+1; past the end padding), 0 behind the end. Returns the length, at least 1 (an empty
 * text is one unknown piece). *unknown (may be NULL): unknown pieces among them.
 * Thread-safe. */
WEFT_API int weft_tokenize(const weft_tokenizer *k, const char *text, size_t bytes,
                           int32_t *const ids[WEFT_MAX_STREAMS], int *unknown);
/* To and from a model's metadata ("weft.tokenizer": one JSON object). A file is not
 * trusted: WEFT_EMODEL. */
WEFT_API weft_status weft_tokenizer_describe(const weft_tokenizer *k, weft_meta *m);
WEFT_API weft_status weft_tokenizer_from_meta(const weft_meta *m, weft_tokenizer **out);

/* Rows of pretrained vectors for stream 0 from a word2vec or GloVe text file, or an .npz
 * (array "embeddings", with a file of pieces `piece<TAB>row` as words): table
 * [size][width] receives those of the pieces found, others are left alone; *found their
 * number. width -1 on entry of *width: only asks the file's. */
WEFT_API weft_status weft_vectors_read(const char *path, const char *words,
                                       const weft_tokenizer *k, int *width, float *table,
                                       int *found);

typedef struct weft_text_loader_opts {
    weft_split split;
    int batch;      /* texts; 0 means 64 */
    bool shuffle;   /* a new order every epoch, a function of (seed, epoch) */
    bool similar;   /* texts of similar length share a batch */
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;
} weft_text_loader_opts;

typedef struct weft_text_batch {
    int n, streams;
    int length;  /* max_length: the second dimension of tokens */
    int longest; /* of this batch */
    const int32_t *tokens[WEFT_MAX_STREAMS]; /* [n][length], 0 behind the end */
    const int32_t *lengths;                  /* [n], 1 .. length */
    const int32_t *label;                    /* [n] */
    const int32_t *index;                    /* [n] sample numbers in the split */
} weft_text_batch;

typedef struct weft_text_loader weft_text_loader;
/* Tokenizes the split once. t and k must outlive the loader. */
WEFT_API weft_status weft_text_loader_new(const weft_texts *t, const weft_tokenizer *k,
                                          const weft_text_loader_opts *opts,
                                          weft_text_loader **out);
WEFT_API void weft_text_loader_free(weft_text_loader *l);
WEFT_API int weft_text_loader_batches(const weft_text_loader *l); /* in an epoch */
WEFT_API weft_status weft_text_loader_start(weft_text_loader *l, int epoch, int first);
/* The next batch, valid until the next call; *out is NULL when the epoch is over. */
WEFT_API weft_status weft_text_loader_next(weft_text_loader *l,
                                           const weft_text_batch **out);
/* Tokens seen and unknown among them, over the split. */
WEFT_API void weft_text_loader_statistics(const weft_text_loader *l, int64_t *tokens,
                                          int64_t *unknown, int *shortest, int *longest,
                                          double *mean);

#ifdef __cplusplus
}
#endif
#endif
