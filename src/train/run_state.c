/* run_state.c: a run's folder: claimed, saved, restored, reported. */
#include "train/loop.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, PATH = 4200 };

double weft__loop_seconds(const weft__loop *l)
{
    return l->at.seconds + weft__seconds() - l->started;
}

static void path_of(const weft__loop *l, const char *file, char path[PATH])
{
    snprintf(path, PATH, "%s/%s", l->opts.run_dir, file); /* its length was checked */
}

weft_status weft__loop_claim(weft__loop *l)
{
    char path[PATH];
    if (!l->opts.run_dir) return WEFT_OK;
    if (strlen(l->opts.run_dir) > PATH - 200)
        return weft__fail(WEFT_EUSAGE, "the run folder's path is too long");
    weft_status s = weft__make_folders(l->opts.run_dir);
    path_of(l, "lock", path);
    return s ? s : weft__lock_take(path, &l->lock);
}

/* ---- what a checkpoint must agree on with the run that reads it ---- */

/* Options of the task that say something. */
static void task_facts(const weft__loop *l, weft__facts *f)
{
    for (const weft_option *o = l->setup.task->options; o && (o->name || o->help); o++) {
        const char *at = (const char *)weft__setup_args(&l->setup) + o->offset;
        if (o->kind == WEFT_OPTION_REAL)
            weft__fact_of(f, o->name, "%.17g",
                          *(const double *)at > 0 ? *(const double *)at : 0);
        else if (o->kind == WEFT_OPTION_INT && *(const int *)at)
            weft__fact_of(f, o->name, "%d", *(const int *)at);
        else if (o->kind == WEFT_OPTION_FLAG && *(const bool *)at)
            weft__fact_of(f, o->name, "yes");
        else if ((o->kind == WEFT_OPTION_TEXT || o->kind == WEFT_OPTION_CHOICE) &&
                 *(const char *const *)at)
            weft__fact_of(f, o->name, "%.100s", *(const char *const *)at);
    }
}

static weft__facts facts_of(const weft__loop *l)
{
    weft__facts f = {0};
    char setting[120];
    const char *key =
        l->d->modality->setting(l->d, l->setup.preprocess, setting, sizeof setting);
    weft__trainer_facts(l->trainer, &f);
    weft__fact_of(&f, "data", "%.16s", weft_dataset_hash(l->d));
    weft__fact_of(&f, "samples", "%d", weft_dataset_count(l->d, WEFT_SUBSET_TRAIN));
    weft__fact_of(&f, "batch", "%d x %d", l->opts.batch, l->opts.accumulate);
    weft__fact_of(&f, key, "%s", setting);
    task_facts(l, &f);
    f.optimizer = f.n;
    weft__fact_of(&f, "epochs", "%d", l->opts.epochs);
    weft__optimizer_facts(l->trainer, &f);
    return f;
}

/* ---- the numbers of a run's state by name, once, for writing and for reading ---- */

#define STATE_FIELDS(INT, REAL) \
    INT(epoch, "epoch"); \
    INT(batch, "batch"); \
    REAL(loss_sum, "loss_sum"); \
    INT(loss_count, "loss_count"); \
    REAL(plateau_factor, "plateau_factor"); \
    REAL(plateau_best, "plateau_best"); \
    INT(plateau_stale, "plateau_stale"); \
    REAL(lr_backoff, "halved"); \
    INT(lr_backoffs, "halvings"); \
    INT(best_epoch, "best_epoch"); \
    INT(stale, "stale"); \
    REAL(best_score, "best_top1"); /* the task's first score */ \
    REAL(best_loss, "best_loss"); \
    REAL(seconds, "seconds"); \
    INT(finite, "sound")

/* Later ones, 0 in a checkpoint that does not have them yet. */
#define STATE_LATER_FIELDS(INT, REAL) \
    REAL(norm_sum, "norm_sum"); \
    REAL(norm_most, "norm_most"); \
    INT(norm_count, "norm_count")

static weft_status put_state(const weft__loop *l, weft_meta *m, bool finite)
{
    weft__run_state at = l->at;
    weft_status s = weft__meta_put_int(m, "format", VERSION);
    at.seconds = weft__loop_seconds(l);
    at.finite = finite;
#define PUT_INT(field, key) \
    if (!s) s = weft__meta_put_int(m, key, at.field)
#define PUT_REAL(field, key) \
    if (!s) s = weft__meta_put_real(m, key, at.field)
    STATE_FIELDS(PUT_INT, PUT_REAL);
    STATE_LATER_FIELDS(PUT_INT, PUT_REAL);
    if (!s) s = weft__meta_put_int(m, "step", l->trainer->step);
    weft__facts f = facts_of(l);
    return s ? s : weft__facts_put(&f, m);
}

/* Far from any overflow, whatever the file says. */
static bool counts_are_sane(const weft__run_state *at, int64_t step)
{
    const int64_t most = INT32_MAX - 1;
    return step >= 0 && step < INT64_MAX / 2 && at->loss_count >= 0 &&
           at->loss_count < INT64_MAX / 2 && at->norm_count >= 0 &&
           at->norm_count < INT64_MAX / 2 && at->plateau_stale >= 0 &&
           at->plateau_stale < most && at->lr_backoffs >= 0 && at->lr_backoffs < most &&
           at->best_epoch >= 0 && at->best_epoch <= at->epoch && at->stale >= 0 &&
           at->stale < most;
}

static weft_status check_state(const weft__loop *l, const weft__run_state *at,
                               int64_t step)
{
    if (at->epoch > l->opts.epochs && l->opts.reset_optimizer)
        return weft__fail(WEFT_EUSAGE, "has done %d epochs already, %d are asked for",
                          at->epoch, l->opts.epochs);
    if (at->epoch < 0 || at->batch < 0 || at->epoch > l->opts.epochs ||
        at->batch > l->batches)
        return weft__fail(WEFT_EMODEL, "epoch %d, batch %d is not in this run", at->epoch,
                          at->batch);
    if (!counts_are_sane(at, step))
        return weft__fail(WEFT_EMODEL, "counts that no run can have");
    return WEFT_OK;
}

static weft_status read_state(const weft_meta *m, weft__run_state *out, int64_t *step)
{
    weft__run_state at = {0};
    int64_t x = 0;
#define GET_REAL(field, key) \
    if (!weft__meta_get_real(m, key, &at.field)) \
    return weft__fail(WEFT_EMODEL, "no" \
                                   " " key)
#define GET_INT(field, key) \
    if (!weft__meta_get_int(m, key, &x)) return weft__fail(WEFT_EMODEL, "no " key); \
    at.field = (__typeof__(at.field))x
    STATE_FIELDS(GET_INT, GET_REAL);
#define FIND_REAL(field, key) weft__meta_get_real(m, key, &at.field)
#define FIND_INT(field, key) \
    if (weft__meta_get_int(m, key, &x)) at.field = x
    STATE_LATER_FIELDS(FIND_INT, FIND_REAL);
    if (!weft__meta_get_int(m, "step", step)) return weft__fail(WEFT_EMODEL, "no step");
    *out = at;
    return WEFT_OK;
}

/* ---- history ---- */

enum { MOST_NUMBERS = 6 + WEFT_MAX_SCORES, DIGITS = 17 }; /* with the space before */

/* The numbers of a row: seconds, training loss, the scores with the loss last, the
 * rate, and (since version 0.1) the gradient's norms. */
static int numbers_of(weft_epoch_row *r, double *number[MOST_NUMBERS])
{
    int n = 0;
    number[n++] = &r->seconds;
    number[n++] = &r->train_loss;
    for (int i = 0; i < r->scores.n; i++) number[n++] = &r->scores.score[i].value;
    number[n++] = &r->lr;
    number[n++] = &r->gradient;
    number[n++] = &r->gradient_most;
    return n;
}

static weft_status put_history(const weft__loop *l, weft_meta *m)
{
    weft_status s = weft__meta_put_int(m, "rows", l->rows);
    for (int i = 0; i < l->rows && !s; i++) {
        weft_epoch_row r = l->history[i];
        double *number[MOST_NUMBERS];
        int numbers = numbers_of(&r, number);
        char key[32], text[32 + MOST_NUMBERS * DIGITS];
        snprintf(key, sizeof key, "row.%d", i);
        int n = snprintf(text, sizeof text, "%d", r.epoch);
        for (int k = 0; k < numbers; k++) {
            uint64_t u;
            memcpy(&u, number[k], sizeof u);
            n += snprintf(text + n, sizeof text - (size_t)n, " %016" PRIx64, u);
        }
        s = weft_meta_set(m, key, text);
    }
    return s;
}

static weft_status get_history(weft__loop *l, const weft_meta *m)
{
    int64_t rows = 0;
    weft__meta_get_int(m, "rows", &rows);
    l->rows = 0;
    for (int64_t i = 0; i < rows; i++) {
        char key[48];
        weft_epoch_row r = {.scores = weft_evaluation_scores(l->last)};
        double *number[MOST_NUMBERS];
        int numbers = numbers_of(&r, number), old = numbers - 2;
        snprintf(key, sizeof key, "row.%lld", (long long)i);
        const char *text = weft_meta_get(m, key);
        if (!text || strlen(text) < (size_t)old * DIGITS + 1)
            return weft__fail(WEFT_EMODEL, "%s cannot be read", key);
        char *end;
        r.epoch = (int)strtol(text, &end, 10);
        int there = (int)(strlen(end) / DIGITS);
        for (int k = 0; k < numbers && k < there; k++) {
            uint64_t u = strtoull(end, &end, 16);
            memcpy(number[k], &u, sizeof u);
        }
        r.val_loss = r.scores.score[r.scores.n - 1].value;
        weft_status s = weft__loop_add_row(l, &r);
        if (s) return s;
    }
    return WEFT_OK;
}

/* ---- saving and restoring ---- */

static weft_status put_best(weft__loop *l, weft__checkpoint *c)
{
    if (!l->at.best_epoch) return WEFT_OK;
    weft_status s =
        weft__tensor_put(c, "best.parameters", l->best_slab, l->g->slab_count);
    return s ? s
             : weft__tensor_put(c, "best.buffers", l->best_buffers, l->g->buffer_count);
}

weft_status weft__loop_save(weft__loop *l, bool finite)
{
    if (!l->opts.run_dir) return WEFT_OK;
    char path[PATH], epoch_path[PATH];
    path_of(l, "last.ckpt", path);
    path_of(l, "epoch.ckpt", epoch_path);
    weft__checkpoint *c = weft__checkpoint_new();
    weft_status s = c ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!s) s = put_state(l, weft__checkpoint_meta(c), finite);
    if (!s) s = put_history(l, weft__checkpoint_meta(c));
    if (!s) s = weft__trainer_put(l->trainer, c);
    if (!s) s = put_best(l, c);
    if (!s) s = weft__checkpoint_write(c, path);
    /* a file system without second names gets a second file */
    if (!s && finite && weft__file_link(path, epoch_path))
        s = weft__checkpoint_write(c, epoch_path);
    weft__checkpoint_free(c);
    l->saved = weft__seconds();
    return s;
}

static weft_status agree(const weft__loop *l, const weft_meta *m, const char *path)
{
    const char *format = weft_meta_get(m, "format"), *isa = weft_meta_get(m, "run.isa");
    weft__facts f = facts_of(l);
    if (!format || atoi(format) != VERSION)
        return weft__fail(WEFT_EMODEL, "%s: written by version %s, this is version %d",
                          path, format ? format : "?", VERSION);
    weft_status s =
        weft__facts_agree(&f, l->opts.reset_optimizer ? f.optimizer : f.n, m, path);
    if (!s && isa && strcmp(isa, weft_isa()))
        weft__warn("%s: was written with %s, this is %s: the bits will differ from a run "
                   "without interruption",
                   path, isa, weft_isa());
    return s;
}

static weft_status take_over(weft__loop *l, weft__checkpoint *c)
{
    const weft_meta *m = weft__checkpoint_meta(c);
    weft__run_state at;
    int64_t step = 0;
    weft_status s = read_state(m, &at, &step);
    if (!s) s = check_state(l, &at, step);
    if (!s) s = weft__trainer_get(l->trainer, c, !l->opts.reset_optimizer, step);
    if (!s && at.best_epoch)
        s = weft__tensor_get(c, "best.parameters", l->best_slab, l->g->slab_count);
    if (!s && at.best_epoch)
        s = weft__tensor_get(c, "best.buffers", l->best_buffers, l->g->buffer_count);
    if (!s) s = get_history(l, m);
    if (s) return s;
    if (at.best_epoch != l->at.best_epoch) l->best_known = false;
    l->at = at;
    l->trainer->step = step;
    l->started = weft__seconds();
    return WEFT_OK;
}

weft_status weft__loop_restore(weft__loop *l, bool epoch_start)
{
    char path[PATH];
    path_of(l, epoch_start ? "epoch.ckpt" : "last.ckpt", path);
    weft__checkpoint *c = NULL;
    weft_status s = weft__checkpoint_read(path, &c);
    if (!s) {
        s = agree(l, weft__checkpoint_meta(c), path);
        weft_status taken = s ? s : take_over(l, c);
        if (!s && taken) s = weft__prefix(taken, "%s", path);
    }
    weft__checkpoint_free(c);
    return s;
}

weft_status weft__loop_add_row(weft__loop *l, const weft_epoch_row *row)
{
    if (l->rows == l->row_room) {
        int room = l->row_room ? l->row_room * 2 : 32;
        weft_epoch_row *all = realloc(l->history, (size_t)room * sizeof *all);
        if (!all) return weft__fail(WEFT_ENOMEM, "history: out of memory");
        l->history = all;
        l->row_room = room;
    }
    l->history[l->rows++] = *row;
    return WEFT_OK;
}

weft_status weft__loop_history(weft__loop *l)
{
    char path[PATH];
    weft__writer w;
    const weft__task *task = l->setup.task;
    if (!l->opts.run_dir) return WEFT_OK;
    path_of(l, "results.csv", path);
    weft_status s = weft__writer_open(&w, path);
    if (s) return s;
    weft__writer_printf(&w, "epoch,time,train/loss");
    for (int i = 0; i < task->scores; i++)
        weft__writer_printf(&w, ",%s", task->score[i].csv);
    weft__writer_printf(&w,
                        ",val/loss,lr/pg0,train/gradient_norm,train/gradient_norm_max\n");
    for (int i = 0; i < l->rows; i++) {
        const weft_epoch_row *r = &l->history[i];
        weft__writer_printf(&w, "%d,%.3f,%.6g", r->epoch, r->seconds, r->train_loss);
        for (int k = 0; k < r->scores.n; k++)
            weft__writer_printf(&w, ",%.6g", r->scores.score[k].value);
        weft__writer_printf(&w, ",%.6g,%.6g,%.6g\n", r->lr, r->gradient,
                            r->gradient_most);
    }
    return weft__writer_commit(&w);
}

weft_status weft__loop_export(weft__loop *l, const char *file)
{
    char path[PATH];
    if (!l->opts.run_dir) return WEFT_OK;
    path_of(l, file, path);
    return weft_onnx_save(l->g, l->meta, path);
}
