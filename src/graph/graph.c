/* graph.c: building a network: values, nodes, names, and the first failure. */
#include "graph/graph.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static weft_value none(void)
{
    return (weft_value){0};
}

weft_graph *weft_graph_new(void)
{
    weft_graph *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    g->value_room = 64;
    g->node_room = 64;
    g->value = calloc((size_t)g->value_room, sizeof *g->value);
    g->node = calloc((size_t)g->node_room, sizeof *g->node);
    if (!g->value || !g->node) {
        weft_graph_free(g);
        return NULL;
    }
    g->values = 1;
    return g;
}

void weft_graph_free(weft_graph *g)
{
    if (!g) return;
    for (int i = 1; i < g->values; i++)
        if (g->value[i].kind == WEFT_KIND_CONST) free(g->value[i].data);
    free(g->param);
    free(g->slab);
    free(g->gradients);
    free(g->buffers);
    free(g->value);
    free(g->node);
    weft__arena_free(&g->arena);
    free(g);
}

void weft__output_replace(weft_graph *g, int i, weft_value v, const char *name)
{
    const char *copy = weft__arena_text(&g->arena, name);
    if (g->status || i < 0 || i >= g->outputs || !v.id) return;
    if (copy)
        g->output[i] = (weft__output){v.id, copy};
    else
        weft__graph_fail(g, weft__fail(WEFT_ENOMEM, "graph: out of memory"));
}

weft__graph_mark weft__graph_mark_here(const weft_graph *g)
{
    return (weft__graph_mark){g->values, g->nodes, g->outputs};
}

void weft__graph_rewind(weft_graph *g, weft__graph_mark to)
{
    while (g->nodes > to.nodes) {
        weft__node *n = &g->node[--g->nodes];
        for (int i = 0; i < n->nin; i++) g->value[n->in[i]].uses--;
        *n = (weft__node){0};
    }
    while (g->values > to.values) {
        weft__value *v = &g->value[--g->values];
        if (v->kind == WEFT_KIND_CONST) free(v->data);
        *v = (weft__value){0};
    }
    g->outputs = to.outputs;
    g->status = WEFT_OK;
    g->error[0] = '\0';
}

weft_status weft_graph_status(const weft_graph *g)
{
    if (g->status) weft__fail(g->status, "%s", g->error);
    return g->status;
}

const char *weft_graph_error(const weft_graph *g)
{
    return g->error;
}

weft_value weft__graph_fail(weft_graph *g, weft_status s)
{
    if (!g->status && s) {
        g->status = s;
        snprintf(g->error, sizeof g->error, "%s", weft_last_error());
    }
    return none();
}

weft_status weft_graph_use_double(weft_graph *g)
{
    if (g->finalized && !g->f64)
        return weft__fail(WEFT_EUSAGE,
                          "double precision: too late, %s has finalized the graph",
                          g->finalized);
    g->f64 = true;
    return WEFT_OK;
}

void weft_graph_use_exact_conv(weft_graph *g, bool exact)
{
    g->exact_conv = exact;
}

static void *grown(void *items, int *room, int used, size_t size)
{
    if (used < *room) return items;
    size_t bytes;
    if (!weft__mul((size_t)*room * 2, size, &bytes)) return NULL;
    char *p = realloc(items, bytes);
    if (!p) return NULL;
    memset(p + (size_t)*room * size, 0, (size_t)*room * size);
    *room *= 2;
    return p;
}

static const char *full_name(weft_graph *g, const char *name)
{
    char text[768];
    snprintf(text, sizeof text, "%s%.200s", g->prefix, name);
    return weft__arena_text(&g->arena, text);
}

/* A new value; NULL after a failure. */
static weft__value *value_add(weft_graph *g, const char *name, weft__kind kind,
                              weft_type type)
{
    weft__value *all = grown(g->value, &g->value_room, g->values, sizeof *all);
    if (all) g->value = all;
    if (!all || !name) {
        weft__graph_fail(g, weft__fail(WEFT_ENOMEM, "graph: out of memory"));
        return NULL;
    }
    weft__value *v = &g->value[g->values++];
    *v = (weft__value){.name = name, .kind = kind, .type = type, .node = -1};
    return v;
}

static weft_status check_shape(const char *name, weft_shape shape, bool batch)
{
    size_t count;
    weft_shape full = shape;
    if (shape.rank < 0 || shape.rank > WEFT_MAX_RANK)
        return weft__fail(WEFT_ESHAPE, "%s: rank %d, allowed 0 to %d", name, shape.rank,
                          WEFT_MAX_RANK);
    if (batch && full.rank > 0 && full.dim[0] == 0) full.dim[0] = 1;
    for (int i = 0; i < shape.rank; i++)
        if (full.dim[i] < 1)
            return weft__fail(WEFT_ESHAPE, "%s: dimension %d is %d, must be at least 1",
                              name, i, full.dim[i]);
    if (!weft__count(full.dim, full.rank, &count) || count > (size_t)1 << 40)
        return weft__fail(WEFT_ENOMEM, "%s: too many elements", name);
    return WEFT_OK;
}

static weft_value leaf(weft_graph *g, const char *name, weft_shape shape, weft__kind kind,
                       weft_type type)
{
    if (g->status) return none();
    const char *given = name ? full_name(g, name) : NULL;
    bool batch = kind == WEFT_KIND_INPUT;
    weft_status s = check_shape(name ? name : "value", shape, batch);
    bool slab = kind == WEFT_KIND_PARAM || kind == WEFT_KIND_BUFFER;
    if (!s && slab && g->finalized)
        s = weft__fail(WEFT_EUSAGE,
                       "%s: too late for a parameter, %s has finalized the graph",
                       given ? given : "?", g->finalized);
    if (!s && slab && given && weft_find(g, given).id)
        s = weft__fail(WEFT_EUSAGE, "%s: there is a value of that name already", given);
    if (s) return weft__graph_fail(g, s);
    weft__value *v = value_add(g, given, kind, type);
    if (!v) return none();
    v->shape[0] = v->shape[1] = shape;
    if (batch && shape.rank > 0 && shape.dim[0] == 0) {
        v->shape[0].dim[0] = 1;
        v->shape[1].dim[0] = 2;
    }
    return (weft_value){g->values - 1};
}

weft_value weft_input(weft_graph *g, const char *name, weft_shape shape)
{
    return leaf(g, name, shape, WEFT_KIND_INPUT, WEFT_F32);
}

weft_value weft_input_int(weft_graph *g, const char *name, weft_shape shape, int limit)
{
    weft_value v = leaf(g, name, shape, WEFT_KIND_INPUT, WEFT_I32);
    if (v.id) g->value[v.id].limit = limit;
    return v;
}

weft_value weft_param(weft_graph *g, const char *name, weft_shape shape)
{
    return leaf(g, name, shape, WEFT_KIND_PARAM, WEFT_F32);
}

weft_value weft_buffer(weft_graph *g, const char *name, weft_shape shape)
{
    return leaf(g, name, shape, WEFT_KIND_BUFFER, WEFT_F32);
}

static weft_value constant(weft_graph *g, const char *name, weft_shape shape,
                           weft_type type, const void *data)
{
    weft_value v = leaf(g, name, shape, WEFT_KIND_CONST, type);
    size_t count;
    if (!v.id || !weft__count(shape.dim, shape.rank, &count)) return none();
    void *copy = weft__arena_alloc(&g->arena, (count ? count : 1) * 4);
    if (!copy)
        return weft__graph_fail(g, weft__fail(WEFT_ENOMEM, "%s: out of memory", name));
    memcpy(copy, data, count * 4);
    g->value[v.id].given = copy;
    return v;
}

weft_value weft_const(weft_graph *g, const char *name, weft_shape shape,
                      const float *data)
{
    return constant(g, name, shape, WEFT_F32, data);
}

weft_value weft_const_int(weft_graph *g, const char *name, weft_shape shape,
                          const int32_t *data)
{
    return constant(g, name, shape, WEFT_I32, data);
}

const float *weft__const_data(const weft_graph *g, weft_value v)
{
    const weft__value *c = &g->value[v.id];
    return v.id && c->kind == WEFT_KIND_CONST && c->type != WEFT_I32 ? c->given : NULL;
}

const int32_t *weft__const_int_data(const weft_graph *g, weft_value v)
{
    const weft__value *c = &g->value[v.id];
    return v.id && c->kind == WEFT_KIND_CONST && c->type == WEFT_I32 ? c->given : NULL;
}

/* Both nominal shapes of every output, or the operator's own message. */
static weft_status infer_both(weft_graph *g, const weft__node *node, weft__tensor *out,
                              int batch)
{
    weft__tensor few[8] = {0}, *in = few;
    if (node->nin > 8) in = calloc((size_t)node->nin, sizeof *in);
    if (!in) return weft__fail(WEFT_ENOMEM, "%s: out of memory", node->name);
    for (int i = 0; i < node->nin; i++) in[i] = weft__nominal(g, node->in[i], batch);
    weft_status s = weft__infer(node, in, out);
    if (in != few) free(in);
    return s;
}

static weft_status node_fill(weft_graph *g, weft__node *n, const void *attr,
                             size_t attr_bytes, const weft_value *in)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%d", n->op->name, g->nodes + 1);
    n->name = full_name(g, name);
    n->in = weft__arena_alloc(&g->arena, (size_t)(n->nin + 1) * sizeof(int));
    n->out = weft__arena_alloc(&g->arena, (size_t)n->nout * sizeof(int));
    void *copy = weft__arena_alloc(&g->arena, attr_bytes + 1);
    if (!n->name || !n->in || !n->out || !copy)
        return weft__fail(WEFT_ENOMEM, "graph: out of memory");
    if (attr_bytes) memcpy(copy, attr, attr_bytes);
    n->attr = copy;
    for (int i = 0; i < n->nin; i++) {
        if (in[i].id < 0 || in[i].id >= g->values)
            return weft__fail(WEFT_EUSAGE, "%s: input %d is not a value of this graph",
                              n->name, i);
        n->in[i] = in[i].id;
    }
    return WEFT_OK;
}

static weft_status outputs_add(weft_graph *g, weft__node *n)
{
    weft__tensor out[2][64];
    memset(out, 0, sizeof out);
    if (n->nout > 64) return weft__fail(WEFT_EUSAGE, "%s: more than 64 outputs", n->name);
    weft_status s = infer_both(g, n, out[0], 0);
    if (!s) s = infer_both(g, n, out[1], 1);
    for (int k = 0; k < n->nout && !s; k++) {
        char name[300];
        snprintf(name, sizeof name, k ? "%.280s:%d" : "%.280s", n->name, k);
        weft__value *v = value_add(g, weft__arena_text(&g->arena, name), WEFT_KIND_RESULT,
                                   out[0][k].type);
        if (!v) return WEFT_ENOMEM;
        v->node = g->nodes;
        v->slot = k;
        for (int b = 0; b < 2; b++) {
            v->shape[b].rank = out[b][k].rank;
            memcpy(v->shape[b].dim, out[b][k].dim, sizeof v->shape[b].dim);
        }
        n->out[k] = g->values - 1;
    }
    return s;
}

weft_value weft__node_add(weft_graph *g, const char *op, const void *attr,
                          size_t attr_bytes, const weft_value *in, int nin, int nout)
{
    if (g->status) return none();
    const weft__op_pair *pair = weft__op_find(op);
    weft__node *all = grown(g->node, &g->node_room, g->nodes, sizeof *all);
    if (all) g->node = all;
    weft_status s = WEFT_OK;
    if (!all)
        s = weft__fail(WEFT_ENOMEM, "graph: out of memory");
    else if (!pair)
        s = weft__fail(WEFT_EBUG, "%s: no such operator", op);
    if (s) return weft__graph_fail(g, s);
    weft__node *n = &g->node[g->nodes];
    *n = (weft__node){.op = pair->f32, .nin = nin, .nout = nout, .number = g->nodes};
    s = node_fill(g, n, attr, attr_bytes, in);
    if (!s) s = outputs_add(g, n);
    if (s) return weft__graph_fail(g, s);
    for (int i = 0; i < nin; i++) g->value[n->in[i]].uses++;
    g->nodes++;
    return (weft_value){n->out[0]};
}

weft_value weft__node_out(const weft_graph *g, weft_value first, int k)
{
    if (g->status || !first.id) return none();
    const weft__node *n = &g->node[g->value[first.id].node];
    return (weft_value){n->out[k]};
}

void weft__sample_range(weft_graph *g, weft_value v, double low, double high)
{
    if (!v.id) return;
    g->value[v.id].sampled = true;
    g->value[v.id].low = low;
    g->value[v.id].high = high;
}

weft_shape weft__nominal_shape(const weft_graph *g, weft_value v)
{
    return g->value[v.id].shape[0];
}

const weft__node *weft__node_of(const weft_graph *g, weft_value v)
{
    const weft__value *p = &g->value[v.id];
    return v.id && p->kind == WEFT_KIND_RESULT ? &g->node[p->node] : NULL;
}

void weft_graph_push(weft_graph *g, const char *name)
{
    size_t n = strlen(g->prefix);
    int room = (int)(sizeof g->scope / sizeof *g->scope);
    if (n + strlen(name) + 2 > sizeof g->prefix || g->scopes == room) {
        weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "%s: names are nested too deeply", name));
        return;
    }
    g->scope[g->scopes++] = (int)n;
    snprintf(g->prefix + n, sizeof g->prefix - n, "%s.", name);
}

void weft_graph_pop(weft_graph *g)
{
    if (g->scopes) g->prefix[g->scope[--g->scopes]] = '\0';
}

void weft_graph_name(weft_graph *g, weft_value v, const char *name)
{
    if (g->status || !v.id || g->value[v.id].kind != WEFT_KIND_RESULT) return;
    const char *full = full_name(g, name);
    if (!full) return;
    weft__node *n = &g->node[g->value[v.id].node];
    n->name = full;
    for (int k = 0; k < n->nout; k++) {
        char text[300];
        snprintf(text, sizeof text, k ? "%.280s:%d" : "%.280s", full, k);
        const char *copy = weft__arena_text(&g->arena, text);
        if (copy) g->value[n->out[k]].name = copy;
    }
}

void weft_output(weft_graph *g, weft_value v, const char *name)
{
    if (g->status) return;
    const char *copy = weft__arena_text(&g->arena, name);
    if (!v.id || g->outputs == 64 || !copy)
        weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "%s: not a value, or more than 64 outputs", name));
    else
        g->output[g->outputs++] = (weft__output){v.id, copy};
}

weft_shape weft_shape_of(const weft_graph *g, weft_value v)
{
    weft_shape s = g->value[v.id].shape[0];
    if (s.rank > 0 && s.dim[0] != g->value[v.id].shape[1].dim[0]) s.dim[0] = 0;
    return s;
}

weft_type weft_type_of(const weft_graph *g, weft_value v)
{
    return g->value[v.id].type;
}

const char *weft_name_of(const weft_graph *g, weft_value v)
{
    return v.id ? g->value[v.id].name : "";
}

weft_value weft_find(const weft_graph *g, const char *name)
{
    for (int i = 1; i < g->values; i++)
        if (!strcmp(g->value[i].name, name)) return (weft_value){i};
    for (int i = 0; i < g->outputs; i++)
        if (!strcmp(g->output[i].name, name)) return (weft_value){g->output[i].value};
    return none();
}

int weft_input_count(const weft_graph *g)
{
    int n = 0;
    for (int i = 1; i < g->values; i++) n += g->value[i].kind == WEFT_KIND_INPUT;
    return n;
}

int weft_input_limit(const weft_graph *g, weft_value v)
{
    if (v.id < 1 || v.id >= g->values) return 0;
    const weft__value *x = &g->value[v.id];
    return x->kind == WEFT_KIND_INPUT && x->type == WEFT_I32 ? x->limit : 0;
}

weft_value weft_input_at(const weft_graph *g, int i)
{
    for (int v = 1; v < g->values; v++)
        if (g->value[v].kind == WEFT_KIND_INPUT && i-- == 0) return (weft_value){v};
    return none();
}

int weft_output_count(const weft_graph *g)
{
    return g->outputs;
}

weft_value weft_output_at(const weft_graph *g, int i)
{
    return i >= 0 && i < g->outputs ? (weft_value){g->output[i].value} : none();
}

int weft_node_count(const weft_graph *g)
{
    return g->nodes;
}
