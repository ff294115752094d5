/* predict.h: `weft predict`, for pictures and for texts. */
#ifndef WEFT_CLI_PREDICT_H
#define WEFT_CLI_PREDICT_H

#include "trained.h"

#include <jansson.h>

typedef struct predict_args {
    int top, threads, batch; /* 0: not given */
    bool json, whole, exact_conv;
} predict_args;

/* {"class": ..., "name": ..., "probability": ...} of the best classes. */
json_t *predict_rows(const trained *m, const float *probabilities, int top, int *order);
/* "name 0.9876, name 0.0100" to stdout. */
void predict_print(const trained *m, const float *probabilities, int top, int *order);

/* predict_text.c: each item is a sentence, a file of lines, or "-". */
weft_status predict_texts(const predict_args *a, trained *m, char *const *item, int n);

#endif
