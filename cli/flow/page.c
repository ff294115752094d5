/* page.c: gathers what the page of `weft flow` shows. */
#include "flow/page.h"

#include "flow/pictures.h"
#include "flow/print.h"

#include "base/checked.h"
#include "base/error.h"
#include "report/flow.h"

#include <stdio.h>
#include <stdlib.h>

enum { FACTS = 5, TEXT = 100 };

/* Everything that one side of the page borrows. */
typedef struct side {
    weft__flow_layer *layer;
    weft__flow_weight *weight;
    weft__flow_track *track;
    char (*shape)[TEXT]; /* of layers, then of weights */
    weft__fact fact[FACTS];
    char text[FACTS][TEXT];
    char name[200];
    flow_pictures pictures;
} side;

static weft_status fill_layers(side *to, const flow_setup *s)
{
    int layers = weft_flow_nodes(s->flow), weights = weft_flow_params(s->flow);
    to->layer = weft__alloc((size_t)layers + 1, sizeof *to->layer);
    to->weight = weft__alloc((size_t)weights + 1, sizeof *to->weight);
    to->shape = weft__alloc((size_t)(layers + weights) + 1, sizeof *to->shape);
    if (!to->layer || !to->weight || !to->shape)
        return weft__fail(WEFT_ENOMEM, "flow: out of memory");
    for (int i = 0; i < layers; i++) {
        weft_flow_node n = weft_flow_node_at(s->flow, i);
        flow_shape_text(s->g, n.value, to->shape[i], TEXT);
        to->layer[i] =
            (weft__flow_layer){n.name, n.op,   to->shape[i], n.mean, n.std,
                               n.low,  n.high, n.units,      n.dead, n.gradient};
    }
    for (int i = 0; i < weights; i++) {
        weft_flow_param p = weft_flow_param_at(s->flow, i);
        flow_shape_text(s->g, p.value, to->shape[layers + i], TEXT);
        to->weight[i] = (weft__flow_weight){p.name, to->shape[layers + i], p.norm,
                                            p.gradient, p.ratio};
    }
    return WEFT_OK;
}

static weft_status fill_tracks(side *to, const flow_setup *s)
{
    int n = weft_flow_series_total(s->flow);
    to->track = weft__alloc((size_t)n + 1, sizeof *to->track);
    if (!to->track) return weft__fail(WEFT_ENOMEM, "flow: out of memory");
    for (int i = 0; i < n; i++) {
        weft_flow_series x = weft_flow_series_at(s->flow, i);
        to->track[i] = (weft__flow_track){x.node,  x.state,   x.reverse,
                                          x.steps, x.by_step, x.by_distance};
    }
    return WEFT_OK;
}

static void fact(side *to, int i, const char *key, const char *value)
{
    snprintf(to->text[i], TEXT, "%.90s", value);
    to->fact[i] = (weft__fact){key, to->text[i]};
}

static int fill_facts(side *to, const flow_setup *s)
{
    char text[TEXT];
    int units = 0, dead = 0;
    double params = 0;
    for (int i = 0; i < weft_flow_nodes(s->flow); i++) {
        weft_flow_node n = weft_flow_node_at(s->flow, i);
        units += n.units;
        dead += n.dead;
    }
    for (int i = 0; i < weft_flow_params(s->flow); i++)
        params += (double)weft_flow_param_at(s->flow, i).count;
    snprintf(text, sizeof text, "%.4f", weft_flow_loss(s->flow));
    fact(to, 0, "Loss", text);
    snprintf(text, sizeof text, "%.4g", weft_flow_gradient(s->flow));
    fact(to, 1, "Gradient norm", text);
    snprintf(text, sizeof text, "%.1f %%", units ? 100.0 * dead / units : 0);
    fact(to, 2, "Dead units, all layers", text);
    snprintf(text, sizeof text, params < 1e6 ? "%.0f" : "%.2f M",
             params < 1e6 ? params : params / 1e6);
    fact(to, 3, "Parameters", text);
    snprintf(text, sizeof text, "%lld", (long long)weft_flow_samples(s->flow));
    fact(to, 4, "Samples", text);
    return FACTS;
}

/* Grad-CAM and its kin are for classifiers of pictures. */
static bool shows_pictures(const flow_setup *s)
{
    int c, h, w;
    weft_dataset_image_shape(s->d, &c, &h, &w);
    return c > 0 && weft_dataset_classes(s->d) > 0;
}

static weft_status fill(side *to, flow_setup *s, int number, int n, weft__flow_side *out)
{
    char model[160];
    weft_status status = fill_layers(to, s);
    if (!status) status = fill_tracks(to, s);
    if (!status && shows_pictures(s)) status = flow_pictures_make(s, &to->pictures);
    if (status) return status;
    weft__escape(model, sizeof model, s->model);
    snprintf(to->name, sizeof to->name, "%s%s",
             n < 2    ? ""
             : number ? "B: "
                      : "A: ",
             model);
    *out = (weft__flow_side){.name = to->name,
                             .facts = fill_facts(to, s),
                             .fact = to->fact,
                             .layers = weft_flow_nodes(s->flow),
                             .layer = to->layer,
                             .weights = weft_flow_params(s->flow),
                             .weight = to->weight,
                             .tracks = weft_flow_series_total(s->flow),
                             .track = to->track,
                             .galleries = to->pictures.galleries,
                             .gallery = to->pictures.gallery};
    return WEFT_OK;
}

static void clear(side *s)
{
    free(s->layer);
    free(s->weight);
    free(s->track);
    free(s->shape);
    flow_pictures_free(&s->pictures);
}

static weft_status write_page(flow_setup *s, int n, const weft__flow_side *sides,
                              const char *path)
{
    char title[400], subtitle[300], model[2][150], data[200];
    for (int i = 0; i < n; i++) weft__escape(model[i], sizeof model[i], s[i].model);
    weft__escape(data, sizeof data, s->path);
    if (n > 1)
        snprintf(title, sizeof title, "What flows: %s and %s", model[0], model[1]);
    else
        snprintf(title, sizeof title, "What flows through %s", model[0]);
    snprintf(subtitle, sizeof subtitle, "%s, split %s, by weft %s", data, s->split,
             weft_version());
    return weft__flow_write(&(weft__flow_report){title, subtitle, n, sides}, path);
}

weft_status flow_page_write(flow_setup *s, int n, const char *path)
{
    side *all = weft__alloc((size_t)n, sizeof *all);
    weft__flow_side sides[2] = {0};
    weft_status status = all ? WEFT_OK : weft__fail(WEFT_ENOMEM, "flow: out of memory");
    for (int i = 0; i < n && !status; i++) status = fill(&all[i], &s[i], i, n, &sides[i]);
    if (!status) status = write_page(s, n, sides, path);
    for (int i = 0; i < n && all; i++) clear(&all[i]);
    free(all);
    if (!status) {
        char text[300];
        weft__escape(text, sizeof text, path);
        fprintf(stderr, "Wrote %s\n", text);
    }
    return status;
}
