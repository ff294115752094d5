/* linear.h: the linear model of n-grams, as what a network can start from. */
#ifndef WEFT_SRC_TRAIN_LINEAR_H
#define WEFT_SRC_TRAIN_LINEAR_H

#include "weft/train.h"

/* Trains the machine of weft_linear_baseline on k's numbers of the first `streams`
 * streams. table[s] [k's size of stream s][classes]: the mean of a text's rows, added
 * over the streams, is its score for each class, but for a factor that differs from text
 * to text (its tokens over the norm of its tf-idf row; here the training texts' mean).
 * Row 0 is 0. */
weft_status weft__linear_tables(const weft_texts *t, const weft_tokenizer *k, int streams,
                                const weft_linear_opts *opts, float *const table[]);

#endif
