/* flow.c: what flows through a network, as statistics: which values are looked at, and
 * how. */
#include "inspect/flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- axes ---- */

/* Where the units of a step's result lie. */
static int axis_of(const weft_flow *f, const weft__step *s)
{
    const weft__tensor *y = &f->p->val[s->out[0]].t;
    const int x = s->nin ? s->in[0] : 0;
    if (y->rank < 2) return -1;
    if (s->op->moved_axis && x)
        return s->op->moved_axis(s->args.node, f->axis[x] < 0 ? 1 : f->axis[x]);
    if (s->op->unit_axis) return weft__unit_axis(s->op, y->rank);
    return x && f->axis[x] >= 0 && weft__shapes_equal(&f->p->val[x].t, y) ? f->axis[x]
                                                                          : 1;
}

/* What says how many steps of a step's result count: an input of its own, or that of
 * the value whose shape it keeps. Steps made from tokens, integers [n, t], have the
 * network's input of that name. */
static int lengths_of(const weft_flow *f, const weft__step *s, int input)
{
    const weft__tensor *y = &f->p->val[s->out[0]].t, *x;
    if (s->op->lengths_input) return s->in[s->op->lengths_input];
    if (y->rank != 3 || !s->nin || !s->in[0]) return 0;
    x = &f->p->val[s->in[0]].t;
    if (x->type == WEFT_I32 && x->rank == 2 && input &&
        y->dim[1] == f->p->g->value[input].limit - 1)
        return input;
    return weft__shapes_equal(x, y) ? f->lengths[s->in[0]] : 0;
}

static weft__states states_of(const weft__step *s)
{
    weft__states states = {.saturation = s->op->saturation};
    if (s->op->states) s->op->states(s->args.node, s->args.in, &states);
    return states;
}

/* ---- what to look at ---- */

static weft_status out_of_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "flow: out of memory");
}

static weft_status add_node(weft_flow *f, int step, int lengths)
{
    const weft__step *s = &f->p->step[step];
    const weft__tensor *t = &f->p->val[s->out[0]].t;
    f->axis[s->out[0]] = axis_of(f, s);
    f->lengths[s->out[0]] = lengths_of(f, s, lengths);
    if (s->out[0] >= f->p->g->values || t->type == WEFT_I32 || !t->data) return WEFT_OK;
    weft__flow_node *n = &f->node[f->nodes++];
    *n = (weft__flow_node){.step = step,
                           .value = s->out[0],
                           .unit_axis = f->axis[s->out[0]],
                           .saturation = states_of(s).saturation,
                           .low = INFINITY,
                           .high = -INFINITY};
    if (n->unit_axis < 0) return WEFT_OK;
    n->units = t->dim[n->unit_axis];
    n->alive = weft__arena_alloc(&f->arena, (size_t)n->units * sizeof *n->alive);
    return n->alive ? WEFT_OK : out_of_memory();
}

static weft_status add_series(weft_flow *f, weft__flow_series from)
{
    weft__flow_series *s = &f->series[f->series_count++];
    const size_t n = (size_t)from.steps;
    double *all = weft__arena_alloc(&f->arena, 4 * n * sizeof *all);
    *s = from;
    s->samples = weft__arena_alloc(&f->arena, n * sizeof *s->samples);
    if (!all || !s->samples) return out_of_memory();
    s->sum_step = all;
    s->sum_distance = all + n;
    s->by_step = all + 2 * n;
    s->by_distance = all + 3 * n;
    return WEFT_OK;
}

/* One series for each direction, and a place where the operator leaves what they
 * need. */
static weft_status add_states(weft_flow *f, int step)
{
    weft__step *s = &f->p->step[step];
    const weft__states all = states_of(s);
    const size_t bytes = s->args.out[0].count * weft__element(f->p->g, WEFT_F32);
    void *states = weft__arena_alloc(&f->arena, bytes);
    weft_status status = states ? WEFT_OK : out_of_memory();
    for (int d = 0; d < all.directions && !status; d++)
        status = add_series(f, (weft__flow_series){.step = step,
                                                   .value = s->out[0],
                                                   .direction = d,
                                                   .directions = all.directions,
                                                   .reverse = all.reverse[d],
                                                   .steps = all.steps,
                                                   .states = states});
    s->args.step_gradient = states;
    return status;
}

static weft_status add_step(weft_flow *f, int step, int lengths)
{
    const weft__step *s = &f->p->step[step];
    const int v = s->out[0];
    weft_status status = add_node(f, step, lengths);
    if (status || v >= f->p->g->values || !s->backward) return status;
    if (s->op->states) return add_states(f, step);
    const weft__tensor *t = &f->p->val[v].gradient;
    if (t->rank != 3 || !t->data || !s->op->features) return WEFT_OK;
    return add_series(f, (weft__flow_series){
                             .step = step, .value = v, .steps = t->dim[3 - f->axis[v]]});
}

/* The input that says how long each sample is, or 0. */
static int find_lengths(const weft_plan *p)
{
    for (int v = 1; v < p->g->values; v++) {
        const weft__value *x = &p->g->value[v];
        if (x->kind == WEFT_KIND_INPUT && x->type == WEFT_I32 && p->val[v].t.rank == 1 &&
            p->val[v].t.data && !strcmp(x->name, "lengths") && x->limit > 1)
            return v;
    }
    return 0;
}

static weft_status build(weft_flow *f)
{
    weft_plan *p = f->p;
    const size_t steps = (size_t)p->steps + 1, vals = (size_t)p->vals + 1;
    const size_t buffers = p->g->buffer_count * weft__element(p->g, WEFT_F32);
    int room = 1;
    for (int i = 0; i < p->steps; i++) room += p->step[i].op->states ? 2 : 1;
    f->params = p->g->trainable;
    f->lengths = weft__arena_alloc(&f->arena, vals * sizeof *f->lengths);
    f->node = weft__arena_alloc(&f->arena, steps * sizeof *f->node);
    f->series = weft__arena_alloc(&f->arena, (size_t)room * sizeof *f->series);
    f->axis = weft__arena_alloc(&f->arena, vals * sizeof *f->axis);
    f->param = weft__arena_alloc(&f->arena, ((size_t)f->params + 1) * sizeof *f->param);
    f->buffers = weft__arena_alloc(&f->arena, buffers + 1);
    if (!f->node || !f->series || !f->axis || !f->lengths || !f->param || !f->buffers)
        return out_of_memory();
    for (size_t v = 0; v < vals; v++) f->axis[v] = -1;
    const int lengths = find_lengths(p);
    weft_status s = WEFT_OK;
    for (int i = 0; i < p->steps && !s; i++) s = add_step(f, i, lengths);
    return s;
}

weft_status weft_flow_new(weft_plan *p, weft_flow **out)
{
    if (!p->opts.loss.id || !p->opts.keep_all)
        return weft__fail(WEFT_EUSAGE, "flow: needs a plan with a loss and keep_all");
    weft_flow *f = calloc(1, sizeof *f);
    if (!f) return out_of_memory();
    f->p = p;
    weft_status s = build(f);
    if (s)
        weft_flow_free(f);
    else
        *out = f;
    return s;
}

void weft_flow_free(weft_flow *f)
{
    if (!f) return;
    for (int i = 0; i < f->p->steps; i++) f->p->step[i].args.step_gradient = NULL;
    if (f->own_plan) weft_plan_free(f->p);
    /* whoever added nodes since would lose them */
    bool last =
        f->own_plan && f->g->values == f->made.values && f->g->nodes == f->made.nodes;
    if (last) weft__graph_rewind(f->g, f->mark);
    weft__arena_free(&f->arena);
    free(f);
}

void weft__flow_own(weft_flow *f, weft_graph *g, weft__graph_mark mark)
{
    f->own_plan = true;
    f->g = g;
    f->mark = mark;
    f->made = weft__graph_mark_here(g);
}

static double loss_of(const weft_plan *p)
{
    const void *x = p->val[p->opts.loss.id].t.data;
    return p->g->f64 ? *(const double *)x : (double)*(const float *)x;
}

weft_status weft_flow_run(weft_flow *f)
{
    const weft_graph *g = f->p->g;
    const size_t buffers = g->buffer_count * weft__element(g, WEFT_F32);
    if (buffers) memcpy(f->buffers, g->buffers, buffers);
    weft_status s = weft_plan_forward(f->p);
    if (!s) s = weft_plan_backward(f->p);
    if (buffers) memcpy(g->buffers, f->buffers, buffers);
    if (s) return s;
    weft__flow_count(f);
    f->loss += loss_of(f->p);
    return WEFT_OK;
}

/* ---- asking ---- */

int64_t weft_flow_samples(const weft_flow *f)
{
    return f->samples;
}

double weft_flow_loss(const weft_flow *f)
{
    return f->batches ? f->loss / (double)f->batches : NAN;
}

double weft_flow_gradient(const weft_flow *f)
{
    return f->batches ? f->gradient / (double)f->batches : NAN;
}

int weft_flow_nodes(const weft_flow *f)
{
    return f->nodes;
}

weft_flow_node weft_flow_node_at(const weft_flow *f, int i)
{
    const weft__flow_node *n = &f->node[i];
    const weft__node *node = f->p->step[n->step].args.node;
    weft_flow_node out = {.name = node->name,
                          .op = node->op->name,
                          .value = {n->value},
                          .mean = n->count > 0 ? n->mean : NAN,
                          .std = n->count > 0 ? sqrt(n->m2 / n->count) : NAN,
                          .low = n->count > 0 ? n->low : NAN,
                          .high = n->count > 0 ? n->high : NAN,
                          .units = n->units,
                          .features = node->op->features,
                          .pools = node->op->pools,
                          .gradient =
                              n->reached ? n->gradient / (double)f->samples : NAN};
    for (int k = 0; k < n->units && f->batches; k++) out.dead += !n->alive[k];
    return out;
}

int weft_flow_params(const weft_flow *f)
{
    return f->params;
}

weft_flow_param weft_flow_param_at(const weft_flow *f, int i)
{
    const weft_graph *g = f->p->g;
    const int v = g->param[i];
    weft__tensor t = weft__stored(g, v, false);
    double sum = 0;
    for (size_t k = 0; k < t.count; k++) {
        double x =
            g->f64 ? ((const double *)t.data)[k] : (double)((const float *)t.data)[k];
        sum += x * x;
    }
    weft_flow_param out = {.name = g->value[v].name,
                           .value = {v},
                           .count = t.count,
                           .norm = sqrt(sum),
                           .gradient =
                               f->batches ? f->param[i] / (double)f->batches : NAN};
    out.ratio = sum > 0 ? out.gradient / out.norm : NAN;
    return out;
}

int weft_flow_series_total(const weft_flow *f)
{
    return f->series_count;
}

weft_flow_series weft_flow_series_at(const weft_flow *f, int i)
{
    const weft__flow_series *s = &f->series[i];
    return (weft_flow_series){.node = f->p->step[s->step].args.node->name,
                              .state = s->states != NULL,
                              .reverse = s->reverse,
                              .steps = s->steps,
                              .by_step = s->by_step,
                              .by_distance = s->by_distance,
                              .samples = s->samples};
}
