/* train_text.c: what `weft train` does when the data are texts. */
#include "train_job.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool left_out(const char *option)
{
    return train_option_foreign(option, TRAIN_TEXT);
}

static weft_status open(train_job *j, const char *bad_list)
{
    const train_args *a = &j->a;
    weft_texts_opts o = {.val = a->val,
                         .test = a->test,
                         .val_fraction = a->val_fraction,
                         .no_val = a->no_val,
                         .seed = a->seed,
                         .label_column = a->label_column,
                         .text_column = a->text_column,
                         .format = a->format,
                         .strict = a->strict,
                         .skip_bad = a->skip_bad != NULL,
                         .bad_list = bad_list ? bad_list : a->bad_list};
    weft_status s = train_skip_bad(a, &o.skip_bad_max);
    if (!s) s = weft_texts_open(j->data_path, &o, &j->t);
    j->set.t = j->t;
    return s;
}

static weft_status learn_tokenizer(train_job *j)
{
    const train_args *a = &j->a;
    weft_tokenizer_opts o = {.unit = !strcmp(a->unit, "word")   ? WEFT_UNIT_WORD
                                     : !strcmp(a->unit, "char") ? WEFT_UNIT_CHAR
                                                                : WEFT_UNIT_AUTO,
                             .ngrams = a->ngrams > a->wide ? a->ngrams : a->wide,
                             .min_count = a->min_count,
                             .max_size = {a->max_vocab, a->max_pairs, a->max_triples},
                             .max_length = a->max_length,
                             .keep_case = a->keep_case,
                             .keep_width = a->keep_width};
    return weft_tokenizer_learn(j->t, &o, &j->k);
}

/* As a model takes it: 0 is its own, negative none. */
static double rate(double given)
{
    return given < 0 ? 0 : given > 0 ? given : -1;
}

static weft_status build_model(train_job *j, int width)
{
    const train_args *a = &j->a;
    weft_text_model_opts o = {.classes = weft_texts_classes(j->t),
                              .length = weft_tokenizer_length(j->k),
                              .streams = a->ngrams,
                              .wide = a->wide,
                              .wide_dropout = rate(a->wide_dropout),
                              .embedding = width,
                              .filters = a->filters,
                              .kernel = a->kernel,
                              .hidden = a->hidden,
                              .layers = a->layers,
                              .pool = a->pool,
                              .gate_bias = a->gate_bias,
                              .form = a->form,
                              .readout = a->readout,
                              .bag = a->bag,
                              .freeze = a->freeze_embedding,
                              .dropout = rate(a->dropout),
                              .embedding_dropout = rate(a->embedding_dropout)};
    for (int k = 0; k < weft_tokenizer_streams(j->k); k++)
        o.vocabulary[k] = weft_tokenizer_size(j->k, k);
    weft_status s = train_job_begin(j);
    if (!s) s = weft_text_model_build(j->g, a->model, &o, &j->logits);
    return s ? s : weft_init(j->g, a->seed);
}

static weft_status load_vectors(train_job *j, int width)
{
    weft_param_info p = {0};
    int found = 0;
    weft_status s = WEFT_OK;
    if (!weft_param_find(j->g, "embed_tokens.weight", &p))
        return weft__fail(WEFT_EUSAGE, "--vectors: %s has no embedding", j->a.model);
    float *table = weft__alloc(p.count, sizeof *table);
    if (!table) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    s = weft_param_get(j->g, p.value, table, p.count);
    if (!s)
        s = weft_vectors_read(j->a.vectors, j->a.vector_words, j->k, &width, table,
                              &found);
    if (!s && !found)
        s = weft__fail(WEFT_EUSAGE, "%s: has no vector for any of the %d tokens",
                       j->a.vectors, p.shape.dim[0]);
    if (!s) s = weft_param_set(j->g, p.value, table, p.count);
    if (!s && !j->a.quiet)
        fprintf(stderr, "vectors  %s: %d of %d tokens have one\n", j->a.vectors, found,
                p.shape.dim[0]);
    free(table);
    return s;
}

static weft_status prepare(train_job *j)
{
    train_args *a = &j->a;
    int width = a->embedding, given = -1;
    weft_status s = train_fit_opts(a, &j->opts);
    if (!s && !weft_model_is_text(a->model))
        s = weft__fail(WEFT_EUSAGE,
                       "train: %.100s is no network for texts. See weft help models",
                       a->model);
    if (!s) s = learn_tokenizer(j);
    if (!s && a->vectors && !a->resume)
        s = weft_vectors_read(a->vectors, a->vector_words, j->k, &given, NULL, NULL);
    if (!s && given > 0 && width && width != given)
        s = weft__fail(WEFT_EUSAGE,
                       "%s: has vectors of width %d, --embedding asks for %d", a->vectors,
                       given, width);
    if (!s && given > 0) a->embedding = width = given;
    if (!s) s = build_model(j, width);
    if (!s && given > 0) s = load_vectors(j, given);
    if (!s) s = train_job_from(j);
    if (!s && a->wide && !a->resume)
        s = weft_text_wide_start(j->g, j->t, j->k, &(weft_linear_opts){.seed = a->seed});
    if (!s) s = train_job_balance(j);
    if (!s) s = weft_text_classifier_describe(j->meta, j->t, j->k, a->model, a->seed);
    return s;
}

static void print_data(const train_job *j)
{
    char shown[4200], columns[1300];
    int streams = weft_tokenizer_streams(j->k);
    weft__escape(columns, sizeof columns, weft_texts_columns(j->t));
    fprintf(
        stderr,
        "data     %s (%s%s%s): %d training, %d validation, %d test texts, %d classes\n"
        "tokens   %s, at most %d of a text; vocabulary %d",
        weft__escape(shown, sizeof shown, j->data_path), weft_texts_format(j->t),
        columns[0] ? "; " : "", columns, weft_texts_count(j->t, WEFT_TRAIN),
        weft_texts_count(j->t, WEFT_VAL), weft_texts_count(j->t, WEFT_TEST),
        weft_texts_classes(j->t),
        weft_tokenizer_unit(j->k) == WEFT_UNIT_CHAR ? "characters" : "words",
        weft_tokenizer_length(j->k), weft_tokenizer_size(j->k, 0));
    if (streams > 1) fprintf(stderr, ", %d pairs", weft_tokenizer_size(j->k, 1));
    if (streams > 2) fprintf(stderr, ", %d triples", weft_tokenizer_size(j->k, 2));
    fputc('\n', stderr);
}

static weft_status fit(train_job *j)
{
    return weft_train_texts(j->g, j->logits, j->t, j->k, &j->opts, j->meta, &j->result);
}

static void close(train_job *j)
{
    weft_tokenizer_free(j->k);
    weft_texts_close(j->t);
}

const train_kind train_texts = {
    .task = TRAIN_TEXT,
    .left_out = left_out,
    .open = open,
    .prepare = prepare,
    .print_data = print_data,
    .fit = fit,
    .close = close,
};
