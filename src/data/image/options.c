/* options.c: what `weft train` may be told of pictures, and what it chooses by
 * itself. */
#include "data/image/image.h"

#include "base/option.h"
#include "data/image/image_dataset.h"

#include <string.h>

#define A weft__image_args

const weft_option weft__image_options[] = {
    WEFT__HEADING("pictures"),
    WEFT__INT(A, imgsz, "imgsz", 1, 4096,
              "side of the pictures; by default the commonest, at most 224",
              .opens = true),
    WEFT__INT(A, channels, "channels", 1, 3,
              "1 grey, 3 colour; by default as the pictures are", .opens = true),
    WEFT__CHOICE(A, fit, "fit", "stretch|crop|letterbox",
                 "how pictures are brought to size", .opens = true),
    WEFT__REAL(A, max_megapixels, "max-megapixels", 0.001, 4096,
               "refuse larger pictures (64)", .opens = true),
    WEFT__FLAG(A, no_check, "no-check",
               "do not decode every picture before the first step", .opens = true),
    WEFT__INT(A, loader_threads, "loader-threads", 0, 64, "that decode pictures ahead"),
    WEFT__HEADING("augmentation of pictures"),
    WEFT__CHOICE(
        A, augment, "augment", "auto|none|light|strong",
        "a set of the changes below. auto: mirrored and, in colour, shifted; classes "
        "named by one or two characters (digits, letters) are shifted by a pixel and not "
        "mirrored"),
    WEFT__REAL(A, flip, "flip", 0, 1, "probability of a mirror image"),
    WEFT__REAL(A, flip_vertical, "flip-vertical", 0, 1,
               "probability of an upside-down image"),
    WEFT__INT(A, translate, "translate", 0, 1024, "crop moved by up to so many pixels",
              .old = "shift"),
    WEFT__REAL(A, rotate, "rotate", 0, 180, "by up to so many degrees"),
    WEFT__REAL(A, brightness, "brightness", 0, 1, "as torchvision's ColorJitter"),
    WEFT__REAL(A, contrast, "contrast", 0, 1, "as torchvision's ColorJitter"),
    WEFT__REAL(A, saturation, "saturation", 0, 1, "as torchvision's ColorJitter"),
    WEFT__REAL(A, hue, "hue", 0, 0.5, "as torchvision's ColorJitter"),
    WEFT__INT(A, cutout, "cutout", 0, 1024, "side of a square that is blanked out"),
    WEFT__REAL(A, mixup, "mixup", 0, 10, "alpha of Beta(alpha, alpha)"),
    WEFT__END_OF_OPTIONS};

#undef A

void weft__image_options_start(void *args)
{
    *(weft__image_args *)args = (weft__image_args){.flip = -1, .translate = -1};
}

weft_status weft__image_options_apply(const void *args, weft_dataset_opts *o)
{
    static const char *const fits[] = {"stretch", "crop", "letterbox"};
    const weft__image_args *a = args;
    o->image.height = o->image.width = a->imgsz;
    o->image.channels = a->channels;
    o->image.max_megapixels = a->max_megapixels;
    o->image.no_check = a->no_check;
    o->loader_threads = a->loader_threads;
    for (int i = 0; i < 3 && a->fit; i++)
        if (!strcmp(a->fit, fits[i])) o->image.fit = (weft_image_fit)i;
    if (a->channels == 2)
        return weft__fail(WEFT_EUSAGE, "train: --channels: found 2, allowed 1 and 3");
    return WEFT_OK;
}

static const char *model_for(int channels, int height, int width)
{
    int side = height < width ? height : width;
    if (side <= 28 || (channels == 1 && side <= 32)) return "small-cnn";
    return side <= 64 ? "resnet20" : "resnet18";
}

/* Mirror images of digits and letters are other signs: classes that are all single
 * characters, or numbers, are not flipped. */
static bool classes_are_signs(const weft_dataset *d)
{
    for (int i = 0; i < d->classes; i++)
        if (strlen(d->class_name[i]) > 2) return false;
    return d->classes > 0;
}

static void choose_augmentation(weft__image_args *a, const weft_dataset *d)
{
    const weft__images *m = weft__images_of(d);
    int c = m->channels, h = m->height;
    if (!a->augment) a->augment = "auto";
    bool none = !strcmp(a->augment, "none"), strong = !strcmp(a->augment, "strong");
    bool signs = !strcmp(a->augment, "auto") && classes_are_signs(d);
    if (a->flip < 0) a->flip = none || signs ? 0 : 0.5;
    if (a->translate < 0) a->translate = none ? 0 : c == 3 ? (h + 7) / 8 : signs ? 1 : 0;
    if (!strong) return;
    if (a->rotate <= 0) a->rotate = 10;
    if (a->brightness <= 0) a->brightness = 0.2;
    if (a->contrast <= 0) a->contrast = 0.2;
    if (a->saturation <= 0 && c == 3) a->saturation = 0.2;
    if (a->cutout <= 0) a->cutout = h / 4;
}

static void choose_recipe(const weft_dataset *d, weft__recipe *r)
{
    const weft__images *m = weft__images_of(d);
    if (!r->model) r->model = model_for(m->channels, m->height, m->width);
    if (!r->optimizer) r->optimizer = "sgd";
    bool sgd = !strcmp(r->optimizer, "sgd");
    r->epochs = 15;
    r->batch = 128;
    r->lr = !sgd ? 2e-3 : !strncmp(r->model, "resnet", 6) ? 0.1 : 0.05;
    r->momentum = sgd ? 0.9 : 0;
    r->weight_decay = strcmp(r->optimizer, "adamw") ? 5e-4 : 0.05;
    r->clip_norm = 0;
    r->smoothing = 0;
    r->dropout = !strcmp(r->model, "small-cnn") ? 0.3 : 0;
}

void weft__image_options_choose(void *args, weft_dataset *d, weft__recipe *r)
{
    weft__image_args *a = args;
    if (!a->fit) a->fit = "stretch";
    choose_augmentation(a, d);
    choose_recipe(d, r);
    const weft_augment how = {.flip = a->flip,
                              .flip_vertical = a->flip_vertical,
                              .translate = a->translate,
                              .rotate = a->rotate,
                              .brightness = a->brightness,
                              .contrast = a->contrast,
                              .saturation = a->saturation,
                              .hue = a->hue,
                              .cutout = a->cutout,
                              .mixup = a->mixup};
    weft_dataset_set_augment(d, &how);
}
