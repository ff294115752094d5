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

/* ---- text: inputs "tokens", "pairs", "triples" (integers [batch, length], as many as
 * streams) and "lengths" (integers [batch]), an output "logits" [batch, classes] ---- */
typedef struct weft_text_model_opts {
    int classes;         /* 0 means 2 */
    int length;          /* tokens of a text; 0 means 64 */
    int streams;         /* 0 means 1 */
    int vocabulary[3];   /* of each stream; 0 means 20000 */
    int embedding;       /* width; 0 means the model's own, as all below */
    int filters, kernel; /* convolution; textcnn: kernels 3, 4, 5 */
    int hidden, layers;  /* recurrent units of a direction; layers */
    int pool;            /* max pool behind the convolution; 0: the model's, 1 none */
    const char *form;    /* cnn-bigru: "a", "b", "c"; NULL: a */
    const char *readout; /* "last" "max" "mean" "max+mean" "attention"; textcnn: not
                          * "last" */
    double gate_bias;    /* of recurrent layers: as weft_layer_recurrent_opts */
    bool bag;            /* mean of the embeddings joined to the readout */
    int wide; /* streams of a linear classifier whose scores are added to the network's;
               * 0 none. Its weights: weft_text_wide_start */
    double wide_dropout; /* in training, the one's scores of so many texts are left out,
                          * and the other's of as many; 0 means 1: the network learns
                          * alone; negative none */
    bool freeze;         /* the embedding is not trained */
    double dropout;      /* before the classifier; 0: the model's, negative none */
    double embedding_dropout; /* of whole channels; likewise */
} weft_text_model_opts;
WEFT_API bool weft_model_is_text(const char *name); /* of a ready network */
/* Does that network for texts look at the option of this name: "filters", "kernel",
 * "hidden", "layers", "pool", "gate-bias", "form", "readout", "bag"? Those that all have
 * (embedding, dropout ...): true. */
WEFT_API bool weft_text_model_takes(const char *model, const char *option);
/* An option that the network does not look at is WEFT_EUSAGE. */
WEFT_API weft_status weft_text_model_build(weft_graph *g, const char *name,
                                           const weft_text_model_opts *opts,
                                           weft_val *logits);

#ifdef __cplusplus
}
#endif
#endif
