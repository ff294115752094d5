/* classify.c: which one of several classes is it? A network gives a score (logit) for
 * each class, trained with the cross entropy
 *
 *     loss = mean over samples of -sum over k of q[k] log softmax(x)[k],
 *     q = (1 - smoothing) * onehot(class) + smoothing / classes,
 *
 * and answers with softmax(x). */
#include "task/task.h"

#include "base/checked.h"
#include "base/option.h"
#include "report/table.h"
#include "task/baseline_linear.h"
#include "task/class_names.h"
#include "task/classify_report.h"
#include "weft/ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

typedef struct arguments {
    double smoothing; /* below 0: by what the data are */
    bool balance;
    const char *class_weights;
} arguments;

static const weft_option options[] = {
    WEFT__REAL(arguments, smoothing, "smoothing", 0, 0.999, "of labels (0; texts 0.1)"),
    WEFT__FLAG(arguments, balance, "balance", "weigh classes by how rare they are"),
    WEFT__TEXT(arguments, class_weights, "class-weights", "X,X...",
               "weight of each class in the loss, in the order of the classes"),
    WEFT__END_OF_OPTIONS};

static void options_start(void *args)
{
    *(arguments *)args = (arguments){.smoothing = -1};
}

static void recipe(void *args, const weft_dataset *d, weft__recipe *r)
{
    arguments *a = args;
    (void)d;
    if (a->smoothing < 0) a->smoothing = r->smoothing;
}

/* ---- what is known of the classes ---- */

static weft_status codec_new(int classes, weft__classes **out)
{
    weft__classes *c = calloc(1, sizeof *c);
    if (!c) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    c->base = (weft__codec){&weft_task_classify, classes};
    *out = c;
    return WEFT_OK;
}

static void codec_free(weft__codec *codec)
{
    weft__classes *c = (weft__classes *)codec;
    if (!c) return;
    weft__class_names_free(c->name, codec->width);
    free(c);
}

static weft_status fit(const weft_dataset *d, weft__codec **out)
{
    weft__classes *c = NULL;
    int n = weft_dataset_classes(d);
    weft_status s = codec_new(n, &c);
    if (s) return s;
    c->named = true;
    c->name = weft__class_names_of(d);
    if (!c->name) {
        codec_free(&c->base);
        return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    }
    *out = &c->base;
    return WEFT_OK;
}

static weft_status save(const weft__codec *codec, weft_meta *m)
{
    const weft__classes *c = (const weft__classes *)codec;
    return weft__class_names_describe(m, (const char *const *)c->name, codec->width);
}

static weft_status load(const weft_meta *m, int width, const char *path,
                        weft__codec **out)
{
    weft__classes *c = NULL;
    (void)path;
    weft_status s = codec_new(width, &c);
    if (s) return s;
    c->named = weft_meta_get(m, "weft.names") != NULL;
    c->name = weft__class_names_read(m, width);
    if (!c->name) {
        codec_free(&c->base);
        return WEFT_ENOMEM;
    }
    *out = &c->base;
    return WEFT_OK;
}

static int number_of(const weft__classes *c, const char *name)
{
    for (int k = 0; k < c->base.width; k++)
        if (!strcmp(c->name[k], name)) return k;
    return -1;
}

/* Classes are found by name; a data set need not have all of a model's. */
static weft_status match(const weft__codec *codec, const weft_dataset *d, int32_t **map)
{
    const weft__classes *c = (const weft__classes *)codec;
    int n = weft_dataset_classes(d);
    *map = NULL;
    if (!c->named && n == codec->width) return WEFT_OK;
    if (!c->named)
        return weft__fail(WEFT_EUSAGE, "the model knows %d classes, the data have %d",
                          codec->width, n);
    char **name = weft__class_names_of(d);
    int32_t *to = weft__alloc((size_t)n + 1, sizeof *to);
    weft_status s =
        name && to ? WEFT_OK : weft__fail(WEFT_ENOMEM, "classes: out of memory");
    bool same = n == codec->width;
    for (int i = 0; i < n && !s; i++) {
        to[i] = number_of(c, name[i]);
        same &= to[i] == i;
        if (to[i] < 0)
            s = weft__fail(WEFT_EUSAGE,
                           "the data's class %.60s is not among the model's %d classes",
                           name[i], codec->width);
    }
    weft__class_names_free(name, n);
    if (s || same)
        free(to);
    else
        *map = to;
    return s;
}

/* ---- training ---- */

/* n / (classes * n_c), as scikit-learn's "balanced". */
static void balance(const weft_dataset *d, float *weight)
{
    int classes = weft_dataset_classes(d), n = weft_dataset_count(d, WEFT_SUBSET_TRAIN);
    for (int i = 0; i < n; i++) weight[weft_dataset_label(d, WEFT_SUBSET_TRAIN, i)] += 1;
    for (int c = 0; c < classes; c++)
        if (weight[c] > 0) weight[c] = (float)n / ((float)classes * weight[c]);
}

static weft_status read_weights(const char *text, int classes, float *weight)
{
    int n = 0;
    for (const char *at = text; at; n++) {
        char word[32];
        double x;
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (n == classes || !weft__number_parse(word, 0, 1e9, &x)) break;
        weight[n] = (float)x;
        at = at[length] ? at + length + 1 : NULL;
        if (!at && n + 1 == classes) return WEFT_OK;
    }
    return weft__fail(WEFT_EUSAGE,
                      "--class-weights: found %.80s, wanted %d numbers from 0", text,
                      classes);
}

static weft_status weights(weft_graph *g, const weft_dataset *d, const arguments *a,
                           int classes, weft_value *out)
{
    if (!a->balance && !a->class_weights) return WEFT_OK;
    float *weight = weft__alloc((size_t)classes + 1, sizeof *weight);
    if (!weight) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    weft_status s = WEFT_OK;
    if (a->class_weights)
        s = read_weights(a->class_weights, classes, weight);
    else
        balance(d, weight);
    if (!s) *out = weft_const(g, "class_weights", WEFT_SHAPE(classes), weight);
    free(weight);
    return s;
}

static weft_status head(weft_graph *g, const weft__codec *codec, const weft_dataset *d,
                        const void *args, bool mixed, weft__head *h)
{
    const arguments *a = args;
    int classes = codec->width;
    weft_value weight = WEFT_NONE;
    weft_cross_entropy_opts o = {.smoothing = a->smoothing > 0 ? a->smoothing : 0};
    weft_status s = weights(g, d, a, classes, &weight);
    if (s) return s;
    h->target = mixed ? weft_input(g, "target", WEFT_SHAPE(0, classes))
                      : weft_input_int(g, "target", WEFT_SHAPE(0), classes);
    h->loss = weft_cross_entropy(g, h->output, h->target, weight, &o, &h->each);
    h->truth = h->target;
    h->truth_each = h->each;
    if (mixed || weight.id || o.smoothing > 0) {
        h->truth = weft_input_int(g, "truth", WEFT_SHAPE(0), classes);
        weft_cross_entropy(g, h->output, h->truth, WEFT_NONE, NULL, &h->truth_each);
    }
    return weft_graph_status(g);
}

/* Class shares of blended samples. */
static weft_status bind_mixed(const weft__head *h, int classes, const weft_dataset *d,
                              weft_plan *p, const weft_batch *b)
{
    size_t n = (size_t)b->n * (size_t)classes;
    float *share = weft__alloc(n, sizeof *share);
    if (!share) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    for (int i = 0; i < b->n; i++) {
        float *to = share + (size_t)i * (size_t)classes;
        to[b->label[i]] += b->share[i];
        to[weft_dataset_label(d, WEFT_SUBSET_TRAIN, b->partner[i])] += 1 - b->share[i];
    }
    weft_status s = weft_plan_set(p, h->target, share, n);
    free(share);
    return s;
}

static weft_status bind(const weft__head *h, const weft__codec *codec,
                        const weft_dataset *d, weft_plan *p, const weft_batch *b)
{
    return b->share ? bind_mixed(h, codec->width, d, p, b)
                    : weft_plan_set_int(p, h->target, b->label, (size_t)b->n);
}

static weft_status bind_truth(const weft__head *h, const weft__codec *codec,
                              const int32_t *map, weft_plan *p, const weft_batch *b)
{
    int32_t few[256] = {0}, *label = few;
    (void)codec;
    if (!map) return weft_plan_set_int(p, h->truth, b->label, (size_t)b->n);
    if (b->n > 256) label = weft__alloc((size_t)b->n, sizeof *label);
    if (!label) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    for (int i = 0; i < b->n; i++) label[i] = map[b->label[i]];
    weft_status s = weft_plan_set_int(p, h->truth, label, (size_t)b->n);
    if (label != few) free(label);
    return s;
}

/* ---- scores ---- */

static const weft__score_row score[] = {
    {.name = "accuracy_top1",
     .label = "top1",
     .title = "accuracy",
     .csv = "metrics/accuracy_top1",
     .percent = true},
    {.name = "accuracy_top5",
     .label = "top5",
     .title = "top-5 accuracy",
     .csv = "metrics/accuracy_top5",
     .percent = true},
};

static weft_status meter_new(const weft__codec *codec, void **out)
{
    weft_metrics *m = weft_metrics_new(codec->width);
    if (!m) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    *out = m;
    return WEFT_OK;
}

static void meter_free(void *meter)
{
    weft_metrics_free(meter);
}

static void meter_clear(void *meter)
{
    weft_metrics_clear(meter);
}

static void meter_add(void *meter, const weft__codec *codec, const int32_t *map,
                      const float *output, const float *each, const weft_batch *b)
{
    size_t width = (size_t)codec->width;
    for (int i = 0; i < b->n; i++) {
        int32_t label = map ? map[b->label[i]] : b->label[i];
        weft_metrics_add(meter, output + (size_t)i * width, &label, each + i, 1);
    }
}

static void meter_scores(const void *meter, double *value)
{
    value[0] = weft_metrics_top1(meter);
    value[1] = weft_metrics_top5(meter);
}

WEFT_API const weft_metrics *weft_evaluation_metrics(const weft_evaluation *e)
{
    return e->codec->task == &weft_task_classify ? e->meter : NULL;
}

/* ---- answers ---- */

static weft_status decode(const weft__codec *codec, const float *output, weft_answer *a)
{
    size_t n = (size_t)codec->width;
    float *p = weft__alloc(n, sizeof *p);
    if (!p) return weft__fail(WEFT_ENOMEM, "classify: out of memory");
    memcpy(p, output, n * sizeof *p);
    weft__to_probabilities(p, codec->width);
    free(a->probability);
    a->classes = codec->width;
    a->probability = p;
    a->best = 0;
    for (int k = 1; k < codec->width; k++)
        if (p[k] > p[a->best]) a->best = k;
    return WEFT_OK;
}

/* The class that stands in place `rank`, falling; of equal ones the lower number
 * first. */
static int ranked(const weft_answer *a, int after)
{
    int best = -1;
    for (int k = 0; k < a->classes; k++) {
        bool later = after < 0 || a->probability[k] < a->probability[after] ||
                     (a->probability[k] == a->probability[after] && k > after);
        if (later && (best < 0 || a->probability[k] > a->probability[best])) best = k;
    }
    return best;
}

static void answer_text(const weft__codec *codec, const weft_answer *a, int top,
                        char *text, size_t size)
{
    const weft__classes *c = (const weft__classes *)codec;
    size_t at = 0;
    *text = '\0';
    for (int i = 0, k = -1; i < top && (k = ranked(a, k)) >= 0 && at < size; i++) {
        char name[200];
        int n = snprintf(text + at, size - at, "%s%s %.4f", i ? ", " : "",
                         weft__escape(name, sizeof name, c->name[k]),
                         (double)a->probability[k]);
        at += n > 0 ? (size_t)n : 0;
    }
}

static void answer_json(const weft__codec *codec, const weft_answer *a, int top,
                        weft__json *w)
{
    const weft__classes *c = (const weft__classes *)codec;
    weft__json_list(w, "top");
    for (int i = 0, k = -1; i < top && (k = ranked(a, k)) >= 0; i++) {
        weft__json_object(w, NULL);
        weft__json_int(w, "class", k);
        weft__json_text(w, "name", c->name[k]);
        weft__json_real(w, "probability", (double)a->probability[k], 7);
        weft__json_object_end(w);
    }
    weft__json_list_end(w);
}

/* ---- an evaluation in words ---- */

static char *text(const weft_evaluation *e)
{
    const weft__classes *c = (const weft__classes *)e->codec;
    const weft_metrics *m = e->meter;
    const char *const *names = (const char *const *)c->name;
    char *report = weft_metrics_report(m, names);
    int64_t *count = weft__confusion_counts(m, e->width);
    char *matrix =
        count ? weft__confusion_text(&(weft__confusion){e->width, names, count}) : NULL;
    char *both = NULL;
    if (report && matrix) {
        size_t room = strlen(report) + strlen(matrix) + 2;
        both = malloc(room);
        if (both) snprintf(both, room, "%s\n%s", report, matrix);
    }
    free(report);
    free(count);
    free(matrix);
    return both;
}

static void class_json(weft__json *w, const char *key, const char *name,
                       weft_class_metrics m)
{
    weft__json_object(w, key);
    weft__json_text(w, "class", name);
    weft__json_real(w, "precision", m.precision, 9);
    weft__json_real(w, "recall", m.recall, 9);
    weft__json_real(w, "f1", m.f1, 9);
    weft__json_int(w, "support", m.support);
    weft__json_object_end(w);
}

static void json(const weft_evaluation *e, weft__json *w)
{
    const weft__classes *c = (const weft__classes *)e->codec;
    const weft_metrics *m = e->meter;
    class_json(w, "macro_avg", "macro avg", weft_metrics_macro(m));
    weft__json_list(w, "per_class");
    for (int i = 0; i < e->width; i++)
        class_json(w, NULL, c->name[i], weft_metrics_class(m, i));
    weft__json_list_end(w);
    weft__json_list(w, "confusion");
    for (int i = 0; i < e->width; i++) {
        weft__json_list(w, NULL);
        for (int k = 0; k < e->width; k++)
            weft__json_int(w, NULL, weft_metrics_confusion(m, i, k));
        weft__json_list_end(w);
    }
    weft__json_list_end(w);
}

const weft__task weft_task_classify = {
    .name = "classify",
    .summary = "which one of several classes",
    .target = WEFT_TARGET_CLASS,
    .options = options,
    .options_size = sizeof(arguments),
    .options_start = options_start,
    .recipe = recipe,
    .fit = fit,
    .free = codec_free,
    .save = save,
    .load = load,
    .match = match,
    .head = head,
    .bind = bind,
    .bind_truth = bind_truth,
    .scores = sizeof score / sizeof *score,
    .score = score,
    .meter_new = meter_new,
    .meter_free = meter_free,
    .meter_clear = meter_clear,
    .meter_add = meter_add,
    .meter_scores = meter_scores,
    .decode = decode,
    .answer_text = answer_text,
    .answer_json = answer_json,
    .top_one = 5,
    .top_many = 1,
    .text = text,
    .json = json,
    .report = weft__classify_report,
    .pictures = weft__classify_pictures,
    .baseline = weft__linear_beside,
};
