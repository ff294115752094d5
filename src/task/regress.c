/* regress.c: what number, or numbers, does a sample have? A network gives z, trained
 * with a loss of standardized targets; what it answers is in the targets' own units:
 *
 *     y[k] = mean[k] + std[k] z[k],
 *     loss = mean over samples and k of f((y[k] - t[k]) / std[k]),
 *
 * mean and std of the training targets; f as PyTorch's mse, l1 and smooth_l1. */
#include "task/task.h"

#include "base/option.h"
#include "report/table.h"
#include "task/baseline_linear.h"
#include "task/exhibits.h"
#include "task/metrics/regression.h"
#include "task/values.h"
#include "weft/ops.h"

#include <math.h>
#include <string.h>

/* ---- options ---- */

typedef struct arguments {
    const char *loss; /* NULL: mse */
} arguments;

static const weft_option options[] = {
    WEFT__CHOICE(arguments, loss, "loss", "mse|l1|smooth_l1",
                 "what is minimized, of standardized targets (mse)"),
    WEFT__END_OF_OPTIONS};

/* ---- what is known of the values ---- */

static weft_status fit(const weft_dataset *d, weft__codec **out)
{
    return weft__values_fit(&weft_task_regress, d, out);
}

static weft_status load(const weft_meta *m, int width, const char *path,
                        weft__codec **out)
{
    return weft__values_load(&weft_task_regress, m, width, path, out);
}

/* ---- training ---- */

static weft_value finish(weft_graph *g, weft_value z, const weft__codec *c)
{
    const weft__values *v = (const weft__values *)c;
    weft_value std = weft_const(g, "target_std", WEFT_SHAPE(c->width), v->std);
    weft_value mean = weft_const(g, "target_mean", WEFT_SHAPE(c->width), v->mean);
    return weft_add(g, weft_mul(g, z, std), mean);
}

static weft_status head(weft_graph *g, const weft__codec *c, const weft_dataset *d,
                        const void *args, bool mixed, weft__head *h)
{
    const char *loss = ((const arguments *)args)->loss;
    const weft__values *v = (const weft__values *)c;
    const int last[] = {1};
    (void)d, (void)mixed; /* blends of targets are targets */
    h->target = h->truth = weft_input(g, "target", WEFT_SHAPE(0, c->width));
    weft_value std = weft_const(g, "target_scale", WEFT_SHAPE(c->width), v->std);
    weft_value y = weft_div(g, h->output, std), t = weft_div(g, h->target, std);
    weft_value each = !loss || !strcmp(loss, "mse") ? weft_mse(g, y, t, WEFT_EACH)
                      : !strcmp(loss, "l1")         ? weft_l1(g, y, t, WEFT_EACH)
                                            : weft_smooth_l1(g, y, t, 1, WEFT_EACH);
    h->each = h->truth_each = weft_reduce_mean(g, each, 1, last, false);
    h->loss = weft_reduce_mean(g, each, 0, NULL, false);
    return weft_graph_status(g);
}

static weft_status bind(const weft__head *h, const weft__codec *c, const weft_dataset *d,
                        weft_plan *p, const weft_batch *b)
{
    return weft__values_bind(c, d, p, h->target, b);
}

static weft_status bind_truth(const weft__head *h, const weft__codec *c,
                              const int32_t *map, weft_plan *p, const weft_batch *b)
{
    (void)map;
    return weft_plan_set(p, h->truth, b->value, (size_t)b->n * (size_t)c->width);
}

/* ---- scores ---- */

static const weft__score_row score[] = {
    {.name = "r2", .label = "R2", .title = "R2", .csv = "metrics/r2"},
    {.name = "mae",
     .label = "MAE",
     .title = "mean absolute error",
     .csv = "metrics/mae",
     .lower_is_better = true},
    {.name = "rmse",
     .label = "RMSE",
     .title = "root mean square error",
     .csv = "metrics/rmse",
     .lower_is_better = true},
};

static weft_status meter_new(const weft__codec *c, void **out)
{
    *out = weft__regression_new(c->width, ((const weft__values *)c)->mean);
    return *out ? WEFT_OK : weft__fail(WEFT_ENOMEM, "regress: out of memory");
}

static void meter_add(void *meter, const weft__codec *c, const int32_t *map,
                      const float *output, const float *each, const weft_batch *b)
{
    size_t width = (size_t)c->width;
    (void)map, (void)each;
    for (size_t i = 0; i < (size_t)b->n; i++)
        weft__regression_add(meter, output + i * width, b->value + i * width);
}

static void meter_scores(const void *meter, double *value)
{
    weft__regression_scores s = weft__regression_mean(meter);
    value[0] = s.r2, value[1] = s.mae, value[2] = s.rmse;
}

/* ---- an evaluation in words ---- */

static char *text(const weft_evaluation *e)
{
    enum { COLUMNS = 4 };
    static const weft__column column[COLUMNS] = {
        {.title = "value"}, {"R2", true, 0}, {"MAE", true, 0}, {"RMSE", true, 0}};
    weft__arena a = {0};
    const char **cell = weft__arena_alloc(&a, COLUMNS * (size_t)e->width * sizeof *cell);
    for (int k = 0; k < e->width && cell; k++) {
        weft__regression_scores s = weft__regression_of(e->meter, k);
        const char **row = cell + COLUMNS * k;
        row[0] = weft__values_name(e->codec, k);
        row[1] = weft__arena_printf(&a, "%.4f", s.r2);
        row[2] = weft__arena_printf(&a, "%.6g", s.mae);
        row[3] = weft__arena_printf(&a, "%.6g", s.rmse);
    }
    char *table = cell ? weft__table(column, COLUMNS, cell, e->width) : NULL;
    weft__arena_free(&a);
    return table;
}

static void json(const weft_evaluation *e, weft__json *w)
{
    weft__json_list(w, "values");
    for (int k = 0; k < e->width; k++) {
        weft__regression_scores s = weft__regression_of(e->meter, k);
        weft__json_object(w, NULL);
        weft__json_text(w, "name", weft__values_name(e->codec, k));
        weft__json_real(w, "r2", s.r2, 9);
        weft__json_real(w, "mae", s.mae, 9);
        weft__json_real(w, "rmse", s.rmse, 9);
        weft__json_object_end(w);
    }
    weft__json_list_end(w);
}

/* ---- its part of a report ---- */

/* Of sample i: the largest error among its numbers, in standard deviations. */
static double error_of(const weft_evaluation *e, const weft_dataset *d, int i)
{
    const float *y = e->outputs + (size_t)i * (size_t)e->width;
    const float *t = weft_dataset_value(d, e->subset, i);
    const float *std = ((const weft__values *)e->codec)->std;
    double worst = 0;
    for (int k = 0; k < e->width; k++)
        worst = fmax(worst, fabs((double)y[k] - (double)t[k]) / (double)std[k]);
    return worst;
}

static weft_status show_errors(const weft_evaluation *e, const weft_dataset *d,
                               weft__arena *a, weft__report *r)
{
    weft__ranking worst = {0};
    weft__shown shown[WEFT_MOST_EXHIBITS];
    for (int i = 0; i < e->count; i++) weft__ranking_add(&worst, error_of(e, d, i), i);
    for (int i = 0; i < worst.n; i++) {
        int at = worst.sample[i];
        const float *y = e->outputs + (size_t)at * (size_t)e->width;
        const float *t = weft_dataset_value(d, e->subset, at);
        shown[i] = (weft__shown){.sample = at,
                                 .predicted = weft__values_words(e, y, a),
                                 .truth = weft__values_words(e, t, a),
                                 .probability = (double)NAN,
                                 .truth_probability = (double)NAN};
    }
    r->mistakes_title = "Largest errors";
    r->mistakes_note = "The samples whose prediction is furthest off, worst first.";
    return weft__exhibits_fill(d, e->subset, shown, worst.n, a, r);
}

static weft_status report(const weft_evaluation *e, const weft_dataset *d,
                          weft__fact_list *headline, weft__report *r)
{
    weft__arena *a = headline->arena;
    weft__regression_scores s = weft__regression_mean(e->meter);
    weft__fact_add(headline, "Mean absolute error", "%.4g", s.mae);
    weft__fact_add(headline, "RMSE", "%.4g", s.rmse);
    r->summary = weft__arena_printf(
        a, "Predictions of %lld %s %s are off by %.4g on average", (long long)e->losses,
        weft__part_word(e), weft_dataset_noun(d), s.mae);
    if (!e->outputs) return WEFT_OK;
    weft__chart *chart = weft__arena_alloc(a, (size_t)e->width * sizeof *chart);
    if (!chart) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status status = WEFT_OK;
    for (int k = 0; k < e->width && !status; k++)
        status = weft__values_scatter(e, d, k, a, &chart[k]);
    r->answers_title = "Truth and prediction";
    r->answer_charts = e->width;
    r->answer_chart = chart;
    return status ? status : show_errors(e, d, a, r);
}

const weft__task weft_task_regress = {
    .name = "regress",
    .summary = "what number, or numbers",
    .target = WEFT_TARGET_VALUES,
    .options = options,
    .options_size = sizeof(arguments),
    .fit = fit,
    .free = weft__values_free,
    .save = weft__values_save,
    .load = load,
    .match = weft__values_match,
    .finish = finish,
    .output_name = "values",
    .head = head,
    .bind = bind,
    .bind_truth = bind_truth,
    .scores = sizeof score / sizeof *score,
    .score = score,
    .meter_new = meter_new,
    .meter_free = weft__regression_free,
    .meter_clear = weft__regression_clear,
    .meter_add = meter_add,
    .meter_scores = meter_scores,
    .value_name = weft__values_name,
    .decode = weft__values_decode,
    .answer_text = weft__values_text,
    .answer_json = weft__values_json,
    .top_one = 1,
    .top_many = 1,
    .text = text,
    .json = json,
    .report = report,
    .baseline = weft__values_beside,
};
