/* result.c: a finished run in words: tables for a terminal, the last lines, a JSON
 * object. */
#include "fit/job.h"

#include "report/table.h"
#include "task/exhibits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts that grow ---- */

typedef struct words {
    char *text;
    bool failed;
} words;

static void say(words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(words *w, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    size_t used = w->text ? strlen(w->text) : 0;
    char *more = n < 0 || w->failed ? NULL : realloc(w->text, used + (size_t)n + 1);
    if (more) {
        w->text = more;
        vsnprintf(w->text + used, (size_t)n + 1, format, again);
    } else {
        w->failed = true;
    }
    va_end(again);
    va_end(args);
}

static weft_status done(words *w, char **out)
{
    if (w->failed || !w->text) {
        free(w->text);
        return weft__fail(WEFT_ENOMEM, "train: out of memory");
    }
    *out = w->text;
    return WEFT_OK;
}

/* "92.61 %", "0.8130", "-" */
static const char *score_text(char text[24], const weft_score *x)
{
    if (!isfinite(x->value))
        snprintf(text, 24, "-");
    else if (x->percent)
        snprintf(text, 24, "%.2f %%", 100 * x->value);
    else
        snprintf(text, 24, "%.4f", x->value);
    return text;
}

/* ---- tables ---- */

static const weft_score *first_of(const weft_scores *s)
{
    static const weft_score none = {.value = (double)NAN};
    return s->n ? &s->score[0] : &none;
}

/* The network beside the simple model. */
static void say_comparison(const weft__fit_job *j, words *w)
{
    static const weft__column column[] = {{"", false, 0},
                                          {"validation", true, 0},
                                          {"test", true, 0},
                                          {"parameters", true, 0},
                                          {"seconds", true, 0}};
    const weft__baseline *b = &j->baseline;
    weft_scores val = {0}, test = {0};
    char text[8][24];
    if (j->result.val) val = weft_evaluation_scores(j->result.val);
    if (j->result.test) test = weft_evaluation_scores(j->result.test);
    snprintf(text[2], 24, "%.0f", j->params);
    snprintf(text[3], 24, "%.1f", j->result.train.seconds);
    snprintf(text[6], 24, "%d", b->features);
    snprintf(text[7], 24, "%.1f", b->seconds);
    const char *cell[] = {j->v->model,
                          score_text(text[0], first_of(&val)),
                          score_text(text[1], first_of(&test)),
                          text[2],
                          text[3],
                          b->title,
                          score_text(text[4], first_of(&b->val)),
                          score_text(text[5], first_of(&b->test)),
                          text[6],
                          text[7]};
    char *table = weft__table(column, 5, cell, 2);
    if (table) say(w, "\n%s", table);
    free(table);
}

static weft_status make_text(weft__fit_job *j)
{
    words w = {0};
    const weft_evaluation *e = weft__fit_shown(j);
    char *table = j->task->text(e);
    say(&w, "\n%s set\n%s", weft__part_word(e), table ? table : "");
    free(table);
    if (j->has_baseline) say_comparison(j, &w);
    return done(&w, &j->result.text);
}

static weft_status make_summary(weft__fit_job *j)
{
    words w = {0};
    char text[24], dir[4200];
    const weft_train_result *r = &j->result.train;
    weft__escape(dir, sizeof dir, j->run_dir);
    say(&w, "\n%s: best epoch %d of %d", j->v->model, r->best_epoch, r->epochs);
    const weft_evaluation *part[] = {j->result.val, j->result.test};
    for (int i = 0; i < 2; i++) {
        if (!part[i]) continue;
        weft_scores s = weft_evaluation_scores(part[i]);
        const char *label = s.score[0].percent ? "" : s.score[0].label;
        say(&w, ", %s%s%s %s", i ? "test" : "validation", label[0] ? " " : "", label,
            score_text(text, &s.score[0]));
    }
    say(&w, ", %.1f s\n", r->seconds);
    if (j->run_dir[0]) {
        say(&w, "model    %s/best.onnx\n", dir);
        if (!j->v->no_report) say(&w, "report   %s/report.html\n", dir);
        if (j->kind->example)
            say(&w, "try      weft predict %s %s\n", dir, j->kind->example);
    }
    return done(&w, &j->result.summary);
}

/* ---- JSON ---- */

static void scores_json(weft__json *w, const char *key, const weft_evaluation *e)
{
    if (!e) {
        weft__json_null(w, key);
        return;
    }
    weft_scores s = weft_evaluation_scores(e);
    weft__json_object(w, key);
    for (int i = 0; i < s.n; i++)
        weft__json_real(w, s.score[i].name, s.score[i].value, 9);
    weft__json_int(w, "samples", s.samples);
    weft__json_object_end(w);
}

/* "val_top1" */
static void baseline_scores(weft__json *w, const char *part, const weft_scores *s)
{
    char key[64];
    for (int i = 0; i < s->n; i++) {
        snprintf(key, sizeof key, "%s_%s", part, s->score[i].label);
        for (char *c = key; *c; c++)
            if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
        weft__json_real(w, key, s->score[i].value, 9);
    }
}

static void baseline_json(weft__json *w, const weft__baseline *b)
{
    weft__json_object(w, "baseline");
    weft__json_text(w, "model", b->model);
    baseline_scores(w, "val", &b->val);
    baseline_scores(w, "test", &b->test);
    weft__json_int(w, "features", b->features);
    weft__json_real(w, "seconds", b->seconds, 9);
    weft__json_object_end(w);
}

static weft_status make_json(weft__fit_job *j)
{
    weft__json w = {0};
    const weft_train_result *r = &j->result.train;
    weft__json_object(&w, NULL);
    weft__json_text(&w, "task", weft__task_word(j->task, j->kind));
    weft__json_text(&w, "model", j->v->model);
    weft__json_int(&w, "epochs", r->epochs);
    weft__json_int(&w, "best_epoch", r->best_epoch);
    scores_json(&w, "val", j->result.val);
    scores_json(&w, "test", j->result.test);
    weft__json_text(&w, "params_sha256", r->params_sha256);
    weft__json_text(&w, "run_dir", j->run_dir);
    weft__json_real(&w, "seconds", r->seconds, 9);
    weft__json_int(&w, "threads", weft_threads());
    weft__json_text(&w, "isa", weft_isa());
    if (j->kind->json) j->kind->json(j->d->preprocess, &w);
    if (j->has_baseline) baseline_json(&w, &j->baseline);
    weft__json_object_end(&w);
    j->result.json = weft__json_take(&w);
    return j->result.json ? WEFT_OK : weft__fail(WEFT_ENOMEM, "train: out of memory");
}

weft_status weft__fit_words(weft__fit_job *j)
{
    weft_status s = make_text(j);
    if (!s) s = make_summary(j);
    return s ? s : make_json(j);
}
