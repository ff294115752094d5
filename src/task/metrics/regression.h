/* regression.h: how far numbers are from the truth. */
#ifndef WEFT_SRC_TASK_METRICS_REGRESSION_H
#define WEFT_SRC_TASK_METRICS_REGRESSION_H

/* Sums over samples, for `width` numbers each. */
typedef struct weft__regression weft__regression;

/* about [width]: what targets are counted from, so that their spread is exact; near
 * their mean. NULL when out of memory. */
weft__regression *weft__regression_new(int width, const float *about);
/* m: a weft__regression; a task's table wants it so. free takes NULL. */
void weft__regression_free(void *m);
void weft__regression_clear(void *m);
/* One sample: predictions y [width], targets t [width]. */
void weft__regression_add(weft__regression *m, const float *y, const float *t);

/* Of number k, over n samples:
 *   r2 = 1 - sum (y - t)^2 / sum (t - mean t)^2; NaN where all targets are equal
 *   mae = sum |y - t| / n     rmse = sqrt(sum (y - t)^2 / n)
 * No samples: all NaN. */
typedef struct weft__regression_scores {
    double r2, mae, rmse;
} weft__regression_scores;
weft__regression_scores weft__regression_of(const weft__regression *m, int k);
/* The mean over the numbers, as scikit-learn's uniform average. */
weft__regression_scores weft__regression_mean(const weft__regression *m);

#endif
