/* flow_subject.h: one model and the data that `weft flow` sends through it. */
#ifndef WEFT_CLI_FLOW_SUBJECT_H
#define WEFT_CLI_FLOW_SUBJECT_H

#include "trained.h"

typedef struct flow_subject {
    const char *model, *path; /* as the user named model and data */
    const char *split;        /* "train" ... */
    weft_split part;
    trained file;  /* of a file: a classifier of pictures or of texts */
    weft_graph *g; /* the file's, or own */
    weft_val x, logits;
    weft_data *d; /* or: */
    weft_texts *t;
    weft_tokenizer *k; /* own; NULL with a file */
    float mean[4], deviation[4];
    weft_flow *flow;
} flow_subject;

typedef struct flow_choice { /* what the user asked for */
    const char *split;
    int batches, batch;
    uint64_t seed;
    bool skip_bad;
    weft_text_model_opts text; /* of a ready network for texts */
    int max_length;            /* of its texts, in tokens */
    bool two;                  /* they are for one of two models, or for both */
} flow_choice;

/* model: an ONNX file, a run folder, or a ready network's name, which is then built for
 * the data with initial parameters. Opens both and runs the batches. */
weft_status flow_open(const char *model, const char *data, const flow_choice *choice,
                      flow_subject *out);
void flow_close(flow_subject *s);

#endif
