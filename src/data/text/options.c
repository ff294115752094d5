/* options.c: what `weft train` may be told of texts, and what it chooses by itself. */
#include "data/text/text.h"

#include "base/checked.h"
#include "base/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A weft__text_args

const weft_option weft__text_options[] = {
    WEFT__HEADING("texts"),
    WEFT__TEXT(
        A, label_column, "label-column", "COLUMN",
        "by name or number from 1; by default the one with few different values (of "
        "numbers, the last)",
        .opens = true),
    WEFT__TEXT(A, text_column, "text-column", "COLUMN",
               "by default the longest other one", .opens = true),
    WEFT__CHOICE(A, format, "format", "tsv|csv|jsonl|fasttext|space",
                 "of the files; by default as they look", .opens = true),
    WEFT__TEXT(
        A, delimiter, "delimiter", "X",
        "between the columns of CSV: comma, semicolon, tab, pipe or a character; by "
        "default the one that the first rows have equally often",
        .opens = true),
    WEFT__FLAG(A, strict, "strict", "text that is not UTF-8 is an error, not replaced",
               .opens = true),
    WEFT__CHOICE(A, level, "level", "auto|word|char",
                 "what a token is; auto: characters for Chinese, Japanese and Korean",
                 .old = "unit"),
    WEFT__INT(
        A, ngrams, "ngrams", 1, 3,
        "2: pairs of tokens have embeddings of their own, too; 3: triples, too (1)"),
    WEFT__INT(A, min_count, "min-count", 1, 1000000,
              "rarer tokens are unknown (1; pairs, triples 2)"),
    WEFT__INT(A, max_vocab, "max-vocab", 3, 2000000, "tokens in the vocabulary (50000)"),
    WEFT__INT(A, max_pairs, "max-pairs", 3, 2000000, "pairs in it (200000)"),
    WEFT__INT(A, max_triples, "max-triples", 3, 2000000, "triples in it (200000)"),
    WEFT__INT(
        A, max_length, "max-length", 1, 65536,
        "tokens of a text that are read; by default what 99 % of the texts have, at most "
        "512",
        .builds = true),
    WEFT__FLAG(A, keep_case, "keep-case", "do not fold capital letters"),
    WEFT__FLAG(A, keep_width, "keep-width", "do not fold full-width forms"),
    WEFT__FLAG(A, mixed_lengths, "mixed-lengths",
               "texts of any length share a batch (slower)"),
    WEFT__TEXT(A, vectors, "vectors", "FILE",
               "start the embedding from word2vec or GloVe text, or .npz", .path = true),
    WEFT__TEXT(A, vector_words, "vector-words", "FILE",
               "the tokens of an .npz: TOKEN<tab>ROW on each line", .path = true),
    WEFT__END_OF_OPTIONS};

#undef A

static weft_token_level level_of(const char *word)
{
    return !word || !strcmp(word, "auto") ? WEFT_LEVEL_AUTO
           : !strcmp(word, "char")        ? WEFT_LEVEL_CHAR
                                          : WEFT_LEVEL_WORD;
}

/* "tab", "\\t", ";" ... as a character; false: it is none. */
static bool delimiter_of(const char *word, char *out)
{
    static const struct {
        const char *word;
        char c;
    } known[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'},
                 {"\\t", '\t'},  {"pipe", '|'},      {"space", ' '}};
    *out = 0;
    if (!word) return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].word, word)) *out = known[i].c;
    if (!*out && strlen(word) == 1) *out = *word;
    return *out > 0 && !strchr("\"\r\n", *out);
}

weft_status weft__text_options_apply(const void *args, weft_dataset_opts *o)
{
    const weft__text_args *a = args;
    if (a->vector_words && !a->vectors)
        return weft__fail(WEFT_EUSAGE, "train: --vector-words goes with --vectors");
    char delimiter;
    if (!delimiter_of(a->delimiter, &delimiter))
        return weft__fail(
            WEFT_EUSAGE,
            "--delimiter: found %.20s, allowed comma, semicolon, tab, pipe, "
            "space or one ASCII character",
            a->delimiter);
    o->text = (weft_text_opts){
        .delimiter = delimiter,
        .label_column = a->label_column,
        .text_column = a->text_column,
        .format = a->format,
        .strict = a->strict,
        .mixed_lengths = a->mixed_lengths,
        .tokenizer = {.level = level_of(a->level),
                      .ngrams = a->ngrams,
                      .min_count = a->min_count,
                      .max_size = {a->max_vocab, a->max_pairs, a->max_triples},
                      .max_length = a->max_length,
                      .keep_case = a->keep_case,
                      .keep_width = a->keep_width}};
    return WEFT_OK;
}

void weft__text_options_choose(void *args, weft_dataset *d, weft__recipe *r)
{
    weft__text_args *a = args;
    (void)d;
    if (!a->level) a->level = "auto";
    if (!a->ngrams) a->ngrams = 1;
    if (!r->model) r->model = "cnn-bigru";
    if (!r->optimizer) r->optimizer = "adamw";
    bool sgd = !strcmp(r->optimizer, "sgd");
    r->epochs = 8;
    r->batch = 64;
    r->lr = sgd ? 0.1 : 1e-3;
    r->momentum = sgd ? 0.9 : 0;
    r->weight_decay = !strcmp(r->optimizer, "adamw") ? 0.01 : 0;
    r->clip_norm = 5;
    r->smoothing = 0.1;
}

/* ---- pretrained vectors ---- */

weft_status weft__text_options_network(const void *args, const weft_dataset *d,
                                       weft_zoo_opts *o)
{
    const weft__text_args *a = args;
    int width = -1;
    if (!a->vectors) return WEFT_OK;
    weft_status s =
        weft_vectors_read(a->vectors, a->vector_words, weft__tokenizer_of(d->preprocess),
                          &width, NULL, NULL);
    if (!s) o->embedding = width;
    return s;
}

weft_status weft__text_options_init(const void *args, const weft_dataset *d,
                                    weft_graph *g, char *notes, size_t size)
{
    const weft__text_args *a = args;
    weft_param_info p = {0};
    int found = 0;
    if (!a->vectors) return WEFT_OK;
    if (!weft_param_find(g, "embed_tokens.weight", &p))
        return weft__fail(WEFT_EUSAGE, "--vectors: the network has no embedding");
    int width = p.shape.dim[1];
    float *table = weft__alloc(p.count, sizeof *table);
    if (!table) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    weft_status s = weft_param_get(g, p.value, table, p.count);
    if (!s)
        s = weft_vectors_read(a->vectors, a->vector_words,
                              weft__tokenizer_of(d->preprocess), &width, table, &found);
    if (!s && !found)
        s = weft__fail(WEFT_EUSAGE, "%s: has no vector for any of the %d tokens",
                       a->vectors, p.shape.dim[0]);
    if (!s) s = weft_param_set(g, p.value, table, p.count);
    size_t at = strlen(notes);
    if (!s)
        snprintf(notes + at, size - at, "vectors  %.200s: %d of %d tokens have one\n",
                 a->vectors, found, p.shape.dim[0]);
    free(table);
    return s;
}
