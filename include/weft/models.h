/* weft/models.h: ready networks by name. */
#ifndef WEFT_MODELS_H
#define WEFT_MODELS_H

#include "weft/layers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a ready network is to be like; 0 or NULL: as it was made. */
typedef struct weft_zoo_opts {
    int outputs;    /* numbers that it gives for a sample: classes, values; 0 means 10 (texts 2) */
    double dropout; /* before the last layer; 0: the model's, negative none */

    /* of networks for pictures: the input's shape */
    int channels, height, width;

    /* of networks for texts */
    int length;          /* tokens of a text; 0 means 64 */
    int streams;         /* 0 means 1 */
    int vocabulary[3];   /* of each stream; 0 means 20000 */
    int embedding;       /* width */
    int filters, kernel; /* convolution; textcnn: kernels 3, 4, 5 */
    int hidden, layers;  /* recurrent units of a direction; layers */
    int pool;            /* max pool after the convolution; 1 none */
    const char *form;    /* cnn-bigru: "a", "b", "c"; NULL: a */
    const char *readout; /* "last" "max" "mean" "max+mean" "attention"; textcnn: not "last" */
    double gate_bias;    /* of recurrent layers: as weft_layer_recurrent_opts */
    bool bag;            /* mean of the embeddings joined to the readout */
    int wide; /* streams of a linear classifier whose scores are added to the network's; 0 none.
               * Its weights: weft_wide_start */
    double wide_dropout; /* in training, the one's scores of so many texts are left out, and the
                          * other's of as many; 0 means 1: the network learns alone; negative none */
    bool freeze;         /* the embedding is not trained */
    double embedding_dropout; /* of whole channels; negative none */
} weft_zoo_opts;

typedef struct weft_model_info {
    const char *name, *summary;
    int channels, height, width; /* what it was made for */
} weft_model_info;
WEFT_API int weft_model_total(void);
WEFT_API weft_model_info weft_model_info_at(int i);

/* "image" or "text": what the network of that name reads; NULL when there is none. */
WEFT_API const char *weft_zoo_modality(const char *name);
/* Does that network for texts look at the option of this name: "filters", "kernel", "hidden",
 * "layers", "pool", "gate-bias", "form", "readout", "bag"? Those that all have (embedding, dropout
 * ...): true. Of networks for pictures and unknown names: false. */
WEFT_API bool weft_zoo_takes(const char *name, const char *option);

/* Adds the network to g:
 *   pictures: an input "x" [batch, channels, height, width],
 *   texts: inputs "tokens", "pairs", "triples" (integers [batch, length], as many as streams) and
 *     "lengths" (integers [batch]),
 * and an output "logits" [batch, outputs], *out. opts may be NULL; weft_dataset_network fills its
 * input side. WEFT_EUSAGE: an unknown name (the nearest is named), or an option that the network does
 * not look at. */
WEFT_API weft_status weft_zoo_build(weft_graph *g, const char *name, const weft_zoo_opts *opts,
                                    weft_val *out);

#ifdef __cplusplus
}
#endif
#endif
