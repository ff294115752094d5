/* image.h: the modality of pictures from the inside. */
#ifndef WEFT_SRC_DATA_IMAGE_MODALITY_H
#define WEFT_SRC_DATA_IMAGE_MODALITY_H

#include "data/image/images.h"
#include "data/modality.h"

/* What a model knows of its pictures. */
typedef struct weft__image_preprocess {
    weft__preprocess base;
    int channels, height, width;
    weft_image_fit fit;
    float mean[4], std[4]; /* x = (pixel / 255 - mean) / std */
} weft__image_preprocess;

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

/* memory.c: targets of the caller's pictures that are numbers, into d, as s has split them. */
weft_status weft__images_values(const weft_arrays *a, const weft__images *s, weft_dataset *d);

/* image.c of the room: an encoded picture in memory, brought to size. */
weft_status weft__image_decode(const void *bytes, size_t size, int channels, int height,
                               int width, weft_image_fit fit, unsigned char *pixels);

#endif
