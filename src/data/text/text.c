/* text.c: texts: what goes into a network that reads tokens. */
#include "data/text/text.h"

#include "base/checked.h"
#include "base/error.h"
#include "data/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a data set ---- */

static weft__texts_opts opts_of(const weft_dataset_opts *o)
{
    return (weft__texts_opts){.val = o->val,
                              .test = o->test,
                              .val_fraction = o->val_fraction,
                              .no_val = o->no_val,
                              .seed = o->seed,
                              .target = o->target,
                              .label_column = o->text.label_column,
                              .text_column = o->text.text_column,
                              .format = o->text.format,
                              .strict = o->text.strict,
                              .skip_bad = o->skip_bad,
                              .skip_bad_max = o->skip_bad_max,
                              .bad_list = o->bad_list,
                              .max_text_bytes = o->text.max_text_bytes};
}

static weft_status describe(weft_dataset *d, const weft__texts *t)
{
    weft_status s = WEFT_OK;
    snprintf(d->hash, sizeof d->hash, "%s", weft__texts_hash(t));
    for (int k = 0; k < 3; k++) d->count[k] = weft__texts_count(t, (weft_subset)k);
    for (int c = 0; c < weft__texts_classes(t) && !s; c++)
        s = weft__dataset_add_class(d, weft__texts_class_name(t, c));
    for (int k = 0; k < 3 && !s; k++) {
        s = weft__dataset_labels(d, (weft_subset)k);
        for (int i = 0; i < d->count[k] && !s; i++)
            d->label[k][i] = weft__texts_label(t, (weft_subset)k, i);
    }
    return s;
}

static weft_status open(const char *path, const weft_dataset_opts *o, const weft__sink *sink,
                        weft_dataset *d)
{
    weft__texts_opts to = opts_of(o);
    weft__texts *t = NULL;
    weft_status s = weft__texts_survey(path, &to, sink, &t);
    if (s) return s;
    d->content = t;
    s = describe(d, t);
    if (!s && weft__texts_label_name(t)[0])
        s = weft__dataset_value_named(d, weft__texts_label_name(t));
    return s || !sink->lint ? s : weft__texts_lint(t, sink);
}

static bool takes(const weft_arrays *a)
{
    return a->text[0] != NULL;
}

static weft_status from(const weft_arrays *a, const weft_dataset_opts *o, weft_dataset *d)
{
    weft__texts *t = NULL;
    weft_status s = weft__texts_from(a, o, &t);
    if (s) return s;
    d->content = t;
    s = describe(d, t);
    return s || !a->value[0] ? s : weft__texts_values(a, t, d);
}

static void close(weft_dataset *d)
{
    weft__texts_close(d->content);
}

static const char *format(const weft_dataset *d)
{
    return weft__texts_format(weft__texts_of(d));
}

static const char *columns(const weft_dataset *d)
{
    return weft__texts_columns(weft__texts_of(d));
}

static void sample_name(const weft_dataset *d, weft_subset s, int i, char *text, size_t size)
{
    weft__texts_sample_name(weft__texts_of(d), s, i, text, size);
}

WEFT_API const char *weft_dataset_text(const weft_dataset *d, weft_subset s, int i, size_t *bytes)
{
    if (bytes) *bytes = 0;
    return d->modality == &weft_modality_text ? weft__texts_get(weft__texts_of(d), s, i, bytes)
                                              : NULL;
}

WEFT_API int64_t weft_dataset_replaced(const weft_dataset *d)
{
    return d->modality == &weft_modality_text ? weft__texts_replaced(weft__texts_of(d)) : 0;
}

WEFT_API const weft_tokenizer *weft_dataset_tokenizer(const weft_dataset *d)
{
    return d->modality == &weft_modality_text && d->preprocess ? weft__tokenizer_of(d->preprocess)
                                                               : NULL;
}

WEFT_API weft_status weft_tokenizer_learn(const weft_dataset *d, const weft_tokenizer_opts *opts,
                                          weft_tokenizer **out)
{
    if (d->modality != &weft_modality_text)
        return weft__fail(WEFT_EUSAGE, "tokenizer: %s are no texts", d->modality->noun);
    return weft__tokenizer_learn(weft__texts_of(d), opts, out);
}

/* ---- preprocessing ---- */

static weft_status wrap(weft_tokenizer *k, weft__preprocess **out)
{
    weft__text_preprocess *p = calloc(1, sizeof *p);
    if (!p) {
        weft_tokenizer_free(k);
        return weft__fail(WEFT_ENOMEM, "texts: out of memory");
    }
    p->base.modality = &weft_modality_text;
    p->k = k;
    *out = &p->base;
    return WEFT_OK;
}

static weft_status fit(const weft_dataset *d, weft__preprocess **out)
{
    weft_tokenizer *k = NULL;
    weft_status s =
        weft__tokenizer_learn(weft__texts_of(d), &d->opts.text.tokenizer, &k);
    return s ? s : wrap(k, out);
}

static void release(weft__preprocess *p)
{
    if (p) weft_tokenizer_free(weft__tokenizer_of(p));
    free(p);
}

static weft_status save(const weft__preprocess *p, weft_meta *m)
{
    return weft_tokenizer_describe(weft__tokenizer_of(p), m);
}

static weft_status load(const weft_meta *m, const weft_graph *g, const char *path,
                        weft__preprocess **out)
{
    weft_tokenizer *k = NULL;
    (void)g;
    weft_status s = weft_tokenizer_from_meta(m, &k);
    return s ? weft__prefix(s, "%s", path) : wrap(k, out);
}

static void opts_for(const weft__preprocess *p, weft_dataset_opts *o)
{
    (void)p, (void)o;
}

static void network(const weft__preprocess *p, weft_zoo_opts *o)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    o->length = weft_tokenizer_length(k);
    o->streams = weft_tokenizer_streams(k);
    for (int i = 0; i < o->streams; i++) o->vocabulary[i] = weft_tokenizer_size(k, i);
}

/* ---- batches ---- */

static weft_status loader_new(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *o, void **out)
{
    weft__text_loader_opts lo = {.split = o->subset,
                                 .batch = o->batch,
                                 .shuffle = o->training || o->shuffle,
                                 .similar = o->training ? !d->opts.text.mixed_lengths
                                                        : !o->shuffle,
                                 .drop_last = o->drop_last,
                                 .seed = o->seed};
    weft__text_loader *l = NULL;
    weft_status s =
        weft__text_loader_new(weft__texts_of(d), weft__tokenizer_of(p), &lo, &l);
    if (!s) *out = l;
    return s;
}

static void loader_free(void *l)
{
    weft__text_loader_free(l);
}

static int loader_batches(const void *l)
{
    return weft__text_loader_batches(l);
}

static weft_status loader_start(void *l, int epoch, int first)
{
    return weft__text_loader_start(l, epoch, first);
}

static weft_status loader_next(void *l, weft_batch *out)
{
    const weft__text_batch *b = NULL;
    weft_status s = weft__text_loader_next(l, &b);
    if (s) return s;
    *out = (weft_batch){0};
    if (!b) return WEFT_OK;
    *out = (weft_batch){.n = b->n,
                        .index = b->index,
                        .lengths = b->lengths,
                        .length = b->length,
                        .longest = b->longest,
                        .streams = b->streams};
    for (int i = 0; i < b->streams; i++) out->tokens[i] = b->tokens[i];
    return WEFT_OK;
}

static const char *setting(const weft_dataset *d, const weft__preprocess *p, char *text,
                           size_t size)
{
    char hex[65] = "?";
    weft__tokenizer_digest(weft__tokenizer_of(p), hex);
    snprintf(text, size, "%.16s%s", hex, d->opts.text.mixed_lengths ? ", mixed lengths" : "");
    return "tokenizer";
}

/* ---- for people ---- */

static void line(const weft__preprocess *p, char *text, size_t size)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    int n = snprintf(text, size, "tokens   %s, at most %d of a text; vocabulary %d",
                     k->unit == WEFT_LEVEL_CHAR ? "characters" : "words",
                     weft_tokenizer_length(k), weft_tokenizer_size(k, 0));
    static const char *const what[] = {"", "pairs", "triples"};
    for (int i = 1; i < weft_tokenizer_streams(k) && n > 0 && (size_t)n < size; i++)
        n += snprintf(text + n, size - (size_t)n, ", %d %s", weft_tokenizer_size(k, i), what[i]);
}

static void json(const weft__preprocess *p, weft__json *w)
{
    static const char *const key[] = {"vocabulary", "pairs", "triples"};
    const weft_tokenizer *k = weft__tokenizer_of(p);
    weft__json_text(w, "unit", k->unit == WEFT_LEVEL_CHAR ? "char" : "word");
    weft__json_int(w, "max_length", weft_tokenizer_length(k));
    for (int i = 0; i < weft_tokenizer_streams(k); i++)
        weft__json_int(w, key[i], weft_tokenizer_size(k, i));
}

static weft_status show(const weft_dataset *d, const weft__preprocess *p, weft_subset s, int i,
                        weft__show_form form, weft__exhibit *out)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    size_t length = (size_t)weft_tokenizer_length(k), bytes;
    int unknown = 0;
    *out = (weft__exhibit){0};
    if (form != WEFT_SHOW_PNG) return WEFT_OK;
    int32_t *ids = weft__alloc(length * WEFT_MAX_STREAMS, sizeof *ids);
    if (!ids) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    int32_t *to[] = {ids, ids + length, ids + 2 * length};
    out->text = weft__texts_get(weft__texts_of(d), s, i, &bytes);
    int n = weft_tokenize(k, out->text, bytes, to, &unknown);
    if (unknown)
        snprintf(out->remark, sizeof out->remark, "%d of %d tokens unknown", unknown, n);
    free(ids);
    return WEFT_OK;
}

static void form(const weft__preprocess *p, weft__input_form *out)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    *out = (weft__input_form){.input = "tokens",
                              .text = true,
                              .streams = weft_tokenizer_streams(k),
                              .length = weft_tokenizer_length(k),
                              .chars = k->unit == WEFT_LEVEL_CHAR,
                              .keep_case = k->keep_case,
                              .keep_width = k->keep_width,
                              .std = {1, 1, 1, 1}};
}

const weft__modality weft_modality_text = {
    .name = "text",
    .noun = "texts",
    .items = WEFT_ITEM_LINES,
    .example = "'A SENTENCE'",
    .classify = "text",
    .probe = weft__texts_probe,
    .open = open,
    .takes = takes,
    .from = from,
    .close = close,
    .format = format,
    .columns = columns,
    .sample_name = sample_name,
    .fit = fit,
    .free = release,
    .save = save,
    .load = load,
    .opts_for = opts_for,
    .network = network,
    .inputs = weft__text_inputs,
    .copy_params = weft__text_copy_params,
    .loader_new = loader_new,
    .loader_free = loader_free,
    .loader_batches = loader_batches,
    .loader_start = loader_start,
    .loader_next = loader_next,
    .bind = weft__text_bind,
    .setting = setting,
    .items_new = weft__text_items_new,
    .items_free = weft__text_items_free,
    .items_put = weft__text_items_put,
    .items_batch = weft__text_items_batch,
    .line = line,
    .json = json,
    .show = show,
    .facts = weft__text_facts,
    .form = form,
    .features = weft__text_features,
    .options = weft__text_options,
    .options_size = sizeof(weft__text_args),
    .options_apply = weft__text_options_apply,
    .options_choose = weft__text_options_choose,
    .options_network = weft__text_options_network,
    .options_init = weft__text_options_init,
};
