/* param.c: parameters, buffers and constants: where they live, and copies in and
 * out. */
#include "graph/graph.h"

#include "base/checked.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 }; /* bytes; every parameter starts on such a boundary */

static void *aligned(size_t count, size_t size)
{
    size_t bytes;
    if (!weft__mul(count, size, &bytes) || bytes > weft__max_memory()) return NULL;
    bytes = weft__round_up(bytes ? bytes : 1, ALIGN);
    void *p = weft__block_alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

/* Every input, parameter and constant lies as the first operator to read it wants
 * it. */
static weft_status choose_layouts(weft_graph *g)
{
    weft__layout *layout = calloc((size_t)g->values, sizeof *layout);
    bool *known = calloc((size_t)g->values, sizeof *known);
    weft_status s =
        layout && known ? WEFT_OK : weft__fail(WEFT_ENOMEM, "graph: out of memory");
    for (int n = 0; n < g->nodes && !s; n++) {
        const weft__node *node = &g->node[n];
        size_t room = (size_t)(node->nin + node->nout);
        weft__tensor *t = calloc(room, sizeof *t);
        weft__layout *o = calloc(room, sizeof *o);
        if (!t || !o) s = weft__fail(WEFT_ENOMEM, "graph: out of memory");
        for (int i = 0; i < node->nin && !s; i++) {
            t[i] = weft__nominal(g, node->in[i], 0);
            t[i].layout = layout[node->in[i]];
        }
        for (int k = 0; k < node->nout && !s; k++)
            t[node->nin + k] = weft__nominal(g, node->out[k], 0);
        if (!s) weft__choose_layout(node, t, t + node->nin, o, o + node->nin);
        for (int i = 0; i < node->nin && !s; i++) {
            int v = node->in[i];
            if (!v || known[v] || g->value[v].kind == WEFT_KIND_RESULT) continue;
            known[v] = true;
            layout[v] = g->value[v].layout = o[i];
        }
        for (int k = 0; k < node->nout && !s; k++)
            layout[node->out[k]] = o[node->nin + k];
        free(t);
        free(o);
    }
    free(layout);
    free(known);
    return s;
}

static bool is_param(const weft__value *v)
{
    return v->kind == WEFT_KIND_PARAM || v->kind == WEFT_KIND_BUFFER;
}

static bool is_trained(const weft__value *v)
{
    return v->kind == WEFT_KIND_PARAM && !v->frozen;
}

static size_t padded(const weft_graph *g, int v)
{
    weft__tensor t = weft__nominal(g, v, 0);
    return weft__round_up(t.count, ALIGN / sizeof(float));
}

/* A trained parameter is sparse when each of its readers says what rows it touches. */
static void find_row_sparse(weft_graph *g)
{
    for (int n = 0; n < g->nodes; n++) {
        const weft__node *node = &g->node[n];
        unsigned writes_rows = node->op->writes_rows ? node->op->writes_rows(node) : 0;
        for (int i = 0; i < node->nin && i < 32; i++)
            if (writes_rows >> i & 1 && is_trained(&g->value[node->in[i]]))
                g->value[node->in[i]].sparse = true;
    }
    for (int n = 0; n < g->nodes; n++) {
        const weft__node *node = &g->node[n];
        unsigned writes_rows = node->op->writes_rows ? node->op->writes_rows(node) : 0;
        for (int i = 0; i < node->nin; i++)
            if (i >= 32 || !(writes_rows >> i & 1)) g->value[node->in[i]].sparse = false;
    }
}

/* Numbers the parameters: trained ones first, each group in the order of making. */
static weft_status number(weft_graph *g)
{
    g->param = calloc((size_t)g->values, sizeof *g->param);
    if (!g->param) return weft__fail(WEFT_ENOMEM, "graph: out of memory");
    for (int trained = 1; trained >= 0; trained--)
        for (int v = 1; v < g->values; v++)
            if (is_param(&g->value[v]) && is_trained(&g->value[v]) == (trained == 1)) {
                g->param[g->params++] = v;
                g->trainable += trained;
            }
    return WEFT_OK;
}

/* The parts of the parameters' memory, as they follow each other. */
typedef enum part { DECAYED, PLAIN, SPARSE, BUFFERS } part;

static part part_of(const weft__value *v)
{
    if (!is_trained(v)) return BUFFERS;
    return v->sparse ? SPARSE : v->no_decay ? PLAIN : DECAYED;
}

/* Places the values of a part after `at` elements of base; returns where they end. */
static size_t place(weft_graph *g, char *base, size_t at, part which)
{
    size_t element = weft__element(g, WEFT_F32);
    for (int i = 0; i < g->params; i++) {
        weft__value *v = &g->value[g->param[i]];
        if (part_of(v) != which) continue;
        if (base) v->data = base + at * element;
        at += padded(g, g->param[i]);
    }
    return at;
}

/* After a failure: as if it had not been tried. */
static weft_status undo(weft_graph *g, weft_status s)
{
    free(g->param);
    free(g->slab);
    free(g->buffers);
    g->param = NULL;
    g->slab = g->buffers = NULL;
    g->params = g->trainable = 0;
    return s;
}

weft_status weft__graph_finalize(weft_graph *g, const char *by)
{
    if (g->status) return weft_graph_status(g);
    if (g->finalized) return WEFT_OK;
    weft_status s = choose_layouts(g);
    if (!s) s = number(g);
    if (s) return undo(g, s);
    find_row_sparse(g);
    g->decayed = place(g, NULL, 0, DECAYED);
    g->dense = place(g, NULL, g->decayed, PLAIN);
    g->slab_count = place(g, NULL, g->dense, SPARSE);
    g->buffer_count = place(g, NULL, 0, BUFFERS);
    g->slab = aligned(g->slab_count, weft__element(g, WEFT_F32));
    g->buffers = aligned(g->buffer_count, weft__element(g, WEFT_F32));
    if (!g->slab || !g->buffers)
        return undo(g, weft__fail(WEFT_ENOMEM, "graph: no memory for %zu parameters",
                                  g->slab_count + g->buffer_count));
    place(g, g->slab, 0, DECAYED);
    place(g, g->slab, g->decayed, PLAIN);
    place(g, g->slab, g->dense, SPARSE);
    place(g, g->buffers, 0, BUFFERS);
    g->finalized = by;
    return WEFT_OK;
}

weft_status weft_graph_finalize(weft_graph *g)
{
    return weft__graph_finalize(g, "weft_graph_finalize");
}

/* Lists of rows, with room for all. */
static weft_status row_set_alloc(weft_graph *g, weft__value *v)
{
    weft__tensor t = weft__nominal(g, (int)(v - g->value), 0);
    weft__row_set *list = v->row_set = weft__arena_alloc(&g->arena, sizeof *list);
    if (!list) return weft__fail(WEFT_ENOMEM, "graph: out of memory");
    list->rows = t.dim[0];
    list->wide = t.count / (size_t)t.dim[0];
    list->row = weft__arena_alloc(&g->arena, (size_t)list->rows * sizeof *list->row);
    list->seen = weft__arena_alloc(&g->arena, (size_t)list->rows);
    if (list->row && list->seen) return WEFT_OK;
    return weft__fail(WEFT_ENOMEM, "%s: no memory for a list of its rows", v->name);
}

void weft__gradients_clear_rows(weft_graph *g)
{
    for (int i = 0; i < g->trainable; i++) {
        weft__value *v = &g->value[g->param[i]];
        weft__row_set *t = v->row_set;
        size_t bytes = t ? t->wide * weft__element(g, WEFT_F32) : 0;
        for (int k = 0; t && k < t->count; k++) {
            memset((char *)v->gradient + (size_t)t->row[k] * bytes, 0, bytes);
            t->seen[t->row[k]] = 0;
        }
        if (t) t->count = 0;
    }
}

weft_status weft__gradients_alloc(weft_graph *g)
{
    if (g->gradients) return WEFT_OK;
    size_t element = weft__element(g, WEFT_F32);
    g->gradients = aligned(g->slab_count, element);
    if (!g->gradients)
        return weft__fail(WEFT_ENOMEM, "graph: no memory for %zu gradients",
                          g->slab_count);
    for (int i = 0; i < g->trainable; i++) {
        weft__value *v = &g->value[g->param[i]];
        v->gradient = (char *)g->gradients + ((char *)v->data - (char *)g->slab);
        weft_status s = v->sparse ? row_set_alloc(g, v) : WEFT_OK;
        if (s) return s;
    }
    return WEFT_OK;
}

weft_status weft__const_materialize(weft_graph *g, weft__value *v)
{
    if (v->data) return WEFT_OK;
    weft__tensor t = weft__nominal(g, (int)(v - g->value), 0);
    t.data = v->data = aligned(t.count, weft__element(g, v->type));
    if (!v->data) return weft__fail(WEFT_ENOMEM, "%s: out of memory", v->name);
    weft__to_storage(&t, g->f64, v->given);
    return WEFT_OK;
}

weft__tensor weft__stored(const weft_graph *g, int v, bool gradient)
{
    weft__tensor t = weft__nominal(g, v, 0);
    t.data = gradient ? g->value[v].gradient : g->value[v].data;
    return t;
}

/* Visits every element in logical order: index i is at the returned place of
 * storage. */
typedef struct cursor {
    int rank, dim[WEFT_MAX_RANK], at[WEFT_MAX_RANK];
    size_t stride[WEFT_MAX_RANK], place;
} cursor;

static cursor cursor_at_start(const weft__tensor *t)
{
    cursor c = {.rank = t->rank};
    memcpy(c.dim, t->dim, sizeof c.dim);
    weft__strides(t, c.stride);
    return c;
}

static void cursor_next(cursor *c)
{
    for (int a = c->rank - 1; a >= 0; a--) {
        c->place += c->stride[a];
        if (++c->at[a] < c->dim[a]) return;
        c->place -= c->stride[a] * (size_t)c->dim[a];
        c->at[a] = 0;
    }
}

void weft__to_storage(const weft__tensor *t, bool f64, const void *logical)
{
    cursor c = cursor_at_start(t);
    for (size_t i = 0; i < t->count; i++, cursor_next(&c))
        if (t->type == WEFT_I32)
            ((int32_t *)t->data)[c.place] = ((const int32_t *)logical)[i];
        else if (f64)
            ((double *)t->data)[c.place] = ((const float *)logical)[i];
        else
            ((float *)t->data)[c.place] = ((const float *)logical)[i];
}

void weft__from_storage(const weft__tensor *t, bool f64, void *logical)
{
    cursor c = cursor_at_start(t);
    for (size_t i = 0; i < t->count; i++, cursor_next(&c))
        if (t->type == WEFT_I32)
            ((int32_t *)logical)[i] = ((const int32_t *)t->data)[c.place];
        else if (f64)
            ((float *)logical)[i] = (float)((const double *)t->data)[c.place];
        else
            ((float *)logical)[i] = ((const float *)t->data)[c.place];
}

int weft_param_count(const weft_graph *g)
{
    int n = 0;
    for (int v = 1; v < g->values; v++) n += is_param(&g->value[v]);
    return n;
}

weft_param_info weft_param_at(const weft_graph *g, int i)
{
    int v = 0;
    if (g->finalized) {
        v = g->param[i];
    } else {
        for (int trained = 1; trained >= 0 && !v; trained--)
            for (int k = 1; k < g->values && !v; k++)
                if (is_param(&g->value[k]) &&
                    is_trained(&g->value[k]) == (trained == 1) && i-- == 0)
                    v = k;
    }
    const weft__value *p = &g->value[v];
    return (weft_param_info){.name = p->name,
                             .value = {v},
                             .shape = p->shape[0],
                             .count = weft__nominal(g, v, 0).count,
                             .trainable = is_trained(p),
                             .decay = is_trained(p) && !p->no_decay};
}

bool weft_param_find(const weft_graph *g, const char *name, weft_param_info *out)
{
    for (int i = 0; i < weft_param_count(g); i++) {
        *out = weft_param_at(g, i);
        if (!strcmp(out->name, name)) return true;
    }
    return false;
}

static weft_status check_param(const weft_graph *g, weft_value v, size_t count,
                               bool gradient)
{
    if (v.id < 1 || v.id >= g->values || !is_param(&g->value[v.id]))
        return weft__fail(WEFT_EUSAGE, "not a parameter");
    weft__tensor t = weft__nominal(g, v.id, 0);
    if (t.count != count)
        return weft__fail(WEFT_ESHAPE, "%s: has %zu elements, %zu given",
                          g->value[v.id].name, t.count, count);
    if (gradient && !g->value[v.id].gradient)
        return weft__fail(WEFT_EUSAGE, "%s: has no gradient", g->value[v.id].name);
    return WEFT_OK;
}

weft_status weft_param_set(weft_graph *g, weft_value v, const float *data, size_t count)
{
    weft_status s = check_param(g, v, count, false);
    if (!s) s = weft__graph_finalize(g, "weft_param_set");
    if (s) return s;
    weft__tensor t = weft__stored(g, v.id, false);
    weft__to_storage(&t, g->f64, data);
    g->version++;
    return WEFT_OK;
}

weft_status weft_param_get(const weft_graph *g, weft_value v, float *data, size_t count)
{
    weft_status s = check_param(g, v, count, false);
    if (s) return s;
    if (!g->finalized) {
        memset(data, 0, count * sizeof *data);
        return WEFT_OK;
    }
    weft__tensor t = weft__stored(g, v.id, false);
    weft__from_storage(&t, g->f64, data);
    return WEFT_OK;
}

weft_status weft_param_gradient(const weft_graph *g, weft_value v, float *data,
                                size_t count)
{
    weft_status s = check_param(g, v, count, true);
    if (s) return s;
    weft__tensor t = weft__stored(g, v.id, true);
    weft__from_storage(&t, g->f64, data);
    return WEFT_OK;
}

/* Is v a parameter or buffer of a graph that has not failed? what: the caller, for the
 * message. */
static weft_status want_param(const weft_graph *g, weft_value v, const char *what)
{
    if (g->status) return weft_graph_status(g);
    if (v.id < 1 || v.id >= g->values)
        return weft__fail(WEFT_EUSAGE, "%s: not a value of this graph", what);
    if (!is_param(&g->value[v.id]))
        return weft__fail(WEFT_EUSAGE, "%s: %s is not a parameter", what,
                          g->value[v.id].name);
    return WEFT_OK;
}

/* And can what depends on the layout of its memory still change? */
static weft_status want_open(const weft_graph *g, weft_value v, const char *what)
{
    weft_status s = want_param(g, v, what);
    if (s || !g->finalized) return s;
    return weft__fail(WEFT_EUSAGE, "%s: too late for %s, %s has finalized the graph",
                      what, g->value[v.id].name, g->finalized);
}

weft_status weft_param_freeze(weft_graph *g, weft_value v)
{
    weft_status s = want_open(g, v, "freeze");
    if (!s) g->value[v.id].frozen = true;
    return s;
}

weft_status weft_param_no_decay(weft_graph *g, weft_value v)
{
    weft_status s = want_open(g, v, "no decay");
    if (!s) g->value[v.id].no_decay = true;
    return s;
}

static bool all_finite(const weft_init_opts *o)
{
    return isfinite(o->value) && isfinite(o->low) && isfinite(o->high) &&
           isfinite(o->mean) && isfinite(o->std) && isfinite(o->gain);
}

weft_status weft_param_init(weft_graph *g, weft_value v, const weft_init_opts *opts)
{
    weft_init_opts start = opts ? *opts : (weft_init_opts){.kind = WEFT_INIT_ZERO};
    weft_status s = want_param(g, v, "init");
    if (s) return s;
    const char *name = g->value[v.id].name;
    if ((int)start.kind < 0 || start.kind > WEFT_INIT_ORTHOGONAL)
        return weft__fail(WEFT_EUSAGE, "init: %s: no such kind: %d", name,
                          (int)start.kind);
    if (!all_finite(&start))
        return weft__fail(WEFT_EUSAGE, "init: %s: its numbers must be finite", name);
    g->value[v.id].init = (weft__init){.start = start};
    return WEFT_OK;
}

void weft__param_init_part(weft_graph *g, weft_value v, size_t period, size_t from,
                           size_t count, double value)
{
    if (!v.id) return;
    weft__init *init = &g->value[v.id].init;
    init->period = period;
    init->from = from;
    init->count = count;
    init->value = value;
}

void weft_graph_zero_gradients(weft_graph *g)
{
    if (!g->gradients) return;
    memset(g->gradients, 0, g->dense * weft__element(g, WEFT_F32));
    weft__gradients_clear_rows(g);
}

weft_status weft_params_sha256(const weft_graph *g, char text[65])
{
    weft__sha256 h;
    unsigned char digest[32];
    weft__sha256_start(&h);
    for (int i = 0; i < weft_param_count(g); i++) {
        weft_param_info p = weft_param_at(g, i);
        float *data = weft__alloc(p.count, sizeof *data);
        if (!data) return weft__fail(WEFT_ENOMEM, "%s: out of memory", p.name);
        weft_status s = weft_param_get(g, p.value, data, p.count);
        weft__sha256_add(&h, p.name, strlen(p.name) + 1);
        weft__sha256_add(&h, p.shape.dim, (size_t)p.shape.rank * sizeof(int));
        weft__sha256_add(&h, data, p.count * sizeof *data);
        free(data);
        if (s) return s;
    }
    weft__sha256_end(&h, digest);
    weft__hex(text, digest, 32);
    return WEFT_OK;
}
