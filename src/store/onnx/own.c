/* own.c: notes of the writer for the reader: buffers, frozen parameters, limits. */
#include "store/onnx/own.h"

#include "base/error.h"
#include "graph/graph.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

/* The entry that the line at *text names; moves *text to the next line. -1: none. */
static int line(const weft__onnx_reader *r, const char **text)
{
    char name[1024];
    size_t n = strcspn(*text, "\n");
    const char *start = *text;
    *text += n + (start[n] == '\n');
    if (!n || n >= sizeof name) return -1;
    memcpy(name, start, n);
    name[n] = 0;
    return weft__onnx_find(r, name);
}

void weft__onnx_own_marks(weft__onnx_reader *r)
{
    const char *buffers = weft_meta_get(r->own, PB_META_BUFFERS);
    const char *frozen = weft_meta_get(r->own, PB_META_FROZEN);
    while (buffers && *buffers) {
        int e = line(r, &buffers);
        if (e >= 0) r->entry[e].buffer = true;
    }
    while (frozen && *frozen) {
        int e = line(r, &frozen);
        if (e >= 0) r->entry[e].frozen = true;
    }
}

/* "NUMBER NAME" per line: for the entries of those names. */
static void read_notes(weft__onnx_reader *r, const char *key, const char *text)
{
    while (*text) {
        char *end;
        long number = strtol(text, &end, 10);
        bool good = end != text && *end == ' ' && number >= 0 && number < INT_MAX;
        text = *end == ' ' ? end + 1 : end;
        int e = line(r, &text);
        weft__onnx_own_note *note =
            good && e >= 0 ? weft__arena_alloc(&r->arena, sizeof *note) : NULL;
        if (!note) continue;
        *note = (weft__onnx_own_note){key, (int)number, r->entry[e].note};
        r->entry[e].note = note;
    }
}

void weft__onnx_own_read_notes(weft__onnx_reader *r)
{
    size_t n = strlen(PB_META_NOTE);
    for (int i = 0; i < weft_meta_count(r->own); i++) {
        const char *key = weft_meta_key(r->own, i);
        if (!strncmp(key, PB_META_NOTE, n))
            read_notes(r, key + n, weft_meta_get(r->own, key));
    }
}

int weft__onnx_own_note_of(const weft__onnx_node *n, const char *key)
{
    enum { MOST = 100 };
    int e = n->item->p->n_output ? n->item->out[0] : -1, steps = 0;
    const weft__onnx_own_note *note = e < 0 ? NULL : n->r->entry[e].note;
    for (; note && steps < MOST; note = note->next, steps++)
        if (!strcmp(note->key, key)) return note->number;
    return -1;
}

int weft__onnx_own_limit(const weft__onnx_reader *r, const char *input)
{
    const char *text = weft_meta_get(r->own, PB_META_LIMITS);
    int wanted = weft__onnx_find(r, input);
    while (text && *text) {
        char *end;
        long limit = strtol(text, &end, 10);
        text = *end == ' ' ? end + 1 : end;
        if (line(r, &text) == wanted && limit > 0 && limit < INT_MAX) return (int)limit;
    }
    return INT_MAX;
}

/* ---- writing ---- */

/* Text that grows; bad once there was no memory. */
typedef struct lines {
    char *text;
    size_t used;
    bool bad;
} lines;

/* number below 0: none */
static void add(lines *l, const char *name, int value)
{
    char number[32] = "";
    if (value >= 0) snprintf(number, sizeof number, "%d ", value);
    size_t more = strlen(number) + strlen(name) + 2;
    char *text = realloc(l->text, l->used + more);
    if (!text) {
        l->bad = true;
        return;
    }
    l->text = text;
    l->used += (size_t)snprintf(text + l->used, more, "%s%s%s", l->used ? "\n" : "",
                                number, name);
}

static weft_status set(weft_meta *to, const char *key, lines *l)
{
    weft_status s = WEFT_OK;
    if (l->bad)
        s = weft__fail(WEFT_ENOMEM, "no memory for metadata");
    else if (l->used)
        s = weft_meta_set(to, key, l->text);
    free(l->text);
    return s;
}

static weft_status add_key(const char *key, lines *l, weft_meta *to)
{
    char name[200];
    snprintf(name, sizeof name, "%s%.100s", PB_META_NOTE, key);
    return set(to, name, l);
}

/* Oldest first; keys in the order in which they came up. */
weft_status weft__onnx_own_notes(weft__onnx_noted *last, weft_meta *to)
{
    weft__onnx_noted *all = NULL;
    weft_status s = WEFT_OK;
    while (last) {
        weft__onnx_noted *next = last->next;
        last->next = all;
        all = last;
        last = next;
    }
    for (weft__onnx_noted *n = all; n && !s; n = n->next) {
        lines l = {0};
        const char *key = n->key;
        for (weft__onnx_noted *k = n; k && key; k = k->next) {
            if (!k->key || strcmp(k->key, key)) continue;
            add(&l, k->name, k->number);
            k->key = NULL;
        }
        if (key) s = add_key(key, &l, to);
    }
    return s;
}

weft_status weft__onnx_own_write(const weft_graph *g, const bool *needed, weft_meta *to)
{
    lines buffers = {0}, frozen = {0}, limits = {0};
    for (int v = 1; v < g->values; v++) {
        const weft__value *p = &g->value[v];
        if (!needed[v]) continue;
        if (p->kind == WEFT_KIND_INPUT && p->type == WEFT_I32 && p->limit > 0 &&
            p->limit < INT_MAX)
            add(&limits, p->name, p->limit);
        if (p->kind == WEFT_KIND_BUFFER) add(&buffers, p->name, -1);
        if (p->kind == WEFT_KIND_PARAM && p->frozen) add(&frozen, p->name, -1);
    }
    weft_status s = set(to, PB_META_BUFFERS, &buffers);
    weft_status f = set(to, PB_META_FROZEN, &frozen);
    weft_status l = set(to, PB_META_LIMITS, &limits);
    return s ? s : f ? f : l;
}
