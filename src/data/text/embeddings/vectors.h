/* vectors.h: pretrained vectors on their way into a table. */
#ifndef WEFT_SRC_DATA_TEXT_EMBEDDINGS_VECTORS_H
#define WEFT_SRC_DATA_TEXT_EMBEDDINGS_VECTORS_H

#include "data/text/tokenizer/tokenizer.h"

enum { WEFT_MOST_WIDTH = 65536 };

/* Where vectors go. */
typedef struct weft__vectors {
    const char *path;
    const weft_tokenizer *k;
    weft__segmenter segmenter;
    int width;
    bool ask;     /* only the width is wanted */
    float *table; /* [size][width] */
    char *rank; /* of each token: 0 no vector, 1 by a folded word, 2 by the word itself */
    int found;
} weft__vectors;

/* The token that a word of the file is, and how sure (rank); -1 when none wants it. */
int weft__vectors_token(weft__vectors *v, const char *word, size_t bytes, int *rank);
/* The row to write token's vector to; counts it. */
float *weft__vectors_row(weft__vectors *v, int token, int rank);
/* The file's width against the one wanted. */
weft_status weft__vectors_width(weft__vectors *v, int64_t width);

/* npz.c */
weft_status weft__vectors_npz(weft__vectors *v, const char *words);

/* A decimal number that is all of text[0..n); false when it is none or not finite. The
 * locale does not matter. */
bool weft__decimal(const char *text, size_t n, double *out);

#endif
