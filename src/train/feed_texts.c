/* feed_texts.c: texts as a run reads them. */
#include "train/feed.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct texts {
    weft__feed base;
    const weft_texts *t;
    const weft_tokenizer *k;
    weft__text_inputs in;
    int32_t *class_of; /* NULL: classes are the network's own */
    bool mixed_lengths;
    char digest[65]; /* of the tokenizer: another numbers the same texts otherwise */
} texts;

/* A split being read. */
typedef struct reader {
    const texts *of;
    weft_text_loader *loader;
    int32_t *label; /* [batch], renumbered; NULL with class_of NULL */
} reader;

static const texts *of(const weft__feed *f)
{
    return (const texts *)f;
}

static int count(const weft__feed *f, weft_split split)
{
    return weft_texts_count(of(f)->t, split);
}

static void sample_name(const weft__feed *f, weft_split split, int i, char *text,
                        size_t size)
{
    weft_texts_sample_name(of(f)->t, split, i, text, size);
}

static const char *hash(const weft__feed *f)
{
    return weft_texts_hash(of(f)->t);
}

static const char *setting(const weft__feed *f, char *text, size_t size)
{
    snprintf(text, size, "%.16s%s", of(f)->digest,
             of(f)->mixed_lengths ? ", mixed lengths" : "");
    return "tokenizer";
}

static void close(void *from)
{
    reader *r = from;
    if (!r) return;
    weft_text_loader_free(r->loader);
    free(r->label);
    free(r);
}

static weft_status open(const weft__feed *f, const weft__feed_way *way, void **out)
{
    const texts *t = of(f);
    weft_text_loader_opts o = {.split = way->split,
                               .batch = way->batch,
                               .shuffle = way->training,
                               .similar = !way->training || !t->mixed_lengths,
                               .seed = way->seed};
    reader *r = calloc(1, sizeof *r);
    if (!r) return weft__fail(WEFT_ENOMEM, "texts: out of memory");
    r->of = t;
    weft_status s = weft_text_loader_new(t->t, t->k, &o, &r->loader);
    if (!s && t->class_of) {
        r->label = weft__alloc((size_t)way->batch, sizeof *r->label);
        if (!r->label) s = weft__fail(WEFT_ENOMEM, "texts: out of memory");
    }
    if (s)
        close(r);
    else
        *out = r;
    return s;
}

static int batches(const void *from)
{
    return weft_text_loader_batches(((const reader *)from)->loader);
}

static weft_status start(void *from, int epoch, int first)
{
    return weft_text_loader_start(((reader *)from)->loader, epoch, first);
}

static weft_status next(void *from, weft__feed_batch *out)
{
    reader *r = from;
    const weft_text_batch *b = NULL;
    weft_status s = weft_text_loader_next(r->loader, &b);
    if (s) return s;
    *out =
        b ? (weft__feed_batch){b->n, b->label, b->index, NULL, b} : (weft__feed_batch){0};
    for (int i = 0; i < out->n && r->label; i++)
        r->label[i] = r->of->class_of[b->label[i]];
    if (r->label) out->label = r->label;
    return WEFT_OK;
}

static weft_status put(const weft__feed *f, weft_plan *p, const weft__feed_batch *b)
{
    const weft_text_batch *own = b->content;
    return weft__text_inputs_put(&of(f)->in, p, b->n, own->tokens, own->lengths);
}

static void release(weft__feed *f)
{
    free(((texts *)f)->class_of);
    free(f);
}

static const weft__feed_kind kind = {
    .count = count,
    .sample_name = sample_name,
    .hash = hash,
    .setting = setting,
    .open = open,
    .close = close,
    .batches = batches,
    .start = start,
    .next = next,
    .put = put,
    .free = release,
};

static void digest_of(const weft_tokenizer *k, char hex[65])
{
    weft_meta *m = weft_meta_new();
    const char *json = NULL;
    unsigned char digest[32];
    weft__sha256 sha;
    if (m && !weft_tokenizer_describe(k, m)) json = weft_meta_get(m, "weft.tokenizer");
    if (json) {
        weft__sha256_start(&sha);
        weft__sha256_add(&sha, json, strlen(json));
        weft__sha256_end(&sha, digest);
        weft__hex(hex, digest, sizeof digest);
    }
    weft_meta_free(m);
}

weft_status weft__feed_texts(const weft_graph *g, const weft_texts *t,
                             const weft_tokenizer *k, const weft_train_opts *opts,
                             const int32_t *class_of, int classes, weft__feed **out)
{
    weft__text_inputs in;
    size_t own = (size_t)weft_texts_classes(t);
    weft_status s = weft__text_inputs_find(g, &in);
    if (!s) s = weft__text_inputs_fit(&in, k);
    if (s) return s;
    texts *f = calloc(1, sizeof *f);
    int32_t *copy = class_of ? weft__alloc(own, sizeof *copy) : NULL;
    if (!f || (class_of && !copy)) {
        free(f);
        free(copy);
        return weft__fail(WEFT_ENOMEM, "texts: out of memory");
    }
    if (copy) memcpy(copy, class_of, own * sizeof *copy);
    *f = (texts){.base = {.kind = &kind, .classes = classes},
                 .t = t,
                 .k = k,
                 .in = in,
                 .class_of = copy,
                 .mixed_lengths = opts->mixed_lengths,
                 .digest = "?"};
    if (opts->run_dir) digest_of(k, f->digest); /* for its checkpoints */
    *out = &f->base;
    return WEFT_OK;
}
