/* run_report.c: a run's page and the pictures beside it: what every task and
 * modality has in common. */
#include "fit/job.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "task/exhibits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_CHARTS = 5, MOST_SERIES = 3, MOST_DATA_CHARTS = 4 };

/* Everything that a report borrows; what is not here lives in the arena. */
typedef struct page {
    const weft__fit_job *j;
    weft__arena arena;
    weft__fact_list headline, training, data, resources;
    weft__fact_group group[3];
    weft__chart chart[MOST_CHARTS], data_chart[MOST_DATA_CHARTS];
    weft__compared compared[2];
    weft_graph_row *graph_rows;
    bool failed; /* the arena could not grow */
    weft__report r;
} page;

static void *room(page *p, size_t count, size_t size)
{
    size_t bytes = 0;
    void *x =
        weft__mul(count + 1, size, &bytes) ? weft__arena_alloc(&p->arena, bytes) : NULL;
    p->failed |= !x;
    return x;
}

/* ---- curves ---- */

/* A number of each epoch's row, at an offset in it. */
static const double *column(page *p, size_t offset)
{
    const weft_train_result *r = &p->j->result.train;
    double *x = room(p, (size_t)r->rows, sizeof *x);
    for (int i = 0; i < r->rows && x; i++)
        memcpy(&x[i], (const char *)&r->history[i] + offset, sizeof *x);
    return x;
}

static void add_chart(page *p, const char *title, const double *epoch, int n,
                      const char *const *name, const size_t *offset, weft__chart like)
{
    weft__series *s = room(p, (size_t)n, sizeof *s);
    for (int i = 0; i < n && s; i++)
        s[i] =
            (weft__series){name[i], p->j->result.train.rows, epoch, column(p, offset[i])};
    like.title = title;
    like.n = n;
    like.series = s;
    if (!p->failed) p->chart[p->r.charts++] = like;
}

/* Scores in percent share a chart; another first score has its own. */
static void add_scores(page *p, const double *epoch)
{
    const weft__task *t = p->j->task;
    const char *name[MOST_SERIES];
    size_t offset[MOST_SERIES];
    int n = 0, classes = weft_dataset_classes(p->j->d);
    for (int i = 0; i < t->scores && n < MOST_SERIES; i++) {
        if (t->score[i].percent != t->score[0].percent) continue;
        if (i && (!t->score[i].percent || classes <= 5)) continue;
        name[n] = t->score[i].label;
        offset[n++] = offsetof(weft_epoch_row, scores.score[0].value) +
                      (size_t)i * sizeof(weft_score);
    }
    const char *title = weft__arena_printf(&p->arena, "Validation %s", t->score[0].title);
    add_chart(p, title, epoch, n, name, offset,
              (weft__chart){.percent = t->score[0].percent,
                            .mark = p->j->result.train.best_epoch,
                            .mark_text = "best"});
}

static void fill_curves(page *p)
{
    const weft_train_result *r = &p->j->result.train;
    double *epoch = room(p, (size_t)r->rows, sizeof *epoch);
    for (int i = 0; i < r->rows && epoch; i++) epoch[i] = r->history[i].epoch;
    add_chart(p, "Loss", epoch, 2, (const char *const[]){"training", "validation"},
              (const size_t[]){offsetof(weft_epoch_row, train_loss),
                               offsetof(weft_epoch_row, val_loss)},
              (weft__chart){.mark = r->best_epoch, .mark_text = "best"});
    add_scores(p, epoch);
    add_chart(p, "Learning rate", epoch, 1, (const char *const[]){"learning rate"},
              (const size_t[]){offsetof(weft_epoch_row, lr)}, (weft__chart){0});
    add_chart(p, "Gradient norm before clipping", epoch, 2,
              (const char *const[]){"mean", "largest"},
              (const size_t[]){offsetof(weft_epoch_row, gradient),
                               offsetof(weft_epoch_row, gradient_most)},
              (weft__chart){.log = true});
}

/* ---- facts ---- */

static void add_score(page *p, const char *part, const weft_evaluation *e)
{
    if (!e) return;
    const weft_score x = weft_evaluation_scores(e).score[0];
    const char *key =
        weft__arena_printf(&p->arena, "%s %s", part, p->j->task->score[0].title);
    weft__fact_add(&p->headline, key, x.percent ? "%.2f %%" : "%.4f",
                   x.percent ? 100 * x.value : x.value);
}

static void fill_training(page *p)
{
    const weft__fit_job *j = p->j;
    const weft__fit_values *v = j->v;
    const weft_train_result *r = &j->result.train;
    weft__fact_add(&p->training, "Model", "%s", v->model);
    weft__fact_add(&p->training, "Epochs", "%d, best %d", r->epochs, r->best_epoch);
    weft__fact_add(&p->training, "Batch", "%d", v->batch * v->accumulate);
    weft__fact_add(&p->training, "Optimizer", "%s, learning rate %g, weight decay %g",
                   v->optimizer, v->lr, v->weight_decay);
    weft__fact_add(&p->training, "Schedule", "%s", v->schedule);
    weft__fact_add(&p->training, "Seed", "%llu", (unsigned long long)v->seed);
    weft__fact_add(&p->training, "Parameters (SHA-256)", "%s", r->params_sha256);
}

static void fill_data(page *p)
{
    const weft_dataset *d = p->j->d;
    const char *noun = weft_dataset_noun(d);
    char *key = weft__arena_text(&p->arena, noun);
    if (key && *key >= 'a' && *key <= 'z') *key = (char)(*key - 'a' + 'A');
    weft__fact_add(&p->data, "Source", "%.500s", p->j->data_path);
    weft__fact_add(&p->data, "Format", "%s", weft_dataset_format(d));
    weft__fact_add(&p->data, key ? key : noun, "%d training, %d validation, %d test",
                   weft_dataset_count(d, WEFT_SUBSET_TRAIN),
                   weft_dataset_count(d, WEFT_SUBSET_VAL),
                   weft_dataset_count(d, WEFT_SUBSET_TEST));
    if (weft_dataset_classes(d))
        weft__fact_add(&p->data, "Classes", "%d", weft_dataset_classes(d));
    for (int k = 0; k < weft_dataset_values(d); k++)
        weft__fact_add(&p->data, "Value", "%s", weft_dataset_value_name(d, k));
}

static void fill_resources(page *p)
{
    const weft_train_result *r = &p->j->result.train;
    int train = weft_dataset_count(p->j->d, WEFT_SUBSET_TRAIN);
    weft__fact_add(&p->resources, "Training", "%.1f s, %.0f %s/s", r->seconds,
                   r->seconds > 0 ? (double)train * r->epochs / r->seconds : 0,
                   weft_dataset_noun(p->j->d));
    weft__fact_add(&p->resources, "Memory planned for training", "%.1f MB",
                   (double)r->plan_bytes / 1e6);
    weft__fact_add(&p->resources, "Memory planned for prediction", "%.2f MB",
                   (double)p->j->infer_bytes / 1e6);
    weft__fact_add(&p->resources, "Peak resident memory", "%.0f MB",
                   (double)weft__peak_resident() / 1e6);
    weft__fact_add(&p->resources, "Threads, instruction set", "%d, %s", weft_threads(),
                   weft_isa());
}

/* ---- what the modality says ---- */

static void take_fact(void *user, const char *key, const char *value)
{
    page *p = user;
    weft__fact_add(&p->data, weft__arena_printf(&p->arena, "%s", key), "%s", value);
}

static void take_note(void *user, const char *text)
{
    page *p = user;
    p->r.data_note = weft__arena_printf(&p->arena, "%s", text);
}

static void take_histogram(void *user, const char *title, const char *x_title, int n,
                           const double *x, const double *y)
{
    page *p = user;
    double *both = room(p, 2 * (size_t)n, sizeof *both);
    weft__series *s = room(p, 1, sizeof *s);
    if (!both || !s || p->r.data_charts == MOST_DATA_CHARTS) return;
    memcpy(both, x, (size_t)n * sizeof *x);
    memcpy(both + n, y, (size_t)n * sizeof *y);
    *s = (weft__series){weft_dataset_noun(p->j->d), n, both, both + n};
    p->data_chart[p->r.data_charts++] =
        (weft__chart){.title = weft__arena_printf(&p->arena, "%s", title),
                      .x_title = weft__arena_printf(&p->arena, "%s", x_title),
                      .n = 1,
                      .series = s,
                      .columns = true};
}

static weft_status ask_modality(page *p)
{
    const weft__fact_sink sink = {p, take_fact, take_note, take_histogram};
    const weft__modality *m = p->j->kind;
    weft__input_form f = {0};
    if (m->form) {
        m->form(p->j->d->preprocess, &f);
        p->r.usage = (weft__usage){.model = "best.onnx",
                                   .input = f.input,
                                   .channels = f.channels,
                                   .height = f.height,
                                   .width = f.width,
                                   .fit = f.fit,
                                   .text = f.text,
                                   .streams = f.streams,
                                   .length = f.length,
                                   .letters = f.chars,
                                   .keep_case = f.keep_case,
                                   .keep_width = f.keep_width};
        p->r.usage.values = weft_dataset_values(p->j->d);
        memcpy(p->r.usage.mean, f.mean, sizeof f.mean);
        memcpy(p->r.usage.std, f.std, sizeof f.std);
    }
    return m->facts ? m->facts(p->j->d, p->j->d->preprocess,
                               weft_evaluation_subset(weft__fit_shown(p->j)), &sink)
                    : WEFT_OK;
}

/* ---- the rest ---- */

static void fill_baseline(page *p)
{
    const weft__fit_job *j = p->j;
    const weft__baseline *b = &j->baseline;
    weft_scores val = {0}, test = {0};
    if (!j->has_baseline) return;
    if (j->result.val) val = weft_evaluation_scores(j->result.val);
    if (j->result.test) test = weft_evaluation_scores(j->result.test);
    const double none = (double)NAN;
    p->compared[0] = (weft__compared){j->v->model, val.n ? val.score[0].value : none,
                                      test.n ? test.score[0].value : none, j->params,
                                      j->result.train.seconds};
    p->compared[1] = (weft__compared){b->title, b->val.n ? b->val.score[0].value : none,
                                      b->test.n ? b->test.score[0].value : none,
                                      b->features, b->seconds};
    p->r.compared_models = 2;
    p->r.compared = p->compared;
    p->r.compared_score = j->task->score[0].title;
    p->r.compared_plain = !j->task->score[0].percent;
    const weft_scores *shown = b->test.n ? &b->test : &b->val;
    if (shown->n)
        weft__fact_add(&p->headline, weft__arena_printf(&p->arena, "%s", b->title),
                       shown->score[0].percent ? "%.2f %%" : "%.4f",
                       (shown->score[0].percent ? 100 : 1) * shown->score[0].value);
}

static weft_status fill_layers(page *p)
{
    weft_status s = weft_graph_rows(p->j->g, 1, &p->graph_rows, &p->r.layers);
    weft__layer_row *layer = s ? NULL : room(p, (size_t)p->r.layers, sizeof *layer);
    for (int i = 0; i < p->r.layers && layer; i++) {
        const weft_graph_row *r = &p->graph_rows[i];
        layer[i] = (weft__layer_row){r->name, r->op, r->shape,
                                     (int64_t)(r->params + r->frozen), r->mult_adds};
    }
    p->r.layer = layer;
    return s;
}

static void fill_titles(page *p)
{
    char date[64] = "";
    time_t now = time(NULL);
    struct tm tm;
    const char *base = strrchr(p->j->run_dir, '/');
    if (localtime_r(&now, &tm)) strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
    p->r.title = weft__arena_printf(&p->arena, "%s on %s", p->j->v->model,
                                    base ? base + 1 : p->j->run_dir);
    p->r.subtitle = weft__arena_printf(&p->arena, "%s, weft %s", date, weft_version());
    p->r.summary =
        weft__arena_printf(&p->arena, "%s%sthe best epoch was %d of %d.",
                           p->r.summary ? p->r.summary : "", p->r.summary ? "; " : "",
                           p->j->result.train.best_epoch, p->j->result.train.epochs);
}

static weft_status fill(page *p)
{
    const weft__fit_job *j = p->j;
    const weft_evaluation *e = weft__fit_shown(j);
    add_score(p, j->result.test ? "Test" : "Validation", e);
    if (j->result.test) add_score(p, "Validation", j->result.val);
    weft_status s = j->task->report(e, j->d, &p->headline, &p->r);
    if (s) return s;
    fill_baseline(p);
    weft__fact_add(&p->headline, "Training time", "%.0f s", j->result.train.seconds);
    fill_curves(p);
    fill_training(p);
    fill_data(p);
    fill_resources(p);
    s = ask_modality(p);
    if (!s) s = fill_layers(p);
    fill_titles(p);
    p->group[0] = (weft__fact_group){"Training", p->training.n, p->training.fact};
    p->group[1] = (weft__fact_group){"Data", p->data.n, p->data.fact};
    p->group[2] =
        (weft__fact_group){"Time and memory", p->resources.n, p->resources.fact};
    p->r.groups = 3;
    p->r.group = p->group;
    p->r.headlines = p->headline.n;
    p->r.headline = p->headline.fact;
    p->r.chart = p->chart;
    p->r.data_chart = p->data_chart;
    return !s && p->failed ? weft__fail(WEFT_ENOMEM, "report: out of memory") : s;
}

static weft_status write_all(const page *p)
{
    char path[4200];
    const weft__fit_job *j = p->j;
    snprintf(path, sizeof path, "%s/report.html", j->run_dir);
    weft_status s = weft__report_write(&p->r, path);
    if (s || !weft__report_has_png()) return s;
    snprintf(path, sizeof path, "%s/results.png", j->run_dir);
    s = weft__report_charts_png(&p->r, path);
    const weft_evaluation *val =
        j->result.val ? j->result.val : weft__fit_shown(j); /* of the first pictures */
    return s || !j->task->pictures
               ? s
               : j->task->pictures(weft__fit_shown(j), val, j->d, &p->r, j->run_dir);
}

weft_status weft__fit_report(weft__fit_job *j)
{
    page *p = calloc(1, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    p->j = j;
    p->headline.arena = p->training.arena = p->data.arena = p->resources.arena =
        &p->arena;
    weft_status s = fill(p);
    if (!s) s = write_all(p);
    weft__arena_free(&p->arena);
    free(p->graph_rows);
    free(p);
    return s;
}
