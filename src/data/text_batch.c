/* text_batch.c: batches of a split of texts, in a new order every epoch.
 *
 * All texts are tokenized once, on all threads; a batch is a copy. What is in it depends
 * on (seed, epoch, number) only. */
#include "base/checked.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/thread.h"
#include "data/text/loader.h"
#include "data/texts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BATCH = 64, MOST_BATCH = 1 << 20, WINDOW = 64, CHUNK = 64 };

struct weft__text_loader {
    weft__texts *t;
    const weft_tokenizer *k;
    weft_subset split;
    int count, batch, batches, take;
    bool shuffle, similar;
    uint64_t seed;
    int32_t **ids;   /* of each text: `streams` runs of its length */
    int32_t *length; /* of each text */
    int32_t **chunk; /* memory of CHUNK texts */
    size_t chunks;
    uint32_t *order, *part, *scratch;
    int32_t *tokens[WEFT_MAX_STREAMS], *lengths, *index;
    weft__text_batch out;
};

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory to number the texts");
}

/* ---- numbering ---- */

typedef struct numbering {
    weft__text_loader *l;
    int32_t **scratch; /* of each worker: CHUNK texts in full length, all streams */
    const weft__segmented *seg;
    const int32_t *number;
    _Atomic int failed;
} numbering;

/* Texts of one chunk, packed into memory of its own. */
static bool number_chunk(numbering *job, size_t chunk, int worker)
{
    weft__text_loader *l = job->l;
    int first = (int)(chunk * CHUNK), end = first + CHUNK, streams = l->k->streams;
    size_t whole = (size_t)l->k->length, used = 0;
    int32_t *wide = job->scratch[worker], *p;
    if (end > l->count) end = l->count;
    for (int i = first; i < end; i++) {
        int32_t *ids[WEFT_MAX_STREAMS] = {0};
        for (int s = 0; s < streams; s++)
            ids[s] = wide + ((size_t)(i - first) * (size_t)streams + (size_t)s) * whole;
        l->length[i] =
            weft__segmented_ids(job->seg, l->k, job->number, l->split, i, ids, NULL);
        used += (size_t)l->length[i] * (size_t)streams;
    }
    p = l->chunk[chunk] = weft__alloc(used + 1, sizeof *p);
    if (!p) return false;
    for (int i = first; i < end; i++) {
        size_t n = (size_t)l->length[i];
        l->ids[i] = p;
        for (int s = 0; s < streams; s++, p += n)
            memcpy(p, wide + ((size_t)(i - first) * (size_t)streams + (size_t)s) * whole,
                   n * sizeof *p);
    }
    return true;
}

static void number_task(void *arg, size_t begin, size_t end, int worker)
{
    numbering *job = arg;
    for (; begin < end; begin++)
        if (!number_chunk(job, begin, worker)) atomic_store(&job->failed, 1);
}

static weft_status number_all(weft__text_loader *l)
{
    int workers = weft__workers();
    size_t each = (size_t)l->k->streams * (size_t)l->k->length * CHUNK;
    numbering job = {.l = l};
    int32_t *number = NULL;
    weft_status s = weft__texts_segment(l->t, l->k->unit, l->k->keep_case, l->k->keep_width,
                                        &job.seg);
    if (s) return s;
    job.number = number = weft__segmented_numbers(job.seg, l->k);
    job.scratch = weft__alloc((size_t)workers, sizeof *job.scratch);
    if (!job.scratch || !number) s = no_memory();
    for (int w = 0; !s && w < workers; w++) {
        job.scratch[w] = weft__alloc(each, sizeof **job.scratch);
        if (!job.scratch[w]) s = no_memory();
    }
    if (!s) weft__parallel(l->chunks, 1, number_task, &job);
    if (!s && atomic_load(&job.failed)) s = no_memory();
    for (int w = 0; job.scratch && w < workers; w++) free(job.scratch[w]);
    free(job.scratch);
    free(number);
    return s;
}

/* ---- the loader ---- */

static weft_status make_room(weft__text_loader *l)
{
    size_t n = (size_t)l->count + 1, b = (size_t)l->batch;
    l->chunks = ((size_t)l->count + CHUNK - 1) / CHUNK;
    l->ids = weft__alloc(n, sizeof *l->ids);
    l->length = weft__alloc(n, sizeof *l->length);
    l->chunk = weft__alloc(l->chunks + 1, sizeof *l->chunk);
    l->order = weft__alloc(n, sizeof *l->order);
    l->scratch = weft__alloc(n, sizeof *l->scratch);
    l->part = weft__alloc(n / b + 2, sizeof *l->part);
    l->lengths = weft__alloc(b, sizeof *l->lengths);
    l->index = weft__alloc(b, sizeof *l->index);
    if (!l->ids || !l->length || !l->chunk || !l->order || !l->scratch || !l->part ||
        !l->lengths || !l->index)
        return no_memory();
    for (int s = 0; s < l->k->streams; s++) {
        size_t all;
        if (!weft__mul(b, (size_t)l->k->length, &all)) return no_memory();
        l->tokens[s] = weft__alloc(all, sizeof *l->tokens[s]);
        if (!l->tokens[s]) return no_memory();
    }
    return WEFT_OK;
}

weft_status weft__text_loader_new(weft__texts *t, const weft_tokenizer *k,
                                 const weft__text_loader_opts *opts,
                                 weft__text_loader **out)
{
    weft__text_loader_opts o = opts ? *opts : (weft__text_loader_opts){0};
    weft__text_loader *l;
    weft_status s;
    if (o.batch < 0 || o.batch > MOST_BATCH)
        return weft__fail(WEFT_EUSAGE, "batches of %d texts: 1 to %d", o.batch,
                          MOST_BATCH);
    if ((int)o.split < WEFT_SUBSET_TRAIN || o.split > WEFT_SUBSET_TEST)
        return weft__fail(WEFT_EUSAGE, "there is no split %d", (int)o.split);
    l = calloc(1, sizeof *l);
    if (!l) return no_memory();
    l->t = t;
    l->k = k;
    l->split = o.split;
    l->count = weft__texts_count(t, o.split);
    l->batch = o.batch ? o.batch : DEFAULT_BATCH;
    l->batches = l->count / l->batch + (!o.drop_last && l->count % l->batch);
    l->take = l->batches;
    l->shuffle = o.shuffle;
    l->similar = o.similar;
    l->seed = o.seed;
    s = make_room(l);
    if (!s) s = number_all(l);
    if (s)
        weft__text_loader_free(l);
    else
        *out = l;
    return s;
}

void weft__text_loader_free(weft__text_loader *l)
{
    if (!l) return;
    for (size_t i = 0; l->chunk && i < l->chunks; i++) free(l->chunk[i]);
    for (int s = 0; s < WEFT_MAX_STREAMS; s++) free(l->tokens[s]);
    free(l->chunk);
    free(l->ids);
    free(l->length);
    free(l->order);
    free(l->scratch);
    free(l->part);
    free(l->lengths);
    free(l->index);
    free(l);
}

int weft__text_loader_batches(const weft__text_loader *l)
{
    return l->batches;
}

/* Orders order[0..n) by length; equal ones stay as they are. Merges runs of 1, 2, 4. */
static void sort_lengths(weft__text_loader *l, uint32_t *order, size_t n)
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
        uint32_t *kept = from;
        from = to;
        to = kept;
    }
    if (from != order) memcpy(order, from, n * sizeof *order);
}

/* Full batches in a new order; the one that is not full stays the last. */
static void shuffle_batches(weft__text_loader *l, weft__rng *r)
{
    size_t full = (size_t)(l->count / l->batch), b = (size_t)l->batch;
    for (size_t i = 0; i < full; i++) l->part[i] = (uint32_t)i;
    weft__rng_shuffle(r, l->part, full);
    for (size_t i = 0; i < full; i++)
        memcpy(l->scratch + i * b, l->order + l->part[i] * b, b * sizeof *l->order);
    memcpy(l->order, l->scratch, full * b * sizeof *l->order);
}

weft_status weft__text_loader_start(weft__text_loader *l, int epoch, int first)
{
    size_t n = (size_t)l->count;
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

weft_status weft__text_loader_next(weft__text_loader *l, const weft__text_batch **out)
{
    size_t whole = (size_t)l->k->length;
    int first = l->take < l->batches ? l->take * l->batch : l->count;
    int n = l->count - first < l->batch ? l->count - first : l->batch, longest = 0;
    if (l->take >= l->batches) {
        *out = NULL;
        return WEFT_OK;
    }
    for (int i = 0; i < n; i++) {
        int sample = (int)l->order[first + i];
        size_t length = (size_t)l->length[sample];
        for (int s = 0; s < l->k->streams; s++) {
            int32_t *to = l->tokens[s] + (size_t)i * whole;
            memcpy(to, l->ids[sample] + (size_t)s * length, length * sizeof *to);
            memset(to + length, 0, (whole - length) * sizeof *to);
        }
        l->lengths[i] = l->length[sample];
        l->index[i] = sample;
        if (l->length[sample] > longest) longest = l->length[sample];
    }
    l->take++;
    l->out = (weft__text_batch){.n = n,
                               .streams = l->k->streams,
                               .length = l->k->length,
                               .longest = longest,
                               .lengths = l->lengths,
                               .index = l->index};
    for (int s = 0; s < l->k->streams; s++) l->out.tokens[s] = l->tokens[s];
    *out = &l->out;
    return WEFT_OK;
}
