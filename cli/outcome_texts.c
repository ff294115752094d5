/* outcome_texts.c: what the report of a run on texts has of its own. */
#include "outcome_page.h"

#include "base/checked.h"
#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 50 };

weft_status page_text_mistakes(page *p)
{
    const outcome *o = p->o;
    const weft_tokenizer *k = o->tokenizer;
    size_t length = (size_t)weft_tokenizer_length(k);
    int32_t *ids = weft__alloc(length * WEFT_MAX_STREAMS, sizeof *ids);
    if (!ids) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    int32_t *to[] = {ids, ids + length, ids + 2 * length};
    for (int i = 0; i < p->mistakes; i++) {
        const mistake *m = &p->mistake[i];
        size_t bytes;
        int unknown = 0;
        const char *text = weft_texts_get(o->set.t, p->split, m->sample, &bytes);
        int n = weft_tokenize(k, text, bytes, to, &unknown);
        samples_name(o->set, p->split, m->sample, p->name[i], sizeof p->name[i]);
        snprintf(p->remark[i], sizeof p->remark[i], "%d of %d tokens unknown", unknown,
                 n);
        p->quote[i] =
            (weft__quote){.text = text,
                          .name = p->name[i],
                          .truth = o->names[samples_label(o->set, p->split, m->sample)],
                          .predicted = o->names[m->predicted],
                          .probability = m->probability,
                          .truth_probability = m->truth,
                          .remark = unknown ? p->remark[i] : NULL};
    }
    free(ids);
    return WEFT_OK;
}

/* Tokens and unknown ones of a split, and how many texts have each length. */
typedef struct statistics {
    int64_t tokens, unknown;
    int longest;
    double mean;
} statistics;

static weft_status count(const outcome *o, weft_split split, statistics *out,
                         double *of_length)
{
    const weft_tokenizer *k = o->tokenizer;
    size_t length = (size_t)weft_tokenizer_length(k);
    int32_t *ids = weft__alloc(length * WEFT_MAX_STREAMS, sizeof *ids);
    if (!ids) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    int32_t *to[] = {ids, ids + length, ids + 2 * length};
    int n = samples_count(o->set, split);
    *out = (statistics){0};
    for (int i = 0; i < n; i++) {
        size_t bytes;
        int unknown = 0;
        const char *text = weft_texts_get(o->set.t, split, i, &bytes);
        int taken = weft_tokenize(k, text, bytes, to, &unknown);
        out->tokens += taken;
        out->unknown += unknown;
        if (taken > out->longest) out->longest = taken;
        if (of_length) of_length[taken] += 1;
    }
    out->mean = n ? (double)out->tokens / n : 0;
    free(ids);
    return WEFT_OK;
}

/* Columns of equal width over 1 .. longest. */
static void fill_histogram(page *p, const double *of_length, int longest)
{
    int wide = (longest + COLUMNS - 1) / COLUMNS, n = (longest + wide - 1) / wide;
    double *x = p->histogram, *y = x + COLUMNS;
    for (int i = 0; i < n; i++) {
        x[i] = i * wide + (wide + 1) / 2.0;
        y[i] = 0;
        for (int k = i * wide + 1; k <= (i + 1) * wide && k <= longest; k++)
            y[i] += of_length[k];
    }
    p->lengths[0] = (weft__series){"texts", n, x, y};
    p->data_chart[0] = (weft__chart){.title = "Length of the training texts",
                                     .x_title = "tokens that are read",
                                     .n = 1,
                                     .series = p->lengths,
                                     .columns = true};
}

static double share(const statistics *s)
{
    return s->tokens ? 100 * (double)s->unknown / (double)s->tokens : 0;
}

static void fill_vocabulary(page *p, const statistics *train, const statistics *shown)
{
    const weft_tokenizer *k = p->o->tokenizer;
    const char *unit = weft_tokenizer_unit(k) == WEFT_UNIT_CHAR ? "characters" : "words";
    fact_add(&p->data, "Tokens", "%s, at most %d of a text", unit,
             weft_tokenizer_length(k));
    fact_add(&p->data, "Vocabulary", "%d", weft_tokenizer_size(k, 0));
    if (weft_tokenizer_streams(k) > 1)
        fact_add(&p->data, "Pairs", "%d", weft_tokenizer_size(k, 1));
    if (weft_tokenizer_streams(k) > 2)
        fact_add(&p->data, "Triples", "%d", weft_tokenizer_size(k, 2));
    fact_add(&p->data, "Length, mean and longest", "%.1f, %d tokens", train->mean,
             train->longest);
    fact_add(&p->data, "Unknown tokens", "%.2f %% in training, %.2f %% in the %s set",
             share(train), share(shown), p->o->test ? "test" : "validation");
    if (weft_texts_replaced(p->o->set.t))
        fact_add(&p->data, "Invalid UTF-8, replaced", "%lld",
                 (long long)weft_texts_replaced(p->o->set.t));
    snprintf(
        p->data_note, sizeof p->data_note,
        "The training texts have %.1f %s on average; the vocabulary knows %d. Of the "
        "%s set's %lld tokens %.2f %% are unknown to it.",
        train->mean, unit, weft_tokenizer_size(k, 0) - 2,
        p->o->test ? "test" : "validation", (long long)shown->tokens, share(shown));
}

static void fill_rivals(page *p)
{
    const outcome *o = p->o;
    const weft_linear_result *l = &o->linear;
    double none = (double)NAN;
    if (!o->has_linear) return;
    snprintf(p->linear_name, sizeof p->linear_name, "linear, 1-%d-grams", l->ngrams);
    p->rival[0] = (weft__rival){o->model, o->val ? weft_metrics_top1(o->val) : none,
                                o->test ? weft_metrics_top1(o->test) : none, o->params,
                                o->result->seconds};
    p->rival[1] =
        (weft__rival){p->linear_name, l->val_top1, l->test_top1, l->features, l->seconds};
    fact_add(&p->headline, "Linear model of n-grams", "%.2f %%",
             100 * (o->test ? l->test_top1 : l->val_top1));
}

weft_status page_text_facts(page *p)
{
    statistics train, shown;
    size_t length = (size_t)weft_tokenizer_length(p->o->tokenizer);
    double *of_length = weft__alloc(length + 1, sizeof *of_length);
    p->histogram = weft__alloc(2 * COLUMNS, sizeof *p->histogram);
    weft_status s = of_length && p->histogram
                        ? WEFT_OK
                        : weft__fail(WEFT_ENOMEM, "report: out of memory");
    if (!s) s = count(p->o, WEFT_TRAIN, &train, of_length);
    if (!s) s = count(p->o, p->split, &shown, NULL);
    if (!s) {
        fill_histogram(p, of_length, train.longest);
        fill_vocabulary(p, &train, &shown);
        fill_rivals(p);
    }
    free(of_length);
    return s;
}

void page_text_usage(const page *p, weft__report *r)
{
    const weft_tokenizer *k = p->o->tokenizer;
    r->usage.text = true;
    r->usage.streams = weft_tokenizer_streams(k);
    r->usage.length = weft_tokenizer_length(k);
    r->usage.letters = weft_tokenizer_unit(k) == WEFT_UNIT_CHAR;
    r->usage.keep_case = p->o->args->keep_case;
    r->usage.keep_width = p->o->args->keep_width;
    r->quotes = p->mistakes;
    r->quote = p->quote;
    r->rivals = p->o->has_linear ? 2 : 0;
    r->rival = p->rival;
    r->data_note = p->data_note;
    r->data_charts = 1;
    r->data_chart = p->data_chart;
}
