/* baseline_linear.h: linear models of a modality's sparse features (n-grams of
 * texts): what a network must be better than, and what its wide part starts from. */
#ifndef WEFT_SRC_TASK_BASELINE_LINEAR_H
#define WEFT_SRC_TASK_BASELINE_LINEAR_H

#include "task/task.h"

/* Classification: the support vector machine of weft_linear_baseline, as a task's
 * baseline. */
weft_status weft__linear_beside(const weft_dataset *d, uint64_t seed, weft__baseline *out,
                                bool *made);

/* Regression: ridge regression on the same features, or, where a modality has none,
 * the mean of the training targets; as a task's baseline, with R2, MAE and RMSE. */
weft_status weft__values_beside(const weft_dataset *d, uint64_t seed, weft__baseline *out,
                                bool *made);

/* Trains the machine of weft_linear_baseline on the numbers of preprocessing p,
 * first `streams` streams. table[s] [size of stream s][classes]: the mean of a
 * sample's rows, added over the streams, is its score for each class, but for a
 * factor that differs from sample to sample (its tokens over the norm of its tf-idf
 * row; here the training samples' mean). Row 0 is 0; size[s] are the rows. */
weft_status weft__linear_tables(const weft_dataset *d, const weft__preprocess *p,
                                int streams, const weft_linear_opts *opts,
                                const int *size, float *const table[]);

#endif
