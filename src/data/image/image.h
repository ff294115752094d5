/* image.h: the modality of pictures from the inside. */
#ifndef WEFT_SRC_DATA_IMAGE_IMAGE_H
#define WEFT_SRC_DATA_IMAGE_IMAGE_H

#include "data/modality.h"

/* What a model knows of its pictures. */
typedef struct weft__image_preprocess {
    weft__preprocess base;
    int channels, height, width;
    weft_image_fit fit;
    float mean[4], std[4]; /* x = (pixel / 255 - mean) / std */
} weft__image_preprocess;

static inline const weft__image_preprocess *weft__image_preprocess_of(
    const weft__preprocess *p)
{
    return (const weft__image_preprocess *)p;
}

/* Values of the options of pictures. */
typedef struct weft__image_args {
    int imgsz, channels;
    const char *fit, *augment;
    double max_megapixels;
    bool no_check;
    double flip, flip_vertical, rotate, brightness, contrast, saturation, hue, mixup;
    int translate, cutout, loader_threads;
} weft__image_args;

/* options.c */
extern const weft_option weft__image_options[];
void weft__image_options_start(void *args);
weft_status weft__image_options_apply(const void *args, weft_dataset_opts *o);
void weft__image_options_choose(void *args, weft_dataset *d, weft__recipe *r);

/* memory.c */
bool weft__image_takes(const weft_arrays *a);
weft_status weft__image_from(const weft_arrays *a, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d);

/* loader.c */
weft_status weft__image_loader_new(const weft_dataset *d, const weft__preprocess *p,
                                   const weft_loader_opts *o, void **out);

/* items.c: a user's pictures */
weft_status weft__image_items_new(const weft__preprocess *p, int n, void **out);
void weft__image_items_free(void *items);
weft_status weft__image_items_put(void *items, int i, const weft_item *item, int *tokens,
                                  int *unknown);
const weft_batch *weft__image_items_batch(void *items, int n);

#endif
