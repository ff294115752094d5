/* exhibits.c: samples shown in a report with what a model said of them. */
#include "task/exhibits.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

const char *weft__part_title(const weft_evaluation *e)
{
    static const char *const title[] = {"Training", "Validation", "Test"};
    return title[e->subset];
}

const char *weft__part_word(const weft_evaluation *e)
{
    static const char *const word[] = {"training", "validation", "test"};
    return word[e->subset];
}

void weft__ranking_add(weft__ranking *r, double key, int sample)
{
    int at = r->n;
    if (at == WEFT_MOST_EXHIBITS && !(key > r->key[--at])) return;
    if (r->n < WEFT_MOST_EXHIBITS) r->n++;
    for (; at > 0 && r->key[at - 1] < key; at--) {
        r->key[at] = r->key[at - 1];
        r->sample[at] = r->sample[at - 1];
    }
    r->key[at] = key;
    r->sample[at] = sample;
}

/* png moves into the arena. */
static weft_status add_picture(const weft__exhibit *x, const weft__shown *s,
                               const char *name, weft__arena *a, weft__picture *out)
{
    unsigned char *png = weft__arena_alloc(a, x->bytes);
    if (!png) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    memcpy(png, x->png, x->bytes);
    *out = (weft__picture){.png = png,
                           .bytes = x->bytes,
                           .name = name,
                           .truth = s->truth,
                           .predicted = s->predicted,
                           .probability = s->probability,
                           .truth_probability = s->truth_probability};
    return WEFT_OK;
}

static void exhibit_clear(weft__exhibit *x)
{
    free(x->png);
    free(x->pixels);
    *x = (weft__exhibit){0};
}

static weft_status show(const weft_dataset *d, weft_subset subset, const weft__shown *s,
                        weft__arena *a, weft__picture *picture, int *pictures,
                        weft__text_error *quote, int *quotes)
{
    char where[200];
    weft__exhibit x = {0};
    weft_status status =
        d->modality->show(d, d->preprocess, subset, s->sample, WEFT_SHOW_PNG, &x);
    weft_dataset_sample_name(d, subset, s->sample, where, sizeof where);
    const char *name = weft__arena_printf(a, "%s", where);
    if (!status && x.png) status = add_picture(&x, s, name, a, &picture[(*pictures)++]);
    if (!status && x.text)
        quote[(*quotes)++] = (weft__text_error){
            .text = x.text,
            .name = name,
            .truth = s->truth,
            .predicted = s->predicted,
            .probability = s->probability,
            .truth_probability = s->truth_probability,
            .remark = x.remark[0] ? weft__arena_printf(a, "%s", x.remark) : NULL};
    exhibit_clear(&x);
    return status;
}

weft_status weft__exhibits_fill(const weft_dataset *d, weft_subset s,
                                const weft__shown *shown, int n, weft__arena *a,
                                weft__report *r)
{
    int pictures = 0, quotes = 0;
    weft__picture *picture = weft__arena_alloc(a, ((size_t)n + 1) * sizeof *picture);
    weft__text_error *quote = weft__arena_alloc(a, ((size_t)n + 1) * sizeof *quote);
    weft_status status =
        picture && quote ? WEFT_OK : weft__fail(WEFT_ENOMEM, "report: out of memory");
    for (int i = 0; i < n && !status; i++)
        status = show(d, s, &shown[i], a, picture, &pictures, quote, &quotes);
    if (status == WEFT_EUSAGE) return WEFT_OK; /* a build without PNG */
    r->pictures = pictures;
    r->picture = picture;
    r->text_errors = quotes;
    r->text_error = quote;
    return status;
}

weft_status weft__exhibits_sheet(const weft_dataset *d, weft_subset s,
                                 const weft__shown *shown, int n, const char *path)
{
    weft__tile *tile = weft__alloc((size_t)n + 1, sizeof *tile);
    weft__exhibit *x = weft__alloc((size_t)n + 1, sizeof *x);
    int tiles = 0;
    weft_status status =
        tile && x ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    for (int i = 0; i < n && !status; i++) {
        status = d->modality->show(d, d->preprocess, s, shown[i].sample, WEFT_SHOW_PIXELS,
                                   &x[i]);
        if (!status && x[i].pixels)
            tile[tiles++] = (weft__tile){
                x[i].pixels,    x[i].channels,      x[i].height,         x[i].width,
                shown[i].truth, shown[i].predicted, shown[i].probability};
    }
    if (!status && tiles) status = weft__report_tiles_png(tile, tiles, path);
    for (int i = 0; i < n && x; i++) exhibit_clear(&x[i]);
    free(tile);
    free(x);
    return status;
}
