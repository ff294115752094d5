/* link.c: who writes and who reads each name of an ONNX graph, in which order. */
#include "store/onnx/read.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "no memory for the model's names");
}

static int by_name(const void *a, const void *b)
{
    const weft__onnx_entry *p = a, *q = b;
    return strcmp(p->name, q->name);
}

int weft__onnx_find(const weft__onnx_reader *r, const char *name)
{
    weft__onnx_entry key = {.name = name};
    if (!r->entries) return -1;
    const weft__onnx_entry *e =
        bsearch(&key, r->entry, (size_t)r->entries, sizeof *e, by_name);
    return e ? (int)(e - r->entry) : -1;
}

weft__onnx_entry *weft__onnx_entry_at(const weft__onnx_reader *r, int i)
{
    return i < 0 ? NULL : &r->entry[r->entry[i].same];
}

static bool has(const char *name)
{
    return name && *name;
}

static void add(weft__onnx_reader *r, weft__onnx_entry e)
{
    r->entry[r->entries++] = e;
}

/* Whoever brings the name: for messages. */
static const char *bringer(const weft__onnx_reader *r, const weft__onnx_entry *e)
{
    if (e->input) return "an input of the graph";
    if (e->initializer) return "an initializer";
    const pb_node *p = r->p->node[e->node];
    return has(p->name) ? p->name : p->op_type;
}

/* An initializer may also be listed as an input (before IR 4): then it is no input. */
static weft_status merge(weft__onnx_reader *r)
{
    int used = 0;
    qsort(r->entry, (size_t)r->entries, sizeof *r->entry, by_name);
    for (int i = 0; i < r->entries; i++) {
        weft__onnx_entry *e = &r->entry[i], *last = used ? &r->entry[used - 1] : NULL;
        if (!last || strcmp(e->name, last->name)) {
            r->entry[used++] = *e;
        } else if ((e->input && last->initializer && !last->input) ||
                   (e->initializer && last->input && !last->initializer)) {
            if (e->initializer) last->initializer = e->initializer;
            last->input = NULL;
        } else {
            char a[300];
            snprintf(a, sizeof a, "%s", bringer(r, last));
            return weft__fail(WEFT_EMODEL, "\"%s\" comes twice: from %s and from %s",
                              e->name, a, bringer(r, e));
        }
    }
    r->entries = used;
    return WEFT_OK;
}

static weft_status collect(weft__onnx_reader *r)
{
    const pb_graph *p = r->p;
    size_t room = p->n_input + p->n_initializer + 1;
    for (size_t i = 0; i < p->n_node; i++) room += p->node[i]->n_output;
    r->entry = weft__arena_alloc(&r->arena, room * sizeof *r->entry);
    if (!r->entry) return no_memory();
    for (size_t i = 0; i < p->n_input; i++) {
        if (!has(p->input[i]->name))
            return weft__fail(WEFT_EMODEL, "input %zu of the graph has no name", i);
        add(r, (weft__onnx_entry){
                   .name = p->input[i]->name, .input = p->input[i], .node = -1});
    }
    for (size_t i = 0; i < p->n_initializer; i++) {
        const pb_tensor *t = p->initializer[i];
        if (!has(t->name))
            return weft__fail(WEFT_EMODEL, "initializer %zu has no name", i);
        add(r, (weft__onnx_entry){.name = t->name, .initializer = t, .node = -1});
    }
    for (size_t i = 0; i < p->n_node; i++)
        for (size_t k = 0; k < p->node[i]->n_output; k++)
            if (has(p->node[i]->output[k]))
                add(r, (weft__onnx_entry){.name = p->node[i]->output[k],
                                          .node = (int)i,
                                          .slot = (int)k});
    weft_status s = merge(r);
    for (int i = 0; i < r->entries && !s; i++) r->entry[i].same = i;
    return s;
}

static weft_status resolve(weft__onnx_reader *r, int i)
{
    const pb_node *p = r->p->node[i];
    weft__onnx_item *item = &r->item[i];
    item->p = p;
    item->label = has(p->name)                       ? p->name
                  : p->n_output && has(p->output[0]) ? p->output[0]
                                                     : "without a name";
    if (!has(p->op_type))
        return weft__fail(WEFT_EMODEL, "node %s has no op_type", item->label);
    if (!p->n_output)
        return weft__fail(WEFT_EMODEL, "node %s (%s): has no output", item->label,
                          p->op_type);
    item->in = weft__arena_alloc(&r->arena, (p->n_input + 1) * sizeof(int));
    item->out = weft__arena_alloc(&r->arena, (p->n_output + 1) * sizeof(int));
    if (!item->in || !item->out) return no_memory();
    for (size_t k = 0; k < p->n_input; k++) {
        item->in[k] = has(p->input[k]) ? weft__onnx_find(r, p->input[k]) : -1;
        if (has(p->input[k]) && item->in[k] < 0)
            return weft__fail(WEFT_EMODEL, "node %s (%s): nothing gives its input \"%s\"",
                              item->label, p->op_type, p->input[k]);
    }
    for (size_t k = 0; k < p->n_output; k++)
        item->out[k] = has(p->output[k]) ? weft__onnx_find(r, p->output[k]) : -1;
    return WEFT_OK;
}

/* Depth-first from every output of the graph along inputs, without recursion: a needed
 * node is done after all it needs. color 1: on the path; 2: done. */
typedef struct walk {
    int *stack, *next, depth;
    char *color;
} walk;

static weft_status cycle(const weft__onnx_reader *r, const walk *w, int node)
{
    char text[600];
    size_t at = 0;
    int from = w->depth - 1;
    while (from > 0 && w->stack[from] != node) from--;
    for (int i = from; i < w->depth && at < sizeof text - 1; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.60s",
                               i > from ? ", " : "", r->item[w->stack[i]].label);
    return weft__fail(WEFT_EMODEL, "the graph has a cycle through the nodes %s", text);
}

static weft_status visit(weft__onnx_reader *r, walk *w, int start)
{
    w->depth = 0;
    w->stack[w->depth] = start;
    w->next[w->depth++] = 0;
    w->color[start] = 1;
    while (w->depth) {
        int node = w->stack[w->depth - 1], *k = &w->next[w->depth - 1];
        weft__onnx_item *item = &r->item[node];
        if (*k == (int)item->p->n_input) {
            w->color[node] = 2;
            item->needed = true;
            r->order[r->ordered++] = node;
            w->depth--;
            continue;
        }
        int e = item->in[(*k)++], from = e < 0 ? -1 : r->entry[e].node;
        if (from >= 0 && w->color[from] == 1) return cycle(r, w, from);
        if (from < 0 || w->color[from]) continue;
        w->color[from] = 1;
        w->stack[w->depth] = from;
        w->next[w->depth++] = 0;
    }
    return WEFT_OK;
}

/* Marks what the outputs need, then lists it in the file's order where possible. */
static weft_status order(weft__onnx_reader *r, walk *w, bool all)
{
    weft_status s = WEFT_OK;
    memset(w->color, 0, (size_t)r->items);
    r->ordered = 0;
    if (all) {
        for (int i = 0; i < r->items && !s; i++)
            if (r->item[i].needed && !w->color[i]) s = visit(r, w, i);
        return s;
    }
    for (size_t i = 0; i < r->p->n_output && !s; i++) {
        const char *name = r->p->output[i]->name;
        int e = has(name) ? weft__onnx_find(r, name) : -1;
        if (e < 0)
            return weft__fail(WEFT_EMODEL, "nothing gives the graph's output \"%s\"",
                              has(name) ? name : "");
        for (size_t k = 0; k < i; k++)
            if (!strcmp(name, r->p->output[k]->name))
                return weft__fail(WEFT_EMODEL, "the graph's output \"%s\" comes twice",
                                  name);
        r->entry[e].users++;
        int node = r->entry[e].node;
        if (node >= 0 && !w->color[node]) s = visit(r, w, node);
    }
    return s;
}

static void count_users(weft__onnx_reader *r)
{
    for (int i = 0; i < r->items; i++)
        for (size_t k = 0; r->item[i].needed && k < r->item[i].p->n_input; k++)
            if (r->item[i].in[k] >= 0) r->entry[r->item[i].in[k]].users++;
}

static weft_status check_ends(const weft__onnx_reader *r)
{
    enum { MOST = 64, MOST_INPUTS = 1024 };
    size_t given = r->p->n_input;
    if (given > r->p->n_initializer && given - r->p->n_initializer > MOST_INPUTS)
        return weft__fail(WEFT_ENOMEM, "the graph has more than %d inputs", MOST_INPUTS);
    if (!r->p->n_output) return weft__fail(WEFT_EMODEL, "the graph has no output");
    if (r->p->n_output > MOST)
        return weft__fail(WEFT_EMODEL,
                          "the graph has %zu outputs, at most %d are supported",
                          r->p->n_output, MOST);
    return WEFT_OK;
}

weft_status weft__onnx_link(weft__onnx_reader *r)
{
    weft_status s = check_ends(r);
    size_t n = r->p->n_node;
    r->items = (int)n;
    r->item = weft__arena_alloc(&r->arena, (n + 1) * sizeof *r->item);
    r->order = weft__arena_alloc(&r->arena, (n + 1) * sizeof *r->order);
    walk w = {.stack = weft__arena_alloc(&r->arena, (n + 1) * sizeof(int)),
              .next = weft__arena_alloc(&r->arena, (n + 1) * sizeof(int)),
              .color = weft__arena_alloc(&r->arena, n + 1)};
    if (!r->item || !r->order || !w.stack || !w.next || !w.color) return no_memory();
    if (!s) s = collect(r);
    for (int i = 0; i < r->items && !s; i++) {
        s = resolve(r, i);
        if (!s) s = weft__onnx_check_attributes(&r->item[i]);
    }
    if (!s) s = order(r, &w, false);
    if (!s) s = order(r, &w, true);
    if (!s) count_users(r);
    return s;
}
