/* text.h: the modality of texts from the inside. */
#ifndef WEFT_SRC_DATA_TEXT_TEXT_H
#define WEFT_SRC_DATA_TEXT_TEXT_H

#include "data/modality.h"
#include "data/text/tokenizer/tokenizer.h"

/* What a model knows of its texts. */
typedef struct weft__text_preprocess {
    weft__preprocess base;
    weft_tokenizer *k;
} weft__text_preprocess;

/* Values of the options of texts. */
typedef struct weft__text_args {
    const char *label_column, *text_column, *format, *delimiter, *level, *vectors,
        *vector_words;
    bool strict, keep_case, keep_width, mixed_lengths;
    int ngrams, min_count, max_vocab, max_pairs, max_triples, max_length;
} weft__text_args;

/* options.c */
extern const weft_option weft__text_options[];
weft_status weft__text_options_apply(const void *args, weft_dataset_opts *o);
void weft__text_options_choose(void *args, weft_dataset *d, weft__recipe *r);
weft_status weft__text_options_network(const void *args, const weft_dataset *d,
                                       weft_zoo_opts *o);
weft_status weft__text_options_init(const void *args, const weft_dataset *d,
                                    weft_graph *g, char *notes, size_t size);

/* inputs.c */
weft_status weft__text_inputs(const weft__preprocess *p, const weft_graph *g,
                              weft__inputs *out);
weft_status weft__text_bind(const weft__inputs *in, weft_plan *p, const weft_batch *b);

/* items.c: a user's texts */
weft_status weft__text_items_new(const weft__preprocess *p, int n, void **out);
void weft__text_items_free(void *items);
weft_status weft__text_items_put(void *items, int i, const weft_item *item, int *tokens,
                                 int *unknown);
const weft_batch *weft__text_items_batch(void *items, int n);

/* params.c: rows of embeddings go to the same tokens, whatever their numbers; tokens
 * that `from` did not know keep what they have in `to`. */
weft_status weft__text_copy_params(const weft__preprocess *p, weft_graph *to,
                                   const weft_graph *from, const weft_meta *meta,
                                   int *copied, int *left, char *note, size_t size);

/* text_loader.c */
weft_status weft__text_loader_new(const weft_dataset *d, const weft__preprocess *p,
                                  const weft_loader_opts *o, void **out);
void weft__text_loader_free(void *l);
int weft__text_loader_batches(const void *l);
weft_status weft__text_loader_start(void *l, int epoch, int first);
weft_status weft__text_loader_next(void *l, weft_batch *out);

/* facts.c */
weft_status weft__text_facts(const weft_dataset *d, const weft__preprocess *p,
                             weft_subset shown, const weft__fact_sink *sink);
/* How many of a text's tokens the tokenizer does not know. */
weft_status weft__text_show(const weft_dataset *d, const weft__preprocess *p,
                            weft_subset s, int i, weft__show_form form,
                            weft__exhibit *out);

/* features.c */
weft_status weft__text_features(const weft_dataset *d, const weft__preprocess *p,
                                int streams, const weft__feature_opts *o,
                                weft_subset last, weft__features *out);

static inline weft_tokenizer *weft__tokenizer_of(const weft__preprocess *p)
{
    return ((const weft__text_preprocess *)p)->k;
}

#endif
