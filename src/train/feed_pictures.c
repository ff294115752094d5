/* feed_pictures.c: pictures as a run reads them. */
#include "train/feed.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pictures {
    weft__feed base;
    const weft_data *d;
    weft_val x;
    size_t sample; /* floats in one picture */
    weft_augment augment;
    float mean[4], deviation[4];
    int threads;
} pictures;

static const pictures *of(const weft__feed *f)
{
    return (const pictures *)f;
}

static int count(const weft__feed *f, weft_split split)
{
    return weft_data_count(of(f)->d, split);
}

static void sample_name(const weft__feed *f, weft_split split, int i, char *text,
                        size_t size)
{
    weft_data_sample_name(of(f)->d, split, i, text, size);
}

static const char *hash(const weft__feed *f)
{
    return weft_data_hash(of(f)->d);
}

static const char *setting(const weft__feed *f, char *text, size_t size)
{
    const weft_augment *a = &of(f)->augment;
    snprintf(text, size, "%g %g %d %g %g %g %g %g %d %g", a->flip, a->flip_vertical,
             a->shift, a->rotate, a->brightness, a->contrast, a->saturation, a->hue,
             a->cutout, a->mixup);
    return "augmentation";
}

static weft_status open(const weft__feed *f, const weft__feed_way *way, void **reader)
{
    const pictures *p = of(f);
    weft_loader_opts o = {.split = way->split, .batch = way->batch};
    if (way->training) {
        o.shuffle = true;
        o.seed = way->seed;
        o.augment = p->augment;
        o.threads = p->threads;
    }
    memcpy(o.mean, p->mean, sizeof o.mean);
    memcpy(o.deviation, p->deviation, sizeof o.deviation);
    weft_loader *l = NULL;
    weft_status s = weft_loader_new(p->d, &o, &l);
    if (!s) *reader = l;
    return s;
}

static void close(void *reader)
{
    weft_loader_free(reader);
}

static int batches(const void *reader)
{
    return weft_loader_batches(reader);
}

static weft_status start(void *reader, int epoch, int first)
{
    return weft_loader_start(reader, epoch, first);
}

static weft_status next(void *reader, weft__feed_batch *out)
{
    const weft_batch *b = NULL;
    weft_status s = weft_loader_next(reader, &b);
    if (!s)
        *out = b ? (weft__feed_batch){b->n, b->label, b->index, b->target, b}
                 : (weft__feed_batch){0};
    return s;
}

static weft_status put(const weft__feed *f, weft_plan *p, const weft__feed_batch *b)
{
    const weft_batch *own = b->content;
    return weft_plan_set_last(p, of(f)->x, own->x, (size_t)b->n * of(f)->sample);
}

static void release(weft__feed *f)
{
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

/* The float input of g that takes pictures of d's shape. */
static weft_status find_input(const weft_graph *g, const weft_data *d, weft_val *x)
{
    int c, h, w;
    weft_data_shape(d, &c, &h, &w);
    for (int i = 0; i < weft_input_count(g); i++) {
        weft_val v = weft_input_at(g, i);
        weft_shape s = weft_shape_of(g, v);
        if (s.rank != 4) continue;
        if (s.dim[1] != c || s.dim[2] != h || s.dim[3] != w)
            return weft__fail(
                WEFT_ESHAPE,
                "the network takes %dx%dx%d pictures (%s), the data are %dx%dx%d",
                s.dim[1], s.dim[2], s.dim[3], weft_name_of(g, v), c, h, w);
        *x = v;
        return WEFT_OK;
    }
    return weft__fail(WEFT_EUSAGE, "the network has no input for pictures");
}

weft_status weft__feed_pictures(const weft_graph *g, const weft_data *d,
                                const weft_train_opts *opts, weft__feed **out)
{
    int c, h, w;
    weft_val x = WEFT_NONE;
    weft_status s = find_input(g, d, &x);
    if (s) return s;
    pictures *p = calloc(1, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "pictures: out of memory");
    weft_data_shape(d, &c, &h, &w);
    *p = (pictures){.base = {.kind = &kind, .classes = weft_data_classes(d)},
                    .d = d,
                    .x = x,
                    .sample = (size_t)c * (size_t)h * (size_t)w,
                    .augment = opts->augment,
                    .threads = opts->loader_threads};
    p->base.soft = p->augment.mixup > 0;
    memcpy(p->mean, opts->mean, sizeof p->mean);
    memcpy(p->deviation, opts->deviation, sizeof p->deviation);
    *out = &p->base;
    return WEFT_OK;
}

void weft__feed_free(weft__feed *f)
{
    if (f) f->kind->free(f);
}
