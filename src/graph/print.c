/* print.c: a graph as a table, as torchinfo prints it, and as Graphviz dot. */
#include "graph/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *data;
    size_t used, room;
    bool failed;
} text;

static void put(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t bytes = n < 0 ? 0 : n >= (int)sizeof line ? sizeof line - 1 : (size_t)n;
    if (t->used + bytes + 1 > t->room) {
        size_t room = 2 * (t->used + bytes + 512);
        char *data = realloc(t->data, room);
        if (!data) {
            t->failed = true;
            return;
        }
        t->data = data;
        t->room = room;
    }
    memcpy(t->data + t->used, line, bytes + 1);
    t->used += bytes;
}

static char *finished(text *t)
{
    if (!t->failed) return t->data;
    free(t->data);
    return NULL;
}

/* 1234567 as "1,234,567" */
static const char *grouped(char out[32], double x)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", x), k = 0;
    for (int i = 0; i < n && k < 30; i++) {
        if (i && (n - i) % 3 == 0) out[k++] = ',';
        out[k++] = digits[i];
    }
    out[k] = '\0';
    return out;
}

static void shape_at(char *out, size_t size, const weft_graph *g, int v, int batch)
{
    weft_shape s = weft_shape_of(g, (weft_value){v});
    size_t at = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < s.rank && at + 14 < size; i++) {
        long long d = s.dim[i];
        if (!d) /* grows with the batch: so much per sample, perhaps merged with other
                   axes */
            d = (long long)g->value[v].shape[0].dim[0] * batch;
        at += (size_t)snprintf(out + at, size - at, i ? ", %lld" : "%lld", d);
    }
    snprintf(out + at, size - at, "]");
}

/* Parameters that node n is the first to read. */
static double own_params(const weft_graph *g, int n, bool trained, bool *seen)
{
    double sum = 0;
    for (int i = 0; i < g->node[n].nin; i++) {
        int v = g->node[n].in[i];
        const weft__value *x = &g->value[v];
        bool param = x->kind == WEFT_KIND_PARAM && x->frozen != trained;
        if (!v || !param || seen[v]) continue;
        seen[v] = true;
        sum += (double)weft__nominal(g, v, 0).count;
    }
    return sum;
}

static double node_flops(const weft_graph *g, const weft__node *n, int batch)
{
    weft__tensor t[40];
    if (!n->op->flops || n->nin + n->nout > 40) return 0;
    for (int i = 0; i < n->nin; i++) t[i] = weft__nominal(g, n->in[i], 0);
    for (int k = 0; k < n->nout; k++) t[n->nin + k] = weft__nominal(g, n->out[k], 0);
    return n->op->flops(n, t, t + n->nin) * batch;
}

static bool *needed_nodes(const weft_graph *g)
{
    bool *value = calloc((size_t)g->values, 1), *node = calloc((size_t)g->nodes + 1, 1);
    if (!value || !node) {
        free(value);
        free(node);
        return NULL;
    }
    for (int i = 0; i < g->outputs; i++) value[g->output[i].value] = true;
    for (int n = g->nodes - 1; n >= 0; n--) {
        for (int k = 0; k < g->node[n].nout; k++)
            node[n] |= value[g->node[n].out[k]] || !g->outputs;
        for (int i = 0; i < g->node[n].nin && node[n]; i++)
            value[g->node[n].in[i]] = true;
    }
    free(value);
    return node;
}

static void rule(text *t)
{
    put(t, "%.*s\n", 92,
        "=================================================="
        "=============================================");
}

static void fill_row(weft_graph_row *r, const weft_graph *g, int n, int batch, bool *seen)
{
    const weft__node *node = &g->node[n];
    *r = (weft_graph_row){.params = own_params(g, n, true, seen),
                          .frozen = own_params(g, n, false, seen),
                          .mult_adds = node_flops(g, node, batch) / 2,
                          .elements =
                              (double)weft__nominal(g, node->out[0], 0).count * batch};
    snprintf(r->name, sizeof r->name, "%.63s", node->name);
    snprintf(r->op, sizeof r->op, "%.23s", node->op->name);
    if (node->op->describe) node->op->describe(node, r->options, sizeof r->options);
    shape_at(r->shape, sizeof r->shape, g, node->out[0], batch);
}

weft_status weft_graph_rows(const weft_graph *g, int batch, weft_graph_row **out,
                            int *count)
{
    if (g->status) return weft_graph_status(g);
    bool *needed = needed_nodes(g), *seen = calloc((size_t)g->values, 1);
    weft_graph_row *rows = calloc((size_t)g->nodes + 1, sizeof *rows);
    int used = 0;
    if (needed && seen && rows)
        for (int n = 0; n < g->nodes; n++)
            if (needed[n]) fill_row(&rows[used++], g, n, batch, seen);
    bool good = needed && seen && rows;
    free(needed);
    free(seen);
    if (!good) {
        free(rows);
        return weft__fail(WEFT_ENOMEM, "graph: out of memory");
    }
    *out = rows;
    *count = used;
    return WEFT_OK;
}

static void put_row(text *t, const weft_graph_row *r)
{
    char params[32], frozen[40], macs[32], what[64];
    snprintf(what, sizeof what, "%s%s%s", r->op, r->options[0] ? " " : "", r->options);
    grouped(params, r->params + r->frozen);
    snprintf(frozen, sizeof frozen, r->frozen > 0 ? "(%s)" : "%s", params);
    put(t, "%-26.26s %-22.22s %-20s %11s %12s\n", r->name, what, r->shape,
        r->params + r->frozen > 0 ? frozen : "--",
        r->mult_adds > 0 ? grouped(macs, r->mult_adds) : "--");
}

static void put_inputs(text *t, const weft_graph *g, int batch)
{
    for (int i = 0; i < weft_input_count(g); i++) {
        char shape[64];
        weft_value v = weft_input_at(g, i);
        if (g->value[v.id].type == WEFT_I32) continue;
        shape_at(shape, sizeof shape, g, v.id, batch);
        put(t, "%-26.26s %-22s %-20s %11s %12s\n", weft_name_of(g, v), "input", shape,
            "--", "--");
    }
}

char *weft_graph_table(weft_graph *g, int batch)
{
    text t = {0};
    weft_graph_row *rows = NULL;
    int n = 0;
    double trained = 0, frozen = 0, mult_adds = 0, elements = 0;
    char a[32], b[32], c[32];
    if (weft_graph_rows(g, batch, &rows, &n)) return NULL;
    rule(&t);
    put(&t, "%-26s %-22s %-20s %11s %12s\n", "Layer", "Type", "Output Shape", "Param #",
        "Mult-Adds");
    rule(&t);
    put_inputs(&t, g, batch);
    for (int i = 0; i < n; i++) {
        put_row(&t, &rows[i]);
        trained += rows[i].params;
        frozen += rows[i].frozen;
        mult_adds += rows[i].mult_adds;
        elements += rows[i].elements;
    }
    rule(&t);
    put(&t, "Total params: %s\nTrainable params: %s\nNon-trainable params: %s\n",
        grouped(a, trained + frozen), grouped(b, trained), grouped(c, frozen));
    put(&t, "Total mult-adds (M): %.2f\n", mult_adds / 1e6);
    rule(&t);
    put(&t, "Params size (MB): %.2f\nForward pass size (MB): %.2f\n",
        4 * (trained + frozen) / 1e6, 4 * elements / 1e6);
    rule(&t);
    free(rows);
    return finished(&t);
}

/* Quotes and backslashes escaped for a dot string. */
static void put_quoted(text *t, const char *s)
{
    put(t, "\"");
    for (; *s; s++) put(t, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    put(t, "\"");
}

char *weft_graph_dot(weft_graph *g)
{
    text t = {0};
    char shape[64];
    put(&t,
        "digraph weft {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (int v = 1; v < g->values; v++) {
        const weft__value *x = &g->value[v];
        if (x->kind != WEFT_KIND_INPUT) continue;
        put(&t, "  v%d [shape=ellipse, label=", v);
        put_quoted(&t, x->name);
        put(&t, "];\n");
    }
    for (int n = 0; n < g->nodes; n++) {
        put(&t, "  n%d [label=", n);
        put_quoted(&t, g->node[n].name);
        put(&t, "];\n");
        for (int i = 0; i < g->node[n].nin; i++) {
            int v = g->node[n].in[i];
            weft__kind k = g->value[v].kind;
            if (!v || (k != WEFT_KIND_INPUT && k != WEFT_KIND_RESULT)) continue;
            shape_at(shape, sizeof shape, g, v, 1);
            if (k == WEFT_KIND_INPUT)
                put(&t, "  v%d", v);
            else
                put(&t, "  n%d", g->value[v].node);
            put(&t, " -> n%d [label=\"%s\"];\n", n, shape);
        }
    }
    put(&t, "}\n");
    return finished(&t);
}
