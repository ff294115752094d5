/* predictor.c: a model file with all that is needed to feed it and to understand
 * what it says. */
#include "base/checked.h"
#include "base/file.h"
#include "train/setup.h"
#include "weft/fit.h"
#include "task/class_names.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DESKS = 16 };

/* A plan for one number of items and the room for what goes in; one thread uses it at a
 * time. */
typedef struct desk {
    weft_plan *plan;
    void *items;
    float *output;
    int n;
    bool busy;
} desk;

struct weft_predictor {
    weft_graph *g;
    weft_meta *meta;
    const weft__modality *kind;
    const weft__task *task;
    weft__preprocess *preprocess;
    weft__codec *codec;
    weft__inputs inputs;
    weft_value output;
    const char *word;
    bool exact_conv;
    pthread_mutex_t lock;     /* of the desks */
    pthread_mutex_t planning; /* a first plan lays out the graph's storage */
    desk desk[DESKS];
};

/* ---- understanding a model ---- */

/* Models from before there were modalities name the task only; foreign ones nothing. */
static const weft__modality *modality_of(const weft_meta *m)
{
    const char *name = weft_meta_get(m, "weft.modality"),
               *task = weft_meta_get(m, "task");
    const weft__modality *kind = name ? weft__modality_named(name) : NULL;
    for (int i = 0; !kind && task && weft__modality_at(i); i++)
        if (!strcmp(weft__modality_at(i)->classify, task)) kind = weft__modality_at(i);
    return kind || name ? kind : weft__modality_at(0);
}

static weft_status choose(weft_predictor *p, const char *path)
{
    const char *word = weft_meta_get(p->meta, "task");
    p->kind = modality_of(p->meta);
    if (!p->kind)
        return weft__fail(WEFT_EMODEL, "%s: reads %.40s, which is not known here", path,
                          weft_meta_get(p->meta, "weft.modality"));
    bool classify = !word || !strcmp(word, p->kind->classify);
    p->task = classify ? weft__task_for(WEFT_TARGET_CLASS) : weft__task_named(word);
    if (!p->task)
        return weft__fail(WEFT_EMODEL,
                          "%s: is a model for the task %.40s, which is not known here",
                          path, word);
    p->word = weft__task_word(p->task, p->kind);
    return WEFT_OK;
}

static weft_status understand(weft_predictor *p, const char *path)
{
    weft_status s = choose(p, path);
    if (s) return s;
    p->output = weft_output_count(p->g) > 0 ? weft_output_at(p->g, 0) : WEFT_NONE;
    weft_shape out = weft_shape_of(p->g, p->output);
    if (!p->output.id || out.rank != 2)
        return weft__fail(WEFT_EMODEL, "%s: has no output [batch, %s]", path,
                          p->task->target == WEFT_TARGET_CLASS ? "classes" : "values");
    s = p->kind->load(p->meta, p->g, path, &p->preprocess);
    if (!s && p->kind->inputs(p->preprocess, p->g, &p->inputs))
        s = weft__fail(WEFT_EMODEL, "%s: %.600s", path, weft_last_error());
    return s ? s : p->task->load(p->meta, out.dim[1], path, &p->codec);
}

static void clear(weft_predictor *p)
{
    for (int i = 0; i < DESKS; i++) {
        weft_plan_free(p->desk[i].plan);
        if (p->kind) p->kind->items_free(p->desk[i].items);
        free(p->desk[i].output);
    }
    if (p->preprocess) p->kind->free(p->preprocess);
    if (p->codec) p->task->free(p->codec);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->planning);
}

WEFT_API weft_status weft_predictor_new(weft_graph *g, weft_meta *meta, const char *path,
                                        weft_predictor **out)
{
    weft_predictor *p = calloc(1, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->planning, NULL);
    p->g = g;
    p->meta = meta;
    weft_status s = understand(p, path);
    if (s) {
        clear(p);
        free(p);
    } else {
        *out = p;
    }
    return s;
}

WEFT_API weft_status weft_predictor_open(const char *path, weft_predictor **out)
{
    weft_graph *g = NULL;
    weft_meta *meta = NULL;
    char *file =
        weft__is_folder(path) ? weft__path_join(path, "best.onnx") : strdup(path);
    if (!file) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    weft_status s = weft_onnx_load(file, NULL, &g, &meta);
    if (!s) s = weft_predictor_new(g, meta, file, out);
    if (s) {
        weft_graph_free(g);
        weft_meta_free(meta);
    }
    free(file);
    return s;
}

WEFT_API void weft_predictor_free(weft_predictor *p)
{
    if (!p) return;
    clear(p);
    weft_meta_free(p->meta);
    weft_graph_free(p->g);
    free(p);
}

/* ---- asking ---- */

WEFT_API const char *weft_predictor_task(const weft_predictor *p)
{
    return p->task->name;
}

WEFT_API const char *weft_predictor_word(const weft_predictor *p)
{
    return p->word;
}

WEFT_API const char *weft_predictor_modality(const weft_predictor *p)
{
    return p->kind->name;
}

WEFT_API int weft_predictor_classes(const weft_predictor *p)
{
    return p->task->target == WEFT_TARGET_CLASS ? p->codec->width : 0;
}

WEFT_API const char *weft_predictor_class_name(const weft_predictor *p, int c)
{
    bool there = c >= 0 && c < weft_predictor_classes(p);
    return there ? ((const weft__classes *)p->codec)->name[c] : "";
}

WEFT_API int weft_predictor_values(const weft_predictor *p)
{
    return p->task->target == WEFT_TARGET_VALUES ? p->codec->width : 0;
}

WEFT_API const char *weft_predictor_value_name(const weft_predictor *p, int k)
{
    bool there = k >= 0 && k < weft_predictor_values(p);
    return there ? p->task->value_name(p->codec, k) : "";
}

WEFT_API weft_graph *weft_predictor_graph(weft_predictor *p, weft_value *output)
{
    if (output) *output = p->output;
    return p->g;
}

WEFT_API const weft_meta *weft_predictor_meta(const weft_predictor *p)
{
    return p->meta;
}

WEFT_API void weft_predictor_normalization(const weft_predictor *p, float mean[4],
                                           float std[4])
{
    weft__input_form f = {.std = {1, 1, 1, 1}};
    if (p->kind->form) p->kind->form(p->preprocess, &f);
    memcpy(mean, f.mean, sizeof f.mean);
    memcpy(std, f.std, sizeof f.std);
}

WEFT_API weft_item_kind weft_predictor_reads(const weft_predictor *p)
{
    return p->kind->items;
}

WEFT_API weft_dataset_opts weft_predictor_dataset_opts(const weft_predictor *p)
{
    weft_dataset_opts o = {.modality = p->kind->name, .target = p->task->target};
    p->kind->opts_for(p->preprocess, &o);
    return o;
}

WEFT_API void weft_predictor_image_shape(const weft_predictor *p, int *channels,
                                         int *height, int *width)
{
    weft_dataset_opts o = weft_predictor_dataset_opts(p);
    *channels = o.image.channels;
    *height = o.image.height;
    *width = o.image.width;
}

WEFT_API void weft_predictor_set_exact_conv(weft_predictor *p, bool on)
{
    p->exact_conv = on;
}

/* ---- answers ---- */

static void desk_clear(weft_predictor *p, desk *d)
{
    weft_plan_free(d->plan);
    p->kind->items_free(d->items);
    free(d->output);
    *d = (desk){.busy = true};
}

static weft_status desk_make(weft_predictor *p, desk *d, int n)
{
    size_t floats;
    const weft_plan_opts o = {
        .batch = n, .keep = &p->output, .keep_count = 1, .exact_conv = p->exact_conv};
    desk_clear(p, d);
    d->n = n;
    if (weft__mul((size_t)n, (size_t)p->codec->width, &floats))
        d->output = weft__alloc(floats, sizeof *d->output);
    if (!d->output) return weft__fail(WEFT_ENOMEM, "predict: out of memory");
    weft_status s = p->kind->items_new(p->preprocess, n, &d->items);
    if (s) return s;
    pthread_mutex_lock(&p->planning);
    s = weft_plan_new(p->g, &o, &d->plan);
    pthread_mutex_unlock(&p->planning);
    return s;
}

/* A desk for n items that nobody uses: one of that size, an empty one, or another,
 * to be made anew. NULL: all are in use. */
static desk *desk_find(weft_predictor *p, int n)
{
    desk *found = NULL;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < DESKS; i++) {
        desk *d = &p->desk[i];
        if (d->busy) continue;
        bool fits = d->plan && d->n == n;
        if (fits || !found || (!d->plan && found->plan)) found = d;
        if (fits) break;
    }
    if (found) found->busy = true;
    pthread_mutex_unlock(&p->lock);
    return found;
}

static void desk_leave(weft_predictor *p, desk *d)
{
    pthread_mutex_lock(&p->lock);
    d->busy = false;
    pthread_mutex_unlock(&p->lock);
}

static weft_status fill(weft_predictor *p, desk *d, const weft_item *items,
                        weft_answer *answer)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < d->n && !s; i++)
        s = p->kind->items_put(d->items, i, &items[i], &answer[i].tokens,
                               &answer[i].unknown);
    if (!s) s = p->kind->bind(&p->inputs, d->plan, p->kind->items_batch(d->items, d->n));
    if (!s) s = weft_plan_forward(d->plan);
    if (!s)
        s = weft_plan_get(d->plan, p->output, d->output,
                          (size_t)d->n * (size_t)p->codec->width);
    return s;
}

WEFT_API weft_status weft_predict(weft_predictor *p, const weft_item *items, int n,
                                  weft_answer *answer)
{
    desk spare = {0}, *d;
    if (n < 1) return weft__fail(WEFT_EUSAGE, "predict: %d items", n);
    d = desk_find(p, n);
    if (!d) d = &spare;
    weft_status s = d->plan && d->n == n ? WEFT_OK : desk_make(p, d, n);
    if (!s) s = fill(p, d, items, answer);
    for (int i = 0; i < n && !s; i++)
        s = p->task->decode(p->codec, d->output + (size_t)i * (size_t)p->codec->width,
                            &answer[i]);
    if (s || d == &spare) desk_clear(p, d);
    if (d != &spare) desk_leave(p, d);
    return s;
}

WEFT_API char *weft_answer_text(const weft_predictor *p, const weft_answer *a, int top)
{
    enum { ROOM = 260 };
    int lines = top > 0 ? top : 1, width = p->codec->width;
    size_t size = (size_t)(lines > width ? lines : width) * ROOM + ROOM;
    char *text = malloc(size);
    if (text) p->task->answer_text(p->codec, a, lines, text, size);
    return text;
}

WEFT_API char *weft_answer_json(const weft_predictor *p, const weft_answer *a, int top)
{
    weft__json w = {0};
    weft__json_object(&w, NULL);
    if (a->tokens) {
        weft__json_int(&w, "tokens", a->tokens);
        weft__json_int(&w, "unknown", a->unknown);
    }
    p->task->answer_json(p->codec, a, top > 0 ? top : 1, &w);
    weft__json_object_end(&w);
    return weft__json_take(&w);
}

/* ---- over a data set ---- */

static weft__setup_opts setup_opts(const weft_predictor *p)
{
    return (weft__setup_opts){.task = p->task,
                              .output = p->output,
                              .preprocess = p->preprocess,
                              .codec = p->codec};
}

static weft_status same_modality(const weft_predictor *p, const weft_dataset *d)
{
    if (d->modality == p->kind) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "the model reads %s, the data are %s", p->kind->noun,
                      d->modality->noun);
}

WEFT_API weft_status weft_predictor_evaluate(weft_predictor *p, weft_dataset *d,
                                             weft_subset s, int batch,
                                             weft_evaluation **out)
{
    const weft__setup_opts so = setup_opts(p);
    weft_status status = same_modality(p, d);
    return status ? status
                  : weft__evaluate(p->g, d, &so, s, batch > 0 ? batch : 256,
                                   p->exact_conv, out);
}

WEFT_API weft_status weft_evaluate(weft_predictor *p, weft_dataset *d, weft_subset s,
                                   weft_scores *out)
{
    weft_evaluation *e = NULL;
    weft_status status = weft_predictor_evaluate(p, d, s, 0, &e);
    if (!status) *out = weft_evaluation_scores(e);
    weft_evaluation_free(e);
    return status;
}

WEFT_API weft_status weft_predictor_flow(weft_predictor *p, weft_dataset *d,
                                         const weft_flow_opts *opts, weft_flow **out)
{
    static const weft_flow_opts none;
    const weft__setup_opts so = setup_opts(p);
    weft_status s = same_modality(p, d);
    return s ? s : weft__flow_of(p->g, d, &so, opts ? opts : &none, out);
}
