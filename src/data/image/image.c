/* image.c: pictures: what goes into a convolutional network. */
#include "data/image/image.h"

#include "base/checked.h"
#include "data/prefetch.h"
#include "data/image/image_dataset.h"
#include "store/meta_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fit_names[] = {"stretch", "crop", "letterbox"};
static const char *const pillow_names[] = {"STRETCH", "CROP", "LETTERBOX"};

static const weft__image_preprocess *own(const weft__preprocess *p)
{
    return weft__image_preprocess_of(p);
}

/* ---- a data set ---- */

static weft_status open(const char *path, const weft_dataset_opts *o,
                        const weft__sink *sink, weft_dataset *d)
{
    weft_status s = weft__images_open(path, o, sink, d);
    if (!s && sink->lint) weft__images_summary(d, sink);
    return s;
}

static void close(weft_dataset *d)
{
    weft__images_close(d->content);
}

static const char *format(const weft_dataset *d)
{
    return weft__images_of(d)->reader->name;
}

static const char *columns(const weft_dataset *d)
{
    (void)d;
    return "";
}

static void sample_name(const weft_dataset *d, weft_subset s, int i, char *text,
                        size_t size)
{
    const weft__images *m = weft__images_of(d);
    const weft__origin *o = &m->origin[s][i];
    m->reader->name_of(m->source, (weft_subset)o->split, o->index, text, size);
}

static void shape(const weft_dataset *d, char *text, size_t size)
{
    const weft__images *m = weft__images_of(d);
    snprintf(text, size, "%dx%dx%d", m->channels, m->height, m->width);
}

static bool mixes(const weft_dataset *d)
{
    return d->opts.image.augment.mixup > 0;
}

WEFT_API weft_status weft_dataset_image(const weft_dataset *d, weft_subset s, int i,
                                        unsigned char *pixels)
{
    if (d->modality != &weft_modality_image)
        return weft__fail(WEFT_EUSAGE, "%s are no pictures", d->modality->noun);
    return weft__images_read(d, s, i, pixels);
}

WEFT_API void weft_dataset_image_shape(const weft_dataset *d, int *channels, int *height,
                                       int *width)
{
    const weft__images *m =
        d->modality == &weft_modality_image ? weft__images_of(d) : NULL;
    if (channels) *channels = m ? m->channels : 0;
    if (height) *height = m ? m->height : 0;
    if (width) *width = m ? m->width : 0;
}

WEFT_API void weft_dataset_normalization(const weft_dataset *d, float mean[4],
                                         float std[4])
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
    weft_dataset_image_shape(d, &p->channels, &p->height, &p->width);
    p->fit = d->opts.image.fit;
    s = weft__images_moments(d, p->mean, p->std);
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

static weft_value picture_input(const weft_graph *g)
{
    for (int i = 0; i < weft_input_count(g); i++)
        if (weft_shape_of(g, weft_input_at(g, i)).rank == 4) return weft_input_at(g, i);
    return WEFT_NONE;
}

static weft_status load(const weft_meta *m, const weft_graph *g, const char *path,
                        weft__preprocess **out)
{
    weft_value x = picture_input(g);
    const char *how = weft_meta_get(m, "weft.fit");
    if (!x.id)
        return weft__fail(
            WEFT_EMODEL,
            "%s: reads no pictures: it needs an input [batch, channels, height, "
            "width]",
            path);
    weft_shape in = weft_shape_of(g, x);
    if (in.dim[1] != 1 && in.dim[1] != 3)
        return weft__fail(WEFT_EMODEL,
                          "%s: takes pictures of %d channels, only 1 and 3 are known",
                          path, in.dim[1]);
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

static weft_status inputs(const weft__preprocess *base, const weft_graph *g,
                          weft__inputs *out)
{
    const weft__image_preprocess *p = own(base);
    weft_value x = picture_input(g);
    if (!x.id) return weft__fail(WEFT_EUSAGE, "the network has no input for pictures");
    weft_shape s = weft_shape_of(g, x);
    if (s.dim[1] != p->channels || s.dim[2] != p->height || s.dim[3] != p->width)
        return weft__fail(
            WEFT_ESHAPE,
            "the network takes %dx%dx%d pictures (%s), the data are %dx%dx%d", s.dim[1],
            s.dim[2], s.dim[3], weft_name_of(g, x), p->channels, p->height, p->width);
    *out = (weft__inputs){.value = {x},
                          .n = 1,
                          .each =
                              (size_t)p->channels * (size_t)p->height * (size_t)p->width};
    return WEFT_OK;
}

/* ---- batches ---- */

static weft_status bind(const weft__inputs *in, weft_plan *p, const weft_batch *b)
{
    return weft_plan_set_nhwc(p, in->value[0], b->x, (size_t)b->n * in->each);
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

/* ---- for people ---- */

static weft_status show(const weft_dataset *d, const weft__preprocess *p, weft_subset s,
                        int i, weft__show_form form, weft__exhibit *out)
{
    weft__exhibit x = {0};
    (void)p;
    weft_dataset_image_shape(d, &x.channels, &x.height, &x.width);
    x.pixels = weft__alloc((size_t)x.channels * (size_t)x.height * (size_t)x.width, 1);
    if (!x.pixels) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status status = weft__images_read(d, s, i, x.pixels);
    if (!status && form == WEFT_SHOW_PNG) {
        status = weft_image_encode_png(x.channels, x.height, x.width, x.pixels, &x.png,
                                       &x.bytes);
        free(x.pixels);
        x.pixels = NULL;
    }
    if (status)
        free(x.pixels);
    else
        *out = x;
    return status;
}

static weft_status facts(const weft_dataset *d, const weft__preprocess *p,
                         weft_subset shown, const weft__fact_sink *sink)
{
    char text[200];
    int c, h, w;
    const weft_augment *a = &d->opts.image.augment;
    (void)p, (void)shown;
    weft_dataset_image_shape(d, &c, &h, &w);
    snprintf(text, sizeof text, "%d x %d x %d", c, h, w);
    sink->fact(sink->user, "Input", text);
    snprintf(text, sizeof text, "flip %g, shift %d px, rotate %g, cutout %d, mixup %g",
             a->flip, a->translate, a->rotate, a->cutout, a->mixup);
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
    .takes = weft__image_takes,
    .from = weft__image_from,
    .close = close,
    .format = format,
    .columns = columns,
    .sample_name = sample_name,
    .mixes = mixes,
    .fit = fit,
    .free = release,
    .save = save,
    .load = load,
    .opts_for = opts_for,
    .network = network,
    .inputs = inputs,
    .loader_new = weft__image_loader_new,
    .loader_free = weft__prefetch_free,
    .loader_batches = weft__prefetch_batches,
    .loader_start = weft__prefetch_start,
    .loader_next = weft__prefetch_next,
    .bind = bind,
    .setting = setting,
    .items_new = weft__image_items_new,
    .items_free = weft__image_items_free,
    .items_put = weft__image_items_put,
    .items_batch = weft__image_items_batch,
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
