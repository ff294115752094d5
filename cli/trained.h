/* trained.h: a trained classifier, of pictures or of texts as its metadata say. */
#ifndef WEFT_CLI_TRAINED_H
#define WEFT_CLI_TRAINED_H

#include "option.h"

typedef struct trained { /* one of the two */
    weft_classifier *pictures;
    weft_text_classifier *texts;
} trained;

/* path: an ONNX file or a run folder. exact: weft_graph_use_exact_conv. */
weft_status trained_open(const char *path, bool exact, trained *out);
void trained_close(trained *m);
int trained_classes(const trained *m);
const char *trained_name(const trained *m, int class_number);
const char *trained_task(const trained *m); /* "classify", "text" */
/* The first of these options (NULL ends) that was given is for the other kind of data:
 * WEFT_EUSAGE. */
weft_status trained_refuse(const trained *m, const command *c, const char *const *option);

/* The `top` largest of x, falling; of equal ones the lower number first. order has room
 * for `top`. */
void rank_classes(const float *x, int classes, int top, int *order);

#endif
