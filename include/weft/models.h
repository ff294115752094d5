/* weft/models.h: ready networks by name. */
#ifndef WEFT_MODELS_H
#define WEFT_MODELS_H

#include "weft/layers.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_model_opts {
    int classes;                 /* 0 means 10 */
    int channels, height, width; /* of the input; 0: the model's own */
    double dropout;              /* before the classifier; 0 none */
} weft_model_opts;

typedef struct weft_model_info {
    const char *name, *summary;
    int channels, height, width; /* what it was made for */
} weft_model_info;
WEFT_API int weft_model_total(void);
WEFT_API weft_model_info weft_model_info_at(int i);

/* Adds the network to g: an input "x" [batch, channels, height, width], an output
 * "logits" [batch, classes]. An unknown name fails with WEFT_EUSAGE and names the
 * nearest. */
WEFT_API weft_status weft_model_build(weft_graph *g, const char *name,
                                      const weft_model_opts *opts, weft_val *logits);

#ifdef __cplusplus
}
#endif
#endif
