/* image_scan.c: looks at every sample before training: all headers, then all pixels. */
#include "data/image/image_dataset.h"
#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8 };
#define CACHE_BYTES ((size_t)512 << 20)

/* One pass over the samples of one split of the source. */
typedef struct pass {
    weft__images *m;
    int split;
    pthread_mutex_t lock; /* of what follows */
    weft_status fatal;    /* not the fault of a sample: no memory */
    char message[1024];
} pass;

typedef struct crew {
    void (*one)(void *arg, size_t i);
    void *arg;
    size_t n;
    atomic_size_t next;
} crew;

static void work(void *arg, size_t begin, size_t end, int worker)
{
    crew *c = arg;
    (void)worker;
    for (; begin < end; begin++) {
        size_t i;
        while ((i = atomic_fetch_add(&c->next, AT_ONCE)) < c->n)
            for (size_t k = i; k < i + AT_ONCE && k < c->n; k++) c->one(c->arg, k);
    }
}

void weft__each(size_t n, int threads, void (*one)(void *arg, size_t i), void *arg)
{
    crew c = {.one = one, .arg = arg, .n = n};
    int most = weft__workers();
    if (threads < 1 || threads > most) threads = most;
    atomic_init(&c.next, 0);
    weft__parallel((size_t)threads, 1, work, &c);
}

/* Keeps the standing message as what is wrong with sample i. */
static void note_bad(pass *p, size_t i, weft_status s)
{
    weft__images *m = p->m;
    char *why = strdup(weft_last_error());
    pthread_mutex_lock(&p->lock);
    m->sample[p->split][i].bad = true;
    if (why && m->bads == m->bad_room) {
        size_t room = m->bad_room ? m->bad_room * 2 : 64;
        weft__bad *grown = realloc(m->bad, room * sizeof *grown);
        if (grown) {
            m->bad = grown;
            m->bad_room = room;
        }
    }
    if (s == WEFT_ENOMEM || !why || m->bads == m->bad_room) {
        if (!p->fatal) snprintf(p->message, sizeof p->message, "%s", weft_last_error());
        p->fatal = WEFT_ENOMEM;
        free(why);
    } else {
        m->bad[m->bads++] = (weft__bad){p->split, (int)i, why};
    }
    pthread_mutex_unlock(&p->lock);
}

static int by_place(const void *a, const void *b)
{
    const weft__bad *x = a, *y = b;
    if (x->split != y->split) return x->split < y->split ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Runs one() over all samples of all splits. */
static weft_status run(weft__images *m, int threads, void (*one)(void *arg, size_t i))
{
    weft_status s = WEFT_OK;
    for (int split = 0; !s && split < 3; split++) {
        pass p = {.m = m, .split = split};
        pthread_mutex_init(&p.lock, NULL);
        weft__each((size_t)m->source->count[split], threads, one, &p);
        pthread_mutex_destroy(&p.lock);
        if (p.fatal) s = weft__fail(p.fatal, "%s", p.message);
    }
    if (m->bads) qsort(m->bad, m->bads, sizeof *m->bad, by_place);
    return s;
}

/* Where targets are values, the name of a sample's class must be a number. */
static weft_status check_number(const pass *p, size_t i)
{
    const weft__images *m = p->m;
    int class = m->number ? m->source->label[p->split][i] : 0;
    char name[1024];
    if (!m->number || !isnan(m->number[class])) return WEFT_OK;
    m->reader->name_of(m->source, (weft_subset)p->split, (int)i, name, sizeof name);
    return weft__fail(WEFT_EDATA, "%s: \"%.80s\" is no number", name,
                      m->source->class_name[class]);
}

static void one_header(void *arg, size_t i)
{
    pass *p = arg;
    weft__sample *it = &p->m->sample[p->split][i];
    const weft__source *src = p->m->source;
    weft__picture pic = {src->channels, src->height, src->width, NULL, NULL, false};
    weft_status s = WEFT_OK;
    if (p->m->reader->header)
        s = p->m->reader->header(src, (weft_subset)p->split, (int)i, &pic);
    if (!s) s = check_number(p, i);
    if (s) {
        note_bad(p, i, s);
        return;
    }
    it->channels = (int8_t)pic.channels;
    it->height = pic.height;
    it->width = pic.width;
    it->misnamed = pic.misnamed;
}

/* Tells of pictures whose ending is another format's: each in a lint, else one and the
 * count. */
static void tell_misnamed(const weft__images *m, const weft__sink *sink)
{
    char name[1024] = "", first[1024] = "";
    size_t n = 0;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < m->source->count[s]; i++) {
            if (!m->sample[s][i].misnamed) continue;
            m->reader->name_of(m->source, (weft_subset)s, i, name, sizeof name);
            if (sink->lint)
                weft__found(sink, WEFT_WARNING, "wrong-extension",
                            "%s: the content is another format than the name says", name);
            if (!n++) memcpy(first, name, sizeof first);
        }
    if (n && !sink->lint)
        weft__found(sink, WEFT_WARNING, "wrong-extension",
                    "%s: the content is another format than the name says "
                    "(%zu such files; read by content)",
                    first, n);
}

weft_status weft__scan_headers(weft__images *m, const weft_dataset_opts *o,
                               const weft__sink *sink)
{
    weft_status s = WEFT_OK;
    for (int split = 0; split < 3; split++) {
        size_t n = (size_t)m->source->count[split];
        m->sample[split] = weft__alloc(n + 1, sizeof(weft__sample));
        if (!m->sample[split])
            return weft__fail(WEFT_ENOMEM, "no memory for %zu samples", n);
    }
    s = run(m, o->image.threads, one_header);
    if (!s) tell_misnamed(m, sink);
    return s;
}

/* A number of size and pixels; equal pictures have equal ones. */
static uint64_t digest(const weft__picture *p)
{
    const uint64_t prime = 0x9e3779b97f4a7c15u;
    size_t n = (size_t)p->height * (size_t)p->width * (size_t)p->channels, i = 0;
    uint64_t h = ((uint64_t)p->height << 32 | (uint32_t)p->width) * prime;
    h = (h ^ (uint64_t)p->channels) * prime;
    for (; i < n; i += 8) {
        uint64_t w = 0;
        memcpy(&w, p->pixels + i, n - i < 8 ? n - i : 8);
        h = (h ^ w) * prime;
        h ^= h >> 29;
    }
    h ^= h >> 32;
    return h ? h : 1;
}

static void one_picture(void *arg, size_t i)
{
    pass *p = arg;
    weft__images *m = p->m;
    const weft__source *src = m->source;
    weft__sample *it = &m->sample[p->split][i];
    unsigned char *to = m->cache[p->split];
    weft__picture pic;
    weft_status s;
    if (it->bad) return;
    s = m->reader->read(src, (weft_subset)p->split, (int)i, &pic);
    if (!s) {
        it->digest = digest(&pic);
        if (to)
            s = weft__picture_fit(&pic, m->channels, m->height, m->width, m->fit,
                                  to + i * m->bytes);
        free(pic.pixels);
    }
    if (s) note_bad(p, i, s);
}

/* The samples lie in memory as they are: nothing to decode. */
static void one_digest(void *arg, size_t i)
{
    pass *p = arg;
    const weft__source *src = p->m->source;
    weft__picture pic = {src->channels, src->height, src->width, NULL, NULL, false};
    size_t bytes = (size_t)pic.channels * (size_t)pic.height * (size_t)pic.width;
    pic.pixels = (unsigned char *)(uintptr_t)(src->pixels[p->split] + i * bytes);
    p->m->sample[p->split][i].digest = digest(&pic);
}

/* Room for all samples at the set's size, if that is not too much. */
static void make_cache(weft__images *m)
{
    size_t limit = weft__cpu_memory() / 4, total = 0;
    if (limit > CACHE_BYTES) limit = CACHE_BYTES;
    for (int s = 0; s < 3; s++) {
        size_t bytes;
        if (!weft__mul((size_t)m->source->count[s], m->bytes, &bytes)) return;
        if (bytes > limit - total) return;
        total += bytes;
    }
    for (int s = 0; s < 3; s++) {
        if (m->source->count[s])
            m->cache[s] = weft__alloc((size_t)m->source->count[s], m->bytes);
        if (m->source->count[s] && !m->cache[s]) {
            for (; s >= 0; s--) {
                free(m->cache[s]);
                m->cache[s] = NULL;
            }
            return; /* does without */
        }
    }
    for (int s = 0; s < 3; s++) m->pixels[s] = m->cache[s];
}

weft_status weft__scan_pixels(weft__images *m, const weft_dataset_opts *o,
                              const weft__sink *sink)
{
    const weft__source *src = m->source;
    (void)sink;
    if (src->pixels[0] && src->channels == m->channels && src->height == m->height &&
        src->width == m->width) {
        for (int s = 0; s < 3; s++) m->pixels[s] = src->pixels[s];
        return o->image.no_check ? WEFT_OK : run(m, o->image.threads, one_digest);
    }
    if (o->image.no_check) return WEFT_OK;
    if (!sink->lint) make_cache(m);
    return run(m, o->image.threads, one_picture);
}

static const char *why_of(const void *set, size_t i)
{
    const weft__images *m = set;
    return m->bad[i].why;
}

static void name_of(const void *set, size_t i, char *text, size_t size)
{
    const weft__images *m = set;
    m->reader->name_of(m->source, (weft_subset)m->bad[i].split, m->bad[i].index, text,
                       size);
}

weft_status weft__scan_bad_samples(const weft__images *m, const weft_dataset_opts *o,
                                   const weft__sink *sink)
{
    weft__bad_samples b = {m->path, m->bads, 0, m, why_of, name_of};
    for (int k = 0; k < 3; k++) b.all += (size_t)m->source->count[k];
    return weft__check_bad_samples(&b, o, sink);
}
