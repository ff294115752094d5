/* flow_subject.c: a model by file or name, its data, and what flows. */
#include "flow_subject.h"

#include "any_model.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_ready_network(const char *name)
{
    for (int i = 0; i < weft_model_total(); i++)
        if (!strcmp(weft_model_info_at(i).name, name)) return access(name, F_OK) != 0;
    return false;
}

static void choose_split(flow_subject *s, const char *wanted)
{
    static const char *const names[] = {"train", "val", "test"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(names[i], wanted ? wanted : "train")) s->part = (weft_split)i;
    s->split = names[s->part];
}

static weft_status new_graph(flow_subject *s)
{
    s->g = weft_graph_new();
    return s->g ? WEFT_OK : weft__fail(WEFT_ENOMEM, "flow: out of memory");
}

/* A network with initial parameters, for pictures as the data have them. */
static weft_status open_fresh(flow_subject *s, const flow_choice *choice)
{
    weft_data_opts o = {.skip_bad = choice->skip_bad};
    weft_model_opts m = {0};
    weft_status status = weft_data_open(s->path, &o, &s->d);
    if (status) return status;
    weft_data_shape(s->d, &m.channels, &m.height, &m.width);
    m.classes = weft_data_classes(s->d);
    status = new_graph(s);
    if (!status) status = weft_model_build(s->g, s->model, &m, &s->logits);
    if (!status) status = weft_init(s->g, choice->seed);
    if (!status) status = weft_data_moments(s->d, s->mean, s->deviation);
    for (int i = 0; i < weft_input_count(s->g) && !status; i++)
        if (weft_shape_of(s->g, weft_input_at(s->g, i)).rank == 4)
            s->x = weft_input_at(s->g, i);
    return status;
}

/* With two models, each gets the options that it has. */
static weft_text_model_opts own_options(const char *model, const flow_choice *choice)
{
    weft_text_model_opts own = choice->text;
    bool recurrent = weft_text_model_takes(model, "hidden");
    if (!choice->two) return own;
    if (!recurrent) own.hidden = 0;
    if (!weft_text_model_takes(model, "layers")) own.layers = 0;
    if (!weft_text_model_takes(model, "gate-bias")) own.gate_bias = 0;
    if (!weft_text_model_takes(model, "readout") ||
        (!recurrent && own.readout && !strcmp(own.readout, "last")))
        own.readout = NULL;
    return own;
}

/* The same for texts. */
static weft_status open_fresh_text(flow_subject *s, const flow_choice *choice)
{
    weft_texts_opts o = {.skip_bad = choice->skip_bad};
    weft_text_model_opts m = own_options(s->model, choice);
    weft_status status = weft_texts_open(s->path, &o, &s->t);
    if (!status)
        status = weft_tokenizer_learn(
            s->t, &(weft_tokenizer_opts){.max_length = choice->max_length}, &s->k);
    if (!status) status = new_graph(s);
    if (status) return status;
    m.classes = weft_texts_classes(s->t);
    m.length = weft_tokenizer_length(s->k);
    m.streams = weft_tokenizer_streams(s->k);
    for (int i = 0; i < m.streams; i++) m.vocabulary[i] = weft_tokenizer_size(s->k, i);
    status = weft_text_model_build(s->g, s->model, &m, &s->logits);
    return status ? status : weft_init(s->g, choice->seed);
}

static weft_status open_pictures(flow_subject *s, const flow_choice *choice)
{
    weft_data_opts o = weft_classifier_pictures(s->file.pictures);
    o.skip_bad = choice->skip_bad;
    s->g = weft_classifier_graph(s->file.pictures, &s->x, &s->logits);
    weft_classifier_moments(s->file.pictures, s->mean, s->deviation);
    return weft_data_open(s->path, &o, &s->d);
}

static weft_status open_texts(flow_subject *s, const flow_choice *choice)
{
    weft_texts_opts o = {.skip_bad = choice->skip_bad};
    s->g = weft_text_classifier_graph(s->file.texts);
    s->logits = weft_output_at(s->g, 0);
    return weft_texts_open(s->path, &o, &s->t);
}

static weft_status open_file(flow_subject *s, const flow_choice *choice)
{
    weft_status status = trained_open(s->model, false, &s->file);
    if (status) return status;
    return s->file.texts ? open_texts(s, choice) : open_pictures(s, choice);
}

/* Neither a file nor a network: the message names the nearest one. */
static weft_status check_name(const char *model)
{
    if (access(model, F_OK) == 0 || strpbrk(model, "./") || is_ready_network(model))
        return WEFT_OK;
    any_model m = {0};
    weft_status s = any_model_load(model, NULL, false, &m);
    any_model_free(&m);
    return s;
}

static weft_status open_any(flow_subject *s, const flow_choice *choice)
{
    weft_status status = check_name(s->model);
    if (status) return status;
    if (!is_ready_network(s->model)) return open_file(s, choice);
    return weft_model_is_text(s->model) ? open_fresh_text(s, choice)
                                        : open_fresh(s, choice);
}

static weft_status run_texts(flow_subject *s, const weft_flow_opts *o)
{
    weft_text_classifier *c = s->file.texts;
    const weft_tokenizer *k = c ? weft_text_classifier_tokenizer(c) : s->k;
    int32_t *class_of = NULL;
    weft_status status = WEFT_OK;
    if (c) class_of = weft__alloc((size_t)weft_texts_classes(s->t), sizeof *class_of);
    if (c && !class_of) status = weft__fail(WEFT_ENOMEM, "flow: out of memory");
    if (c && !status) status = weft_text_classifier_match(c, s->t, class_of);
    if (!status)
        status = weft_flow_texts(s->g, s->logits, s->t, k, class_of, o, &s->flow);
    free(class_of);
    return status;
}

weft_status flow_open(const char *model, const char *data, const flow_choice *choice,
                      flow_subject *out)
{
    flow_subject s = {.model = model, .path = data};
    choose_split(&s, choice->split);
    weft_status status = open_any(&s, choice);
    weft_flow_opts o = {.split = s.part,
                        .batches = choice->batches,
                        .batch = choice->batch,
                        .seed = choice->seed};
    memcpy(o.mean, s.mean, sizeof o.mean);
    memcpy(o.deviation, s.deviation, sizeof o.deviation);
    if (!status && s.t)
        status = run_texts(&s, &o);
    else if (!status)
        status = weft_flow_data(s.g, s.logits, s.d, &o, &s.flow);
    if (status)
        flow_close(&s);
    else
        *out = s;
    return status;
}

void flow_close(flow_subject *s)
{
    weft_flow_free(s->flow); /* before the graph */
    weft_data_close(s->d);
    weft_texts_close(s->t);
    weft_tokenizer_free(s->k);
    if (!s->file.pictures && !s->file.texts) weft_graph_free(s->g);
    trained_close(&s->file);
    *s = (flow_subject){0};
}
