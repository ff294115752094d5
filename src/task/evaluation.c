/* evaluation.c: what a network made of a subset of a data set: scores, and its
 * outputs. */
#include "task/task.h"

#include "base/checked.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OUTPUTS = 16 << 20 };

weft_status weft__evaluation_new(const weft__codec *c, const weft_dataset *d,
                                 weft_subset s, int32_t *map, bool store,
                                 weft_evaluation **out)
{
    int count = weft_dataset_count(d, s);
    size_t outputs = (size_t)count * (size_t)c->width;
    weft_evaluation *e = calloc(1, sizeof *e);
    if (e) e->codec = c;
    weft_status status = e ? c->task->meter_new(c, &e->meter)
                           : weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
    if (!status && store && outputs <= MOST_OUTPUTS) {
        e->outputs = weft__alloc(outputs + 1, sizeof *e->outputs);
        if (!e->outputs) status = weft__fail(WEFT_ENOMEM, "evaluate: out of memory");
    }
    if (status) {
        weft_evaluation_free(e);
        return status;
    }
    e->subset = s;
    e->word = weft__task_word(c->task, d->modality);
    e->part = weft_subset_name(s);
    e->map = map;
    e->count = count;
    e->width = c->width;
    *out = e;
    return WEFT_OK;
}

WEFT_API void weft_evaluation_free(weft_evaluation *e)
{
    if (!e) return;
    if (e->codec) e->codec->task->meter_free(e->meter);
    if (e->own) e->own->task->free(e->own);
    free(e->map);
    free(e->outputs);
    free(e);
}

void weft__evaluation_clear(weft_evaluation *e)
{
    e->codec->task->meter_clear(e->meter);
    e->loss = 0;
    e->losses = 0;
}

void weft__evaluation_add(weft_evaluation *e, const float *output, const float *each,
                          const weft_batch *b)
{
    size_t width = (size_t)e->width;
    e->codec->task->meter_add(e->meter, e->codec, e->map, output, each, b);
    for (int i = 0; i < b->n; i++) {
        e->loss += (double)each[i];
        e->losses++;
        if (e->outputs)
            memcpy(e->outputs + (size_t)b->index[i] * width, output + (size_t)i * width,
                   width * sizeof *output);
    }
}

WEFT_API weft_scores weft_evaluation_scores(const weft_evaluation *e)
{
    const weft__task *t = e->codec->task;
    double value[WEFT_MAX_SCORES];
    weft_scores s = {.n = t->scores + 1, .samples = e->losses};
    t->meter_scores(e->meter, value);
    for (int i = 0; i < t->scores; i++) {
        const weft__score_row *row = &t->score[i];
        s.score[i] = (weft_score){.name = row->name,
                                  .label = row->label,
                                  .value = value[i],
                                  .lower_is_better = row->lower_is_better,
                                  .percent = row->percent};
    }
    s.score[t->scores] =
        (weft_score){.name = "loss",
                     .label = "loss",
                     .value = e->losses ? e->loss / (double)e->losses : (double)NAN,
                     .lower_is_better = true};
    return s;
}

WEFT_API weft_subset weft_evaluation_subset(const weft_evaluation *e)
{
    return e->subset;
}

WEFT_API const float *weft_evaluation_outputs(const weft_evaluation *e, int *width)
{
    if (width) *width = e->width;
    return e->outputs;
}

int weft__evaluation_label(const weft_evaluation *e, const weft_dataset *d, int i)
{
    int label = weft_dataset_label(d, e->subset, i);
    return label >= 0 && e->map ? e->map[label] : label;
}

/* "test: 500 samples, top1 91.20 %, top5 99.00 %, loss 0.2613" */
static char *with_scores(char *table, const weft_evaluation *e)
{
    enum { LINE = 600 };
    weft_scores s = weft_evaluation_scores(e);
    size_t used = table ? strlen(table) : 0;
    char *text = table ? realloc(table, used + LINE) : NULL;
    if (!text) {
        free(table);
        return NULL;
    }
    size_t at = used;
    at += (size_t)snprintf(text + at, used + LINE - at, "\n%s: %lld samples", e->part,
                           (long long)s.samples);
    for (int i = 0; i < s.n; i++) {
        const weft_score *x = &s.score[i];
        at += (size_t)snprintf(text + at, used + LINE - at,
                               x->percent ? ", %s %.2f %%" : ", %s %.4f", x->label,
                               x->percent ? 100 * x->value : x->value);
    }
    snprintf(text + at, used + LINE - at, "\n");
    return text;
}

WEFT_API char *weft_evaluation_text(const weft_evaluation *e)
{
    return with_scores(e->codec->task->text(e), e);
}

WEFT_API char *weft_evaluation_json(const weft_evaluation *e)
{
    weft_scores s = weft_evaluation_scores(e);
    weft__json w = {0};
    weft__json_object(&w, NULL);
    weft__json_text(&w, "task", e->word);
    weft__json_text(&w, "split", e->part);
    weft__json_int(&w, "samples", s.samples);
    for (int i = 0; i < s.n; i++)
        weft__json_real(&w, s.score[i].name, s.score[i].value, 9);
    e->codec->task->json(e, &w);
    weft__json_object_end(&w);
    return weft__json_take(&w);
}

WEFT_API void weft_evaluation_set_part(weft_evaluation *e, const char *part)
{
    e->part = part;
}
