/* values.c: the numbers that a model gives: names, and mean and standard deviation
 * of the training targets. */
#include "task/values.h"

#include "base/checked.h"
#include "store/meta_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 4096 };

static const weft__values *of(const weft__codec *c)
{
    return (const weft__values *)c;
}

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "values: out of memory");
}

void weft__values_free(weft__codec *base)
{
    weft__values *c = (weft__values *)base;
    if (!c) return;
    for (int k = 0; c->name && k < base->width; k++) free(c->name[k]);
    free(c->name);
    free(c->mean);
    free(c->std);
    free(c);
}

static weft_status make(const weft__task *t, int width, weft__values **out)
{
    if (width < 1 || width > MOST_VALUES)
        return weft__fail(WEFT_EUSAGE, "%d numbers for a sample, allowed 1 to %d", width,
                          MOST_VALUES);
    weft__values *c = calloc(1, sizeof *c);
    if (!c) return no_memory();
    c->base = (weft__codec){t, width};
    c->mean = weft__alloc((size_t)width, sizeof *c->mean);
    c->std = weft__alloc((size_t)width, sizeof *c->std);
    *out = c;
    if (c->mean && c->std) return WEFT_OK;
    weft__values_free(&c->base);
    return no_memory();
}

/* Mean and standard deviation of number k over the training targets. */
static void measure(const weft_dataset *d, int k, float *mean, float *std)
{
    int n = weft_dataset_count(d, WEFT_SUBSET_TRAIN);
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += (double)weft_dataset_value(d, WEFT_SUBSET_TRAIN, i)[k];
    double middle = n ? sum / n : 0;
    for (int i = 0; i < n; i++) {
        double off = (double)weft_dataset_value(d, WEFT_SUBSET_TRAIN, i)[k] - middle;
        squares += off * off;
    }
    float spread = n ? (float)sqrt(squares / n) : 0;
    *mean = (float)middle;
    *std = spread > 0 ? spread : 1;
}

weft_status weft__values_fit(const weft__task *t, const weft_dataset *d,
                             weft__codec **out)
{
    weft__values *c = NULL;
    int width = weft_dataset_values(d);
    weft_status s = make(t, width, &c);
    if (s) return s;
    c->name = weft__alloc((size_t)width, sizeof *c->name);
    if (!c->name) s = no_memory();
    for (int k = 0; k < width && !s; k++) {
        const char *name = weft_dataset_value_name(d, k);
        size_t room = 4 * strlen(name) + 1;
        measure(d, k, &c->mean[k], &c->std[k]);
        c->name[k] = malloc(room);
        if (c->name[k])
            weft__escape(c->name[k], room, name);
        else
            s = no_memory();
    }
    if (s)
        weft__values_free(&c->base);
    else
        *out = &c->base;
    return s;
}

weft_status weft__values_save(const weft__codec *c, weft_meta *m)
{
    weft_status s =
        weft__meta_set_texts(m, "weft.names", (const char *const *)of(c)->name, c->width);
    if (!s) s = weft__meta_set_floats(m, "weft.target.mean", of(c)->mean, c->width);
    return s ? s : weft__meta_set_floats(m, "weft.target.std", of(c)->std, c->width);
}

weft_status weft__values_load(const weft__task *t, const weft_meta *m, int width,
                              const char *path, weft__codec **out)
{
    weft__values *c = NULL;
    weft_status s = make(t, width, &c);
    if (s) return weft__prefix(WEFT_EMODEL, "%s", path);
    c->name = weft__meta_get_texts(m, "weft.names", width);
    for (int k = 0; k < width && c->name && !s; k++) {
        char text[32];
        snprintf(text, sizeof text, "value %d", k);
        if (!c->name[k] && !(c->name[k] = strdup(text))) s = no_memory();
    }
    if (!c->name) s = no_memory();
    weft__meta_get_floats(m, "weft.target.mean", c->mean, width, 0);
    weft__meta_get_floats(m, "weft.target.std", c->std, width, 1);
    if (s)
        weft__values_free(&c->base);
    else
        *out = &c->base;
    return s;
}

weft_status weft__values_match(const weft__codec *c, const weft_dataset *d, int32_t **map)
{
    *map = NULL;
    if (weft_dataset_values(d) == c->width) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "the model gives %d numbers, the data have %d",
                      c->width, weft_dataset_values(d));
}

const char *weft__values_name(const weft__codec *c, int k)
{
    return of(c)->name[k];
}

/* ---- answers ---- */

weft_status weft__values_decode(const weft__codec *c, const float *output, weft_answer *a)
{
    float *value = weft__alloc((size_t)c->width, sizeof *value);
    if (!value) return no_memory();
    memcpy(value, output, (size_t)c->width * sizeof *value);
    free(a->value);
    a->values = c->width;
    a->value = value;
    return WEFT_OK;
}

void weft__values_text(const weft__codec *c, const weft_answer *a, int top, char *text,
                       size_t size)
{
    size_t at = 0;
    (void)top;
    *text = '\0';
    for (int k = 0; k < a->values && at < size; k++) {
        char name[200];
        int n = snprintf(text + at, size - at, "%s%s %.6g", k ? ", " : "",
                         weft__escape(name, sizeof name, of(c)->name[k]),
                         (double)a->value[k]);
        at += n > 0 ? (size_t)n : 0;
    }
}

void weft__values_json(const weft__codec *c, const weft_answer *a, int top, weft__json *w)
{
    (void)top;
    weft__json_object(w, "values");
    for (int k = 0; k < a->values; k++)
        weft__json_real(w, of(c)->name[k], (double)a->value[k], 9);
    weft__json_object_end(w);
}

/* ---- training ---- */

weft_status weft__values_bind(const weft__codec *c, const weft_dataset *d, weft_plan *p,
                              weft_value target, const weft_batch *b)
{
    size_t width = (size_t)c->width, n = (size_t)b->n * width;
    if (!b->share) return weft_plan_set(p, target, b->value, n);
    float *mixed = weft__alloc(n, sizeof *mixed);
    if (!mixed) return no_memory();
    for (size_t e = 0; e < n; e++) {
        size_t i = e / width;
        const float *other = weft_dataset_value(d, WEFT_SUBSET_TRAIN, b->partner[i]);
        mixed[e] = b->share[i] * b->value[e] + (1 - b->share[i]) * other[e % width];
    }
    weft_status s = weft_plan_set(p, target, mixed, n);
    free(mixed);
    return s;
}

/* ---- for reports ---- */

weft_status weft__values_scatter(const weft_evaluation *e, const weft_dataset *d, int k,
                                 weft__arena *a, weft__chart *out)
{
    double *xy = weft__arena_alloc(a, (2 * (size_t)e->count + 1) * sizeof *xy);
    weft__series *s = weft__arena_alloc(a, sizeof *s);
    if (!xy || !s) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    for (int i = 0; i < e->count; i++) {
        xy[i] = (double)weft_dataset_value(d, e->subset, i)[k];
        xy[e->count + i] = (double)e->outputs[(size_t)i * (size_t)e->width + (size_t)k];
    }
    *s = (weft__series){"prediction", e->count, xy, xy + e->count};
    *out = (weft__chart){.title = weft__values_name(e->codec, k),
                         .x_title = "truth; prediction upwards",
                         .n = 1,
                         .series = s,
                         .points = true};
    return WEFT_OK;
}

const char *weft__values_words(const weft_evaluation *e, const float *x, weft__arena *a)
{
    char line[600];
    const weft_answer answer = {.values = e->width, .value = (float *)(uintptr_t)x};
    weft__values_text(e->codec, &answer, 1, line, sizeof line);
    return weft__arena_printf(a, "%s", line);
}
