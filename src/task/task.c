/* task.c: the table of tasks, and scores by name. */
#include "task/task.h"

#include "base/checked.h"
#include "ops/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TASK(name) &weft_task_##name,
static const weft__task *const tasks[] = {
#include "task/task.def"
};
#undef TASK

enum { TASKS = sizeof tasks / sizeof *tasks };

WEFT_API int weft_task_total(void)
{
    return TASKS;
}

WEFT_API const char *weft_task_name(int i)
{
    return i >= 0 && i < TASKS ? tasks[i]->name : NULL;
}

WEFT_API const char *weft_task_summary(int i)
{
    return i >= 0 && i < TASKS ? tasks[i]->summary : "";
}

const weft__task *weft__task_named(const char *name)
{
    for (int i = 0; i < TASKS; i++)
        if (!strcmp(tasks[i]->name, name)) return tasks[i];
    return NULL;
}

const weft__task *weft__task_for(weft_target_kind kind)
{
    for (int i = 0; i < TASKS; i++)
        if (tasks[i]->target == kind) return tasks[i];
    return NULL;
}

const char *weft__task_word(const weft__task *t, const weft__modality *m)
{
    return t->target == WEFT_TARGET_CLASS && t == weft__task_for(t->target) ? m->classify
                                                                            : t->name;
}

WEFT_API double weft_scores_get(const weft_scores *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->score[i].name, name)) return s->score[i].value;
    return (double)NAN;
}

WEFT_API void weft_answer_clear(weft_answer *a)
{
    free(a->probability);
    free(a->value);
    *a = (weft_answer){0};
}

weft_status weft__task_args_new(const weft__task *t, const char *const *options,
                                void **out)
{
    void *args = weft__alloc(1, t->options_size + 1);
    weft_status s =
        args ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: out of memory", t->name);
    if (!s && t->options_start) t->options_start(args);
    for (; !s && options && *options; options++) {
        const char *equals = strchr(*options, '=');
        size_t n = equals ? (size_t)(equals - *options) : strlen(*options);
        const weft_option *row = weft_option_find(t->options, *options, n);
        s = row ? weft_option_set(row, equals ? equals + 1 : NULL, args)
                : weft__fail(WEFT_EUSAGE, "%s has no option %.60s", t->name, *options);
    }
    if (s)
        free(args);
    else
        *out = args;
    return s;
}

WEFT_API weft_value weft_task_output(weft_graph *g, weft_value y, const weft_dataset *d)
{
    const weft__task *t = weft__task_for(weft_dataset_target(d));
    weft__codec *c = NULL;
    if (!t->finish) return y;
    weft_status s = t->fit(d, &c);
    if (s) return weft__graph_fail(g, s);
    weft_shape shape = weft_shape_of(g, y);
    if (shape.rank != 2 || shape.dim[1] != c->width) {
        s = weft__fail(WEFT_ESHAPE,
                       "the network must give [batch, %d], a number for each value",
                       c->width);
        y = weft__graph_fail(g, s);
    } else {
        y = t->finish(g, y, c);
    }
    t->free(c);
    return y;
}
