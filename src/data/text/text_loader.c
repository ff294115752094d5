/* text_loader.c: batches of a subset of texts, in a new order every epoch.
 *
 * The texts are there as tokens already; pairs and triples are numbered once, on all
 * threads. What is in a batch depends on (seed, epoch, number) only. */
#include "base/checked.h"
#include "base/rng.h"
#include "base/thread.h"
#include "data/text/text.h"
#include "data/text/tokens.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 64, CHUNK = 64 };

typedef struct text_loader {
    weft__numbered n;
    int batch, batches, take;
    bool shuffle, similar;
    uint64_t seed;
    int32_t *length; /* of each text */
    /* With pairs: where each text's begin in gram[stream], as many as the text has
     * tokens. */
    size_t *start;
    int32_t *gram[WEFT_MAX_STREAMS];
    uint32_t *order, *part, *scratch;
    int32_t *tokens[WEFT_MAX_STREAMS], *lengths, *index;
} text_loader;

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory to number the texts");
}

/* ---- pairs and triples ---- */

typedef struct numbering {
    text_loader *l;
    int32_t **scratch; /* of each worker: the tokens of a text */
} numbering;

static void number_texts(void *arg, size_t begin, size_t end, int worker)
{
    const numbering *job = arg;
    text_loader *l = job->l;
    int32_t *tokens = job->scratch[worker];
    for (size_t i = begin; i < end; i++) {
        weft__numbered_tokens(&l->n, (int)i, tokens);
        for (int s = 1; s < l->n.k->streams; s++)
            weft__tokenize_grams(l->n.k, s, tokens, l->length[i],
                                 l->gram[s] + l->start[i]);
    }
}

static weft_status number_all(text_loader *l)
{
    int workers = weft__workers(), count = l->n.count;
    numbering job = {l, weft__alloc((size_t)workers, sizeof *job.scratch)};
    l->start = weft__alloc((size_t)count + 1, sizeof *l->start);
    bool good = job.scratch && l->start;
    for (int i = 0; i < count && good; i++)
        l->start[i + 1] = l->start[i] + (size_t)l->length[i];
    for (int s = 1; s < l->n.k->streams && good; s++)
        good =
            (l->gram[s] = weft__alloc(l->start[count] + 1, sizeof *l->gram[s])) != NULL;
    for (int w = 0; w < workers && good; w++)
        good = (job.scratch[w] =
                    weft__alloc((size_t)l->n.k->length, sizeof **job.scratch)) != NULL;
    if (good) weft__parallel((size_t)count, CHUNK, number_texts, &job);
    for (int w = 0; w < workers && job.scratch; w++) free(job.scratch[w]);
    free(job.scratch);
    return good ? WEFT_OK : no_memory();
}

/* ---- the loader ---- */

static weft_status make_room(text_loader *l)
{
    size_t n = (size_t)l->n.count + 1, b = (size_t)l->batch;
    l->length = weft__alloc(n, sizeof *l->length);
    l->order = weft__alloc(n, sizeof *l->order);
    l->scratch = weft__alloc(n, sizeof *l->scratch);
    l->part = weft__alloc(n / b + 2, sizeof *l->part);
    l->lengths = weft__alloc(b, sizeof *l->lengths);
    l->index = weft__alloc(b, sizeof *l->index);
    if (!l->length || !l->order || !l->scratch || !l->part || !l->lengths || !l->index)
        return no_memory();
    for (int i = 0; i < l->n.count; i++) l->length[i] = weft__numbered_length(&l->n, i);
    for (int s = 0; s < l->n.k->streams; s++) {
        size_t all;
        if (!weft__mul(b, (size_t)l->n.k->length, &all)) return no_memory();
        l->tokens[s] = weft__alloc(all, sizeof *l->tokens[s]);
        if (!l->tokens[s]) return no_memory();
    }
    return l->n.k->streams > 1 ? number_all(l) : WEFT_OK;
}

weft_status weft__text_loader_new(const weft_dataset *d, const weft__preprocess *p,
                                  const weft_loader_opts *o, void **out)
{
    text_loader *l = calloc(1, sizeof *l);
    int count = d->count[o->subset];
    if (!l) return no_memory();
    l->batch = o->batch;
    l->batches = count / l->batch + (!o->drop_last && count % l->batch);
    l->take = l->batches;
    l->shuffle = o->training || o->shuffle;
    l->similar = o->training ? !d->opts.text.mixed_lengths : !o->shuffle;
    l->seed = o->seed;
    weft_status s =
        weft__numbered_begin(&l->n, d->content, o->subset, weft__tokenizer_of(p));
    if (!s) s = make_room(l);
    if (s)
        weft__text_loader_free(l);
    else
        *out = l;
    return s;
}

void weft__text_loader_free(void *loader)
{
    text_loader *l = loader;
    if (!l) return;
    for (int s = 0; s < WEFT_MAX_STREAMS; s++) {
        free(l->tokens[s]);
        free(l->gram[s]);
    }
    weft__numbered_end(&l->n);
    free(l->length);
    free(l->start);
    free(l->order);
    free(l->scratch);
    free(l->part);
    free(l->lengths);
    free(l->index);
    free(l);
}

int weft__text_loader_batches(const void *l)
{
    return ((const text_loader *)l)->batches;
}

/* Orders order[0..n) by length; equal ones stay as they are. Merges runs of 1, 2, 4. */
static void sort_lengths(text_loader *l, uint32_t *order, size_t n)
{
    uint32_t *from = order, *to = l->scratch;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t start = 0; start < n; start += 2 * run) {
            size_t middle = start + run < n ? start + run : n;
            size_t end = start + 2 * run < n ? start + 2 * run : n;
            size_t a = start, b = middle;
            for (size_t i = start; i < end; i++)
                to[i] =
                    a < middle && (b >= end || l->length[from[a]] <= l->length[from[b]])
                        ? from[a++]
                        : from[b++];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order) memcpy(order, from, n * sizeof *order);
}

/* Full batches in a new order; the one that is not full stays the last. */
static void shuffle_batches(text_loader *l, weft__rng *r)
{
    size_t full = (size_t)(l->n.count / l->batch), b = (size_t)l->batch;
    for (size_t i = 0; i < full; i++) l->part[i] = (uint32_t)i;
    weft__rng_shuffle(r, l->part, full);
    for (size_t i = 0; i < full; i++)
        memcpy(l->scratch + i * b, l->order + l->part[i] * b, b * sizeof *l->order);
    memcpy(l->order, l->scratch, full * b * sizeof *l->order);
}

weft_status weft__text_loader_start(void *loader, int epoch, int first)
{
    text_loader *l = loader;
    size_t n = (size_t)l->n.count;
    weft__rng r = weft__rng_at(l->seed, WEFT_RNG_KEY(WEFT_RNG_SHUFFLE, epoch), 0);
    if (epoch < 0 || first < 0 || first > l->batches)
        return weft__fail(WEFT_EUSAGE, "epoch %d, batch %d: there are %d batches", epoch,
                          first, l->batches);
    for (size_t i = 0; i < n; i++) l->order[i] = (uint32_t)i;
    if (l->shuffle) weft__rng_shuffle(&r, l->order, n);
    if (l->similar) {
        size_t window = l->shuffle ? (size_t)l->batch * WINDOW : n;
        for (size_t at = 0; at < n; at += window)
            sort_lengths(l, l->order + at, n - at < window ? n - at : window);
        if (l->shuffle) shuffle_batches(l, &r);
    }
    l->take = first;
    return WEFT_OK;
}

/* Text `sample` as row i of the batch. */
static void put_text(text_loader *l, int sample, int i)
{
    size_t whole = (size_t)l->n.k->length, length = (size_t)l->length[sample];
    for (int s = 0; s < l->n.k->streams; s++) {
        int32_t *to = l->tokens[s] + (size_t)i * whole;
        if (s)
            memcpy(to, l->gram[s] + l->start[sample], length * sizeof *to);
        else
            weft__numbered_tokens(&l->n, sample, to);
        memset(to + length, 0, (whole - length) * sizeof *to);
    }
    l->lengths[i] = l->length[sample];
    l->index[i] = sample;
}

weft_status weft__text_loader_next(void *loader, weft_batch *out)
{
    text_loader *l = loader;
    int first = l->take * l->batch, n = l->n.count - first, longest = 0;
    *out = (weft_batch){0};
    if (l->take >= l->batches) return WEFT_OK;
    if (n > l->batch) n = l->batch;
    for (int i = 0; i < n; i++) {
        put_text(l, (int)l->order[first + i], i);
        if (l->lengths[i] > longest) longest = l->lengths[i];
    }
    l->take++;
    *out = (weft_batch){.n = n,
                        .streams = l->n.k->streams,
                        .length = l->n.k->length,
                        .longest = longest,
                        .lengths = l->lengths,
                        .index = l->index};
    for (int s = 0; s < l->n.k->streams; s++) out->tokens[s] = l->tokens[s];
    return WEFT_OK;
}
