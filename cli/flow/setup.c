/* setup.c: a model by file or name, its data, and what flows. */
#include "flow/setup.h"

#include "model_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void choose_subset(flow_setup *s, const char *wanted)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(weft_subset_name((weft_subset)i), wanted ? wanted : "train"))
            s->part = (weft_subset)i;
    s->split = weft_subset_name(s->part);
}

/* A network with initial parameters, for samples as the data have them. */
static weft_status open_fresh(flow_setup *s, const flow_choice *choice, weft_flow_opts *o)
{
    weft_status status = weft_fit_open(s->path, choice->fit, NULL, &s->d);
    if (!status) status = weft_fit_network(s->model, choice->fit, s->d, &s->g);
    if (status) return status;
    s->own = true;
    s->output = weft_output_at(s->g, 0);
    return weft_flow_dataset(s->g, s->output, s->d, o, &s->flow);
}

static weft_status open_file(flow_setup *s, const flow_choice *choice, weft_flow_opts *o)
{
    weft_status status = weft_predictor_open(s->model, &s->predictor);
    if (!status) status = weft_fit_open(s->path, choice->fit, s->predictor, &s->d);
    if (status) return status;
    s->g = weft_predictor_graph(s->predictor, &s->output);
    return weft_predictor_flow(s->predictor, s->d, o, &s->flow);
}

/* Neither a file nor a network: the message names the nearest one. */
static weft_status check_name(const char *model)
{
    if (access(model, F_OK) == 0 || strpbrk(model, "./") || any_model_is_fresh(model))
        return WEFT_OK;
    model_source m = {0};
    weft_status s = model_source_load(model, NULL, false, &m);
    model_source_free(&m);
    return s;
}

weft_status flow_open(const char *model, const char *data, const flow_choice *choice,
                      flow_setup *out)
{
    flow_setup s = {.model = model, .path = data};
    choose_subset(&s, choice->split);
    weft_flow_opts o = {.subset = s.part,
                        .batches = choice->batches,
                        .batch = choice->batch,
                        .seed = choice->seed};
    weft_status status = check_name(model);
    if (!status)
        status = any_model_is_fresh(model) ? open_fresh(&s, choice, &o)
                                           : open_file(&s, choice, &o);
    if (status)
        flow_close(&s);
    else
        *out = s;
    return status;
}

void flow_close(flow_setup *s)
{
    weft_flow_free(s->flow); /* before the graph */
    weft_dataset_close(s->d);
    if (s->own) weft_graph_free(s->g);
    weft_predictor_free(s->predictor);
    *s = (flow_setup){0};
}
