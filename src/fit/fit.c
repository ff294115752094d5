/* fit.c: from a path to a trained, measured and reported model. */
#include "fit/job.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/log.h"
#include "fit/run_folder.h"
#include "train/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 4200 };

/* ---- options ---- */

static weft_status own_args(weft__fit_job *j)
{
    weft_status s = WEFT_OK;
    j->a = j->o->args ? weft__fit_args_copy(j->o->args) : weft_fit_args_new();
    if (!j->a) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    for (const char *const *at = j->o->options; at && *at && !s; at++) {
        char name[80];
        const char *equals = strchr(*at, '=');
        snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - *at) : 79, *at);
        s = weft_fit_args_set(j->a, name, equals ? equals + 1 : NULL);
    }
    j->v = weft__fit_values_of(j->a);
    return s;
}

static weft_status check_resume(const weft__fit_values *v)
{
    const char *other = v->name    ? "--name"
                        : v->force ? "--force"
                        : v->from  ? "--from"
                                   : NULL;
    if (other)
        return weft__fail(WEFT_EUSAGE, "train: --resume and %s exclude each other",
                          other);
    return WEFT_OK;
}

/* The run's own options first, then those of this call again. */
static weft_status read_run(weft__fit_job *j)
{
    char path[PATH];
    size_t length = strlen(j->v->resume);
    weft_status s = check_resume(j->v);
    if (s) return s;
    while (length > 1 && j->v->resume[length - 1] == '/') length--;
    if (length > sizeof j->run_dir - 100)
        return weft__fail(WEFT_EUSAGE, "train: the path is too long");
    snprintf(j->run_dir, sizeof j->run_dir, "%.*s", (int)length, j->v->resume);
    snprintf(path, sizeof path, "%s/args.json", j->run_dir);
    if (!weft__is_file(path))
        return weft__fail(WEFT_EUSAGE, "%s: is no run folder: it has no args.json",
                          j->run_dir);
    weft_fit_args *run = weft_fit_args_new();
    if (!run) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    s = weft__fit_args_read(run, path, &j->data_path);
    if (!s) s = weft__fit_args_overlay(run, j->a);
    if (s) {
        weft_fit_args_free(run);
        return s;
    }
    weft_fit_args_free(j->a);
    j->a = run;
    j->v = weft__fit_values_of(run);
    return WEFT_OK;
}

static weft_status read_options(weft__fit_job *j, const char *path)
{
    weft_status s = own_args(j);
    if (!s && !path && !j->v->resume)
        s = weft__fail(WEFT_EUSAGE, "train: which data set? See weft help train");
    if (!s && j->v->resume) s = read_run(j);
    if (!s && path) { /* with resume: the data have moved */
        free(j->data_path);
        j->data_path = strdup(path);
        if (!j->data_path) s = weft__fail(WEFT_ENOMEM, "train: out of memory");
    }
    if (!s) s = weft_fit_args_apply(j->a);
    if (!s) s = weft__fit_choose(j->a, j->data_path, &j->kind, &j->task);
    if (!s) s = weft__fit_check_foreign(j->a, j->kind, j->task);
    return s ? s : weft__fit_check(j->v);
}

/* ---- the run folder ---- */

/* The last part of the data set's path, of a file without its ending, as a name for
 * the run. */
static void default_name(const char *path, char *out, size_t size)
{
    char copy[300];
    snprintf(copy, sizeof copy, "%s", path);
    size_t n = strlen(copy);
    while (n > 1 && copy[n - 1] == '/') copy[--n] = '\0';
    char *slash = strrchr(copy, '/');
    char *base = slash && slash[1] ? slash + 1 : copy;
    char *dot = strrchr(base, '.');
    if (dot && dot > base && weft__is_file(path)) *dot = '\0';
    snprintf(out, size, "%.100s", *base == '.' || !*base || *base == '/' ? "run" : base);
}

static weft_status make_folder(weft__fit_job *j)
{
    char name[128];
    const weft__fit_values *v = j->v;
    if (v->resume || j->o->no_run || j->run_dir[0]) return WEFT_OK;
    default_name(j->data_path, name, sizeof name);
    const char *wanted = v->name ? v->name : name;
    if (!*wanted || strchr(wanted, '/') || !strcmp(wanted, ".") || !strcmp(wanted, ".."))
        return weft__fail(WEFT_EUSAGE, "--name: must be a plain name without slashes");
    weft_status s = weft__run_folder_make(v->project, weft__task_word(j->task, j->kind),
                                          wanted, v->name != NULL, v->force, j->data_path,
                                          j->run_dir, sizeof j->run_dir, &j->fresh);
    if (s) j->run_dir[0] = '\0';
    return s;
}

/* With --skip-bad, the list of bad samples is written while the data are opened. */
static weft_status place_bad_list(weft__fit_job *j)
{
    if (!j->v->skip_bad) return WEFT_OK;
    if (j->v->bad_list)
        return weft__run_folder_outside(j->v->bad_list, j->data_path, "--bad-list");
    weft_status s = make_folder(j);
    if (!s && j->run_dir[0])
        snprintf(j->bad_list, sizeof j->bad_list, "%s/bad.tsv", j->run_dir);
    return s;
}

static weft_status write_args(weft__fit_job *j)
{
    char path[PATH];
    if (j->v->resume || j->o->no_run) return WEFT_OK;
    weft_status s = make_folder(j);
    if (!s) s = weft__run_folder_clear(j->run_dir, j->bad_list[0] != '\0');
    snprintf(path, sizeof path, "%s/args.json", j->run_dir);
    /* the word, not the task's name, so that what is read back is the same modality */
    if (!s) j->v->task = weft__task_word(j->task, j->kind);
    return s ? s : weft__fit_args_write(j->a, path, j->data_path, j->kind, j->task);
}

/* ---- the plan ---- */

static void describe_data(weft__fit_job *j)
{
    char shape[64] = "", path[4200], columns[1300], targets[40] = "";
    const weft_dataset *d = j->d;
    if (j->kind->shape) j->kind->shape(d, shape, sizeof shape);
    weft__escape(columns, sizeof columns, weft_dataset_columns(d));
    if (weft_dataset_classes(d))
        snprintf(targets, sizeof targets, "%d classes", weft_dataset_classes(d));
    else
        snprintf(targets, sizeof targets, "%d value%s", weft_dataset_values(d),
                 weft_dataset_values(d) == 1 ? "" : "s");
    snprintf(j->data_line, sizeof j->data_line,
             "%.3000s (%s%s%.300s): %d training, %d validation, %d test %s%s%s, %s",
             weft__escape(path, sizeof path, j->data_path), weft_dataset_format(d),
             columns[0] ? "; " : "", columns, weft_dataset_count(d, WEFT_SUBSET_TRAIN),
             weft_dataset_count(d, WEFT_SUBSET_VAL),
             weft_dataset_count(d, WEFT_SUBSET_TEST), weft_dataset_noun(d),
             shape[0] ? " " : "", shape, targets);
    if (j->kind->line) j->kind->line(d->preprocess, j->details, sizeof j->details);
}

static void tell_plan(weft__fit_job *j, const weft_train_opts *t)
{
    char training[400];
    if (!j->o->on_plan) return;
    char *table = weft_graph_table(j->g, j->v->batch);
    int n = weft_dataset_count(j->d, WEFT_SUBSET_TRAIN);
    describe_data(j);
    snprintf(training, sizeof training,
             "%.100s, %s lr %g, %s, %d epochs of %d batches, seed %llu, %d threads (%s)",
             j->v->model, j->v->optimizer, t->optimizer.lr, j->v->schedule, j->v->epochs,
             (n + j->v->batch - 1) / j->v->batch, (unsigned long long)j->v->seed,
             weft_threads(), weft_isa());
    const weft_fit_plan p = {.data = j->data_line,
                             .details = j->details,
                             .notes = j->notes,
                             .network = table ? table : "",
                             .training = training,
                             .run_dir = j->run_dir};
    j->o->on_plan(j->o->user, &p);
    free(table);
}

/* ---- training ---- */

static void on_epoch(void *user, const weft_epoch_row *row, bool best)
{
    const weft__fit_job *j = user;
    j->o->on_epoch(j->o->user, row, j->v->epochs, best);
}

static void on_start(void *user, const weft_train_estimate *e)
{
    const weft__fit_job *j = user;
    j->o->on_start(j->o->user, e);
}

static void on_step(void *user, const weft_progress *p)
{
    const weft__fit_job *j = user;
    j->o->on_step(j->o->user, p);
}

static bool stop(void *user)
{
    const weft__fit_job *j = user;
    return j->o->stop(j->o->user);
}

static weft_status train(weft__fit_job *j)
{
    weft_train_opts t;
    weft_status s = weft__fit_train_opts(j->v, &t);
    if (s) return s;
    t.task = j->task->name;
    t.task_args = weft__fit_task_values(j->a, j->task);
    t.run_dir = j->run_dir[0] ? j->run_dir : NULL;
    t.resume = j->v->resume != NULL;
    t.meta = j->meta;
    t.user = j;
    t.stop = j->o->stop ? stop : NULL;
    t.on_start = j->o->on_start ? on_start : NULL;
    t.on_step = j->o->on_step ? on_step : NULL;
    t.on_epoch = j->o->on_epoch ? on_epoch : NULL;
    tell_plan(j, &t);
    return weft_train(j->g, j->d, &t, &j->result.train);
}

/* ---- what it came to ---- */

static weft_status measure(weft__fit_job *j)
{
    weft_plan *p = NULL;
    weft_fit_result *r = &j->result;
    bool val = weft_dataset_count(j->d, WEFT_SUBSET_VAL) > 0;
    bool test = weft_dataset_count(j->d, WEFT_SUBSET_TEST) > 0;
    const weft__setup_opts so = {.task = j->task};
    weft_status s = WEFT_OK;
    if (test)
        s = weft__evaluate(j->g, j->d, &so, WEFT_SUBSET_TEST, 128, j->v->exact_conv,
                           &r->test);
    r->val = val || !test ? r->train.evaluation : NULL;
    if (!s) s = weft_plan_new(j->g, &(weft_plan_opts){.batch = 1}, &p);
    if (!s) j->infer_bytes = weft_plan_total_bytes(p);
    weft_plan_free(p);
    for (int i = 0; i < weft_param_count(j->g); i++)
        j->params += (double)weft_param_at(j->g, i).count;
    /* only there to compare with: a failure is told */
    if (!s && (val || test) && !j->v->no_baseline && j->task->baseline &&
        j->task->baseline(j->d, j->v->seed, &j->baseline, &j->has_baseline)) {
        weft__warn("no baseline: %s", weft_last_error());
        j->has_baseline = false;
    }
    return s;
}

/* The best epoch's model, as a file would have it. */
static weft_status make_predictor(weft__fit_job *j)
{
    weft_meta *m = weft_meta_new();
    weft__task_setup x = {.d = j->d, .task = j->task, .preprocess = j->d->preprocess};
    weft_status s = m ? j->task->fit(j->d, &x.codec)
                      : weft__fail(WEFT_ENOMEM, "train: out of memory");
    if (!s) s = weft__setup_describe(&x, j->v->model, j->v->seed, m);
    if (!s) s = weft_predictor_new(j->g, m, "model", &j->result.predictor);
    j->task->free(x.codec);
    if (s)
        weft_meta_free(m);
    else
        j->g = NULL; /* the predictor's */
    return s;
}

static weft_status run(weft__fit_job *j, const char *path)
{
    int ngrams = 1;
    weft_status s = read_options(j, path);
    if (!s) s = place_bad_list(j);
    if (!s) s = weft__fit_open_data(j, &ngrams);
    if (!s) s = weft__fit_check(j->v);
    if (!s) s = weft__fit_build(j, ngrams);
    if (!s) s = write_args(j);
    if (!s) s = train(j);
    if (!s && j->o->stop && j->o->stop(j->o->user))
        s = weft__fail(WEFT_ESTOPPED,
                       "stopped before the report"); /* a resume will write it */
    if (!s) s = measure(j);
    if (!s && j->run_dir[0] && !j->v->no_report) s = weft__fit_report(j);
    if (!s) s = weft__fit_words(j);
    return s ? s : make_predictor(j);
}

static void clean_up(weft__fit_job *j)
{
    weft_graph_free(j->g);
    weft_meta_free(j->meta);
    weft_dataset_close(j->d);
    weft_fit_args_free(j->a);
    free(j->data_path);
}

WEFT_API weft_status weft_fit(const char *path, const weft_fit_opts *opts,
                              weft_fit_result *out)
{
    static const weft_fit_opts none;
    weft__fit_job j = {.o = opts ? opts : &none};
    weft_status s = run(&j, path);
    if (s == WEFT_ENOMEM && j.v && j.v->max_mem)
        weft__fail(s, "%.900s (--max-mem allows %zu bytes)", weft_last_error(),
                   j.v->max_mem);
    if (s && s != WEFT_ESTOPPED && j.fresh) weft__run_folder_undo(j.run_dir);
    if (s) weft_fit_result_free(&j.result);
    if ((!s || s == WEFT_ESTOPPED) && j.run_dir[0]) j.result.run_dir = strdup(j.run_dir);
    if (!s || s == WEFT_ESTOPPED) *out = j.result;
    clean_up(&j);
    return s;
}

WEFT_API weft_status weft_fit_outside(const char *path, const char *data,
                                      const char *option)
{
    return weft__run_folder_outside(path, data, option);
}

WEFT_API void weft_fit_result_free(weft_fit_result *r)
{
    weft_evaluation_free(r->test);
    weft_train_result_free(&r->train);
    weft_predictor_free(r->predictor);
    free(r->run_dir);
    free(r->text);
    free(r->summary);
    free(r->json);
    *r = (weft_fit_result){0};
}
