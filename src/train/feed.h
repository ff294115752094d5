/* feed.h: what a run reads, pictures or texts, through one door: the training loop and
 * the evaluation know samples, batches and labels only. */
#ifndef WEFT_SRC_FEED_H
#define WEFT_SRC_FEED_H

#include "weft/train.h"

typedef struct weft__feed weft__feed;

typedef struct weft__feed_way {
    weft_split split;
    int batch;
    bool training; /* shuffled and augmented */
    uint64_t seed;
} weft__feed_way;

typedef struct weft__feed_batch {
    int n;
    const int32_t *label; /* [n] */
    const int32_t *index; /* [n] sample numbers in the split */
    const float *target;  /* [n][classes] when labels are mixed, else NULL */
    const void *content;  /* for put */
} weft__feed_batch;

/* One of these for each kind of data. A reader goes through one split; a batch is valid
 * until the next call of next. */
typedef struct weft__feed_kind {
    int (*count)(const weft__feed *f, weft_split split);
    void (*sample_name)(const weft__feed *f, weft_split split, int i, char *text,
                        size_t size);
    const char *(*hash)(const weft__feed *f);
    /* What else a resumed run must agree on: a name, and its value as text. */
    const char *(*setting)(const weft__feed *f, char *text, size_t size);
    weft_status (*open)(const weft__feed *f, const weft__feed_way *way, void **reader);
    void (*close)(void *reader);
    int (*batches)(const void *reader); /* in an epoch */
    weft_status (*start)(void *reader, int epoch, int first);
    /* out->n is 0 when the epoch is over */
    weft_status (*next)(void *reader, weft__feed_batch *out);
    /* Copies a batch into the inputs of a plan of its size. */
    weft_status (*put)(const weft__feed *f, weft_plan *p, const weft__feed_batch *b);
    void (*free)(weft__feed *f);
} weft__feed_kind;

struct weft__feed {
    const weft__feed_kind *kind;
    int classes;
    bool soft; /* targets of training batches are probabilities (mixup) */
};

/* feed_pictures.c: pictures of d for the float input of g. A misfit names both shapes.
 * Of opts: mean, deviation, augment and loader_threads. */
weft_status weft__feed_pictures(const weft_graph *g, const weft_data *d,
                                const weft_train_opts *opts, weft__feed **out);
/* feed_texts.c: texts of t for the inputs "tokens", "pairs", "triples" and "lengths" of
 * g. class_of (NULL: the same) numbers the classes of t as the network does; classes:
 * how many the network has. Of opts: mixed_lengths. class_of is copied. */
weft_status weft__feed_texts(const weft_graph *g, const weft_texts *t,
                             const weft_tokenizer *k, const weft_train_opts *opts,
                             const int32_t *class_of, int classes, weft__feed **out);
void weft__feed_free(weft__feed *f); /* takes NULL */

/* What text networks call the inputs of their streams, and that of the lengths. */
extern const char *const weft__stream_inputs[WEFT_MAX_STREAMS];
/* The inputs of g that texts go into; lengths is optional in a network that pads. The
 * second dimension of the first, and how many streams there are. WEFT_EUSAGE. */
typedef struct weft__text_inputs {
    weft_val stream[WEFT_MAX_STREAMS], lengths;
    int streams, length;
} weft__text_inputs;
weft_status weft__text_inputs_find(const weft_graph *g, weft__text_inputs *out);
/* Does the tokenizer fill them? */
weft_status weft__text_inputs_fit(const weft__text_inputs *in, const weft_tokenizer *k);
weft_status weft__text_inputs_put(const weft__text_inputs *in, weft_plan *p, int n,
                                  const int32_t *const *tokens, const int32_t *lengths);

#endif
