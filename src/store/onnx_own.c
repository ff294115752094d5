/* onnx_own.c: notes of the writer for the reader: buffers, frozen parameters, limits. */
#include "store/onnx_own.h"

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

static void add(lines *l, const char *name, int limit)
{
    char number[32] = "";
    if (limit) snprintf(number, sizeof number, "%d ", limit);
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

weft_status weft__onnx_own_write(const weft_graph *g, const bool *needed, weft_meta *to)
{
    lines buffers = {0}, frozen = {0}, limits = {0};
    for (int v = 1; v < g->values; v++) {
        const weft__value *p = &g->value[v];
        if (!needed[v]) continue;
        if (p->kind == WEFT_KIND_INPUT && p->type == WEFT_I32 && p->limit > 0 &&
            p->limit < INT_MAX)
            add(&limits, p->name, p->limit);
        if (p->kind == WEFT_KIND_BUFFER) add(&buffers, p->name, 0);
        if (p->kind == WEFT_KIND_PARAM && p->frozen) add(&frozen, p->name, 0);
    }
    weft_status s = set(to, PB_META_BUFFERS, &buffers);
    weft_status f = set(to, PB_META_FROZEN, &frozen);
    weft_status l = set(to, PB_META_LIMITS, &limits);
    return s ? s : f ? f : l;
}
