/* classifier.c: a model file with all that is needed to feed it pictures and name its
 * answers. */
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "store/meta_list.h"
#include "train/class_names.h"
#include "weft/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weft_classifier {
    weft_graph *g;
    weft_meta *meta;
    weft_val x, logits;
    int channels, height, width, classes;
    char **names; /* [classes] */
    float mean[4], deviation[4];
    weft_fit fit;
    weft_plan *plan; /* of the last weft_classify */
    int planned;     /* its batch */
    float *input;    /* for that batch */
};

static const char *const fit_names[] = {"stretch", "crop", "letterbox"};

static const char *class_name(const void *user, int i)
{
    return weft_data_class_name(user, i);
}

weft_status weft_classifier_describe(weft_meta *m, const weft_data *d,
                                     const float mean[4], const float deviation[4],
                                     weft_fit fit, const char *model, uint64_t seed)
{
    int c, h, w;
    char text[64];
    weft_data_shape(d, &c, &h, &w);
    weft_status s = weft_meta_set(m, "task", "classify");
    if (!s) s = weft__names_describe(m, weft_data_classes(d), class_name, d);
    snprintf(text, sizeof text, "[%d, %d]", h, w);
    if (!s) s = weft_meta_set(m, "imgsz", text);
    if (!s) s = weft_meta_set(m, "stride", "1");
    if (!s) s = weft_meta_set(m, "batch", "1");
    snprintf(text, sizeof text, "%d", c);
    if (!s) s = weft_meta_set(m, "channels", text);
    if (!s) s = weft__meta_set_floats(m, "weft.mean", mean, c);
    if (!s) s = weft__meta_set_floats(m, "weft.std", deviation, c);
    if (!s) s = weft_meta_set(m, "weft.fit", fit_names[fit]);
    if (!s) s = weft_meta_set(m, "weft.model", model);
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    if (!s) s = weft_meta_set(m, "weft.seed", text);
    if (!s) s = weft_meta_set(m, "weft.data", weft_data_hash(d));
    if (!s) s = weft_meta_set(m, "weft.version", weft_version());
    return s;
}

static weft_status understand(weft_classifier *c, const char *path)
{
    const char *task = weft_meta_get(c->meta, "task");
    const char *fit = weft_meta_get(c->meta, "weft.fit");
    if (task && strcmp(task, "classify"))
        return weft__fail(WEFT_EMODEL,
                          "%s: is a model for the task %.40s, not for classification",
                          path, task);
    for (int i = 0; i < weft_input_count(c->g) && !c->x.id; i++)
        if (weft_shape_of(c->g, weft_input_at(c->g, i)).rank == 4)
            c->x = weft_input_at(c->g, i);
    c->logits = weft_output_at(c->g, 0);
    weft_shape in = weft_shape_of(c->g, c->x), out = weft_shape_of(c->g, c->logits);
    if (!c->x.id || out.rank != 2)
        return weft__fail(WEFT_EMODEL,
                          "%s: is no picture classifier: it needs an input [batch, "
                          "channels, height, width] and an output [batch, classes]",
                          path);
    c->channels = in.dim[1];
    c->height = in.dim[2];
    c->width = in.dim[3];
    c->classes = out.dim[1];
    if (c->channels != 1 && c->channels != 3)
        return weft__fail(WEFT_EMODEL,
                          "%s: takes pictures of %d channels, only 1 and 3 are known",
                          path, c->channels);
    weft__meta_get_floats(c->meta, "weft.mean", c->mean, 4, 0);
    weft__meta_get_floats(c->meta, "weft.std", c->deviation, 4, 1);
    for (int i = 0; i < 3 && fit; i++)
        if (!strcmp(fit, fit_names[i])) c->fit = (weft_fit)i;
    c->names = weft__class_names_read(c->meta, c->classes);
    return c->names ? WEFT_OK : WEFT_ENOMEM;
}

weft_status weft_classifier_new(weft_graph *g, weft_meta *meta, const char *path,
                                weft_classifier **out)
{
    weft_classifier *c = calloc(1, sizeof *c);
    if (!c) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    c->g = g;
    c->meta = meta;
    weft_status s = understand(c, path);
    if (s) {
        c->g = NULL; /* still the caller's */
        c->meta = NULL;
        weft_classifier_free(c);
    } else {
        *out = c;
    }
    return s;
}

weft_status weft__trained_load(const char *path, char **file, weft_graph **g,
                               weft_meta **meta)
{
    char *inside =
        weft__is_folder(path) ? weft__path_join(path, "best.onnx") : strdup(path);
    weft_status s = inside ? weft_model_load(inside, NULL, g, meta)
                           : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (s)
        free(inside);
    else
        *file = inside;
    return s;
}

weft_status weft_classifier_open(const char *path, weft_classifier **out)
{
    char *file = NULL;
    weft_graph *g = NULL;
    weft_meta *meta = NULL;
    weft_status s = weft__trained_load(path, &file, &g, &meta);
    if (!s) s = weft_classifier_new(g, meta, file, out);
    if (s) weft_meta_free(meta), weft_graph_free(g);
    free(file);
    return s;
}

void weft_classifier_free(weft_classifier *c)
{
    if (!c) return;
    weft__class_names_free(c->names, c->classes);
    free(c->input);
    weft_plan_free(c->plan);
    weft_meta_free(c->meta);
    weft_graph_free(c->g);
    free(c);
}

int weft_classifier_classes(const weft_classifier *c)
{
    return c->classes;
}

const char *weft_classifier_name(const weft_classifier *c, int class_number)
{
    return class_number >= 0 && class_number < c->classes ? c->names[class_number] : "";
}

bool weft_classifier_named(const weft_classifier *c)
{
    return weft_meta_get(c->meta, "weft.names") != NULL;
}

weft_graph *weft_classifier_graph(weft_classifier *c, weft_val *x, weft_val *logits)
{
    *x = c->x;
    *logits = c->logits;
    return c->g;
}

void weft_classifier_moments(const weft_classifier *c, float mean[4], float deviation[4])
{
    memcpy(mean, c->mean, sizeof c->mean);
    memcpy(deviation, c->deviation, sizeof c->deviation);
}

weft_data_opts weft_classifier_pictures(const weft_classifier *c)
{
    return (weft_data_opts){
        .height = c->height, .width = c->width, .channels = c->channels, .fit = c->fit};
}

static size_t picture_size(const weft_classifier *c)
{
    return (size_t)c->channels * (size_t)c->height * (size_t)c->width;
}

static weft_status plan_for(weft_classifier *c, int n)
{
    if (c->plan && c->planned == n) return WEFT_OK;
    weft_plan_free(c->plan);
    free(c->input);
    c->plan = NULL;
    c->planned = n;
    c->input = weft__alloc((size_t)n * picture_size(c), sizeof *c->input);
    if (!c->input) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    weft_plan_opts o = {.batch = n, .keep = &c->logits, .keep_count = 1};
    return weft_plan_new(c->g, &o, &c->plan);
}

weft_status weft_classify(weft_classifier *c, const unsigned char *pixels, int n,
                          float *probabilities)
{
    if (n < 1) return weft__fail(WEFT_EUSAGE, "classify: %d pictures", n);
    size_t count = (size_t)n * picture_size(c), classes = (size_t)c->classes;
    weft_status s = plan_for(c, n);
    if (s) return s;
    weft_picture_normalise(c->channels, count / (size_t)c->channels, pixels, c->mean,
                           c->deviation, c->input);
    s = weft_plan_set_last(c->plan, c->x, c->input, count);
    if (!s) s = weft_forward(c->plan);
    if (!s) s = weft_plan_get(c->plan, c->logits, probabilities, (size_t)n * classes);
    for (size_t i = 0; i < (size_t)n && !s; i++)
        weft__to_probabilities(probabilities + i * classes, c->classes);
    return s;
}

weft_status weft_classify_file(weft_classifier *c, const char *path, int *class_number,
                               float *probability)
{
    unsigned char *pixels = weft__alloc(picture_size(c), 1);
    float *p = weft__alloc((size_t)c->classes, sizeof *p);
    weft_status s = pixels && p ? weft_picture_read(path, c->channels, c->height,
                                                    c->width, c->fit, 0, pixels)
                                : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!s) s = weft_classify(c, pixels, 1, p);
    if (!s) {
        int best = 0;
        for (int k = 1; k < c->classes; k++)
            if (p[k] > p[best]) best = k;
        *class_number = best;
        *probability = p[best];
    }
    free(pixels);
    free(p);
    return s;
}

weft_status weft_classifier_evaluate(weft_classifier *c, const weft_data *d,
                                     weft_split split, int batch, weft_metrics *m,
                                     float *scores)
{
    return weft_evaluate(c->g, c->logits, d, split, batch, c->mean, c->deviation, m,
                         scores);
}
