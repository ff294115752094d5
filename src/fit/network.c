/* network.c: data and network as the options ask for them. */
#include "fit/job.h"
#include "task/baseline_linear.h"

#include "base/checked.h"
#include "graph/graph.h"
#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- modality and task ---- */

/* A word of --task may stand for classification of one modality ("text"). */
static const weft__modality *modality_of_word(const char *task)
{
    const weft__modality *m;
    for (int i = 0; task && !weft__task_named(task) && (m = weft__modality_at(i)); i++)
        if (!strcmp(m->classify, task)) return m;
    return NULL;
}

weft_status weft__fit_choose(const weft_fit_args *a, const char *path,
                             const weft__modality **m, const weft__task **t)
{
    const weft__fit_values *v = weft__fit_values_of(a);
    const weft__modality *worded = modality_of_word(v->task);
    *m = v->modality ? weft__modality_named(v->modality)
         : worded    ? worded
                     : weft__modality_probe(path);
    if (!*m) *m = weft__modality_at(0); /* its opening says what is missing */
    *t = v->task && !worded ? weft__task_named(v->task)
                            : weft__task_for(WEFT_TARGET_CLASS);
    if (!*t) return weft__fail(WEFT_EUSAGE, "%.60s: there is no such task", v->task);
    return WEFT_OK;
}

/* ---- data ---- */

weft_status weft__fit_dataset_opts(const weft_fit_args *a, const weft__modality *m,
                                   weft_dataset_opts *out)
{
    const weft__fit_values *v = weft__fit_values_of(a);
    weft_dataset_opts o = {.modality = m->name,
                           .val = v->val,
                           .test = v->test,
                           .val_fraction = v->val_fraction,
                           .no_val = v->no_val,
                           .seed = v->seed,
                           .skip_bad = v->skip_bad != NULL,
                           .bad_list = v->bad_list};
    weft_status s = weft__fit_skip_bad(v->skip_bad, &o.skip_bad_max);
    if (!s && m->options_apply) s = m->options_apply(weft__fit_modality_values(a, m), &o);
    if (!s) *out = o;
    return s;
}

/* A wide part reads n-grams that the network itself need not. */
static weft_status open_data(weft__fit_job *j, int *ngrams)
{
    weft_dataset_opts o;
    weft_status s = weft__fit_dataset_opts(j->a, j->kind, &o);
    if (s) return s;
    o.target = j->task->target;
    if (j->bad_list[0]) o.bad_list = j->bad_list;
    *ngrams = o.text.tokenizer.ngrams ? o.text.tokenizer.ngrams : 1;
    if (j->v->wide > *ngrams) o.text.tokenizer.ngrams = j->v->wide;
    const weft_tokenizer_opts *k = &o.text.tokenizer;
    if (k->max_size[1] && k->ngrams < 2)
        return weft__fail(WEFT_EUSAGE, "train: --max-pairs goes with --ngrams 2 or 3");
    if (k->max_size[2] && k->ngrams < 3)
        return weft__fail(WEFT_EUSAGE, "train: --max-triples goes with --ngrams 3");
    return weft_dataset_open(j->data_path, &o, &j->d);
}

weft_status weft__fit_open_data(weft__fit_job *j, int *ngrams)
{
    weft__recipe r = {.model = j->v->model,
                      .optimizer = j->v->optimizer,
                      .lr = -1,
                      .momentum = -1,
                      .weight_decay = -1,
                      .clip_norm = -1,
                      .smoothing = -1,
                      .dropout = -1};
    weft_status s = open_data(j, ngrams);
    if (!s) s = weft_dataset_fit(j->d);
    if (s) return s;
    if (j->kind->options_choose)
        j->kind->options_choose(weft__fit_modality_values(j->a, j->kind), j->d, &r);
    if (j->task->recipe) j->task->recipe(weft__fit_task_values(j->a, j->task), j->d, &r);
    weft__fit_settle(j->v, &r);
    return WEFT_OK;
}

/* ---- network ---- */

static weft_status check_model(const weft__fit_job *j)
{
    const char *reads = j->v->model ? weft_zoo_modality(j->v->model) : NULL;
    if (!j->v->model)
        return weft__fail(WEFT_EUSAGE,
                          "train: which network? There is no ready one for %s",
                          j->kind->noun);
    if (reads && strcmp(reads, j->kind->name))
        return weft__fail(WEFT_EUSAGE,
                          "train: %.100s is no network for %s. See weft help models",
                          j->v->model, j->kind->noun);
    return weft__fit_check_network(j->a, j->v->model);
}

/* The network's numbers in the task's units. */
static weft_status finish(weft_graph *g, weft_value y, const weft__task *t,
                          const weft_dataset *d)
{
    if (t->finish) weft__output_replace(g, 0, weft_task_output(g, y, d), t->output_name);
    return weft_graph_status(g);
}

static weft_status build(weft_graph *g, const char *model, weft_fit_args *a,
                         const weft__modality *m, const weft__task *t, weft_dataset *d,
                         int ngrams)
{
    weft__fit_values *v = weft__fit_values_of(a);
    weft_zoo_opts z = {0};
    weft_value y;
    weft_status s = weft_dataset_network(d, &z);
    if (!s && m->options_network)
        s = m->options_network(weft__fit_modality_values(a, m), d, &z);
    if (!s && v->embedding && z.embedding && v->embedding != z.embedding)
        s = weft__fail(WEFT_EUSAGE, "the vectors have width %d, --embedding asks for %d",
                       z.embedding, v->embedding);
    if (s) return s;
    if (z.embedding) v->embedding = z.embedding; /* args.json tells it */
    weft__fit_zoo_opts(v, &z);
    if (z.streams > ngrams) z.streams = ngrams;
    s = weft_zoo_build(g, model, &z, &y);
    if (!s) s = finish(g, y, t, d);
    return s ? s : weft_params_init(g, v->seed);
}

/* With --from: the parameters of another model. */
static weft_status take_over(weft__fit_job *j)
{
    weft_graph *from = NULL;
    weft_meta *meta = NULL;
    int copied = 0, left = 0;
    char note[200] = "";
    if (!j->v->from || j->v->resume) return WEFT_OK;
    char *file = weft__is_folder(j->v->from) ? weft__path_join(j->v->from, "best.onnx")
                                             : strdup(j->v->from);
    weft_status s = file ? weft_onnx_load(file, NULL, &from, &meta)
                         : weft__fail(WEFT_ENOMEM, "train: out of memory");
    free(file);
    if (!s && j->kind->copy_params)
        s = j->kind->copy_params(j->d->preprocess, j->g, from, meta, &copied, &left, note,
                                 sizeof note);
    else if (!s)
        s = weft_params_copy(j->g, from, &copied, &left);
    if (!s && !copied)
        s = weft__fail(WEFT_EUSAGE, "%s: has no parameter that fits %s", j->v->from,
                       j->v->model);
    if (!s) {
        size_t at = strlen(j->notes);
        snprintf(j->notes + at, sizeof j->notes - at,
                 "%.200s: %d tensors taken over, %d start afresh\n%s%s", j->v->from,
                 copied, left, note, note[0] ? "\n" : "");
    }
    weft_meta_free(meta);
    weft_graph_free(from);
    return s;
}

weft_status weft__fit_build(weft__fit_job *j, int ngrams)
{
    weft_status s = check_model(j);
    j->g = weft_graph_new();
    if (!s && !j->g) s = weft__fail(WEFT_ENOMEM, "train: out of memory");
    if (!s) s = build(j->g, j->v->model, j->a, j->kind, j->task, j->d, ngrams);
    if (!s && j->kind->options_init && !j->v->resume)
        s = j->kind->options_init(weft__fit_modality_values(j->a, j->kind), j->d, j->g,
                                  j->notes, sizeof j->notes);
    if (!s) s = take_over(j);
    if (!s && j->v->wide && !j->v->resume)
        s = weft_wide_start(j->g, j->d, &(weft_linear_opts){.seed = j->v->seed});
    return s;
}

WEFT_API weft_status weft_fit_network(const char *model, const weft_fit_args *args,
                                      weft_dataset *d, weft_graph **out)
{
    weft_fit_args *a = args ? weft__fit_args_copy(args) : weft_fit_args_new();
    weft_graph *g = weft_graph_new();
    weft_status s =
        a && g ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", model);
    if (!s) s = weft_dataset_fit(d);
    if (!s) weft__fit_drop_foreign_network(a, model);
    if (!s)
        s = build(g, model, a, d->modality, weft__task_for(d->target), d,
                  WEFT_MAX_STREAMS);
    weft_fit_args_free(a);
    if (s)
        weft_graph_free(g);
    else
        *out = g;
    return s;
}

/* A model's own modality and task; those that were asked for must be the same. */
static weft_status choose_predictors(const weft_fit_args *a, const weft_predictor *p,
                                     const weft__modality **m, const weft__task **t)
{
    const weft__fit_values *v = weft__fit_values_of(a);
    const weft__modality *modality = weft__modality_named(weft_predictor_modality(p));
    const weft__task *task = weft__task_named(weft_predictor_task(p));
    bool asked = v->modality || modality_of_word(v->task);
    if (asked && *m != modality)
        return weft__fail(WEFT_EUSAGE, "--%s %s: the model reads %s",
                          v->modality ? "modality" : "task", (*m)->name, modality->noun);
    if (v->task && *t != task)
        return weft__fail(WEFT_EUSAGE, "--task %s: the model's task is %s", v->task,
                          task->name);
    *m = modality;
    *t = task;
    return WEFT_OK;
}

WEFT_API weft_status weft_fit_open(const char *path, const weft_fit_args *args,
                                   const weft_predictor *p, weft_dataset **out)
{
    weft_fit_args *a = args ? weft__fit_args_copy(args) : weft_fit_args_new();
    const weft__modality *m = NULL;
    const weft__task *t = NULL;
    weft_dataset_opts o, own = {0};
    weft_status s = a ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!s) s = weft__fit_choose(a, path, &m, &t);
    if (!s && p) {
        own = weft_predictor_dataset_opts(p);
        s = choose_predictors(a, p, &m, &t);
    }
    if (!s) s = weft__fit_check_foreign(a, m, t);
    if (!s) s = weft__fit_dataset_opts(a, m, &o);
    if (!s) {
        o.target = t->target;
        if (p) {
            double most = o.image.max_megapixels;
            o.image = own.image;
            o.image.max_megapixels = most;
        }
        s = weft_dataset_open(path, &o, out);
    }
    weft_fit_args_free(a);
    return s;
}

WEFT_API weft_status weft_fit_check(const char *path, const weft_fit_args *args,
                                    void (*found)(void *user, const weft_finding *f),
                                    void *user)
{
    weft_fit_args *a = args ? weft__fit_args_copy(args) : weft_fit_args_new();
    const weft__modality *m = NULL;
    const weft__task *t = NULL;
    weft_dataset_opts o;
    weft_status s = a ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!s) s = weft__fit_choose(a, path, &m, &t);
    if (!s) s = weft__fit_check_foreign(a, m, t);
    if (!s) s = weft__fit_dataset_opts(a, m, &o);
    if (!s) {
        o.target = t->target;
        s = weft_dataset_check(path, &o, found, user);
    }
    weft_fit_args_free(a);
    return s;
}

/* ---- the wide part ---- */

static const char *const wide_names[WEFT_MAX_STREAMS] = {
    "wide_tokens.weight", "wide_pairs.weight", "wide_triples.weight"};

static weft_status find_wide(const weft_graph *g, const weft_dataset *d,
                             weft_param_info part[WEFT_MAX_STREAMS], int *streams)
{
    const weft_tokenizer *k = weft_dataset_tokenizer(d);
    *streams = 0;
    while (*streams < WEFT_MAX_STREAMS &&
           weft_param_find(g, wide_names[*streams], &part[*streams]))
        ++*streams;
    if (!k || !*streams || *streams > weft_tokenizer_streams(k))
        return weft__fail(
            WEFT_EUSAGE, "the network's wide part reads %d streams, the tokenizer has %d",
            *streams, k ? weft_tokenizer_streams(k) : 0);
    for (int s = 0; s < *streams; s++)
        if (part[s].shape.dim[0] != weft_tokenizer_size(k, s) ||
            part[s].shape.dim[1] != weft_dataset_classes(d))
            return weft__fail(WEFT_ESHAPE, "%s is [%d, %d], must be [%d, %d]",
                              wide_names[s], part[s].shape.dim[0], part[s].shape.dim[1],
                              weft_tokenizer_size(k, s), weft_dataset_classes(d));
    return WEFT_OK;
}

WEFT_API weft_status weft_wide_start(weft_graph *g, weft_dataset *d,
                                     const weft_linear_opts *opts)
{
    weft_param_info part[WEFT_MAX_STREAMS];
    float *table[WEFT_MAX_STREAMS] = {NULL};
    int size[WEFT_MAX_STREAMS] = {0}, streams = 0;
    double scale = opts && opts->scale > 0 ? opts->scale : 4;
    weft_status s = weft_dataset_fit(d);
    if (!s) s = find_wide(g, d, part, &streams);
    for (int i = 0; i < streams && !s; i++) {
        size[i] = part[i].shape.dim[0];
        table[i] = weft__alloc(part[i].count, sizeof(float));
        if (!table[i]) s = weft__fail(WEFT_ENOMEM, "wide part: out of memory");
    }
    if (!s) s = weft__linear_tables(d, d->preprocess, streams, opts, size, table);
    for (int i = 0; i < streams && !s; i++) {
        for (size_t e = 0; e < part[i].count; e++) table[i][e] *= (float)scale;
        s = weft_param_set(g, part[i].value, table[i], part[i].count);
    }
    for (int i = 0; i < WEFT_MAX_STREAMS; i++) free(table[i]);
    return s;
}
