/* prefetch.c: batches of a subset, in a new order every epoch, prepared ahead on
 * threads.
 *
 * Batch k of an epoch goes to slot k modulo the number of slots. A thread takes the
 * next number not yet taken, waits until its slot is free, fills it; the caller
 * waits for the slot of the batch it wants. What is in a batch depends on (seed,
 * epoch, k) only, so neither threads nor timing can change it. */
#include "data/prefetch.h"
#include "base/checked.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_AHEAD = 4, MOST_THREADS = 64, MOST_AHEAD = 1024 };

typedef struct slot {
    float *x, *share; /* share, partner: with mixup */
    int32_t *partner, *index;
    int n;
    bool ready;
    weft_status status;
    char message[1024];
} slot;

/* Memory of one thread. */
typedef struct workbench {
    void *scratch; /* the maker's */
    float *other;  /* a partner that is in another batch, with mixup */
} workbench;

typedef struct prefetch {
    weft__maker make;
    int batch, batches;
    bool shuffle;
    uint64_t seed;
    uint32_t *order;
    slot *slots;
    int n_slots;
    workbench *benches; /* one a thread, the last is the caller's */
    int n_benches;
    pthread_t *thread;
    int threads;

    pthread_mutex_t lock; /* of what follows, and of slot.ready */
    pthread_cond_t work, done;
    int epoch;
    int next;     /* the next batch to prepare */
    int take;     /* the next batch to hand out */
    int released; /* batches before this one are no longer in use */
    int busy;     /* threads that fill a slot now */
    bool stop;
} prefetch;

/* What a thread is told at its start. */
typedef struct seat {
    prefetch *l;
    workbench *bench;
} seat;

static weft_status load(const prefetch *l, int epoch, int sample, float *x,
                        const workbench *b)
{
    return l->make.load(l->make.of, epoch, sample, x, b->scratch);
}

/* Mixup: the samples at places 2i and 2i+1 of the epoch's order are partners, whatever
 * the batch size; the last one of an odd number is alone. */
static int partner_of(const prefetch *l, int place)
{
    int other = place ^ 1;
    return other < l->make.count ? other : place;
}

/* a = p*a + (1-p)*b and, where both are wanted, b = q*b + (1-q)*a of before. */
static void mix_pair(float *a, float p, float *b, float q, size_t n, bool both)
{
    for (size_t i = 0; i < n; i++) {
        float u = a[i], v = b[i];
        a[i] = p * u + (1 - p) * v;
        if (both) b[i] = q * v + (1 - q) * u;
    }
}

static weft_status mix(const prefetch *l, int epoch, int first, slot *s,
                       const workbench *bench)
{
    for (int i = 0; i < s->n; i++) {
        int other = partner_of(l, first + i), sample = s->index[i];
        float share = l->make.share(l->make.of, epoch, sample), his = 1;
        float *x = s->x + (size_t)i * l->make.each, *y = bench->other;
        bool inside = other >= first && other < first + s->n;
        int his_sample = (int)l->order[other];
        s->share[i] = share;
        s->partner[i] = his_sample;
        if (other == first + i || (inside && other < first + i)) continue; /* was mixed */
        if (inside) {
            y = s->x + (size_t)(other - first) * l->make.each;
            his = l->make.share(l->make.of, epoch, his_sample);
        } else {
            weft_status status = load(l, epoch, his_sample, y, bench);
            if (status) return status;
        }
        mix_pair(x, share, y, his, l->make.each, inside);
    }
    return WEFT_OK;
}

/* Fills a slot with batch k. */
static void fill(const prefetch *l, int epoch, int k, slot *s, const workbench *bench)
{
    int first = k * l->batch;
    s->n = l->make.count - first < l->batch ? l->make.count - first : l->batch;
    s->status = WEFT_OK;
    for (int i = 0; !s->status && i < s->n; i++) {
        int sample = (int)l->order[first + i];
        s->index[i] = sample;
        s->status = load(l, epoch, sample, s->x + (size_t)i * l->make.each, bench);
    }
    if (!s->status && l->make.share) s->status = mix(l, epoch, first, s, bench);
    if (s->status) snprintf(s->message, sizeof s->message, "%s", weft_last_error());
}

static bool may_make(const prefetch *l)
{
    return l->next < l->batches && l->next < l->released + l->n_slots;
}

static void *prepare(void *arg)
{
    seat *me = arg;
    prefetch *l = me->l;
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        int k, epoch = l->epoch;
        slot *s;
        if (!may_make(l)) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        k = l->next++;
        s = &l->slots[k % l->n_slots];
        l->busy++;
        pthread_mutex_unlock(&l->lock);
        fill(l, epoch, k, s, me->bench);
        pthread_mutex_lock(&l->lock);
        l->busy--;
        s->ready = true;
        pthread_cond_broadcast(&l->done);
    }
    pthread_mutex_unlock(&l->lock);
    free(me);
    return NULL;
}

/* ---- making ---- */

static weft_status check(const weft_loader_opts *o, int threads)
{
    if (threads > MOST_THREADS)
        return weft__fail(WEFT_EUSAGE, "%d loader threads: at most %d", threads,
                          MOST_THREADS);
    if (o->ahead < 0 || o->ahead > MOST_AHEAD)
        return weft__fail(WEFT_EUSAGE, "%d batches ahead: at most %d", o->ahead,
                          MOST_AHEAD);
    return WEFT_OK;
}

static weft_status make_slots(prefetch *l)
{
    size_t n = (size_t)l->batch, floats;
    bool good = weft__mul(n, l->make.each, &floats), mix = l->make.share != NULL;
    l->slots = weft__alloc((size_t)l->n_slots, sizeof *l->slots);
    good = good && l->slots;
    for (int i = 0; good && i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        s->x = weft__alloc(floats, sizeof *s->x);
        s->index = weft__alloc(n, sizeof *s->index);
        if (mix) s->share = weft__alloc(n, sizeof *s->share);
        if (mix) s->partner = weft__alloc(n, sizeof *s->partner);
        good = s->x && s->index && (!mix || (s->share && s->partner));
    }
    if (!good)
        return weft__fail(WEFT_ENOMEM, "no memory for %d batches of %d samples",
                          l->n_slots, l->batch);
    return WEFT_OK;
}

static weft_status make_bench(const prefetch *l, workbench *b)
{
    weft_status s = WEFT_OK;
    if (l->make.scratch_new) s = l->make.scratch_new(l->make.of, &b->scratch);
    if (s || !l->make.share) return s;
    b->other = weft__alloc(l->make.each, sizeof *b->other);
    return b->other ? WEFT_OK : weft__fail(WEFT_ENOMEM, "no memory for a loader");
}

/* Starts the threads. Where the system gives none, the caller prepares its batches. */
static void start_threads(prefetch *l, int wanted)
{
    l->thread = weft__alloc((size_t)wanted + 1, sizeof *l->thread);
    for (int i = 0; l->thread && i < wanted; i++) {
        seat *s = malloc(sizeof *s);
        if (!s) return;
        *s = (seat){l, &l->benches[i]};
        if (pthread_create(&l->thread[l->threads], NULL, prepare, s)) {
            free(s);
            return;
        }
        l->threads++;
    }
}

static void set_sizes(prefetch *l, const weft_loader_opts *o, int threads)
{
    int count = l->make.count;
    l->shuffle = o->shuffle || o->training;
    l->seed = o->seed;
    l->batch = o->batch;
    if (l->batch > count && !o->drop_last) l->batch = count ? count : 1;
    l->batches = count / l->batch + (count % l->batch && !o->drop_last);
    l->next = l->take = l->released = l->batches; /* until the first start */
    l->n_slots = threads ? (o->ahead ? o->ahead : DEFAULT_AHEAD) + 1 : 1;
    if (l->n_slots > l->batches + 1) l->n_slots = l->batches + 1;
}

static weft_status make_all(prefetch *l, const weft_loader_opts *o, int threads)
{
    weft_status s = check(o, threads);
    if (s) return s;
    set_sizes(l, o, threads);
    l->order = weft__alloc((size_t)l->make.count + 1, sizeof *l->order);
    l->benches = weft__alloc((size_t)threads + 1, sizeof *l->benches);
    if (!l->order || !l->benches)
        return weft__fail(WEFT_ENOMEM, "no memory for the order of %d samples",
                          l->make.count);
    for (; !s && l->n_benches <= threads; l->n_benches++)
        s = make_bench(l, &l->benches[l->n_benches]);
    return s ? s : make_slots(l);
}

weft_status weft__prefetch_new(const weft__maker *m, const weft_loader_opts *o,
                               int threads, void **out)
{
    prefetch *l = calloc(1, sizeof *l);
    if (!l) {
        m->free(m->of);
        return weft__fail(WEFT_ENOMEM, "no memory for a loader");
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    l->make = *m;
    weft_status s = make_all(l, o, threads);
    if (s) {
        weft__prefetch_free(l);
        return s;
    }
    start_threads(l, threads);
    *out = l;
    return WEFT_OK;
}

static void free_memory(prefetch *l)
{
    for (int i = 0; l->slots && i < l->n_slots; i++) {
        free(l->slots[i].x);
        free(l->slots[i].share);
        free(l->slots[i].partner);
        free(l->slots[i].index);
    }
    for (int i = 0; i < l->n_benches; i++) {
        if (l->make.scratch_free) l->make.scratch_free(l->benches[i].scratch);
        free(l->benches[i].other);
    }
    free(l->thread);
    free(l->benches);
    free(l->slots);
    free(l->order);
}

void weft__prefetch_free(void *loader)
{
    prefetch *l = loader;
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
    free_memory(l);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->done);
    pthread_mutex_destroy(&l->lock);
    l->make.free(l->make.of);
    free(l);
}

/* ---- an epoch ---- */

int weft__prefetch_batches(const void *l)
{
    return ((const prefetch *)l)->batches;
}

weft_status weft__prefetch_start(void *loader, int epoch, int first)
{
    prefetch *l = loader;
    int count = l->make.count;
    if (epoch < 0 || first < 0 || first > l->batches)
        return weft__fail(WEFT_EUSAGE, "epoch %d, batch %d: there are %d batches", epoch,
                          first, l->batches);
    pthread_mutex_lock(&l->lock);
    l->next = l->batches; /* no more of the old epoch */
    while (l->busy) pthread_cond_wait(&l->done, &l->lock);
    for (int i = 0; i < l->n_slots; i++) l->slots[i].ready = false;
    for (int i = 0; i < count; i++) l->order[i] = (uint32_t)i;
    if (l->shuffle) {
        weft__rng r = weft__rng_at(l->seed, WEFT_RNG_KEY(WEFT_RNG_SHUFFLE, epoch), 0);
        weft__rng_shuffle(&r, l->order, (size_t)count);
    }
    l->epoch = epoch;
    l->next = l->take = l->released = first;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return WEFT_OK;
}

weft_status weft__prefetch_next(void *loader, weft_batch *out)
{
    prefetch *l = loader;
    slot *s;
    pthread_mutex_lock(&l->lock);
    l->released = l->take;
    pthread_cond_broadcast(&l->work);
    if (l->take >= l->batches) {
        pthread_mutex_unlock(&l->lock);
        *out = (weft_batch){0};
        return WEFT_OK;
    }
    s = &l->slots[l->take % l->n_slots];
    if (!l->threads) {
        l->next = l->take + 1;
        fill(l, l->epoch, l->take, s, &l->benches[l->n_benches - 1]);
        s->ready = true;
    }
    while (!s->ready) pthread_cond_wait(&l->done, &l->lock);
    s->ready = false;
    l->take++;
    pthread_mutex_unlock(&l->lock);
    if (s->status) return weft__fail(s->status, "%s", s->message);
    *out = (weft_batch){.n = s->n,
                        .index = s->index,
                        .partner = s->partner,
                        .share = s->share,
                        .x = s->x};
    return WEFT_OK;
}
