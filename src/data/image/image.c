/* image.c: pictures: what goes into a convolutional network. */
#include "data/image/image.h"

#include "base/checked.h"
#include "base/error.h"
#include "data/set.h"
#include "store/meta_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fit_names[] = {"stretch", "crop", "letterbox"};
static const char *const pillow_names[] = {"STRETCH", "CROP", "LETTERBOX"};

static const weft__images *images(const weft_dataset *d)
{
    return d->content;
}

static const weft__image_preprocess *own(const weft__preprocess *p)
{
    return (const weft__image_preprocess *)p;
}

/* ---- a data set ---- */

static weft__images_opts opts_of(const weft_dataset_opts *o)
{
    return (weft__images_opts){.height = o->image.height,
                               .width = o->image.width,
                               .channels = o->image.channels,
                               .fit = o->image.fit,
                               .val = o->val,
                               .test = o->test,
                               .val_fraction = o->val_fraction,
                               .no_val = o->no_val,
                               .seed = o->seed,
                               .plain_split = o->target == WEFT_TARGET_VALUES,
                               .skip_bad = o->skip_bad,
                               .skip_bad_max = o->skip_bad_max,
                               .bad_list = o->bad_list,
                               .max_megapixels = o->image.max_megapixels,
                               .no_check = o->image.no_check,
                               .threads = o->image.threads};
}

/* What the set says of its samples, into d. */
static weft_status describe(weft_dataset *d, const weft__images *s)
{
    weft_status status = WEFT_OK;
    snprintf(d->hash, sizeof d->hash, "%s", weft__images_hash(s));
    for (int k = 0; k < 3; k++) d->count[k] = weft__images_count(s, (weft_subset)k);
    for (int c = 0; c < weft__images_classes(s) && !status; c++)
        status = weft__dataset_add_class(d, weft__images_class_name(s, c));
    for (int k = 0; k < 3 && !status; k++) {
        status = weft__dataset_labels(d, (weft_subset)k);
        for (int i = 0; i < d->count[k] && !status; i++)
            d->label[k][i] = weft__images_label(s, (weft_subset)k, i);
    }
    return status;
}

static weft_status open(const char *path, const weft_dataset_opts *o, const weft__sink *sink,
                        weft_dataset *d)
{
    weft__images_opts io = opts_of(o);
    weft__images *s = NULL;
    weft_status status = weft__images_survey(path, &io, sink, &s);
    if (status) return status;
    d->content = s;
    status = describe(d, s);
    return status || !sink->lint ? status : weft__images_lint(s, sink);
}

static bool takes(const weft_arrays *a)
{
    return a->pixels[0] || (a->read && a->channels > 0);
}

static weft_status from(const weft_arrays *a, const weft_dataset_opts *o, weft_dataset *d)
{
    weft__images_opts io = opts_of(o);
    weft__images *s = NULL;
    weft_status status = weft__images_from(a, &io, &s);
    if (status) return status;
    d->content = s;
    status = describe(d, s);
    if (!status && a->value[0]) status = weft__images_values(a, s, d);
    return status;
}

static void close(weft_dataset *d)
{
    weft__images_close(d->content);
}

static const char *format(const weft_dataset *d)
{
    return weft__images_format(images(d));
}

static const char *columns(const weft_dataset *d)
{
    (void)d;
    return "";
}

static void sample_name(const weft_dataset *d, weft_subset s, int i, char *text, size_t size)
{
    weft__images_sample_name(images(d), s, i, text, size);
}

static void shape(const weft_dataset *d, char *text, size_t size)
{
    int c, h, w;
    weft__images_shape(images(d), &c, &h, &w);
    snprintf(text, size, "%dx%dx%d", c, h, w);
}

WEFT_API weft_status weft_dataset_image(const weft_dataset *d, weft_subset s, int i,
                                        unsigned char *pixels)
{
    if (d->modality != &weft_modality_image)
        return weft__fail(WEFT_EUSAGE, "%s are no pictures", d->modality->noun);
    return weft__images_read(images(d), s, i, pixels);
}

WEFT_API void weft_dataset_image_shape(const weft_dataset *d, int *channels, int *height,
                                       int *width)
{
    int c = 0, h = 0, w = 0;
    if (d->modality == &weft_modality_image) weft__images_shape(images(d), &c, &h, &w);
    if (channels) *channels = c;
    if (height) *height = h;
    if (width) *width = w;
}

WEFT_API void weft_dataset_normalization(const weft_dataset *d, float mean[4], float std[4])
{
    const weft__image_preprocess *p =
        d->modality == &weft_modality_image && d->preprocess ? own(d->preprocess) : NULL;
    for (int k = 0; k < 4; k++) {
        mean[k] = p ? p->mean[k] : 0;
        std[k] = p ? p->std[k] : 1;
    }
}

/* ---- preprocessing ---- */

static weft_status make(weft__image_preprocess **out)
{
    weft__image_preprocess *p = calloc(1, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "pictures: out of memory");
    p->base.modality = &weft_modality_image;
    for (int k = 0; k < 4; k++) p->std[k] = 1;
    *out = p;
    return WEFT_OK;
}

static weft_status fit(const weft_dataset *d, weft__preprocess **out)
{
    weft__image_preprocess *p = NULL;
    weft_status s = make(&p);
    if (s) return s;
    weft__images_shape(images(d), &p->channels, &p->height, &p->width);
    p->fit = d->opts.image.fit;
    s = weft__images_moments(images(d), p->mean, p->std);
    for (int k = 0; k < 4; k++)
        if (!(p->std[k] > 1e-6f)) p->std[k] = 1;
    if (s)
        free(p);
    else
        *out = &p->base;
    return s;
}

static void release(weft__preprocess *p)
{
    free(p);
}

static weft_status save(const weft__preprocess *base, weft_meta *m)
{
    const weft__image_preprocess *p = own(base);
    char text[64];
    snprintf(text, sizeof text, "[%d, %d]", p->height, p->width);
    weft_status s = weft_meta_set(m, "imgsz", text);
    if (!s) s = weft_meta_set(m, "stride", "1");
    snprintf(text, sizeof text, "%d", p->channels);
    if (!s) s = weft_meta_set(m, "channels", text);
    if (!s) s = weft__meta_set_floats(m, "weft.mean", p->mean, p->channels);
    if (!s) s = weft__meta_set_floats(m, "weft.std", p->std, p->channels);
    return s ? s : weft_meta_set(m, "weft.fit", fit_names[p->fit]);
}

static weft_val picture_input(const weft_graph *g)
{
    for (int i = 0; i < weft_input_count(g); i++)
        if (weft_shape_of(g, weft_input_at(g, i)).rank == 4) return weft_input_at(g, i);
    return WEFT_NONE;
}

static weft_status load(const weft_meta *m, const weft_graph *g, const char *path,
                        weft__preprocess **out)
{
    weft_val x = picture_input(g);
    const char *how = weft_meta_get(m, "weft.fit");
    if (!x.id)
        return weft__fail(WEFT_EMODEL,
                          "%s: reads no pictures: it needs an input [batch, channels, height, "
                          "width]",
                          path);
    weft_shape in = weft_shape_of(g, x);
    if (in.dim[1] != 1 && in.dim[1] != 3)
        return weft__fail(WEFT_EMODEL,
                          "%s: takes pictures of %d channels, only 1 and 3 are known", path,
                          in.dim[1]);
    weft__image_preprocess *p = NULL;
    weft_status s = make(&p);
    if (s) return s;
    p->channels = in.dim[1];
    p->height = in.dim[2];
    p->width = in.dim[3];
    weft__meta_get_floats(m, "weft.mean", p->mean, 4, 0);
    weft__meta_get_floats(m, "weft.std", p->std, 4, 1);
    for (int i = 0; i < 3 && how; i++)
        if (!strcmp(how, fit_names[i])) p->fit = (weft_image_fit)i;
    *out = &p->base;
    return WEFT_OK;
}

static void opts_for(const weft__preprocess *base, weft_dataset_opts *o)
{
    const weft__image_preprocess *p = own(base);
    o->image.height = p->height;
    o->image.width = p->width;
    o->image.channels = p->channels;
    o->image.fit = p->fit;
}

/* ---- the network's side ---- */

static void network(const weft__preprocess *base, weft_zoo_opts *o)
{
    const weft__image_preprocess *p = own(base);
    o->channels = p->channels;
    o->height = p->height;
    o->width = p->width;
}

static weft_status inputs(const weft__preprocess *base, const weft_graph *g, weft__inputs *out)
{
    const weft__image_preprocess *p = own(base);
    weft_val x = picture_input(g);
    if (!x.id) return weft__fail(WEFT_EUSAGE, "the network has no input for pictures");
    weft_shape s = weft_shape_of(g, x);
    if (s.dim[1] != p->channels || s.dim[2] != p->height || s.dim[3] != p->width)
        return weft__fail(WEFT_ESHAPE,
                          "the network takes %dx%dx%d pictures (%s), the data are %dx%dx%d",
                          s.dim[1], s.dim[2], s.dim[3], weft_name_of(g, x), p->channels,
                          p->height, p->width);
    *out = (weft__inputs){
        .value = {x}, .n = 1, .each = (size_t)p->channels * (size_t)p->height * (size_t)p->width};
    return WEFT_OK;
}

/* ---- batches ---- */

static weft_status loader_new(const weft_dataset *d, const weft__preprocess *base,
                              const weft_loader_opts *o, void **out)
{
    const weft__image_preprocess *p = own(base);
    int c, h, w;
    weft__images_shape(images(d), &c, &h, &w);
    if (c != p->channels || h != p->height || w != p->width)
        return weft__fail(WEFT_ESHAPE, "the model takes %dx%dx%d pictures, the data are %dx%dx%d",
                          p->channels, p->height, p->width, c, h, w);
    weft__image_loader_opts lo = {.split = o->subset,
                                  .batch = o->batch,
                                  .shuffle = o->training || o->shuffle,
                                  .drop_last = o->drop_last,
                                  .seed = o->seed,
                                  .ahead = o->ahead,
                                  .threads = o->shuffle ? -1 : 0};
    if (o->training) {
        lo.augment = d->opts.image.augment;
        lo.threads = d->opts.loader_threads;
    }
    memcpy(lo.mean, p->mean, sizeof lo.mean);
    memcpy(lo.deviation, p->std, sizeof lo.deviation);
    weft__image_loader *l = NULL;
    weft_status s = weft__image_loader_new(images(d), &lo, &l);
    if (!s) *out = l;
    return s;
}

static void loader_free(void *l)
{
    weft__image_loader_free(l);
}

static int loader_batches(const void *l)
{
    return weft__image_loader_batches(l);
}

static weft_status loader_start(void *l, int epoch, int first)
{
    return weft__image_loader_start(l, epoch, first);
}

static weft_status loader_next(void *l, weft_batch *out)
{
    const weft__image_batch *b = NULL;
    weft_status s = weft__image_loader_next(l, &b);
    if (s) return s;
    *out = b ? (weft_batch){.n = b->n,
                            .index = b->index,
                            .partner = b->partner,
                            .share = b->share,
                            .x = b->x}
             : (weft_batch){0};
    return WEFT_OK;
}

static weft_status bind(const weft__inputs *in, weft_plan *p, const weft_batch *b)
{
    return weft_plan_set_last(p, in->value[0], b->x, (size_t)b->n * in->each);
}

static const char *setting(const weft_dataset *d, const weft__preprocess *p, char *text,
                           size_t size)
{
    const weft_augment *a = &d->opts.image.augment;
    (void)p;
    snprintf(text, size, "%g %g %d %g %g %g %g %g %d %g", a->flip, a->flip_vertical,
             a->translate, a->rotate, a->brightness, a->contrast, a->saturation, a->hue,
             a->cutout, a->mixup);
    return "augmentation";
}

/* ---- a user's items ---- */

typedef struct items {
    const weft__image_preprocess *p;
    size_t each;
    unsigned char *pixels; /* of one */
    float *x;
    weft_batch batch;
} items;

static void items_free(void *of)
{
    items *it = of;
    if (!it) return;
    free(it->pixels);
    free(it->x);
    free(it);
}

static weft_status items_new(const weft__preprocess *base, int n, void **out)
{
    const weft__image_preprocess *p = own(base);
    items *it = calloc(1, sizeof *it);
    size_t floats;
    if (!it) return weft__fail(WEFT_ENOMEM, "pictures: out of memory");
    it->p = p;
    it->each = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
    it->pixels = weft__alloc(it->each, 1);
    if (weft__mul(it->each, (size_t)n, &floats)) it->x = weft__alloc(floats, sizeof *it->x);
    if (it->pixels && it->x) {
        *out = it;
        return WEFT_OK;
    }
    items_free(it);
    return weft__fail(WEFT_ENOMEM, "pictures: out of memory");
}

static weft_status items_put(void *of, int i, const weft_item *item, int *tokens, int *unknown)
{
    items *it = of;
    const weft__image_preprocess *p = it->p;
    const unsigned char *pixels = item->pixels;
    weft_status s = WEFT_OK;
    *tokens = *unknown = 0;
    if (!pixels && item->path)
        s = weft_image_read(item->path, p->channels, p->height, p->width, p->fit, 0, it->pixels);
    else if (!pixels && item->bytes)
        s = weft__image_decode(item->bytes, item->size, p->channels, p->height, p->width, p->fit,
                               it->pixels);
    else if (!pixels)
        s = weft__fail(WEFT_EUSAGE, "item %d is no picture", i);
    if (s) return s;
    weft_image_normalize(p->channels, it->each / (size_t)p->channels,
                         pixels ? pixels : it->pixels, p->mean, p->std,
                         it->x + (size_t)i * it->each);
    return WEFT_OK;
}

static const weft_batch *items_batch(void *of, int n)
{
    items *it = of;
    it->batch = (weft_batch){.n = n, .x = it->x};
    return &it->batch;
}

/* ---- for people ---- */

static weft_status show(const weft_dataset *d, const weft__preprocess *p, weft_subset s, int i,
                        weft__show_form form, weft__exhibit *out)
{
    weft__exhibit x = {0};
    (void)p;
    weft__images_shape(images(d), &x.channels, &x.height, &x.width);
    x.pixels = weft__alloc((size_t)x.channels * (size_t)x.height * (size_t)x.width, 1);
    if (!x.pixels) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status status = weft__images_read(images(d), s, i, x.pixels);
    if (!status && form == WEFT_SHOW_PNG) {
        status = weft_image_encode_png(x.channels, x.height, x.width, x.pixels, &x.png, &x.bytes);
        free(x.pixels);
        x.pixels = NULL;
    }
    if (status)
        free(x.pixels);
    else
        *out = x;
    return status;
}

static weft_status facts(const weft_dataset *d, const weft__preprocess *p, weft_subset shown,
                         const weft__fact_sink *sink)
{
    char text[200];
    int c, h, w;
    const weft_augment *a = &d->opts.image.augment;
    (void)p, (void)shown;
    weft__images_shape(images(d), &c, &h, &w);
    snprintf(text, sizeof text, "%d x %d x %d", c, h, w);
    sink->fact(sink->user, "Input", text);
    snprintf(text, sizeof text, "flip %g, shift %d px, rotate %g, cutout %d, mixup %g", a->flip,
             a->translate, a->rotate, a->cutout, a->mixup);
    sink->fact(sink->user, "Augmentation", text);
    return WEFT_OK;
}

static void form(const weft__preprocess *base, weft__input_form *out)
{
    const weft__image_preprocess *p = own(base);
    *out = (weft__input_form){.input = "x",
                              .channels = p->channels,
                              .height = p->height,
                              .width = p->width,
                              .fit = pillow_names[p->fit]};
    memcpy(out->mean, p->mean, sizeof out->mean);
    memcpy(out->std, p->std, sizeof out->std);
}

const weft__modality weft_modality_image = {
    .name = "image",
    .noun = "pictures",
    .items = WEFT_ITEM_FILES,
    .example = "PICTURE",
    .classify = "classify",
    .probe = weft__images_probe,
    .open = open,
    .takes = takes,
    .from = from,
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
    .inputs = inputs,
    .loader_new = loader_new,
    .loader_free = loader_free,
    .loader_batches = loader_batches,
    .loader_start = loader_start,
    .loader_next = loader_next,
    .bind = bind,
    .setting = setting,
    .items_new = items_new,
    .items_free = items_free,
    .items_put = items_put,
    .items_batch = items_batch,
    .shape = shape,
    .show = show,
    .facts = facts,
    .form = form,
    .options = weft__image_options,
    .options_size = sizeof(weft__image_args),
    .options_start = weft__image_options_start,
    .options_apply = weft__image_options_apply,
    .options_choose = weft__image_options_choose,
};
