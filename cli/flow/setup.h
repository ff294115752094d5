/* setup.h: one model and the data that `weft flow` sends through it. */
#ifndef WEFT_CLI_FLOW_SUBJECT_H
#define WEFT_CLI_FLOW_SUBJECT_H

#include "option.h"

typedef struct flow_setup {
    const char *model, *path; /* as the user named model and data */
    const char *split;        /* "train" ... */
    weft_subset part;
    weft_predictor *predictor; /* of a file */
    weft_graph *g;             /* the file's, or own */
    bool own;
    weft_value output;
    weft_dataset *d;
    weft_flow *flow;
} flow_setup;

typedef struct flow_choice { /* what the user asked for */
    const weft_fit_args *fit;
    const char *split;
    int batches, batch;
    uint64_t seed;
} flow_choice;

/* model: an ONNX file, a run folder, or a ready network's name, which is then built for
 * the data with initial parameters. Opens both and runs the batches. */
weft_status flow_open(const char *model, const char *data, const flow_choice *choice,
                      flow_setup *out);
void flow_close(flow_setup *s);

#endif
