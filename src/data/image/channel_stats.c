/* channel_stats.c: mean and std of each channel over the training pictures. */
#include "base/checked.h"
#include "base/error.h"
#include "base/thread.h"
#include "data/image/image_dataset.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 256 };

/* Counts of each value, by channel: exact, so the order of adding does not matter. */
typedef struct counts {
    uint64_t n[3][256];
} counts;

typedef struct job {
    const weft_dataset *d;
    counts all;
    pthread_mutex_t lock; /* of all, status, message */
    weft_status status;
    char message[1024];
} job;

static void count_pixels(const unsigned char *p, size_t pixels, int channels,
                         uint32_t part[3][256])
{
    if (channels == 1)
        for (size_t i = 0; i < pixels; i++) part[0][p[i]]++;
    else
        for (size_t i = 0; i < pixels; i++, p += 3) {
            part[0][p[0]]++;
            part[1][p[1]]++;
            part[2][p[2]]++;
        }
}

static void add_up(counts *to, uint32_t part[3][256])
{
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            to->n[c][v] += part[c][v];
            part[c][v] = 0;
        }
}

static void count_range(void *arg, size_t begin, size_t end, int worker)
{
    job *j = arg;
    const weft_dataset *d = j->d;
    const weft__images *m = weft__images_of(d);
    size_t pixels = (size_t)m->height * (size_t)m->width, since = 0;
    uint32_t part[3][256] = {{0}};
    counts sum = {{{0}}};
    unsigned char *buffer = NULL;
    weft_status s = WEFT_OK;
    (void)worker;
    for (size_t i = begin; !s && i < end; i++) {
        const unsigned char *p = weft__images_pixels(d, WEFT_SUBSET_TRAIN, (int)i);
        if (!p && !buffer) buffer = weft__alloc(m->bytes, 1);
        if (!p && !buffer)
            s = weft__fail(WEFT_ENOMEM, "no memory for a sample");
        else if (!p)
            s = weft__images_read(d, WEFT_SUBSET_TRAIN, (int)i, buffer);
        if (s) break;
        if (since > UINT32_MAX - pixels) add_up(&sum, part), since = 0;
        count_pixels(p ? p : buffer, pixels, m->channels, part);
        since += pixels;
    }
    add_up(&sum, part);
    free(buffer);
    pthread_mutex_lock(&j->lock);
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) j->all.n[c][v] += sum.n[c][v];
    if (s && !j->status) {
        j->status = s;
        snprintf(j->message, sizeof j->message, "%s", weft_last_error());
    }
    pthread_mutex_unlock(&j->lock);
}

weft_status weft__images_moments(const weft_dataset *d, float mean[4], float std[4])
{
    job j = {.d = d};
    pthread_mutex_init(&j.lock, NULL);
    if (d->opts.loader_threads <
        0) /* the caller's function may not bear several threads */
        count_range(&j, 0, (size_t)d->count[WEFT_SUBSET_TRAIN], 0);
    else
        weft__parallel((size_t)d->count[WEFT_SUBSET_TRAIN], GRAIN, count_range, &j);
    pthread_mutex_destroy(&j.lock);
    if (j.status) return weft__fail(j.status, "%s", j.message);
    for (int c = 0; c < 4; c++) mean[c] = std[c] = 0;
    for (int c = 0; c < weft__images_of(d)->channels; c++) {
        double n = 0, sum = 0, square = 0, middle;
        for (int v = 0; v < 256; v++) {
            n += (double)j.all.n[c][v];
            sum += (double)j.all.n[c][v] * v;
        }
        if (!(n > 0)) continue;
        middle = sum / n;
        for (int v = 0; v < 256; v++)
            square += (double)j.all.n[c][v] * (v - middle) * (v - middle);
        mean[c] = (float)(middle / 255);
        std[c] = (float)(sqrt(square / n) / 255);
    }
    return WEFT_OK;
}
