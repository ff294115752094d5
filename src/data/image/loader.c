/* loader.c: pictures of a subset as batches of floats: read, changed at random,
 * normalized. */
#include "data/image/augment.h"
#include "data/prefetch.h"
#include "data/image/image_dataset.h"

#include <stdlib.h>

typedef struct pictures {
    const weft_dataset *d;
    weft_subset subset;
    weft__augmenter augmenter;
} pictures;

static void release(void *of)
{
    pictures *p = of;
    weft__augmenter_free(&p->augmenter);
    free(p);
}

static weft_status scratch_new(const void *of, void **out)
{
    weft__scratch *s = calloc(1, sizeof *s);
    if (!s) return weft__fail(WEFT_ENOMEM, "no memory for a loader");
    *out = s;
    return weft__scratch_make(s, &((const pictures *)of)->augmenter);
}

static void scratch_free(void *scratch)
{
    if (scratch) weft__scratch_free(scratch);
    free(scratch);
}

static weft_status load(const void *of, int epoch, int sample, float *x, void *memory)
{
    const pictures *p = of;
    weft__scratch *scratch = memory;
    const unsigned char *pixels = weft__images_pixels(p->d, p->subset, sample);
    if (!pixels) {
        weft_status s = weft__images_read(p->d, p->subset, sample, scratch->pixels);
        if (s) return s;
        pixels = scratch->pixels;
    }
    weft__augment(&p->augmenter, epoch, sample, pixels, x, scratch);
    return WEFT_OK;
}

static float share(const void *of, int epoch, int sample)
{
    return weft__mixup_share(&((const pictures *)of)->augmenter, epoch, sample);
}

/* Of a subset that is only shuffled a few batches are wanted: none are prepared
 * ahead. */
static int threads_for(const weft_dataset *d, const weft_loader_opts *o)
{
    int threads = d->opts.loader_threads;
    if (threads < 0 || (o->shuffle && !o->training)) return 0;
    return o->training && threads ? threads : 1;
}

weft_status weft__image_loader_new(const weft_dataset *d, const weft__preprocess *base,
                                   const weft_loader_opts *o, void **out)
{
    static const weft_augment none;
    const weft__image_preprocess *p = weft__image_preprocess_of(base);
    const weft__images *m = weft__images_of(d);
    const weft_augment *how = o->training ? &d->opts.image.augment : &none;
    if (m->channels != p->channels || m->height != p->height || m->width != p->width)
        return weft__fail(
            WEFT_ESHAPE, "the model takes %dx%dx%d pictures, the data are %dx%dx%d",
            p->channels, p->height, p->width, m->channels, m->height, m->width);
    pictures *of = calloc(1, sizeof *of);
    if (!of) return weft__fail(WEFT_ENOMEM, "no memory for a loader");
    of->d = d;
    of->subset = o->subset;
    weft_status s = weft__augmenter_make(&of->augmenter, p, how, o->seed);
    if (s) {
        free(of);
        return s;
    }
    const weft__maker maker = {.of = of,
                               .free = release,
                               .count = d->count[o->subset],
                               .each = m->bytes,
                               .scratch_new = scratch_new,
                               .scratch_free = scratch_free,
                               .load = load,
                               .share = how->mixup > 0 ? share : NULL};
    return weft__prefetch_new(&maker, o, threads_for(d, o), out);
}
