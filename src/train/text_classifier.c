/* text_classifier.c: a model file with all that is needed to feed it texts and name its
 * answers. */
#include "train/class_names.h"
#include "train/feed.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan for one number of texts, with what is copied into it. */
typedef struct desk {
    weft_plan *plan;
    int n;
    int32_t *tokens[WEFT_MAX_STREAMS]; /* [n][length] */
    int32_t *lengths;                  /* [n] */
} desk;

struct weft_text_classifier {
    weft_graph *g;
    weft_meta *meta;
    weft_tokenizer *k;
    weft__text_inputs in;
    weft_val logits;
    int classes;
    char **names; /* [classes] */
    desk one, many;
};

static const char *class_name(const void *user, int i)
{
    return weft_texts_class_name(user, i);
}

weft_status weft_text_classifier_describe(weft_meta *m, const weft_texts *t,
                                          const weft_tokenizer *k, const char *model,
                                          uint64_t seed)
{
    char text[64];
    weft_status s = weft_meta_set(m, "task", "text");
    if (!s) s = weft__names_describe(m, weft_texts_classes(t), class_name, t);
    if (!s) s = weft_meta_set(m, "batch", "1");
    if (!s) s = weft_meta_set(m, "weft.model", model);
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    if (!s) s = weft_meta_set(m, "weft.seed", text);
    if (!s) s = weft_meta_set(m, "weft.data", weft_texts_hash(t));
    if (!s) s = weft_meta_set(m, "weft.version", weft_version());
    return s ? s : weft_tokenizer_describe(k, m);
}

static weft_status understand(weft_text_classifier *c, const char *path)
{
    const char *task = weft_meta_get(c->meta, "task");
    if (!task || strcmp(task, "text"))
        return weft__fail(WEFT_EMODEL, "%s: is a model for the task %.40s, not for texts",
                          path, task ? task : "(none is named)");
    c->logits = weft_output_at(c->g, 0);
    weft_shape out = weft_shape_of(c->g, c->logits);
    weft_status s = weft__text_inputs_find(c->g, &c->in);
    if (s) return weft__fail(WEFT_EMODEL, "%s: %.600s", path, weft_last_error());
    if (out.rank != 2)
        return weft__fail(WEFT_EMODEL, "%s: has no output [batch, classes]", path);
    c->classes = out.dim[1];
    s = weft_tokenizer_from_meta(c->meta, &c->k);
    if (s) return weft__prefix(s, "%s", path);
    if (weft__text_inputs_fit(&c->in, c->k))
        return weft__fail(WEFT_EMODEL, "%s: %.600s", path, weft_last_error());
    c->names = weft__class_names_read(c->meta, c->classes);
    return c->names ? WEFT_OK : WEFT_ENOMEM;
}

weft_status weft_text_classifier_new(weft_graph *g, weft_meta *meta, const char *path,
                                     weft_text_classifier **out)
{
    weft_text_classifier *c = calloc(1, sizeof *c);
    if (!c) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    c->g = g;
    c->meta = meta;
    weft_status s = understand(c, path);
    if (s) {
        c->g = NULL; /* still the caller's */
        c->meta = NULL;
        weft_text_classifier_free(c);
    } else {
        *out = c;
    }
    return s;
}

weft_status weft_text_classifier_open(const char *path, weft_text_classifier **out)
{
    char *file = NULL;
    weft_graph *g = NULL;
    weft_meta *meta = NULL;
    weft_status s = weft__trained_load(path, &file, &g, &meta);
    if (!s) s = weft_text_classifier_new(g, meta, file, out);
    if (s) weft_meta_free(meta), weft_graph_free(g);
    free(file);
    return s;
}

static void desk_clear(desk *d)
{
    weft_plan_free(d->plan);
    for (int k = 0; k < WEFT_MAX_STREAMS; k++) free(d->tokens[k]);
    free(d->lengths);
    *d = (desk){0};
}

void weft_text_classifier_free(weft_text_classifier *c)
{
    if (!c) return;
    desk_clear(&c->one);
    desk_clear(&c->many);
    weft__class_names_free(c->names, c->classes);
    weft_tokenizer_free(c->k);
    weft_meta_free(c->meta);
    weft_graph_free(c->g);
    free(c);
}

int weft_text_classifier_classes(const weft_text_classifier *c)
{
    return c->classes;
}

const char *weft_text_classifier_name(const weft_text_classifier *c, int class_number)
{
    return class_number >= 0 && class_number < c->classes ? c->names[class_number] : "";
}

const weft_tokenizer *weft_text_classifier_tokenizer(const weft_text_classifier *c)
{
    return c->k;
}

weft_graph *weft_text_classifier_graph(weft_text_classifier *c)
{
    return c->g;
}

static weft_status desk_for(weft_text_classifier *c, int n, desk **out)
{
    desk *d = n == 1 ? &c->one : &c->many;
    size_t count = 0;
    *out = d;
    if (d->plan && d->n == n) return WEFT_OK;
    desk_clear(d);
    d->n = n;
    bool room = weft__mul((size_t)n, (size_t)c->in.length, &count);
    for (int k = 0; k < weft_tokenizer_streams(c->k) && room; k++)
        room = (d->tokens[k] = weft__alloc(count, sizeof *d->tokens[k])) != NULL;
    d->lengths = weft__alloc((size_t)n, sizeof *d->lengths);
    if (!room || !d->lengths) {
        desk_clear(d);
        return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    }
    weft_plan_opts o = {.batch = n, .keep = &c->logits, .keep_count = 1};
    return weft_plan_new(c->g, &o, &d->plan);
}

weft_status weft_classify_texts(weft_text_classifier *c, const char *const *text, int n,
                                float *probabilities, int *length, int *unknown)
{
    desk *d;
    if (n < 1) return weft__fail(WEFT_EUSAGE, "classify: %d texts", n);
    weft_status s = desk_for(c, n, &d);
    if (s) return s;
    for (int i = 0; i < n; i++) {
        int32_t *ids[WEFT_MAX_STREAMS] = {NULL};
        int unseen = 0;
        for (int k = 0; k < weft_tokenizer_streams(c->k); k++)
            ids[k] = d->tokens[k] + (size_t)i * (size_t)c->in.length;
        d->lengths[i] = weft_tokenize(c->k, text[i], strlen(text[i]), ids, &unseen);
        if (length) length[i] = d->lengths[i];
        if (unknown) unknown[i] = unseen;
    }
    size_t classes = (size_t)c->classes;
    s = weft__text_inputs_put(&c->in, d->plan, n, (const int32_t *const *)d->tokens,
                              d->lengths);
    if (!s) s = weft_forward(d->plan);
    if (!s) s = weft_plan_get(d->plan, c->logits, probabilities, (size_t)n * classes);
    for (size_t i = 0; i < (size_t)n && !s; i++)
        weft__to_probabilities(probabilities + i * classes, c->classes);
    return s;
}

weft_status weft_text_classifier_match(const weft_text_classifier *c, const weft_texts *t,
                                       int32_t *class_of)
{
    for (int i = 0; i < weft_texts_classes(t); i++) {
        const char *name = weft_texts_class_name(t, i);
        size_t room = 4 * strlen(name) + 1;
        char *safe = malloc(room); /* as it stands in the metadata */
        if (!safe) return weft__fail(WEFT_ENOMEM, "classes: out of memory");
        weft__escape(safe, room, name);
        int k = 0;
        while (k < c->classes && strcmp(c->names[k], safe)) k++;
        free(safe);
        if (k == c->classes)
            return weft__fail(
                WEFT_EUSAGE, "the data's class %.60s is not among the model's %d classes",
                name, c->classes);
        class_of[i] = k;
    }
    return WEFT_OK;
}

weft_status weft_text_classifier_evaluate(weft_text_classifier *c, const weft_texts *t,
                                          weft_split split, int batch, weft_metrics *m,
                                          float *scores)
{
    int32_t *class_of = weft__alloc((size_t)weft_texts_classes(t) + 1, sizeof *class_of);
    weft_status s = class_of ? weft_text_classifier_match(c, t, class_of)
                             : weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
    if (!s)
        s = weft_evaluate_texts(c->g, c->logits, t, c->k, class_of, split, batch, m,
                                scores);
    free(class_of);
    return s;
}
