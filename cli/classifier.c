/* classifier.c: a model file with all that is needed to feed it pictures and name its
 * answers. */
#include "classifier.h"

#include "base/error.h"
#include "base/file.h"
#include "option.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fit_names[] = {"stretch", "crop", "letterbox"};

const char *fit_name(weft_fit fit)
{
    return fit_names[fit];
}

bool fit_parse(const char *name, weft_fit *out)
{
    for (int i = 0; i < 3; i++)
        if (name && !strcmp(name, fit_names[i])) {
            *out = (weft_fit)i;
            return true;
        }
    return false;
}

static weft_status set_json(weft_meta *m, const char *key, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));
    weft_status s = text ? weft_meta_set(m, key, text)
                         : weft__fail(WEFT_ENOMEM, "metadata: out of memory");
    free(text);
    json_decref(value);
    return s;
}

/* Ultralytics' form, {0: 'cat', 1: 'dog'}, with quotes and backslashes escaped. */
static weft_status set_names(weft_meta *m, const weft_data *d)
{
    size_t room = 16;
    for (int i = 0; i < weft_data_classes(d); i++)
        room += 2 * strlen(weft_data_class_name(d, i)) + 24;
    char *text = malloc(room), *p = text;
    if (!text) return weft__fail(WEFT_ENOMEM, "metadata: out of memory");
    *p++ = '{';
    for (int i = 0; i < weft_data_classes(d); i++) {
        p += sprintf(p, "%s%d: '", i ? ", " : "", i);
        for (const char *c = weft_data_class_name(d, i); *c; c++) {
            if (*c == '\'' || *c == '\\') *p++ = '\\';
            *p++ = *c;
        }
        *p++ = '\'';
    }
    memcpy(p, "}", 2);
    weft_status s = weft_meta_set(m, "names", text);
    free(text);
    return s;
}

static json_t *class_names(const weft_data *d)
{
    json_t *a = json_array();
    for (int i = 0; i < weft_data_classes(d); i++)
        json_array_append_new(a, json_string_nocheck(weft_data_class_name(d, i)));
    return a;
}

static json_t *numbers(const float *x, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(a, json_real((double)x[i]));
    return a;
}

weft_status classifier_describe(weft_meta *m, const weft_data *d, const float mean[4],
                                const float deviation[4], weft_fit fit, const char *model,
                                uint64_t seed)
{
    int c, h, w;
    char text[64];
    weft_data_shape(d, &c, &h, &w);
    weft_status s = weft_meta_set(m, "task", "classify");
    if (!s) s = set_names(m, d);
    snprintf(text, sizeof text, "[%d, %d]", h, w);
    if (!s) s = weft_meta_set(m, "imgsz", text);
    if (!s) s = weft_meta_set(m, "stride", "1");
    if (!s) s = weft_meta_set(m, "batch", "1");
    snprintf(text, sizeof text, "%d", c);
    if (!s) s = weft_meta_set(m, "channels", text);
    if (!s) s = set_json(m, "weft.names", class_names(d));
    if (!s) s = set_json(m, "weft.mean", numbers(mean, c));
    if (!s) s = set_json(m, "weft.std", numbers(deviation, c));
    if (!s) s = weft_meta_set(m, "weft.fit", fit_name(fit));
    if (!s) s = weft_meta_set(m, "weft.model", model);
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    if (!s) s = weft_meta_set(m, "weft.seed", text);
    if (!s) s = weft_meta_set(m, "weft.data", weft_data_hash(d));
    if (!s) s = weft_meta_set(m, "weft.version", weft_version());
    return s;
}

static void read_numbers(const weft_meta *m, const char *key, float out[4],
                         float otherwise)
{
    const char *text = weft_meta_get(m, key);
    json_t *a = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    for (size_t i = 0; i < 4; i++) {
        json_t *x = json_is_array(a) ? json_array_get(a, i) : NULL;
        out[i] = json_is_number(x) ? (float)json_number_value(x) : otherwise;
    }
    json_decref(a);
}

/* Names from the metadata, or "class 0" and so on. */
static weft_status read_names(classifier *c)
{
    const char *text = weft_meta_get(c->meta, "weft.names");
    json_t *a = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    c->names = calloc((size_t)c->classes, sizeof *c->names);
    weft_status s = c->names ? WEFT_OK : weft__fail(WEFT_ENOMEM, "names: out of memory");
    for (int i = 0; i < c->classes && !s; i++) {
        char number[32];
        const char *name =
            json_string_value(json_is_array(a) ? json_array_get(a, (size_t)i) : NULL);
        snprintf(number, sizeof number, "class %d", i);
        c->names[i] = strdup(name ? name : number);
        if (!c->names[i]) s = weft__fail(WEFT_ENOMEM, "names: out of memory");
    }
    json_decref(a);
    return s;
}

static weft_status understand(classifier *c, const char *path)
{
    const char *task = weft_meta_get(c->meta, "task");
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
        return weft__fail(
            WEFT_EMODEL,
            "%s: is no picture classifier: it needs an input [batch, channels, "
            "height, width] and an output [batch, classes]",
            path);
    c->channels = in.dim[1];
    c->height = in.dim[2];
    c->width = in.dim[3];
    c->classes = out.dim[1];
    if (c->channels != 1 && c->channels != 3)
        return weft__fail(WEFT_EMODEL,
                          "%s: takes pictures of %d channels, only 1 and 3 are known",
                          path, c->channels);
    read_numbers(c->meta, "weft.mean", c->mean, 0);
    read_numbers(c->meta, "weft.std", c->deviation, 1);
    fit_parse(weft_meta_get(c->meta, "weft.fit"), &c->fit);
    return read_names(c);
}

weft_status classifier_load(const char *path, classifier *out)
{
    classifier c = {0};
    char *inside =
        weft__is_folder(path) ? weft__path_join(path, "best.onnx") : strdup(path);
    if (!inside) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    weft_status s = weft_model_load(inside, NULL, &c.g, &c.meta);
    if (!s) s = understand(&c, inside);
    free(inside);
    if (s)
        classifier_free(&c);
    else
        *out = c;
    return s;
}

void classifier_free(classifier *c)
{
    for (int i = 0; c->names && i < c->classes; i++) free(c->names[i]);
    free(c->names);
    weft_meta_free(c->meta);
    weft_graph_free(c->g);
    *c = (classifier){0};
}
