/* batch.c: batches of a split, in a new order every epoch, prepared ahead on threads.
 *
 * Batch k of an epoch goes to slot k modulo the number of slots. A thread takes the next
 * number not yet taken, waits until its slot is free, fills it; the caller waits for the
 * slot of the batch it wants. What is in a batch depends on (seed, epoch, k) only, so
 * neither threads nor timing can change it. */
#include "base/checked.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/augment.h"
#include "data/set.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BATCH = 64, DEFAULT_AHEAD = 4, MOST_THREADS = 64, MOST_AHEAD = 1024 };

typedef struct slot {
    float *x, *share; /* share, partner: with mixup */
    int32_t *partner, *index;
    int n;
    bool ready;
    weft_status status;
    char message[1024];
} slot;

struct weft__image_loader {
    const weft__images *d;
    weft__augmenter augmenter;
    weft_subset split;
    int count, batch, batches;
    bool shuffle, mix;
    size_t values; /* floats of one sample */
    uint32_t *order;
    slot *slots;
    int n_slots;
    weft__scratch *scratch; /* one a thread, the last is the caller's */
    int n_scratch;
    pthread_t *thread;
    int threads;
    weft__image_batch out;

    pthread_mutex_t lock; /* of what follows, and of slot.ready */
    pthread_cond_t work, done;
    int epoch;
    int make;     /* the next batch to prepare */
    int take;     /* the next batch to hand out */
    int released; /* batches before this one are no longer in use */
    int busy;     /* threads that fill a slot now */
    bool stop;
};

/* What a thread is told at its start. */
typedef struct seat {
    weft__image_loader *l;
    weft__scratch *scratch;
} seat;

/* One sample to x. */
static weft_status load(const weft__image_loader *l, int epoch, int sample, float *x,
                        weft__scratch *scratch)
{
    const unsigned char *p = weft__images_pixels(l->d, l->split, sample);
    if (!p) {
        weft_status s = weft__images_read(l->d, l->split, sample, scratch->pixels);
        if (s) return s;
        p = scratch->pixels;
    }
    weft__augment(&l->augmenter, epoch, sample, p, x, scratch);
    return WEFT_OK;
}

/* Mixup: the samples at places 2i and 2i+1 of the epoch's order are partners, whatever
 * the batch size; the last one of an odd number is alone. */
static int partner_of(const weft__image_loader *l, int place)
{
    int other = place ^ 1;
    return other < l->count ? other : place;
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

static weft_status mix(const weft__image_loader *l, int epoch, int first, slot *s,
                       weft__scratch *scratch)
{
    for (int i = 0; i < s->n; i++) {
        int other = partner_of(l, first + i), sample = s->index[i];
        float share = weft__mixup_share(&l->augmenter, epoch, sample), his = 1;
        float *x = s->x + (size_t)i * l->values, *y = scratch->other;
        bool inside = other >= first && other < first + s->n;
        int his_sample = (int)l->order[other];
        s->share[i] = share;
        s->partner[i] = his_sample;
        if (other == first + i || (inside && other < first + i)) continue; /* was mixed */
        if (inside) {
            y = s->x + (size_t)(other - first) * l->values;
            his = weft__mixup_share(&l->augmenter, epoch, his_sample);
        } else {
            weft_status status = load(l, epoch, his_sample, y, scratch);
            if (status) return status;
        }
        mix_pair(x, share, y, his, l->values, inside);
    }
    return WEFT_OK;
}

/* Fills a slot with batch k. */
static void fill(const weft__image_loader *l, int epoch, int k, slot *s, weft__scratch *scratch)
{
    int first = k * l->batch;
    s->n = l->count - first < l->batch ? l->count - first : l->batch;
    s->status = WEFT_OK;
    for (int i = 0; !s->status && i < s->n; i++) {
        int sample = (int)l->order[first + i];
        s->index[i] = sample;
        s->status = load(l, epoch, sample, s->x + (size_t)i * l->values, scratch);
    }
    if (!s->status && l->mix) s->status = mix(l, epoch, first, s, scratch);
    if (s->status) snprintf(s->message, sizeof s->message, "%s", weft_last_error());
}

static bool may_make(const weft__image_loader *l)
{
    return l->make < l->batches && l->make < l->released + l->n_slots;
}

static void *prepare(void *arg)
{
    seat *me = arg;
    weft__image_loader *l = me->l;
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        int k, epoch = l->epoch;
        slot *s;
        if (!may_make(l)) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        k = l->make++;
        s = &l->slots[k % l->n_slots];
        l->busy++;
        pthread_mutex_unlock(&l->lock);
        fill(l, epoch, k, s, me->scratch);
        pthread_mutex_lock(&l->lock);
        l->busy--;
        s->ready = true;
        pthread_cond_broadcast(&l->done);
    }
    pthread_mutex_unlock(&l->lock);
    free(me);
    return NULL;
}

static weft_status check(const weft__image_loader_opts *o)
{
    if (o->split != WEFT_SUBSET_TRAIN && o->split != WEFT_SUBSET_VAL && o->split != WEFT_SUBSET_TEST)
        return weft__fail(WEFT_EUSAGE, "there is no split %d", (int)o->split);
    if (o->batch < 0 || o->batch > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "a batch of %d samples: 1 to %d", o->batch,
                          1 << 20);
    if (o->threads > MOST_THREADS)
        return weft__fail(WEFT_EUSAGE, "%d loader threads: at most %d", o->threads,
                          MOST_THREADS);
    if (o->ahead < 0 || o->ahead > MOST_AHEAD)
        return weft__fail(WEFT_EUSAGE, "%d batches ahead: at most %d", o->ahead,
                          MOST_AHEAD);
    return WEFT_OK;
}

static weft_status make_slots(weft__image_loader *l)
{
    size_t n = (size_t)l->batch, values;
    bool good = weft__mul(n, l->values, &values);
    l->slots = weft__alloc((size_t)l->n_slots, sizeof *l->slots);
    good = good && l->slots;
    for (int i = 0; good && i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        s->x = weft__alloc(values, sizeof *s->x);
        s->index = weft__alloc(n, sizeof *s->index);
        s->share = weft__alloc(n, sizeof *s->share);
        s->partner = weft__alloc(n, sizeof *s->partner);
        good = s->x && s->index && s->share && s->partner;
    }
    if (!good)
        return weft__fail(WEFT_ENOMEM, "no memory for %d batches of %d samples",
                          l->n_slots, l->batch);
    return WEFT_OK;
}

/* Starts the threads. Where the system gives none, the caller prepares its batches. */
static void start_threads(weft__image_loader *l, int wanted)
{
    l->thread = weft__alloc((size_t)wanted + 1, sizeof *l->thread);
    for (int i = 0; l->thread && i < wanted; i++) {
        seat *s = malloc(sizeof *s);
        if (!s) return;
        *s = (seat){l, &l->scratch[i]};
        if (pthread_create(&l->thread[l->threads], NULL, prepare, s)) {
            free(s);
            return;
        }
        l->threads++;
    }
}

static void set_sizes(weft__image_loader *l, const weft__image_loader_opts *o, int threads)
{
    const weft__images *d = l->d;
    l->split = o->split;
    l->shuffle = o->shuffle;
    l->mix = o->augment.mixup > 0;
    l->count = d->count[o->split];
    l->batch = o->batch ? o->batch : DEFAULT_BATCH;
    if (l->batch > l->count && !o->drop_last) l->batch = l->count ? l->count : 1;
    l->batches = l->count / l->batch + (l->count % l->batch && !o->drop_last);
    l->make = l->take = l->released = l->batches; /* until the first start */
    l->values = d->bytes;
    l->n_slots = threads ? (o->ahead ? o->ahead : DEFAULT_AHEAD) + 1 : 1;
    if (l->n_slots > l->batches + 1) l->n_slots = l->batches + 1;
}

weft_status weft__image_loader_new(const weft__images *d, const weft__image_loader_opts *opts,
                            weft__image_loader **out)
{
    const weft__image_loader_opts o = opts ? *opts : (weft__image_loader_opts){0};
    int threads = o.threads < 0 ? 0 : o.threads ? o.threads : 1;
    weft__image_loader *l;
    weft_status s = check(&o);
    if (s) return s;
    l = calloc(1, sizeof *l);
    if (!l) return weft__fail(WEFT_ENOMEM, "no memory for a loader");
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    l->d = d;
    set_sizes(l, &o, threads);
    s = weft__augmenter_make(&l->augmenter, d, &o);
    l->order = weft__alloc((size_t)l->count + 1, sizeof *l->order);
    l->scratch = weft__alloc((size_t)threads + 1, sizeof *l->scratch);
    if (!s && (!l->order || !l->scratch))
        s = weft__fail(WEFT_ENOMEM, "no memory for the order of %d samples", l->count);
    for (; !s && l->n_scratch <= threads; l->n_scratch++)
        s = weft__scratch_make(&l->scratch[l->n_scratch], &l->augmenter);
    if (!s) s = make_slots(l);
    if (s) {
        weft__image_loader_free(l);
        return s;
    }
    start_threads(l, threads);
    *out = l;
    return WEFT_OK;
}

void weft__image_loader_free(weft__image_loader *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
    for (int i = 0; l->slots && i < l->n_slots; i++) {
        free(l->slots[i].x);
        free(l->slots[i].share);
        free(l->slots[i].partner);
        free(l->slots[i].index);
    }
    for (int i = 0; l->scratch && i < l->n_scratch; i++)
        weft__scratch_free(&l->scratch[i]);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->done);
    pthread_mutex_destroy(&l->lock);
    weft__augmenter_free(&l->augmenter);
    free(l->thread);
    free(l->scratch);
    free(l->slots);
    free(l->order);
    free(l);
}

int weft__image_loader_batches(const weft__image_loader *l)
{
    return l->batches;
}

weft_status weft__image_loader_start(weft__image_loader *l, int epoch, int first)
{
    if (epoch < 0 || first < 0 || first > l->batches)
        return weft__fail(WEFT_EUSAGE, "epoch %d, batch %d: there are %d batches", epoch,
                          first, l->batches);
    pthread_mutex_lock(&l->lock);
    l->make = l->batches; /* no more of the old epoch */
    while (l->busy) pthread_cond_wait(&l->done, &l->lock);
    for (int i = 0; i < l->n_slots; i++) l->slots[i].ready = false;
    for (int i = 0; i < l->count; i++) l->order[i] = (uint32_t)i;
    if (l->shuffle) {
        weft__rng r =
            weft__rng_at(l->augmenter.seed, WEFT_RNG_KEY(WEFT_RNG_SHUFFLE, epoch), 0);
        weft__rng_shuffle(&r, l->order, (size_t)l->count);
    }
    l->epoch = epoch;
    l->make = l->take = l->released = first;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return WEFT_OK;
}

weft_status weft__image_loader_next(weft__image_loader *l, const weft__image_batch **out)
{
    slot *s;
    pthread_mutex_lock(&l->lock);
    l->released = l->take;
    pthread_cond_broadcast(&l->work);
    if (l->take >= l->batches) {
        pthread_mutex_unlock(&l->lock);
        *out = NULL;
        return WEFT_OK;
    }
    s = &l->slots[l->take % l->n_slots];
    if (!l->threads) {
        l->make = l->take + 1;
        fill(l, l->epoch, l->take, s, &l->scratch[l->n_scratch - 1]);
        s->ready = true;
    }
    while (!s->ready) pthread_cond_wait(&l->done, &l->lock);
    s->ready = false;
    l->take++;
    pthread_mutex_unlock(&l->lock);
    if (s->status) return weft__fail(s->status, "%s", s->message);
    l->out = (weft__image_batch){s->n, s->x, s->index, l->mix ? s->partner : NULL,
                                 l->mix ? s->share : NULL};
    *out = &l->out;
    return WEFT_OK;
}
