/* facts.c: what a report says of texts. */
#include "data/text/text.h"
#include "data/text/tokens.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 50 };

/* Tokens and unknown ones of a subset, and how many texts have each length. */
typedef struct statistics {
    int64_t tokens, unknown;
    int longest;
    double mean;
} statistics;

static weft_status count(const weft_dataset *d, weft_subset s, const weft_tokenizer *k,
                         double *of_length, statistics *out)
{
    weft__numbered n;
    int32_t *ids = weft__alloc((size_t)k->length, sizeof *ids);
    *out = (statistics){0};
    weft_status status = ids ? weft__numbered_begin(&n, d->content, s, k)
                             : weft__fail(WEFT_ENOMEM, "report: out of memory");
    for (int i = 0; i < d->count[s] && !status; i++) {
        int taken = weft__numbered_length(&n, i);
        weft__numbered_tokens(&n, i, ids);
        for (int p = 0; p < taken; p++) out->unknown += ids[p] == WEFT_UNKNOWN;
        out->tokens += taken;
        if (taken > out->longest) out->longest = taken;
        if (of_length) of_length[taken] += 1;
    }
    if (d->count[s]) out->mean = (double)out->tokens / d->count[s];
    if (ids) weft__numbered_end(&n);
    free(ids);
    return status;
}

/* Columns of equal width over 1 .. longest. */
static void tell_lengths(const double *of_length, int longest,
                         const weft__fact_sink *sink)
{
    double x[COLUMNS], y[COLUMNS];
    int wide = (longest + COLUMNS - 1) / COLUMNS,
        n = wide ? (longest + wide - 1) / wide : 0;
    for (int i = 0; i < n; i++) {
        x[i] = i * wide + (wide + 1) / 2.0;
        y[i] = 0;
        for (int k = i * wide + 1; k <= (i + 1) * wide && k <= longest; k++)
            y[i] += of_length[k];
    }
    sink->histogram(sink->user, "Length of the training texts", "tokens that are read", n,
                    x, y);
}

static double share(const statistics *s)
{
    return s->tokens ? 100 * (double)s->unknown / (double)s->tokens : 0;
}

static void say(const weft__fact_sink *sink, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const weft__fact_sink *sink, const char *key, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (key)
        sink->fact(sink->user, key, text);
    else
        sink->note(sink->user, text);
}

static void tell_vocabulary(const weft_dataset *d, const weft_tokenizer *k,
                            const statistics *train, const statistics *shown,
                            const char *part, const weft__fact_sink *sink)
{
    const char *granularity = k->granularity == WEFT_LEVEL_CHAR ? "characters" : "words";
    say(sink, "Tokens", "%s, at most %d of a text", granularity,
        weft_tokenizer_length(k));
    say(sink, "Vocabulary", "%d", weft_tokenizer_size(k, 0));
    if (weft_tokenizer_streams(k) > 1)
        say(sink, "Pairs", "%d", weft_tokenizer_size(k, 1));
    if (weft_tokenizer_streams(k) > 2)
        say(sink, "Triples", "%d", weft_tokenizer_size(k, 2));
    say(sink, "Length, mean and longest", "%.1f, %d tokens", train->mean, train->longest);
    say(sink, "Unknown tokens", "%.2f %% in training, %.2f %% in the %s set",
        share(train), share(shown), part);
    if (weft__texts_of(d)->replaced)
        say(sink, "Invalid UTF-8, replaced", "%lld",
            (long long)weft__texts_of(d)->replaced);
    say(sink, NULL,
        "The training texts have %.1f %s on average; the vocabulary knows %d. Of the %s "
        "set's "
        "%lld tokens %.2f %% are unknown to it.",
        train->mean, granularity, weft_tokenizer_size(k, 0) - 2, part,
        (long long)shown->tokens, share(shown));
}

weft_status weft__text_facts(const weft_dataset *d, const weft__preprocess *p,
                             weft_subset shown, const weft__fact_sink *sink)
{
    static const char *const part[] = {"training", "validation", "test"};
    const weft_tokenizer *k = weft__tokenizer_of(p);
    double *of_length = weft__alloc((size_t)k->length + 1, sizeof *of_length);
    statistics train, other;
    if (!of_length) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status s = count(d, WEFT_SUBSET_TRAIN, k, of_length, &train);
    if (!s) s = count(d, shown, k, NULL, &other);
    if (!s) {
        tell_lengths(of_length, train.longest, sink);
        tell_vocabulary(d, k, &train, &other, part[shown], sink);
    }
    free(of_length);
    return s;
}

weft_status weft__text_show(const weft_dataset *d, const weft__preprocess *p,
                            weft_subset s, int i, weft__show_form form,
                            weft__exhibit *out)
{
    weft__texts *t = d->content;
    int taken = 0, unknown = 0;
    *out = (weft__exhibit){0};
    if (form != WEFT_SHOW_PNG) return WEFT_OK;
    weft_status status =
        weft__tokens_count(t, s, i, weft__tokenizer_of(p), &taken, &unknown);
    if (status) return status;
    out->text = t->item[s][i].text;
    if (unknown)
        snprintf(out->remark, sizeof out->remark, "%d of %d tokens unknown", unknown,
                 taken);
    return WEFT_OK;
}
