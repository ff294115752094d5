/* outcome.h: what a training run came to: measured, printed, reported. */
#ifndef WEFT_CLI_OUTCOME_H
#define WEFT_CLI_OUTCOME_H

#include "train_args.h"

typedef struct outcome {
    weft_graph *g;
    weft_val logits;
    const weft_data *d;
    const char *model, *run_dir, *data_path;
    const weft_train_result *result;
    const train_args *args;
    int batch;
    float mean[4], deviation[4];
    weft_metrics *val, *test; /* NULL: there is no such split */
    float *scores; /* of the split that is shown: test if there is one, else val */
    const char **names;
    size_t infer_bytes; /* planned memory of prediction, batch 1 */
} outcome;

weft_status outcome_measure(outcome *o);
weft_status outcome_report(
    outcome *o); /* report.html, results.png, confusion_matrix.png */
void outcome_print(const outcome *o, bool json, bool quiet);
void outcome_free(outcome *o);

/* The split that is shown: test, else validation, else training. */
static inline weft_split outcome_split(const outcome *o)
{
    return o->test ? WEFT_TEST : weft_data_count(o->d, WEFT_VAL) ? WEFT_VAL : WEFT_TRAIN;
}

#endif
