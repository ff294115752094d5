/* state.c: a run's folder: claimed, saved, restored, reported. */
#include "train/session.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

double weft__session_seconds(const weft__session *s)
{
    return s->at.seconds + weft__seconds() - s->started;
}

static void path_of(const weft__session *s, const char *file, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", s->opts.run_dir, file);
}

weft_status weft__session_claim(weft__session *s)
{
    char path[4200];
    if (!s->opts.run_dir) return WEFT_OK;
    if (strlen(s->opts.run_dir) > 4000)
        return weft__fail(WEFT_EUSAGE, "the run folder's path is too long");
    weft_status status = weft__make_folders(s->opts.run_dir);
    path_of(s, "lock", path, sizeof path);
    return status ? status : weft__lock_take(path, &s->lock);
}

/* What a checkpoint must agree on with the run that reads it, as text. */
typedef struct facts {
    const char *key[24];
    char value[24][120];
    int n;
    int optimizer; /* facts from here on are the optimizer's */
} facts;

static void fact(facts *f, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fact(facts *f, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    f->key[f->n] = key;
    vsnprintf(f->value[f->n], sizeof f->value[f->n], format, args);
    f->n++;
    va_end(args);
}

static facts facts_of(const weft__session *s)
{
    facts f = {0};
    char setting[120];
    const char *key = s->feed->kind->setting(s->feed, setting, sizeof setting);
    fact(&f, "classes", "%d", s->classes);
    fact(&f, "parameters", "%zu in %d tensors", s->g->slab_count, s->g->params);
    fact(&f, "data", "%.16s", s->feed->kind->hash(s->feed));
    fact(&f, "samples", "%d", s->feed->kind->count(s->feed, WEFT_TRAIN));
    fact(&f, "batch", "%d x %d", s->opts.batch, s->opts.accumulate);
    fact(&f, "convolutions", "%s", s->g->exact_conv ? "exact" : "fast");
    fact(&f, "seed", "%" PRIu64, s->opts.seed);
    fact(&f, key, "%s", setting);
    fact(&f, "smoothing", "%.17g", s->opts.smoothing);
    f.optimizer = f.n;
    fact(&f, "epochs", "%d", s->opts.epochs);
    fact(&f, "optimizer", "%s", s->optimizer->opts.name);
    fact(&f, "lr", "%.17g", s->optimizer->opts.lr);
    const weft_optimizer_opts *o = &s->optimizer->opts;
    fact(&f, "weight decay", "%.17g", o->weight_decay);
    fact(&f, "momentum", "%g %g %g", o->momentum, o->beta1, o->beta2);
    fact(&f, "clipping", "%g %g", o->clip_norm, o->clip_value);
    fact(&f, "ema", "%.17g", o->ema);
    fact(&f, "schedule", "%s",
         s->opts.schedule.name ? s->opts.schedule.name : "constant");
    return f;
}

static weft_status put_text(weft_meta *m, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static weft_status put_text(weft_meta *m, const char *key, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return weft_meta_set(m, key, text);
}

/* Doubles travel as the 16 hexadecimal digits of their bits: exact, in any locale. */
static uint64_t bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static double from_bits(const char **text)
{
    char *end;
    uint64_t u = strtoull(*text, &end, 16);
    double x;
    memcpy(&x, &u, sizeof x);
    *text = end;
    return x;
}

/* The numbers of a run's state by name, once, for writing and for reading. */
#define STATE_FIELDS(INT, REAL) \
    INT(epoch); \
    INT(batch); \
    INT(step); \
    REAL(loss_sum); \
    INT(loss_count); \
    REAL(plateau_factor); \
    REAL(plateau_best); \
    INT(plateau_stale); \
    REAL(halved); \
    INT(halvings); \
    INT(best_epoch); \
    INT(stale); \
    REAL(best_top1); \
    REAL(best_loss); \
    REAL(seconds); \
    INT(sound)

/* Later ones, 0 in a checkpoint that does not have them yet. */
#define STATE_LATER_FIELDS(INT, REAL) \
    REAL(norm_sum); \
    REAL(norm_most); \
    INT(norm_count)

static weft_status put_state(const weft__session *s, weft_meta *m, bool sound)
{
    weft__run_state at = s->at;
    weft_status status = put_text(m, "format", "%d", VERSION);
    at.seconds = weft__session_seconds(s);
    at.sound = sound;
#define PUT_INT(name) \
    if (!status) status = put_text(m, #name, "%" PRId64, (int64_t)at.name)
#define PUT_REAL(name) \
    if (!status) status = put_text(m, #name, "%016" PRIx64, bits(at.name))
    STATE_FIELDS(PUT_INT, PUT_REAL);
    STATE_LATER_FIELDS(PUT_INT, PUT_REAL);
    if (!status) status = put_text(m, "optimizer_steps", "%" PRId64, s->optimizer->steps);
    facts f = facts_of(s);
    for (int i = 0; i < f.n && !status; i++) {
        char key[32];
        snprintf(key, sizeof key, "run.%s", f.key[i]);
        status = weft_meta_set(m, key, f.value[i]);
    }
    if (!status) status = weft_meta_set(m, "run.isa", weft_isa());
    return status;
}

/* Far from any overflow, whatever the file says. */
static bool counts_are_sane(const weft__run_state *at)
{
    const int64_t most = INT32_MAX - 1;
    return at->step >= 0 && at->step < INT64_MAX / 2 && at->loss_count >= 0 &&
           at->loss_count < INT64_MAX / 2 && at->norm_count >= 0 &&
           at->norm_count < INT64_MAX / 2 && at->plateau_stale >= 0 &&
           at->plateau_stale < most && at->halvings >= 0 && at->halvings < most &&
           at->best_epoch >= 0 && at->best_epoch <= at->epoch && at->stale >= 0 &&
           at->stale < most;
}

static weft_status get_state(weft__session *s, const weft_meta *m)
{
    weft__run_state at = {0};
    const char *text;
#define GET_REAL(name) \
    if (!(text = weft_meta_get(m, #name))) return weft__fail(WEFT_EMODEL, "no " #name); \
    at.name = from_bits(&text)
#define GET_NARROW(name) \
    if (!(text = weft_meta_get(m, #name))) return weft__fail(WEFT_EMODEL, "no " #name); \
    at.name = (__typeof__(at.name))strtoll(text, NULL, 10)
    STATE_FIELDS(GET_NARROW, GET_REAL);
#define FIND_REAL(name) \
    if ((text = weft_meta_get(m, #name))) at.name = from_bits(&text)
#define FIND_INT(name) \
    if ((text = weft_meta_get(m, #name))) at.name = strtoll(text, NULL, 10)
    STATE_LATER_FIELDS(FIND_INT, FIND_REAL);
    if (at.epoch > s->opts.epochs && s->opts.reset_optimizer)
        return weft__fail(WEFT_EUSAGE, "has done %d epochs already, %d are asked for",
                          at.epoch, s->opts.epochs);
    if (at.epoch < 0 || at.batch < 0 || at.epoch > s->opts.epochs ||
        at.batch > s->batches)
        return weft__fail(WEFT_EMODEL, "epoch %d, batch %d is not in this run", at.epoch,
                          at.batch);
    if (!counts_are_sane(&at))
        return weft__fail(WEFT_EMODEL, "counts that no run can have");
    if (!(text = weft_meta_get(m, "optimizer_steps")))
        return weft__fail(WEFT_EMODEL, "no optimizer_steps");
    s->optimizer->steps = strtoll(text, NULL, 10);
    if (s->optimizer->steps < 0 || s->optimizer->steps > at.step)
        return weft__fail(WEFT_EMODEL, "optimizer_steps %.20s of %lld batches", text,
                          (long long)at.step);
    if (at.best_epoch != s->at.best_epoch) s->best_known = false;
    s->at = at;
    s->started = weft__seconds();
    return WEFT_OK;
}

/* Each tensor of the state: name, storage, elements. visit returns a status. */
typedef weft_status visit_fn(void *user, const char *name, float *data, size_t count);

static weft_status each_tensor(weft__session *s, visit_fn *visit, void *user,
                               bool optimizer)
{
    weft_optimizer *o = s->optimizer;
    size_t n = s->g->slab_count;
    weft_status status = visit(user, "parameters", s->g->slab, n);
    if (!status) status = visit(user, "buffers", s->g->buffers, s->g->buffer_count);
    for (int k = 0; k < WEFT_MOMENTS && !status && optimizer; k++) {
        char name[32];
        snprintf(name, sizeof name, "moment.%d", k);
        if (o->moment[k]) status = visit(user, name, o->moment[k], n);
    }
    if (!status && o->average && optimizer)
        status = visit(user, "average", o->average, n);
    if (!status && s->at.best_epoch)
        status = visit(user, "best.parameters", s->best_slab, n);
    if (!status && s->at.best_epoch)
        status = visit(user, "best.buffers", s->best_buffers, s->g->buffer_count);
    return status;
}

static weft_status put_tensor(void *user, const char *name, float *data, size_t count)
{
    if (!count) return WEFT_OK;
    if (count > INT32_MAX)
        return weft__fail(WEFT_ENOMEM, "%s: too large for a checkpoint", name);
    return weft__checkpoint_put(user, name, WEFT_SHAPE((int)count), data, count);
}

static weft_status get_tensor(void *user, const char *name, float *data, size_t count)
{
    if (!count) return WEFT_OK;
    const float *from = weft__checkpoint_get(user, name, count);
    if (!from)
        return weft__fail(WEFT_EMODEL, "no tensor %s of %zu elements", name, count);
    memcpy(data, from, count * sizeof *data);
    return WEFT_OK;
}

enum { ROW_NUMBERS = 8, OLD_ROW_NUMBERS = 6, DIGITS = 17 }; /* with the space before */

static weft_status put_history(const weft__session *s, weft_meta *m)
{
    weft_status status = put_text(m, "rows", "%d", s->rows);
    for (int i = 0; i < s->rows && !status; i++) {
        const weft_epoch_row *r = &s->history[i];
        char key[32], text[240];
        snprintf(key, sizeof key, "row.%d", i);
        const double number[ROW_NUMBERS] = {r->seconds,  r->train_loss,   r->top1,
                                            r->top5,     r->val_loss,     r->lr,
                                            r->gradient, r->gradient_most};
        int n = snprintf(text, sizeof text, "%d", r->epoch);
        for (int k = 0; k < ROW_NUMBERS; k++)
            n += snprintf(text + n, sizeof text - (size_t)n, " %016" PRIx64,
                          bits(number[k]));
        status = weft_meta_set(m, key, text);
    }
    return status;
}

static weft_status get_history(weft__session *s, const weft_meta *m)
{
    const char *text = weft_meta_get(m, "rows");
    int rows = text ? atoi(text) : 0;
    s->rows = 0;
    for (int i = 0; i < rows; i++) {
        char key[32];
        weft_epoch_row r = {0};
        snprintf(key, sizeof key, "row.%d", i);
        text = weft_meta_get(m, key);
        double *number[ROW_NUMBERS] = {&r.seconds,  &r.train_loss,   &r.top1,
                                       &r.top5,     &r.val_loss,     &r.lr,
                                       &r.gradient, &r.gradient_most};
        if (!text || strlen(text) < OLD_ROW_NUMBERS * DIGITS + 1)
            return weft__fail(WEFT_EMODEL, "%s cannot be read", key);
        char *end;
        r.epoch = (int)strtol(text, &end, 10);
        text = end;
        int n = (int)(strlen(text) / DIGITS);
        for (int k = 0; k < ROW_NUMBERS && k < n; k++) *number[k] = from_bits(&text);
        weft_status status = weft__session_add_row(s, &r);
        if (status) return status;
    }
    return WEFT_OK;
}

weft_status weft__session_save(weft__session *s, bool sound)
{
    if (!s->opts.run_dir) return WEFT_OK;
    char path[4200], twin[4200];
    path_of(s, "last.ckpt", path, sizeof path);
    path_of(s, "epoch.ckpt", twin, sizeof twin);
    weft__checkpoint *c = weft__checkpoint_new();
    weft_status status = c ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!status) status = put_state(s, weft__checkpoint_meta(c), sound);
    if (!status) status = put_history(s, weft__checkpoint_meta(c));
    if (!status) status = each_tensor(s, put_tensor, c, true);
    if (!status) status = weft__checkpoint_write(c, path);
    /* a file system without second names gets a second file */
    if (!status && sound && weft__file_link(path, twin))
        status = weft__checkpoint_write(c, twin);
    weft__checkpoint_free(c);
    s->saved = weft__seconds();
    return status;
}

static weft_status same_run(const weft__session *s, const weft_meta *m, const char *path)
{
    facts f = facts_of(s);
    char text[900] = "";
    size_t at = 0;
    bool foreign = false;
    for (int i = 0; i < f.n && at + 200 < sizeof text; i++) {
        char key[32];
        if (i >= f.optimizer && s->opts.reset_optimizer) break;
        snprintf(key, sizeof key, "run.%s", f.key[i]);
        const char *there = weft_meta_get(m, key);
        if (there && !strcmp(there, f.value[i])) continue;
        foreign |= i < f.optimizer;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s here, %.60s there",
                               at ? "; " : "", f.key[i], f.value[i],
                               there ? there : "none");
    }
    if (!at) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "%s: is of another run: %s%s", path, text,
                      foreign ? "" : ". --reset-optimizer keeps the parameters only");
}

weft_status weft__session_restore(weft__session *s, bool epoch_start)
{
    char path[4200];
    path_of(s, epoch_start ? "epoch.ckpt" : "last.ckpt", path, sizeof path);
    weft__checkpoint *c = NULL;
    weft_status status = weft__checkpoint_read(path, &c);
    if (status) return status;
    const weft_meta *m = weft__checkpoint_meta(c);
    const char *format = weft_meta_get(m, "format");
    if (!format || atoi(format) != VERSION)
        status = weft__fail(WEFT_EMODEL, "%s: written by version %s, this is version %d",
                            path, format ? format : "?", VERSION);
    if (!status) status = same_run(s, m, path);
    bool optimizer = !s->opts.reset_optimizer;
    const char *isa = weft_meta_get(m, "run.isa");
    if (!status && isa && strcmp(isa, weft_isa()))
        weft__warn("%s: was written with %s, this is %s: the bits will differ from a run "
                   "without interruption",
                   path, isa, weft_isa());
    if (!status) {
        status = get_state(s, m);
        if (!status) status = each_tensor(s, get_tensor, c, optimizer);
        if (!status) status = get_history(s, m);
        if (status) weft__prefix(status, "%s", path);
    }
    if (!status && s->opts.reset_optimizer) s->optimizer->steps = 0;
    s->g->version++;
    weft__checkpoint_free(c);
    return status;
}

weft_status weft__session_add_row(weft__session *s, const weft_epoch_row *row)
{
    if (s->rows == s->row_room) {
        int room = s->row_room ? s->row_room * 2 : 32;
        weft_epoch_row *all = realloc(s->history, (size_t)room * sizeof *all);
        if (!all) return weft__fail(WEFT_ENOMEM, "history: out of memory");
        s->history = all;
        s->row_room = room;
    }
    s->history[s->rows++] = *row;
    return WEFT_OK;
}

weft_status weft__session_history(weft__session *s)
{
    char path[4200];
    weft__writer w;
    if (!s->opts.run_dir) return WEFT_OK;
    path_of(s, "results.csv", path, sizeof path);
    weft_status status = weft__writer_open(&w, path);
    if (status) return status;
    weft__writer_printf(
        &w, "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,"
            "val/loss,lr/pg0,train/gradient_norm,train/gradient_norm_max\n");
    for (int i = 0; i < s->rows; i++) {
        const weft_epoch_row *r = &s->history[i];
        weft__writer_printf(&w, "%d,%.3f,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n", r->epoch,
                            r->seconds, r->train_loss, r->top1, r->top5, r->val_loss,
                            r->lr, r->gradient, r->gradient_most);
    }
    return weft__writer_commit(&w);
}

weft_status weft__session_export(weft__session *s, const char *file)
{
    char path[4200];
    if (!s->opts.run_dir) return WEFT_OK;
    path_of(s, file, path, sizeof path);
    return weft_model_save(s->g, s->meta, path);
}
