/* train_pictures.c: what `weft train` does when the data are pictures. */
#include "train_job.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static bool left_out(const char *option)
{
    return train_option_foreign(option, TRAIN_CLASSIFY);
}

static const char *model_for(int channels, int height, int width)
{
    int side = height < width ? height : width;
    if (side <= 28 || (channels == 1 && side <= 32)) return "small-cnn";
    return side <= 64 ? "resnet20" : "resnet18";
}

/* Mirror images of digits and letters are other signs: classes that are all single
 * characters, or numbers, are not flipped. */
static bool classes_are_signs(const weft_data *d)
{
    for (int i = 0; i < weft_data_classes(d); i++)
        if (strlen(weft_data_class_name(d, i)) > 2) return false;
    return true;
}

void train_choose(train_args *a, const weft_data *d)
{
    int c, h, w;
    weft_data_shape(d, &c, &h, &w);
    if (!a->model) a->model = model_for(c, h, w);
    bool none = !strcmp(a->augment, "none"), strong = !strcmp(a->augment, "strong");
    bool signs = !strcmp(a->augment, "auto") && classes_are_signs(d);
    if (a->flip < 0) a->flip = none || signs ? 0 : 0.5;
    if (a->shift < 0) a->shift = none ? 0 : c == 3 ? (h + 7) / 8 : signs ? 1 : 0;
    if (strong) {
        if (a->rotate <= 0) a->rotate = 10;
        if (a->brightness <= 0) a->brightness = 0.2;
        if (a->contrast <= 0) a->contrast = 0.2;
        if (a->saturation <= 0 && c == 3) a->saturation = 0.2;
        if (a->cutout <= 0) a->cutout = h / 4;
    }
    if (a->dropout < 0) a->dropout = !strcmp(a->model, "small-cnn") ? 0.3 : 0;
    if (a->lr < 0)
        a->lr = strcmp(a->optimizer, "sgd")       ? 2e-3
                : !strncmp(a->model, "resnet", 6) ? 0.1
                                                  : 0.05;
}

static weft_status data_opts(const train_args *a, weft_data_opts *out)
{
    weft_data_opts o = {.height = a->imgsz,
                        .width = a->imgsz,
                        .channels = a->channels,
                        .val = a->val,
                        .test = a->test,
                        .val_fraction = a->val_fraction,
                        .no_val = a->no_val,
                        .seed = a->seed,
                        .skip_bad = a->skip_bad != NULL,
                        .bad_list = a->bad_list,
                        .max_megapixels = a->max_megapixels,
                        .no_check = a->no_check};
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"stretch", "crop", "letterbox"};
        if (!strcmp(a->fit, names[i])) o.fit = (weft_fit)i;
    }
    *out = o;
    return train_skip_bad(a, &out->skip_bad_max);
}

static weft_status open(train_job *j, const char *bad_list)
{
    weft_data_opts o = {0};
    weft_status s = data_opts(&j->a, &o);
    if (bad_list) o.bad_list = bad_list;
    j->fit = o.fit;
    if (!s) s = weft_data_open(j->data_path, &o, &j->d);
    j->set.d = j->d;
    return s;
}

static weft_status build_model(train_job *j)
{
    int c, h, w;
    weft_data_shape(j->d, &c, &h, &w);
    weft_model_opts o = {.classes = weft_data_classes(j->d),
                         .channels = c,
                         .height = h,
                         .width = w,
                         .dropout = j->a.dropout};
    weft_status s = train_job_begin(j);
    if (!s) s = weft_model_build(j->g, j->a.model, &o, &j->logits);
    if (!s) s = weft_init(j->g, j->a.seed);
    return s ? s : train_job_from(j);
}

static weft_status prepare(train_job *j)
{
    train_choose(&j->a, j->d);
    weft_status s = train_fit_opts(&j->a, &j->opts);
    if (!s && weft_model_is_text(j->a.model))
        s = weft__fail(WEFT_EUSAGE,
                       "train: %.100s is a network for texts, the data are "
                       "pictures",
                       j->a.model);
    if (!s) s = build_model(j);
    if (!s) s = weft_data_moments(j->d, j->opts.mean, j->opts.deviation);
    for (int k = 0; k < 4; k++)
        if (!(j->opts.deviation[k] > 1e-6f)) j->opts.deviation[k] = 1;
    if (!s) s = train_job_balance(j);
    if (!s)
        s = weft_classifier_describe(j->meta, j->d, j->opts.mean, j->opts.deviation,
                                     j->fit, j->a.model, j->a.seed);
    return s;
}

static void print_data(const train_job *j)
{
    int c, h, w;
    char shown[4200];
    weft_data_shape(j->d, &c, &h, &w);
    fprintf(stderr,
            "data     %s (%s): %d training, %d validation, %d test pictures %dx%dx%d, "
            "%d classes\n",
            weft__escape(shown, sizeof shown, j->data_path), weft_data_format(j->d),
            weft_data_count(j->d, WEFT_TRAIN), weft_data_count(j->d, WEFT_VAL),
            weft_data_count(j->d, WEFT_TEST), c, h, w, weft_data_classes(j->d));
}

static weft_status fit(train_job *j)
{
    return weft_train(j->g, j->logits, j->d, &j->opts, j->meta, &j->result);
}

static void close(train_job *j)
{
    weft_data_close(j->d);
}

const train_kind train_pictures = {
    .task = TRAIN_CLASSIFY,
    .left_out = left_out,
    .open = open,
    .prepare = prepare,
    .print_data = print_data,
    .fit = fit,
    .close = close,
};
