/* loop.c: the ready training loop: epochs, evaluation, the best model, saving and
 * coming back. */
#include "train/loop.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OUTPUTS = 16 << 20 }; /* stored twice: of the best epoch and of the last */

static weft_train_opts with_defaults(const weft_train_opts *given)
{
    weft_train_opts o = given ? *given : (weft_train_opts){0};
    if (!o.epochs) o.epochs = 10;
    if (!o.batch) o.batch = 64;
    if (!o.accumulate) o.accumulate = 1;
    if (!o.optimizer.name) o.optimizer = weft_optimizer_defaults("sgd");
    if (!o.schedule.name) o.schedule.name = "constant";
    if (o.save_seconds <= 0) o.save_seconds = 60;
    if (!o.lr_backoffs) o.lr_backoffs = 3;
    return o;
}

static weft_status check_options(const weft_train_opts *o, int count)
{
    if (o->epochs < 1 || o->epochs > 1000000)
        return weft__fail(WEFT_EUSAGE, "epochs %d, allowed 1 to 1000000", o->epochs);
    if (o->batch < 1 || o->batch > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "batch %d, allowed 1 to %d", o->batch, 1 << 20);
    if (count < 1) return weft__fail(WEFT_EDATA, "the data set has no training samples");
    return WEFT_OK;
}

static int samples(const weft__loop *l, weft_subset s)
{
    return weft_dataset_count(l->d, s);
}

static weft_status make_trainer(weft__loop *l)
{
    const weft_trainer_opts o = {.optimizer = l->opts.optimizer,
                                 .schedule = l->opts.schedule,
                                 .accumulate = l->opts.accumulate,
                                 .seed = l->opts.seed};
    weft_status s = weft_trainer_new(l->g, l->setup.head.loss, &o, &l->trainer);
    if (s) return s;
    l->trainer->keep = &l->setup.head.each;
    l->trainer->keeps = 1;
    l->trainer->exact_conv = l->opts.exact_conv;
    return WEFT_OK;
}

/* Plans for a whole batch and for the last one of an epoch, so that what is too
 * large fails now. */
static weft_status make_plans(weft__loop *l, weft_plan **main)
{
    int count = samples(l, WEFT_SUBSET_TRAIN), tail = count % l->opts.batch;
    weft_plan *p = NULL;
    weft_status s = WEFT_OK;
    if (tail && count < l->opts.batch) return weft_trainer_plan(l->trainer, tail, main);
    s = weft_trainer_plan(l->trainer, l->opts.batch, main);
    return s || !tail ? s : weft_trainer_plan(l->trainer, tail, &p);
}

static weft_status make_loader(weft__loop *l)
{
    const weft_loader_opts o = {.subset = WEFT_SUBSET_TRAIN,
                                .batch = l->opts.batch,
                                .training = true,
                                .seed = l->opts.seed};
    weft_status s = weft__loader_open(l->d, l->setup.preprocess, &o, &l->loader);
    if (!s) l->batches = weft_loader_batches(l->loader);
    return s;
}

static weft_status make_evaluations(weft__loop *l, weft_plan *within)
{
    const weft__codec *c = l->setup.codec;
    weft_subset subset =
        samples(l, WEFT_SUBSET_VAL) ? WEFT_SUBSET_VAL : WEFT_SUBSET_TRAIN;
    int batch = l->opts.batch < 64 ? 64 : l->opts.batch, count = samples(l, subset);
    l->two_outputs = (size_t)count * (size_t)c->width <= MOST_OUTPUTS;
    weft_status s = weft__evaluator_new(&l->setup, subset, batch < count ? batch : count,
                                        l->opts.exact_conv, within, &l->evaluator);
    if (!s) s = weft__evaluation_new(c, l->d, subset, NULL, l->two_outputs, &l->last);
    if (!s) s = weft__evaluation_new(c, l->d, subset, NULL, true, &l->best);
    return s;
}

static weft_status make_copies(weft__loop *l)
{
    l->best_slab = weft__alloc(l->g->slab_count + 1, sizeof *l->best_slab);
    l->best_buffers = weft__alloc(l->g->buffer_count + 1, sizeof *l->best_buffers);
    return l->best_slab && l->best_buffers
               ? WEFT_OK
               : weft__fail(WEFT_ENOMEM, "train: out of memory");
}

static weft_status make_meta(weft__loop *l)
{
    weft_status s = WEFT_OK;
    l->meta = weft_meta_new();
    if (!l->meta) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    for (int i = 0; l->opts.meta && i < weft_meta_count(l->opts.meta) && !s; i++) {
        const char *key = weft_meta_key(l->opts.meta, i);
        s = weft_meta_set(l->meta, key, weft_meta_get(l->opts.meta, key));
    }
    return s ? s : weft__setup_describe(&l->setup, l->opts.model, l->opts.seed, l->meta);
}

static weft_status resume(weft__loop *l)
{
    weft_status s = weft__loop_restore(l, false);
    if (s || !l->opts.reset_optimizer) return s;
    /* from here on a restore means this run's own state, the optimizer's included */
    l->opts.reset_optimizer = false;
    l->at.lr_backoff = l->at.plateau_factor = l->at.finite = 1;
    l->at.lr_backoffs = l->at.plateau_stale = 0;
    l->at.plateau_best = INFINITY;
    return WEFT_OK;
}

static weft_status start(weft__loop *l)
{
    const weft__setup_opts so = {.task =
                                     l->opts.task ? weft__task_named(l->opts.task) : NULL,
                                 .task_options = l->opts.task_options,
                                 .task_args = l->opts.task_args,
                                 .output = l->opts.output};
    weft_plan *main = NULL;
    l->started = l->saved = weft__seconds();
    l->at.plateau_factor = l->at.lr_backoff = 1;
    l->at.plateau_best = l->at.best_loss = INFINITY;
    if (l->opts.task && !so.task)
        return weft__fail(WEFT_EUSAGE, "%.60s: there is no such task", l->opts.task);
    weft_status s = weft__setup_make(l->g, l->d, &so, &l->setup);
    if (!s) s = weft__loop_claim(l);
    if (!s) s = make_trainer(l);
    if (!s) s = make_plans(l, &main);
    if (!s) s = make_loader(l);
    if (!s) s = make_evaluations(l, main);
    if (!s) s = make_copies(l);
    if (!s) s = make_meta(l);
    if (!s && l->opts.resume) s = resume(l);
    /* Saving at once finds out now, not in an hour, that the folder cannot be
     * written. In a resume it also mends what a kill between two files, or a bad
     * disk, has left. */
    if (!s) s = weft__loop_save(l, !l->opts.resume || l->at.finite);
    if (!s && l->opts.resume && weft__loop_history(l))
        weft__warn("%s", weft_last_error());
    return s;
}

static void finish(weft__loop *l)
{
    weft__evaluator_free(l->evaluator);
    weft_trainer_free(l->trainer);
    weft_loader_free(l->loader);
    weft_evaluation_free(l->last);
    weft_evaluation_free(l->best);
    weft_meta_free(l->meta);
    weft__setup_free(&l->setup);
    weft__lock_drop(l->lock);
    free(l->best_slab);
    free(l->best_buffers);
    free(l->history);
}

static double rate_now(const weft__loop *l)
{
    double epoch = l->at.epoch + (double)l->at.batch / l->batches;
    return l->at.lr_backoff * weft_schedule_rate(&l->opts.schedule,
                                                 l->trainer->optimizer->opts.lr, epoch,
                                                 l->opts.epochs, l->at.plateau_factor);
}

/* Samples in the group of batches that makes one update and holds batch b. */
static int64_t group_size(const weft__loop *l, int b)
{
    int64_t per = (int64_t)l->opts.batch * l->opts.accumulate;
    int64_t left = samples(l, WEFT_SUBSET_TRAIN) - b / l->opts.accumulate * per;
    return left < per ? left : per;
}

/* "...: not finite at epoch 2, batch 17: first in conv2 (forward), sample a/b.png" */
static weft_status diverged(weft__loop *l, weft_plan *p, const weft_batch *b)
{
    char where[128], sample[300] = "";
    float *each = weft__alloc((size_t)b->n, sizeof *each);
    if (each && !weft_plan_get(p, l->setup.head.each, each, (size_t)b->n))
        for (int i = 0; i < b->n && !sample[0]; i++)
            if (!isfinite(each[i]))
                weft_dataset_sample_name(l->d, WEFT_SUBSET_TRAIN, b->index[i], sample,
                                         sizeof sample);
    free(each);
    weft_plan_first_bad(p, where, sizeof where);
    return weft__fail(
        WEFT_EDIVERGED,
        "loss or gradient is not finite at epoch %d, batch %d: first in %s%s%s",
        l->at.epoch + 1, l->at.batch + 1, where[0] ? where : "the update",
        sample[0] ? ", sample " : "", sample);
}

weft_status weft__loop_bind(weft__loop *l, weft_plan *p, const weft_batch *b)
{
    const weft__task_setup *x = &l->setup;
    weft_status s = l->d->modality->bind(&x->inputs, p, b);
    return s ? s : x->task->bind(&x->head, x->codec, l->d, p, b);
}

static void note_norm(weft__loop *l)
{
    double norm = weft_optimizer_gradient_norm(l->trainer->optimizer);
    l->at.norm_sum += norm;
    l->at.norm_most = fmax(l->at.norm_most, norm);
    l->at.norm_count++;
}

static weft_status one_batch(weft__loop *l, const weft_batch *b)
{
    weft_plan *p = NULL;
    float loss = 0;
    int k = l->at.batch % l->opts.accumulate;
    const weft__trainer_batch way = {
        .first = k == 0,
        .last = k == l->opts.accumulate - 1 || l->at.batch == l->batches - 1,
        .scale = (float)b->n / (float)group_size(l, l->at.batch),
        .rate = rate_now(l)};
    weft_status status = weft_trainer_plan(l->trainer, b->n, &p);
    if (!status) status = weft__loop_bind(l, p, b);
    if (status) return status;
    status = weft__trainer_run(l->trainer, p, &way, &loss);
    if (status == WEFT_EDIVERGED) return diverged(l, p, b);
    if (status) return status;
    if (way.last) note_norm(l);
    l->at.loss_sum += (double)loss * b->n;
    l->at.loss_count += b->n;
    l->at.batch++;
    return WEFT_OK;
}

static void tell_progress(const weft__loop *l, double since, int done)
{
    if (!l->opts.on_step) return;
    double spent = weft__seconds() - since, each = spent / (done ? done : 1);
    int64_t left = (int64_t)(l->opts.epochs - l->at.epoch) * l->batches - l->at.batch;
    weft_progress p = {.epoch = l->at.epoch + 1,
                       .epochs = l->opts.epochs,
                       .batch = l->at.batch,
                       .batches = l->batches,
                       .loss = l->at.loss_sum /
                               (double)(l->at.loss_count ? l->at.loss_count : 1),
                       .lr = rate_now(l),
                       .samples_per_second = l->opts.batch / each,
                       .seconds_left = each * (double)left};
    l->opts.on_step(l->opts.user, &p);
}

static bool all_finite(const float *x, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++) finite &= isfinite(x[i]) != 0;
    return finite;
}

/* A failed save is told, and tried again at the next interval; it is an error only
 * at the end. */
static void save_now(weft__loop *l, bool finite)
{
    /* an update may overflow; the next step will tell. The last finite state is kept */
    if (!all_finite(l->g->slab, l->g->slab_count)) return;
    weft_status status = weft__loop_save(l, finite);
    l->save_failed = status != WEFT_OK;
    if (status) weft__warn("%s; the checkpoint before still stands", weft_last_error());
}

/* The rest of this epoch's batches. */
static weft_status one_epoch(weft__loop *l)
{
    weft_batch b = {0};
    double since = weft__seconds();
    int done = 0;
    weft_status status = weft_loader_start(l->loader, l->at.epoch, l->at.batch);
    if (!status) status = weft_loader_next(l->loader, &b);
    while (!status && b.n) {
        status = one_batch(l, &b);
        if (status) break;
        tell_progress(l, since, ++done);
        bool whole = l->at.batch % l->opts.accumulate == 0 || l->at.batch == l->batches;
        bool stop = whole && l->opts.stop && l->opts.stop(l->opts.user);
        if (whole && (stop || weft__seconds() - l->saved > l->opts.save_seconds))
            save_now(l, false);
        if (stop)
            return l->save_failed
                       ? weft__fail(WEFT_EIO, "%s", weft_last_error())
                       : weft__fail(WEFT_ESTOPPED, "stopped at epoch %d, batch %d",
                                    l->at.epoch + 1, l->at.batch);
        status = weft_loader_next(l->loader, &b);
    }
    return status;
}

static void store_best(weft__loop *l, int epoch, const weft_scores *scores)
{
    l->at.best_epoch = epoch;
    l->at.best_score = scores->score[0].value;
    l->at.best_loss = scores->score[scores->n - 1].value;
    memcpy(l->best_slab, l->g->slab, l->g->slab_count * sizeof(float));
    memcpy(l->best_buffers, l->g->buffers, l->g->buffer_count * sizeof(float));
    l->best_known = l->two_outputs;
    if (!l->best_known) return;
    weft_evaluation *e = l->best;
    l->best = l->last;
    l->last = e;
}

/* The task's first score decides, of equal ones the loss. */
static bool is_better(const weft__loop *l, const weft_scores *scores)
{
    const weft_score *first = &scores->score[0];
    double score = first->value, loss = scores->score[scores->n - 1].value;
    double gain =
        first->lower_is_better ? l->at.best_score - score : score - l->at.best_score;
    if (!isfinite(loss)) return false; /* a NaN never replaces the best model */
    bool equal = score == l->at.best_score || (isnan(score) && isnan(l->at.best_score));
    return !l->at.best_epoch || gain > 0 || (equal && loss < l->at.best_loss);
}

static void move_plateau(weft__loop *l, double loss)
{
    if (strcmp(l->opts.schedule.name, "plateau")) return;
    if (!isfinite(loss)) return;
    int patience = l->opts.schedule.patience ? l->opts.schedule.patience : 5;
    double gamma = l->opts.schedule.gamma > 0 ? l->opts.schedule.gamma : 0.1;
    if (loss < l->at.plateau_best * (1 - 1e-4)) {
        l->at.plateau_best = loss;
        l->at.plateau_stale = 0;
    } else if (++l->at.plateau_stale > patience) {
        l->at.plateau_factor *= gamma;
        l->at.plateau_stale = 0;
    }
}

/* Evaluates, keeps the best, writes the row, and moves on to the next epoch. */
static weft_status end_epoch(weft__loop *l)
{
    weft_epoch_row row = {.epoch = l->at.epoch + 1, .lr = rate_now(l)};
    weft_optimizer_swap_ema(l->trainer->optimizer);
    weft_status status = weft__evaluator_run(l->evaluator, l->last);
    row.train_loss = l->at.loss_sum / (double)(l->at.loss_count ? l->at.loss_count : 1);
    row.gradient = l->at.norm_count ? l->at.norm_sum / (double)l->at.norm_count : 0;
    row.gradient_most = l->at.norm_most;
    row.scores = weft_evaluation_scores(l->last);
    row.val_loss = row.scores.score[row.scores.n - 1].value;
    bool best = !status && is_better(l, &row.scores);
    if (best) {
        store_best(l, row.epoch, &row.scores);
        status = weft__loop_export(l, "best.onnx");
    }
    weft_optimizer_swap_ema(l->trainer->optimizer);
    if (status == WEFT_EIO) {
        weft__warn("%s", weft_last_error());
        l->save_failed = true;
        status = WEFT_OK;
    }
    if (status) return status;
    l->at.stale = best ? 0 : l->at.stale + 1;
    move_plateau(l, row.val_loss);
    row.seconds = weft__loop_seconds(l);
    l->at.epoch++;
    l->at.batch = 0;
    l->at.loss_sum = 0;
    l->at.loss_count = 0;
    l->at.norm_sum = l->at.norm_most = 0;
    l->at.norm_count = 0;
    status = weft__loop_add_row(l, &row);
    if (status) return status;
    /* a state that gives no finite loss is nothing to come back to */
    bool finite = isfinite(row.val_loss);
    if (!finite)
        weft__warn("epoch %d: the validation loss is not finite; the best model stays",
                   row.epoch);
    save_now(l, finite);
    if (weft__loop_history(l)) weft__warn("%s", weft_last_error());
    if (l->opts.on_epoch) l->opts.on_epoch(l->opts.user, &row, best);
    return WEFT_OK;
}

/* After divergence: back to the start of the epoch with half the learning rate, a few
 * times. */
static weft_status back_off(weft__loop *l)
{
    if (!l->opts.run_dir || l->opts.lr_backoffs < 0) return WEFT_EDIVERGED;
    char what[600];
    snprintf(what, sizeof what, "%s", weft_last_error());
    double backoff = l->at.lr_backoff * 0.5;
    int backoffs = l->at.lr_backoffs + 1;
    if (weft__loop_restore(l, true))
        return weft__fail(WEFT_EDIVERGED, "%.500s. No way back: %.400s", what,
                          weft_last_error());
    if (backoffs > l->opts.lr_backoffs) {
        save_now(l, true); /* what was saved since may be finite, yet of no use */
        return weft__fail(WEFT_EDIVERGED,
                          "%s. Given up after %d halvings of the learning rate; try a "
                          "smaller one. %.400s/last.ckpt is finite",
                          what, l->opts.lr_backoffs, l->opts.run_dir);
    }
    l->at.lr_backoff = backoff;
    l->at.lr_backoffs = backoffs;
    weft__warn(
        "%s. Back to the start of the epoch with half the learning rate (%d of %d)", what,
        backoffs, l->opts.lr_backoffs);
    /* a resume from here on must not forget the halving */
    save_now(l, true);
    return WEFT_OK;
}

static bool over(const weft__loop *l)
{
    bool patience = l->opts.patience > 0 && l->at.stale >= l->opts.patience;
    return l->at.epoch >= l->opts.epochs || patience;
}

static weft_status all_epochs(weft__loop *l)
{
    while (!over(l)) {
        weft_status status = one_epoch(l);
        if (!status) status = end_epoch(l);
        if (status == WEFT_EDIVERGED) status = back_off(l);
        if (status) return status;
    }
    return WEFT_OK;
}

/* The best epoch's parameters into g; the last ones' hash and file before that. */
static weft_status conclude(weft__loop *l, weft_train_result *out)
{
    weft_status status = weft_params_sha256(l->g, out->params_sha256);
    if (!status && l->save_failed) status = weft__loop_save(l, false);
    if (!status) status = weft__loop_export(l, "last.onnx");
    if (!status && l->save_failed) status = weft__loop_history(l);
    if (!status && !l->at.best_epoch)
        return weft__fail(WEFT_EDIVERGED,
                          "the validation loss was not finite in any of %d epochs: there "
                          "is no best model. Try a smaller learning rate",
                          l->at.epoch);
    if (status) return status;
    memcpy(l->g->slab, l->best_slab, l->g->slab_count * sizeof(float));
    memcpy(l->g->buffers, l->best_buffers, l->g->buffer_count * sizeof(float));
    l->g->version++;
    status = weft__loop_export(l, "best.onnx");
    /* its epoch was before a resume, or there are too many outputs to store twice */
    if (!status && !l->best_known) status = weft__evaluator_run(l->evaluator, l->best);
    return status;
}

static size_t plan_bytes(const weft__loop *l)
{
    return weft_plan_total_bytes(l->trainer->plan[0]);
}

static void tell_result(weft__loop *l, weft_train_result *out)
{
    out->epochs = l->at.epoch;
    out->best_epoch = l->at.best_epoch;
    out->best = weft_evaluation_scores(l->best);
    out->seconds = weft__loop_seconds(l);
    out->plan_bytes = plan_bytes(l);
    out->rows = l->rows;
    out->history = l->history;
    out->evaluation = l->best;
    out->evaluation->own = l->setup.codec; /* it outlives the run */
    l->setup.borrowed = true;
    l->history = NULL;
    l->best = NULL;
    weft_evaluation_free(l->last); /* before the codec may go with the result */
    l->last = NULL;
}

WEFT_API weft_status weft_train(weft_graph *g, weft_dataset *d,
                                const weft_train_opts *opts, weft_train_result *out)
{
    weft_train_result result = {0};
    weft__loop l = {.g = g, .d = d, .opts = with_defaults(opts), .lock = -1};
    weft_status s = check_options(&l.opts, weft_dataset_count(d, WEFT_SUBSET_TRAIN));
    if (!s) s = start(&l);
    if (!s && l.opts.on_start) weft__loop_estimate(&l);
    if (!s) s = all_epochs(&l);
    if (!s) s = conclude(&l, &result);
    if (!s) {
        tell_result(&l, &result);
        *out = result;
    }
    finish(&l);
    return s;
}

WEFT_API void weft_train_result_free(weft_train_result *r)
{
    free(r->history);
    weft_evaluation_free(r->evaluation);
    *r = (weft_train_result){0};
}
