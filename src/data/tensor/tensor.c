/* tensor.c: numbers of any shape, from arrays or a callback of the caller's: rows of a
 * table, signals, volumes. Normalised by the training samples: a shape [features] by
 * feature, any other by channel (its first dimension). */
#include "base/checked.h"
#include "base/hash.h"
#include "data/checks.h"
#include "data/modality.h"
#include "data/prefetch.h"
#include "store/meta_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The caller's samples, and which of them are in a subset. */
typedef struct tensors {
    weft_arrays a;
    size_t each;       /* elements of a sample */
    int32_t *place[3]; /* of each sample of a subset: number in its array */
    int8_t *from[3];   /* and which array */
} tensors;

typedef struct preprocess {
    weft__preprocess base;
    weft_shape shape;
    int channels;
    size_t each, run;  /* elements of a sample; of a channel, one after another */
    float *mean, *std; /* [channels] */
} preprocess;

static const tensors *of(const weft_dataset *d)
{
    return d->content;
}

static const preprocess *own(const weft__preprocess *p)
{
    return (const preprocess *)p;
}

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "tensors: out of memory");
}

/* ---- a data set ---- */

static bool takes(const weft_arrays *a)
{
    return a->x[0] || a->x[1] || a->x[2] || (a->read && !a->channels);
}

static void close(weft_dataset *d)
{
    tensors *t = d->content;
    for (int k = 0; k < 3; k++) {
        free(t->place[k]);
        free(t->from[k]);
    }
    free(t);
}

static void sample_name(const weft_dataset *d, weft_subset s, int i, char *text,
                        size_t size)
{
    const tensors *t = of(d);
    weft__dataset_array_name((weft_subset)t->from[s][i], t->place[s][i], text, size);
}

/* Sample i of a subset, [each]. */
static weft_status read_sample(const weft_dataset *d, weft_subset s, int i, float *x)
{
    const tensors *t = of(d);
    weft_subset from = (weft_subset)t->from[s][i];
    int place = t->place[s][i];
    char name[64];
    weft_status status = WEFT_OK;
    if (t->a.read)
        status = weft__dataset_call(&t->a, from, place, x);
    else
        memcpy(x, t->a.x[from] + (size_t)place * t->each, t->each * sizeof *x);
    if (status) return status;
    for (size_t e = 0; e < t->each; e++)
        if (!isfinite(x[e])) {
            sample_name(d, s, i, name, sizeof name);
            return weft__fail(WEFT_EDATA, "%s: number %zu is not finite", name, e);
        }
    return WEFT_OK;
}

/* Which training samples go to validation. */
static weft_status choose(const weft_arrays *a, const weft_dataset_opts *o,
                          const weft_dataset *d, bool *chosen)
{
    int n = a->count[WEFT_SUBSET_TRAIN];
    if (a->count[WEFT_SUBSET_VAL] || o->no_val) return WEFT_OK;
    if (d->classes)
        return weft__stratify(a->label[0], n, d->classes, o->val_fraction, o->seed,
                              chosen);
    int32_t *alike = weft__alloc((size_t)n + 1, sizeof *alike);
    if (!alike) return no_memory();
    weft_status s = weft__stratify(alike, n, 1, o->val_fraction, o->seed, chosen);
    free(alike);
    return s;
}

static void add(weft_dataset *d, tensors *t, int subset, int from, int place)
{
    int at = d->count[subset]++;
    t->place[subset][at] = place;
    t->from[subset][at] = (int8_t)from;
}

static weft_status split(weft_dataset *d, tensors *t, const weft_dataset_opts *o)
{
    int n = t->a.count[0];
    bool *chosen = weft__alloc((size_t)n + 1, sizeof *chosen);
    weft_status s = chosen ? choose(&t->a, o, d, chosen) : no_memory();
    for (int k = 0; k < 3 && !s; k++) {
        size_t most = (size_t)t->a.count[k] + (k == WEFT_SUBSET_VAL ? (size_t)n : 0) + 1;
        t->place[k] = weft__alloc(most, sizeof *t->place[k]);
        t->from[k] = weft__alloc(most, sizeof *t->from[k]);
        if (!t->place[k] || !t->from[k]) s = no_memory();
    }
    for (int k = 0; k < 3 && !s; k++)
        for (int i = 0; i < t->a.count[k]; i++)
            add(d, t, !k && chosen[i] ? WEFT_SUBSET_VAL : k, k, i);
    free(chosen);
    return s;
}

static weft_status fill_targets(weft_dataset *d, const tensors *t)
{
    weft_status s = WEFT_OK;
    for (int k = 0; k < 3 && !s; k++) {
        s = weft__dataset_room(d, (weft_subset)k);
        for (int i = 0; i < d->count[k] && !s; i++)
            weft__dataset_array_target(d, (weft_subset)k, i, &t->a, t->from[k][i],
                                       t->place[k][i]);
    }
    return s;
}

/* Shape, names and targets; and the numbers of arrays in memory. */
static void make_hash(weft_dataset *d, const tensors *t)
{
    weft__sha256 h;
    unsigned char sum[32];
    weft__sha256_start(&h);
    weft__sha256_add(&h, t->a.shape.dim,
                     (size_t)t->a.shape.rank * sizeof *t->a.shape.dim);
    for (int c = 0; c < d->classes; c++)
        weft__sha256_add(&h, d->class_name[c], strlen(d->class_name[c]) + 1);
    for (int k = 0; k < 3; k++) {
        weft__sha256_add(&h, &d->count[k], sizeof d->count[k]);
        for (int i = 0; i < d->count[k]; i++) {
            weft__dataset_hash_target(d, (weft_subset)k, i, &h);
            if (!t->a.read)
                weft__sha256_add(&h,
                                 t->a.x[t->from[k][i]] + (size_t)t->place[k][i] * t->each,
                                 t->each * sizeof(float));
        }
    }
    weft__sha256_end(&h, sum);
    weft__hex(d->hash, sum, sizeof sum);
}

static weft_status from(const weft_arrays *a, const weft_dataset_opts *o,
                        const weft__sink *sink, weft_dataset *d)
{
    tensors *t = calloc(1, sizeof *t);
    bool good = a->shape.rank >= 1 && a->shape.rank < WEFT_MAX_RANK;
    if (!t) return no_memory();
    d->content = t;
    t->a = *a;
    for (int i = 0; i < a->shape.rank && good; i++) good = a->shape.dim[i] > 0;
    if (!good || !weft__count(a->shape.dim, a->shape.rank, &t->each))
        return weft__fail(
            WEFT_EUSAGE,
            "arrays: the shape of a sample has %d dimensions, or one below 1; "
            "allowed are 1 to %d",
            a->shape.rank, WEFT_MAX_RANK - 1);
    weft_status s = split(d, t, o);
    if (!s) s = fill_targets(d, t);
    if (!s) s = weft__check_targets(d, sink);
    if (!s) make_hash(d, t);
    return s;
}

static const char *format(const weft_dataset *d)
{
    (void)d;
    return "arrays";
}

static const char *columns(const weft_dataset *d)
{
    (void)d;
    return "";
}

static void shape_text(const weft_shape *s, char *text, size_t size)
{
    size_t at = 0;
    for (int i = 0; i < s->rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%d", i ? "x" : "", s->dim[i]);
}

static void shape(const weft_dataset *d, char *text, size_t size)
{
    shape_text(&of(d)->a.shape, text, size);
}

/* ---- preprocessing ---- */

static void release(weft__preprocess *base)
{
    preprocess *p = (preprocess *)base;
    if (!p) return;
    free(p->mean);
    free(p->std);
    free(p);
}

static weft_status make(const weft_shape *shape_of, preprocess **out)
{
    preprocess *p = calloc(1, sizeof *p);
    if (!p) return no_memory();
    p->base.modality = &weft_modality_tensor;
    p->shape = *shape_of;
    p->channels = shape_of->dim[0];
    if (!weft__count(shape_of->dim, shape_of->rank, &p->each)) p->each = 0;
    p->run = p->channels > 0 ? p->each / (size_t)p->channels : 0;
    p->mean = weft__alloc((size_t)p->channels + 1, sizeof *p->mean);
    p->std = weft__alloc((size_t)p->channels + 1, sizeof *p->std);
    *out = p;
    if (p->mean && p->std) return WEFT_OK;
    release(&p->base);
    return no_memory();
}

/* Sums over the training samples by channel: of x, then of its squared distance from
 * the mean. */
static weft_status add_up(const weft_dataset *d, const preprocess *p, float *x,
                          double *sum, double *square)
{
    double count = (double)d->count[WEFT_SUBSET_TRAIN] * (double)p->run;
    for (int i = 0; i < d->count[WEFT_SUBSET_TRAIN]; i++) {
        weft_status s = read_sample(d, WEFT_SUBSET_TRAIN, i, x);
        if (s) return s;
        for (size_t e = 0; e < p->each; e++) {
            size_t c = e / p->run;
            double off = square ? (double)x[e] - sum[c] / count : 0;
            if (square)
                square[c] += off * off;
            else
                sum[c] += (double)x[e];
        }
    }
    return WEFT_OK;
}

static weft_status measure(const weft_dataset *d, preprocess *p, float *x, double *sum)
{
    double *square = sum + p->channels;
    double count = (double)d->count[WEFT_SUBSET_TRAIN] * (double)p->run;
    weft_status s = add_up(d, p, x, sum, NULL);
    if (!s) s = add_up(d, p, x, sum, square);
    for (int c = 0; c < p->channels && !s; c++) {
        float std = (float)sqrt(square[c] / count);
        p->mean[c] = (float)(sum[c] / count);
        p->std[c] = std > 1e-30f ? std : 1;
    }
    return s;
}

static weft_status fit(const weft_dataset *d, weft__preprocess **out)
{
    preprocess *p = NULL;
    weft_status s = make(&of(d)->a.shape, &p);
    if (s) return s;
    float *x = weft__alloc(p->each, sizeof *x);
    double *sum = weft__alloc(2 * (size_t)p->channels, sizeof *sum);
    s = x && sum ? measure(d, p, x, sum) : no_memory();
    free(x);
    free(sum);
    if (s)
        release(&p->base);
    else
        *out = &p->base;
    return s;
}

static weft_status save(const weft__preprocess *p, weft_meta *m)
{
    weft_status s = weft__meta_set_floats(m, "weft.mean", own(p)->mean, own(p)->channels);
    return s ? s : weft__meta_set_floats(m, "weft.std", own(p)->std, own(p)->channels);
}

/* The first float input, without its batch. */
static weft_value find_input(const weft_graph *g, weft_shape *sample)
{
    for (int i = 0; i < weft_input_count(g); i++) {
        weft_value v = weft_input_at(g, i);
        weft_shape s = weft_shape_of(g, v);
        if (weft_type_of(g, v) == WEFT_I32 || s.rank < 2) continue;
        *sample = (weft_shape){.rank = s.rank - 1};
        for (int k = 1; k < s.rank; k++) sample->dim[k - 1] = s.dim[k];
        return v;
    }
    return WEFT_NONE;
}

static weft_status load(const weft_meta *m, const weft_graph *g, const char *path,
                        weft__preprocess **out)
{
    preprocess *p = NULL;
    weft_shape sample = {0};
    if (!find_input(g, &sample).id)
        return weft__fail(WEFT_EMODEL, "%s: has no float input [batch, ...]", path);
    weft_status s = make(&sample, &p);
    if (s) return s;
    weft__meta_get_floats(m, "weft.mean", p->mean, p->channels, 0);
    weft__meta_get_floats(m, "weft.std", p->std, p->channels, 1);
    *out = &p->base;
    return WEFT_OK;
}

static void opts_for(const weft__preprocess *p, weft_dataset_opts *o)
{
    (void)p, (void)o;
}

static void network(const weft__preprocess *p, weft_zoo_opts *o)
{
    const weft_shape *s = &own(p)->shape;
    if (s->rank != 3) return;
    o->channels = s->dim[0];
    o->height = s->dim[1];
    o->width = s->dim[2];
}

static weft_status inputs(const weft__preprocess *base, const weft_graph *g,
                          weft__inputs *out)
{
    const preprocess *p = own(base);
    weft_shape sample = {0};
    char here[80] = "", there[80] = "";
    weft_value v = find_input(g, &sample);
    bool same = v.id && sample.rank == p->shape.rank;
    for (int i = 0; same && i < sample.rank; i++) same = sample.dim[i] == p->shape.dim[i];
    shape_text(&sample, here, sizeof here);
    shape_text(&p->shape, there, sizeof there);
    if (!v.id)
        return weft__fail(WEFT_EUSAGE, "the network has no float input [batch, ...]");
    if (!same)
        return weft__fail(WEFT_ESHAPE,
                          "the network takes samples of %s (%s), the data are %s", here,
                          weft_name_of(g, v), there);
    *out = (weft__inputs){.value = {v}, .n = 1, .each = p->each};
    return WEFT_OK;
}

static void normalize(const preprocess *p, float *x)
{
    for (size_t e = 0; e < p->each; e++)
        x[e] = (x[e] - p->mean[e / p->run]) / p->std[e / p->run];
}

/* ---- batches ---- */

typedef struct subset {
    const weft_dataset *d;
    const preprocess *p;
    weft_subset subset;
} subset;

static weft_status load_sample(const void *of_subset, int epoch, int sample, float *x,
                               void *scratch)
{
    const subset *own_subset = of_subset;
    (void)epoch, (void)scratch;
    weft_status s = read_sample(own_subset->d, own_subset->subset, sample, x);
    if (!s) normalize(own_subset->p, x);
    return s;
}

static weft_status loader_new(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *o, void **out)
{
    int threads = d->opts.loader_threads;
    if (own(p)->each != of(d)->each)
        return weft__fail(WEFT_ESHAPE,
                          "the model takes samples of %zu numbers, the data have %zu",
                          own(p)->each, of(d)->each);
    subset *s = calloc(1, sizeof *s);
    if (!s) return no_memory();
    *s = (subset){d, own(p), o->subset};
    const weft__maker maker = {.of = s,
                               .free = free,
                               .count = d->count[o->subset],
                               .each = of(d)->each,
                               .load = load_sample};
    return weft__prefetch_new(&maker, o, threads < 0 ? 0 : threads ? threads : 1, out);
}

static weft_status bind(const weft__inputs *in, weft_plan *p, const weft_batch *b)
{
    return weft_plan_set(p, in->value[0], b->x, (size_t)b->n * in->each);
}

static const char *setting(const weft_dataset *d, const weft__preprocess *p, char *text,
                           size_t size)
{
    (void)d;
    shape_text(&own(p)->shape, text, size);
    return "sample";
}

/* ---- a user's items ---- */

typedef struct items {
    const preprocess *p;
    float *x;
    weft_batch batch;
} items;

static void items_free(void *of_items)
{
    items *it = of_items;
    if (it) free(it->x);
    free(it);
}

static weft_status items_new(const weft__preprocess *p, int n, void **out)
{
    items *it = calloc(1, sizeof *it);
    size_t floats = 0;
    if (it && weft__mul((size_t)n, own(p)->each, &floats))
        it->x = weft__alloc(floats, sizeof *it->x);
    if (!it || !it->x) {
        items_free(it);
        return no_memory();
    }
    it->p = own(p);
    *out = it;
    return WEFT_OK;
}

static weft_status items_put(void *of_items, int i, const weft_item *item, int *tokens,
                             int *unknown)
{
    items *it = of_items;
    float *x = it->x + (size_t)i * it->p->each;
    *tokens = *unknown = 0;
    if (!item->x) return weft__fail(WEFT_EUSAGE, "item %d has no numbers (x)", i);
    memcpy(x, item->x, it->p->each * sizeof *x);
    normalize(it->p, x);
    return WEFT_OK;
}

static const weft_batch *items_batch(void *of_items, int n)
{
    items *it = of_items;
    it->batch = (weft_batch){.n = n, .x = it->x};
    return &it->batch;
}

static weft_status show(const weft_dataset *d, const weft__preprocess *p, weft_subset s,
                        int i, weft__show_form form, weft__exhibit *out)
{
    (void)d, (void)p, (void)s, (void)i, (void)form;
    *out = (weft__exhibit){0};
    return WEFT_OK;
}

const weft__modality weft_modality_tensor = {
    .name = "tensor",
    .noun = "samples",
    .items = WEFT_ITEM_TENSORS,
    .classify = "classify",
    .takes = takes,
    .from = from,
    .close = close,
    .format = format,
    .columns = columns,
    .sample_name = sample_name,
    .fit = fit,
    .free = release,
    .save = save,
    .load = load,
    .opts_for = opts_for,
    .network = network,
    .inputs = inputs,
    .loader_new = loader_new,
    .loader_free = weft__prefetch_free,
    .loader_batches = weft__prefetch_batches,
    .loader_start = weft__prefetch_start,
    .loader_next = weft__prefetch_next,
    .bind = bind,
    .setting = setting,
    .items_new = items_new,
    .items_free = items_free,
    .items_put = items_put,
    .items_batch = items_batch,
    .shape = shape,
    .show = show,
};
