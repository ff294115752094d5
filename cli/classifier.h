/* classifier.h: a model file with all that is needed to feed it pictures and name its
 * answers. */
#ifndef WEFT_CLI_CLASSIFIER_H
#define WEFT_CLI_CLASSIFIER_H

#include "weft/weft.h"

typedef struct classifier {
    weft_graph *g;
    weft_meta *meta;
    weft_val x, logits;
    int channels, height, width, classes;
    char **names; /* [classes] */
    float mean[4], deviation[4];
    weft_fit fit;
} classifier;

/* Reads an ONNX model; WEFT_EMODEL when it is no picture classifier. A folder means its
 * best.onnx or weights/best.onnx. */
weft_status classifier_load(const char *path, classifier *out);
void classifier_free(classifier *c);

/* The metadata of a model trained on d: what classifier_load reads back. */
weft_status classifier_describe(weft_meta *m, const weft_data *d, const float mean[4],
                                const float deviation[4], weft_fit fit, const char *model,
                                uint64_t seed);

const char *fit_name(weft_fit fit);
bool fit_parse(const char *name, weft_fit *out);

#endif
