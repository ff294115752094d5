/* setup.c: a network, a data set and a task brought together. */
#include "train/setup.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The output that is trained: [batch, width]. */
static weft_status find_output(weft__task_setup *s, weft_value wanted)
{
    weft_graph *g = s->g;
    weft_value y = wanted.id || weft_output_count(g) < 1 ? wanted : weft_output_at(g, 0);
    if (!y.id) return weft__fail(WEFT_EUSAGE, "the graph has no output (weft_output)");
    weft_shape shape = weft_shape_of(g, y);
    int width = s->codec->width;
    if (shape.rank != 2 || shape.dim[1] != width)
        return weft__fail(WEFT_ESHAPE,
                          "the network gives %d numbers for a sample, the data need %d",
                          shape.rank == 2 ? shape.dim[1] : 0, width);
    s->head.output = y;
    return WEFT_OK;
}

static weft_status choose_task(weft__task_setup *s, const weft__task *wanted)
{
    weft_target_kind kind = weft_dataset_target(s->d);
    s->task = wanted ? wanted : weft__task_for(kind);
    if (!s->task) return weft__fail(WEFT_EUSAGE, "there is no task for such targets");
    if (s->task->target != kind)
        return weft__fail(WEFT_EUSAGE, "%s: the data set's targets are of another kind",
                          s->task->name);
    return WEFT_OK;
}

static weft_status make(weft__task_setup *s, const weft__setup_opts *o)
{
    weft_status status = weft_graph_status(s->g);
    if (!status) status = choose_task(s, o->task);
    if (!status && !o->preprocess) status = weft_dataset_fit(s->d);
    if (status) return status;
    s->preprocess = o->preprocess ? o->preprocess : s->d->preprocess;
    s->codec = o->codec;
    s->borrowed = o->codec != NULL;
    if (!s->codec) status = s->task->fit(s->d, &s->codec);
    s->given = o->task_args;
    if (!status && !s->given)
        status = weft__task_args_new(s->task, o->task_options, &s->args);
    if (!status) status = s->d->modality->inputs(s->preprocess, s->g, &s->inputs);
    if (!status) status = find_output(s, o->output);
    if (status) return status;
    s->mark = weft__graph_mark_here(s->g);
    s->marked = true;
    bool mixed = weft__dataset_mixes(s->d);
    status = s->task->head(s->g, s->codec, s->d, weft__setup_args(s), mixed, &s->head);
    return status ? status : weft_graph_status(s->g);
}

weft_status weft__setup_make(weft_graph *g, weft_dataset *d, const weft__setup_opts *o,
                             weft__task_setup *out)
{
    *out = (weft__task_setup){.g = g, .d = d};
    weft_status s = make(out, o);
    if (s) weft__setup_free(out);
    return s;
}

void weft__setup_free(weft__task_setup *s)
{
    if (s->marked) weft__graph_rewind(s->g, s->mark);
    if (!s->borrowed && s->codec) s->task->free(s->codec);
    free(s->args);
    *s = (weft__task_setup){0};
}

weft_status weft__setup_describe(const weft__task_setup *s, const char *model,
                                 uint64_t seed, weft_meta *m)
{
    char text[32];
    const weft__modality *kind = s->d->modality;
    weft_status status = weft_meta_set(m, "task", weft__task_word(s->task, kind));
    if (!status) status = s->task->save(s->codec, m);
    if (!status) status = weft_meta_set(m, "batch", "1");
    if (!status) status = kind->save(s->preprocess, m);
    if (!status) status = weft_meta_set(m, "weft.modality", kind->name);
    if (!status && model) status = weft_meta_set(m, "weft.model", model);
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    if (!status) status = weft_meta_set(m, "weft.seed", text);
    if (!status) status = weft_meta_set(m, "weft.data", weft_dataset_hash(s->d));
    return status ? status : weft_meta_set(m, "weft.version", weft_version());
}
