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
    weft_shape s = weft_shape_of(g, (weft_val){v});
    size_t at = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < s.rank && at + 14 < size; i++) {
        long long d = s.dim[i];
        if (!d) /* grows with the batch: so much per sample, perhaps merged with other axes */
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
        for (int i = 0; i < g->node[n].nin && node[n]; i++) value[g->node[n].in[i]] = true;
    }
    free(value);
    return node;
}

static void rule(text *t) { put(t, "%.*s\n", 92, "=================================================="
                                                 "============================================="); }

static void table_row(text *t, const weft_graph *g, int n, int batch, bool *seen, double *sums)
{
    const weft__node *node = &g->node[n];
    char shape[64], params[32], frozen[32], macs[32], what[60], options[32] = "";
    double p = own_params(g, n, true, seen), f = own_params(g, n, false, seen);
    double m = node_flops(g, node, batch) / 2;
    if (node->op->describe) node->op->describe(node, options, sizeof options);
    snprintf(what, sizeof what, "%s%s%s", node->op->name, options[0] ? " " : "", options);
    shape_at(shape, sizeof shape, g, node->out[0], batch);
    grouped(params, p + f);
    snprintf(frozen, sizeof frozen, f > 0 ? "(%s)" : "%s", params);
    put(t, "%-26.26s %-22.22s %-20s %11s %12s\n", node->name, what, shape,
        p + f > 0 ? frozen : "--", m > 0 ? grouped(macs, m) : "--");
    sums[0] += p;
    sums[1] += f;
    sums[2] += m;
    sums[3] += (double)weft__nominal(g, node->out[0], 0).count * batch;
}

char *weft_graph_table(weft_graph *g, int batch)
{
    text t = {0};
    bool *needed = needed_nodes(g), *seen = calloc((size_t)g->values, 1);
    double sums[4] = {0};
    char a[32], b[32], c[32];
    if (!needed || !seen || g->status) {
        free(needed);
        free(seen);
        return NULL;
    }
    rule(&t);
    put(&t, "%-26s %-22s %-20s %11s %12s\n", "Layer", "Type", "Output Shape", "Param #",
        "Mult-Adds");
    rule(&t);
    for (int i = 0; i < weft_input_count(g); i++) {
        char shape[64];
        weft_val v = weft_input_at(g, i);
        if (g->value[v.id].type == WEFT_I32) continue;
        shape_at(shape, sizeof shape, g, v.id, batch);
        put(&t, "%-26.26s %-22s %-20s %11s %12s\n", weft_name_of(g, v), "input", shape, "--",
            "--");
    }
    for (int n = 0; n < g->nodes; n++)
        if (needed[n]) table_row(&t, g, n, batch, seen, sums);
    rule(&t);
    put(&t, "Total params: %s\nTrainable params: %s\nNon-trainable params: %s\n",
        grouped(a, sums[0] + sums[1]), grouped(b, sums[0]), grouped(c, sums[1]));
    put(&t, "Total mult-adds (M): %.2f\n", sums[2] / 1e6);
    rule(&t);
    put(&t, "Params size (MB): %.2f\nForward pass size (MB): %.2f\n",
        4 * (sums[0] + sums[1]) / 1e6, 4 * sums[3] / 1e6);
    rule(&t);
    free(needed);
    free(seen);
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
    put(&t, "digraph weft {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n");
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
            if (k == WEFT_KIND_INPUT) put(&t, "  v%d", v);
            else put(&t, "  n%d", g->value[v].node);
            put(&t, " -> n%d [label=\"%s\"];\n", n, shape);
        }
    }
    put(&t, "}\n");
    return finished(&t);
}
