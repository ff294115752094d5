/* train.c: the training loop of a classifier. */
#include "train/session.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SCORES = 16 << 20 }; /* kept twice: of the best epoch and of the last */

static weft_train_opts with_defaults(const weft_train_opts *given)
{
    weft_train_opts o = given ? *given : (weft_train_opts){0};
    if (!o.epochs) o.epochs = 10;
    if (!o.batch) o.batch = 64;
    if (!o.accumulate) o.accumulate = 1;
    if (!o.optimizer.name) o.optimizer = weft_optimizer_defaults("sgd");
    if (!o.schedule.name) o.schedule.name = "constant";
    if (o.save_seconds <= 0) o.save_seconds = 60;
    if (!o.halvings) o.halvings = 3;
    return o;
}

static weft_status check_options(const weft_train_opts *o, int count)
{
    if (o->epochs < 1 || o->epochs > 1000000)
        return weft__fail(WEFT_EUSAGE, "epochs %d, allowed 1 to 1000000", o->epochs);
    if (o->batch < 1 || o->batch > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "batch %d, allowed 1 to %d", o->batch, 1 << 20);
    if (o->accumulate < 1 || o->accumulate > 1 << 20)
        return weft__fail(WEFT_EUSAGE, "accumulate %d, allowed 1 to %d", o->accumulate,
                          1 << 20);
    if (!(o->smoothing >= 0 && o->smoothing < 1))
        return weft__fail(WEFT_EUSAGE, "label smoothing %g, allowed 0 to below 1",
                          o->smoothing);
    if (count < 1) return weft__fail(WEFT_EDATA, "the data set has no training samples");
    return weft_schedule_check(&o->schedule);
}

static int samples(const weft__session *s, weft_split split)
{
    return s->feed->kind->count(s->feed, split);
}

/* The loss behind the logits, and the input that its targets come from. */
static void add_loss(weft__session *s)
{
    weft_graph *g = s->g;
    weft_val weight = WEFT_NONE;
    weft_cross_entropy_opts ce = {.smoothing = s->opts.smoothing};
    s->target = s->feed->soft ? weft_input(g, "target", WEFT_SHAPE(0, s->classes))
                              : weft_input_int(g, "target", WEFT_SHAPE(0), s->classes);
    if (s->opts.class_weights)
        weight =
            weft_const(g, "class_weights", WEFT_SHAPE(s->classes), s->opts.class_weights);
    s->loss = weft_cross_entropy(g, s->logits, s->target, weight, &ce, &s->each);
}

static weft_status make_plans(weft__session *s)
{
    int count = samples(s, WEFT_TRAIN);
    weft_plan_opts po = {.batch = s->opts.batch,
                         .loss = s->loss,
                         .training = true,
                         .accumulate = s->opts.accumulate > 1,
                         .keep = &s->each,
                         .keep_count = 1};
    weft_status status = WEFT_OK;
    if (count >= s->opts.batch) status = weft_plan_new(s->g, &po, &s->full);
    s->tail_size = po.batch = count % s->opts.batch;
    po.within = s->full;
    if (!status && s->tail_size) status = weft_plan_new(s->g, &po, &s->tail);
    return status;
}

static weft_status make_reader(weft__session *s)
{
    weft__feed_way way = {.split = WEFT_TRAIN,
                          .batch = s->opts.batch,
                          .training = true,
                          .seed = s->opts.seed};
    weft_status status = s->feed->kind->open(s->feed, &way, &s->reader);
    if (!status) s->batches = s->feed->kind->batches(s->reader);
    return status;
}

static weft_status make_rest(weft__session *s)
{
    weft_split split = samples(s, WEFT_VAL) ? WEFT_VAL : WEFT_TRAIN;
    int batch = s->opts.batch < 64 ? 64 : s->opts.batch;
    int count = samples(s, split);
    size_t scores = (size_t)count * (size_t)s->classes;
    weft_status status = weft__evaluator_new(s->g, s->logits, s->feed, split,
                                             batch < count ? batch : count,
                                             s->full ? s->full : s->tail, &s->evaluator);
    if (status) return status;
    s->metrics = weft_metrics_new(s->classes);
    s->best_metrics = weft_metrics_new(s->classes);
    s->keeps_scores = scores <= MOST_SCORES;
    if (s->keeps_scores) s->scores = weft__alloc(scores, sizeof *s->scores);
    s->best_scores = weft__alloc(scores, sizeof *s->best_scores);
    s->best_slab = weft__alloc(s->g->slab_count + 1, sizeof *s->best_slab);
    s->best_buffers = weft__alloc(s->g->buffer_count + 1, sizeof *s->best_buffers);
    bool all = s->metrics && s->best_metrics && (s->scores || !s->keeps_scores) &&
               s->best_scores && s->best_slab && s->best_buffers;
    return all ? WEFT_OK : weft__fail(WEFT_ENOMEM, "train: out of memory");
}

static weft_status start(weft__session *s)
{
    s->classes = s->feed->classes;
    s->started = s->saved = weft__seconds();
    s->at.plateau_factor = s->at.halved = 1;
    s->at.plateau_best = s->at.best_loss = INFINITY;
    weft_status status = weft__session_claim(s);
    if (!status) {
        add_loss(s);
        status = weft_graph_status(s->g);
    }
    if (!status) status = make_plans(s);
    if (!status) status = weft_optimizer_new(s->g, &s->opts.optimizer, &s->optimizer);
    if (!status) status = make_reader(s);
    if (!status) status = make_rest(s);
    if (!status && s->opts.resume) status = weft__session_restore(s, false);
    if (!status && s->opts.resume && s->opts.reset_optimizer) {
        /* from here on a restore means this run's own state, the optimizer's included */
        s->opts.reset_optimizer = false;
        s->at.halved = s->at.plateau_factor = s->at.sound = 1;
        s->at.halvings = s->at.plateau_stale = 0;
        s->at.plateau_best = INFINITY;
    }
    /* Saving at once finds out now, not in an hour, that the folder cannot be written. In
     * a resume it also mends what a kill between two files, or a bad disk, has left. */
    if (!status) status = weft__session_save(s, !s->opts.resume || s->at.sound);
    if (!status && s->opts.resume && weft__session_history(s))
        weft__warn("%s", weft_last_error());
    return status;
}

static void finish(weft__session *s)
{
    weft_plan_free(s->full);
    weft_plan_free(s->tail);
    s->feed->kind->close(s->reader);
    weft__evaluator_free(s->evaluator);
    weft__feed_free(s->feed);
    weft_metrics_free(s->metrics);
    weft_metrics_free(s->best_metrics);
    weft_optimizer_free(s->optimizer);
    weft__lock_drop(s->lock);
    free(s->scores);
    free(s->best_scores);
    free(s->best_slab);
    free(s->best_buffers);
    free(s->history);
}

static double rate_now(const weft__session *s)
{
    double epoch = s->at.epoch + (double)s->at.batch / s->batches;
    return s->at.halved * weft_schedule_rate(&s->opts.schedule, s->optimizer->opts.lr,
                                             epoch, s->opts.epochs, s->at.plateau_factor);
}

/* Samples in the group of batches that makes one update and holds batch b. */
static int64_t group_size(const weft__session *s, int b)
{
    int64_t per = (int64_t)s->opts.batch * s->opts.accumulate;
    int64_t left = samples(s, WEFT_TRAIN) - b / s->opts.accumulate * per;
    return left < per ? left : per;
}

/* "...: not finite at epoch 2, batch 17: first in conv2 (forward), sample a/b.png" */
static weft_status diverged(weft__session *s, weft_plan *p, const weft__feed_batch *b)
{
    char where[128], sample[300] = "";
    float *each = weft__alloc((size_t)b->n, sizeof *each);
    if (each && !weft_plan_get(p, s->each, each, (size_t)b->n))
        for (int i = 0; i < b->n && !sample[0]; i++)
            if (!isfinite(each[i]))
                s->feed->kind->sample_name(s->feed, WEFT_TRAIN, b->index[i], sample,
                                           sizeof sample);
    free(each);
    weft_plan_first_bad(p, where, sizeof where);
    return weft__fail(
        WEFT_EDIVERGED,
        "loss or gradient is not finite at epoch %d, batch %d: first in %s%s%s",
        s->at.epoch + 1, s->at.batch + 1, where[0] ? where : "the update",
        sample[0] ? ", sample " : "", sample);
}

weft_status weft__session_put(weft__session *s, weft_plan *p, const weft__feed_batch *b)
{
    size_t n = (size_t)b->n;
    weft_status status = s->feed->kind->put(s->feed, p, b);
    if (status) return status;
    return s->feed->soft ? weft_plan_set(p, s->target, b->target, n * (size_t)s->classes)
                         : weft_plan_set_int(p, s->target, b->label, n);
}

static void note_norm(weft__session *s)
{
    double norm = weft_optimizer_gradient_norm(s->optimizer);
    s->at.norm_sum += norm;
    s->at.norm_most = fmax(s->at.norm_most, norm);
    s->at.norm_count++;
}

static weft_status one_batch(weft__session *s, const weft__feed_batch *b)
{
    weft_plan *p = b->n == s->opts.batch ? s->full : s->tail;
    int k = s->at.batch % s->opts.accumulate;
    bool last = k == s->opts.accumulate - 1 || s->at.batch == s->batches - 1;
    weft_status status = weft__session_put(s, p, b);
    if (status) return status;
    weft_plan_random(p, s->opts.seed, (uint64_t)s->at.step);
    if (s->opts.accumulate > 1) {
        if (!k) weft_zero_gradients(s->g);
        weft_plan_loss_scale(p, (float)b->n / (float)group_size(s, s->at.batch));
    }
    status = weft_forward(p);
    float loss = status ? 0 : weft_plan_scalar(p, s->loss);
    if (!status && !isfinite(loss)) return diverged(s, p, b);
    if (!status)
        status =
            last ? weft_backward_step(p, s->optimizer, rate_now(s)) : weft_backward(p);
    if (status == WEFT_EDIVERGED) return diverged(s, p, b);
    if (status) return status;
    if (last) note_norm(s);
    s->at.loss_sum += (double)loss * b->n;
    s->at.loss_count += b->n;
    s->at.step++;
    s->at.batch++;
    return WEFT_OK;
}

static void tell_progress(const weft__session *s, double since, int done)
{
    if (!s->opts.on_step) return;
    double spent = weft__seconds() - since, each = spent / (done ? done : 1);
    int64_t left = (int64_t)(s->opts.epochs - s->at.epoch) * s->batches - s->at.batch;
    weft_progress p = {.epoch = s->at.epoch + 1,
                       .epochs = s->opts.epochs,
                       .batch = s->at.batch,
                       .batches = s->batches,
                       .loss = s->at.loss_sum /
                               (double)(s->at.loss_count ? s->at.loss_count : 1),
                       .lr = rate_now(s),
                       .samples_per_second = s->opts.batch / each,
                       .seconds_left = each * (double)left};
    s->opts.on_step(s->opts.user, &p);
}

static bool all_finite(const float *x, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++) finite &= isfinite(x[i]) != 0;
    return finite;
}

/* A failed save is told, and tried again at the next interval; it is an error only at the
 * end. */
static void save_now(weft__session *s, bool sound)
{
    /* an update may overflow; the next step will tell. The last finite state is kept */
    if (!all_finite(s->g->slab, s->g->slab_count)) return;
    weft_status status = weft__session_save(s, sound);
    s->save_failed = status != WEFT_OK;
    if (status) weft__warn("%s; the checkpoint before still stands", weft_last_error());
}

/* The rest of this epoch's batches. */
static weft_status one_epoch(weft__session *s)
{
    const weft__feed_kind *feed = s->feed->kind;
    weft__feed_batch b = {0};
    double since = weft__seconds();
    int done = 0;
    weft_status status = feed->start(s->reader, s->at.epoch, s->at.batch);
    if (!status) status = feed->next(s->reader, &b);
    while (!status && b.n) {
        status = one_batch(s, &b);
        if (status) break;
        tell_progress(s, since, ++done);
        bool whole = s->at.batch % s->opts.accumulate == 0 || s->at.batch == s->batches;
        bool stop = whole && s->opts.stop && s->opts.stop(s->opts.user);
        if (whole && (stop || weft__seconds() - s->saved > s->opts.save_seconds))
            save_now(s, false);
        if (stop)
            return s->save_failed
                       ? weft__fail(WEFT_EIO, "%s", weft_last_error())
                       : weft__fail(WEFT_ESTOPPED, "stopped at epoch %d, batch %d",
                                    s->at.epoch + 1, s->at.batch);
        status = feed->next(s->reader, &b);
    }
    return status;
}

static void keep_best(weft__session *s, int epoch)
{
    s->at.best_epoch = epoch;
    s->at.best_top1 = weft_metrics_top1(s->metrics);
    s->at.best_loss = weft_metrics_loss(s->metrics);
    memcpy(s->best_slab, s->g->slab, s->g->slab_count * sizeof(float));
    memcpy(s->best_buffers, s->g->buffers, s->g->buffer_count * sizeof(float));
    s->best_known = s->keeps_scores;
    if (!s->best_known) return;
    weft_metrics *m = s->best_metrics;
    float *scores = s->best_scores;
    s->best_metrics = s->metrics;
    s->best_scores = s->scores;
    s->metrics = m;
    s->scores = scores;
}

static bool is_better(const weft__session *s, double top1, double loss)
{
    if (!isfinite(loss)) return false; /* a NaN never replaces the best model */
    return !s->at.best_epoch || top1 > s->at.best_top1 ||
           (top1 == s->at.best_top1 && loss < s->at.best_loss);
}

static void move_plateau(weft__session *s, double loss)
{
    if (strcmp(s->opts.schedule.name, "plateau")) return;
    if (!isfinite(loss)) return;
    int patience = s->opts.schedule.patience ? s->opts.schedule.patience : 5;
    double gamma = s->opts.schedule.gamma > 0 ? s->opts.schedule.gamma : 0.1;
    if (loss < s->at.plateau_best * (1 - 1e-4)) {
        s->at.plateau_best = loss;
        s->at.plateau_stale = 0;
    } else if (++s->at.plateau_stale > patience) {
        s->at.plateau_factor *= gamma;
        s->at.plateau_stale = 0;
    }
}

/* Evaluates, keeps the best, writes the row, and moves on to the next epoch. */
static weft_status end_epoch(weft__session *s)
{
    weft_epoch_row row = {.epoch = s->at.epoch + 1, .lr = rate_now(s)};
    weft_optimizer_swap_ema(s->optimizer);
    weft_status status = weft__evaluator_run(s->evaluator, s->metrics, s->scores);
    row.train_loss = s->at.loss_sum / (double)(s->at.loss_count ? s->at.loss_count : 1);
    row.gradient = s->at.norm_count ? s->at.norm_sum / (double)s->at.norm_count : 0;
    row.gradient_most = s->at.norm_most;
    row.top1 = weft_metrics_top1(s->metrics);
    row.top5 = weft_metrics_top5(s->metrics);
    row.val_loss = weft_metrics_loss(s->metrics);
    bool best = !status && is_better(s, row.top1, row.val_loss);
    if (best) {
        keep_best(s, row.epoch);
        status = weft__session_export(s, "best.onnx");
    }
    weft_optimizer_swap_ema(s->optimizer);
    if (status == WEFT_EIO) {
        weft__warn("%s", weft_last_error());
        s->save_failed = true;
        status = WEFT_OK;
    }
    if (status) return status;
    s->at.stale = best ? 0 : s->at.stale + 1;
    move_plateau(s, row.val_loss);
    row.seconds = weft__session_seconds(s);
    s->at.epoch++;
    s->at.batch = 0;
    s->at.loss_sum = 0;
    s->at.loss_count = 0;
    s->at.norm_sum = s->at.norm_most = 0;
    s->at.norm_count = 0;
    status = weft__session_add_row(s, &row);
    if (status) return status;
    /* a state that gives no finite loss is nothing to come back to */
    bool sound = isfinite(row.val_loss);
    if (!sound)
        weft__warn("epoch %d: the validation loss is not finite; the best model stays",
                   row.epoch);
    save_now(s, sound);
    if (weft__session_history(s)) weft__warn("%s", weft_last_error());
    if (s->opts.on_epoch) s->opts.on_epoch(s->opts.user, &row, best);
    return WEFT_OK;
}

/* After divergence: back to the start of the epoch with half the learning rate, a few
 * times. */
static weft_status retry(weft__session *s)
{
    if (!s->opts.run_dir || s->opts.halvings < 0) return WEFT_EDIVERGED;
    char what[600];
    snprintf(what, sizeof what, "%s", weft_last_error());
    double halved = s->at.halved * 0.5;
    int halvings = s->at.halvings + 1;
    if (weft__session_restore(s, true))
        return weft__fail(WEFT_EDIVERGED, "%.500s. No way back: %.400s", what,
                          weft_last_error());
    if (halvings > s->opts.halvings) {
        save_now(s, true); /* what was saved since may be finite, yet of no use */
        return weft__fail(WEFT_EDIVERGED,
                          "%s. Given up after %d halvings of the learning rate; try a "
                          "smaller one. %.400s/last.ckpt is finite",
                          what, s->opts.halvings, s->opts.run_dir);
    }
    s->at.halved = halved;
    s->at.halvings = halvings;
    weft__warn(
        "%s. Back to the start of the epoch with half the learning rate (%d of %d)", what,
        halvings, s->opts.halvings);
    /* a resume from here on must not forget the halving */
    save_now(s, true);
    return WEFT_OK;
}

static bool over(const weft__session *s)
{
    bool patience = s->opts.patience > 0 && s->at.stale >= s->opts.patience;
    return s->at.epoch >= s->opts.epochs || patience;
}

static weft_status all_epochs(weft__session *s)
{
    while (!over(s)) {
        weft_status status = one_epoch(s);
        if (!status) status = end_epoch(s);
        if (status == WEFT_EDIVERGED) status = retry(s);
        if (status) return status;
    }
    return WEFT_OK;
}

/* The best epoch's parameters into g; the last ones' hash and file before that. */
static weft_status conclude(weft__session *s, weft_train_result *out)
{
    weft_status status = weft_params_sha256(s->g, out->params_sha256);
    if (!status && s->save_failed) status = weft__session_save(s, false);
    if (!status) status = weft__session_export(s, "last.onnx");
    if (!status && s->save_failed) status = weft__session_history(s);
    if (!status && !s->at.best_epoch)
        return weft__fail(WEFT_EDIVERGED,
                          "the validation loss was not finite in any of %d epochs: there "
                          "is no best model. Try a smaller learning rate",
                          s->at.epoch);
    if (status) return status;
    memcpy(s->g->slab, s->best_slab, s->g->slab_count * sizeof(float));
    memcpy(s->g->buffers, s->best_buffers, s->g->buffer_count * sizeof(float));
    s->g->version++;
    status = weft__session_export(s, "best.onnx");
    /* its epoch was before a resume, or there are too many scores to keep */
    if (!status && !s->best_known)
        status = weft__evaluator_run(s->evaluator, s->best_metrics, s->best_scores);
    return status;
}

static void tell_result(weft__session *s, weft_train_result *out)
{
    out->epochs = s->at.epoch;
    out->best_epoch = s->at.best_epoch;
    out->best_top1 = s->at.best_top1;
    out->best_val_loss = s->at.best_loss;
    out->seconds = weft__session_seconds(s);
    out->plan_bytes = weft_plan_total_bytes(s->full ? s->full : s->tail);
    out->rows = s->rows;
    out->history = s->history;
    out->metrics = s->best_metrics;
    out->scores = s->best_scores;
    s->history = NULL;
    s->best_metrics = NULL;
    s->best_scores = NULL;
}

/* Takes over the feed. */
static weft_status train(weft_graph *g, weft_val logits, weft__feed *feed,
                         const weft_train_opts *o, const weft_meta *meta,
                         weft_train_result *out)
{
    weft_train_result result = {0};
    weft__session s = {
        .g = g, .logits = logits, .feed = feed, .opts = *o, .meta = meta, .lock = -1};
    if (o->exact_conv) weft_graph_use_exact_conv(g, true);
    weft_status status = start(&s);
    if (!status && o->on_start) weft__session_estimate(&s);
    if (!status) status = all_epochs(&s);
    if (!status) status = conclude(&s, &result);
    if (!status) {
        tell_result(&s, &result);
        *out = result;
    }
    finish(&s);
    return status;
}

weft_status weft_train(weft_graph *g, weft_val logits, const weft_data *d,
                       const weft_train_opts *opts, const weft_meta *meta,
                       weft_train_result *out)
{
    weft_train_opts o = with_defaults(opts);
    weft__feed *feed = NULL;
    weft_status status = check_options(&o, weft_data_count(d, WEFT_TRAIN));
    if (!status) status = weft_graph_status(g);
    if (!status) status = weft__feed_pictures(g, d, &o, &feed);
    return status ? status : train(g, logits, feed, &o, meta, out);
}

weft_status weft_train_texts(weft_graph *g, weft_val logits, const weft_texts *t,
                             const weft_tokenizer *k, const weft_train_opts *opts,
                             const weft_meta *meta, weft_train_result *out)
{
    weft_train_opts o = with_defaults(opts);
    weft__feed *feed = NULL;
    weft_status status = check_options(&o, weft_texts_count(t, WEFT_TRAIN));
    if (!status) status = weft_graph_status(g);
    if (!status)
        status = weft__feed_texts(g, t, k, &o, NULL, weft_texts_classes(t), &feed);
    return status ? status : train(g, logits, feed, &o, meta, out);
}

void weft_train_result_free(weft_train_result *r)
{
    free(r->history);
    free(r->scores);
    weft_metrics_free(r->metrics);
    *r = (weft_train_result){0};
}
