/* values.h: the numbers that a model gives: names, and mean and standard deviation
 * of the training targets. */
#ifndef WEFT_SRC_TASK_VALUES_H
#define WEFT_SRC_TASK_VALUES_H

#include "task/task.h"

/* The codec of tasks whose targets are numbers. */
typedef struct weft__values {
    weft__codec base;  /* width is how many */
    char **name;       /* [width] */
    float *mean, *std; /* [width]; std 1 where all targets are equal */
} weft__values;

/* From the training targets of d; to and from metadata ("weft.names",
 * "weft.target.mean", "weft.target.std"); as weft__task has them, but for the task. */
weft_status weft__values_fit(const weft__task *t, const weft_dataset *d,
                             weft__codec **out);
void weft__values_free(weft__codec *c);
weft_status weft__values_save(const weft__codec *c, weft_meta *m);
weft_status weft__values_load(const weft__task *t, const weft_meta *m, int width,
                              const char *path, weft__codec **out);
weft_status weft__values_match(const weft__codec *c, const weft_dataset *d,
                               int32_t **map);
const char *weft__values_name(const weft__codec *c, int k);
/* One sample's outputs as an answer; "price 12.5, area 80.1"; {"value": ..., "name":
 * ...}. */
weft_status weft__values_decode(const weft__codec *c, const float *output,
                                weft_answer *a);
void weft__values_text(const weft__codec *c, const weft_answer *a, int top, char *text,
                       size_t size);
void weft__values_json(const weft__codec *c, const weft_answer *a, int top,
                       weft__json *w);
/* A training batch's targets, blended where the batch is (mixup), into an input [n,
 * width]. */
weft_status weft__values_bind(const weft__codec *c, const weft_dataset *d, weft_plan *p,
                              weft_value target, const weft_batch *b);
/* Truth against prediction of number k, as a chart; and numbers in words. Their texts
 * live in a. */
weft_status weft__values_scatter(const weft_evaluation *e, const weft_dataset *d, int k,
                                 weft__arena *a, weft__chart *out);
const char *weft__values_words(const weft_evaluation *e, const float *x, weft__arena *a);

#endif
