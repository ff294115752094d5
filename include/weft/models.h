/* weft/models.h: ready networks by name. */
#ifndef WEFT_MODELS_H
#define WEFT_MODELS_H

#include "weft/layers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table ---- */

/* One ready network; static texts. */
typedef struct weft_zoo_info {
    const char *name, *summary;  /* "small-cnn"; one line */
    int channels, height, width; /* the input it was made for; 0 of a network for texts */
} weft_zoo_info;

/* weft_zoo_total: how many ready networks there are, for images and for texts.
 * weft_zoo_info_at: number i, 0 <= i < weft_zoo_total(); i is not checked. */
WEFT_API int weft_zoo_total(void);
WEFT_API weft_zoo_info weft_zoo_info_at(int i);

/* "image" or "text": the samples that the network of that name reads; NULL: there is
 * none. Static text. */
WEFT_API const char *weft_zoo_modality(const char *name);

/* Whether that network for texts reads the option of this name: "filters", "kernel",
 * "hidden", "layers", "pool", "gate-bias", "form", "readout" or "bag". True for any
 * other text, as all networks for texts read the other options; false of networks
 * for images and of a name that is unknown. */
WEFT_API bool weft_zoo_takes(const char *name, const char *option);

/* ---- one network ---- */

/* Options of weft_zoo_build. 0 or NULL means the network's own default, where a comment
 * says nothing else (docs/models.md has them). */
typedef struct weft_zoo_opts {
    int outputs; /* numbers for a sample: classes, values; 0 means 10 (texts: 2) */
    /* before the last layer, and half as much between recurrent layers, below 1;
     * negative means none */
    double dropout;

    /* of networks for images */
    int channels, height, width; /* of the input */

    /* of networks for texts */
    int length;        /* tokens of a text, t below; 0 means 64 */
    int streams;       /* 1 tokens, 2 also pairs, 3 also triples; 0 means 1 */
    int vocabulary[3]; /* numbers of each stream; 0 means 20000 */
    int embedding;     /* width of the vectors */
    int filters;       /* outputs of a convolution */
    int kernel;        /* its steps; textcnn: kernels of so many, one more and two more */
    int hidden;        /* recurrent units of a direction */
    int layers;        /* recurrent layers; 0 means 1 */
    int pool;          /* steps of the max pool after the convolution; 0 means 1: none */
    /* cnn-bigru: "serial" convolution, then recurrent; "parallel" both on the input,
     * joined; "rnn-first" recurrent, then convolution. NULL means "serial" */
    const char *form;
    /* how steps become one vector: "last" (of recurrent layers), "max", "mean",
     * "max+mean", "attention" */
    const char *readout;
    double gate_bias; /* as in weft_layer_recurrent_opts */
    bool bag;         /* the mean of the embeddings is joined to the readout */
    /* streams of a linear classifier whose scores are added to the network's; 0 means
     * none. weft_wide_start gives its weights */
    int wide;
    /* in training, the probability that a text's linear scores are left out, and that
     * the network's are. 0 means 1: the network trains without them, and always has its
     * own; negative: none */
    double wide_dropout;
    bool freeze; /* the embeddings are not trained */
    /* of whole channels of the embeddings, below 1; negative means none */
    double embedding_dropout;
} weft_zoo_opts;

/* Adds a ready network to g. opts may be NULL; weft_dataset_network fills its input
 * side.
 *   for images: input "x" [batch, channels, height, width]
 *   for texts: inputs "tokens", "pairs", "triples": integers [batch, t] below
 *   vocabulary[i], as many as streams or wide, whichever is more; 0 is padding;
 *   input "lengths": integers [batch], 1 to t
 *   output "logits" [batch, outputs], also in *out; no softmax
 * Fails: WEFT_EUSAGE: an unknown name (the message names the nearest); g is then as
 * it was. WEFT_EUSAGE: an option that is out of range, or that the network does not
 * read (weft_zoo_takes); otherwise the graph's status, such as WEFT_ESHAPE: an image
 * that is too small for the network. g has then failed. */
WEFT_API weft_status weft_zoo_build(weft_graph *g, const char *name,
                                    const weft_zoo_opts *opts, weft_value *out);

#ifdef __cplusplus
}
#endif
#endif
