/* text.c: texts: what goes into a network that reads tokens. */
#include "data/text/text.h"

#include "data/text/text_dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a data set ---- */

static weft_status open(const char *path, const weft_dataset_opts *o,
                        const weft__sink *sink, weft_dataset *d)
{
    weft_status s = weft__texts_open(path, o, sink, d);
    if (!s && sink->lint) weft__texts_summary(d, sink);
    return s;
}

static bool takes(const weft_arrays *a)
{
    return a->text[0] || a->text[1] || a->text[2];
}

static void close(weft_dataset *d)
{
    weft__texts_close(d->content);
}

static const char *format(const weft_dataset *d)
{
    return weft__texts_of(d)->format;
}

static const char *columns(const weft_dataset *d)
{
    return weft__texts_of(d)->columns;
}

static void sample_name(const weft_dataset *d, weft_subset s, int i, char *text,
                        size_t size)
{
    const weft__texts *t = weft__texts_of(d);
    weft__texts_where(t, t->item[s][i].file, t->item[s][i].line, text, size);
}

static bool is_text(const weft_dataset *d)
{
    return d->modality == &weft_modality_text;
}

WEFT_API const char *weft_dataset_text(const weft_dataset *d, weft_subset s, int i,
                                       size_t *bytes)
{
    bool there = is_text(d) && i >= 0 && i < weft_dataset_count(d, s);
    const weft__text_item *item = there ? &weft__texts_of(d)->item[s][i] : NULL;
    if (bytes) *bytes = item ? item->bytes : 0;
    return item ? item->text : NULL;
}

WEFT_API int64_t weft_dataset_replaced(const weft_dataset *d)
{
    return is_text(d) ? weft__texts_of(d)->replaced : 0;
}

WEFT_API const weft_tokenizer *weft_dataset_tokenizer(const weft_dataset *d)
{
    return is_text(d) && d->preprocess ? weft__tokenizer_of(d->preprocess) : NULL;
}

WEFT_API weft_status weft_tokenizer_learn(const weft_dataset *d,
                                          const weft_tokenizer_opts *opts,
                                          weft_tokenizer **out)
{
    if (!is_text(d))
        return weft__fail(WEFT_EUSAGE, "tokenizer: %s are no texts", d->modality->noun);
    return weft__tokenizer_learn(d, opts, true, out);
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
    weft_status s = weft__tokenizer_learn(d, &d->opts.text.tokenizer, true, &k);
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

static const char *setting(const weft_dataset *d, const weft__preprocess *p, char *text,
                           size_t size)
{
    char hex[65] = "?";
    weft__tokenizer_digest(weft__tokenizer_of(p), hex);
    snprintf(text, size, "%.16s%s", hex,
             d->opts.text.mixed_lengths ? ", mixed lengths" : "");
    return "tokenizer";
}

/* ---- for people ---- */

static void line(const weft__preprocess *p, char *text, size_t size)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    int n = snprintf(text, size, "tokens   %s, at most %d of a text; vocabulary %d",
                     k->granularity == WEFT_LEVEL_CHAR ? "characters" : "words",
                     weft_tokenizer_length(k), weft_tokenizer_size(k, 0));
    static const char *const what[] = {"", "pairs", "triples"};
    for (int i = 1; i < weft_tokenizer_streams(k) && n > 0 && (size_t)n < size; i++)
        n += snprintf(text + n, size - (size_t)n, ", %d %s", weft_tokenizer_size(k, i),
                      what[i]);
}

static void json(const weft__preprocess *p, weft__json *w)
{
    static const char *const key[] = {"vocabulary", "pairs", "triples"};
    const weft_tokenizer *k = weft__tokenizer_of(p);
    weft__json_text(w, "unit", k->granularity == WEFT_LEVEL_CHAR ? "char" : "word");
    weft__json_int(w, "max_length", weft_tokenizer_length(k));
    for (int i = 0; i < weft_tokenizer_streams(k); i++)
        weft__json_int(w, key[i], weft_tokenizer_size(k, i));
}

static void form(const weft__preprocess *p, weft__input_form *out)
{
    const weft_tokenizer *k = weft__tokenizer_of(p);
    *out = (weft__input_form){.input = "tokens",
                              .text = true,
                              .streams = weft_tokenizer_streams(k),
                              .length = weft_tokenizer_length(k),
                              .chars = k->granularity == WEFT_LEVEL_CHAR,
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
    .probe = weft__text_files_probe,
    .open = open,
    .takes = takes,
    .from = weft__texts_from,
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
    .loader_new = weft__text_loader_new,
    .loader_free = weft__text_loader_free,
    .loader_batches = weft__text_loader_batches,
    .loader_start = weft__text_loader_start,
    .loader_next = weft__text_loader_next,
    .bind = weft__text_bind,
    .setting = setting,
    .items_new = weft__text_items_new,
    .items_free = weft__text_items_free,
    .items_put = weft__text_items_put,
    .items_batch = weft__text_items_batch,
    .line = line,
    .json = json,
    .show = weft__text_show,
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
