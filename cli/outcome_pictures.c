/* outcome_pictures.c: what the report of a run on pictures has of its own. */
#include "outcome_page.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* A small picture as PNG, enlarged so that a page shows its pixels. */
static weft_status encode(page *p, const mistake *m, weft__picture *out)
{
    int c, h, w;
    const outcome *o = p->o;
    weft_data_shape(o->set.d, &c, &h, &w);
    unsigned char *pixels = weft__alloc((size_t)c * (size_t)h * (size_t)w, 1),
                  *png = NULL;
    size_t bytes = 0;
    if (!pixels) return weft__fail(WEFT_ENOMEM, "report: out of memory");
    weft_status s = weft_data_read(o->set.d, p->split, m->sample, pixels);
    if (!s) s = weft_picture_encode_png(c, h, w, pixels, &png, &bytes);
    free(pixels);
    *out = (weft__picture){.png = png,
                           .bytes = bytes,
                           .predicted = o->names[m->predicted],
                           .truth = o->names[samples_label(o->set, p->split, m->sample)],
                           .probability = m->probability,
                           .truth_probability = m->truth};
    return s;
}

weft_status page_picture_mistakes(page *p)
{
    for (int i = 0; i < p->mistakes; i++) {
        weft_status s = encode(p, &p->mistake[i], &p->picture[i]);
        if (s == WEFT_EUSAGE) { /* a build without PNG */
            p->mistakes = 0;
            return WEFT_OK;
        }
        if (s) return s;
        samples_name(p->o->set, p->split, p->mistake[i].sample, p->name[i],
                     sizeof p->name[i]);
        p->picture[i].name = p->name[i];
    }
    return WEFT_OK;
}

void page_picture_facts(page *p)
{
    int c, h, w;
    const train_args *a = p->o->args;
    weft_data_shape(p->o->set.d, &c, &h, &w);
    fact_add(&p->training, "Augmentation",
             "flip %g, shift %d px, rotate %g, cutout %d, mixup %g", a->flip, a->shift,
             a->rotate, a->cutout, a->mixup);
    fact_add(&p->data, "Input", "%d x %d x %d", c, h, w);
}

static const char *fit_word(const char *fit)
{
    return !strcmp(fit, "crop")        ? "CROP"
           : !strcmp(fit, "letterbox") ? "LETTERBOX"
                                       : "STRETCH";
}

void page_picture_usage(const page *p, weft__report *r)
{
    const outcome *o = p->o;
    weft__usage *u = &r->usage;
    weft_data_shape(o->set.d, &u->channels, &u->height, &u->width);
    u->input = "x";
    u->fit = fit_word(o->args->fit);
    memcpy(u->mean, o->mean, sizeof u->mean);
    memcpy(u->deviation, o->deviation, sizeof u->deviation);
    r->pictures = p->mistakes;
    r->picture = p->picture;
}

/* The first pictures of the validation set (of the test set where there is none). */
weft_status page_picture_tiles(const page *p, const char *path)
{
    enum { SHOWN = 32 };
    const outcome *o = p->o;
    weft__tile tile[SHOWN];
    int c, h, w, all = samples_count(o->set, WEFT_VAL);
    weft_split split = all ? WEFT_VAL : p->split;
    const float *scores = all || !o->test ? o->result->scores : o->scores;
    int n = samples_count(o->set, split);
    if (n > SHOWN) n = SHOWN;
    weft_data_shape(o->set.d, &c, &h, &w);
    size_t size = (size_t)c * (size_t)h * (size_t)w;
    unsigned char *pixels = weft__alloc((size_t)n * size, 1);
    weft_status s = pixels ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    for (int i = 0; i < n && !s; i++) {
        int truth = samples_label(o->set, split, i);
        mistake m =
            mistake_judge(scores + (size_t)i * (size_t)p->classes, p->classes, i, truth);
        unsigned char *at = pixels + (size_t)i * size;
        s = weft_data_read(o->set.d, split, i, at);
        tile[i] = (weft__tile){
            at, c, h, w, o->names[truth], o->names[m.predicted], m.probability};
    }
    if (!s) s = weft__report_tiles_png(tile, n, path);
    free(pixels);
    return s;
}
