/* build.c: from a graph to steps in order: which nodes are needed, in which layouts. */
#include "plan/plan.h"

#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

static weft_status out_of_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "plan: out of memory");
}

/* The tensor of a graph value at this batch size, without data. */
static weft_status infer_values(weft_plan *p)
{
    weft_graph *g = p->g;
    weft_status s = WEFT_OK;
    for (int v = 1; v < g->values; v++) {
        if (g->value[v].kind == WEFT_KIND_RESULT) continue;
        weft__tensor *t = &p->val[v].t;
        *t = weft__nominal(g, v, 0);
        if (g->value[v].kind == WEFT_KIND_INPUT && t->rank > 0 &&
            t->dim[0] != g->value[v].shape[1].dim[0])
            t->dim[0] = p->batch;
        t->count = weft__tensor_count(t);
    }
    for (int n = 0; n < g->nodes && !s; n++) {
        const weft__node *node = &g->node[n];
        size_t room = (size_t)(node->nin + node->nout);
        weft__tensor *t = calloc(room, sizeof *t);
        if (!t) return out_of_memory();
        for (int i = 0; i < node->nin; i++)
            t[i] = node->in[i] ? p->val[node->in[i]].t : (weft__tensor){.rank = -1};
        s = weft__infer(node, t, t + node->nin);
        for (int k = 0; k < node->nout && !s; k++)
            p->val[node->out[k]].t = t[node->nin + k];
        free(t);
    }
    return s;
}

/* All that is computed, also what nobody reads of a node's several outputs. */
static void keep_all(weft_plan *p)
{
    const weft_graph *g = p->g;
    for (int v = 1; v < g->values; v++) p->val[v].retained = p->val[v].wanted;
    for (int n = 0; n < g->nodes; n++) {
        const weft__node *node = &g->node[n];
        bool any = false;
        for (int k = 0; k < node->nout; k++) any |= p->val[node->out[k]].wanted;
        for (int k = 0; k < node->nout; k++) p->val[node->out[k]].retained = any;
    }
}

/* Marks what the loss, the outputs and the kept values need. */
static weft_status mark_wanted(weft_plan *p)
{
    const weft_graph *g = p->g;
    bool any = false;
    for (int i = 0; i < g->outputs; i++) p->val[g->output[i].value].retained = any = true;
    for (int i = 0; i < p->opts.keep_count; i++)
        if (p->opts.keep[i].id) p->val[p->opts.keep[i].id].retained = any = true;
    if (p->opts.loss.id) p->val[p->opts.loss.id].retained = any = true;
    if (!any) return weft__fail(WEFT_EUSAGE, "plan: the graph has no output and no loss");
    for (int v = 1; v < g->values; v++) p->val[v].wanted = p->val[v].retained;
    for (int n = g->nodes - 1; n >= 0; n--) {
        const weft__node *node = &g->node[n];
        bool wanted = false;
        for (int k = 0; k < node->nout; k++) wanted |= p->val[node->out[k]].wanted;
        for (int i = 0; i < node->nin && wanted; i++) p->val[node->in[i]].wanted = true;
    }
    if (p->opts.keep_all) keep_all(p);
    return WEFT_OK;
}

int weft__pval_add(weft_plan *p)
{
    if (p->vals == p->val_room) {
        int room = p->val_room * 2;
        weft__pval *all = realloc(p->val, (size_t)room * sizeof *all);
        if (!all) return 0;
        memset(all + p->val_room, 0, (size_t)(room - p->val_room) * sizeof *all);
        p->val = all;
        p->val_room = room;
    }
    p->val[p->vals].block = p->val[p->vals].gradient_block = -1;
    return p->vals++;
}

/* A step for node, with room for its tensors; NULL when out of memory. */
static weft__step *step_add(weft_plan *p, const weft__node *node)
{
    if (p->steps == p->step_room) {
        int room = p->step_room ? p->step_room * 2 : 32;
        weft__step *all = realloc(p->step, (size_t)room * sizeof *all);
        if (!all) return NULL;
        p->step = all;
        p->step_room = room;
    }
    weft__step *s = &p->step[p->steps];
    size_t nin = (size_t)node->nin, nout = (size_t)node->nout;
    const weft__op_pair *pair = weft__op_find(node->op->name);
    *s = (weft__step){.op = p->g->f64 ? pair->f64 : pair->f32,
                      .nin = node->nin,
                      .nout = node->nout,
                      .saved_block = -1,
                      .scratch_block = -1,
                      .scratch_back_block = -1,
                      .prepacked_block = -1};
    /* one more, for a residual */
    s->in = weft__arena_alloc(&p->arena, (nin + 1) * sizeof(int));
    s->out = weft__arena_alloc(&p->arena, nout * sizeof(int));
    s->tensors = weft__arena_alloc(&p->arena, 2 * (nin + 1 + nout) * sizeof *s->tensors);
    s->adds = weft__arena_alloc(&p->arena, nin + 1);
    s->temporary = weft__arena_alloc(&p->arena, (nin + 1) * sizeof(void *));
    s->temporary_block = weft__arena_alloc(&p->arena, (nin + 1) * sizeof(int));
    if (!s->in || !s->out || !s->tensors || !s->adds || !s->temporary ||
        !s->temporary_block)
        return NULL;
    for (size_t k = 0; k <= nin; k++) s->temporary_block[k] = -1;
    s->args.node = node;
    s->args.attr = node->attr;
    p->steps++;
    return s;
}

/* A step that copies value v into another layout; the copy's pval, or 0. */
static int reorder(weft_plan *p, int v, weft__layout layout)
{
    weft__node *node = weft__arena_alloc(&p->arena, sizeof *node);
    int copy = weft__pval_add(p);
    if (!node || !copy) return 0;
    *node = (weft__node){
        .op = &weft_op_reorder, .name = weft_op_reorder.name, .nin = 1, .nout = 1};
    weft__step *s = step_add(p, node);
    if (!s) return 0;
    s->in[0] = v;
    s->out[0] = copy;
    p->val[copy].t = p->val[v].t;
    p->val[copy].t.layout = layout;
    p->val[copy].wanted = true;
    return copy;
}

/* The value in the layout that is wanted: itself, a copy made before, or a new copy. */
static int in_layout(weft_plan *p, int v, weft__layout layout)
{
    if (!v || p->val[v].t.layout == layout) return v;
    for (int i = 0; i < p->steps; i++)
        if (p->step[i].args.node->op == &weft_op_reorder && p->step[i].in[0] == v &&
            p->val[p->step[i].out[0]].t.layout == layout)
            return p->step[i].out[0];
    return reorder(p, v, layout);
}

static weft_status add_node(weft_plan *p, const weft__node *node)
{
    size_t room = (size_t)(node->nin + node->nout);
    weft__tensor *t = calloc(room, sizeof *t);
    weft__layout *o = calloc(room, sizeof *o);
    int *in = calloc((size_t)node->nin + 1, sizeof *in);
    weft_status status = t && o && in ? WEFT_OK : out_of_memory();
    for (int i = 0; i < node->nin && !status; i++)
        t[i] = node->in[i] ? p->val[node->in[i]].t : (weft__tensor){.rank = -1};
    for (int k = 0; k < node->nout && !status; k++)
        t[node->nin + k] = p->val[node->out[k]].t;
    if (!status) weft__choose_layout(node, t, t + node->nin, o, o + node->nin);
    for (int i = 0; i < node->nin && !status; i++) {
        in[i] = in_layout(p, node->in[i], o[i]);
        if (node->in[i] && !in[i]) status = out_of_memory();
    }
    weft__step *s = status ? NULL : step_add(p, node);
    if (!s && !status) status = out_of_memory();
    for (int i = 0; i < node->nin && !status; i++) s->in[i] = in[i];
    for (int k = 0; k < node->nout && !status; k++) {
        s->out[k] = node->out[k];
        p->val[node->out[k]].t.layout = o[node->nin + k];
    }
    free(t);
    free(o);
    free(in);
    return status;
}

static weft_status add_steps(weft_plan *p)
{
    const weft_graph *g = p->g;
    weft_status s = WEFT_OK;
    for (int n = 0; n < g->nodes && !s; n++) {
        bool wanted = false;
        for (int k = 0; k < g->node[n].nout; k++)
            wanted |= p->val[g->node[n].out[k]].wanted;
        if (wanted) s = add_node(p, &g->node[n]);
    }
    return s;
}

/* Which values have a gradient, how many steps write each, which steps run backward. */
static void mark_gradients(weft_plan *p)
{
    const weft_graph *g = p->g;
    if (!p->opts.loss.id) return;
    for (int v = 1; v < p->vals; v++) {
        p->val[v].differentiable = false;
        p->val[v].writers = 0;
    }
    for (int v = 1; v < g->values; v++) {
        const weft__value *value = &g->value[v];
        p->val[v].differentiable = (value->kind == WEFT_KIND_PARAM && !value->frozen) ||
                                   (value->kind == WEFT_KIND_INPUT &&
                                    value->type != WEFT_I32 && p->opts.input_gradients);
    }
    for (int i = 0; i < p->steps; i++) {
        weft__step *s = &p->step[i];
        bool any = false;
        s->backward = false;
        for (int k = 0; k < s->nin; k++) any |= p->val[s->in[k]].differentiable;
        for (int k = 0; k < s->nout; k++)
            p->val[s->out[k]].differentiable =
                any && s->op->backward && p->val[s->out[k]].t.type != WEFT_I32;
    }
    p->val[p->opts.loss.id].writers = p->val[p->opts.loss.id].differentiable;
    for (int i = p->steps - 1; i >= 0; i--) {
        weft__step *s = &p->step[i];
        for (int k = 0; k < s->nout; k++)
            s->backward |=
                p->val[s->out[k]].differentiable && p->val[s->out[k]].writers > 0;
        for (int k = 0; k < s->nin && s->backward; k++) {
            weft__pval *x = &p->val[s->in[k]];
            s->adds[k] = false;
            if (!s->in[k] || !x->differentiable || x->t.type == WEFT_I32) continue;
            bool param =
                s->in[k] < g->values && g->value[s->in[k]].kind == WEFT_KIND_PARAM;
            bool sparse =
                param && g->value[s->in[k]].sparse; /* backward adds by itself */
            s->adds[k] = !sparse && (x->writers > 0 || (param && p->opts.accumulate));
            x->writers++;
        }
    }
}

static weft_status check_options(const weft_graph *g, const weft_plan_opts *o)
{
    if (o->batch < 0) return weft__fail(WEFT_EUSAGE, "plan: batch %d", o->batch);
    if (o->loss.id < 0 || o->loss.id >= g->values)
        return weft__fail(WEFT_EUSAGE, "plan: the loss is not a value of this graph");
    if (o->loss.id && weft__nominal(g, o->loss.id, 0).count != 1)
        return weft__fail(WEFT_ESHAPE, "plan: the loss %s must have one element",
                          g->value[o->loss.id].name);
    for (int i = 0; i < o->keep_count; i++)
        if (o->keep[i].id < 0 || o->keep[i].id >= g->values)
            return weft__fail(WEFT_EUSAGE, "plan: a kept value is not of this graph");
    return WEFT_OK;
}

static weft_status build(weft_plan *p)
{
    weft_status s = weft__graph_finalize(p->g, "weft_plan_new");
    for (int v = 1; v < p->g->values && !s; v++)
        if (p->g->value[v].kind == WEFT_KIND_CONST)
            s = weft__const_materialize(p->g, &p->g->value[v]);
    if (!s) s = infer_values(p);
    if (!s) s = mark_wanted(p);
    if (!s) s = add_steps(p);
    if (!s) mark_gradients(p);
    if (!s && p->opts.loss.id) s = weft__gradients_alloc(p->g);
    if (!s && !p->opts.no_fuse && !p->opts.keep_all) s = weft__plan_fuse(p);
    if (!s) mark_gradients(p); /* again: in the order that fusing has left */
    if (!s) s = weft__plan_memory(p);
    return s;
}

weft_status weft_plan_new(weft_graph *g, const weft_plan_opts *opts, weft_plan **out)
{
    weft_plan_opts none = {0};
    if (!opts) opts = &none;
    if (g->status) return weft_graph_status(g);
    weft_status s = check_options(g, opts);
    if (s) return s;
    weft_plan *p = calloc(1, sizeof *p);
    if (!p) return out_of_memory();
    p->g = g;
    p->opts = *opts;
    p->batch = opts->batch ? opts->batch : 1;
    p->kernels = weft__kernels_chosen(g->f64);
    if (!g->f64 && (opts->exact_conv || g->exact_conv))
        p->kernels = weft__kernels_exact(p->kernels);
    p->workers = weft__workers();
    p->loss_scale = 1.0f;
    p->version = g->version - 1;
    p->vals = g->values;
    p->val_room = g->values * 2;
    p->val = calloc((size_t)p->val_room, sizeof *p->val);
    for (int v = 0; p->val && v < p->vals; v++)
        p->val[v].block = p->val[v].gradient_block = -1;
    s = p->val ? build(p) : out_of_memory();
    p->opts.keep = NULL;
    p->opts.keep_count = 0;
    if (s)
        weft_plan_free(p);
    else
        *out = p;
    return s;
}

const weft_graph *weft_plan_graph(const weft_plan *p)
{
    return p->g;
}

void weft_plan_free(weft_plan *p)
{
    if (!p) return;
    if (!p->borrowed) free(p->memory);
    free(p->folded);
    free(p->block);
    free(p->step);
    free(p->val);
    weft__arena_free(&p->arena);
    free(p);
}
