/* outcome.h: what a training run came to: measured, printed, reported. */
#ifndef WEFT_CLI_OUTCOME_H
#define WEFT_CLI_OUTCOME_H

#include "samples.h"
#include "train_args.h"

typedef struct outcome {
    weft_graph *g;
    weft_val logits;
    samples set;
    const weft_tokenizer *tokenizer; /* of texts */
    const char *task, *model, *run_dir, *data_path;
    const weft_train_result *result;
    const train_args *args;
    int batch;
    float mean[4], deviation[4];
    /* NULL: there is no such split. val belongs to result and is of the training split
     * when there is no other */
    const weft_metrics *val;
    weft_metrics *test;
    const float *scores; /* of the split that is shown: test if there is one, else val */
    float *test_scores;
    const char **names;
    double params;
    weft_linear_result linear; /* of texts, to compare with */
    bool has_linear;
    size_t infer_bytes; /* planned memory of prediction, batch 1 */
} outcome;

weft_status outcome_measure(outcome *o);
/* report.html, results.png, confusion_matrix.png, val_batch0_pred.png */
weft_status outcome_report(outcome *o);
void outcome_print(const outcome *o, bool json, bool quiet);
/* The confusion matrix, or with many classes the commonest mistakes, to stdout. */
void outcome_print_confusion(const weft_metrics *m, const char *const *names,
                             int classes);
void outcome_free(outcome *o);

/* The metrics of the split that is shown. */
static inline const weft_metrics *outcome_shown(const outcome *o)
{
    return o->test ? o->test : o->val;
}

#endif
